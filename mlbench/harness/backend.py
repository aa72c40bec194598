"""How is a model loaded, and what was it fed? Any lm-eval backend, with its requests counted.

lm-eval truncates a context that is too long from the left, one log line per request. Here every
request is counted before it is fed, and refused unless the user allowed truncation.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import lm_eval.models  # noqa: F401  lm-eval fills its registry only while it is empty
import numpy as np
import transformers
from accelerate.utils.memory import clear_device_cache  # type: ignore[import-untyped]  # no types
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.registry import get_model
from lm_eval.utils import handle_arg_string

from mlbench.engine.affixes import TokenIds
from mlbench.engine.cpu import give_back_freed_memory
from mlbench.engine.hf import WatchedLM
from mlbench.engine.lm import PackedLM
from mlbench.errors import ContextOverflow, ModelError
from mlbench.harness.chat import TEMPLATE_ARGUMENTS, Chat, find_chat
from mlbench.harness.device import resolve_device, resolve_dtype
from mlbench.harness.files import find_folder, find_pointer, find_too_many_layers
from mlbench.harness.forms import look_at_gguf, refuse_lacking_package, with_quantization
from mlbench.harness.gate import look
from mlbench.harness.loading import told_in_one_line
from mlbench.harness.server import look_at_replies, refuse_other_lengths
from mlbench.model_arguments import parse_arguments
from mlbench.models import Model, find_revision, with_options
from mlbench.settings import Overflow, Settings
from mlbench.store.findings import NOT_LOOKED, Findings
from mlbench.store.signature import Signature

logger = logging.getLogger(__name__)

Request = tuple[Any, list[int], list[int]]
Encode = Callable[[str], list[int]]

CPU_BATCH_SIZE = 8
"""hf on a CPU: 43, 35, 31 and 26 docs/s at 8, 32, 64 and 128 (demo-polyglot on sib200_topic and
cldr_timespan in two languages, two cores)."""


class Usage(NamedTuple):
    """What a cell's requests took; tokens are None where the backend does not show them.

    `n_lost` counts the docs that the tokenizer cannot write, None where it is not at hand.
    """

    n_requests: int
    n_tokens: int | None
    n_truncated: int | None
    n_lost: int | None = None


class CountingModel:
    """A loaded model that counts what it is fed: its state is the count since `take_usage`."""

    def __init__(
        self,
        lm: LM,
        overflow: Overflow,
        findings: Findings = NOT_LOOKED,
        chat: Chat | None = None,
    ) -> None:
        self.lm = lm
        self.chat = chat
        self.overflow = overflow
        # One that a backend holds; lm-eval's dummy would fetch one when asked.
        self.tokenizer: Any = vars(lm).get("tokenizer")
        self.findings = findings
        self.window: int | None = getattr(lm, "max_length", None)
        self.device = str(getattr(lm, "device", "")) or None
        self.verified: set[tuple[str, int]] = set()
        footprint = getattr(getattr(lm, "model", None), "get_memory_footprint", None)
        self.model_bytes: int | None = footprint() if footprint else None
        self._tokens: int | None = None
        self._truncated = 0
        self._asked: dict[tuple[str, str], TokenIds] = {}
        self._score = getattr(lm, "_loglikelihood_tokens", None)
        self._write = lm.generate_until
        if self._score is not None:
            self._tokens = 0
            lm._loglikelihood_tokens = self._count_then_score
            lm.generate_until = self._count_then_write

    @property
    def mode(self) -> str | None:
        """Name the mode of the packed engine, which a check on real docs may change."""
        return getattr(self.lm, "mode", None)

    @property
    def given_up(self) -> tuple[str, ...]:
        """Return which faster modes were wrong for this model, and by how much."""
        return getattr(self.lm, "given_up", ())

    def take_usage(self, n_requests: int) -> Usage:
        """Return the counts and start again from zero."""
        if self._tokens is None:
            return Usage(n_requests, None, None)
        usage = Usage(n_requests, self._tokens, self._truncated)
        self._tokens, self._truncated, self._asked = 0, 0, {}
        return usage

    def count_tokens(self, request: tuple[str, ...]) -> int | None:
        """Return the tokens of a continuation scored since `take_usage`, or of a whole text.

        None where the backend does not show its tokens.
        """
        if len(request) == 2:
            asked = self._asked.get((request[0], request[1]))
            return None if asked is None else len(asked)
        if self._tokens is None:
            return None
        if isinstance(self.lm, WatchedLM):
            return len(self.lm.encode_text(request[0]))
        encode: Encode | None = getattr(self.lm, "tok_encode", None)
        return len(self._only_text(encode(request[0]))) if encode else None

    def are_same_tokens(self, requests: Sequence[tuple[str, ...]]) -> bool:
        """Return whether continuations scored since `take_usage` are the same tokens, all of them.

        False where the backend does not show its tokens.
        """
        asked = (self._asked.get((request[0], request[1])) for request in requests)
        tokens = [None if ids is None else ids.tobytes() for ids in asked]
        return len(tokens) > 1 and None not in tokens and len(set(tokens)) == 1

    def _count_then_score(self, requests: list[Request], *args: Any, **kwargs: Any) -> Any:
        assert self._tokens is not None and self._score is not None
        requests = [self._without_second_prefix(request) for request in requests]
        for strings, context, continuation in requests:
            self._tokens += len(context) + len(continuation)
            if strings is not None:
                self._asked[strings] = np.asarray(continuation, np.int32)
            self._check_length(len(context), len(continuation))
        kwargs["disable_tqdm"] = True
        return self._score(requests, *args[1:], **kwargs)

    def _count_then_write(self, requests: list[Instance], *args: Any, **kwargs: Any) -> list[str]:
        """Count the tokens of prompts and of what is written after them."""
        encode: Encode | None = getattr(self.lm, "tok_encode", None)
        if encode is None:
            return list(self._write(requests, *args, **kwargs))
        for request in requests:
            context, options = request.args
            self._check_length(len(encode(context)), int(options["max_gen_toks"]), n_unread=0)
        replies = list(self._write(requests, *args, **kwargs))
        assert self._tokens is not None
        for request, reply in zip(requests, replies, strict=True):
            self._tokens += len(encode(request.args[0])) + len(encode(reply))
        return replies

    def _without_second_prefix(self, request: Request) -> Request:
        """Leave out a prefix token that a backend of lm-eval scores after itself in a text."""
        strings, context, continuation = request
        if (
            strings is not None
            or isinstance(self.lm, WatchedLM)
            or list(context) != [*continuation[:1]]
        ):
            return request
        return strings, context, self._only_text(continuation)

    def _only_text(self, ids: list[int]) -> list[int]:
        prefix = getattr(self.lm, "prefix_token_id", None)
        return ids[1:] if len(ids) > 1 and ids[0] == prefix else ids

    def _check_length(self, n_context: int, n_continuation: int, n_unread: int = 1) -> None:
        # lm-eval feeds the last window + 1 tokens less the last one, which is only predicted; what
        # is written is given room in the window, all of it.
        if self.window is None or n_context + n_continuation <= self.window + n_unread:
            return
        if self.overflow == "refuse" or n_continuation > self.window:
            raise ContextOverflow(
                f"a request of {n_context} + {n_continuation} tokens (context + continuation) "
                f"does not fit the model's window of {self.window}. Use fewer --shots, or "
                f"--overflow truncate to truncate contexts from the left"
            )
        self._truncated += 1


def load_model(
    model: Model, settings: Settings, signature: Signature | None = None
) -> CountingModel:
    """Load a model through its lm-eval backend, in the memory of models that nobody holds any more.

    With a signature, the weights and the dtype that it states are loaded, whatever the hub or this
    machine would say now. Raises ModelError with the reason if it cannot be loaded, or if it is
    not what it should be (gate.py).
    """
    settings = with_options(settings, model)
    device = resolve_device(settings)
    clear_device_cache(garbage_collection=True)  # lm-eval's models are in cycles of references
    give_back_freed_memory()
    transformers.utils.logging.disable_progress_bar()
    findings, chat = NOT_LOOKED, None
    with told_in_one_line("model", model):
        if model.backend == "hf":
            _refuse_folder(model)
            refuse_lacking_package(model)
            lm = _load_hf(model, settings, device, signature)
            findings = replace(look(lm), rounded=look_at_gguf(model, lm.tokenizer))
            if findings.rounded:
                logger.warning("%s", findings.rounded)
            chat = find_chat(lm) if settings.chat else None
        else:
            lm = get_model(model.backend).create_from_arg_string(
                model.arguments, _without_given(model, settings)
            )
            refuse_other_lengths(lm)
            findings = look_at_replies(lm)
    return CountingModel(lm, settings.overflow, findings, chat)


def _refuse_folder(model: Model) -> None:
    folder = find_folder(model)
    if folder and (fault := find_pointer(folder) or find_too_many_layers(folder)):
        raise ModelError(fault)


def _without_given(model: Model, settings: Settings) -> dict[str, Any]:
    """Return what lm-eval passes to every backend, less what the model's arguments say."""
    options = {"batch_size": settings.batch_size, "device": settings.device}
    given = parse_arguments(model.arguments)
    return {name: value for name, value in options.items() if name not in given}


def _load_hf(
    model: Model, settings: Settings, device: str, signature: Signature | None
) -> WatchedLM:
    """Load transformers weights with the packed engine, or with lm-eval's own."""
    dtype = signature.dtype if signature else None
    shared: dict[str, Any] = {
        **with_quantization(_values_of(model.arguments)),
        "pretrained": model.path,
        "revision": find_revision(model, signature.weights if signature else None),
        "device": device,
        "dtype": dtype or resolve_dtype(settings),
        "trust_remote_code": settings.trust_remote_code,
        "as_lm_eval": False,
        "bos": settings.bos,
        "chat_template_args": TEMPLATE_ARGUMENTS if settings.chat else None,
    }
    if settings.engine == "packed":
        return PackedLM(**shared, batch_tokens=settings.batch_tokens)
    batch_size = settings.batch_size
    if batch_size == "auto" and device == "cpu":
        batch_size = str(CPU_BATCH_SIZE)
    # In half precision log_softmax gave exact ties between choices; float32 costs little.
    return WatchedLM(**{"softmax_dtype": "float32", **shared}, batch_size=batch_size)


def _values_of(arguments: str) -> dict[str, Any]:
    """Return arguments as the values that lm-eval makes of them."""
    return {
        name: json.loads(text) if text.startswith(("[", "{")) else handle_arg_string(text)
        for name, text in parse_arguments(arguments).items()
    }
