"""Cells of a run as the tables that stats works on: by the judged metric, by each rule, in tokens.

Which cells fit together is found before, in pairing.py; stats checks it again and raises DataError.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from mlbench.judge.chance import cell_chance, pooled_chance
from mlbench.measures.metrics import LOWER_IS_BETTER, RULES
from mlbench.records import Cell
from mlbench.stats import CellScores, ScoreTable, table_from_cells
from mlbench.stats.table import Floats, Kind
from mlbench.store.read import Run
from mlbench.store.samples import cluster_ids_of, doc_ids_of, scores_of, tokens_of

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


def score_table(
    run: Run, cells: Iterable[Cell], family: str, metric: str | None = None
) -> ScoreTable:
    """Align cells of one family, scored by a metric of its docs; by the judged one if not said."""
    facts = run.families[family]
    metric = metric or facts["metrics"][0]
    kind: Kind = "bits" if metric in LOWER_IS_BETTER else "accuracy"
    nominal = facts["chance"] if kind == "accuracy" else None
    samples = {cell: run.done[cell].samples for cell in cells}
    chance = pooled_chance(samples.values(), nominal)
    mine = [
        replace(
            _cell_scores(run, cell, scores_of(found, metric), chance),
            cell_chance=cell_chance(found, nominal),
        )
        for cell, found in samples.items()
    ]
    return table_from_cells(family, mine, kind=kind, is_parallel=facts["is_parallel"])


def rule_tables(run: Run, cells: Sequence[Cell], family: str) -> dict[str, ScoreTable]:
    """Score a family by each of its metrics that is a rule to take a choice by."""
    rules = [metric for metric in run.families[family]["metrics"] if metric in RULES]
    return {rule: score_table(run, cells, family, rule) for rule in rules}


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
    return table_from_cells(family, mine, kind="tokens", is_parallel=True)


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
