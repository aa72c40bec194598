"""Would the tests see it? Makes each change of mutations.yaml in a copy and runs its tests.

    python tests/run_mutations.py [--only WORDS] [--jobs 2]

Prints what happened to each, then those that no test noticed; exit code 1 if there are any.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_name("mutations.yaml")
# A change may send a test round in circles.
SECONDS = 600


class Mutation(NamedTuple):
    """One change to the file `mlbench/<file>`, and the test files that should notice."""

    name: str
    file: str
    find: str
    put: str
    tests: str


def read_mutations(path: Path = LIST) -> list[Mutation]:
    """Return the changes; exits with a message if one does not fit the code any more."""
    mutations = [Mutation(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
    for mutation in mutations:
        text = (ROOT / "mlbench" / mutation.file).read_text(encoding="utf-8")
        if text.count(mutation.find) != 1:
            n = text.count(mutation.find)
            sys.exit(
                f"{path.name}: {mutation.name!r}: {mutation.file} holds {mutation.find!r} {n} "
                f"times and must hold it once; change `find` to what stands there now"
            )
    return mutations


def copy_project(folder: Path) -> Path:
    """Copy the files that git knows or would add, as they are now."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def is_noticed(mutation: Mutation, copy: Path) -> bool:
    """Make a change in a copy, run its tests, and put the file back."""
    path = copy / "mlbench" / mutation.file
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(mutation.find, mutation.put), encoding="utf-8")
    tests = [f"tests/{name}" for name in mutation.tests.split()]
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--no-header"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *quiet, *tests],
            cwd=copy,
            env=environment,
            capture_output=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(before, encoding="utf-8")
    if done.returncode not in (0, 1):
        output = done.stdout.decode()[-1000:] + done.stderr.decode()[-1000:]
        # Code that does not even import was noticed, tests that are not there were not run.
        if "rror" not in output or "not found" in output:
            sys.exit(f"{mutation.name!r}: pytest ended with {done.returncode}: {output}")
    return done.returncode != 0


def main() -> None:
    """Try all changes, as many at once as there are jobs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="changes whose name or file holds these words")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [m for m in read_mutations() if options.only in f"{m.name} {m.file}"]
    copies: SimpleQueue[Path] = SimpleQueue()

    def attempt(mutation: Mutation) -> bool:
        copy = copies.get()
        try:
            seen = is_noticed(mutation, copy)
        finally:
            copies.put(copy)
        print(f"{'noticed ' if seen else 'SURVIVED'}  {mutation.name}", flush=True)
        return seen

    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        for job in range(options.jobs):
            copies.put(copy_project(Path(folder) / str(job)))
        with ThreadPoolExecutor(options.jobs) as pool:
            seen = list(pool.map(attempt, chosen))
    survivors = [m.name for m, was_seen in zip(chosen, seen, strict=True) if not was_seen]
    print(f"{len(chosen)} changes, {len(survivors)} that no test noticed")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
