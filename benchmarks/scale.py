"""What do commands cost on a run of thousands of cells, in files and in packs?

    python benchmarks/scale.py --models 26 --write docs/scale.md

Makes a run of random scores (all languages, families of choices and texts, 204 docs a cell), asks
each command for it in a process of its own, packs it, and asks again. Seconds are those of the
processor (user), which other programs on the machine hardly change.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pages import machine_note, write_section
from report import make_run

from mlbench import store
from mlbench.store.manifest import Contents, add_to_manifest, read_manifest
from mlbench.store.read import read_run

DRAWN_MODELS = 3
"""Models whose scores are drawn; others have the same under their own names."""

PAIR = ("--a", "org/model-0", "--b", "org/model-1")
COMMANDS = {
    "`list cells`": ("list", "cells"),
    "`verdict` of a pair": ("verdict", *PAIR),
    "`report`": ("report", "--docs", "0"),
}


class Cost(NamedTuple):
    """User seconds and peak memory of a command."""

    seconds: float
    mib: float


def multiply(run: Path, n_models: int) -> int:
    """Give a run more models, with the cells of those it has; return its cells."""
    manifest, found = read_manifest(run), read_run(run)
    first = list(found.models)
    facts = {f"org/model-{i}": {"slug": f"model-{i}"} for i in range(len(first), n_models)}
    cells = []
    for place, (name, about) in enumerate(facts.items()):
        for cell, result in found.done.items():
            if cell.model == first[place % len(first)]:
                cells.append(cell._replace(model=name))
                signature = replace(result.signature, model=name)
                copied = replace(result, cell=cells[-1], signature=signature)
                store.put(store.cell_path(run, about["slug"], cells[-1]), copied)
    languages = found.languages.values()
    add_to_manifest(run, Contents(facts, manifest["families"], cells, languages))
    return len(found.planned) + len(cells)


def call(arguments: list[str], folder: Path) -> Cost:
    """Run mlbench in a process of its own; raises CalledProcessError where it fails."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'mlbench', *sys.argv[1:]], check=True,"
        " stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime, used.ru_maxrss / 1024)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
    )
    return Cost(*map(float, found.stdout.split()))


def measure(folder: Path, run: str) -> dict[str, Cost]:
    """Return what each command costs on a run."""
    costs = {}
    for name, (command, *options) in COMMANDS.items():
        subject = [options.pop(0)] if command == "list" else []
        costs[name] = call([command, *subject, run, *options], folder)
        print(name, run, costs[name], file=sys.stderr)
    return costs


def count_files(run: Path) -> tuple[int, float]:
    """Return the files of a run and their MiB."""
    files = [path for path in run.rglob("*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files) / 2**20


def main() -> None:
    """Print a Markdown table of both forms of the run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--run", type=Path, help="a run that an earlier call made and kept")
    parser.add_argument("--keep", type=Path, help="make the run here and keep it")
    parser.add_argument("--write", type=Path, help="a page with the marker <!-- scale -->")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run = options.run or (options.keep or Path(temporary)) / "run"
        if options.run is None:
            make_run(run, min(options.models, DRAWN_MODELS))
        n_cells = multiply(run, options.models) if options.run is None else 0
        sizes, costs = [count_files(run)], [measure(Path(temporary), str(run.resolve()))]
        packing = call(["pack", str(run.resolve())], Path(temporary))
        sizes.append(count_files(run))
        costs.append(measure(Path(temporary), str(run.resolve())))
    cells = f"{n_cells:,} cells" if n_cells else "a run that was kept"
    lines = [f"| {cells} | a file a cell | packed |", "|---|---|---|"]
    lines.append("| files, MiB | " + " | ".join(f"{n:,}, {mib:.0f}" for n, mib in sizes) + " |")
    for name in COMMANDS:
        row = (f"{its[name].seconds:.1f} s, {its[name].mib:.0f} MiB" for its in costs)
        lines.append(f"| {name} | {' | '.join(row)} |")
    lines.append(f"| `pack` itself | {packing.seconds:.1f} s, {packing.mib:.0f} MiB | |")
    text = "\n".join(lines) + "\n" + machine_note("user seconds and peak memory of each command")
    print(text)
    if options.write:
        write_section(options.write, "scale", text)


if __name__ == "__main__":
    main()
