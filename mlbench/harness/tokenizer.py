"""How does a model cut text into tokens? Its tokenizer alone, without its weights.

It is loaded as lm-eval's `hf`, and so the packed engine, loads it: same class, same commit. The
class is not always the one of tokenizer.json (transformers puts its own splitting of words for the
file's in some), so reading that file directly would count what the model is never fed.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers

from mlbench.harness.loading import told_in_one_line
from mlbench.model_arguments import parse_arguments
from mlbench.models import Model, fingerprint


def load_tokenizer(model: Model, *, trust_remote_code: bool) -> Any:
    """Load the tokenizer of a folder or a hub id.

    Raises ModelError with the library's reason if it cannot be loaded.
    """
    given = parse_arguments(model.arguments)
    path = given.get("tokenizer", model.path)
    # The tokenizer of a GGUF file is in it, and made fast in any case.
    options = {} if "tokenizer" in given else {"gguf_file": given.get("gguf_file")}
    revision = "main" if Path(path).is_dir() else fingerprint(replace(model, path=path))
    transformers.utils.logging.disable_progress_bar()
    with told_in_one_line("the tokenizer of model", model):
        return transformers.AutoTokenizer.from_pretrained(
            path,
            revision=revision,
            trust_remote_code=trust_remote_code,
            use_fast=True,
            **{name: value for name, value in options.items() if value},
        )


def encode(tokenizer: Any, texts: list[str], *, special: bool = True) -> list[list[int]]:
    """Return the token ids of texts, with the special tokens that a model is fed with them."""
    if special or not _is_plain(tokenizer):
        options = {} if special else {"add_special_tokens": False}
        ids: list[list[int]] = tokenizer(texts, return_attention_mask=False, **options)["input_ids"]
        return ids
    # The same call of the library, without the offsets that nobody asked for.
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = tokenizer.split_special_tokens
    return [found.ids for found in backend.encode_batch_fast(texts, add_special_tokens=False)]


def _is_plain(tokenizer: Any) -> bool:
    """Return whether a tokenizer leaves the encoding of texts to its library."""
    fast = transformers.PreTrainedTokenizerFast
    return isinstance(tokenizer, fast) and all(
        getattr(type(tokenizer), name) is getattr(fast, name)
        for name in ("__call__", "_encode_plus")
    )
