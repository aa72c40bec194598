"""From a stored run to the verdict on two models: its cells as score tables, judged by stats.

Nothing is estimated here. Accuracy families enter with their judged metric, and beside it with each
other rule by which their choices can be taken; text families with bits and, where the backend
showed them, with tokens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError, unknown
from mlbench.judge import Evidence, judge, read_claims
from mlbench.judge.chance import cell_chance, pooled_chance
from mlbench.judge.choice_bias import choice_bias
from mlbench.judge.claims import ClaimsFile
from mlbench.measures import ADJUSTED, TOKENS, Sample, measure_of, scale_of, statistics_of
from mlbench.records import Cell
from mlbench.stats import CellScores, Resampling, ScoreTable, table_from_cells
from mlbench.stats.table import Floats
from mlbench.store.read import Column, Run, demonstrations_of
from mlbench.store.samples import cluster_ids_of, doc_ids_of, tokens_of

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
    return judge_pair(run, a, b, claims=claims, resampling=Resampling(seed=seed))


def judge_pair(
    run: Run, a: str, b: str, *, claims: ClaimsFile, resampling: Resampling
) -> dict[str, Any]:
    """Judge two models on what a run holds, with what only the run knows: `chain` and `caveats`.

    Raises DataError for cells that do not fit together.
    """
    verdict = judge(evidence_of(run, (a, b)), a, b, claims=claims, resampling=resampling)
    verdict["chain"] = _chain(run, verdict)
    verdict["caveats"] = _caveats(run, verdict)
    return verdict


def _chain(run: Run, verdict: Mapping[str, Any]) -> dict[str, int]:
    """Count languages from those of the run to those that are compared, English included."""
    pooled = set(verdict["pooled_families"])
    with_data = {cell.language for cell in run.planned if cell.family in pooled}
    guessed = {
        tag
        for tag in verdict["languages"]
        if all(
            {"family": family, "language": tag} in verdict["at_chance"]
            for row in verdict["per_language"]
            if row["language"] == tag
            for family in row["families"]
        )
    }
    return {
        "languages": len(run.languages),
        "with_data": len(with_data),
        "compared": len(verdict["languages"]),
        "at_chance": len(guessed) if scale_of(verdict["scale"]) == ADJUSTED else 0,
    }


def _caveats(run: Run, verdict: Mapping[str, Any]) -> list[str]:
    """Say what a reader must know of these numbers, a sentence each."""
    found = [verdict["docs"]["sentence"]] if verdict["docs"]["sentence"] else []
    left = [
        name
        for name in verdict["families"]
        if run.families[name].get("is_demonstration") and name not in verdict["pooled_families"]
    ]
    if left:
        found.append(
            f"Not in the numbers over several families, because real models are at chance in "
            f"them: {', '.join(left)}."
        )
    if not verdict["rules_agree"]:
        found.append("The verdict depends on the rule by which a choice is taken.")
    if not verdict["scales_agree"]:
        found.append("The verdict depends on the scale.")
    if unshared := _unshared_docs(run, verdict):
        found.append(unshared)
    return found + choice_caveats(run, dict.fromkeys((verdict["a"], verdict["b"])))


def _unshared_docs(run: Run, verdict: Mapping[str, Any]) -> str:
    """Say that languages have other docs than English; empty where all have the same."""
    tags: set[str] = set()
    for cell, result in run.done.items():
        english = run.done.get(cell._replace(language=REFERENCE))
        is_pooled = cell.model == verdict["a"] and cell.family in verdict["pooled_families"]
        if is_pooled and english is not None and run.families[cell.family]["is_parallel"]:
            ids, of_english = set(doc_ids_of(result.samples)), set(doc_ids_of(english.samples))
            tags |= {cell.language} if ids != of_english else set()
    if not tags:
        return ""
    where = "1 language" if len(tags) == 1 else f"{len(tags)} languages"
    return (
        f"In {where} the docs are not quite those of English. The lead elsewhere, in "
        "English and beyond it is taken on the docs that both have; the ranking and the scores "
        "of English take all, and may differ a little."
    )


def choice_caveats(run: Run, models: Iterable[str]) -> list[str]:
    """Say which choices a model never takes, or takes by their length, family by family."""
    cells: dict[Column, list[Sequence[Sample]]] = {}
    for cell, result in run.done.items():
        column = Column(cell.model, cell.family, cell.shots)
        cells.setdefault(column, []).append(result.samples)
    wanted, found = set(models), []
    for column in (c for c in run.columns if c.model in wanted and c in cells):
        facts = run.families[column.family]
        title = f"{facts['title']}, {column.shots}-shot" if column.shots else facts["title"]
        bias = choice_bias(cells[column], facts["metrics"][0])
        found += bias.sentences(column.model, title)
    return found


def evidence_of(run: Run, models: Iterable[str]) -> Evidence:
    """Return what the finished cells of some models say.

    A family enters at its fewest shots; if it was run at more too, those are the few-shot evidence.
    """
    names = set(models)
    cells = [cell for cell in run.done if cell.model in names]
    fewest, most = _shots_by_family(cells)
    first = {f: [c for c in cells if c.family == f and c.shots == fewest[f]] for f in fewest}
    tables = [score_table(run, mine, family) for family, mine in first.items()]
    more = {family for family in fewest if most[family] > fewest[family]}
    fewshot = [
        score_table(run, [c for c in cells if c.family == f and c.shots == most[f]], f)
        for f in more
    ]
    return Evidence(
        tuple(tables),
        rules=_rules(run, first),
        demonstrations=demonstrations_of(run, first),
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


def _rules(run: Run, cells: Mapping[str, Sequence[Cell]]) -> dict[str, tuple[ScoreTable, ...]]:
    """Score each family by each of its metrics that is a rule to take a choice by."""
    tables: dict[str, list[ScoreTable]] = {}
    for family, mine in cells.items():
        for metric in run.families[family]["metrics"]:
            if measure_of(metric).is_rule:
                tables.setdefault(metric, []).append(score_table(run, mine, family, metric))
    return {rule: tuple(found) for rule, found in tables.items()}


def score_table(
    run: Run, cells: Sequence[Cell], family: str, metric: str | None = None
) -> ScoreTable:
    """Align cells of one family, scored by a metric of its docs; by the judged one if not said."""
    facts = run.families[family]
    metric = metric or facts["metrics"][0]
    measure = measure_of(metric)
    nominal = facts["chance"] if measure.has_chance else None
    samples = {cell: run.done[cell].samples for cell in cells}
    chance = pooled_chance(samples.values(), nominal)
    mine = [
        replace(
            _cell_scores(run, cell, statistics_of(found, metric), chance),
            cell_chance=cell_chance(found, nominal),
        )
        for cell, found in samples.items()
    ]
    return table_from_cells(
        family,
        mine,
        measure=measure,
        is_parallel=facts["is_parallel"],
        doc_set=facts.get("doc_set"),
    )


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
    return table_from_cells(family, mine, measure=TOKENS, is_parallel=True)
