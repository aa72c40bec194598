"""What is known about A against B? Every family analysed once, for the verdict and the claims.

Prepared here, worded in verdict.py and claims: languages are left out with a reason, families are
resampled, and the contrasts that all later numbers are made of are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mlbench.records import Language
from mlbench.stats.aggregates import (
    Excluded,
    combine_families,
    complete_block,
    floor_exclusions,
)
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast, mean_contrast
from mlbench.stats.pairs import PairLevels, pair_levels
from mlbench.stats.scales import Scale, primary_contrasts, scale_moat, scales_of
from mlbench.stats.table import REFERENCE_LANGUAGE, Kind, ScoreTable


@dataclass(frozen=True, slots=True)
class Margins:
    """Effects too small to matter, fixed before results are seen: pooled, and for one language."""

    pooled: float = 0.02
    language: float = 0.05


# Two points of accuracy at one half, where the logit is flattest, are 0.08 of logit.
DEFAULT_MARGINS: Mapping[str, Margins] = {
    "adjusted": Margins(0.02, 0.05),
    "logit": Margins(0.08, 0.20),
    "retention": Margins(0.02, 0.05),
    "bits": Margins(0.02, 0.05),
}


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that a verdict may use: one table a family, and facts about the languages by tag.

    `fewshot` holds the same families at `shots` shots, `tokens` the tokens of parallel sentences
    (kind "tokens"); claims about what is not there come out undetermined.
    """

    tables: tuple[ScoreTable, ...]
    facts: Mapping[str, Language] = field(default_factory=dict)
    tokens: ScoreTable | None = None
    fewshot: tuple[ScoreTable, ...] = ()
    shots: int = 0

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
    """One family: Delta of all usable languages, D of all but English, and M on each scale."""

    family: str
    kind: Kind
    is_parallel: bool
    scale: Scale
    delta: Contrast
    moat: Contrast | None
    mean_moats: Mapping[Scale, Contrast]
    no_moat: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All families of a comparison; `delta` and `moat` average those on the primary scale."""

    a: str
    b: str
    families: tuple[FamilyAnalysis, ...]
    excluded: tuple[Excluded, ...]
    scale: Scale
    delta: Contrast | None
    moat: Contrast | None

    def on_scale(self, scale: Scale) -> tuple[FamilyAnalysis, ...]:
        """Give the families that have a moat on this scale."""
        return tuple(family for family in self.families if scale in family.mean_moats)

    def why_no_moat(self) -> str:
        """Say why no family has a moat."""
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
        shared = table.select(block.languages)
        floor = floor_exclusions(shared, (a, b) if a != b else (a,))
        excluded += [*block.left_out, *floor]
        at_floor = {gone.language for gone in floor}
        usable = shared.select(tag for tag in shared.languages if tag not in at_floor)
        if usable.languages:
            families.append(_analyse_family(usable, a, b, resampling, at_floor=at_floor))
    return _put_together(a, b, families, tuple(sorted(excluded)))


def _put_together(
    a: str, b: str, families: list[FamilyAnalysis], excluded: tuple[Excluded, ...]
) -> Analysis:
    has_accuracy = any(family.scale == "adjusted" for family in families)
    scale: Scale = "adjusted" if has_accuracy or not families else "bits"
    primary = [family for family in families if family.scale == scale]
    moats = [family.moat for family in primary if family.moat is not None]
    return Analysis(
        a,
        b,
        tuple(families),
        excluded,
        scale,
        combine_families([family.delta for family in primary]),
        combine_families(moats),
    )


def _analyse_family(
    table: ScoreTable, a: str, b: str, resampling: Resampling, *, at_floor: set[str]
) -> FamilyAnalysis:
    pair = pair_levels(table, a, b, resampling)
    delta, moat = primary_contrasts(pair, table)
    mean_moats = {} if moat is None else _mean_moats(table, pair, (a, b), resampling)
    no_moat = None
    if not mean_moats:
        no_moat = f"{table.family}: {_why_undefined(table, at_floor)}"
        moat = None
    return FamilyAnalysis(
        table.family,
        table.kind,
        table.is_parallel,
        scales_of(table)[0],
        delta,
        moat,
        mean_moats,
        no_moat,
    )


def _why_undefined(table: ScoreTable, at_floor: set[str]) -> str:
    if REFERENCE_LANGUAGE in table.languages:
        return "English is the only language with scores of both models, so the moat is undefined"
    if REFERENCE_LANGUAGE in at_floor:
        return "both models are at chance in English, so the moat is undefined"
    return "English has no scores of both models, so the moat is undefined"


def _mean_moats(
    table: ScoreTable, pair: PairLevels, models: tuple[str, str], resampling: Resampling
) -> dict[Scale, Contrast]:
    """Give M on every scale of the family; scales on which it is undefined are left out."""
    means: dict[Scale, Contrast] = {}
    for scale in scales_of(table):
        moat = scale_moat(pair, scale, table, resampling, models)
        if moat is not None and moat.languages and np.isfinite(moat.estimate).all():
            means[scale] = mean_contrast(moat)
    return means
