"""The lm-eval model `mlbench`: what lm-eval calls, in terms of tries and packs.

It loads models as lm-eval's `hf` does (same arguments) and returns the same numbers, but feeds each
distinct token once. lm-eval itself scores every choice with its whole few-shot context again.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

# register_model fills the registry; when it is not empty, lm-eval no longer adds its own models.
import lm_eval.models  # noqa: F401  imported for what it registers
import numpy as np
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.registry import register_model
from tqdm import tqdm  # type: ignore[import-untyped]  # tqdm has no types

from mlbench.engine.affixes import TokenIds
from mlbench.engine.architectures import Mode
from mlbench.engine.budget import default_budget
from mlbench.engine.cpu import keep_freed_memory
from mlbench.engine.forward import Forward, ignore
from mlbench.engine.generate import Greedy, generate, greedy_options
from mlbench.engine.hf import WatchedLM
from mlbench.engine.probe import choose_mode, layer_kinds
from mlbench.engine.score import Score, score
from mlbench.engine.tokenise import TokenPair, encoder_for
from mlbench.engine.trie import Scored
from mlbench.engine.verify import first_docs, verify
from mlbench.errors import ContextOverflow, ModelError

logger = logging.getLogger(__name__)

# Requests are sorted and merged this many tokens at a time: some 100 MB.
SLAB_TOKENS = 8 * 2**20
# Prompts generated for at once, unless batch_size is larger.
GENERATED_ROWS = 16
# The request types of lm-eval that are scored here.
PAIR, ROLLING = "loglikelihood", "loglikelihood_rolling"


@register_model("mlbench")
class PackedLM(WatchedLM):
    """lm-eval model `mlbench`.

    `engine` is `auto`, or one of the modes of architectures.py to force it; `mode` says which one
    is used. `verify` docs of each task of a call are first scored plainly too, and a mode that
    differs is given up; `given_up` says why (verify.py). `batch_tokens` bounds the tokens of a
    forward pass (default: from free memory); `batch_size` only matters where `hf` itself is used.
    `as_lm_eval`, which `mlbench run` sets to False, is explained in hf.py.
    After a call: `last_lengths` has the (context, continuation) tokens of each request and
    `n_truncated` counts those truncated from the left.
    """

    def __init__(
        self,
        pretrained: Any,
        *,
        batch_tokens: int | None = None,
        engine: Mode | Literal["auto"] = "auto",
        verify: int = 0,
        **arguments: Any,
    ) -> None:
        arguments["device"] = device = arguments.get("device") or best_device()
        if device == "cpu" and arguments.get("dtype", "auto") == "auto":
            arguments["dtype"] = "float32"  # half precision is 8 times slower on most CPUs
        super().__init__(pretrained, **arguments)
        if self.backend != "causal":
            raise ModelError("an encoder-decoder model cannot be packed; use --engine hf")
        if self.model.device.type == "cpu":
            keep_freed_memory()
        self.mode: Mode = choose_mode(self.model) if engine == "auto" else engine
        self.forward = Forward(self.model)
        self.budget = default_budget(self.model, batch_tokens)
        self.encoder = encoder_for(
            self.tokenizer,
            prefix_token=self.prefix_token_id,
            add_bos=self.add_bos_token,
            affixes=self.affixes,
        )
        self.verify = verify
        self.given_up: tuple[str, ...] = ()
        self.requests_scored = 0
        self.n_truncated = 0
        self.last_lengths: list[tuple[int, int]] = []

    @property
    def tokens_fed(self) -> int:
        """Count the tokens that went through the model so far."""
        return self.forward.tokens_fed

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[Score]:
        """Score each continuation after its context."""
        self.verify_mode(first_docs(requests, self.verify))
        texts = [request.args for request in requests]
        pairs = self.encoder.pairs(texts)
        tokens = [(text, *pair) for text, pair in zip(texts, pairs, strict=True)]
        scores: list[Score] = self._loglikelihood_tokens(tokens, disable_tqdm=disable_tqdm)
        for text, found in zip(texts, scores, strict=True):
            self.cache_hook.add_partial("loglikelihood", text, found)
        return scores

    def loglikelihood_rolling(
        self, requests: list[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Score whole texts, in windows of the model's length where they are longer."""
        self.verify_mode(first_docs(requests, self.verify))
        texts = [request.args[0] for request in requests]
        encoded = self._encode_texts(texts)
        windows = [self.text_windows(ids) for ids in encoded]
        tokens = [(None, *window) for text in windows for window in text]
        scores = iter(self._loglikelihood_tokens(tokens, disable_tqdm=disable_tqdm))
        totals = [sum((next(scores)[0] for _ in text), 0.0) for text in windows]
        self.last_lengths = [(0, len(ids)) for ids in encoded]
        for text, total in zip(texts, totals, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), total)
        return totals

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Generate; greedily with the shared prefix fed once where the model allows it."""
        eos = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
        texts: dict[int, str] = {}
        by_options: dict[str, list[int]] = {}
        for i, request in enumerate(requests):
            by_options.setdefault(repr(request.args[1]), []).append(i)
        for chosen in by_options.values():
            options = requests[chosen[0]].args[1]
            how = greedy_options(options, default_tokens=self.max_gen_toks, eos=eos)
            if how is None or not self._shares_prompts:
                found = self._write_as_hf([requests[i] for i in chosen], disable_tqdm)
            else:
                found = self._generate([requests[i].args for i in chosen], how)
            texts.update(zip(chosen, found, strict=True))
        return [texts[i] for i in range(len(requests))]

    def _write_as_hf(self, requests: list[Instance], disable_tqdm: bool) -> list[str]:
        """Let lm-eval's own loop write, for as many prompts at once as the shared one would."""
        asked, self.batch_size_per_gpu = self.batch_size, self._rows_at_once
        try:
            found: list[str] = super().generate_until(requests, disable_tqdm)
        finally:
            self.batch_size_per_gpu = asked
        return found

    @property
    def _rows_at_once(self) -> int:
        asked = str(self.batch_size)
        return max(int(asked) if asked.isdecimal() else 1, GENERATED_ROWS)

    @property
    def _shares_prompts(self) -> bool:
        kinds = layer_kinds(self.model.config.get_text_config(decoder=True))
        return self.mode == "packed" and kinds == {"full_attention"} and not self.think_end_token

    def _generate(self, requests: Sequence[tuple[str, dict[str, Any]]], how: Greedy) -> list[str]:
        n_kept = self.max_length - how.n_tokens
        if n_kept <= 0:
            raise ContextOverflow(
                f"{how.n_tokens} tokens to generate leave no room for a prompt in the model's "
                f"{self.max_length}; lower max_gen_toks"
            )
        prefix = np.array([self.prefix_token_id], np.int32)
        encoded = [
            ids if len(ids) else prefix
            for ids in self.encoder.texts([context for context, _ in requests])
        ]
        self.last_lengths = [(len(ids), 0) for ids in encoded]
        self.n_truncated = sum(len(ids) > n_kept for ids in encoded)
        texts = generate(
            *(self.forward, self.tokenizer, [ids[-n_kept:] for ids in encoded], how),
            n_rows=self._rows_at_once,
        )
        for request, text in zip(requests, texts, strict=True):
            self.cache_hook.add_partial("generate_until", request, text)
        return texts

    def _loglikelihood_tokens(
        self,
        requests: Iterable[tuple[Any, Any, Any]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
        **_: Any,
    ) -> list[Score]:
        """Score (text, context ids, continuation ids): all scoring comes through here, as in hf."""
        pairs = [
            TokenPair(np.asarray(c, np.int32), np.asarray(t, np.int32)) for _, c, t in requests
        ]
        self.last_lengths = [(len(pair.context), len(pair.continuation)) for pair in pairs]
        self._count_truncated()
        scores: list[Score] = []
        with tqdm(disable=disable_tqdm, desc=f"mlbench {self.mode}", unit=" tokens") as bar:
            self.forward.on_fed = bar.update
            for slab in slabs(self._truncated(pairs)):
                scores += score(self.forward, slab, self.budget, self.mode)
        self.forward.on_fed = ignore
        self.requests_scored += len(pairs)
        return scores

    def verify_mode(self, requests: Sequence[Instance]) -> None:
        """Score requests plainly too and give up a mode that differs.

        Left out are those whose cell will be refused: too long, or without a beginning.
        """
        begun = [
            r for r in requests if self.can_begin_text or (r.request_type == PAIR and r.args[0])
        ]
        pairs = self.encoder.pairs([r.args for r in begun if r.request_type == PAIR])
        texts = [r.args[0] for r in begun if r.request_type == ROLLING]
        pairs += [
            TokenPair(*window)
            for ids in self._encode_texts(texts)
            for window in self.text_windows(ids)
        ]
        fitting = [pair for pair in pairs if len(pair.continuation) <= self.max_length]
        scored = list(self._truncated(fitting))
        self.mode, given_up = verify(self.forward, scored, self.budget, self.mode)
        self.given_up += given_up

    def _encode_texts(self, texts: Sequence[str]) -> list[TokenIds]:
        found = self.encoder.texts(texts)
        return [self.only_text(text, ids) for text, ids in zip(texts, found, strict=True)]

    def _count_truncated(self) -> None:
        most = self.max_length + 1  # lm-eval computes it anew each time
        self.n_truncated = sum(a + b > most for a, b in self.last_lengths)
        if self.n_truncated:
            logger.warning(
                "%d of %d requests are longer than the model's %d tokens and lost their beginning",
                *(self.n_truncated, len(self.last_lengths), self.max_length),
            )

    def _truncated(self, pairs: Iterable[TokenPair]) -> Iterator[Scored]:
        longest = self.max_length
        for pair in pairs:
            n_scored = len(pair.continuation)
            if n_scored > longest:
                raise ContextOverflow(
                    f"a continuation of {n_scored} tokens does not fit the model's {longest}; "
                    "shorten it or leave the model out"
                )
            yield Scored(np.concatenate(pair)[-(longest + 1) :], n_scored)


def slabs(requests: Iterable[Scored]) -> Iterator[list[Scored]]:
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
