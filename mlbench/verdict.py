"""From a stored run to the verdict on two models: its cells as score tables, judged by stats.

Nothing is estimated here. Accuracy families enter with their primary metric, text families with
bits and, where the backend showed them, with tokens.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mlbench.errors import SelectionError, unknown
from mlbench.metrics import LOWER_IS_BETTER
from mlbench.records import Cell
from mlbench.results import Run
from mlbench.samples import cluster_ids_of, doc_ids_of, scores_of, tokens_of
from mlbench.stats import (
    CellScores,
    Evidence,
    Resampling,
    ScoreTable,
    judge,
    read_claims,
    table_from_cells,
)
from mlbench.stats.table import Floats, Kind

Scores = Sequence[float] | Floats


def judge_run(
    run: Run, a: str, b: str, *, claims_file: Path | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return the verdict on A against B as the dict of verdict.schema.json.

    Raises SelectionError for a model that the run does not have, DataError for cells that do not
    fit together.
    """
    for name in (a, b):
        if name not in run.models:
            see = f"mlbench list cells {run.folder}"
            raise SelectionError(unknown("model", name, run.models, see))
    claims = read_claims(claims_file) if claims_file else read_claims()
    return judge(evidence_of(run, (a, b)), a, b, claims=claims, resampling=Resampling(seed=seed))


def evidence_of(run: Run, models: Iterable[str]) -> Evidence:
    """Return what the finished cells of some models say.

    A family enters at its fewest shots; if it was run at more too, those are the few-shot evidence.
    """
    names = set(models)
    cells = [cell for cell in run.done if cell.model in names]
    fewest, most = _shots_by_family(cells)
    tables = [_table(run, [c for c in cells if c.shots == fewest[c.family]], f) for f in fewest]
    more = {family for family in fewest if most[family] > fewest[family]}
    fewshot = [
        _table(run, [c for c in cells if c.shots == most[c.family]], family) for family in more
    ]
    return Evidence(
        tuple(tables),
        facts=run.languages,
        tokens=_tokens(run, cells),
        fewshot=tuple(sorted(fewshot, key=lambda table: table.family)),
        shots=max((most[family] for family in more), default=0),
    )


def _shots_by_family(cells: Iterable[Cell]) -> tuple[dict[str, int], dict[str, int]]:
    fewest: dict[str, int] = {}
    most: dict[str, int] = {}
    for cell in cells:
        fewest[cell.family] = min(cell.shots, fewest.get(cell.family, cell.shots))
        most[cell.family] = max(cell.shots, most.get(cell.family, cell.shots))
    return fewest, most


def _table(run: Run, cells: Iterable[Cell], family: str) -> ScoreTable:
    facts = run.families[family]
    metric = facts["metrics"][0]
    mine = [
        _cell_scores(run, cell, scores_of(run.done[cell].samples, metric), facts["chance"])
        for cell in cells
        if cell.family == family
    ]
    kind: Kind = "bits" if metric in LOWER_IS_BETTER else "accuracy"
    return table_from_cells(family, mine, kind=kind, is_parallel=facts["is_parallel"])


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


def _tokens(run: Run, cells: Iterable[Cell]) -> ScoreTable | None:
    """Return the tokens of parallel texts, None where no text family was run or none were shown."""
    tokens = {cell: tokens_of(run.done[cell].samples) for cell in cells}
    texts = [cell for cell, shown in tokens.items() if shown is not None]
    if not texts:
        return None
    family = texts[0].family
    mine = [
        _cell_scores(run, cell, tokens[cell] or [], None) for cell in texts if cell.family == family
    ]
    return table_from_cells(family, mine, kind="tokens", is_parallel=True)
