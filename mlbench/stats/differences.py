"""Is A better than B here, and by more than in English? Paired differences and moats.

Delta[l] = S[A, l] - S[B, l], paired by doc. D[l] = Delta[l] - Delta[en] on the docs that l and
English share; M is the mean of D over l != en. A lead that is as large in English is a better
model, not a moat.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.measures import ADJUSTED, Scale
from mlbench.measures.scales import Sides
from mlbench.stats.bootstrap import Resampled, Resampling, cluster_sums, resample
from mlbench.stats.contrast import (
    Contrast,
    Difference,
    Differences,
    mean_contrast,
    single,
    summarise,
)
from mlbench.stats.pairs import PairLevels, pair_levels
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints, ScoreTable


class Lead(NamedTuple):
    """How far A is ahead of B in each language, on some scale, and what the clusters are worth.

    `n_draws` are the equal clusters (bootstrap.equal_draws) that stand behind the lead.
    """

    estimate: Floats
    replicates: Floats
    n_draws: Floats


class Headline(NamedTuple):
    """The mean over languages of one family, on one set of docs, languages and weights.

    Contrasts of one column: the lead in `english`, on the docs that each language shares with it,
    the lead in the `others`, and what is `beyond` English. others - english = beyond, exactly.
    """

    english: Contrast
    others: Contrast
    beyond: Contrast


class PairedDifferences(NamedTuple):
    """Differences of two models by language; `moat` is None when English is missing."""

    delta: Differences
    moat: Differences | None


def lead_of(levels: Resampled, chance: float, scale: Scale) -> Lead:
    """Give the effect of levels of A (row 0), B (row 1) and their exact difference (row 2)."""
    n_docs, drawn = levels.n_docs[0], levels.replicates
    # Long docs weigh more than short ones in a ratio of sums.
    by_size = levels.n_draws_of_sums
    return Lead(
        scale.effect(Sides(levels.means[0], levels.means[1], levels.means[2], n_docs, chance)),
        scale.effect(Sides(drawn[:, 0], drawn[:, 1], drawn[:, 2], n_docs, chance)),
        np.fmin(by_size[0], by_size[1]) if scale.weighs_by_size else levels.n_draws[2],
    )


class Leads(NamedTuple):
    """The lead on all docs of each language, on those it shares with English, and there."""

    own: Lead
    shared: Lead | None
    english: Lead | None


def leads_of(pair: PairLevels, scale: Scale) -> Leads:
    """Give the leads on a scale, made once for all that is asked of these levels."""
    key = f"leads {scale.name}"
    if key not in pair.kept:
        levels = pair.levels
        own = lead_of(levels.own, pair.chance, scale)
        shared = own
        if levels.shared is not None and levels.shared is not levels.own:
            shared = lead_of(levels.shared, pair.chance, scale)
        english = None if levels.english is None else lead_of(levels.english, pair.chance, scale)
        pair.kept[key] = Leads(own, None if levels.shared is None else shared, english)
    found: Leads = pair.kept[key]
    return found


def delta_contrast(pair: PairLevels, scale: Scale = ADJUSTED) -> Contrast:
    """Give Delta[l], the lead of A over B in each language."""
    own, lead = pair.levels.own, leads_of(pair, scale).own
    delta = Contrast(
        pair.levels.languages,
        lead.estimate,
        lead.replicates,
        own.n_docs[0],
        own.n_clusters[0],
        pair.unequal,
        own.n_clusters[0],
        pair.reach,
        stream=pair.stream,
        n_draws=lead.n_draws,
        looks=pair.looks,
    )
    return _floored(delta, pair, pair.reach)


def paired_contrast(table: ScoreTable, a: str, b: str, resampling: Resampling) -> Contrast:
    """Resample one family and give Delta[l] on the scale of the scores."""
    return delta_contrast(pair_levels(table, a, b, resampling))


def moat_contrast(pair: PairLevels, scale: Scale = ADJUSTED) -> Contrast | None:
    """Give D[l], the lead of A in each language beyond its lead in English; None without English.

    The row of English itself is left out: its D is zero by definition.
    """
    _, lead, in_english = leads_of(pair, scale)
    if lead is None or in_english is None:
        return None
    key = f"moat {scale.name}"
    if key not in pair.kept:
        beyond = Lead(
            lead.estimate - in_english.estimate,
            lead.replicates - in_english.replicates,
            np.minimum(lead.n_draws, in_english.n_draws),
        )
        pair.kept[key] = moat_of(pair, beyond)
    found: Contrast = pair.kept[key]
    return found


def moat_of(pair: PairLevels, beyond: Lead) -> Contrast:
    """Put leads beyond the one in English into a Contrast without English."""
    languages, shared, english = pair.levels.languages, pair.levels.shared, pair.levels.english
    assert shared is not None and english is not None
    n_clusters = np.minimum(shared.n_clusters[0], english.n_clusters[0])
    moat = Contrast(
        languages,
        beyond.estimate,
        beyond.replicates,
        shared.n_docs[0],
        n_clusters,
        pair.unequal_moat,
        n_clusters,
        2 * pair.reach,
        stream=pair.stream,
        n_draws=beyond.n_draws,
        looks=pair.looks,
    )
    moat = moat.take([i for i, tag in enumerate(languages) if tag != REFERENCE_LANGUAGE])
    # A doc may be unseen in the language and in English: two errors of one doc each.
    return _floored(moat, pair, math.sqrt(2) * pair.reach)


def _floored(contrast: Contrast, pair: PairLevels, size: float) -> Contrast:
    """Set the least stderr; where nothing bounds a doc, only if the docs do not vary at all."""
    if pair.is_bounded:
        return contrast.with_floor(size)
    return contrast.with_floor_where_blind(size)


def headline_of(pair: PairLevels, scale: Scale = ADJUSTED) -> Headline | None:
    """Give the mean leads of a family; None without English or without another language."""
    levels, moat = pair.levels, moat_contrast(pair, scale)
    _, lead, in_english = leads_of(pair, scale)
    if lead is None or in_english is None or moat is None or not moat.languages:
        return None
    others = [i for i, tag in enumerate(levels.languages) if tag != REFERENCE_LANGUAGE]
    # English has one column where all languages have its docs.
    columns = others if len(in_english.estimate) > 1 else [0]
    beyond = mean_contrast(moat)
    english_at = levels.languages.index(REFERENCE_LANGUAGE)

    def by_docs(lead: Lead, columns: list[int], unequal: Ints) -> Contrast:
        n = slice(0, len(columns))
        by_language = replace(
            moat,
            languages=moat.languages[n],
            estimate=lead.estimate[columns],
            replicates=lead.replicates[:, columns],
            n_docs=moat.n_docs[n],
            n_clusters=moat.n_clusters[n],
            n_unequal=unequal,
            n_seen=moat.n_seen[n],
            doc_reach=pair.reach,
            floor=None,
            n_draws=lead.n_draws[columns],
            looks=moat.looks and moat.looks[n],
        )
        return _floored(by_language, pair, pair.reach)

    hidden = by_docs(in_english, columns, pair.unequal[[english_at]])
    english = mean_contrast(hidden)
    if hidden.floor is not None:
        # The same English docs stand beside every language: what they hide is hidden from all.
        english = replace(english, floor=hidden.floor.mean(keepdims=True))
    return Headline(english, mean_contrast(by_docs(lead, others, pair.unequal[others])), beyond)


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
        difference[np.newaxis, np.newaxis, :, np.newaxis],
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
        n_draws=drawn.n_draws[0],
    )
    if np.isin(difference, (-1, 0, 1)).all():
        contrast = contrast.with_floor(1.0)
    return single(summarise(contrast, resampling))
