"""Make the model: `python -m mlbench.identifier.train`. Needs SIB-200; half a minute.

Counts come from the train split alone. Temperature and threshold are chosen on the validation
split, so that the test split shows what they are worth (docs/identify.md). The same data give the
same files.
"""

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlbench.data.languages import read_languages
from mlbench.data.sources import read_rows
from mlbench.errors import DataError, NoData
from mlbench.identifier.calibrate import calibrate
from mlbench.identifier.calibration import write_calibration
from mlbench.identifier.grams import HASH_BITS, read_grams
from mlbench.identifier.letters import block_of, read_letters
from mlbench.identifier.model import (
    MODEL_PATH,
    Table,
    levels_from_counts,
    read_tables,
    write_tables,
)
from mlbench.records import HubSource, Language

SOURCE = HubSource("Davlan/sib200", code_key="sib200")
SPLITS = ("train", "validation", "test")
# Grams kept of a block, by the languages that share them; more add size and next to no accuracy
# (docs/identify.md).
GRAMS_PER_LANGUAGE, MOST_GRAMS = 2_000, 50_000
LEAST_TEXTS = 2
"""A gram of one sentence only says nothing of a language, and something of the sentence."""

Texts = Mapping[str, Sequence[str]]
"""Sentences by split, or by language."""

logger = logging.getLogger(__name__)


def main() -> None:
    """Train, calibrate and write the model beside this file."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    texts = {language.tag: read_texts(language) for language in read_languages().values()}
    tables = train({tag: split["train"] for tag, split in texts.items()})
    write_tables(tables)
    read_tables.cache_clear()
    write_calibration(calibrate({tag: split["validation"] for tag, split in texts.items()}))
    logger.info("%d languages, %d bytes", len(texts), MODEL_PATH.stat().st_size)


def read_texts(language: Language) -> Texts:
    """Return the sentences of a language by split; raises DataError for rows that are no text."""
    try:
        rows = read_rows(SOURCE, language)
    except NoData as absent:
        raise DataError(f"{absent}; leave it out of the languages file") from absent
    return {split: [_text(row, split, language) for row in rows[split]] for split in SPLITS}


def _text(row: Mapping[str, Any], split: str, language: Language) -> str:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{SOURCE.hub_id} {language.tag}, split {split}: no text in {row!r:.120}")
    return unicodedata.normalize("NFC", text.strip())


def train(texts: Texts) -> dict[str, Table]:
    """Return a table for each block that several of the languages share."""
    languages = read_languages()
    shared: dict[str, list[str]] = defaultdict(list)
    for tag in texts:
        shared[block_of(languages[tag].script)].append(tag)
    return {
        block: _count({tag: texts[tag] for tag in tags})
        for block, tags in sorted(shared.items())
        if len(tags) > 1
    }


def _count(texts: Texts) -> Table:
    n_texts = np.zeros(1 << HASH_BITS, dtype=np.int32)
    counted: list[tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]] = []
    for sentences in texts.values():
        hashes, owners = read_grams(read_letters(sentences))
        pairs = np.unique(owners.astype(np.uint64) << np.uint64(HASH_BITS) | hashes)
        n_texts += np.bincount(
            (pairs & np.uint64((1 << HASH_BITS) - 1)).astype(np.int64), minlength=1 << HASH_BITS
        ).astype(np.int32)
        counted.append(np.unique(hashes, return_counts=True))
    n_kept = min(GRAMS_PER_LANGUAGE * len(texts), MOST_GRAMS)
    common = np.argsort(-n_texts, kind="stable")[:n_kept]
    kept = np.sort(common[n_texts[common] >= LEAST_TEXTS]).astype(np.uint32)
    counts = np.zeros((len(kept), len(texts)))
    for column, (hashes, n) in enumerate(counted):
        rows = np.searchsorted(kept, hashes).clip(max=len(kept) - 1)
        is_kept = kept[rows] == hashes
        counts[rows[is_kept], column] = n[is_kept]
    return Table(tuple(texts), kept, levels_from_counts(counts))


if __name__ == "__main__":
    main()
