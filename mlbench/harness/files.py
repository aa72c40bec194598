"""Which file of a model's folder is not what it says it is?

Libraries say "header too large" or "Expecting value: line 1 column 1" and name no file; so a folder
that could not be loaded is looked through. Before loading only what loading would not see, or only
after minutes: pointers of Git LFS in a tokenizer, and more layers than there are tensors.
"""

import json
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from mlbench.data.sources import is_lfs_pointer
from mlbench.models import Model

_TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model"),
)
_MANY_LAYERS = 1000
"""No model has so many; the tensors of one that says so are counted."""

_LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header, which is JSON."""


def find_folder(model: Model) -> Path | None:
    """Return the folder with a model's files: its own, or that of the hub's cache; None if none."""
    if not model.path:
        return None
    if (folder := Path(model.path)).is_dir():
        return folder
    try:
        config = try_to_load_from_cache(model.path, "config.json", revision=model.revision)
    except ValueError:  # no hub id
        return None
    return Path(config).parent if isinstance(config, str) else None


def find_pointer(folder: Path) -> str | None:
    """Return what to do about a tokenizer's file that is a Git LFS pointer; None if none is."""
    paths = (folder / name for name in _TOKENIZER_FILES)
    return next((_pointer(path) for path in paths if path.is_file() and is_lfs_pointer(path)), None)


def find_too_many_layers(folder: Path) -> str | None:
    """Return that config.json has more layers than there are tensors; None where it has not.

    A million layers were built for minutes, in gigabytes.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        stated = [part.get("num_hidden_layers") for part in (config, config.get("text_config", {}))]
    except (OSError, ValueError, AttributeError):
        return None  # loading says what is wrong with it
    n_layers = max((n for n in stated if isinstance(n, int)), default=0)
    paths = sorted(folder.glob("*.safetensors"))
    if n_layers < _MANY_LAYERS or not paths:
        return None
    n_tensors = sum(len(_read_header(path) or ()) for path in paths)
    if n_layers <= n_tensors:
        return None
    return (
        f"config.json says {n_layers:,} layers, and the checkpoint has {n_tensors:,} tensors: "
        f"config.json is not of this checkpoint"
    )


def find_broken_file(folder: Path) -> str | None:
    """Return which file cannot be read and what to do; None where all seem whole."""
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        reason = _fault(path)
        if reason:
            return reason
    return None


def _again(path: Path) -> str:
    """Say how to get a file again: what the hub's cache links to has to be gone first."""
    return f"Delete {path.resolve()} and run again" if path.is_symlink() else "Copy it again"


def _fault(path: Path) -> str | None:
    is_known = path.suffix in (".safetensors", ".bin", ".json", ".model", ".txt")
    if not is_known:
        return None
    if is_lfs_pointer(path):
        return _pointer(path)
    if path.suffix == ".safetensors":
        return _fault_of_tensors(path)
    if path.suffix == ".json":
        return _fault_of_json(path)
    return f"{path.name} is empty. {_again(path)}" if not path.stat().st_size else None


def _pointer(path: Path) -> str:
    size = path.stat().st_size
    return f"{path.name} is a Git LFS pointer ({size} bytes), not the file itself. " + (
        _again(path) if path.is_symlink() else f"In {path.parent}, type: git lfs pull"
    )


def _fault_of_tensors(path: Path) -> str | None:
    """Hold the length of a safetensors file against what its header says."""
    size = path.stat().st_size
    length = _header_length(path)
    if length > size - _LENGTH_BYTES:
        return (
            f"{path.name} ({size:,} bytes) is cut off or no safetensors file: its header would "
            f"have {length:,} bytes. {_again(path)}"
        )
    header = _read_header(path)
    if header is None:
        return f"{path.name} is no safetensors file: its header is not readable. {_again(path)}"
    wanted = _LENGTH_BYTES + length + max(header.values(), default=0)
    if size < wanted:
        return f"{path.name} is cut off: {size:,} of {wanted:,} bytes are there. {_again(path)}"
    return None


def _header_length(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(_LENGTH_BYTES), "little")


def _read_header(path: Path) -> dict[str, int] | None:
    """Return where each tensor of a safetensors file ends; None where that cannot be read."""
    length = _header_length(path)
    if length > path.stat().st_size:
        return None
    with path.open("rb") as file:
        file.seek(_LENGTH_BYTES)
        try:
            header = json.loads(file.read(length))
            tensors = {name: each for name, each in header.items() if name != "__metadata__"}
            return {name: int(each["data_offsets"][1]) for name, each in tensors.items()}
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return None


def _fault_of_json(path: Path) -> str | None:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        return f"{path.name} is cut off or no JSON ({error}). {_again(path)}"
    return None
