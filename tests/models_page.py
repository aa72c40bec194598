"""The table of docs/models.md, from tiny random checkpoints of the classes that models.yaml names.

python tests/models_page.py        writes docs/models.md again; tests/test_models_page.py holds it
"""

import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import transformers
from conftest import make_checkpoint
from gate_toys import change_json
from sib200_toys import write_paired
from test_engine_architectures import tiny_of
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from mlbench.data.languages import read_languages
from mlbench.data.prepare import Prepared, prepare
from mlbench.engine.architectures import TESTED
from mlbench.engine.shrink import TINY
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.harness.evaluate import evaluate
from mlbench.measures import ChoiceSample, Sample, TextSample
from mlbench.models import find_model, read_presets
from mlbench.settings import Settings

PAGE = Path(__file__).parent.parent / "docs/models.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"
N_DOCS = 2
CELLS = (("sib200_topic", "th"), ("sib200_lm", "zh-Hans"), ("sib200_mt_from_en", "hi"))
REPLY_TOKENS = 8
SMALLEST = 1e-5
"""Differences below are those of rounding in float32, and vary from machine to machine."""

# Classes that read images too: what is scored is the model of text within.
TEXT_PARTS = {
    "Gemma3ForConditionalGeneration": "gemma3_text",
    "Llama4ForConditionalGeneration": "llama4_text",
    "Qwen3_5ForConditionalGeneration": "qwen3_5_text",
    "Qwen3_5MoeForConditionalGeneration": "qwen3_5_moe_text",
}
SIZES = {**TINY, "vocab_size": 640, "vocab_size_per_layer_input": 640}


class Row(NamedTuple):
    """What the test of a class saw; `apart` is the largest relative difference from `hf`."""

    architecture: str
    mode: str
    apart: float
    packed: float
    hf: float


@cache
def architectures() -> dict[str, list[str]]:
    """Return the classes of models.yaml, each with its presets."""
    found: dict[str, list[str]] = {}
    for name, facts in read_presets().items():
        if "architecture" in facts:
            found.setdefault(facts["architecture"], []).append(name)
    return dict(sorted(found.items()))


def type_of(architecture: str) -> str:
    """Return the model type of transformers by which a class is built."""
    types = [t for t, name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items() if name == architecture]
    return TEXT_PARTS.get(architecture) or next(t for t in types if t in TESTED)


def save_tiny(architecture: str, tokenizer: Path, folder: Path) -> Path:
    """Save a tiny random checkpoint of a class, with a tokenizer of our sentences."""
    tiny_of(type_of(architecture), SIZES).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    change_json(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    return folder


def see(architecture: str, folder: Path) -> Row:
    """Score docs of each kind (choices, texts, translations) with both engines."""
    families, languages = read_families(), read_languages()
    items = [_short(prepare(families[family], languages[tag])) for family, tag in CELLS]
    samples: dict[str, list[Sample]] = {}
    fed: dict[str, float] = {}
    mode = ""
    for engine in ("packed", "hf"):
        settings = Settings(engine=engine, device="cpu", dtype="float32", batch_size="8")
        model = load_model(find_model(str(folder)), settings)
        samples[engine] = []
        for item in items:
            before = getattr(model.lm, "tokens_fed", 0)
            found, usage = evaluate(model, item, shots=0, limit=N_DOCS)
            samples[engine] += found
            if item.family.name == "sib200_topic":
                more = getattr(model.lm, "tokens_fed", 0) - before or usage.n_tokens
                fed[engine] = fed.get(engine, 0) + more
        mode = mode or str(model.mode)
    n_docs = N_DOCS * sum(family == "sib200_topic" for family, _ in CELLS)
    apart = max(_apart(*pair) for pair in zip(samples["packed"], samples["hf"], strict=True))
    return Row(architecture, mode, apart, fed["packed"] / n_docs, fed["hf"] / n_docs)


def _short(prepared: Prepared) -> Prepared:
    """Return docs of which few tokens are to be written and few labels calibrated."""
    family, docs = prepared.family, prepared.docs
    if family.reply is not None:
        family = replace(family, reply=family.reply._replace(max_tokens=REPLY_TOKENS))
    return replace(prepared, family=family, docs=replace(docs, calibration=docs.calibration[:2]))


def _apart(ours: Sample, theirs: Sample) -> float:
    """Return how far two samples of a doc are apart; infinitely where replies differ."""
    if isinstance(ours, ChoiceSample) and isinstance(theirs, ChoiceSample):
        pairs = zip(ours.loglikelihoods, theirs.loglikelihoods, strict=True)
        return max(abs(a - b) / max(abs(b), 1) for a, b in pairs)
    if isinstance(ours, TextSample) and isinstance(theirs, TextSample):
        return abs(ours.loglikelihood - theirs.loglikelihood) / max(abs(theirs.loglikelihood), 1)
    return 0.0 if ours == theirs else math.inf


def line(row: Row) -> str:
    """Return a row of the page."""
    names = architectures()[row.architecture]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    apart = 10.0 ** math.ceil(math.log10(max(row.apart, SMALLEST)) - 1e-9)
    return (
        f"| `{row.architecture}` | {shown} | {row.mode} | {apart:.0e} | "
        f"{row.packed:.0f} of {row.hf:.0f} |\n"
    )


def missing_line(architecture: str) -> str:
    """Return the row of a class that the installed transformers does not have."""
    names = ", ".join(architectures()[architecture])
    return f"| `{architecture}` | {names} | not in transformers {transformers.__version__} | | |\n"


def stated(architecture: str) -> tuple[str, float]:
    """Return what the page has of a class: its line without the difference, and that."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^\| `{architecture}` \|.*\n", text, re.MULTILINE)
    assert found, f"docs/models.md lacks {architecture}. Type: python tests/models_page.py"
    apart = found[0].split("|")[4].strip()
    return found[0].replace(f" {apart} ", " "), float(apart)


def write_page(rows: Iterable[str]) -> None:
    """Put rows into the page in the place of those that it has."""
    head = "| class | presets | mode | within | tokens fed per doc |\n|---|---|---|---|---|\n"
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    PAGE.write_text(before + BEGIN + head + "".join(rows) + END + rest.split(END)[1], "utf-8")


def main() -> None:
    """Build a checkpoint of each class, look at it, and write the page."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tokenizer = make_checkpoint(work / "tokenizer", seed=1, window=2048)
        os.environ["MLBENCH_DATA"] = str(write_paired(work / "data"))
        os.environ["MLBENCH_CACHE"] = str(work / "cache")
        rows = []
        for architecture in architectures():
            if not hasattr(transformers, architecture):
                rows.append(missing_line(architecture))
                continue
            row = see(architecture, save_tiny(architecture, tokenizer, work / architecture))
            print(row, file=sys.stderr)
            rows.append(line(row))
    write_page(rows)


if __name__ == "__main__":
    main()
