"""What is there? Tables of languages, families, models, and the cells of a run."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlbench.data.languages import read_languages
from mlbench.data.prepare import covers
from mlbench.errors import SelectionError, unknown
from mlbench.families import read_families
from mlbench.models import read_presets
from mlbench.records import Cell, Family, HubSource, Language

if TYPE_CHECKING:
    from mlbench.store.read import Run

Row = Mapping[str, Any]
WIDTH_IN_PIPE = 400


def show(what: str, run: str | None, *, languages_file: Path | None, as_json: bool) -> None:
    """Print one list as a table, or as JSON.

    Raises SelectionError for a list that does not exist.
    """
    makers: dict[str, Callable[[], list[Row]]] = {
        "languages": lambda: [_language_row(x) for x in read_languages(languages_file).values()],
        "families": lambda: [_family_row(f, languages_file) for f in read_families().values()],
        "models": lambda: [{"model": name, **facts} for name, facts in read_presets().items()],
        "cells": lambda: _cell_rows(run, is_whole=as_json),
    }
    if what not in makers:
        raise SelectionError(unknown("list", what, makers, "mlbench list --help"))
    rows = makers[what]()
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1, sort_keys=True))
        return
    _print_table(rows, f"{len(rows)} {what}")


def _print_table(rows: list[Row], caption: str) -> None:
    table = Table(box=None, caption=caption, caption_justify="left", pad_edge=False)
    names = list(dict.fromkeys(key for row in rows for key in row))
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        values = (row.get(name) for name in names)
        table.add_row(*(Text("" if value is None else str(value)) for value in values))
    print_table(table)


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
        "caveats": " ".join(language.caveats) or None,
    }


AT_CHANCE = "small real models guess here; not in numbers over several families"


def _family_row(family: Family, languages_file: Path | None) -> Row:
    covered = [x for x in read_languages(languages_file).values() if covers(family, x)]
    source = family.source
    return {
        "family": family.name,
        "suite": family.suite,
        "languages": len(covered),
        "shots": f"0-{family.max_shots}" if family.max_shots else "0",
        "metrics": ", ".join(family.metrics),
        "chance": None if family.chance is None else f"{family.chance:.1%}",
        "source": source.hub_id if isinstance(source, HubSource) else "Unicode CLDR",
        "licence": family.licence,
        "question": family.question,
        "note": AT_CHANCE if family.is_demonstration else None,
    }


def _cell_rows(run: str | None, *, is_whole: bool) -> list[Row]:
    """Return a row a planned cell, with its signature whole or shortened to its digest."""
    if run is None:
        raise SelectionError("which run? Type: mlbench list cells RUN")
    from mlbench.store.read import read_run

    found = read_run(run)
    return [_cell_row(found, cell, is_whole=is_whole) for cell in found.planned]


def _cell_row(run: "Run", cell: Cell, *, is_whole: bool) -> Row:
    done = run.done.get(cell)
    signature = done.signature if done else None
    # The judged one: a file holds its scores in the order of their names.
    score = done.scores[run.families[cell.family]["metrics"][0]] if done else None
    return {
        **cell._asdict(),
        "state": run.state(cell),
        "metric": score.metric if score else None,
        "value": f"{score.value:.4f}" if score else None,
        "docs": score.n_docs if score else None,
        "reason": run.reason(cell) or None,
        "signature": signature and (str(signature) if is_whole else signature.short),
    }
