"""One call for the three modes: token sequences in, one (log-likelihood, is greedy) each out."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlbench.engine.architectures import Mode
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.pack import score_packed
from mlbench.engine.rows import Score, score_rows
from mlbench.engine.trie import Scored, build_trie

__all__ = ["Score", "score"]

logger = logging.getLogger(__name__)

# Rotary embeddings whose angles depend on the longest position in the pass, not on each token's.
LENGTH_DEPENDENT_ROPE = ("longrope", "dynamic")


def score(forward: Forward, requests: Sequence[Scored], budget: Budget, mode: Mode) -> list[Score]:
    """Score requests in the given mode; all modes return the same numbers."""
    limit = longest_shared(forward.model.config.get_text_config(decoder=True))
    is_long = [limit is not None and len(request.tokens) - 1 > limit for request in requests]
    if mode == "plain" or not any(is_long):
        return _score(forward, requests, budget, mode)
    # What long requests share with short ones has other keys in them, so each is fed whole.
    short = _score(forward, _pick(requests, is_long, long=False), budget, mode)
    long = _score(forward, _pick(requests, is_long, long=True), budget, "plain")
    parts = {False: iter(short), True: iter(long)}
    return [next(parts[flag]) for flag in is_long]


def longest_shared(config: Any) -> int | None:
    """Return the length from which a request's keys depend on its length; None if never."""
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    if rope.get("rope_type", rope.get("type")) not in LENGTH_DEPENDENT_ROPE:
        return None
    limit = rope.get("original_max_position_embeddings") or config.max_position_embeddings
    return int(limit)


def _pick(requests: Sequence[Scored], is_long: Sequence[bool], *, long: bool) -> list[Scored]:
    return [r for r, flag in zip(requests, is_long, strict=True) if flag == long]


def _score(forward: Forward, requests: Sequence[Scored], budget: Budget, mode: Mode) -> list[Score]:
    if mode != "packed":
        return score_rows(forward, requests, budget, shares_prefix=mode == "kv2")
    trie = build_trie(requests)
    predicted = score_packed(forward, trie, budget)
    total = np.bincount(trie.wanted_request, predicted.logprob, minlength=len(requests))
    missed = np.bincount(trie.wanted_request, ~predicted.is_greedy, minlength=len(requests))
    scores: list[Score] = list(zip(total.tolist(), (missed == 0).tolist(), strict=True))
    return _without_neighbours(forward, requests, budget, scores)


def _without_neighbours(
    forward: Forward, requests: Sequence[Scored], budget: Budget, scores: list[Score]
) -> list[Score]:
    """Score once more, each by itself, the requests of a pack that have no number.

    A mask gives the tokens of others the weight 0, and 0 times NaN or infinity is NaN: one request
    that overflows spoils all that share its pass. Those that are spoiled show it.
    """
    spoiled = [i for i, (total, _) in enumerate(scores) if not math.isfinite(total)]
    if not spoiled:
        return scores
    logger.warning(
        "%d of %d requests have no number; they are scored once more, each by itself",
        *(len(spoiled), len(requests)),
    )
    again = _score(forward, [requests[i] for i in spoiled], budget, "plain")
    for i, found in zip(spoiled, again, strict=True):
        scores[i] = found
    return scores
