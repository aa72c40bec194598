"""Toy runs for the report's tests: real files of the real store, scores made up by a seed."""

import base64
import gzip
import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlbench import store
from mlbench.data.prepare import Prepared
from mlbench.families import read_families
from mlbench.measures import ChoiceSample, Sample, TextSample, cell_score
from mlbench.records import Caveat, Cell, ChoiceDoc, FamilyDocs, Language, TextDoc
from mlbench.report.page.packing import IN_PAGE
from mlbench.store.texts import keep_texts

ENGLISH = Language("en", "English", "English", "Latn", "ltr", "Indo-European")
SWAHILI = Language("sw", "Swahili", "Kiswahili", "Latn", "ltr", "Niger-Congo")
HINDI = Language("hi", "Hindi", "हिन्दी", "Deva", "ltr", "Indo-European")
ARABIC = Language(
    "ar",
    "Arabic",
    "العربية",
    "Arab",
    "rtl",
    "Afro-Asiatic",
    caveats=(Caveat("near-copy of another"),),
)
YORUBA = Language("yo", "Yoruba", "Yorùbá", "Latn", "ltr", "Niger-Congo")
LANGUAGES = (SWAHILI, ENGLISH, HINDI, ARABIC, YORUBA)

TOPIC = {
    "title": "Topic",
    "question": "What is it about?",
    "suite": "core",
    "version": 1,
    "output_type": "multiple_choice",
    "chance": 0.25,
    "metrics": ["acc", "macro_f1"],
    "is_parallel": True,
    "licence": "CC0",
    "citation": "A paper",
    "source": "org/data",
}
TEXT = TOPIC | {
    "title": "Text",
    "output_type": "loglikelihood_rolling",
    "chance": None,
    "metrics": ["bits", "bits_per_byte"],
}
FAMILIES = {"topic": TOPIC, "terms": TOPIC | {"title": "Terms"}, "text": TEXT}
NOTE = "made only to test the suite; of no use as a language model"


@dataclass
class ToyRun:
    """A run in the making: plan cells, store some, then write the manifest."""

    folder: Path
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    families: dict[str, dict[str, Any]] = field(default_factory=lambda: dict(FAMILIES))
    languages: tuple[Language, ...] = LANGUAGES
    no_data: dict[str, dict[str, str]] = field(default_factory=dict)
    cells: dict[str, dict[str, dict[str, list[str]]]] = field(default_factory=dict)

    def plan(self, cell: Cell) -> Path:
        """Plan a cell; return where its file goes."""
        number = len(self.models)
        facts = self.models.setdefault(cell.model, {"slug": f"model-{number}", "note": NOTE})
        columns = self.cells.setdefault(cell.model, {}).setdefault(cell.family, {})
        columns.setdefault(str(cell.shots), []).append(cell.language)
        return store.cell_path(self.folder, facts["slug"], cell)

    def put(self, cell: Cell, samples: tuple[Sample, ...], *, n_truncated: int = 0) -> None:
        """Plan a cell and store its result."""
        metrics = self.families[cell.family]["metrics"]
        scores = {metric: cell_score(samples, metric) for metric in metrics}
        model, data = cell.model[:50], _digest(cell)
        signature = store.Signature(family_version=1, model=model, data_sha256=data)
        usage = {"n_requests": len(samples), "n_truncated": n_truncated}
        path = self.plan(cell)
        store.put(path, store.CellResult(cell, signature, scores, usage, samples))

    def put_texts(self, cell: Cell, docs: list[ChoiceDoc] | list[TextDoc]) -> None:
        """Keep the texts of a cell's docs, as a run does."""
        family = read_families()["sib200_lm"]
        family = replace(family, name=cell.family)
        language = next(x for x in self.languages if x.tag == cell.language)
        docs_of = FamilyDocs(tuple(docs))
        keep_texts(self.folder, Prepared(family, language, docs_of, _digest(cell), "1"))

    def fail(self, cell: Cell, reason: str, traceback: str) -> None:
        """Plan a cell and store that it broke."""
        store.put_failed(
            self.plan(cell), store.FailedCell(cell, reason, traceback, store.Signature())
        )

    def write(self) -> Path:
        """Write the manifest and return the folder."""
        content = {
            "mlbench": "0",
            "created": "2026-01-02T03:04:05+00:00",
            "models": self.models,
            "families": self.families,
            "languages": {language.tag: asdict(language) for language in self.languages},
            "cells": self.cells,
            "no_data": self.no_data,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False)
        (self.folder / store.MANIFEST).write_text(text, encoding="utf-8")
        return self.folder


def _digest(cell: Cell) -> str:
    return hashlib.sha256(f"{cell.family} {cell.language}".encode()).hexdigest()


def choices(accuracy: float, n: int = 60, seed: int = 0) -> tuple[Sample, ...]:
    """Make n docs of which about this share is right; seeds share which docs are hard."""
    hard = np.random.default_rng(0).random(n)
    noise = np.random.default_rng(seed).random(n)
    right = (hard + noise) / 2 < accuracy
    return tuple(
        ChoiceSample(f"d{i}", f"c{i // 2}", i % 4, ("a", "b", "c", "d"), _likely(i, bool(right[i])))
        for i in range(n)
    )


def _likely(i: int, is_right: bool) -> tuple[float, ...]:
    chosen = i % 4 if is_right else (i + 1) % 4
    return tuple(-1.0 if choice == chosen else -3.0 for choice in range(4))


def exact(n_right: int) -> tuple[Sample, ...]:
    """Make 8 docs of which so many are right: at a chance of 1/4, 2 is guessing and 5 half way."""
    return tuple(
        ChoiceSample(f"d{i}", f"c{i}", 0, ("a", "b"), (-1.0, -2.0) if i < n_right else (-2.0, -1.0))
        for i in range(8)
    )


def texts(
    bits: float, n: int = 30, seed: int = 0, *, n_tokens: int | None = None
) -> tuple[Sample, ...]:
    """Make n sentences of about this many bits, and so many tokens each."""
    spread = np.random.default_rng(seed).normal(1, 0.05, n)
    return tuple(
        TextSample(f"d{i}", f"c{i // 2}", -math.log(2) * bits * spread[i], 100, n_tokens)
        for i in range(n)
    )


def two_models(
    folder: Path, languages: tuple[Language, ...] = LANGUAGES, *, tokens: bool = False
) -> ToyRun:
    """Make a run in which `many` is far better outside English, with a gap of every kind.

    With `tokens`, texts have more of them from language to language.
    """
    run = ToyRun(folder, languages=languages)
    for model, elsewhere in (("many", 0.85), ("few", 0.4)):
        for i, language in enumerate(languages):
            accuracy = 0.8 if language.tag == "en" else elsewhere
            bits = 100.0 if language.tag == "en" else 240 - 120 * elsewhere
            cells = [Cell(model, family, language.tag, 0) for family in FAMILIES]
            run.put(cells[0], choices(accuracy, seed=i), n_truncated=int(language.tag == "hi"))
            if language.tag != "yo":
                run.put(cells[1], choices(accuracy, seed=9 + i))
            run.put(cells[2], texts(bits, seed=i, n_tokens=10 + i if tokens else None))
    run.no_data = {"terms": {"yo": "no names of its own in the CLDR"}}
    return run


def unpacked(text: str) -> Any:
    """Read what packing.py packed."""
    from_page = {after: before for before, after in IN_PAGE.items()}
    return json.loads(gzip.decompress(base64.b85decode(text.translate(from_page))))
