"""Are the replies of a cell scores at all? Looked at before one is made of them, in every backend.

NaN compares as the first choice, a server that ignores a request answers 0.0 to everything, and a
tokenizer may make the same tokens of all choices. Each would be a number between 0 and 1.
"""

import math
from collections import Counter
from collections.abc import Sequence

from mlbench.errors import CellRefused, NoNumber
from mlbench.measures import ChoiceSample, ReplySample, Sample, TargetSample, TextSample

NEARLY_ALL = 0.90
"""In a cell where this share of the docs is tied, the order of the choices makes the score."""

FEWEST_DOCS = 10
"""In fewer docs than this, all must be tied, ..."""

FEWEST_ALIKE = 3
"""... and in fewer than this, a tie may be rounding: two choices tie in some docs of bfloat16."""

SHOWN = 40
"""Characters of a reply in a message."""

ROUNDING = 1e-3
"""A log-likelihood may be above 0 by rounding."""


def refuse_no_scores(samples: Sequence[Sample], n_same_tokens: int = 0) -> None:
    """Refuse replies that are no numbers, no log-likelihoods, or the same for everything.

    `n_same_tokens` counts the docs whose choices are the same tokens to the model. Raises NoNumber,
    or CellRefused where it is the tokenizer that cannot tell the choices apart.
    """
    refuse_no_numbers(samples)
    _refuse_above_zero(samples)
    _refuse_tied_choices([s for s in samples if isinstance(s, ChoiceSample)], n_same_tokens)
    _refuse_tied_texts([s for s in samples if isinstance(s, TextSample | TargetSample)])
    _refuse_one_reply([s for s in samples if isinstance(s, ReplySample)])


def refuse_no_numbers(samples: Sequence[Sample]) -> None:
    """Raise NoNumber if a log-likelihood is NaN or infinite, which a comparison takes for a choice.

    Minus infinity is the log-likelihood of a choice that a model rules out, and allowed where
    another choice is not ruled out; a text with it has no bits.
    """
    bad = [sample for sample in samples if not _is_known(sample)]
    if bad:
        raise NoNumber(
            f"the model gave no number in {len(bad)} of {len(samples)} docs; the first is "
            f"{bad[0].doc_id!r}. Half precision overflows in some models: try --dtype float32; "
            f"else the checkpoint is broken"
        )


def _is_known(sample: Sample) -> bool:
    if isinstance(sample, TextSample):
        return math.isfinite(sample.loglikelihood)
    if isinstance(sample, TargetSample):
        return sample.loglikelihood < math.inf  # minus infinity: ruled out, and not greedy
    if not isinstance(sample, ChoiceSample):
        return True
    priors = (*sample.calibration, *sample.label_means)
    values = sample.loglikelihoods
    return (
        all(map(math.isfinite, priors))
        and all(value < math.inf for value in values)
        and any(map(math.isfinite, values))
    )


def _refuse_above_zero(samples: Sequence[Sample]) -> None:
    highest = [(max(_values(sample), default=0.0), sample.doc_id) for sample in samples]
    above = [(value, doc_id) for value, doc_id in highest if value > ROUNDING]
    if above:
        value, doc_id = above[0]
        raise NoNumber(
            f"{len(above)} of {len(samples)} docs have a log-likelihood above 0 (the first, "
            f"{doc_id!r}, {value:.4g}): what the backend returns is no log-probability"
        )


def _values(sample: Sample) -> tuple[float, ...]:
    if isinstance(sample, ChoiceSample):
        return sample.loglikelihoods
    return (sample.loglikelihood,) if isinstance(sample, TextSample | TargetSample) else ()


def _refuse_tied_choices(samples: Sequence[ChoiceSample], n_same_tokens: int) -> None:
    tied = [s for s in samples if len(s.choices) > 1 and len(set(s.loglikelihoods)) == 1]
    if not _are_nearly_all(len(tied), len(samples)):
        return
    n, value = f"{len(tied)} of {len(samples)} docs", tied[0].loglikelihoods[0]
    if n_same_tokens and _are_nearly_all(n_same_tokens, len(samples)):
        raise CellRefused(
            f"the choices of {n_same_tokens} of {len(samples)} docs become the same tokens: the "
            f"tokenizer cannot tell them apart, so this model cannot be scored on this language"
        )
    raise NoNumber(
        f"in {n} all choices have the same log-likelihood ({value:.4g} in the first, "
        f"{tied[0].doc_id!r}): nothing was told apart. The backend may not score what it is asked "
        f"(a server that ignores echo), or the model answers the same to everything"
    )


def _refuse_tied_texts(samples: Sequence[TextSample | TargetSample]) -> None:
    if not samples:
        return
    value, n = Counter(sample.loglikelihood for sample in samples).most_common(1)[0]
    if _are_nearly_all(n, len(samples)):
        raise NoNumber(
            f"{n} of {len(samples)} texts have the same log-likelihood ({value:.4g}): the backend "
            f"may not score what it is asked (a server that ignores echo)"
        )


def _refuse_one_reply(samples: Sequence[ReplySample]) -> None:
    """Refuse replies that are the same to every doc: the model, or a server, read none of them.

    Nearly all is not enough here. A model that falls into one loop in a language it does not know
    has a score, and a low one; to leave the cell out would spare it that.
    """
    replies = {sample.reply.strip() for sample in samples}
    if len(samples) < FEWEST_ALIKE or len(replies) > 1:
        return
    (reply,) = replies
    if reply and len(samples) < FEWEST_DOCS:
        return
    if not reply:
        raise CellRefused(
            f"all {len(samples)} replies are empty: the model ends a reply before its first word. "
            f"It may not see what is asked; try examples, --shots 5"
        )
    raise NoNumber(
        f"all {len(samples)} replies are the same ({reply[:SHOWN]!r}): nothing was told apart. The "
        f"backend may not read what it is sent, or the model answers the same to everything"
    )


def _are_nearly_all(n: int, total: int) -> bool:
    return n >= (NEARLY_ALL * total if total >= FEWEST_DOCS else max(total, FEWEST_ALIKE))
