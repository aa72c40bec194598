"""From a stored run to the verdict on two models, on the cells that pairing.py finds.

Nothing is estimated here; added is what only the run knows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from mlbench.data.languages import REFERENCE, read_controls, read_languages
from mlbench.errors import DataError, SelectionError, unknown
from mlbench.families.origins import origin_of
from mlbench.judge import judge, read_claims
from mlbench.judge.choice_bias import choice_bias
from mlbench.judge.claims import ClaimsFile
from mlbench.judge.derivative import as_json as against_base_json
from mlbench.judge.pairing import Pairing, pair
from mlbench.judge.sentences import twins_sentence
from mlbench.measures import ADJUSTED, Sample, scale_of
from mlbench.records import Cell
from mlbench.stats import Resampling
from mlbench.store.cells import CellResult
from mlbench.store.read import Column, Run
from mlbench.store.samples import doc_ids_of

SHOWN_REASONS = 3
"""Reasons in the message that nothing can be compared; `mlbench list cells` has the rest."""

SHOWN_CONTROLS = 12
"""Languages beyond the list that are named; the others are counted."""


def judge_run(
    run: Run, a: str, b: str, *, claims_file: Path | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return the verdict on A against B as the dict of verdict.schema.json.

    Raises SelectionError for a model that the run does not have, DataError if nothing can be
    compared.
    """
    refuse_unknown(run, (a, b))
    claims = read_claims(claims_file) if claims_file else read_claims()
    return judge_pair(run, pair(run, a, b), claims=claims, resampling=Resampling(seed=seed))


def refuse_unknown(run: Run, models: Iterable[str]) -> None:
    """Raise SelectionError for the first model that the run does not have."""
    for name in models:
        if name not in run.models:
            see = f"mlbench list cells {run.typed}"
            raise SelectionError(unknown("model", name, run.models, see))


def judge_pair(
    run: Run, pairing: Pairing, *, claims: ClaimsFile, resampling: Resampling
) -> dict[str, Any]:
    """Judge two models on what may be compared, with what only the run knows.

    That is `cells`, `chain`, `caveats`, `origins`, and in `excluded` why each other cell is left
    out. Raises DataError if nothing can be compared.
    """
    if not pairing.compared:
        raise DataError(_why_nothing(run, pairing))
    a, b = pairing.a, pairing.b
    verdict = judge(pairing.evidence, a, b, claims=claims, resampling=resampling)
    verdict["excluded"] = [gone._asdict() for gone in pairing.left_out]
    verdict["cells"] = _cells(run, (a, b))
    verdict["against_base"] = against_base_json(run, a, b, claims=claims, resampling=resampling)
    verdict["origins"] = {f: origin_of(f, run.families[f]) for f in verdict["families"]}
    verdict["chain"] = _chain(run, verdict)
    verdict["caveats"] = _caveats(run, verdict, pairing)
    return verdict


def _cells(run: Run, models: tuple[str, str]) -> dict[str, Any]:
    """Return where the planned cells of two models stand, and why some have no score."""
    unfinished = [
        {**cell._asdict(), "state": state, "reason": reason}
        for (state, reason), cells in run.unfinished(models).items()
        for cell in cells
    ]
    mine = [cell for cell in run.planned if cell.model in models]
    counts = {str(state): n for state, n in run.count(mine).items()}
    return {"planned": len(mine), "unfinished": unfinished} | counts


def _why_nothing(run: Run, pairing: Pairing) -> str:
    counts = Counter((gone.family, gone.reason) for gone in pairing.left_out).most_common()
    reasons = [f"{family}: {why}" for (family, why), _ in counts[:SHOWN_REASONS]]
    if more := len(counts) - len(reasons):
        reasons.append(f"and {more} more")
    why = f": {'; '.join(reasons)}" if reasons else ""
    return (
        f"no family has a language in which {pairing.a!r} and {pairing.b!r} can be compared{why}. "
        f"See: mlbench list cells {run.typed}"
    )


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
        "english": int(REFERENCE in verdict["languages"]),
        "at_chance": len(guessed) if scale_of(verdict["scale"]) == ADJUSTED else 0,
    }


def _caveats(run: Run, verdict: Mapping[str, Any], pairing: Pairing) -> list[str]:
    """Return what a reader must know of these numbers, a sentence each."""
    found = [verdict["docs"]["sentence"]] if verdict["docs"]["sentence"] else []
    found += [f"{note}." for note in run.notes]
    found += steps_sentence([run.done[cell] for cell in pairing.compared])
    found += controls_sentence(verdict["languages"])
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
    known = {name: run.families[name].get("caveats") for name in verdict["families"]}
    found += [
        f"Known of {run.families[name]['title']}: {' '.join(caveats)}"
        for name, caveats in known.items()
        if caveats
    ]
    if not verdict["rules_agree"]:
        found.append("The verdict depends on the rule by which a choice is taken.")
    if not verdict["scales_agree"]:
        found.append("The verdict depends on the scale.")
    titles = {name: facts["title"] for name, facts in run.families.items()}
    pairs = groupby(verdict["twins"], key=lambda one: (one["family"], one["twin"]))
    found += [twins_sentence(list(twins), titles, verdict["level"]) for _, twins in pairs]
    if unshared := _unshared_docs(run, verdict, pairing.compared):
        found.append(unshared)
    judged = replace(run, done={cell: run.done[cell] for cell in pairing.cells})
    return found + choice_caveats(judged, dict.fromkeys((pairing.a, pairing.b)))


def steps_sentence(compared: Iterable[CellResult]) -> list[str]:
    """Return as a sentence that docs were added in steps, and what holds then; none if not."""
    steps = [
        (result.signature.limit or 0, s) for result in compared if (s := result.signature.looks)
    ]
    if not steps:
        return []
    n_docs, n_all = sum(int(n) for n, _ in steps), sum(looks[-1] for _, looks in steps)
    return [
        f"Docs were added in steps, and a language stopped where the two were told apart: "
        f"{n_docs:,} of {n_all:,} docs were scored with each model. Leads, their intervals, "
        f"p-values and verdicts allow for that (alpha spending after Lan and DeMets) and hold at "
        f"every step, so they are wider than of a fixed number of docs. Scores of single models, "
        f"ranks, and what could have been seen do not allow for it; and a lead that stopped early "
        f"is on average a little too large."
    ]


def controls_sentence(compared: Sequence[str]) -> list[str]:
    """Return as a sentence which languages are beyond the list; none where none are."""
    known = read_controls(read_languages())
    controls = [tag for tag in compared if tag in known]
    if not controls:
        return []
    more = len(controls) - SHOWN_CONTROLS
    names = ", ".join(controls[:SHOWN_CONTROLS]) + (f" and {more} more" if more > 0 else "")
    return [
        f"{len(controls)} of the {len(compared)} compared languages are controls, beyond the list "
        f"of {len(read_languages())}: {names}."
    ]


def _unshared_docs(run: Run, verdict: Mapping[str, Any], compared: Sequence[Cell]) -> str:
    """Return as text that languages have other docs than English; empty where all have the same."""
    tags: set[str] = set()
    known = set(compared)
    for cell in compared:
        english = cell._replace(language=REFERENCE)
        is_pooled = cell.family in verdict["pooled_families"]
        if is_pooled and english in known and run.families[cell.family]["is_parallel"]:
            ids, of_english = (set(doc_ids_of(run.done[c].samples)) for c in (cell, english))
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
    """Return which choices a model never takes, or takes by their length, family by family."""
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
