"""Is there a moat? The whole verdict on two models as plain data, ready for JSON.

Every number comes from the replicates of evidence.Analysis. The keys are stable and described by
mlbench/verdict.schema.json; unknown numbers are null, and equal seeds give equal bytes.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from mlbench.errors import DataError
from mlbench.records import Language
from mlbench.stats.aggregates import population_weights
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.claim_checks import check_claims
from mlbench.stats.claims import ClaimsFile
from mlbench.stats.effects import Effect
from mlbench.stats.equivalence import State
from mlbench.stats.evidence import Analysis, Evidence, FamilyAnalysis, analyse
from mlbench.stats.findings import (
    fixed_effect,
    group_effects,
    language_rows,
    moat_effect,
    only,
    others_of,
    sampled_effect,
)
from mlbench.stats.scales import SCALES
from mlbench.stats.table import REFERENCE_LANGUAGE

# Digits kept in JSON: far below any stderr, and above what processors round differently.
SIGNIFICANT_DIGITS = 9


def judge(
    evidence: Evidence, a: str, b: str, *, claims: ClaimsFile, resampling: Resampling
) -> dict[str, Any]:
    """Judge A against B on everything that is there; the dict of mlbench/verdict.schema.json."""
    analysis = analyse(evidence, a, b, resampling)
    models = {a, b}
    if not any(models <= set(t.models) and t.covers(models).any() for t in evidence.tables):
        raise DataError(
            f"no family has a language with scores of both {a!r} and {b!r}. "
            "See: mlbench list cells RUN"
        )
    margins = claims.margins[analysis.scale]
    rows = _rows(analysis, margins.language, resampling)
    plain = {
        "a": a,
        "b": b,
        "level": resampling.level,
        "seed": resampling.seed,
        "replicates": resampling.replicates,
        "scale": analysis.scale,
        "margins": {scale: asdict(claims.margins[scale]) for scale in SCALES},
        "families": [family.family for family in analysis.families],
        "languages": [row["language"] for row in rows],
        "n_docs": sum(_n_docs(family) for family in analysis.families),
        "per_language": rows,
        "counts": _counts(rows, 1 - resampling.level),
        "by_family": {f.family: _family(f, claims, resampling) for f in analysis.families},
        "groups": group_effects(analysis, evidence.facts, margins.pooled, resampling),
        "excluded": [gone._asdict() for gone in analysis.excluded],
        "claims": check_claims(claims, evidence, analysis, resampling),
    }
    plain |= _pooled(analysis, evidence.facts, claims, resampling)
    return _as_dict(plain)


def _as_dict(plain: dict[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = clean(plain)
    return cleaned


def _pooled(
    analysis: Analysis,
    facts: Mapping[str, Language],
    claims: ClaimsFile,
    resampling: Resampling,
) -> dict[str, Any]:
    """Give the numbers over all languages: the moat, both targets, the scales and the totals."""
    margin = claims.margins[analysis.scale].pooled
    delta, moat = analysis.delta, analysis.moat
    english = only(delta, {REFERENCE_LANGUAGE})
    scales = {
        scale: moat_effect(
            analysis, scale, margin=claims.margins[scale].pooled, resampling=resampling
        )
        for scale in SCALES
    }
    fixed = fixed_effect(moat, margin, resampling=resampling)
    sampled = sampled_effect(moat, facts, margin=margin, resampling=resampling)
    return {
        "moat": asdict(scales[analysis.scale]),
        "english": asdict(fixed_effect(english, margin, resampling=resampling)),
        "others": asdict(fixed_effect(others_of(delta), margin, resampling=resampling)),
        "targets": {"fixed": asdict(fixed), "sampled": asdict(sampled)},
        "scales": {scale: asdict(effect) for scale, effect in scales.items()},
        "scales_agree": _agree(scales.values()),
        "totals": _totals(analysis, facts, margin, resampling),
    }


def _agree(effects: Sequence[Effect] | Any) -> bool:
    """Say whether all scales that could be computed have the same verdict."""
    return len({effect.verdict for effect in effects if effect.method != "undefined"}) <= 1


def _totals(
    analysis: Analysis, facts: Mapping[str, Language], margin: float, resampling: Resampling
) -> dict[str, Any]:
    """Give the moat of all languages, without near-copies, and weighted by speakers."""
    moat = analysis.moat
    tags = moat.languages if moat else ()
    copies = {tag for tag in tags if tag in facts and facts[tag].is_duplicate}
    totals = {
        "all": fixed_effect(moat, margin, resampling=resampling),
        "without_duplicates": fixed_effect(
            only(moat, set(tags) - copies), margin, resampling=resampling
        ),
    }
    for tau in (0, 1):
        weights = population_weights(tags, facts, tau)
        totals[f"speakers_tau_{tau}"] = fixed_effect(
            moat, margin, resampling=resampling, weights=weights
        )
    return {name: asdict(effect) for name, effect in totals.items()}


def _rows(analysis: Analysis, margin: float, resampling: Resampling) -> list[dict[str, Any]]:
    if analysis.delta is None:
        return []
    rows = language_rows(analysis.delta, analysis.moat, margin, resampling)
    primary = [family for family in analysis.families if family.scale == analysis.scale]
    for row in rows:
        row["families"] = [f.family for f in primary if row["language"] in f.delta.languages]
    return rows


def _counts(rows: Sequence[Mapping[str, Any]], alpha: float) -> dict[str, dict[str, int]]:
    """Count the states of Delta and D without English, and how many leads stand after Holm."""
    others = [row for row in rows if row["language"] != REFERENCE_LANGUAGE]
    counts = {}
    for name, prefix in (("delta", ""), ("moat", "moat_")):
        states = Counter(row[prefix + "verdict"] for row in others)
        firm = Counter(
            row[prefix + "verdict"]
            for row in others
            if row[prefix + "verdict"] and row[prefix + "p_holm"] <= alpha
        )
        counts[name] = {state: states[state] for state in get_args(State)}
        counts[name] |= {f"{state}_holm": firm[state] for state in ("better", "worse")}
    return counts


def _n_docs(family: FamilyAnalysis) -> int:
    return int(family.delta.n_docs.max())


def _family(family: FamilyAnalysis, claims: ClaimsFile, resampling: Resampling) -> dict[str, Any]:
    """Describe one family by itself."""
    margins = claims.margins[family.scale]
    delta, moat = family.delta, family.moat
    english = only(delta, {REFERENCE_LANGUAGE})
    return {
        "kind": family.kind,
        "scale": family.scale,
        "is_parallel": family.is_parallel,
        "n_docs": _n_docs(family),
        "n_clusters": int(delta.n_clusters.max()),
        "no_moat": family.no_moat,
        "english": asdict(fixed_effect(english, margins.pooled, resampling=resampling)),
        "others": asdict(fixed_effect(others_of(delta), margins.pooled, resampling=resampling)),
        "moat": asdict(fixed_effect(moat, margins.pooled, resampling=resampling)),
        "scales": {
            scale: asdict(fixed_effect(mean, claims.margins[scale].pooled, resampling=resampling))
            for scale, mean in sorted(family.mean_moats.items())
        },
        "per_language": language_rows(delta, moat, margins.language, resampling),
    }


def clean(value: Any) -> Any:
    """Turn numpy into plain data: nan and infinity to None, floats to nine significant digits."""
    if isinstance(value, str | None):
        return value
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            return None
        # Adding zero turns -0.0, which prints a sign, into 0.0.
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0
    if isinstance(value, Mapping):
        return {str(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(inner) for inner in value]
    return int(value) if isinstance(value, np.integer) else value


def verdict_json(verdict: Mapping[str, Any]) -> str:
    """Write the dict of judge as JSON with sorted keys: equal verdicts are equal bytes."""
    return json.dumps(verdict, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
