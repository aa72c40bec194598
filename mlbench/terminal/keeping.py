"""What do `repair`, `pack`, `merge` and `forget` do? Make a run whole, smaller, larger; cut it."""

from collections import Counter
from typing import Annotated

import typer
from rich.console import Console

from mlbench.terminal.options import RunArgument, RunName
from mlbench.wording import plural

Names = Annotated[list[str], typer.Option(help="Only of these.", show_default=False)]
NONE: list[str] = []


def repair(run: RunArgument) -> None:
    """Make a damaged or deleted run.json again, with every cell that is on disk.

    [bold]Example[/bold]

      mlbench repair bench
    """
    from mlbench import store
    from mlbench.store.folder import run_name
    from mlbench.store.repair import ASIDE, repair_run

    done = repair_run(run)
    if done.source == store.MANIFEST:
        begun = f"{store.MANIFEST} is whole"
    else:
        begun = f"{store.MANIFEST} was made again from {done.source or 'the cells alone'}"
    lines = [f"{done.folder}: {begun}; {done.n_known} cells known, {len(done.added)} put back"]
    if done.is_kept_aside:
        lines.append(f"  the damaged one is kept as {done.folder / ASIDE}")
    lines += [f"  not put back: {path}: {reason}" for path, reason in done.left_out]
    lines.append(f"Next: mlbench list cells {run_name(done.folder)}")
    _console().print("\n".join(lines), markup=False)


def pack(run: RunArgument) -> None:
    """Put the finished cells of a large run into a few files; it is read many times faster.

    [bold]Example[/bold]

      mlbench pack bench
    """
    from mlbench.store.folder import run_name
    from mlbench.store.packing import pack_run

    done = pack_run(run)
    lines = [f"{done.folder}: {done.n_moved:,} cells moved; {done.n_packs:,} packs hold its cells"]
    lines += [f"  not packed: {left.reason}" for left in done.left]
    lines.append(f"Next: mlbench list cells {run_name(done.folder)}")
    _console().print("\n".join(lines), markup=False)


def merge(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names, or paths.")],
    run: RunName,
) -> None:
    """Bring the cells of several runs into one: parts of a --shard, models of several machines.

    Cells that two runs scored differently are refused, and nothing is changed.

    [bold]Example[/bold]

      mlbench merge part-1 part-2 --run all
    """
    from mlbench.store.folder import run_name
    from mlbench.store.merge import merge_runs

    done = merge_runs(runs, run)
    name = run_name(done.folder)
    lines = [
        f"{done.folder}: {plural(done.n_new, 'cell')} from {plural(len(runs), 'run')}, "
        f"{done.n_known:,} were there",
        f"Next: mlbench list cells {name}, or mlbench report {name}",
    ]
    _console().print("\n".join(lines), markup=False)


def forget(
    run: RunArgument,
    models: Names = NONE,
    families: Names = NONE,
    languages: Names = NONE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete them; without it they are only named.")
    ] = False,
) -> None:
    """Delete cells of a run: all that are of the models, families and languages you name.

    [bold]Example[/bold]

      mlbench forget bench --models demo-anglo --yes
    """
    from mlbench import store
    from mlbench.store.folder import run_name
    from mlbench.store.forget import Chosen, find_cells, forget_cells

    console, folder = _console(), store.find_run(run)
    cells = (forget_cells if yes else find_cells)(folder, Chosen(models, families, languages))
    for column, n in Counter(f"{cell.family} of {cell.model}" for cell in cells).items():
        console.print(f"  {plural(n, 'cell')}: {column}", markup=False)
    if yes:
        end = f"{len(cells)} cells are gone. Next: mlbench report {run_name(folder)}"
    else:
        end = f"nothing is deleted yet. With --yes these {len(cells)} cells are gone for good"
    console.print(f"{folder}: {end}", markup=False)


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)
