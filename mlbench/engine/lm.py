"""The lm-eval model `mlbench`: what lm-eval calls, in terms of tries and packs.

It loads models as lm-eval's `hf` does (same arguments) and returns the same numbers, but feeds each
distinct token once. lm-eval itself scores every choice with its whole few-shot context again.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

# register_model fills the registry; when it is not empty, lm-eval no longer adds its own models.
import lm_eval.models  # noqa: F401
import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
from tqdm import tqdm  # type: ignore[import-untyped]

from mlbench.engine.architectures import Mode
from mlbench.engine.budget import default_budget
from mlbench.engine.forward import Forward
from mlbench.engine.probe import choose_mode
from mlbench.engine.score import score
from mlbench.engine.tokenise import Pair, encoder_for
from mlbench.engine.trie import Scored
from mlbench.errors import ContextOverflow

logger = logging.getLogger(__name__)

# Requests are sorted and merged this many tokens at a time: some 100 MB.
SLAB_TOKENS = 8 * 2**20


@register_model("mlbench")
class PackedLM(HFLM):  # type: ignore[misc]  # lm_eval is untyped
    """lm-eval model `mlbench`.

    `engine` is `auto`, or one of the modes of architectures.py to force it; `mode` says which one
    is used. `batch_tokens` bounds the tokens of a forward pass (default: from free memory);
    `batch_size` only matters where `hf` itself is used. After a call: `last_lengths` has the
    (context, continuation) tokens of each request and `n_truncated` counts those cut on the left.
    """

    def __init__(
        self,
        pretrained: Any,
        *,
        batch_tokens: int | None = None,
        engine: Mode | Literal["auto"] = "auto",
        **arguments: Any,
    ) -> None:
        arguments["device"] = device = arguments.get("device") or best_device()
        if device == "cpu" and arguments.get("dtype", "auto") == "auto":
            arguments["dtype"] = "float32"  # half precision is 8 times slower on most CPUs
        super().__init__(pretrained, **arguments)
        self.mode: Mode = choose_mode(self.model) if engine == "auto" else engine
        self.forward = Forward(self.model)
        self.budget = default_budget(self.model, batch_tokens)
        self.encoder = encoder_for(
            self.tokenizer, prefix_token=self.prefix_token_id, add_bos=self.add_bos_token
        )
        self.requests_scored = 0
        self.n_truncated = 0
        self.last_lengths: list[tuple[int, int]] = []

    @property
    def tokens_fed(self) -> int:
        """Count the tokens that went through the model so far."""
        return self.forward.tokens_fed

    def loglikelihood(
        self, requests: list[Instance], disable_tqdm: bool = False
    ) -> list[tuple[float, bool]]:
        """Score each continuation after its context."""
        texts = [request.args for request in requests]
        pairs = self.encoder.pairs(texts)
        scores = self._score(pairs, disable_tqdm=disable_tqdm)
        for text, found in zip(texts, scores, strict=True):
            self.cache_hook.add_partial("loglikelihood", text, found)
        return scores

    def loglikelihood_rolling(
        self, requests: list[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Score whole texts, in windows of the model's length where they are longer."""
        texts = [request.args[0] for request in requests]
        encoded = self.encoder.texts(texts)
        windows = [self._windows(ids.tolist()) for ids in encoded]
        scores = iter(self._score([w for text in windows for w in text], disable_tqdm=disable_tqdm))
        totals = [sum((next(scores)[0] for _ in text), 0.0) for text in windows]
        self.last_lengths = [(0, len(ids)) for ids in encoded]
        for text, total in zip(texts, totals, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), total)
        return totals

    def _loglikelihood_tokens(
        self,
        requests: Iterable[tuple[Any, list[int], list[int]]],
        disable_tqdm: bool = False,
        **_: Any,
    ) -> list[tuple[float, bool]]:
        """Score token ids, as some lm-eval tasks ask for."""
        pairs = [Pair(np.asarray(c, np.int32), np.asarray(t, np.int32)) for _, c, t in requests]
        return self._score(pairs, disable_tqdm=disable_tqdm)

    def _windows(self, ids: list[int]) -> list[Pair]:
        windows = get_rolling_token_windows(ids, self.prefix_token_id, self.max_length, 1)
        parts = (make_disjoint_window(window) for window in windows)
        return [Pair(np.asarray(c, np.int32), np.asarray(t, np.int32)) for c, t in parts]

    def _score(self, pairs: Sequence[Pair], *, disable_tqdm: bool) -> list[tuple[float, bool]]:
        self.last_lengths = [(len(pair.context), len(pair.continuation)) for pair in pairs]
        self.n_truncated = sum(a + b > self.max_length + 1 for a, b in self.last_lengths)
        if self.n_truncated:
            logger.warning(
                "%d of %d requests are longer than the model's %d tokens and lost their beginning",
                *(self.n_truncated, len(pairs), self.max_length),
            )
        requests = [self._truncate(pair) for pair in pairs]
        scores: list[tuple[float, bool]] = []
        with tqdm(total=len(pairs), disable=disable_tqdm, desc="mlbench", unit="request") as bar:
            for slab in slabs(requests):
                scores += score(self.forward, slab, self.budget, self.mode)
                bar.update(len(slab))
        self.requests_scored += len(pairs)
        return scores

    def _truncate(self, pair: Pair) -> Scored:
        n_scored = len(pair.continuation)
        if n_scored > self.max_length:
            raise ContextOverflow(
                f"a continuation of {n_scored} tokens does not fit the model's {self.max_length}; "
                "shorten it or leave the model out"
            )
        return Scored(np.concatenate(pair)[-(self.max_length + 1) :], n_scored)


def slabs(requests: Sequence[Scored]) -> Iterator[list[Scored]]:
    """Cut a call into parts of bounded memory, in the order given, which is by task."""
    slab: list[Scored] = []
    n_tokens = 0
    for request in requests:
        if slab and n_tokens + len(request.tokens) > SLAB_TOKENS:
            yield slab
            slab, n_tokens = [], 0
        slab.append(request)
        n_tokens += len(request.tokens)
    if slab:
        yield slab


def best_device() -> str:
    """Choose an accelerator if there is one; lm-eval's own default is CUDA or an error."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
