"""Cells of a run as the tables that stats works on: by the judged metric, by each rule, in tokens.

Which cells fit together is found before, in pairing.py; stats checks it again and raises DataError.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlbench.families.doc_sets import doc_set_of
from mlbench.judge.chance import cell_chance, pooled_chance
from mlbench.measures import TOKENS, measure_of, statistics_of
from mlbench.records import Cell
from mlbench.stats import CellScores, ScoreTable, table_from_cells
from mlbench.stats.sequential import Looks
from mlbench.stats.table import Floats
from mlbench.store.read import Run
from mlbench.store.samples import cluster_ids_of, doc_ids_of, tokens_of
from mlbench.store.signature import Signature

Scores = Sequence[float] | Floats


class FamilyTables(NamedTuple):
    """One family: by its judged metric, by each rule, in tokens, and by number of examples."""

    scores: ScoreTable
    rules: Mapping[str, ScoreTable]
    tokens: ScoreTable | None
    fewshot: Mapping[int, ScoreTable]

    def most(self, model: str) -> int:
        """Return the most examples with which a model was scored; 0 for none."""
        return max((n for n, table in self.fewshot.items() if model in table.models), default=0)


def score_table(run: Run, cells: Iterable[Cell], family: str) -> ScoreTable:
    """Align cells of one family, scored by its judged measure."""
    return _tables(run, cells, family, [run.families[family]["metrics"][0]])[0]


def rule_tables(
    run: Run, cells: Sequence[Cell], family: str, judged: ScoreTable
) -> dict[str, ScoreTable]:
    """Score a family by each of its metrics that is a rule to take a choice by.

    The judged one may be among them, and is not aligned again.
    """
    rules = [name for name in run.families[family]["metrics"] if measure_of(name).is_rule]
    others = [rule for rule in rules if rule != judged.measure.name]
    found = _tables(run, cells, family, others) if others else []
    tables = {judged.measure.name: judged} | dict(zip(others, found, strict=True))
    return {rule: tables[rule] for rule in rules}


def _tables(
    run: Run, cells: Iterable[Cell], family: str, metrics: Sequence[str]
) -> list[ScoreTable]:
    """Align cells of one family once, scored by one measure or by several rules."""
    facts = run.families[family]
    measures = [measure_of(metric) for metric in metrics]
    nominal = facts["chance"] if measures[0].has_chance else None
    samples = {cell: run.done[cell].samples for cell in cells}
    chance = pooled_chance(samples.values(), nominal)
    mine = [
        replace(
            _cell_scores(run, cell, np.hstack([statistics_of(found, m) for m in metrics]), chance),
            cell_chance=cell_chance(found, nominal),
        )
        for cell, found in samples.items()
    ]
    table = table_from_cells(
        family,
        mine,
        measure=measures[0],
        is_parallel=facts["is_parallel"],
        doc_set=doc_set_of(family, facts),
    )
    looks = {cell.language: look for cell in samples if (look := _look(run.done[cell].signature))}
    if looks:
        table = replace(table, looks=tuple(map(looks.get, table.languages)))
    if len(measures) == 1:
        return [table]
    # A rule gives one number a doc, 0 or 1.
    columns = (table.statistics[..., [i]] for i in range(len(measures)))
    return [
        replace(table, measure=measure, statistics=column)
        for measure, column in zip(measures, columns, strict=True)
    ]


def _look(signature: Signature) -> Looks | None:
    """Return at which look at growing docs a cell stands; None where their number was fixed."""
    if not signature.looks or signature.limit is None:
        return None
    n_all = signature.looks[-1]
    shares = tuple(n / n_all for n in signature.looks)
    return Looks(shares, signature.looks.index(int(signature.limit)))


def token_table(run: Run, cells: Iterable[Cell], family: str) -> ScoreTable | None:
    """Return the tokens of parallel texts; None where the family has none or none were shown.

    Languages count where every model shows its tokens; if there is none, those of the first model.
    """
    if not run.families[family]["is_parallel"]:
        return None
    shown = {cell: tokens_of(run.done[cell].samples) for cell in cells}
    known = {cell: tokens for cell, tokens in shown.items() if tokens is not None}
    hidden = {cell.language for cell in shown.keys() - known.keys()}
    whole = [cell for cell in known if cell.language not in hidden]
    chosen = whole or [cell for cell in known if cell.model == next(iter(known)).model]
    if not chosen:
        return None
    mine = [_cell_scores(run, cell, known[cell], None) for cell in chosen]
    doc_set = doc_set_of(family, run.families[family])
    return table_from_cells(family, mine, measure=TOKENS, is_parallel=True, doc_set=doc_set)


def _cell_scores(run: Run, cell: Cell, values: Scores, chance: float | None) -> CellScores:
    samples = run.done[cell].samples
    return CellScores(
        model=cell.model,
        language=cell.language,
        doc_ids=doc_ids_of(samples),
        values=values,
        cluster_ids=cluster_ids_of(samples),
        chance=chance or 0.0,
    )
