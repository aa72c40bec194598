"""One call for the three modes: token sequences in, one (log-likelihood, is greedy) each out."""

from collections.abc import Sequence

import numpy as np

from mlbench.engine.architectures import Mode
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.pack import score_packed
from mlbench.engine.rows import Score, score_rows
from mlbench.engine.trie import Scored, build_trie

__all__ = ["Score", "score"]


def score(forward: Forward, requests: Sequence[Scored], budget: Budget, mode: Mode) -> list[Score]:
    """Score requests in the given mode; all modes return the same numbers."""
    if mode != "packed":
        return score_rows(forward, requests, budget, shares_prefix=mode == "kv2")
    trie = build_trie(requests)
    predicted = score_packed(forward, trie, budget)
    total = np.bincount(trie.wanted_request, predicted.logprob, minlength=len(requests))
    missed = np.bincount(trie.wanted_request, ~predicted.is_greedy, minlength=len(requests))
    return list(zip(total.tolist(), (missed == 0).tolist(), strict=True))
