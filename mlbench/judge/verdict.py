"""Is there a moat? The whole verdict on two models as plain data, ready for JSON.

Every number comes from the replicates of evidence.Analysis. The keys are stable and described by
mlbench/judge/verdict.schema.json; unknown numbers are null, and equal seeds give equal bytes.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, get_args

import numpy as np

from mlbench.errors import DataError
from mlbench.judge.claim_checks import check_claims
from mlbench.judge.claims import ClaimsFile
from mlbench.judge.effects import Effect
from mlbench.judge.evidence import (
    Analysis,
    Evidence,
    FamilyAnalysis,
    analyse,
    headlines_of,
    once_a_doc_set,
)
from mlbench.judge.findings import (
    fixed_effect,
    group_effects,
    headline_effects,
    language_rows,
    languages_of,
    moat_effect,
    only,
    others_of,
    over_families,
    sampled_effect,
)
from mlbench.judge.predictions import check_predictions
from mlbench.judge.sentences import FewDocs, few_docs_sentence
from mlbench.judge.twins import twin_effects
from mlbench.measures import ACC, ADJUSTED, BITS, all_scales
from mlbench.records import Language
from mlbench.stats.aggregates import population_weights, without_weight
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.crossfit import count_chosen, mean_of_halves
from mlbench.stats.differences import Headline
from mlbench.stats.equivalence import State
from mlbench.stats.power import fewest_docs
from mlbench.stats.table import REFERENCE_LANGUAGE

# Digits kept in JSON: far below any stderr, and above what processors round differently.
SIGNIFICANT_DIGITS = 9
# From this accuracy of both models in English on, a lead there has no room to show.
CEILING = 0.95
CROSS_FITTED = "chosen by other docs, languages fixed"


def judge(
    evidence: Evidence, a: str, b: str, *, claims: ClaimsFile, resampling: Resampling
) -> dict[str, Any]:
    """Judge A against B on everything that is there; the dict of mlbench/judge/verdict.schema.json.

    `caveats` is empty here: it is for what only the run knows (mlbench.judge.run.judge_run).
    """
    analysis = analyse(evidence, a, b, resampling)
    models = {a, b}
    if not any(models <= set(t.models) and t.covers(models).any() for t in evidence.tables):
        raise DataError(
            f"no family has a language with scores of both {a!r} and {b!r}. "
            "See: mlbench list cells RUN"
        )
    margins = claims.margins[analysis.scale.name]
    twin_margin = claims.margins[ADJUSTED.name].pooled
    rows = _rows(analysis, margins.language, resampling)
    docs = _docs(analysis, 1 - resampling.level)
    plain = {
        "a": a,
        "b": b,
        "level": resampling.level,
        "seed": resampling.seed,
        "replicates": resampling.replicates,
        "scale": analysis.scale.name,
        "margins": {name: claims.margins[name]._asdict() for name in _scales(analysis)},
        "families": [family.family for family in analysis.families],
        "pooled_families": [family.family for family in analysis.pooled],
        "languages": [row["language"] for row in rows],
        "n_docs": sum(_n_docs(family) for family in analysis.families),
        "docs": docs._asdict() | {"sentence": few_docs_sentence(docs)},
        "per_language": rows,
        "counts": _counts(rows, 1 - resampling.level),
        "by_family": {f.family: _family(f, claims, resampling) for f in analysis.families},
        "groups": group_effects(analysis, evidence.facts, margins.pooled, resampling),
        "excluded": [gone._asdict() for gone in analysis.excluded],
        "at_chance": [
            {"family": family.family, "language": tag}
            for family in analysis.families
            for tag in family.at_chance
        ],
        "claims": check_claims(claims, evidence, analysis, resampling),
        "predictions": check_predictions(claims, evidence, analysis, resampling),
        "twins": [
            twins.as_dict()
            for twins in twin_effects(evidence.tables, (a, b), twin_margin, resampling)
        ],
        "caveats": [],
        "origins": {},
    }
    plain |= _pooled(analysis, evidence.facts, claims, resampling)
    plain |= _sensitivity(analysis, evidence, margins.pooled, resampling)
    return _as_dict(plain)


def _docs(analysis: Analysis, alpha: float) -> FewDocs:
    """Count the independent docs of the largest pooled cell: if they tell nothing, none does."""
    clusters = [int(family.delta.n_clusters.max()) for family in analysis.pooled]
    n_tests = len(others.languages) if (others := others_of(analysis.delta)) else 0
    needed = (fewest_docs(alpha), fewest_docs(alpha, n_tests))
    return FewDocs(max(clusters, default=0), *needed, n_tests)


def _as_dict(plain: dict[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = clean(plain)
    return cleaned


def _pooled(
    analysis: Analysis,
    facts: Mapping[str, Language],
    claims: ClaimsFile,
    resampling: Resampling,
) -> dict[str, Any]:
    """Return the numbers over all languages: the moat, both targets, the scales and the totals."""
    margin = claims.margins[analysis.scale.name].pooled
    scales = {
        name: moat_effect(analysis, name, margin=claims.margins[name].pooled, resampling=resampling)
        for name in _scales(analysis)
    }
    fixed = over_families([f.moat for f in analysis.pooled], margin, resampling=resampling)
    sampled = sampled_effect(analysis.weighted_moat, facts, margin=margin, resampling=resampling)
    return {
        "moat": asdict(scales[analysis.scale.name]),
        **_sides(analysis, margin, resampling),
        "targets": {"fixed": asdict(fixed), "sampled": asdict(sampled)},
        "scales": {scale: asdict(effect) for scale, effect in scales.items()},
        "scales_agree": _agree(scales.values()),
        "totals": _totals(analysis, facts, margin, resampling),
        "without_weight": list(without_weight(sorted(languages_of(analysis.pooled)), facts)),
    }


def _scales(analysis: Analysis) -> list[str]:
    """Name the scales of accuracy and of bits, and those of the other measures that are here."""
    shown = {*ACC.scales, *BITS.scales}
    shown |= {scale for family in analysis.families for scale in family.measure.scales}
    return [name for name, scale in all_scales().items() if scale in shown]


def _sides(analysis: Analysis, margin: float, resampling: Resampling) -> dict[str, Any]:
    """Return the lead in English and in the others, whose difference is the moat.

    Without English there is no such pair of numbers: the others then stand alone. Two families are
    not pooled, so these are the means of these very two.
    """
    if len(analysis.headlines()) not in (0, 2):
        effects = _effects(analysis.headlines(), analysis, margin, resampling)
        return {"english": effects["english"], "others": effects["others"]}
    english = [only(family.delta, {REFERENCE_LANGUAGE}) for family in analysis.pooled]
    others = [others_of(family.delta) for family in analysis.pooled]
    return {
        "english": asdict(over_families(english, margin, resampling=resampling)),
        "others": asdict(over_families(others, margin, resampling=resampling)),
    }


def _effects(
    headlines: Sequence[Headline], analysis: Analysis, margin: float, resampling: Resampling
) -> dict[str, Any]:
    n_languages = len(languages_of(analysis.pooled))
    found = headline_effects(headlines, margin, resampling=resampling, n_languages=n_languages)
    return {
        "english": asdict(found["english"]),
        "others": asdict(found["others"]),
        "moat": asdict(found["beyond"]),
    }


def _sensitivity(
    analysis: Analysis, evidence: Evidence, margin: float, resampling: Resampling
) -> dict[str, Any]:
    """Return the headline under each rule, and over other sets of cells than all of them."""
    pooled = {family.family for family in analysis.pooled}
    rules = {}
    for rule, tables in sorted(evidence.rules.items()):
        mine = [table for table in tables if table.family in pooled]
        if found := headlines_of(mine, analysis, evidence.tables, resampling):
            rules[rule] = _effects(found, analysis, margin, resampling)
            rules[rule]["families"] = [table.family for table in mine]
    verdicts = [rule["moat"]["verdict"] for rule in rules.values()]
    floored = once_a_doc_set((family.doc_set, family.floored) for family in analysis.pooled)
    ceiling = [family for family in analysis.pooled if _is_at_ceiling(family)]
    rest = once_a_doc_set((f.doc_set, f.headline) for f in analysis.pooled if f not in ceiling)
    return {
        "rules": rules,
        "rules_agree": len({*verdicts, _judged_verdict(analysis, margin, resampling)}) <= 1,
        "floored": _effects(floored, analysis, margin, resampling) if floored else None,
        "without_ceiling": {
            "families": [family.family for family in ceiling],
            "moat": _effects(rest, analysis, margin, resampling)["moat"] if rest else None,
        },
        "above_chance": _above_chance(analysis, margin, resampling),
    }


def _judged_verdict(analysis: Analysis, margin: float, resampling: Resampling) -> str:
    return moat_effect(analysis, analysis.scale.name, margin=margin, resampling=resampling).verdict


def _is_at_ceiling(family: FamilyAnalysis) -> bool:
    return family.english_levels is not None and min(family.english_levels) >= CEILING


def _above_chance(
    analysis: Analysis, margin: float, resampling: Resampling
) -> dict[str, Any] | None:
    """Return the lead where at least one model is above chance, chosen by docs that do not give it.

    `halves` holds what each half of the docs says of the languages that the other half chose.
    """
    halves = [half for family in analysis.pooled for half in family.halves]
    parts = [mean_of_halves(family.halves) for family in analysis.pooled]
    known = [part for part in parts if part is not None]
    if not known:
        return None
    lead, moat = (
        over_families([getattr(p, side) for p in known], margin, resampling=resampling)
        for side in ("others", "beyond")
    )
    n_languages = count_chosen(halves)
    return {
        "n_languages": n_languages,
        "others": asdict(replace(lead, n_languages=n_languages, method=CROSS_FITTED)),
        "moat": asdict(replace(moat, n_languages=n_languages, method=CROSS_FITTED)),
        "halves": [
            {
                "n_languages": len(half.languages),
                "others": asdict(
                    over_families([half.headline.others], margin, resampling=resampling)
                ),
                "moat": asdict(
                    over_families([half.headline.beyond], margin, resampling=resampling)
                ),
            }
            for half in halves
        ],
    }


def _agree(effects: Sequence[Effect] | Any) -> bool:
    """Return whether all scales that could be computed have the same verdict."""
    return len({effect.verdict for effect in effects if effect.method != "undefined"}) <= 1


def _totals(
    analysis: Analysis, facts: Mapping[str, Language], margin: float, resampling: Resampling
) -> dict[str, Any]:
    """Return the moat of all languages, without near-copies, and weighted by speakers."""
    moats = [family.moat for family in analysis.pooled if family.moat is not None]
    copies = {tag for tag, language in facts.items() if language.is_duplicate}
    own = [only(moat, set(moat.languages) - copies) for moat in moats]
    totals = {
        "all": over_families(moats, margin, resampling=resampling),
        "without_duplicates": over_families(own, margin, resampling=resampling),
    }
    for tau in (0, 1):
        weights = partial(population_weights, facts=facts, tau=tau)
        totals[f"speakers_tau_{tau}"] = over_families(
            moats, margin, resampling=resampling, weights_of=weights
        )
    return {name: asdict(effect) for name, effect in totals.items()}


def _rows(analysis: Analysis, margin: float, resampling: Resampling) -> list[dict[str, Any]]:
    if analysis.delta is None:
        return []
    rows = language_rows(analysis.delta, analysis.moat, margin, resampling)
    for row in rows:
        row["families"] = [
            f.family for f in analysis.pooled if row["language"] in f.delta.languages
        ]
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
            if row[prefix + "verdict"] and _firm_p(row, prefix) <= alpha
        )
        counts[name] = {state: states[state] for state in get_args(State)}
        firm_states = ("better", "worse", "equivalent")
        counts[name] |= {f"{state}_holm": firm[state] for state in firm_states}
    return counts


def _firm_p(row: Mapping[str, Any], prefix: str) -> float:
    """Return the Holm-corrected p-value of the state that a language is in."""
    is_equal = row[prefix + "verdict"] == "equivalent"
    return float(row[prefix + ("p_equal_holm" if is_equal else "p_holm")])


def _n_docs(family: FamilyAnalysis) -> int:
    return int(family.delta.n_docs.max())


def _family(family: FamilyAnalysis, claims: ClaimsFile, resampling: Resampling) -> dict[str, Any]:
    """Describe one family by itself."""
    margins = claims.margins[family.scale.name]
    delta, moat = family.delta, family.moat
    headline, margin = family.headline, margins.pooled
    english, others = only(delta, {REFERENCE_LANGUAGE}), others_of(delta)
    if headline is not None:
        english, others = headline.english, headline.others
    return {
        "measure": family.measure.name,
        "scale": family.scale.name,
        "is_parallel": family.is_parallel,
        "n_docs": _n_docs(family),
        "n_clusters": int(delta.n_clusters.max()),
        "no_moat": family.no_moat,
        "english": asdict(fixed_effect(english, margin, resampling=resampling)),
        "others": asdict(fixed_effect(others, margin, resampling=resampling)),
        "moat": asdict(fixed_effect(moat, margin, resampling=resampling)),
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
