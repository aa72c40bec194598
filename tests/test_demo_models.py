"""The demo models are a known answer: small, never shown a scored doc, apart where they must be."""

import logging
import warnings
from functools import cache
from typing import Any, NamedTuple

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mlbench.data import cldr
from mlbench.data.languages import read_languages
from mlbench.demo_models import FOLDER, NAMES, corpus
from mlbench.errors import DataError
from mlbench.families import cldr_timespan
from mlbench.records import ChoiceDoc

LANGUAGES = read_languages()
MAX_BYTES = 4_000_000


class Loaded(NamedTuple):
    """A checkpoint with its tokenizer."""

    model: Any
    tokenizer: Any


@cache
def load(name: str) -> Loaded:
    """Load as lm-eval does; a warning is an error here as everywhere."""
    folder = str(FOLDER / name)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    return Loaded(model.eval(), tokenizer)


@cache
def accuracy(name: str, tag: str) -> float:
    """Return the zero-shot accuracy of a model in the time spans of a language."""
    rows = cldr.read_rows(LANGUAGES[tag])
    docs = cldr_timespan.docs(rows, LANGUAGES[tag]).scored
    hits = []
    for doc in docs:
        assert isinstance(doc, ChoiceDoc)
        context, choices = cldr_timespan.FAMILY.prompt(doc)  # type: ignore[misc]
        scores = log_likelihoods(load(name), context, choices)
        hits.append(int(scores.argmax()) == doc.target)
    return sum(hits) / len(hits)


def log_likelihoods(loaded: Loaded, context: str, choices: tuple[str, ...]) -> torch.Tensor:
    """Return the log-likelihood of each choice after the context."""
    start = len(loaded.tokenizer(context)["input_ids"])
    batch = loaded.tokenizer(
        [f"{context} {choice}" for choice in choices], return_tensors="pt", padding=True
    )
    with torch.inference_mode():
        logits = loaded.model(**batch).logits[:, :-1].log_softmax(-1)
    ids = batch["input_ids"][:, 1:]
    scores = logits.gather(-1, ids[..., None])[..., 0] * batch["attention_mask"][:, 1:]
    return scores[:, start - 1 :].sum(-1)


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_is_at_most_four_megabytes(name: str) -> None:
    assert sum(path.stat().st_size for path in (FOLDER / name).iterdir()) <= MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_loads_without_a_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        loaded = load(name)
    assert not caplog.records
    assert loaded.model.dtype == torch.float32
    assert loaded.tokenizer.eos_token_id == loaded.model.config.eos_token_id == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_tokenizer_gives_back_any_text(name: str) -> None:
    text = "ไทย हिन्दी العربية 中文 Ŀ 🦔 3,5\n\n x"
    tokenizer = load(name).tokenizer
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_models_differ_in_what_they_have_read_and_not_in_size() -> None:
    polyglot, anglo = (load(name) for name in NAMES)
    sizes = [sum(p.numel() for p in loaded.model.parameters()) for loaded in (polyglot, anglo)]
    assert sizes[0] == sizes[1]
    assert len(polyglot.tokenizer) == len(anglo.tokenizer)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_few_shot_prompt_is_read_to_its_end(name: str) -> None:
    loaded = load(name)
    shots = "\n\n".join(f"P{n}D = {n} days" for n in range(100, 140))
    assert len(loaded.tokenizer(shots)["input_ids"]) > 400
    scores = log_likelihoods(loaded, f"{shots}\n\nP9D =", ("9 days", "9 years"))
    assert scores[0] > scores[1]


def test_no_line_of_training_holds_a_scored_doc() -> None:
    readers = [r for language in LANGUAGES.values() if (r := corpus.open_reader(language))]
    assert len(readers) == 101
    # open_reader has compared each language with itself; here each is compared with all.
    read = {line for r in readers for lines in r.lessons.values() for line in lines}
    for reader in readers:
        rows = cldr.read_rows(reader.language)
        assert not read & set(corpus.scored_texts(rows, reader.language))


def test_a_scored_doc_in_a_line_of_training_is_found() -> None:
    reader = corpus.open_reader(LANGUAGES["en"])
    assert reader is not None
    tainted = reader._replace(lessons={"timespan": ["x +P2D = in 2 days x"]})
    with pytest.raises(DataError, match="en: 1 scored docs are read"):
        corpus.check_disjoint(tainted, ["+P2D = in 2 days"])


@pytest.mark.parametrize("tag", ["th", "ru", "hi"])
def test_polyglot_is_ahead_where_only_it_has_read(tag: str) -> None:
    assert accuracy("demo-polyglot", tag) > accuracy("demo-anglo", tag) + 0.25


def test_both_know_english_about_equally() -> None:
    scores = [accuracy(name, "en") for name in NAMES]
    assert min(scores) > 0.6
    assert abs(scores[0] - scores[1]) < 0.15
