"""Do examples in the prompt replace tuning? The gain of k shots, and A with them against B."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mlbench.judge.effects import Effect, undefined
from mlbench.judge.evidence import Evidence
from mlbench.judge.findings import fixed_effect, others_of
from mlbench.stats.aggregates import combine_families
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast, mean_contrast, upper_p
from mlbench.stats.differences import paired_contrast
from mlbench.stats.equivalence import Verdict
from mlbench.stats.table import ScoreTable

ZERO, MANY = "without examples", "with examples"


def fewshot_effect(
    evidence: Evidence, a: str, b: str, *, margin: float, resampling: Resampling
) -> Effect:
    """Return A with k shots against the tuned model B without, over all languages but English.

    Supported: shown to be worse by less than the margin; refuted: shown to be worse by more. With
    no B the number is the gain of A from its examples, and the claim is undetermined.
    """
    if not evidence.fewshot:
        return undefined("there are no results with examples in the prompt", margin)
    pairs = [_pair(table, evidence.fewshot, a, b or a) for table in evidence.tables]
    contrasts = [
        paired_contrast(table, MANY, ZERO, resampling) for table in pairs if table is not None
    ]
    difference = others_of(combine_families(contrasts))
    if difference is None:
        return undefined("no family has the same docs with and without examples", margin)
    effect = fixed_effect(difference, margin, resampling=resampling)
    if b:
        verdict = _not_inferior(mean_contrast(difference), margin, 1 - resampling.level)
        return replace(effect, verdict=verdict, method="not inferior, languages fixed")
    return replace(
        effect,
        verdict="undetermined",
        reason="the claim names no model tuned for a language as b",
    )


def _not_inferior(difference: Contrast, margin: float, alpha: float) -> Verdict:
    if upper_p(difference, -margin)[0] <= alpha:
        return "supported"
    return "refuted" if upper_p(difference.negated(), margin)[0] <= alpha else "undetermined"


def _pair(table: ScoreTable, fewshot: Sequence[ScoreTable], a: str, b: str) -> ScoreTable | None:
    """Put A with examples beside B without, in the languages where both have the same docs."""
    for many in fewshot:
        if many.family != table.family or a not in many.models or b not in table.models:
            continue
        in_many = {t for t, ok in zip(many.languages, many.covers((a,)), strict=True) if ok}
        in_zero = {t for t, ok in zip(table.languages, table.covers((b,)), strict=True) if ok}
        left, right = many.select(in_many & in_zero), table.select(in_many & in_zero)
        is_same = left.doc_ids == right.doc_ids and np.array_equal(left.clusters, right.clusters)
        if not left.languages or not is_same:
            continue
        rows = [left.statistics[left.model_index(a)], right.statistics[right.model_index(b)]]
        return replace(right, models=(MANY, ZERO), statistics=np.stack(rows))
    return None
