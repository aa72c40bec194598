"""Which model does a name mean, and which exact weights are behind it?

A model is a preset of models.yaml, a local folder, a hub id, or `BACKEND:ARGS` for any other
backend of lm-eval. Nothing is loaded here; that is harness/backend.py.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import yaml

from mlbench.data.sources import find_cache
from mlbench.errors import ModelError, unknown
from mlbench.redaction import redact
from mlbench.settings import Dtype

PRESETS_FILE = Path(__file__).with_name("models.yaml")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_BACKEND = re.compile(r"([a-z][a-z0-9_-]+):(.*)", re.DOTALL)
# How lm-eval calls transformers models, which mlbench loads itself.
_HF_NAMES = frozenset({"hf", "hf-auto", "huggingface"})
# Of lm-eval's arguments for them, those that are options of mlbench too.
_HF_OPTIONS = frozenset({"dtype", "device", "batch_size", "trust_remote_code"})
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
_ADAPTER_FILE = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Model:
    """A model by name: `backend` of lm-eval, and what that backend loads.

    `path` is a folder or a hub id for the backend hf, "" for others; `arguments` go to the backend
    as they are, keys and passwords too, which `name` hides. `facts` are the preset's: organisation,
    licence, parameters, note.
    """

    name: str
    backend: str
    path: str = ""
    arguments: str = ""
    revision: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Return the name as a folder name; distinct names give distinct slugs."""
        safe = re.sub(r"[^\w.-]", "-", self.name.replace("/", "--"))[:80].strip(".") or "model"
        if safe.replace("--", "/") == self.name:
            return safe
        return f"{safe}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


@cache
def read_presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the presets of models.yaml by name."""
    text = PRESETS_FILE.read_text(encoding="utf-8")
    return MappingProxyType(yaml.safe_load(text))


def find_model(name: str, *, needs_weights: bool = True) -> Model:
    """Return the model that a name means.

    Raises ModelError for a name that is none of the four, or a folder that holds no model; without
    `needs_weights` a folder that holds a tokenizer will do.
    """
    presets = read_presets()
    if name in presets:
        facts = dict(presets[name])
        folder, hub_id = facts.pop("folder", None), facts.pop("hub", "")
        path = str(_check_folder(name, PRESETS_FILE.parent / folder)) if folder else hub_id
        return Model(name, "hf", path, facts=facts)
    folder = Path(name).expanduser()
    if folder.is_dir():
        checked = _check_folder(name, folder, needs_weights=needs_weights)
        return Model(name.rstrip("/"), "hf", str(checked))
    if match := _BACKEND.fullmatch(name):
        if match[1] in _HF_NAMES:
            return find_model(_pretrained(name, match[2]), needs_weights=needs_weights)
        return Model(redact(name, match[2]), match[1], arguments=match[2])
    path, _, revision = name.partition("@")
    if _HUB_ID.fullmatch(path) and not name.startswith("."):
        return Model(name, "hf", path, revision=revision or None)
    raise ModelError(
        unknown("model", name, presets, "mlbench list models")
        + " A hub id (org/name), a local folder and BACKEND:ARGS are allowed too"
    )


def _pretrained(name: str, arguments: str) -> str:
    """Return the folder or hub id (with @revision) that lm-eval's arguments for hf name.

    Raises ModelError for any other argument: mlbench loads hf itself, by options of its own.
    """
    given = dict(part.partition("=")[::2] for part in arguments.split(",") if part.strip())
    pretrained, revision = given.pop("pretrained", ""), given.pop("revision", "")
    if not pretrained:
        raise ModelError(f"model {name!r} names no pretrained=...; a folder or hub id is needed")
    found = f"{pretrained}@{revision}" if revision else pretrained
    if given:
        key, value = next(iter(given.items()))
        option = f"--{key.replace('_', '-')}"
        way = (
            f"{option} {value}" if key in _HF_OPTIONS else f"without {key}, which it cannot pass on"
        )
        raise ModelError(
            f"model {name!r}: mlbench does not take {key!r} there. Type: --models {found} {way}"
        )
    return found


def _check_folder(name: str, folder: Path, *, needs_weights: bool = True) -> Path:
    is_adapter = (folder / _ADAPTER_FILE).is_file()
    if needs_weights and not is_adapter and not (folder / "config.json").is_file():
        raise ModelError(f"model folder {name!r} has no config.json; it is not a saved checkpoint")
    if needs_weights and is_adapter:
        raise ModelError(
            f"model folder {name!r} holds an adapter ({_ADAPTER_FILE}), which changes a model that "
            f"is elsewhere. Merge the two (peft: merge_and_unload), save that, and name its folder"
        )
    if not any((folder / file).is_file() for file in _TOKENIZER_FILES):
        raise ModelError(
            f"model folder {name!r} has no tokenizer, expected one of {', '.join(_TOKENIZER_FILES)}"
            f". Save it there with: AutoTokenizer.from_pretrained(...).save_pretrained({name!r})"
        )
    is_empty = not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin"))
    if needs_weights and is_empty:
        raise ModelError(f"model folder {name!r} has no weights (*.safetensors or *.bin)")
    return folder.resolve()


def fingerprint(model: Model) -> str:
    """Return what identifies the weights: a digest of a folder's files, or a hub commit.

    For other backends mlbench cannot see the weights; their arguments stand for them.
    Raises ModelError if the hub does not know the model or cannot be reached.
    """
    if model.backend != "hf":
        shown = redact(model.arguments, model.arguments)
        return hashlib.sha256(shown.encode()).hexdigest()[:16]
    folder = Path(model.path)
    if not folder.is_dir():
        return _hub_commit(model)
    digest = hashlib.sha256()
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
    except (OSError, ValueError):
        # No dtype is known then; loading the model says what is wrong with the file.
        return {}
    return config


def _digest_file(file: Path) -> str:
    """Digest a file; large ones once, then from the cache while size and time stay the same."""
    stat = file.stat()
    small = stat.st_size < 64 * 2**20
    key = hashlib.sha256(f"{file} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()
    seen = find_cache() / "digests" / key
    if not small and seen.exists():
        return seen.read_text(encoding="utf-8")
    with file.open("rb") as content:
        value = hashlib.file_digest(content, "sha256").hexdigest()
    if not small:
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.write_text(value, encoding="utf-8")
    return value


def _hub_commit(model: Model) -> str:
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        info = HfApi().model_info(model.path, revision=model.revision, timeout=20)
    except (OSError, HFValidationError) as error:
        local = try_to_load_from_cache(model.path, "config.json", revision=model.revision)
        if isinstance(local, str):
            return Path(local).parent.name
        lines = str(error).strip().splitlines()
        raise ModelError(
            f"cannot find model {model.name!r} on the hub: {lines[0] if lines else error!r}. "
            f"Check the name and the connection (and `hf auth login` for a gated model), or "
            f"give a local folder"
        ) from error
    return info.sha or "unknown"
