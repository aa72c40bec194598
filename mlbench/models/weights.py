"""Which exact weights are behind a model? Digests of files, or a commit of the hub.

A large file is digested once: what was found is kept while the file is the same one.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from mlbench import files
from mlbench.data.sources import find_cache, hub_errors
from mlbench.errors import ModelError
from mlbench.model_arguments import parse_arguments
from mlbench.models.model import Model
from mlbench.settings import Dtype

_DIGEST = re.compile(r"[0-9a-f]{64}")
# Arguments that say where more weights or the tokenizer are: a folder, or a hub id.
_MORE_FILES = ("peft", "delta", "tokenizer")


def fingerprint(model: Model) -> str:
    """Return what identifies the weights: a digest of a folder's files, or a hub commit.

    For other backends mlbench cannot see the weights; their arguments stand for them. An adapter or
    a tokenizer of its own (`peft=`, `delta=`, `tokenizer=`) follows after a +.
    Raises ModelError if the hub does not know the model or cannot be reached.
    """
    if model.backend != "hf":
        return hashlib.sha256(model.identity.encode()).hexdigest()[:16]
    parts = (replace(model, path=path) for path in (model.path, *_more_files(model)))
    return "+".join(_fingerprint_of(part) for part in parts)


def find_revision(model: Model, weights: str | None = None) -> str:
    """Return the commit of the hub to load, by its fingerprint if that is known; main for a folder.

    Where an adapter or tokenizer is on the hub too, lm-eval takes one revision for all of them, so
    that no commit can be told.
    """
    more = [Path(path) for path in _more_files(model)]
    if Path(model.path).is_dir() or not all(path.is_dir() for path in more):
        return model.revision or "main"
    return (weights or fingerprint(model)).partition("+")[0]


def _more_files(model: Model) -> list[str]:
    given = parse_arguments(model.arguments)
    return [given[name] for name in _MORE_FILES if given.get(name, "None") != "None"]


def _fingerprint_of(model: Model) -> str:
    folder = Path(model.path)
    if not folder.is_dir():
        return _hub_commit(model)
    digest = hashlib.sha256()
    named = parse_arguments(model.arguments).get("gguf_file")
    if named and (folder / named).is_file():
        digest.update(f"{named} {_digest_file(folder / named)}\n".encode())
        return digest.hexdigest()[:16]
    for file in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix != ".md"):
        digest.update(f"{file.name} {_digest_file(file)}\n".encode())
    return digest.hexdigest()[:16]


def own_dtype(model: Model, weights: str) -> str:
    """Return the dtype that a checkpoint's config.json names; nothing is loaded.

    `weights` is the fingerprint, by which a hub model's file is taken. auto, where it names none
    or one that --dtype does not have; transformers then looks at the weights.
    """
    config = _read_config(model, weights)
    named = str(config.get("dtype") or config.get("torch_dtype")).removeprefix("torch.")
    return named if named in get_args(Dtype) else "auto"


def _read_config(model: Model, weights: str) -> Mapping[str, Any]:
    from huggingface_hub import hf_hub_download

    folder = Path(model.path)
    try:
        path = folder / "config.json"
        if not folder.is_dir():
            path = Path(hf_hub_download(model.path, "config.json", revision=weights))
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        # No dtype is known then; loading the model says what is wrong with the file.
        return {}
    return config


def _digest_file(file: Path) -> str:
    """Digest a file; large ones once, then from the cache while the file is the same one."""
    stat = file.stat()
    small = stat.st_size < 64 * 2**20
    # Size and time of change stay where rsync -t or cp -p puts another file in place; these do not.
    state = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev)
    key = hashlib.sha256(f"{file} {state}".encode()).hexdigest()
    seen = find_cache() / "digests" / key
    if not small and (known := _read_digest(seen)):
        return known
    with file.open("rb") as content:
        value = hashlib.file_digest(content, "sha256").hexdigest()
    if not small:
        # A cache that cannot be written costs time, never a run.
        with suppress(OSError):  # a cache that cannot be written costs time, never a run
            files.write_bytes(seen, value.encode())
    return value


def _read_digest(seen: Path) -> str | None:
    try:
        text = seen.read_bytes().decode("ascii", errors="replace")
    except OSError:
        return None
    return text if _DIGEST.fullmatch(text) else None


def how_to_get(error: BaseException | None, hub_id: str) -> str | None:
    """Return what to do where the hub keeps a model behind terms; None for another error."""
    from huggingface_hub.errors import GatedRepoError

    while error is not None:
        if isinstance(error, GatedRepoError):
            return (
                f"it is gated, and no token of an account that accepted its terms is here. Accept "
                f"them at https://huggingface.co/{hub_id}, then type: hf auth login"
            )
        error = error.__cause__ or error.__context__
    return None


def _hub_commit(model: Model) -> str:
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        info = HfApi().model_info(model.path, revision=model.revision, timeout=20)
    except hub_errors() as error:
        local = try_to_load_from_cache(model.path, "config.json", revision=model.revision)
        if isinstance(local, str):
            return Path(local).parent.name
        if hint := how_to_get(error, model.path):
            raise ModelError(f"cannot find model {model.name!r} on the hub: {hint}") from error
        lines = str(error).strip().splitlines()
        raise ModelError(
            f"cannot find model {model.name!r} on the hub: {lines[0] if lines else error!r}. "
            f"Check the name and the connection (and `hf auth login` for a gated model), or "
            f"give a local folder"
        ) from error
    return info.sha or "unknown"
