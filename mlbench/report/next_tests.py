"""What is there to run for languages that were not tested, or not enough? A command to type."""

import shlex
from collections.abc import Sequence

from mlbench.data.languages import read_all_languages
from mlbench.data.prepare import covers
from mlbench.data.weights import Weighted
from mlbench.families import read_families
from mlbench.records import Cell, Language
from mlbench.report.tables import ReportTable

N_TO_TEST = 3
"""Languages named at a time."""


def command_for(table: ReportTable, models: Sequence[str], languages: Sequence[Weighted]) -> str:
    """Return what to type to test languages; empty where no further family has them.

    Families that guess are not asked for: they tell nothing about real models.
    """
    known = {**read_all_languages(), **table.run.languages}
    tags: list[str] = []
    names: set[str] = set()
    for tag in (x.tag for x in languages if x.tag in known):
        found = {name for name in read_families() if _can_be_run(table, models, name, known[tag])}
        if found and len(tags) < N_TO_TEST:
            tags.append(tag)
            names |= found
    if not tags:
        return ""
    run = f"mlbench run --run {table.run.typed} --models {shlex.join(models)}"
    return f"{run} --families {' '.join(sorted(names))} --languages {','.join(tags)}"


def _can_be_run(table: ReportTable, models: Sequence[str], name: str, language: Language) -> bool:
    family = read_families()[name]
    cells = [Cell(model, name, language.tag, 0) for model in models]
    is_done = all(cell in table.run.done for cell in cells)
    has_none = language.tag in table.run.no_data.get(name, {})
    is_told = family.chance is not None and not family.is_demonstration
    return is_told and not is_done and not has_none and covers(family, language)
