"""Is A better than B here, and by more than in English? Paired differences and moats.

Delta[l] = S[A, l] - S[B, l], paired by doc. D[l] = Delta[l] - Delta[en] on the docs that l and
English share; M is the mean of D over l != en. A lead that is as large in English is a better
model, not a moat.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.stats.bootstrap import Resampled, Resampling, cluster_sums, resample
from mlbench.stats.contrast import Contrast, Difference, Differences, single, summarise
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints, ScoreTable

# Rows of the stack that is resampled: A, B and A - B on the docs of the language, then on those
# that the language shares with English, then in English on those. A - B has a row of its own so
# that a tie of two sums is exactly zero, which the difference of two rounded means is not.
OWN, SHARED, ENGLISH = slice(0, 3), slice(3, 6), slice(6, 9)


@dataclass(frozen=True, slots=True, eq=False)
class PairLevels:
    """Mean scores of A (row 0), B (row 1) and A - B (row 2) by language, with replicates.

    `shared` and `english` are None when the family has no English for both models; `unequal` and
    `unequal_moat` count clusters in which Delta and D are not zero.
    """

    languages: tuple[str, ...]
    own: Resampled
    shared: Resampled | None
    english: Resampled | None
    unequal: Ints
    unequal_moat: Ints
    doc_reach: float


class Lead(NamedTuple):
    """How far A is ahead of B in each language, on some scale: estimate and replicates."""

    estimate: Floats
    replicates: Floats


LeadOf = Callable[[Resampled], Lead]


class PairedDifferences(NamedTuple):
    """Differences of two models by language; `moat` is None when English is missing."""

    delta: Differences
    moat: Differences | None


def adjusted_scores(table: ScoreTable) -> Floats:
    """Rescale accuracy so that guessing is 0: (y - c)/(1 - c), never clipped."""
    return (table.values - table.chance) / (1 - table.chance)


def pair_levels(
    table: ScoreTable, a: str, b: str, resampling: Resampling, *, is_adjusted: bool = True
) -> PairLevels:
    """Resample the levels of two models in the languages where both were scored."""
    covered = table.covers((a, b))
    if not covered.any():
        raise DataError(
            f"family {table.family!r}: no language has scores of both {a!r} and {b!r}. "
            "See: mlbench list cells RUN"
        )
    table = table.select(tag for tag, both in zip(table.languages, covered, strict=True) if both)
    scores = table.values if table.kind != "accuracy" or not is_adjusted else adjusted_scores(table)
    pair = scores[[table.model_index(a), table.model_index(b)]]
    pair = np.concatenate([pair, pair[:1] - pair[1:]])
    english = table.language_index(REFERENCE_LANGUAGE)
    stack = pair if english is None else _stack(pair, english, is_parallel=table.is_parallel)
    names = table.family if table.is_parallel else _stream_names(table)
    drawn = resample(stack, table.clusters, names=names, resampling=resampling)
    unequal = _unequal(pair[2], table)
    reach = 1 / (1 - float(np.nanmax(table.chance))) if is_adjusted else 1.0
    if english is None:
        return PairLevels(table.languages, drawn, None, None, unequal, unequal, reach)
    is_whole = len(stack) == OWN.stop
    return PairLevels(
        table.languages,
        _rows(drawn, OWN),
        _rows(drawn, OWN if is_whole else SHARED),
        _one_language(drawn, english) if is_whole else _rows(drawn, ENGLISH),
        unequal,
        _unequal_moat(pair[2], table, english, unequal),
        reach,
    )


def _stream_names(table: ScoreTable) -> tuple[str, ...]:
    return tuple(f"{table.family}/{language}" for language in table.languages)


def _stack(pair: Floats, english: int, *, is_parallel: bool) -> Floats:
    """Add the shared docs as more rows, unless every language has exactly the docs of English."""
    there = ~np.isnan(pair[0])
    if not is_parallel or (there == there[english]).all():
        return pair
    both = there & there[english]
    shared = np.where(both, pair, np.nan)
    in_english = np.where(both, pair[:, english : english + 1], np.nan)
    return np.concatenate([pair, shared, in_english])


def _rows(drawn: Resampled, rows: slice) -> Resampled:
    return Resampled(
        drawn.means[rows], drawn.replicates[:, rows], drawn.n_docs[rows], drawn.n_clusters[rows]
    )


def _one_language(drawn: Resampled, row: int) -> Resampled:
    keep = slice(row, row + 1)
    return Resampled(
        drawn.means[:, keep],
        drawn.replicates[:, :, keep],
        drawn.n_docs[:, keep],
        drawn.n_clusters[:, keep],
    )


def _unequal(difference: Floats, table: ScoreTable) -> Ints:
    """Count the clusters of each language whose summed difference is not zero."""
    if table.is_parallel:
        sums = cluster_sums(difference, table.clusters.max(axis=0))[0]
        return np.asarray(np.count_nonzero(sums, axis=0), dtype=np.int64)
    rows = zip(difference, table.clusters, strict=True)
    return np.array(
        [np.count_nonzero(cluster_sums(row[np.newaxis], codes)[0]) for row, codes in rows]
    )


def _unequal_moat(difference: Floats, table: ScoreTable, english: int, unequal: Ints) -> Ints:
    if table.is_parallel:
        return _unequal(difference - difference[english], table)
    return np.asarray(unequal + unequal[english])


def linear_lead(levels: Resampled) -> Lead:
    """Give A - B on the scale of the scores themselves."""
    return Lead(levels.means[2], levels.replicates[:, 2])


def delta_contrast(pair: PairLevels, lead_of: LeadOf = linear_lead) -> Contrast:
    """Give Delta[l], the lead of A over B in each language."""
    lead = lead_of(pair.own)
    return Contrast(
        pair.languages,
        lead.estimate,
        lead.replicates,
        pair.own.n_docs[0],
        pair.own.n_clusters[0],
        pair.unequal,
        pair.own.n_clusters[0],
        pair.doc_reach,
    )


def moat_contrast(pair: PairLevels, lead_of: LeadOf = linear_lead) -> Contrast | None:
    """Give D[l], the lead of A in each language beyond its lead in English; None without English.

    The row of English itself is left out: its D is zero by definition.
    """
    if pair.shared is None or pair.english is None:
        return None
    lead, in_english = lead_of(pair.shared), lead_of(pair.english)
    return moat_of(
        pair, lead.estimate - in_english.estimate, lead.replicates - in_english.replicates
    )


def moat_of(pair: PairLevels, estimate: Floats, replicates: Floats) -> Contrast:
    """Put numbers that compare each language with English into a Contrast without English."""
    assert pair.shared is not None and pair.english is not None
    n_clusters = np.minimum(pair.shared.n_clusters[0], pair.english.n_clusters[0])
    moat = Contrast(
        pair.languages,
        estimate,
        replicates,
        pair.shared.n_docs[0],
        n_clusters,
        pair.unequal_moat,
        n_clusters,
        2 * pair.doc_reach,
    )
    return moat.take([i for i, tag in enumerate(pair.languages) if tag != REFERENCE_LANGUAGE])


def paired_differences(
    table: ScoreTable, a: str, b: str, resampling: Resampling | None = None
) -> PairedDifferences:
    """Give Delta[l] and D[l] of every language at once (adjusted accuracy, or bits a doc)."""
    resampling = resampling or Resampling()
    pair = pair_levels(table, a, b, resampling)
    moat = moat_contrast(pair)
    return PairedDifferences(
        summarise(delta_contrast(pair), resampling),
        None if moat is None else summarise(moat, resampling),
    )


def paired_difference(  # noqa: PLR0913  (three keyword-only settings; callers have no table)
    a: Sequence[float] | Floats,
    b: Sequence[float] | Floats,
    clusters: Sequence[str] | Sequence[int] | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    replicates: int = 10_000,
) -> Difference:
    """Give mean(a) - mean(b) of two aligned score vectors of one language.

    `clusters[i]` is the cluster of doc i; None: each doc by itself. Below two clusters interval,
    p and stderr are nan.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    n = first.size
    if first.shape != second.shape or first.ndim != 1 or n == 0:
        raise DataError(f"two score vectors of shapes {first.shape} and {second.shape} do not pair")
    if clusters is not None and len(clusters) != n:
        raise DataError(f"{n} scores but {len(clusters)} clusters; give one cluster a doc")
    if not (np.isfinite(first) & np.isfinite(second)).all():
        raise DataError("a score is NaN or infinite; leave the doc out of both models")
    codes = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    resampling = Resampling(level, seed, replicates)
    difference = first - second
    drawn = resample(
        difference[np.newaxis, np.newaxis],
        codes[np.newaxis],
        names="paired_difference",
        resampling=resampling,
    )
    unequal = np.count_nonzero(cluster_sums(difference[np.newaxis], codes)[0], axis=0)
    n_clusters = drawn.n_clusters[0]
    contrast = Contrast(
        ("",),
        drawn.means[0],
        drawn.replicates[:, 0],
        drawn.n_docs[0],
        n_clusters,
        unequal,
        n_clusters,
    )
    return single(summarise(contrast, resampling))
