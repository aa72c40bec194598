"""lm-eval's `hf`, but loaded with open eyes and with special tokens kept apart from the text.

Both engines stand on it. What transformers says of the tensors that it did not find is kept; and
unless lm-eval's own numbers are asked for (`as_lm_eval`), the tokens that a tokenizer puts before
a text are fed and not scored, and those that it puts after a text are left out (affixes.py). `bos`
decides whether BOS is put before one.
"""

import logging
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate.utils.memory import clear_device_cache  # type: ignore[import-untyped]  # no types
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from mlbench.engine.affixes import (
    Affixes,
    TokenIds,
    beginnings,
    encode_batch,
    find_affixes,
    put_bos,
)
from mlbench.engine.budget import is_out_of_memory
from mlbench.errors import CellRefused
from mlbench.settings import Bos

logger = logging.getLogger(__name__)

NO_BEGINNING = (
    "the tokenizer has neither BOS nor EOS, and puts nothing before a text: its first token has no "
    "context to be scored in. Families of choices can be scored; leave out those of whole texts, "
    "or name a token as bos_token in tokenizer_config.json"
)

LARGEST_BATCH = 64
"""Requests at once from which is halved, where lm-eval's own choice (auto) ran out of memory."""

Window = tuple[TokenIds, TokenIds]
Tokens = TypeVar("Tokens", list[int], TokenIds)


class WatchedLM(HFLM):  # type: ignore[misc]  # lm_eval is untyped
    """lm-eval's model `hf`, whose loading is watched.

    After loading, `loading` has what transformers says of tensors that are missing, unexpected or
    of another shape; None where the model was handed over, or is lm-eval's own. `as_lm_eval` takes
    special tokens for text, as lm-eval does.
    """

    def __init__(
        self, pretrained: Any, *, as_lm_eval: bool = True, bos: Bos = "auto", **arguments: Any
    ) -> None:
        self.as_lm_eval = as_lm_eval
        self.loading: dict[str, Any] | None = None
        if bos != "auto":
            arguments["add_bos_token"] = bos == "yes"
        super().__init__(pretrained, **arguments)
        if bos == "yes":
            put_bos(self.tokenizer)
        # An encoder-decoder model reads its context by itself, with what closes it.
        is_apart = not as_lm_eval and self.backend == "causal"
        if is_apart:
            self._pad_with_a_known_token()
        self.affixes = (
            find_affixes(self.tokenizer, add_bos=self.add_bos_token) if is_apart else Affixes()
        )
        self.beginnings = beginnings(self.tokenizer, self.prefix_token_id, self.affixes)

    def _pad_with_a_known_token(self) -> None:
        """Pad with EOS where the class of a tokenizer adds a padding token that the model lacks."""
        known = self.model.get_input_embeddings().weight.shape[0]
        if (self.tokenizer.pad_token_id or 0) >= known:
            self.tokenizer.pad_token_id = self.tokenizer.eos_token_id

    def _create_model(self, *arguments: Any, **options: Any) -> None:
        if self.as_lm_eval:
            super()._create_model(*arguments, **options)
            return
        auto_class: Any = self.AUTO_MODEL_CLASS
        watcher = _Watcher(auto_class)
        adapter = options.pop("peft", None)
        self.AUTO_MODEL_CLASS: Any = watcher
        try:
            super()._create_model(*arguments, **options)
        finally:
            self.AUTO_MODEL_CLASS = auto_class
        self.loading = watcher.loading
        if adapter is not None:
            self._model: Any = _with_adapter(self.model, adapter, options.get("revision"))

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,
        left_truncate_len: int | None = None,
        **options: Any,
    ) -> list[int]:
        """Encode as lm-eval does, without the tokens that close a text."""
        if self.as_lm_eval or self.backend != "causal":
            found = super().tok_encode(string, add_special_tokens, left_truncate_len, **options)
            return list(found)
        special = self.special(string) if add_special_tokens is None else add_special_tokens
        ids = encode_batch(self.tokenizer, [string], special)[0]
        ids = ids if special is False else self.affixes.without_after(ids)
        return [int(token) for token in ids[-(left_truncate_len or len(ids)) :]]

    def tok_batch_encode(
        self, strings: list[str], *arguments: Any, **options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode prompts to be continued as lm-eval does, without the tokens that close a text."""
        ids, mask = super().tok_batch_encode(strings, *arguments, **options)
        n = len(self.affixes.after)
        if not n or self.special(strings[0]) is False:
            return ids, mask
        # Padding is on the left, so what closes a text stands in the same columns of all.
        return ids[:, :-n], mask[:, :-n]

    def special(self, text: str) -> bool | None:
        """Choose add_special_tokens for a text; None leaves it to the tokenizer."""
        if text.startswith(self.beginnings):
            return False
        add_bos: bool | None = self.add_bos_token
        return add_bos

    def only_text(self, text: str, ids: Tokens) -> Tokens:
        """Return the tokens that are scored of a whole text, which are those that it costs."""
        if self.as_lm_eval or self.backend != "causal":
            return ids
        if self.special(text) is not False:
            return ids[len(self.affixes.before) :]
        return ids[1:] if len(ids) > 1 and ids[0] == self.prefix_token_id else ids

    def encode_text(self, text: str) -> list[int]:
        """Encode a whole text, without what its tokenizer puts around it."""
        return self.only_text(text, self.tok_encode(text))

    @property
    def can_begin_text(self) -> bool:
        """Whether there is a token that the first token of a text can be predicted after."""
        return bool(self.affixes.before) or self.prefix_token_id is not None

    def text_windows(self, ids: Iterable[int]) -> list[Window]:
        """Cut the tokens of a text into (context, scored tokens) of at most the model's window.

        A text begins after what its tokenizer puts before it, else after BOS or EOS. Raises
        CellRefused where there is none of them.
        """
        if not self.can_begin_text:
            raise CellRefused(NO_BEGINNING)
        beginning = self.affixes.before or (self.prefix_token_id,)
        more = beginning[:-1]
        room = self.max_length - len(more)
        windows = get_rolling_token_windows(list(ids), beginning[-1], room, 1)
        pairs = [make_disjoint_window(window) for window in windows]
        return [
            (np.asarray([*(() if i else more), *context], np.int32), np.asarray(scored, np.int32))
            for i, (context, scored) in enumerate(pairs)
        ]

    def loglikelihood(
        self, requests: list[Instance], disable_tqdm: bool = False
    ) -> list[tuple[float, bool]]:
        """Score each continuation after its context, as lm-eval does."""
        if self.prefix_token_id is None and any(request.args[0] == "" for request in requests):
            raise CellRefused(NO_BEGINNING)
        found: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm)
        return found

    def _loglikelihood_tokens(
        self,
        requests: Iterable[tuple[Any, Any, Any]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
        **_: Any,
    ) -> list[tuple[float, bool]]:
        """Score token ids; where memory runs out, go on with half as many requests at once."""
        while True:
            try:
                found: list[tuple[float, bool]] = super()._loglikelihood_tokens(
                    list(requests), disable_tqdm=disable_tqdm, override_bs=override_bs
                )
                return found
            except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
                given = override_bs or self.batch_size
                size = int(given) if str(given).isdigit() else LARGEST_BATCH
                if not is_out_of_memory(error) or size < 2:
                    raise
            clear_device_cache()
            self.batch_size_per_gpu: Any = size // 2
            override_bs = size // 2
            logger.warning("out of memory: going on with %d requests at once", override_bs)

    def loglikelihood_rolling(
        self, requests: list[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Score whole texts, in batches as lm-eval does."""
        if self.as_lm_eval or self.backend != "causal":
            found: list[float] = super().loglikelihood_rolling(requests, disable_tqdm)
            return found
        texts = [request.args[0] for request in requests]
        by_text = [self.text_windows(self.encode_text(text)) for text in texts]
        windows = [(None, c.tolist(), t.tolist()) for text in by_text for c, t in text]
        step = self._detect_batch_size() if self.batch_size == "auto" else int(self.batch_size)
        scores: list[tuple[float, bool]] = []
        for start in range(0, len(windows), step):
            batch = windows[start : start + step]
            scores += self._loglikelihood_tokens(
                batch, disable_tqdm=disable_tqdm, override_bs=len(batch)
            )
        values = iter(value for value, _ in scores)
        return [sum((next(values) for _ in text), 0.0) for text in by_text]


def _with_adapter(model: Any, adapter: str, revision: str | None) -> Any:
    """Return a model with an adapter in its weights, where they are not rounded ones.

    lm-eval also cuts the embedding to the length of the tokenizer, which changes every score of a
    model with rows to spare; here it stays.
    """
    from peft import PeftModel

    found = PeftModel.from_pretrained(model, adapter, revision=revision)
    is_rounded = getattr(model.config, "quantization_config", None)
    return found if is_rounded else found.merge_and_unload()


class _Watcher:
    """Stands for an auto class of transformers, and keeps the loading information of the first.

    Tensors of another shape are let through, to be told by name and shape: transformers names them
    in its log only.
    """

    def __init__(self, auto_class: Any) -> None:
        self.auto_class = auto_class
        self.loading: dict[str, Any] | None = None

    def from_pretrained(self, *arguments: Any, **options: Any) -> Any:
        """Load as the auto class does."""
        asked = {"output_loading_info": True, "ignore_mismatched_sizes": True}
        model, loading = self.auto_class.from_pretrained(*arguments, **asked, **options)
        self.loading = self.loading or loading
        return model
