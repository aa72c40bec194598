"""Checkpoints with one thing changed, for what a gate must find or must not mind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from mlbench.harness.backend import CountingModel, load_model
from mlbench.models import find_model
from mlbench.settings import Settings

Tensors = dict[str, torch.Tensor]
END = "<|end|>"
LLAMA = Path(str(find_model("demo-polyglot").path))
TEXT = {"Sequence": {"id": "A", "type_id": 0}}
SPECIAL = {"SpecialToken": {"id": END, "type_id": 0}}


def copy(checkpoint: Path, folder: Path) -> Path:
    """Copy a checkpoint to be changed."""
    return Path(shutil.copytree(checkpoint, folder))


def change_json(path: Path, **values: Any) -> None:
    """Change values at the top of a JSON file; those that are None are removed."""
    content = json.loads(path.read_text(encoding="utf-8")) | values
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")


def change_tensors(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    """Write what a function makes of the tensors of a checkpoint."""
    path = folder / "model.safetensors"
    tensors = change({name: tensor.clone() for name, tensor in load_file(path).items()})
    save_file(tensors, path, metadata={"format": "pt"})


def put_around(folder: Path, before: int, after: int) -> None:
    """Make a tokenizer put its special token before and after every text, so many times."""
    single = [*[SPECIAL] * before, TEXT, *[SPECIAL] * after]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}]
    ids = {END: {"id": END, "ids": [0], "tokens": [END]}}
    processor = {"type": "TemplateProcessing", "single": single, "pair": pair}
    change_json(folder / "tokenizer.json", post_processor={**processor, "special_tokens": ids})


def without_special_tokens(folder: Path) -> None:
    """Take BOS and EOS away from tokenizer and model; Qwen's class would put in one of its own."""
    names = ("bos_token", "eos_token", "pad_token")
    change_json(folder / "tokenizer_config.json", **dict.fromkeys(names))
    change_json(folder / "config.json", **dict.fromkeys(f"{name}_id" for name in names))
    change_json(folder / "tokenizer.json", added_tokens=[])
    (folder / "generation_config.json").unlink(missing_ok=True)


def load(folder: Path, engine: str = "packed", **settings: Any) -> CountingModel:
    """Load a checkpoint as `mlbench run` does."""
    return load_model(find_model(str(folder)), Settings(engine=engine, device="cpu", **settings))
