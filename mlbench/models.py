"""Which model does a name mean, and which exact weights are behind it?

A model is a preset of models.yaml, a local folder, a hub id, or `BACKEND:ARGS` for a backend of
lm-eval, with its arguments. `NAME=` before any of them is what it is called. Nothing is loaded
here; that is harness/backend.py.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import yaml

from mlbench import files
from mlbench.data.sources import find_cache, hub_errors
from mlbench.errors import ModelError, unknown
from mlbench.model_arguments import parse_arguments, score_arguments
from mlbench.names import refuse_remote
from mlbench.redaction import redact
from mlbench.settings import Dtype, Settings

PRESETS_FILE = Path(__file__).with_name("models.yaml")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_BACKEND = re.compile(r"([a-z][a-z0-9_-]+):(.*)", re.DOTALL)
_NAMED = re.compile(r"(\w[\w .@+()/-]*)=(.+)", re.DOTALL)
# How lm-eval calls transformers models, which mlbench loads itself.
_HF_NAMES = frozenset({"hf", "hf-auto", "huggingface"})
# Of lm-eval's arguments for them, those that are options of mlbench too.
_HF_OPTIONS = ("dtype", "device", "batch_size", "trust_remote_code")
# What a server cannot be asked without.
_NEEDED = {
    "local-completions": ("model", "base_url"),
    "local-chat-completions": ("model", "base_url"),
    "openai-completions": ("model",),
    "openai-chat-completions": ("model",),
}
# Those by which lm-eval itself feeds a model in another way.
_OF_ENGINE_HF = ("backend", "mixed_precision_dtype", "softmax_dtype", "tp_plan")
# Those that say where more weights or the tokenizer are: a folder, or a hub id.
_MORE_FILES = ("peft", "delta", "tokenizer")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
_ADAPTER_FILE = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Model:
    """A model by name: `backend` of lm-eval, and what that backend loads.

    `path` is a folder or a hub id for the backend hf, "" for others; `arguments` (`name=value,...`)
    go to the backend as they are, keys and passwords too, which `name` hides. `options` are those
    among hf's arguments that mlbench has options for, and count instead of them. `facts` are the
    preset's: organisation, licence, parameters, note.
    """

    name: str
    backend: str
    path: str = ""
    arguments: str = ""
    revision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return the arguments that can change a score, in one form, without keys and passwords."""
        return redact(_join(score_arguments(parse_arguments(self.arguments))), self.arguments)

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


def split_names(names: Sequence[str]) -> list[str]:
    """Return names, also those typed with commas, once each.

    A comma separates the arguments of BACKEND:ARGS, and may be in the name of a folder.
    """
    parts = [
        [name] if _is_whole(name) else [part.strip() for part in name.split(",") if part.strip()]
        for name in names
    ]
    return list(dict.fromkeys(part for group in parts for part in group))


def _is_whole(name: str) -> bool:
    return ":" in name or not name.strip(", ") or Path(name).is_dir()


def find_model(name: str, *, needs_weights: bool = True) -> Model:
    """Return the model that a name means; `NAME=` before it is how it is called.

    Raises ModelError for a name that is none of the four, or a folder that holds no model; without
    `needs_weights` a folder that holds a tokenizer will do.
    """
    presets = read_presets()
    if name in presets:
        facts = dict(presets[name])
        folder, hub_id = facts.pop("folder", None), facts.pop("hub", "")
        path = str(_check_folder(name, PRESETS_FILE.parent / folder)) if folder else hub_id
        return Model(name, "hf", path, facts=facts)
    refuse_remote(name, "model")
    folder = Path(name)
    with suppress(RuntimeError):  # ~somebody who is not here
        folder = folder.expanduser()
    if folder.is_dir():
        checked = _check_folder(name, folder, needs_weights=needs_weights)
        return Model(name.rstrip("/"), "hf", str(checked))
    if match := _NAMED.fullmatch(name):
        return replace(find_model(match[2], needs_weights=needs_weights), name=match[1].strip())
    if match := _BACKEND.fullmatch(name):
        if match[1] in _HF_NAMES:
            return _find_hf(name, match[2], needs_weights=needs_weights)
        _check_arguments(name, match[1], match[2])
        model = Model("", match[1], arguments=match[2])
        return replace(model, name=f"{match[1]}:{model.identity}")
    path, _, revision = name.partition("@")
    if _HUB_ID.fullmatch(path) and not name.startswith("."):
        return Model(name, "hf", path, revision=revision or None)
    raise ModelError(
        unknown("model", name, presets, "mlbench list models")
        + " A hub id (org/name), a local folder and BACKEND:ARGS are allowed too"
    )


def find_models(names: Sequence[str], *, needs_weights: bool = True) -> list[Model]:
    """Return the models that names mean, each once; names may be typed with commas.

    Raises ModelError as find_model does, and if two of them would be called the same.
    """
    found: dict[str, Model] = {}
    for name in split_names(names):
        model = find_model(name, needs_weights=needs_weights)
        if found.setdefault(model.name, model) != model:
            raise ModelError(
                f"two models are called {model.name!r}. Call each what you like: "
                f"--models NAME={redact(name, model.arguments)}"
            )
    return list(found.values())


def with_options(settings: Settings, model: Model) -> Settings:
    """Return the settings of a command as the arguments of one model change them.

    Raises ModelError for a dtype that --dtype does not have, and for an argument that the packed
    engine would not heed.
    """
    unheeded = [name for name in parse_arguments(model.arguments) if name in _OF_ENGINE_HF]
    if unheeded and model.backend == "hf" and settings.engine == "packed":
        raise ModelError(f"model {model.name!r}: {unheeded[0]!r} needs --engine hf")
    given: dict[str, Any] = dict(model.options)
    if given.get("dtype", "auto") not in get_args(Dtype):
        raise ModelError(
            f"model {model.name!r}: dtype {given['dtype']!r} is not one of "
            f"{', '.join(get_args(Dtype))}"
        )
    if "trust_remote_code" in given:
        given["trust_remote_code"] = given["trust_remote_code"] == "True"
    return replace(settings, **given)


def _find_hf(name: str, text: str, *, needs_weights: bool) -> Model:
    """Return the model that lm-eval's arguments for transformers models mean.

    It is called by what it loads, followed by the arguments that can change its scores. Raises
    ModelError where nothing to load is named.
    """
    given = parse_arguments(text)
    pretrained, revision = given.pop("pretrained", ""), given.pop("revision", "main")
    if not pretrained:
        raise ModelError(
            f"model {redact(name, text)!r} does not say what to load. "
            f"Type: --models hf:pretrained=FOLDER_OR_HUB_ID"
        )
    called = pretrained if revision in ("main", "None") else f"{pretrained}@{revision}"
    options = {option: given.pop(option) for option in _HF_OPTIONS if option in given}
    found = find_model(called, needs_weights=needs_weights and "gguf_file" not in given)
    found = replace(found, arguments=_join(given), options=options)
    return replace(found, name=f"{found.name} [{found.identity}]" if found.identity else found.name)


def _check_arguments(name: str, backend: str, text: str) -> None:
    """Refuse a server without what lm-eval would look for a minute long, as a model named None."""
    given = parse_arguments(text)
    needed = _NEEDED.get(backend, ())
    lacking = next((key for key in needed if given.get(key, "None") == "None"), None)
    if lacking is not None and not (lacking == "model" and "pretrained" in given):
        raise ModelError(
            f"model {redact(name, text)!r} has no {lacking}=. Type: --models "
            f"{backend}:{','.join(f'{key}=...' for key in needed)}"
        )


def _join(arguments: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in arguments.items())


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


def _hub_commit(model: Model) -> str:
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        info = HfApi().model_info(model.path, revision=model.revision, timeout=20)
    except hub_errors() as error:
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
