"""Does a mode give plain scores on real docs, of this very model? Asked where the user wants it.

probe.py asks the same of a tiny copy and random tokens. Real docs are longer than a copy's window,
and real weights may have what the copy lacks; so some docs are scored whole, one request at a time,
and a mode that differs is given up for the next slower one.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from lm_eval.api.instance import Instance

from mlbench.engine.architectures import MODES, Mode
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.probe import ARCHITECTURE_ERRORS, max_difference
from mlbench.engine.score import Score, score
from mlbench.engine.trie import Scored

logger = logging.getLogger(__name__)

# How far a mode may be from plain scoring, by bytes of a weight: half precision differs from itself
# by 0.02 when only the order of a sum changes.
TOLERANCE = {8: 1e-4, 4: 1e-4, 2: 0.05, 1: 0.1}


class Verified(NamedTuple):
    """The mode to go on with, and why each faster one was given up."""

    mode: Mode
    given_up: tuple[str, ...]


def verify(forward: Forward, requests: Sequence[Scored], budget: Budget, mode: Mode) -> Verified:
    """Compare a mode, then the slower ones, with plain scoring; say once what was given up.

    The tolerance is relative and by the model's precision. Plain scoring is compared with nothing.
    """
    if mode == "plain" or not requests:
        return Verified(mode, ())
    expected = score(forward, requests, budget, "plain")
    tolerance = TOLERANCE[forward.model.dtype.itemsize]
    given_up: list[str] = []
    for candidate in MODES[MODES.index(mode) : -1]:
        reason = _find_fault(forward, requests, budget, (candidate, expected, tolerance))
        if reason is None:
            break
        given_up.append(f"{candidate} {reason}")
        mode = MODES[MODES.index(candidate) + 1]
    if given_up:
        logger.warning(
            "compared with plain scoring on %d requests: %s. Going on in mode %s: same scores, "
            "slower",
            *(len(requests), ", ".join(given_up), mode),
        )
    return Verified(mode, tuple(given_up))


def _find_fault(
    forward: Forward,
    requests: Sequence[Scored],
    budget: Budget,
    wanted: tuple[Mode, list[Score], float],
) -> str | None:
    mode, expected, tolerance = wanted
    try:
        difference = max_difference(score(forward, requests, budget, mode), expected)
    except ARCHITECTURE_ERRORS as error:
        return f"raises {type(error).__name__}"
    # A model whose plain scores are not numbers is no fault of the mode.
    if difference <= tolerance or np.isnan([total for total, _ in expected]).any():
        return None
    return f"differs by {difference:.2g}"


def first_docs(requests: Sequence[Instance], n_docs: int) -> list[Instance]:
    """Pick the requests of the first docs of each task."""
    docs: dict[Any, dict[Any, None]] = {}
    for request in requests:
        docs.setdefault(request.task_name, {})[request.doc_id] = None
    kept = {(task, doc) for task, ids in docs.items() for doc in list(ids)[:n_docs]}
    return [r for r in requests if (r.task_name, r.doc_id) in kept]
