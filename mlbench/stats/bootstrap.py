"""How would the scores move with other docs? The joint cluster bootstrap of a whole table.

One multinomial draw of clusters is applied to all models and all languages of a parallel family,
so that the noise of the shared English docs is counted once in every difference to English.
scipy.stats.bootstrap draws one statistic at a time; here all replicates of all columns are
W·T / W·n, one matrix product (its time and memory: docs/validation.md).
"""

import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.errors import DataError
from mlbench.measures import ACC, Measure
from mlbench.stats.table import Floats, Ints

# Numbers drawn at a time: 8 MB of int64, so that memory does not grow with the replicates.
DRAWS_PER_CHUNK = 1_000_000
# Numbers of one product of draws and sums: 80 MB, so that memory does not grow with the columns.
NUMBERS_PER_PRODUCT = 10_000_000
# Draws of so many numbers are kept: 24 MB each, for eight families.
KEPT_DRAWS = 12_000_000
# Bits of a float64 significand that a sum may use and stay exact.
EXACT_BITS = 52
# Whole numbers up to here are exact in float32 (24 bits of significand).
FLOAT32_EXACT = 2.0**24


@dataclass(frozen=True, slots=True)
class Resampling:
    """How to draw and how sure to be; the same three numbers give the same bytes."""

    level: float = 0.95
    seed: int = 0
    replicates: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what gives no interval."""
        if not 0 < self.level < 1:
            raise DataError(f"level {self.level!r} is not between 0 and 1; 0.95 is usual")
        if self.replicates < 100:
            raise DataError(f"{self.replicates!r} replicates; at least 100 are needed")
        if self.seed < 0:
            raise DataError(f"seed {self.seed!r} is negative; any integer from 0 on will do")


class Resampled(NamedTuple):
    """Values (mostly means) of rows x languages, and replicates (replicates x rows x languages).

    `n_docs` and `n_clusters` count what stands behind each mean of a language. `n_draws` are the
    equal clusters that its clusters are worth (equal_draws) if docs weigh alike, `n_draws_of_sums`
    if they weigh by their first statistic, as in a ratio of two sums.
    """

    means: Floats
    replicates: Floats
    n_docs: Ints
    n_clusters: Ints
    n_draws: Floats
    n_draws_of_sums: Floats


def rng_of(seed: int, name: str) -> np.random.Generator:
    """Make the stream of a family or language: another name draws independently."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode("utf-8"))]))


def draw_weights(rng: np.random.Generator, n_clusters: int, replicates: int) -> Iterator[Ints]:
    """Draw how often each cluster counts, in chunks of replicates x clusters (multinomial)."""
    chunk = max(1, DRAWS_PER_CHUNK // n_clusters)
    for start in range(0, replicates, chunk):
        rows = min(chunk, replicates - start)
        draws = rng.integers(0, n_clusters, size=(rows, n_clusters))
        draws += np.arange(rows)[:, np.newaxis] * n_clusters
        counts = np.bincount(draws.ravel(), minlength=rows * n_clusters)
        yield counts.reshape(rows, n_clusters)


@lru_cache(maxsize=8)
def _kept_weights(seed: int, name: str, n_clusters: int, replicates: int) -> tuple[Ints, ...]:
    rng = rng_of(seed, name)
    return tuple(draw.astype(np.uint16) for draw in draw_weights(rng, n_clusters, replicates))


def weights_of(name: str, n_clusters: int, resampling: Resampling) -> Iterable[Ints]:
    """Give the draws of a family or language: kept where small, as many cells and pairs use them.

    The draws of a stream depend on nothing but these numbers. A cluster is never drawn more often
    than there are clusters, so 16 bits hold the counts of those that are kept.
    """
    seed, replicates = resampling.seed, resampling.replicates
    if n_clusters * replicates > KEPT_DRAWS:
        return draw_weights(rng_of(seed, name), n_clusters, replicates)
    return _kept_weights(seed, name, n_clusters, replicates)


def cluster_sums(values: Floats, clusters: Ints) -> tuple[Floats, Floats]:
    """Add up values[column, doc] by cluster: sums and doc counts, both clusters x columns.

    A value that is nan is a doc that is not there. Docs of cluster -1 are nobody's.
    """
    there = ~np.isnan(values) & (clusters >= 0)
    order = np.argsort(clusters, kind="stable")
    order = order[clusters[order] >= 0]
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    sums = np.add.reduceat(np.where(there, values, 0.0)[:, order], starts, axis=1)
    counts = np.add.reduceat(there[:, order].astype(np.float64), starts, axis=1)
    return np.ascontiguousarray(sums.T), np.ascontiguousarray(counts.T)


def equal_draws(sizes: Floats, variances: Floats) -> Floats:
    """Say how many equal clusters tell as much of a spread as those of sizes[cluster, column].

    One more than the degrees of freedom of Σ (u_c - w_c Σu)², where w_c is the share of cluster c
    in the sizes and its part u_c of the error has a variance in proportion to `variances`:
    (tr B)²/tr B² of that quadratic form (Satterthwaite, Biometrics Bulletin 2 (1946) 110-114; for
    clusters Bell & McCaffrey, Survey Methodology 28 (2002) 169-181). Zero where all sizes are.

    >>> sizes = np.array([[1.0, 4.0], [1.0, 1.0], [1.0, 1.0]])
    >>> equal_draws(sizes, sizes**2).round(2).tolist()
    [3.0, 2.47]
    """
    n_clusters = np.count_nonzero(sizes, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share, varies = sizes / sizes.sum(axis=0), variances / variances.sum(axis=0)
        squares = (share * share).sum(axis=0)
        once, twice = (varies * share).sum(axis=0), (varies * share * share).sum(axis=0)
        alone = (varies * varies * (1 + 2 * squares - 4 * share)).sum(axis=0)
        trace = 1 - 2 * once + squares
        trace_of_square = squares**2 - 4 * squares * once + 2 * twice + 2 * once**2 + alone
        # Rounded, so that n equal clusters are exactly n draws.
        draws = np.round(1 + trace**2 / trace_of_square, 9)
    # The form has a rank of one less than the clusters, and one at least.
    return np.asarray(np.where(n_clusters > 1, np.clip(draws, 2, n_clusters), n_clusters))


def on_exact_grid(values: Floats) -> Floats:
    """Round to multiples of a power of two so fine that sums of all docs are exact in float64.

    Then the order of additions, which differs between processors and BLAS libraries, cannot change
    a bit of the result, and equal sums are equal. The rounding is below 1e-9 of the largest value.
    values[row, language, doc]: a draw holds at most n_docs times n_docs of one cluster's values.
    """
    largest = float(np.abs(values[~np.isnan(values)]).max(initial=0.0)) * values.shape[-1] ** 2
    if largest == 0:
        return values
    grid = math.ldexp(1.0, math.frexp(largest)[1] - EXACT_BITS)
    return np.asarray(np.round(values / grid) * grid)


def replicate_means(
    sums: Floats, counts: Floats, *, draws: Iterable[Ints], replicates: int
) -> Floats:
    """Give W·T / W·n for every column: replicates x columns, nan where a draw has no doc.

    Whole numbers that stay below 2^24 (0/1 docs) are exact in float32, which is twice as fast.
    """
    patterns, which = _distinct_columns(counts)
    largest = float(np.abs(sums).max(initial=0.0)) * len(sums)
    is_small = largest < FLOAT32_EXACT and bool((sums == np.rint(sums)).all())
    exact = np.float32 if is_small else np.float64
    terms: NDArray[Any] = sums.astype(exact)
    docs: NDArray[Any] = patterns.astype(exact)
    means = np.empty((replicates, sums.shape[1]))
    row = 0
    for counted in draws:
        weights: NDArray[Any] = counted.astype(exact)
        drawn = (weights @ docs).astype(np.float64)
        drawn[drawn == 0] = np.nan
        divisor = drawn if len(patterns[0]) == 1 else drawn[:, which]
        np.divide(weights @ terms, divisor, out=means[row : row + len(weights)])
        row += len(weights)
    return means


def _distinct_columns(counts: Floats) -> tuple[Floats, Ints]:
    """Keep equal columns of doc counts once: mostly all languages have the same docs."""
    seen: dict[bytes, int] = {}
    firsts: list[int] = []
    which = np.empty(counts.shape[1], dtype=np.int64)
    for column in range(counts.shape[1]):
        key = counts[:, column].tobytes()
        if key not in seen:
            seen[key] = len(firsts)
            firsts.append(column)
        which[column] = seen[key]
    return np.ascontiguousarray(counts[:, firsts]), which


def resample(
    statistics: Floats,
    clusters: Ints,
    *,
    names: tuple[str, ...] | str,
    resampling: Resampling,
    measure: Measure = ACC,
) -> Resampled:
    """Bootstrap the value of statistics[row, language, doc, k] over the clusters of docs.

    `names` is the docs of a parallel table (one draw for all), or the names of the languages
    (a draw each). clusters[language, doc] is -1 where a doc is not there.
    """
    if isinstance(names, str):
        return _resample_jointly(
            statistics, clusters, name=names, resampling=resampling, measure=measure
        )
    parts = [
        _resample_jointly(
            statistics[:, row : row + 1],
            clusters[row : row + 1],
            name=name,
            resampling=resampling,
            measure=measure,
        )
        for row, name in enumerate(names)
    ]
    return Resampled(
        np.concatenate([part.means for part in parts], axis=1),
        np.concatenate([part.replicates for part in parts], axis=2),
        np.concatenate([part.n_docs for part in parts], axis=1),
        np.concatenate([part.n_clusters for part in parts], axis=1),
        np.concatenate([part.n_draws for part in parts], axis=1),
        np.concatenate([part.n_draws_of_sums for part in parts], axis=1),
    )


def _resample_jointly(
    statistics: Floats, clusters: Ints, *, name: str, resampling: Resampling, measure: Measure
) -> Resampled:
    n_rows, n_languages, n_docs, k = statistics.shape
    shared = clusters.max(axis=0)
    parts = [
        cluster_sums(on_exact_grid(statistics[..., i]).reshape(-1, n_docs), shared)
        for i in range(k)
    ]
    first, counts = parts[0]
    squares = cluster_sums(statistics[..., 0].reshape(-1, n_docs) ** 2, shared)[0]
    draws = weights_of(name, len(counts), resampling)
    total = counts.sum(axis=0)
    known = np.where(total > 0, total, np.nan)
    if measure.is_mean:
        values = first.sum(axis=0) / known
        drawn = replicate_means(first, counts, draws=draws, replicates=resampling.replicates)
    else:
        stacked = np.stack([part[0] for part in parts], axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = measure.value(stacked.sum(axis=0), known)
        drawn = replicate_values(stacked, counts, measure, draws=draws)
    shape = (n_rows, n_languages)
    return Resampled(
        values.reshape(shape),
        drawn.reshape(-1, *shape),
        total.astype(np.int64).reshape(shape),
        (counts > 0).sum(axis=0).reshape(shape),
        equal_draws(counts, counts).reshape(shape),
        equal_draws(np.abs(first), squares).reshape(shape),
    )


def replicate_values(
    sums: Floats, counts: Floats, measure: Measure, *, draws: Iterable[Ints]
) -> Floats:
    """Give the value of W·T for sums[cluster, column, k]: replicates x columns.

    nan where a draw has no doc of a column, or where the value of its sums is not known.
    """
    n_clusters, n_columns, k = sums.shape
    patterns, which = _distinct_columns(counts)
    found = []
    for counted in draws:
        weights = counted.astype(np.float64)
        n_docs = (weights @ patterns)[:, which]
        n_docs[n_docs == 0] = np.nan
        values = np.empty((len(weights), n_columns))
        step = max(1, NUMBERS_PER_PRODUCT // (len(weights) * k))
        for start in range(0, n_columns, step):
            part = slice(start, start + step)
            drawn = weights @ sums[:, part].reshape(n_clusters, -1)
            with np.errstate(invalid="ignore", divide="ignore"):
                values[:, part] = measure.value(drawn.reshape(len(weights), -1, k), n_docs[:, part])
        found.append(values)
    return np.concatenate(found)
