"""Can this machine run mlbench? One line a check: what was found, and what to do if it is bad."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from mlbench import __version__, task_files
from mlbench.data import sources
from mlbench.data.languages import find_languages_file, read_languages
from mlbench.errors import MlbenchError
from mlbench.extras import missing_module
from mlbench.families import read_families
from mlbench.models import find_model, read_presets

PACKAGES = ("transformers", "datasets", "babel", "pyarrow", "matplotlib")
FOR_RUNS = ("lm-eval", "torch")
NOT_FOR_RUNS = "not installed; `mlbench run` needs it: pip install 'mlbench[run]'"


class Finding(NamedTuple):
    """One finding; `fix` says what to type if it is not ok."""

    name: str
    is_ok: bool
    found: str
    fix: str = ""


def examine(*, as_json: bool = False) -> int:
    """Print every check; return 0 if all are ok, else 1."""
    console = Console(soft_wrap=True, highlight=False)
    checks = [*_check_software(), *_check_files(), *_check_device()]
    if as_json:
        print(json.dumps([check._asdict() for check in checks], ensure_ascii=False, indent=1))
        return int(not all(check.is_ok for check in checks))
    for check in checks:
        mark = "[green]ok  [/green]" if check.is_ok else "[red]FAIL[/red]"
        console.print(mark, end=" ")
        console.print(f"{check.name:<16} {check.found}", markup=False)
        if not check.is_ok:
            console.print(f"      -> {check.fix}", markup=False)
    n_bad = sum(not check.is_ok for check in checks)
    console.print(f"{len(checks)} checks, {n_bad} failed")
    return 1 if n_bad else 0


def _check_software() -> Iterator[Finding]:
    python = platform.python_version()
    yield Finding("mlbench", True, f"{__version__}, Python {python}, {platform.platform()}")
    for package in PACKAGES:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, "not installed", f"pip install {package}")
    for package in FOR_RUNS:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, True, NOT_FOR_RUNS)


def _check_files() -> Iterator[Finding]:
    path = find_languages_file()
    try:
        yield Finding("languages", True, f"{len(read_languages())} in {path}")
    except MlbenchError as error:
        yield Finding("languages", False, str(error), f"fix {path}")
    try:
        models = [find_model(name) for name in read_presets()]
        yield Finding("models", True, f"{len(models)} presets")
    except MlbenchError as error:
        yield Finding("models", False, str(error), "make demo-models")
    yield Finding("families", True, ", ".join(read_families()))
    folder = task_files.find_tasks_folder()
    problems = task_files.check_stubs(folder, task_files.render_all())
    # Another release of babel knows other languages than the one that a wheel was built with.
    is_installed = folder == Path(task_files.__file__).with_name("tasks")
    found, fix = f"{folder}, {len(problems)} files differ", "mlbench tasks generate"
    if problems and is_installed:
        found = f"{found} from what the CLDR of this babel makes; to write them again: {fix}"
    yield Finding("tasks", is_installed or not problems, found, fix)
    data = os.environ.get(sources.DATA_VARIABLE)
    there = not data or Path(data).is_dir()
    fix = f"unset {sources.DATA_VARIABLE}, or name a folder"
    yield Finding("data", there, f"{sources.DATA_VARIABLE}={data}" if data else "the hub", fix)
    yield _check_writable("cache", sources.find_cache())
    yield _check_writable("runs", Path("runs"))


def _check_writable(name: str, folder: Path) -> Finding:
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    fix = f"make {existing} writable"
    return Finding(name, os.access(existing, os.W_OK), str(folder.absolute()), fix)


def _check_device() -> Iterator[Finding]:
    if missing_module("run"):
        return
    try:
        import torch

        from mlbench.harness.device import resolve_device, resolve_dtype
        from mlbench.settings import Settings
    except ImportError as error:
        yield Finding("device", False, str(error), "pip install --force-reinstall 'mlbench[run]'")
        return
    device, dtype = resolve_device(Settings()), resolve_dtype(Settings())
    yield Finding("device", True, f"{device}, dtype {dtype}, {torch.get_num_threads()} threads")
    if sys.platform == "linux":
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        yield Finding("memory", memory > 2, f"{memory:.0f} GiB", "2 GiB are needed at least")
