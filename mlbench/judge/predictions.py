"""Did it come as predicted? Registered predictions, judged where a verdict is on their models.

A prediction is fulfilled or not by the verdict on its claim; where the data cannot decide, it stays
open. That an effect is smaller than another one is asked of their difference, taken as if the two
were independent: effects on the same docs are not, which makes their difference surer than is said.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from mlbench.judge.claim_checks import Answer, answer_to
from mlbench.judge.claims import SMALLER, Claim, ClaimsFile, Prediction
from mlbench.judge.effects import Effect
from mlbench.judge.evidence import Analysis, Evidence
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.intervals import z_of

Outcome = Literal["as predicted", "otherwise", "open"]


def check_predictions(
    claims: ClaimsFile, evidence: Evidence, analysis: Analysis, resampling: Resampling
) -> list[dict[str, Any]]:
    """Judge every prediction about the two models of an analysis, whichever of them is A."""
    judged = {
        prediction.claim.id: (prediction, answer_to(claim, evidence, analysis, resampling))
        for prediction in claims.predictions
        if (claim := _about(prediction.claim, analysis.a, analysis.b)) is not None
    }
    answers = {name: answer for name, (_, answer) in judged.items()}
    return [
        _row(prediction, analysis, answers, resampling.level) for prediction, _ in judged.values()
    ]


def _about(claim: Claim, a: str, b: str) -> Claim | None:
    """Return the claim about these two models, None if it is not about them."""
    for one, other in ((a, b), (b, a)):
        if one in claim.a and other in claim.b:
            return replace(claim, a=(one,), b=(other,))
    return None


def _row(
    prediction: Prediction, analysis: Analysis, answers: Mapping[str, Answer], level: float
) -> dict[str, Any]:
    claim = _about(prediction.claim, analysis.a, analysis.b)
    assert claim is not None
    answer = answers[claim.id]
    other = answers.get(prediction.than or "")
    than = other.effect if other else None
    return {
        "id": claim.id,
        "date": prediction.date,
        "hash": prediction.fingerprint(),
        "claim": claim.sentence.format(a=claim.a[0], b=claim.b[0]),
        "expected": prediction.expect,
        "outcome": outcome_of(prediction, answer.effect, than, level),
        "verdict": answer.effect.verdict,
        "found": answer.sentence,
    }


def outcome_of(
    prediction: Prediction, effect: Effect, than: Effect | None, level: float
) -> Outcome:
    """Return whether an effect is as predicted; open is what the data cannot decide."""
    if effect.verdict in ("refuted", "equivalent"):
        return "otherwise" if prediction.expect == "supported" else "as predicted"
    if prediction.expect == SMALLER and than is not None:
        return _smaller(effect, than, level)
    if effect.verdict == "undetermined":
        return "open"
    return "as predicted" if prediction.expect == "supported" else "otherwise"


def _smaller(effect: Effect, than: Effect, level: float) -> Outcome:
    distance = than.estimate - effect.estimate
    radius = z_of(level) * math.hypot(than.stderr, effect.stderr)
    if math.isnan(distance) or math.isnan(radius) or abs(distance) <= radius:
        return "open"
    return "as predicted" if distance > 0 else "otherwise"
