"""Do two texts of model arguments mean the same model? What `name=value,...` says, in one form.

lm-eval wrote arguments as text up to 0.4.9 and as a mapping since; people write them in any order.
Most of what they hold decides a score. What does not (how many requests at once, on which device,
how long to wait) is listed here, once, for models that are run and for results that are imported.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from mlbench.redaction import HIDDEN, is_secret_name

WITHOUT_EFFECT = frozenset(
    {
        # how much at once
        *("batch_size", "max_batch_size", "num_concurrent", "max_num_seqs"),
        *("max_num_batched_tokens", "swap_space", "gpu_memory_utilization", "logits_cache"),
        # where
        *("device", "device_map", "device_map_option", "parallelize", "gpus", "num_gpus"),
        *("max_memory_per_gpu", "max_cpu_memory", "offload_folder", "low_cpu_mem_usage"),
        *("cpu_offload_gb", "tensor_parallel_size", "pipeline_parallel_size", "tp_size", "dp_size"),
        *("data_parallel_size", "distributed_executor_backend"),
        # how a server is reached
        *("max_retries", "timeout", "verify_certificate", "ca_cert_path", "aiohttp_trust_env"),
        # what is told, and where files are kept
        *("cache_dir", "download_dir", "verbosity", "disable_log_stats", "progress_bar"),
    }
)
"""Arguments of lm-eval's backends that cannot change a score."""

NAMING = frozenset(
    {
        *("pretrained", "model", "path", "engine", "peft", "delta", "gguf_file", "revision"),
        *("tokenizer", "tokenizer_revision", "base_url"),
    }
)
"""Arguments that say which model it is, in which any two models differ."""

_DEFAULTS = {
    "dtype": "auto",
    "revision": "main",
    "load_in_4bit": "False",
    "load_in_8bit": "False",
    "trust_remote_code": "False",
}
"""What lm-eval's backends take where nothing is said: to say it is to say nothing."""

_NONE_COUNTS = frozenset({"tokenizer_backend", "max_length"})
"""Of these None is a value of its own, and not what is taken where nothing is said."""

_SAME_NAME = {"torch_dtype": "dtype"}
_SAME_DTYPE = {"half": "float16", "fp16": "float16", "bf16": "bfloat16", "float": "float32"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_PORT = re.compile(r"(?<=[^/:]):\d+(?=/|$)")


def parse_arguments(arguments: str | Mapping[str, Any] | None) -> dict[str, str]:
    """Return arguments by name, sorted, each value written in one way.

    >>> parse_arguments("pretrained=org/base,load_in_4bit=true, max_length=2048.0")
    {'load_in_4bit': 'True', 'max_length': '2048', 'pretrained': 'org/base'}
    >>> parse_arguments({"pretrained": "org/base", "load_in_4bit": True, "max_length": 2048})
    {'load_in_4bit': 'True', 'max_length': '2048', 'pretrained': 'org/base'}
    """
    if isinstance(arguments, str) and (read := _read_object(arguments)) is not None:
        arguments = read
    if isinstance(arguments, str):
        parts = (part.partition("=") for part in _split(arguments) if part.strip())
        given: Mapping[str, Any] = {name.strip(): value for name, _, value in parts}
    else:
        given = arguments or {}
    named = {_SAME_NAME.get(str(name), str(name)): value for name, value in given.items()}
    return {name: _write(name, value) for name, value in sorted(named.items())}


def score_arguments(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return those of parsed arguments that can change a score and say more than the default.

    Keys and passwords are left out; of a server's address its port is.

    >>> score_arguments(parse_arguments("model=m,num_concurrent=4,dtype=auto,api_key=sk-1"))
    {'model': 'm'}
    """
    return {
        name: _PORT.sub("", value) if name == "base_url" else value
        for name, value in arguments.items()
        if name not in WITHOUT_EFFECT
        and not is_secret_name(name)
        and (value not in ("None", "", HIDDEN) or (value == "None" and name in _NONE_COUNTS))
        and _DEFAULTS.get(name) != value
    }


def setup_of(stored: str) -> dict[str, str]:
    """Return what the `arguments` of a signature say of a model, by name.

    A text of arguments where mlbench ran the model; where lm-eval did, an object as JSON, which
    the first importer wrote with lm-eval's own keys.

    >>> setup_of('{"model": "hf", "model_args": "pretrained=org/base", "chat_template": null}')
    {'pretrained': 'org/base', 'model_type': 'hf'}
    """
    content = _read_object(stored)
    if content is None:
        return score_arguments(parse_arguments(stored))
    if "model_args" not in content:
        return {str(name): str(value) for name, value in content.items()}
    found = score_arguments(parse_arguments(content.pop("model_args")))
    content["model_type"] = content.pop("model", None)
    return found | {name: str(value) for name, value in content.items() if value is not None}


def _read_object(text: str) -> dict[str, Any] | None:
    """Return a JSON object, which lm-eval takes for arguments too; None for any other text."""
    try:
        content = json.loads(text) if text.lstrip().startswith("{") else None
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _split(text: str) -> list[str]:
    """Split at commas, but not in brackets or quotes, where a value has commas of its own."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        if letter == "," and not quote and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _write(name: str, value: Any) -> str:
    """Return a value as one text, whether it came as text or as the value itself."""
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    text = str(value).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if text.lower() in ("true", "false", "none", "null"):
        return "None" if text.lower() == "null" else text.capitalize()
    if text.startswith(("[", "{")):
        try:
            return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
        except ValueError:
            return text
    if name == "dtype":
        text = text.removeprefix("torch.")
        return _SAME_DTYPE.get(text, text)
    return f"{float(text):.15g}" if _NUMBER.fullmatch(text) else text
