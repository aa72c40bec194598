"""What do the replicates say about an effect? Interval, standard error, p-values, averages.

A Contrast is any effect (a difference of two models, a moat, a distance from chance) in each of
several languages, with its bootstrap replicates. All judgements of mlbench are made from it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlbench.stats.bootstrap import Resampling
from mlbench.stats.intervals import expanded_tail, quantiles, t_of
from mlbench.stats.sequential import Looks, strictest
from mlbench.stats.table import Floats, Ints
from mlbench.stats.unseen import mean_floor, unseen_stderr, vary

# With fewer replicates than this beyond the bound, their share is too noisy to be a p-value:
# its relative Monte Carlo error would pass 1/sqrt(10), about a third.
FEW_BEYOND = 10
# Below this many equal clusters a replicate takes few values and its percentiles are coarse:
# Student's t takes their place (coverage of both: docs/validation.md).
FEW_CLUSTERS = 30


@dataclass(frozen=True, eq=False)
class Contrast:
    """An effect in each language: `replicates` is replicates x languages.

    `n_unequal` counts the clusters in which the effect is not zero, `n_seen` those that were looked
    at. `doc_reach` is the most that one doc out of n can move n times the effect (1/(1 - chance)
    for adjusted accuracy). `floor` is the least stderr of each language (with_floor); None: zero.
    `stream` names the docs: effects on the same docs are drawn alike.
    `n_draws` are the equal clusters that the clusters are worth (bootstrap.equal_draws), which make
    the tails of Student's t; None: as many as there are.
    `looks` says, by language, at which look at growing docs this is: intervals and p-values then
    are repeated ones (sequential.py). None: the number of docs was fixed beforehand.
    """

    languages: tuple[str, ...]
    estimate: Floats
    replicates: Floats
    n_docs: Ints
    n_clusters: Ints
    n_unequal: Ints
    n_seen: Ints
    doc_reach: float = 1.0
    floor: Floats | None = None
    stream: str = ""
    n_draws: Floats | None = None
    looks: tuple[Looks | None, ...] | None = None

    def take(self, rows: Sequence[int]) -> "Contrast":
        """Keep these languages."""
        kept = list(rows)
        return replace(
            self,
            languages=tuple(self.languages[row] for row in rows),
            estimate=self.estimate[kept],
            replicates=self.replicates[:, kept],
            n_docs=self.n_docs[kept],
            n_clusters=self.n_clusters[kept],
            n_unequal=self.n_unequal[kept],
            n_seen=self.n_seen[kept],
            floor=None if self.floor is None else self.floor[kept],
            n_draws=None if self.n_draws is None else self.n_draws[kept],
            looks=None if self.looks is None else tuple(self.looks[row] for row in kept),
        )

    def with_floor(self, size: float) -> "Contrast":
        """Set the least stderr of 0/1 docs, of which an unseen one moves the effect by size/n."""
        floor = unseen_stderr(self.estimate, self.spread, self.n_clusters, size)
        floored = replace(self, floor=floor)
        vars(floored).update(known=self.known, spread=self.spread)
        return floored

    def with_floor_where_blind(self, size: float) -> "Contrast":
        """Set the floor only where the replicates do not vary: all right, or all the same ratio."""
        floor = unseen_stderr(self.estimate, self.spread, self.n_clusters, size)
        floored = replace(self, floor=np.where(self.is_blind, floor, 0.0))
        vars(floored).update(known=self.known, spread=self.spread)
        return floored

    def negated(self) -> "Contrast":
        """Turn the effect round."""
        turned = replace(self, estimate=-self.estimate, replicates=-self.replicates)
        # What is the same on both sides is computed once (cached_property keeps it there).
        vars(turned).update(known=self.known, spread=self.spread, is_blind=self.is_blind)
        return turned

    @cached_property
    def known(self) -> Ints:
        """Count the replicates of each language that are not nan."""
        return np.asarray((~np.isnan(self.replicates)).sum(axis=0))

    @cached_property
    def spread(self) -> Floats:
        """Give the standard deviation of the replicates; nan below two clusters."""
        with np.errstate(invalid="ignore"):
            is_whole = bool((self.known == len(self.replicates)).all())
            spread = (_whole_std if is_whole else _known_std)(self.replicates)
        return np.where(self.n_clusters > 1, spread, np.nan)

    @cached_property
    def is_blind(self) -> NDArray[np.bool_]:
        """Mark where replicates do not vary and no floor says how sure that is: it is unknown."""
        has_floor = False if self.floor is None else self.floor > 0
        return np.asarray((self.n_clusters > 1) & ~vary(self.replicates) & ~np.asarray(has_floor))

    @cached_property
    def stderr(self) -> Floats:
        """Give sqrt(n/(n - 1)) times the spread, as s has n - 1, or the floor where that is more.

        nan below two clusters, and where docs that do not vary cannot tell (is_blind).
        """
        unbiased = self.spread * np.sqrt(self.n_clusters / np.maximum(self.n_clusters - 1, 1))
        unbiased = np.where(self.is_blind, np.nan, unbiased)
        return unbiased if self.floor is None else np.maximum(unbiased, self.floor)

    @property
    def draws(self) -> Floats:
        """Give `n_draws`, or as many as there are clusters."""
        return np.asarray(self.n_clusters if self.n_draws is None else self.n_draws, np.float64)

    @property
    def is_student(self) -> NDArray[np.bool_]:
        """Mark where Student's t is used: few clusters, or the floor is the stderr."""
        few = self.draws < FEW_CLUSTERS
        return few if self.floor is None else few | (self.stderr == self.floor)

    def nominal(self, level: float) -> Floats:
        """Give the level at which the interval of each language is computed."""
        looks = self.looks or (None,) * len(self.languages)
        return np.array([look.nominal(level) if look else level for look in looks])

    def repeated(self, p: Floats) -> Floats:
        """Turn one-sided p-values of these docs into those that hold at every look."""
        if self.looks is None:
            return p
        columns = zip(self.looks, p, strict=True)
        return np.array([float(look.repeated(one)) if look else one for look, one in columns])


class Differences(NamedTuple):
    """Effects by language, as arrays in the order of `languages`; `level` is the intervals'."""

    languages: tuple[str, ...]
    estimate: Floats
    low: Floats
    high: Floats
    p: Floats
    stderr: Floats
    n_docs: Ints
    level: float


class Difference(NamedTuple):
    """One effect with its interval of `level`; `p` is two-sided, against no effect."""

    estimate: float
    low: float
    high: float
    p: float
    n_docs: int
    level: float
    stderr: float = math.nan


def mean_contrast(contrast: Contrast, weights: Floats | None = None) -> Contrast:
    """Average an effect over its languages (macro mean, or with weights); nan where one is nan.

    The draws are joint, so the average of the replicates carries what the languages share.
    """
    share = np.ones(len(contrast.languages)) if weights is None else weights
    if not len(share) or share.sum() == 0:
        missing = np.array([math.nan])
        zero = np.zeros(1, dtype=np.int64)
        return Contrast(("",), missing, missing[np.newaxis], zero, zero, zero, zero)
    share = share / share.sum()
    least = contrast.draws.min()
    # A ratio may be infinite both ways in one replicate; its mean is nan, and no warning.
    with np.errstate(invalid="ignore"):
        replicates = contrast.replicates @ share
    floor = None
    if contrast.floor is not None:
        varies = bool(vary(replicates[:, np.newaxis])[0])
        floor = mean_floor(contrast.floor, share, varies=varies)
    return replace(
        contrast,
        languages=("",),
        estimate=np.array([contrast.estimate @ share]),
        replicates=replicates[:, np.newaxis],
        n_docs=contrast.n_docs.max(keepdims=True),
        n_clusters=contrast.n_clusters.max(keepdims=True),
        n_unequal=contrast.n_unequal.max(keepdims=True),
        n_seen=contrast.n_seen.max(keepdims=True),
        floor=floor,
        # Weighed from the least one on, as equal draws have a mean that is exactly theirs.
        n_draws=np.array([least + (contrast.draws - least) @ share]),
        looks=contrast.looks and (strictest(contrast.looks),),
    )


def _whole_std(replicates: Floats) -> Floats:
    """Give numpy.std with n - 1 in one pass, from the first row on: equal rows give zero."""
    moved = replicates - replicates[0]
    n = len(moved)
    squares = np.einsum("ij,ij->j", moved, moved) - n * moved.mean(axis=0) ** 2
    return np.asarray(np.sqrt(np.maximum(squares, 0.0) / (n - 1)))


def _known_std(replicates: Floats) -> Floats:
    known = ~np.isnan(replicates)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, replicates, 0.0).sum(axis=0) / count
    squares = np.where(known, (replicates - mean) ** 2, 0.0).sum(axis=0)
    spread = np.sqrt(squares / np.maximum(count - 1, 1))
    return np.where(known.any(axis=0), spread, np.nan)


def interval_of(contrast: Contrast, level: float) -> Floats:
    """Give an interval of each language: an array (2, languages) of lows and highs.

    estimate ± t_{n-1} stderr where is_student, else expanded percentiles (intervals.expanded_tail).
    Each column uses its own number of draws; nan below two clusters. So few replicates lie beyond
    the ends of early looks that Student's t is taken there too.
    """
    levels = contrast.nominal(level)
    radius = t_of(levels, contrast.draws) * contrast.stderr
    ends = contrast.estimate + np.stack([-radius, radius])
    is_far = (levels > level) & ((1 - levels) / 2 * contrast.known < FEW_BEYOND)
    many = np.flatnonzero(~contrast.is_student & ~is_far)
    if len(many):
        tail = expanded_tail(levels[many], contrast.draws[many])
        ends[:, many] = quantiles(contrast.replicates[:, many], (tail, 1 - tail))
    ends[:, contrast.is_blind] = np.nan
    return ends


def upper_p(contrast: Contrast, bound: float | Floats = 0.0) -> Floats:
    """Give the one-sided p-value that the effect is above `bound`, without a floor.

    Student's t of (estimate - bound)/stderr where the interval is one; else the share of replicates
    beyond: the same interval, turned into a test.
    """
    from scipy.special import stdtr

    n = contrast.draws
    is_student = contrast.is_student
    distance = contrast.estimate - bound
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(distance == 0, 0.0, distance / contrast.stderr)
        if not is_student.all():
            t = np.where(is_student, t, _counted_t(contrast, bound, distance))
        certain = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
        p = stdtr(np.maximum(n - 1, 1), -np.where(contrast.is_blind, certain, t))
    unknown = (contrast.n_clusters < 2) | np.isnan(contrast.estimate) | (contrast.known == 0)
    unknown |= contrast.is_blind & (contrast.n_unequal > 0)
    return contrast.repeated(np.asarray(np.where(unknown, np.nan, p)))


def _counted_t(contrast: Contrast, bound: float | Floats, distance: Floats) -> Floats:
    """Turn the share of replicates beyond the bound into Student's t = z sqrt((n - 1)/n).

    (1 + replicates at or below the bound) / (1 + replicates): Davison & Hinkley 1997, section 4.4.
    Where fewer than ten lie there, the normal tail of distance/spread stands in.
    """
    from scipy.special import ndtri

    known, n = contrast.known, contrast.draws
    beyond = (contrast.replicates <= bound).sum(axis=0)
    z_counted = -ndtri(np.minimum((1 + beyond) / (1 + known), known / (1 + known)))
    z_normal = np.where(distance == 0, 0.0, distance / contrast.spread)
    z_floor = -ndtri((1 + FEW_BEYOND) / (1 + known))
    z = np.where(beyond < FEW_BEYOND, np.maximum(z_normal, z_floor), z_counted)
    return np.asarray(z * np.sqrt((n - 1) / n))


def sign_floor(contrast: Contrast) -> Floats:
    """Give the smallest one-sided p-value that k unequal clusters can bear: 2^-k.

    The test that flips the sign of each cluster has 2^k outcomes; two docs that A wins cannot show
    more than p = 1/4, however little the bootstrap varies.
    """
    return contrast.repeated(np.asarray(np.exp2(-contrast.n_unequal.astype(np.float64))))


def one_sided_p(contrast: Contrast) -> Floats:
    """Give the p-value that the effect is above zero, never below sign_floor."""
    return np.asarray(np.maximum(upper_p(contrast), sign_floor(contrast)))


def two_sided_p(contrast: Contrast) -> Floats:
    """Give the p-value that the effect is not zero: twice the smaller of both sides, at most 1."""
    smaller = np.minimum(one_sided_p(contrast), one_sided_p(contrast.negated()))
    return np.asarray(np.minimum(2 * smaller, 1.0))


def summarise(contrast: Contrast, resampling: Resampling) -> Differences:
    """Turn replicates into estimates, intervals, p-values and standard errors.

    Where too few clusters differ for any p below alpha (sign_floor), the interval holds zero.
    """
    low, high = interval_of(contrast, resampling.level)
    is_mute = 2 * sign_floor(contrast) > 1 - resampling.level
    low = np.where(is_mute, np.minimum(low, 0.0), low)
    high = np.where(is_mute, np.maximum(high, 0.0), high)
    return Differences(
        contrast.languages,
        contrast.estimate,
        low,
        high,
        two_sided_p(contrast),
        contrast.stderr,
        contrast.n_docs,
        resampling.level,
    )


def single(differences: Differences, row: int = 0) -> Difference:
    """Take one effect out of the arrays."""
    return Difference(
        float(differences.estimate[row]),
        float(differences.low[row]),
        float(differences.high[row]),
        float(differences.p[row]),
        int(differences.n_docs[row]),
        differences.level,
        float(differences.stderr[row]),
    )
