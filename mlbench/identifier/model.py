"""What has the model learnt, and how well does a text fit each language? Naive Bayes over grams.

One table per block of scripts: how often each gram stands in the train split of each language. A
count is kept as a level of a logarithmic scale, one byte; a script with one language has no table.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mlbench.identifier.grams import read_grams
from mlbench.identifier.letters import Letters, read_letters

MODEL_PATH = Path(__file__).parent / "grams.npz"
LEVEL_BASE = 1.25
ALPHA = 0.1
"""Added to each count: how often a gram is met that a language has not shown."""

_CHUNK = 256
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Table:
    """The counts of one block: `levels` has a row per gram and a column per language."""

    languages: tuple[str, ...]
    hashes: npt.NDArray[np.uint32]
    levels: npt.NDArray[np.uint8]

    def weights(self) -> npt.NDArray[np.float32]:
        """Return the log-probability of each gram in each language."""
        levels = self.levels.astype(np.float64)
        counts = np.where(levels > 0, LEVEL_BASE ** (levels - 1), 0) + ALPHA
        logs: npt.NDArray[np.float64] = np.log(counts / counts.sum(axis=0))
        return logs.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Fit:
    """How texts fit the languages of a block: sums of log-probabilities, and grams they are of.

    `evidence` is what a gram says for a language on average, over one that the language has not
    shown: text of no language at all has little for any.
    """

    languages: tuple[str, ...]
    scores: npt.NDArray[np.float64]
    evidence: npt.NDArray[np.float64]
    n_grams: npt.NDArray[np.int64]


class _Sums(NamedTuple):
    """By text: sums of log-probabilities, the grams that they are of, and all grams."""

    scores: npt.NDArray[np.float64]
    n_known: npt.NDArray[np.int64]
    n_grams: npt.NDArray[np.int64]


def levels_from_counts(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the level of each count, 0 for none."""
    steps = np.round(np.log(np.maximum(counts, 1)) / np.log(LEVEL_BASE)) + 1
    return np.where(counts > 0, np.minimum(steps, 255), 0).astype(np.uint8)


@cache
def read_tables(path: Path = MODEL_PATH) -> Mapping[str, Table]:
    """Return the tables of the shipped model by block."""
    with np.load(path, allow_pickle=False) as file:
        blocks = sorted({name.partition(".")[0] for name in file.files})
        return {
            block: Table(
                tuple(str(tag) for tag in file[f"{block}.languages"]),
                # Their differences are stored, which are smaller.
                np.cumsum(file[f"{block}.hashes"], dtype=np.uint32),
                file[f"{block}.levels"],
            )
            for block in blocks
        }


def write_tables(tables: Mapping[str, Table], path: Path = MODEL_PATH) -> None:
    """Write a model: the same tables give the same bytes."""
    staging = path.with_name(path.name + ".new")
    with zipfile.ZipFile(staging, "w", zipfile.ZIP_LZMA) as archive:
        for block, table in sorted(tables.items()):
            parts = {
                "languages": np.array(table.languages),
                "hashes": np.diff(table.hashes, prepend=np.uint32(0)),
                "levels": table.levels,
            }
            for name, array in parts.items():
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
                info = zipfile.ZipInfo(f"{block}.{name}.npy", _EPOCH)
                info.compress_type = zipfile.ZIP_LZMA
                archive.writestr(info, buffer.getvalue())
    staging.replace(path)


@cache
def _weights(block: str) -> npt.NDArray[np.float32]:
    return read_tables()[block].weights()


def fit(texts: Sequence[str], block: str) -> Fit:
    """Return how texts of one block fit its languages, in the order of the texts."""
    table, weights = read_tables()[block], _weights(block)
    scores = np.zeros((len(texts), len(table.languages)))
    n_known, n_grams = np.zeros((2, len(texts)), dtype=np.int64)
    for start in range(0, len(texts), _CHUNK):
        letters = read_letters(texts[start : start + _CHUNK])
        part = slice(start, start + len(letters.scripts))
        scores[part], n_known[part], n_grams[part] = _sum_up(letters, table, weights)
    unseen = weights.min(axis=0).astype(np.float64)
    evidence = (scores - n_known[:, None] * unseen) / np.maximum(n_grams, 1)[:, None]
    return Fit(table.languages, scores, evidence, n_grams)


def _sum_up(letters: Letters, table: Table, weights: npt.NDArray[np.float32]) -> _Sums:
    """Add the log-probabilities of the known grams of each text."""
    hashes, all_owners = read_grams(letters)
    rows = np.searchsorted(table.hashes, hashes).clip(max=len(table.hashes) - 1)
    is_known = table.hashes[rows] == hashes
    order = np.argsort(all_owners[is_known], kind="stable")
    rows, owners = rows[is_known][order], all_owners[is_known][order]
    n_texts = len(letters.scripts)
    sums = np.zeros((n_texts, len(table.languages)))
    present, starts = np.unique(owners, return_index=True)
    if len(present):
        sums[present] = np.add.reduceat(weights[rows], starts, axis=0)
    n_known = np.bincount(owners, minlength=n_texts)
    return _Sums(sums, n_known, np.bincount(all_owners, minlength=n_texts))
