"""What is there? Tables of languages, families, models, and the cells of a run."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlbench.data.languages import read_controls, read_languages, select_languages
from mlbench.errors import SelectionError, StoreError, unknown
from mlbench.records import Cell, Language, Score

if TYPE_CHECKING:
    from mlbench.measures import Measure
    from mlbench.stats import Level
    from mlbench.store.read import Run

Row = Mapping[str, Any]
WIDTH_IN_PIPE = 400
MANY_ROWS = 1000
"""More of them are plain columns in a terminal too: laying one out takes a millisecond."""


def show(what: str, name: str | None, *, languages_file: Path | None, as_json: bool) -> None:
    """Print one list as a table, or as JSON; cells are show_cells, families family_list.py,
    models model_table.py. `name` is a selection of languages.

    Raises SelectionError for a list that does not exist, or for a name where none is taken.
    """
    languages = name or ("all" if what == "languages" else what)
    makers: dict[str, Callable[[], list[Row]]] = {
        "languages": lambda: _language_rows(languages, languages_file),
        "controls": lambda: _language_rows(languages, languages_file),
        "runs": _run_rows,
    }
    if what not in makers:
        named = ("families", "families NAME", "models", "models NAME", "pairs", "cells RUN")
        kinds = [*makers, *named]
        message = unknown("list", what, kinds, "mlbench list --help")
        raise SelectionError(f"{message}. Lists: {', '.join(kinds)}")
    if name is not None and what == "runs":
        raise SelectionError(f"list runs takes no name. Type: mlbench list cells {name}")
    _print_rows(makers[what](), what, as_json=as_json)


def _language_rows(selection: str, languages_file: Path | None) -> list[Row]:
    known = read_languages(languages_file)
    return [_language_row(x) for x in select_languages(selection, known, read_controls(known))]


def show_cells(runs: Sequence[str], *, as_json: bool, is_strict: bool) -> int:
    """Print the planned cells of runs and where they stand; return the exit code."""
    if not runs:
        raise SelectionError("which run? Type: mlbench list cells RUN. See: mlbench list runs")
    # Imported late: pyarrow and numpy are for what is stored.
    from mlbench.judge.levels import score_levels
    from mlbench.store.join import read_runs
    from mlbench.terminal.counts import exit_code

    found = read_runs(runs)
    levels: dict[Cell, Level] = {}
    if as_json:
        for family, shots in dict.fromkeys((cell.family, cell.shots) for cell in found.done):
            levels |= score_levels(found, family, shots)
    make = _cell_facts if as_json else _cell_row
    rows = [make(found, cell, levels.get(cell)) for cell in found.planned]
    if not any(row["beside"] for row in rows):
        rows = [{key: row[key] for key in row if key != "beside"} for row in rows]
    _print_rows(rows, found.counts_line, as_json=as_json)
    if as_json and not found.is_complete:
        print(found.counts_line, file=sys.stderr)  # stdout is for the program that reads it
    return exit_code(found, is_strict=is_strict)


def _print_rows(rows: list[Row], what: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True))
    else:
        _print_table(rows, what if what[:1].isdigit() else f"{len(rows)} {what}")


def _print_table(rows: list[Row], caption: str) -> None:
    names = list(dict.fromkeys(key for row in rows for key in row))
    lines = [["" if row.get(name) is None else str(row[name]) for name in names] for row in rows]
    if len(lines) > MANY_ROWS or not Console().is_terminal:
        print("\n".join([*_in_columns([names, *lines]), caption]))
        return
    table = Table(box=None, caption=caption, caption_justify="left", pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))
    print_table(table)


def _in_columns(lines: list[list[str]]) -> Iterator[str]:
    """Yield lines with every column whole, as wide as its widest text, without trailing blanks."""
    columns = []
    for column in zip(*lines, strict=True):
        texts = [" ".join(text.split()) for text in column]
        lengths = [len(text) if text.isascii() else cell_len(text) for text in texts]
        width = max(lengths)
        columns.append([t + " " * (width - n) for t, n in zip(texts, lengths, strict=True)])
    for line in zip(*columns, strict=True):
        yield "  ".join(line).rstrip()


def print_table(table: Table, *, width_in_pipe: int = WIDTH_IN_PIPE) -> None:
    """Print a table: as wide as a terminal is, else every column whole and no trailing blanks."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    console = Console(width=width_in_pipe)
    with console.capture() as capture:
        console.print(table)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))


def _language_row(language: Language) -> Row:
    return {
        "tag": language.tag,
        "name": language.name,
        "endonym": language.endonym,
        "script": language.script,
        "family": language.family,
        "branch": language.branch,
        "class": language.resource_class,
        "speakers": f"{language.speakers:,}" if language.speakers else None,
        "caveats": language.warning or None,
    }


def _run_rows() -> list[Row]:
    """Return a row per run under runs/, from its manifest alone."""
    # Imported late, as in show_cells: the other lists answer at once.
    from mlbench.store import MANIFEST, RUNS
    from mlbench.store.manifest import planned_cells, read_manifest

    rows: list[Row] = []
    for path in sorted(RUNS.glob(f"*/{MANIFEST}")):
        try:
            manifest = read_manifest(path.parent)
            facts = {
                "created": manifest["created"],
                "models": ", ".join(manifest["models"]),
                "families": ", ".join(manifest["families"]),
                "languages": len(manifest["languages"]),
                "cells": len(planned_cells(manifest)),
            }
        except StoreError as error:
            facts = {"damaged": str(error)}
        rows.append({"run": path.parent.name, **facts})
    return rows


def _cell_row(run: "Run", cell: Cell, _: "Level | None") -> Row:
    """Return a cell for a person: rounded, and its signature shortened to the digest."""
    from mlbench.measures import words_beside

    done = run.done.get(cell)
    score = _judged(run, cell)
    return {
        **cell._asdict(),
        "state": run.state(cell),
        "metric": score.metric if score else None,
        "value": f"{score.value:.4f}" if score else None,
        "docs": score.n_docs if score else None,
        "beside": "; ".join(words_beside(_measure(run, cell), done.scores)) if done else None,
        "reason": run.reason(cell) or None,
        "signature": done.signature.short if done else None,
    }


def _cell_facts(run: "Run", cell: Cell, level: "Level | None") -> Row:
    """Return a cell for a program: numbers as they are, null where there is none."""
    done = run.done.get(cell)
    score = _judged(run, cell)
    numbers = ("stderr", "low", "high", "level", "method")
    return {
        **cell._asdict(),
        "state": run.state(cell),
        "metric": score.metric if score else None,
        "value": _known(score.value) if score else None,
        "docs": score.n_docs if score else None,
        **{name: _known(getattr(level, name)) if level else None for name in numbers},
        "beside": {
            name: _known(done.scores[name].value)
            for name in (_measure(run, cell).beside if done else ())
            if done and name in done.scores
        },
        "reason": run.reason(cell) or None,
        "signature": str(done.signature) if done else None,
    }


def _judged(run: "Run", cell: Cell) -> Score | None:
    """Return the judged score: a file holds its scores in the order of their names."""
    done = run.done.get(cell)
    return done.scores[run.families[cell.family]["metrics"][0]] if done else None


def _measure(run: "Run", cell: Cell) -> "Measure":
    from mlbench.measures import measure_of

    return measure_of(run.families[cell.family]["metrics"][0])


def _known(value: Any) -> Any:
    """Return null for what is no number, which JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
