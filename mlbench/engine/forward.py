"""One forward pass of a causal language model, with logits only where they are wanted.

The few differences between transformers' versions and architectures that matter for scoring
(argument names, models that always return all logits) are settled here and nowhere else.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch

from mlbench.engine.cpu import fastest_linear
from mlbench.engine.tail import Tail


def ignore(n_tokens: int) -> None:
    """Stand where no progress bar is."""


class Forward:
    """A model with the counters of what it was fed."""

    def __init__(self, model: Any) -> None:
        self.model = model
        parameters = inspect.signature(_innermost(model).forward).parameters
        self.cache_name = next((n for n in ("cache", "past_key_values") if n in parameters), None)
        self.takes_positions = "position_ids" in parameters
        self.keeps_logits = "logits_to_keep" in parameters
        self.tail = Tail()
        self.tokens_fed = 0
        self.on_fed: Callable[[int], Any] = ignore

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        device: torch.device = self.model.device
        return device

    def __call__(
        self,
        tokens: torch.Tensor,
        rows: torch.Tensor,
        *,
        cache: Any = None,
        positions: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return logits (batch, len(rows), vocabulary) at the places `rows` of each sequence."""
        arguments: dict[str, Any] = {"input_ids": tokens}
        if cache is not None:
            arguments |= {self.cache_name or "": cache, "use_cache": True}
        elif self.cache_name is not None:
            arguments["use_cache"] = False
        if positions is not None:
            arguments["position_ids"] = positions
        if self.keeps_logits:
            arguments["logits_to_keep"] = rows
        with torch.inference_mode(), fastest_linear(self.device):
            logits: torch.Tensor = self.model(**arguments).logits
        self.count(tokens.numel())
        return logits if self.keeps_logits else logits[:, rows]

    def count(self, n_tokens: int) -> None:
        """Add to what was fed, and tell a progress bar."""
        self.tokens_fed += n_tokens
        self.on_fed(n_tokens)

    def read_prefix(self, tokens: torch.Tensor) -> Any:
        """Feed a sequence and return the model's own kind of cache after it."""
        arguments: dict[str, Any] = {"input_ids": tokens, "use_cache": True}
        if self.keeps_logits:
            arguments["logits_to_keep"] = 1
        with torch.inference_mode(), fastest_linear(self.device):
            output = self.model(**arguments)
        self.count(tokens.numel())
        return getattr(output, self.cache_name or "", None)


def _innermost(model: Any) -> Any:
    """Unwrap adapters, whose own forward hides the model's arguments behind **kwargs."""
    unwrap = getattr(model, "get_base_model", None)
    return unwrap() if unwrap is not None else model
