"""Does a loaded model hold what its checkpoint and config.json promise?

transformers fills tensors that it does not find at random and goes on with a warning: one lost
layer looks like a finding about a language. So what it says of its loading is read here, every
tensor must be finite, and every token id must have its row.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.nn import ModuleList

from mlbench.errors import ModelError

_AGAIN = "Copy the checkpoint again, or save it again with save_pretrained"

# Tensors that older versions of models kept, computed by newer ones, and what quantizers add.
_COMPUTED = re.compile(
    r"(inv_freq|position_ids|masked_bias|att(n|ention)\.bias|_scale|_zero_point)$"
)


def refuse_other_tensors(model: Any, loading: Mapping[str, Any]) -> str | None:
    """Refuse a model whose tensors are not those of its checkpoint; return what was left over.

    Tied and computed tensors are not missing, as transformers has it. Tensors of parts that this
    model does not have (towers for images, heads for training) are left over and do no harm.
    Raises ModelError with counts and names.
    """
    tied = getattr(model, "all_tied_weights_keys", {})
    names = [name for name in model.state_dict() if name not in tied]
    _refuse_other_shapes(loading.get("mismatched_keys") or (), len(names))
    found = set(loading.get("missing_keys") or ())
    missing = (found - set(tied)) or found
    unexpected = sorted(loading.get("unexpected_keys") or (), key=_by_number)
    if missing:
        known = [name for name in model.state_dict() if name in missing]
        first = (known or sorted(missing, key=_by_number))[0]
        raise ModelError(
            f"{len(missing)} of {len(names)} tensors of the model are not in the checkpoint "
            f"(first: {first}){_instead(first, unexpected)}"
        )
    _refuse_unprovided(model, unexpected)
    return _tell(unexpected) if unexpected else None


def _refuse_other_shapes(mismatched: Iterable[tuple[str, Any, Any]], total: int) -> None:
    found = sorted(mismatched, key=lambda each: _by_number(each[0]))
    if found:
        name, stored, wanted = found[0]
        raise ModelError(
            f"{len(found)} of {total} tensors of the model have another shape in the checkpoint "
            f"(first: {name} is {_shape(stored)}, and {_shape(wanted)} by config.json): "
            f"config.json is not of this checkpoint. {_AGAIN}"
        )


def _shape(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes)) or "one number"


def _instead(missing: str, unexpected: list[str]) -> str:
    """Return how the sentence about missing tensors goes on: what is there instead, what to do."""
    if not unexpected:
        return f": they would be filled at random. A file or a shard may be lost. {_AGAIN}"
    there = f"; the checkpoint has {unexpected[0]} instead. "
    wrapped = next((name for name in unexpected if name.endswith(f".{missing}")), None)
    if wrapped:
        wrapper = wrapped.removesuffix(missing)
        return there + (
            f"The model was saved inside a wrapper that adds {wrapper!r} to each name: save what "
            f"is in the wrapper, or rename the tensors"
        )
    return there + f"They would be filled at random. Rename the tensors, or: {_AGAIN.lower()}"


def _refuse_unprovided(model: Any, unexpected: Iterable[str]) -> None:
    """Refuse what belongs to a part that the model has, where config.json does not provide for it.

    One layer more than config.json has, or a bias: without it the model is another one.
    """
    config = model.config.get_text_config(decoder=True)
    if getattr(model.config, "quantization_config", None):
        return
    lost = [
        name
        for name in unexpected
        if not _COMPUTED.search(name)
        and not _is_of_extra_layer(name, config)
        and (_is_inside(model, name) or _is_inside(_base(model), name))
    ]
    if lost:
        raise ModelError(
            f"the checkpoint has {len(lost)} tensors for which config.json has no place, in parts "
            f"that the model has (first: {lost[0]}): config.json is not of this checkpoint, or its "
            f"number of layers is wrong. {_AGAIN}"
        )


def _base(model: Any) -> Any:
    return getattr(model, getattr(model, "base_model_prefix", "") or "", model)


def _is_inside(model: Any, name: str) -> bool:
    """Return whether a tensor lies in a stack of layers, or in a module that has tensors itself."""
    module, is_in_stack = model, False
    for part in name.split(".")[:-1]:
        is_in_stack = is_in_stack or isinstance(module, ModuleList)
        child = module._modules.get(part)
        if child is None:
            return is_in_stack
        module = child
    has_tensors = next(module.parameters(recurse=False), None) is not None
    return is_in_stack or (module is not model and has_tensors)


def _is_of_extra_layer(name: str, config: Any) -> bool:
    """Return whether a tensor is of a layer, behind the last, that predicts tokens further on."""
    n_extra = getattr(config, "num_nextn_predict_layers", None) or 0
    n_layers = getattr(config, "num_hidden_layers", None) or 0
    found = re.search(r"\blayers\.(\d+)\.", name)
    return found is not None and n_layers <= int(found[1]) < n_layers + n_extra


def _by_number(name: str) -> list[Any]:
    """Sort `layers.10` after `layers.9`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in name.split(".")]


def _tell(unexpected: list[str]) -> str:
    return f"{len(unexpected)} tensors of the checkpoint are not used (first: {unexpected[0]})"


def refuse_not_finite(model: Any) -> None:
    """Refuse a model with NaN or infinity in a tensor; a buffer may mask by minus infinity.

    Sums are taken first, several at once: a sum is finite only where all its summands are.
    Raises ModelError with the first tensor.
    """
    named = [*model.named_parameters(), *model.named_buffers()]
    tensors = [(name, tensor) for name, tensor in named if _is_checked(tensor)]
    sums: dict[torch.device, list[torch.Tensor]] = {}
    with torch.inference_mode():
        for _, tensor in tensors:
            sums.setdefault(tensor.device, []).append(_sum(tensor))
        if all(bool(torch.stack(each).isfinite().all()) for each in sums.values()):
            return
        for name, tensor in tensors:
            _refuse_tensor(name, tensor, is_buffer=not isinstance(tensor, torch.nn.Parameter))


def _is_checked(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() and not tensor.is_meta and tensor.numel() > 0


def _sum(tensor: torch.Tensor) -> torch.Tensor:
    wide = tensor.float() if tensor.dtype.itemsize == 1 else tensor
    dtype = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    return wide.sum(dtype=dtype).double()


def _refuse_tensor(name: str, tensor: torch.Tensor, *, is_buffer: bool) -> None:
    wide = tensor.float() if tensor.dtype.itemsize == 1 else tensor
    bad = wide.isnan() | wide.isposinf() if is_buffer else ~wide.isfinite()
    n = int(bad.sum())
    if n:
        dtype = str(tensor.dtype).removeprefix("torch.")
        is_half = tensor.dtype.itemsize < 4
        raise ModelError(
            f"{n:,} of {tensor.numel():,} numbers in {name} are NaN or infinite in {dtype}: the "
            f"checkpoint is broken"
            + (
                ", or does not fit this precision: try --dtype float32"
                if is_half
                else f". {_AGAIN}"
            )
        )


def refuse_ids_without_rows(tokenizer: Any, model: Any, fed: Iterable[int]) -> None:
    """Refuse a tokenizer with ids that the model has no row for; special ones only if they are fed.

    Gemma 3's smaller models have one special token more than rows, for images. Raises ModelError
    with both numbers.
    """
    tables = (model.get_input_embeddings(), model.get_output_embeddings())
    n_rows = min(len(table.weight) for table in tables if hasattr(table, "weight"))
    ids: dict[str, int] = tokenizer.get_vocab()
    if max(ids.values(), default=0) < n_rows:
        return
    special = {id_ for id_, token in tokenizer.added_tokens_decoder.items() if token.special}
    special |= set(tokenizer.all_special_ids)
    beyond = {id_ for id_ in ids.values() if id_ >= n_rows}
    lost = (beyond - special) | (beyond & set(fed))
    if lost:
        raise ModelError(
            f"the tokenizer has ids up to {max(lost):,}, the model has {n_rows:,} rows (ids up to "
            f"{n_rows - 1:,}): tokenizer and weights are not of one model. Use the tokenizer that "
            f"the weights were trained with, or give the embedding a row for each token"
        )
