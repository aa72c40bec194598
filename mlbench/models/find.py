"""Which model does a name mean?

A model is a preset of models.yaml, a local folder (of weights, or of an adapter on others), a GGUF
file, a hub id, or `BACKEND:ARGS` for a backend of lm-eval, with its arguments. `NAME=` before any
of them is what it is called. Nothing is loaded here; that is harness/backend.py.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from mlbench.errors import ModelError, unknown
from mlbench.model_arguments import parse_arguments
from mlbench.models.card import CARD, facts_of_card
from mlbench.models.model import Model, join_arguments
from mlbench.models.presets import PRESETS_FILE, read_presets
from mlbench.names import refuse_remote
from mlbench.redaction import redact
from mlbench.settings import Dtype, Settings

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
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
ADAPTER_FILE = "adapter_config.json"
GGUF = ".gguf"


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
        _refuse_same_name(name, presets[name])
        facts = dict(presets[name])
        folder, hub_id = facts.pop("folder", None), facts.pop("hub", "")
        path = str(_check_folder(name, PRESETS_FILE.parent / folder)) if folder else hub_id
        return Model(name, "hf", path, facts=facts)
    refuse_remote(name, "model")
    folder = Path(name)
    with suppress(RuntimeError):  # ~somebody who is not here
        folder = folder.expanduser()
    if folder.is_dir() or (folder.suffix == GGUF and folder.is_file()):
        return _find_here(name, folder, needs_weights=needs_weights)
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
        + ". A hub id (org/name), a local folder, a GGUF file and BACKEND:ARGS are allowed too"
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


def _refuse_same_name(name: str, preset: Mapping[str, Any]) -> None:
    """Refuse a preset's name where a checkpoint of that name lies in the folder one stands in."""
    if not (Path(name) / "config.json").is_file() or "folder" in preset:
        return
    raise ModelError(
        f"model {name!r} is a preset ({preset.get('hub')}), and a folder here has its name. "
        f"Type ./{name} for the folder, or {preset.get('hub')} for the model on the hub"
    )


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
    if "gguf_file" in given and Path(pretrained).is_dir():
        found = find_model(str(Path(pretrained) / given["gguf_file"]))
        found = replace(found, name=called)
    else:
        found = find_model(called, needs_weights=needs_weights)
    found = replace(found, arguments=join_arguments(given), options=options)
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


def _find_here(name: str, path: Path, *, needs_weights: bool) -> Model:
    """Return the model in a folder or a GGUF file of this machine."""
    if path.is_file():
        return _find_gguf(name, path)
    if needs_weights and (path / ADAPTER_FILE).is_file():
        return _find_adapter(name, path)
    checked = _check_folder(name, path, needs_weights=needs_weights)
    return Model(name.rstrip("/"), "hf", str(checked), facts=facts_of_card(path / CARD))


def _find_gguf(name: str, file: Path) -> Model:
    """Return the model in a GGUF file, which transformers dequantises."""
    file = file.resolve()
    return Model(name, "hf", str(file.parent), arguments=f'gguf_file="{file.name}"')


def _find_adapter(name: str, folder: Path) -> Model:
    """Return the model that an adapter (LoRA and others, of the package peft) is put on.

    Raises ModelError for an adapter that does not name it, or names none that is here.
    """
    base = ""
    with suppress(OSError, ValueError, AttributeError):  # no JSON, or no object: it names no model
        config = json.loads((folder / ADAPTER_FILE).read_text(encoding="utf-8"))
        base = str(config.get("base_model_name_or_path") or "")
    way_out = f"Type: --models hf:pretrained=BASE,peft={name.rstrip('/')}"
    if not base:
        raise ModelError(
            f"model folder {name!r} holds an adapter, and its {ADAPTER_FILE} does not say of which "
            f"model (base_model_name_or_path). {way_out}"
        )
    try:
        found = find_model(base)
    except ModelError as error:
        raise ModelError(
            f"model folder {name!r} holds an adapter of {base!r}, which is not here: {error}. "
            f"{way_out}"
        ) from error
    arguments = f'peft="{folder.resolve()}"'
    return replace(found, name=name.rstrip("/"), arguments=arguments, facts={"base": found.name})


def _check_folder(name: str, folder: Path, *, needs_weights: bool = True) -> Path:
    if needs_weights and not (folder / "config.json").is_file():
        files = sorted(folder.glob(f"*{GGUF}"))
        hint = f". It holds a GGUF file: --models {files[0]}" if files else ""
        raise ModelError(
            f"model folder {name!r} has no config.json; it is not a saved checkpoint{hint}"
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
