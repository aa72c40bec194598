"""In which form do the weights of a checkpoint come, and what does loading it need?

GGUF files, adapters, and weights of 8 or 4 bits are loaded by packages that not everybody has.
What a GGUF file lost is read from the file itself, and so is the tokenizer that it must give.
"""

from collections import Counter
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlbench.errors import ModelError
from mlbench.model_arguments import parse_arguments
from mlbench.models import Model

_NEEDED = {
    "gguf_file": ("gguf", "a GGUF file"),
    "peft": ("peft", "an adapter"),
    "load_in_4bit": ("bitsandbytes", "4-bit weights"),
    "load_in_8bit": ("bitsandbytes", "8-bit weights"),
}
"""By argument: the package that loads it, and how it is called in a sentence."""

_BITS = ("load_in_4bit", "load_in_8bit")
_OF_BITS = ("bnb_4bit_", "llm_int8_")
_TOKENS = "tokenizer.ggml.tokens"
_SHOWN = 40
_SPACE, _ITS_SIGN = " ", "\u2581"
"""SentencePiece writes a space as a sign of its own; a GGUF file has either."""


def refuse_lacking_package(model: Model) -> None:
    """Refuse a form of weights whose package is not installed.

    Raises ModelError with what to type.
    """
    given = parse_arguments(model.arguments)
    for name, (package, what) in _NEEDED.items():
        if given.get(name, "False") not in ("False", "None") and find_spec(package) is None:
            raise ModelError(
                f"{what} needs the package {package}, which is not installed. "
                f"Type: pip install {package}"
            )


def with_quantization(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of lm-eval's hf, those about 8 and 4 bits as transformers 5 takes them."""
    of_bits = {k: v for k, v in arguments.items() if k in _BITS or k.startswith(_OF_BITS)}
    others = {k: v for k, v in arguments.items() if k not in of_bits}
    if not any(of_bits.get(name) for name in _BITS):
        return others
    from transformers import BitsAndBytesConfig

    return {**others, "quantization_config": BitsAndBytesConfig(**of_bits)}


def look_at_gguf(model: Model, tokenizer: Any) -> str | None:
    """Return how far the weights of a GGUF file were rounded; None for another form.

    Raises ModelError if the tokenizer that transformers made of it has other tokens than it.
    """
    name = parse_arguments(model.arguments).get("gguf_file", "None")
    path = Path(model.path) / name
    if name == "None" or not path.is_file():
        return None
    from gguf import GGUFReader

    reader = GGUFReader(path)
    if (field := reader.fields.get(_TOKENS)) is not None:
        _refuse_other_tokens(field.contents(), tokenizer)
    types = Counter(tensor.tensor_type.name for tensor in reader.tensors)
    n_weights = sum(int(tensor.n_elements) for tensor in reader.tensors)
    bits = 8 * sum(int(tensor.n_bytes) for tensor in reader.tensors) / n_weights
    named = ", ".join(f"{name} ({n})" for name, n in types.most_common())
    return (
        f"dequantised from GGUF, {bits:.1f} bits per weight (tensors: {named}): scores are those "
        f"of the rounded weights, not of the published ones"
    )


def _refuse_other_tokens(tokens: list[str], tokenizer: Any) -> None:
    made = tokenizer.convert_ids_to_tokens(list(range(len(tokens))))
    differing = [
        (id_, token, other)
        for id_, (token, other) in enumerate(zip(tokens, made, strict=True))
        if token.replace(_ITS_SIGN, _SPACE) != str(other).replace(_ITS_SIGN, _SPACE)
    ]
    if differing:
        id_, token, other = differing[0]
        raise ModelError(
            f"the tokenizer that transformers makes of the GGUF file has {len(differing):,} of "
            f"{len(tokens):,} tokens other than the file (first: id {id_} is "
            f"{token[:_SHOWN]!r} in the file, {str(other)[:_SHOWN]!r} in the tokenizer). Give the "
            f"maker's tokenizer: hf:pretrained=FOLDER,gguf_file=FILE,tokenizer=FOLDER_OR_HUB_ID"
        )
