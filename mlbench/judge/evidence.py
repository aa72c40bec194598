"""What is known about A against B? Every family analysed once, for the verdict and the claims.

Prepared here, worded in verdict.py and claims: languages that a model lacks are left out with a
reason, families are resampled, and the contrasts that all later numbers are made of are kept. No
language is left out because of its scores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mlbench.measures import ADJUSTED, Measure, Scale, all_scales
from mlbench.measures.scales import FLOORED
from mlbench.models.claimed import Claimed
from mlbench.records import Language
from mlbench.stats.aggregates import (
    Excluded,
    combine_families,
    complete_block,
    each_family_once,
    languages_at_chance,
    mean_of_families,
)
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast, mean_contrast
from mlbench.stats.crossfit import Half, halves_of
from mlbench.stats.differences import Headline, headline_of
from mlbench.stats.pairs import PairLevels, pair_levels
from mlbench.stats.scales import primary_contrasts, scale_moat
from mlbench.stats.table import REFERENCE_LANGUAGE, ScoreTable


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that a verdict may use: one table per family, and facts about the languages by tag.

    `rules` holds the same families scored by other rules, by the name of the rule. Families of
    `demonstrations` are shown by themselves and do not enter the pooled numbers, unless there is no
    other. `fewshot` holds the families at `shots` shots, `tokens` the tokens of parallel
    sentences; claims about what is not there come out undetermined. `claimed` is what the makers
    of the models say of their languages; `base` is the model that one was made from, and `own` the
    languages it was made for, None where nobody says.
    """

    tables: tuple[ScoreTable, ...]
    facts: Mapping[str, Language] = field(default_factory=dict)
    tokens: ScoreTable | None = None
    fewshot: tuple[ScoreTable, ...] = ()
    shots: int = 0
    rules: Mapping[str, tuple[ScoreTable, ...]] = field(default_factory=dict)
    demonstrations: frozenset[str] = frozenset()
    claimed: Mapping[str, Claimed] = field(default_factory=dict)
    base: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    def limited(
        self, families: Sequence[str] | None, languages: Sequence[str] | None
    ) -> "Evidence":
        """Keep these families and languages (None: all); English stays, as the reference."""
        kept = set(languages or ()) | {REFERENCE_LANGUAGE}

        def cut(tables: Iterable[ScoreTable]) -> tuple[ScoreTable, ...]:
            chosen = [t for t in tables if families is None or t.family in families]
            return tuple(t if languages is None else t.select(kept) for t in chosen)

        tokens = self.tokens
        if tokens is not None and languages is not None:
            tokens = tokens.select(kept)
        return replace(self, tables=cut(self.tables), fewshot=cut(self.fewshot), tokens=tokens)


@dataclass(frozen=True, slots=True, eq=False)
class FamilyAnalysis:
    """One family: Delta of all languages, D of all but English, and M on each scale.

    `headline` is None where English or the other languages lack. `floored` is the headline with
    scores below chance raised to it, `halves` the one over languages chosen by other docs,
    `at_chance` the languages in which neither model is above chance.
    """

    family: str
    measure: Measure
    doc_set: str
    is_parallel: bool
    scale: Scale
    delta: Contrast
    moat: Contrast | None
    headline: Headline | None
    floored: Headline | None
    halves: Sequence[Half]
    mean_moats: Mapping[str, Contrast]
    at_chance: tuple[str, ...]
    english_levels: tuple[float, float] | None
    no_moat: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All families of a comparison.

    `pooled` are the families that the numbers over all languages are made of; `delta` and `moat`
    average them in each language, and the plain mean over languages of `weighted_moat` counts each
    of them once, as the headline does.
    """

    a: str
    b: str
    families: tuple[FamilyAnalysis, ...]
    pooled: tuple[FamilyAnalysis, ...]
    excluded: tuple[Excluded, ...]
    scale: Scale
    delta: Contrast | None
    moat: Contrast | None
    weighted_moat: Contrast | None

    def on_scale(self, scale: str) -> tuple[FamilyAnalysis, ...]:
        """Return the families that have a moat on a scale, by its name: the pooled ones, if any."""
        pooled = tuple(family for family in self.pooled if scale in family.mean_moats)
        return pooled or tuple(family for family in self.families if scale in family.mean_moats)

    def headlines(self) -> list[Headline]:
        """Return the headline of the pooled families, those of the same docs as one."""
        return once_a_doc_set((family.doc_set, family.headline) for family in self.pooled)

    def why_no_moat(self) -> str:
        """Return why no family has a moat."""
        if not self.families and not self.excluded:
            return "no family has this scale"
        reasons = sorted({family.no_moat for family in self.families if family.no_moat})
        return "; ".join(reasons) or "no language is left to compare"


def analyse(evidence: Evidence, a: str, b: str, resampling: Resampling) -> Analysis:
    """Resample every family and keep what verdict and claims are made of."""
    families: list[FamilyAnalysis] = []
    excluded: list[Excluded] = []
    for table in sorted(evidence.tables, key=lambda table: table.family):
        if not {a, b} <= set(table.models):
            lacking = a if a not in table.models else b
            excluded.append(Excluded("*", table.family, f"the family was not run for {lacking!r}"))
            continue
        block = complete_block(table, (a, b) if a != b else (a,))
        excluded += block.left_out
        shared = table.select(block.languages)
        if shared.languages:
            families.append(_analyse_family(shared, a, b, resampling))
    return _put_together((a, b), families, tuple(sorted(excluded)), evidence.demonstrations)


def once_a_doc_set(found: Iterable[tuple[str, Headline | None]]) -> list[Headline]:
    """Average the headlines of the same docs: another wording of a question is no new evidence."""
    groups: dict[str, list[Headline]] = {}
    for doc_set, headline in found:
        if headline is not None:
            groups.setdefault(doc_set, []).append(headline)
    return [_mean_headline(group) for group in groups.values()]


def _mean_headline(group: Sequence[Headline]) -> Headline:
    parts = (mean_of_families(sides) for sides in zip(*group, strict=True))
    return Headline(*(part for part in parts if part is not None))


def headlines_of(
    tables: Iterable[ScoreTable],
    analysis: Analysis,
    judged: Sequence[ScoreTable],
    resampling: Resampling,
) -> list[Headline]:
    """Return the headlines of tables that have both models, those of the same docs as one.

    Those of the tables that were `judged` are known from the analysis.
    """
    a, b = analysis.a, analysis.b
    known = {family.family: family.headline for family in analysis.pooled}
    found: list[tuple[str, Headline | None]] = []
    for table in sorted(tables, key=lambda table: table.family):
        headline = known.get(table.family) if any(table is one for one in judged) else None
        if headline is None and {a, b} <= set(table.models) and table.covers((a, b)).any():
            scale = table.measure.scales[0]
            headline = headline_of(pair_levels(table, a, b, resampling), scale)
        found.append((table.stream, headline))
    return once_a_doc_set(found)


def _put_together(
    models: tuple[str, str],
    families: list[FamilyAnalysis],
    excluded: tuple[Excluded, ...],
    demonstrations: frozenset[str],
) -> Analysis:
    scale = _common_scale(families)
    primary = [family for family in families if family.scale == scale]
    informative = [family for family in primary if family.family not in demonstrations]
    chosen = informative or primary
    # Numbers over all languages rest on families that have both sides, so that they add up.
    pooled = [family for family in chosen if family.headline is not None] or chosen
    moats = [family.moat for family in pooled if family.moat is not None]
    return Analysis(
        *models,
        tuple(families),
        tuple(pooled),
        excluded,
        scale,
        combine_families([family.delta for family in pooled]),
        combine_families(moats),
        each_family_once(moats),
    )


def _common_scale(families: Sequence[FamilyAnalysis]) -> Scale:
    """Return the scale that the numbers over several families are on: the first that any has."""
    found = {family.scale for family in families}
    return next((scale for scale in all_scales().values() if scale in found), ADJUSTED)


def _analyse_family(table: ScoreTable, a: str, b: str, resampling: Resampling) -> FamilyAnalysis:
    pair = pair_levels(table, a, b, resampling)
    measure = table.measure
    scale = measure.scales[0]
    delta, moat = primary_contrasts(pair, table)
    mean_moats = {} if moat is None else _mean_moats(table, pair, (a, b), resampling)
    has_floor = bool(mean_moats) and measure.has_chance
    return FamilyAnalysis(
        table.family,
        measure,
        table.stream,
        table.is_parallel,
        scale,
        delta,
        moat if mean_moats else None,
        headline_of(pair, scale) if mean_moats else None,
        headline_of(pair, FLOORED) if has_floor else None,
        halves_of(table, a, b, resampling) if mean_moats else [],
        mean_moats,
        languages_at_chance(table, (a, b)),
        _english_levels(pair) if measure.has_chance else None,
        None if mean_moats else f"{table.family}: {_why_undefined(table)}",
    )


def _english_levels(pair: PairLevels) -> tuple[float, float] | None:
    """Return the mean scores of both models in English, with chance left in them."""
    if pair.levels.english is None:
        return None
    at = pair.levels.languages.index(REFERENCE_LANGUAGE)
    means = pair.levels.own.means[:2, at]
    return float(means[0]), float(means[1])


def _why_undefined(table: ScoreTable) -> str:
    if REFERENCE_LANGUAGE in table.languages:
        return "English is the only language with scores of both models, so the moat is undefined"
    return "English has no scores of both models, so the moat is undefined"


def _mean_moats(
    table: ScoreTable, pair: PairLevels, models: tuple[str, str], resampling: Resampling
) -> dict[str, Contrast]:
    """Return M by scale of the family; scales on which it is undefined are left out."""
    means: dict[str, Contrast] = {}
    for scale in table.measure.scales:
        moat = scale_moat(pair, scale, table, resampling, models)
        if moat is not None and moat.languages and np.isfinite(moat.estimate).all():
            means[scale.name] = mean_contrast(moat)
    return means
