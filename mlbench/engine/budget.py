"""How much may one forward pass take?

A pack is bounded by its tokens (keys, values, activations, mask) and by its rows of logits, which
are the larger share where the vocabulary is large. Both are halved when memory runs out.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch

from mlbench.errors import ModelError

logger = logging.getLogger(__name__)

SMALLEST_PACK = 16
# Above these the matrix products of a layer are no longer faster per token; see docs/benchmarks.md.
CPU_TOKENS = 1536
GPU_TOKENS = 16384
# Eager attention holds the scores of all pairs of tokens, of all heads.
EAGER_TOKENS = 4096
# Logits of one pass, of what is free.
LOGITS_SHARE = 0.1
ACTIVATIONS_SHARE = 0.3
# Values of a hidden state's width that live at once in a layer: states, q, k, v, gate, up, output.
LIVE_STATES = 24
CPU_LOGITS_BYTES = 192 * 2**20


class Budget:
    """Tokens and logit rows of a forward pass; at `smallest` tokens there is no more halving."""

    def __init__(self, tokens: int, rows: int, *, smallest: int = SMALLEST_PACK) -> None:
        self.tokens, self.rows, self.smallest = max(tokens, 1), max(rows, 1), smallest

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Run `work`; where memory ran out, halve and return None so that the caller cuts anew."""
        try:
            return work()
        except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if self.tokens <= self.smallest:
            raise ModelError(
                f"out of memory with only {self.tokens} tokens in a pass; free some, use a smaller "
                "model or dtype, or another device"
            )
        self.tokens, self.rows = max(self.tokens // 2, 1), max(self.rows // 2, 1)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        logger.warning("out of memory: going on with %d tokens a pass", self.tokens)
        return None


def is_out_of_memory(error: BaseException) -> bool:
    """Recognise a failed allocation; on CPU and MPS torch raises a plain RuntimeError for it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text


def default_budget(model: Any, batch_tokens: int | None) -> Budget:
    """Size packs for the model's device from the memory that is free on it now."""
    config = model.config.get_text_config(decoder=True)
    device = torch.device(model.device)
    free = _free_bytes(device)
    row_bytes = config.vocab_size * torch.finfo(model.dtype).bits // 8
    logits_bytes = LOGITS_SHARE * free
    if device.type == "cpu":
        logits_bytes = min(logits_bytes, CPU_LOGITS_BYTES)
    if batch_tokens is None:
        token_bytes = config.hidden_size * LIVE_STATES * torch.finfo(model.dtype).bits // 8
        is_eager = getattr(config, "_attn_implementation", None) == "eager"
        largest = EAGER_TOKENS if is_eager else GPU_TOKENS
        largest = CPU_TOKENS if device.type == "cpu" else largest
        batch_tokens = min(largest, int(ACTIVATIONS_SHARE * free / token_bytes))
    return Budget(max(batch_tokens, SMALLEST_PACK), int(logits_bytes / row_bytes))


def _free_bytes(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return float(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            kilobytes = next(line.split()[1] for line in lines if line.startswith("MemAvailable"))
        return 1024.0 * int(kilobytes)
    except (OSError, StopIteration):
        return float(4 * 2**30)  # macOS and Windows: assume a small machine
