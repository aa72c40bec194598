"""Can this model be believed at all? Asked once per model, between loading and the first cell.

Everything here would otherwise be a number that looks like a score: weights that were filled at
random, NaN, a tokenizer of another model, or a model that sees the token it predicts.
"""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers.utils import cached_file

from mlbench.engine.affixes import begins_with_bos, show_tokens
from mlbench.engine.forward import Forward
from mlbench.engine.hf import WatchedLM
from mlbench.engine.probe import ARCHITECTURE_ERRORS
from mlbench.engine.shrink import tiny_model
from mlbench.errors import ModelError
from mlbench.harness.checkpoint import (
    refuse_ids_without_rows,
    refuse_not_finite,
    refuse_other_tensors,
)
from mlbench.store.findings import Findings

logger = logging.getLogger(__name__)

PROBE = "The river flows to the sea, 42 km. Где мы? 我们在这里。 हम यहाँ हैं। เราอยู่ที่นี่"
PROBE_TOKENS = 12

ROUNDING = {8: 1e-3, 4: 1e-3, 2: 0.02, 1: 0.05}
"""By bytes of a weight: how far later tokens may move an earlier prediction by rounding alone, as a
share of what they move a later one. Sequences of one length round alike, so a causal model moves by
nothing at all; but a mixture of experts sorts its tokens by expert."""

EXACT = 1e-4
"""The same for a tiny float32 copy with weights that every token acts on. Mixtures of experts move
by 5e-7, encoders by 0.004 and more (RoFormer); an encoder that was never trained, by 1e-5."""


def look(lm: WatchedLM) -> Findings:
    """Look at a loaded model and its tokenizer; return what explains its scores.

    Raises ModelError, with the cause in one sentence, for what could only give wrong ones.
    """
    unexpected = refuse_other_tensors(lm.model, lm.loading) if lm.loading else None
    refuse_not_finite(lm.model)
    if lm.backend == "causal":
        fed = [*lm.affixes.before, *([lm.prefix_token_id] if has_prefix(lm) else [])]
        refuse_ids_without_rows(lm.tokenizer, lm.model, fed)
        refuse_not_causal(lm)
    findings = Findings(
        before=show_tokens(lm.tokenizer, lm.affixes.before) or None,
        after=show_tokens(lm.tokenizer, lm.affixes.after) or None,
        unexpected=unexpected,
        lacking=_find_lacking_bos(lm),
    )
    if findings.after:
        logger.warning(
            "the tokenizer puts %s after every text; it is left out, since it would stand between "
            "a context and what follows it",
            findings.after,
        )
    if unexpected:
        logger.warning("%s", unexpected)
    if findings.lacking:
        logger.warning(
            "tokenizer_config.json asks for %s before every text (add_bos_token), but as "
            "transformers %s loads the tokenizer it puts none there: contexts are fed without it, "
            "as lm-eval feeds them. --bos yes puts it there, --bos no accepts it",
            findings.lacking,
            transformers.__version__,
        )
    return findings


def _find_lacking_bos(lm: WatchedLM) -> str | None:
    """Return the BOS token that a tokenizer's config asks for and a text does not get.

    None where it gets it, nobody asks, or the command line has decided.
    """
    tokenizer = lm.tokenizer
    token = getattr(tokenizer, "bos_token", None)
    if lm.backend != "causal" or lm.add_bos_token is not None or not token:
        return None
    path = cached_file(
        *(tokenizer.name_or_path, "tokenizer_config.json"),
        local_files_only=True,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_gated_repo=False,
        _raise_exceptions_for_connection_errors=False,
    )
    asks = path and json.loads(Path(path).read_text(encoding="utf-8")).get("add_bos_token")
    return str(token) if asks is True and not begins_with_bos(tokenizer, lm.affixes) else None


def has_prefix(lm: WatchedLM) -> bool:
    """Return whether there is a token that a text without a context is scored after."""
    return lm.prefix_token_id is not None


def refuse_not_causal(lm: WatchedLM) -> None:
    """Refuse a model whose predictions change with later tokens, or are not finite.

    Raises ModelError.
    """
    base = _probe_tokens(lm)
    if len(base) > 2 and not _is_causal(lm.model, base):
        raise ModelError(
            "its attention is not causal: the model sees the token it predicts (an encoder, a "
            "prefix model or a diffusion model), so its log-likelihoods are no predictions. Only "
            "causal language models can be scored"
        )


def _is_causal(model: Any, base: list[int]) -> bool:
    seen, rounding = _share_seen(model, base), ROUNDING[model.dtype.itemsize]
    if not seen or (seen > rounding and model.dtype.itemsize >= 4):
        return not seen
    exact = _share_seen_exactly(model, base)
    return seen <= rounding if exact is None else exact <= EXACT


def _share_seen(model: Any, base: list[int]) -> float:
    """Return how much later tokens move earlier predictions, as a share of what they move the last.

    The first prediction, which sees one token only, and one in the middle: a prefix model looks
    ahead at the beginning. One pass for all three: the weights are read once.
    """
    middle, found = len(base) // 2 | 1, [0.0]
    starts = (1, middle)
    changed = [base[:start] + base[: start - 1 : -1] for start in starts]
    rows = [*range(middle), len(base) - 1]
    expected, *others = _predictions(Forward(model), [base, *changed], rows)
    for start, other in zip(starts, others, strict=True):
        moved = _distance(expected, other)
        earlier, last = float(moved[:start].max()), float(moved[-1])
        found.append(earlier / max(last, earlier) if earlier else 0.0)
    return max(found)


def _share_seen_exactly(model: Any, base: list[int]) -> float | None:
    """Return the same of a tiny float32 copy, where no rounding hides it; None without a copy."""
    try:
        tiny = tiny_model(model)
        n_rows = tiny.config.get_text_config(decoder=True).vocab_size
        return _share_seen(tiny, [token % n_rows for token in base])
    except ARCHITECTURE_ERRORS as error:
        logger.debug("no tiny copy of %s: %s", type(model).__name__, error)
        return None


def _predictions(forward: Forward, texts: list[list[int]], rows: list[int]) -> torch.Tensor:
    """Return log-probabilities (texts, rows, vocabulary) of texts of one length."""
    device = forward.device
    ids, kept = torch.tensor(texts, device=device), torch.tensor(rows, device=device)
    logits = forward(ids, kept).float()
    # A model may rule tokens out by minus infinity, but not all of them.
    if bool((logits.isnan() | logits.isposinf()).any()) or bool(logits.amax(-1).isneginf().any()):
        raise ModelError(
            "its predictions are NaN or infinite on a plain text, with finite weights. Half "
            "precision overflows in some models: try --dtype float32 or bfloat16; else the "
            "checkpoint is broken"
        )
    return logits.log_softmax(-1)


def _distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return by place how far log-probabilities are apart; what both rule out is no distance."""
    apart = torch.where(first == second, 0.0, (first - second).abs())
    return apart.nan_to_num(posinf=torch.finfo(torch.float32).max).amax(-1)


def _probe_tokens(lm: WatchedLM) -> list[int]:
    """Return tokens of a text in several scripts, all different where the tokenizer can.

    The changed copies have the tokens from a place on in reverse order.
    """
    beginning = list(lm.affixes.before) or ([lm.prefix_token_id] if has_prefix(lm) else [])
    ids = dict.fromkeys([*beginning, *lm.tok_encode(PROBE, add_special_tokens=False)])
    length = min(PROBE_TOKENS, lm.max_length)
    n_rows = len(lm.model.get_input_embeddings().weight)
    rng = np.random.default_rng(0)
    drawn = rng.permutation(min(n_rows, 1000))[:PROBE_TOKENS].tolist()
    known = [token for token in dict.fromkeys([*ids, *drawn]) if token < n_rows]
    return known[:length]
