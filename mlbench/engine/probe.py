"""May this model be packed? Asked before the first score, because a wrong yes is silent.

Architectures were seen to be wrong by up to 5 nats without an error. So, in this order: the layer
types must be known ones; a tested architecture starts from its tested mode; and a tiny float32 copy
of the model must give the scores of plain scoring, else the next slower mode is tried.
"""

import logging
from typing import Any

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray
from transformers.cache_utils import get_layer_types_and_kwargs

from mlbench.engine.architectures import MODES, PACKABLE_LAYERS, TESTED, Mode
from mlbench.engine.budget import Budget
from mlbench.engine.forward import Forward
from mlbench.engine.score import Score, score
from mlbench.engine.shrink import tiny_model
from mlbench.engine.trie import Scored

logger = logging.getLogger(__name__)

TOLERANCE = 1e-4
PACKABLE_ATTENTION = ("sdpa", "eager")
# What architectures raise for sizes that they refuse or a mode that they cannot do.
ARCHITECTURE_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, MemoryError),
    *(RuntimeError, TypeError, ValueError, StrictDataclassError),
)
# Longer than the windows of the shrunken copy.
PREFIX_TOKENS = 40
# Packs that cut docs apart, and one that holds all in several blocks of attention.
PACK_TOKENS = (37, 400)


def choose_mode(model: Any) -> Mode:
    """Return the fastest mode that gives this model's plain scores, and say which one."""
    config = model.config.get_text_config(decoder=True)
    first = first_mode(config)
    for mode in MODES[MODES.index(first) :]:
        agrees = mode == "plain" or probe(model, mode)
        if agrees is None:  # no small copy can be built: rely on the tests, or be careful
            mode, agrees = (first if config.model_type in TESTED else "plain"), True
        if agrees:
            break
    tested = "tested" if config.model_type in TESTED else "not in the table of tested architectures"
    logger.info("scoring mode of %s (%s): %s", config.model_type, tested, mode)
    return mode


def first_mode(config: Any) -> Mode:
    """Name the fastest mode to try, by the table of tested architectures or the layer types."""
    mode = TESTED.get(config.model_type, "packed")
    is_packable = layer_kinds(config) <= PACKABLE_LAYERS
    if mode == "packed" and not (is_packable and config._attn_implementation in PACKABLE_ATTENTION):
        return "kv2"
    return mode


def layer_kinds(config: Any) -> set[str]:
    """Name the kinds of layers a model has; unknown where transformers cannot tell."""
    try:
        return set(get_layer_types_and_kwargs(config)[0])
    except (AttributeError, TypeError, KeyError):
        return {"unknown"}  # not on the whitelist, so the model is scored in a slower, safe mode


def probe(model: Any, mode: Mode) -> bool | None:
    """Compare a mode with plain scoring on a tiny copy; None where no copy can be built."""
    for keeps_widths in (False, True):
        try:
            tiny = tiny_model(_innermost(model), keeps_widths=keeps_widths)
            requests = probe_requests(tiny.config.get_text_config(decoder=True).vocab_size)
            expected = _run(Forward(tiny), requests, "plain", PACK_TOKENS[0])
        except ARCHITECTURE_ERRORS as error:
            logger.debug("no tiny copy of %s: %s", type(model).__name__, error)
            continue
        return _agrees(tiny, requests, expected, mode)
    return None


def _agrees(tiny: Any, requests: list[Scored], expected: list[Score], mode: Mode) -> bool:
    forward = Forward(tiny)
    try:
        runs = [_run(forward, requests, mode, n_tokens) for n_tokens in PACK_TOKENS]
    except ARCHITECTURE_ERRORS as error:
        logger.info("%s cannot be scored %s: %s", type(tiny).__name__, mode, error)
        return False
    worst = float(np.max([max_difference(found, expected) for found in runs]))  # nan stays nan
    if not worst <= TOLERANCE:
        logger.info("%s scored %s is wrong by %.2g", type(tiny).__name__, mode, worst)
    return worst <= TOLERANCE


def max_difference(found: list[Score], expected: list[Score]) -> float:
    """Compute the largest relative difference; nan where a score is nan."""
    a, b = (np.array([total for total, _ in scores]) for scores in (found, expected))
    return float((np.abs(a - b) / np.maximum(np.abs(b), 1.0)).max(initial=0.0))


def probe_requests(n_vocabulary: int) -> list[Scored]:
    """Draw requests that share a prefix, questions and beginnings of choices, and two strangers."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> NDArray[np.int32]:
        return rng.integers(1, n_vocabulary, n, dtype=np.int32)

    prefix, requests = draw(PREFIX_TOKENS), [Scored(draw(60), 59), Scored(draw(9), 2)]
    for _ in range(3):
        question, choice = draw(int(rng.integers(3, 12))), draw(3)
        for continuation in (choice[:1], choice[:2], choice, draw(1), draw(5)):
            tokens = np.concatenate([prefix, question, continuation])
            requests.append(Scored(tokens, len(continuation)))
    return requests


def _run(forward: Forward, requests: list[Scored], mode: Mode, n_tokens: int) -> list[Score]:
    return score(forward, requests, Budget(n_tokens, n_tokens), mode)


def _innermost(model: Any) -> torch.nn.Module:
    unwrap = getattr(model, "get_base_model", None)
    module: torch.nn.Module = unwrap() if unwrap is not None else model
    return module
