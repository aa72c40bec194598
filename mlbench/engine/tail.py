"""After its last attention a model mixes tokens no more.

So what runs from there to the logits is needed at the tokens that something is predicted at, and at
no others; in a model of few layers that is a good part of all work. Which modules these are is seen
in a model's first pass, so nothing here knows any architecture.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.modules import module as hooks

from mlbench.engine.mask import MaskError, TreeMask, spread
from mlbench.engine.trie import Ints

# Above this share of wanted tokens, taking them out and putting them back costs what it saves.
LARGEST_SHARE = 0.7


class Tail:
    """The outermost modules with matrices in them after a model's last attention."""

    def __init__(self) -> None:
        self.n_attentions = 0  # of one pass
        self.modules: list[torch.nn.Module] | None = None  # until a pass was watched

    @contextlib.contextmanager
    def within(self, mask: TreeMask, wanted: Ints) -> Iterator[None]:
        """Compute the tail of a pass at the queries `wanted`; watch the first pass instead."""
        n_queries = mask.n_keys - mask.n_kept
        if self.modules is None:
            with self._watch(mask, n_queries):
                yield
        elif self.modules and len(wanted) <= LARGEST_SHARE * n_queries:
            mask.narrow_last(self.n_attentions, wanted)
            with self._narrow(self.modules, mask, n_queries):
                yield
        else:
            yield

    @contextlib.contextmanager
    def _watch(self, mask: TreeMask, n_queries: int) -> Iterator[None]:
        entered: list[tuple[int, int]] = []
        found: list[tuple[int, torch.nn.Module]] = []

        def enter(module: torch.nn.Module, given: tuple[Any, ...]) -> None:
            entered.append((mask.n_attended, len(found)))

        def leave(module: torch.nn.Module, given: Any, named: Any, output: Any) -> None:
            n_attended, first = entered.pop()
            is_map = _is_states(output, n_queries) and _are_states(given, named, n_queries)
            if n_attended == mask.n_attended and is_map and _has_matrix(module):
                found[first:] = [(n_attended, module)]

        with contextlib.ExitStack() as stack:
            stack.callback(hooks.register_module_forward_pre_hook(enter).remove)
            stack.callback(hooks.register_module_forward_hook(leave, with_kwargs=True).remove)
            yield
        self.n_attentions = mask.n_attended
        self.modules = [module for n, module in found if n == mask.n_attended > 0]

    @contextlib.contextmanager
    def _narrow(
        self, modules: list[torch.nn.Module], mask: TreeMask, n_queries: int
    ) -> Iterator[None]:
        narrowed: set[torch.nn.Module] = set()

        def narrow(module: torch.nn.Module, given: Any, named: Any) -> Any:
            if not (mask.is_past_last and _are_states(given, named, n_queries)):
                return None
            narrowed.add(module)
            return (given[0].index_select(1, mask.wanted.to(given[0].device)),), named

        def widen(module: torch.nn.Module, given: Any, output: Any) -> Any:
            if module not in narrowed:
                return None
            narrowed.remove(module)
            if not _is_states(output, len(mask.wanted)):
                raise MaskError(f"{type(module).__name__} does not map each token by itself")
            return spread(output, mask.wanted, n_queries)

        with contextlib.ExitStack() as stack:
            for module in dict.fromkeys(modules):
                handle = module.register_forward_pre_hook(narrow, with_kwargs=True)
                stack.callback(handle.remove)
                stack.callback(module.register_forward_hook(widen).remove)
            yield


def _are_states(given: tuple[Any, ...], named: dict[str, Any], n_tokens: int) -> bool:
    return len(given) == 1 and not named and _is_states(given[0], n_tokens)


def _is_states(value: Any, n_tokens: int) -> bool:
    return isinstance(value, torch.Tensor) and value.ndim == 3 and value.shape[:2] == (1, n_tokens)


def _has_matrix(module: torch.nn.Module) -> bool:
    return any(parameter.ndim > 1 for parameter in module.parameters())
