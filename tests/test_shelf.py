"""Do cells that are read together give what each gives alone, and is no other cell read?"""

from pathlib import Path

import numpy as np
import pytest
from report_toys import two_models

from mlbench import store
from mlbench.measures import (
    ChoiceSample,
    Sample,
    TextSample,
    available_rules,
    doc_scores,
    statistics_of,
)
from mlbench.records import Cell, Score
from mlbench.store.cells import get_all
from mlbench.store.read import read_run
from mlbench.store.samples import (
    cluster_ids_of,
    doc_ids_of,
    labels_of,
    likelihoods_digest,
    likelihoods_of,
    tied_in,
    tokens_of,
)
from mlbench.store.shelf import small

LABELS = {
    "fr": ("oui", "non"),
    "ar": ("نعم", "لا"),
    "hi": ("हाँ", "नहीं", "शायद"),
    "th": ("ใช่", "ไม่"),
    "zh": ("是", "否"),
    "ru": ("да", "нет"),
}


def choices(tag: str, n: int) -> tuple[Sample, ...]:
    """Make docs with the labels of a language; in Thai every doc has choices of its own."""
    rng = np.random.default_rng(n)
    labels = LABELS[tag]
    return tuple(
        ChoiceSample(
            f"{tag}{i}",
            f"c{i // 2}",
            i % len(labels),
            tuple(f"{label}{i}" for label in labels) if tag == "th" else labels,
            tuple(rng.integers(-3, 0, len(labels)).astype(float).tolist()),
            n_tokens=tuple(range(1, 1 + len(labels))),
            label_means=(-1.0,) * len(labels),
        )
        for i in range(n)
    )


def texts(tag: str, n: int) -> tuple[Sample, ...]:
    return tuple(TextSample(f"{tag}{i}", f"c{i}", -0.1 - i, 9 + i, 3 + i) for i in range(n))


def stored(folder: Path, samples: dict[str, tuple[Sample, ...]]) -> dict[str, store.CellResult]:
    """Store cells of one model and family, and read them together."""
    cells = [Cell("m", "f", tag, 0) for tag in samples]
    for cell in cells:
        metric = "acc" if isinstance(samples[cell.language][0], ChoiceSample) else "bits"
        scores = {metric: Score(metric, 0.5, 1, 0.1)}
        result = store.CellResult(cell, store.Signature(), scores, {}, samples[cell.language])
        store.put(store.cell_path(folder, "m", cell), result)
    found = get_all(folder / "m/f/0", cells)
    return dict(zip(samples, found, strict=True))


def test_choices_of_many_languages_are_those_of_each(tmp_path: Path) -> None:
    made = {tag: choices(tag, n) for n, tag in enumerate(LABELS, 3)}
    for tag, result in stored(tmp_path, made).items():
        alone, together = made[tag], result.samples
        for rule in available_rules(alone[0]):
            assert statistics_of(together, rule)[:, 0].tolist() == doc_scores(alone, rule)
        assert doc_ids_of(together) == doc_ids_of(alone)
        assert cluster_ids_of(together) == cluster_ids_of(alone)
        assert labels_of(together) == labels_of(alone) == (None if tag == "th" else LABELS[tag])
        assert tied_in(together).tolist() == tied_in(alone).tolist()
        assert likelihoods_digest(together) == likelihoods_digest(alone)
        for numbers in zip(likelihoods_of(together), likelihoods_of(alone), strict=True):
            assert np.array_equal(*numbers)
        assert together == alone


def test_texts_of_many_languages_are_those_of_each(tmp_path: Path) -> None:
    made = {tag: texts(tag, n) for n, tag in enumerate(LABELS, 1)}
    for tag, result in stored(tmp_path, made).items():
        for metric in ("bits", "bits_per_byte"):
            found, alone = (statistics_of(s, metric) for s in (result.samples, made[tag]))
            assert np.array_equal(found, alone)
        assert tokens_of(result.samples) == tokens_of(made[tag])


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([0, 1], "int8"), ([300], "int16"), ([0.5], "float16"), ([1 / 3], "float64"), ([2**40], "f")],
)
def test_numbers_are_kept_small_and_the_same(numbers: list[float], kind: str) -> None:
    array = np.array([*numbers, np.nan] if kind.startswith("f") else numbers, dtype=np.float64)
    kept = small(array)
    assert kept.values.dtype.name.startswith(kind)
    assert np.array_equal(kept.part(slice(None)), array, equal_nan=True)


def test_only_the_cells_of_the_models_that_are_asked_for_are_read() -> None:
    folder = two_models(Path("runs/r")).write()
    (folder / "model-1/topic/0/hi.parquet").write_bytes(b"PAR1 cut short")
    whole, part = read_run("r"), read_run("r", models=["many"])
    assert {cell.model for cell in part.done} == {"many"} and not part.damaged
    assert part.planned == whole.planned and part.models == whole.models
    assert part.is_complete and not whole.is_complete
    assert part.counts["done"] == sum(cell.model == "many" for cell in whole.done)
