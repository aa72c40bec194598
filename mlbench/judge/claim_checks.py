"""Is the claim supported, refuted, equivalent to nothing, or can nobody tell? One check a kind.

A claim whose inputs are not in the evidence is undetermined and says what is missing; nothing is
filled in. The number of every claim has an interval, and a sentence that keeps to both.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mlbench.data.languages import read_controls, read_languages, select_languages
from mlbench.errors import SelectionError
from mlbench.judge.claims import Claim, ClaimsFile, ClaimsFileError
from mlbench.judge.closing import closed_moat
from mlbench.judge.coverage import Need, coverage_effect
from mlbench.judge.effects import Effect, undefined
from mlbench.judge.evidence import Analysis, Evidence, analyse
from mlbench.judge.fewshot import fewshot_effect
from mlbench.judge.findings import (
    fixed_effect,
    moat_effect,
    only,
    others_of,
    over_families,
    sampled_effect,
    with_reference,
)
from mlbench.judge.gap import gap_effect
from mlbench.judge.listed import listed_lead
from mlbench.judge.sentences import (
    Leads,
    cost_sentence,
    coverage_sentence,
    fewshot_sentence,
    gap_sentence,
    lead_sentence,
    listed_sentence,
    moat_sentence,
)
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.pairs import pair_levels
from mlbench.stats.scales import primary_contrasts
from mlbench.stats.table import ScoreTable

OWN_LEAD = "own_lead"
"""Judged of a model and its base only: of other pairs it says nothing."""


class Question(NamedTuple):
    """A claim about named models, with the evidence cut to its families and languages.

    `known` is the analysis of the whole verdict.
    """

    claim: Claim
    a: str
    b: str
    evidence: Evidence
    known: Analysis
    resampling: Resampling


class Answer(NamedTuple):
    """The number of a claim and the sentence about it."""

    effect: Effect
    sentence: str


def check_claims(
    claims: ClaimsFile, evidence: Evidence, analysis: Analysis, resampling: Resampling
) -> list[dict[str, Any]]:
    """Judge every claim of the file, with --a and --b as in the analysis."""
    return [
        {"hash": claim.fingerprint()}
        | _check(claim.about(analysis.a, analysis.b), evidence, analysis, resampling)
        for claim in claims.claims
        if claim.kind != OWN_LEAD or evidence.base.get(analysis.a) == analysis.b
    ]


def answer_to(claim: Claim, evidence: Evidence, known: Analysis, resampling: Resampling) -> Answer:
    """Judge a claim about named models; `known` is the analysis of the whole verdict."""
    cut = evidence.limited(claim.families, _tags(claim, evidence))
    if missing := _missing(claim, cut):
        return Answer(undefined(missing, claim.margin), f"Not judged: {missing}.")
    a, b = ", ".join(claim.a), ", ".join(claim.b)
    cut = _with_sets(claim, cut)
    return CHECKS[claim.kind](Question(claim, a, b, cut, known, resampling))


def _check(
    claim: Claim, evidence: Evidence, known: Analysis, resampling: Resampling
) -> dict[str, Any]:
    a, b = ", ".join(claim.a), ", ".join(claim.b)
    answer = answer_to(claim, evidence, known, resampling)
    effect = answer.effect
    return {
        "id": claim.id,
        "kind": claim.kind,
        "claim": claim.sentence.format(a=a, b=b, wanted=_wanted(claim, evidence)),
        "scale": claim.scale,
        "margin": claim.margin,
        "level": resampling.level,
        "verdict": effect.verdict,
        "estimate": effect.estimate,
        "low": effect.low,
        "high": effect.high,
        "p": effect.p,
        "mde": effect.mde,
        "n_families": effect.n_families,
        "n_languages": effect.n_languages,
        "method": effect.method,
        "reason": effect.reason,
        "sentence": answer.sentence,
    }


def _tags(claim: Claim, evidence: Evidence) -> list[str] | None:
    """Return the tags of a claim's languages, which are named as `--languages` names them.

    Raises ClaimsFileError for a name that means nothing.
    """
    if claim.languages is None:
        return None
    return _tags_of(claim, "languages", claim.languages, evidence)


def _tags_of(claim: Claim, key: str, names: Sequence[str], evidence: Evidence) -> list[str]:
    listed = read_languages()
    controls = read_controls(listed)
    own = {tag: language for tag, language in evidence.facts.items() if tag not in controls}
    try:
        chosen = select_languages(names, {**listed, **own}, controls)
    except SelectionError as error:
        raise ClaimsFileError(f"claim {claim.id!r}, {key}: {error}") from error
    return [language.tag for language in chosen]


def _wanted(claim: Claim, evidence: Evidence) -> int:
    """Return how many languages a claim wants covered: all of the run, if it does not say."""
    if claim.wanted is not None:
        return claim.wanted
    return len(evidence.facts) or len({tag for t in evidence.tables for tag in t.languages})


def _missing(claim: Claim, evidence: Evidence) -> str | None:
    """Return which input the claim lacks."""
    if claim.kind == "cost":
        tables: tuple[ScoreTable, ...] = (evidence.tokens,) if evidence.tokens else ()
        what = "tokens of parallel sentences"
    else:
        tables, what = evidence.tables, "scores"
    if not tables:
        return f"there are no {what} of the families and languages it names"
    known = {model for table in tables for model in table.models}
    lacking = [model for model in (*claim.a, *claim.b) if model not in known]
    if lacking:
        return f"there are no {what} of {' and '.join(map(repr, lacking))}"
    return None


def _with_sets(claim: Claim, evidence: Evidence) -> Evidence:
    """Add the average of a set of models as a model of its own, where a side has several."""

    def extended(table: ScoreTable) -> ScoreTable:
        for side in (claim.a, claim.b):
            if len(side) > 1 and set(side) <= set(table.models):
                table = table.with_mean_model(", ".join(side), side)
        return table

    return replace(
        evidence,
        tables=tuple(extended(table) for table in evidence.tables),
        fewshot=tuple(extended(table) for table in evidence.fewshot),
        tokens=extended(evidence.tokens) if evidence.tokens else None,
    )


def _analysis_of(asked: Question) -> Analysis:
    """Take the analysis of the verdict where it is the same one, else analyse the claim's own."""
    claim, known = asked.claim, asked.known
    is_whole = claim.families is None and claim.languages is None
    if is_whole and (known.a, known.b) == (asked.a, asked.b) and known.scale.name == claim.scale:
        return known
    tables = [table for table in asked.evidence.tables if _has_scale(table, claim.scale)]
    evidence = replace(asked.evidence, tables=tuple(tables))
    return analyse(evidence, asked.a, asked.b, asked.resampling)


def _has_scale(table: ScoreTable, name: str) -> bool:
    return any(scale.name == name for scale in table.measure.scales)


def _check_moat(asked: Question) -> Answer:
    claim, resampling = asked.claim, asked.resampling
    analysis = _analysis_of(asked)
    if claim.target == "pooled":
        effect = moat_effect(analysis, claim.scale, margin=claim.margin, resampling=resampling)
    elif claim.target == "fixed":
        moats = [family.moat for family in analysis.pooled]
        effect = over_families(moats, claim.margin, resampling=resampling)
    else:
        effect = sampled_effect(
            analysis.weighted_moat, asked.evidence.facts, margin=claim.margin, resampling=resampling
        )
    names, leads = (asked.a, asked.b), _leads(analysis)
    moat = closed_moat(leads.english, leads.others, effect.estimate, claim.scale)
    as_printed = replace(effect, estimate=moat)
    text = moat_sentence(as_printed, names, leads, scale=claim.scale, level=resampling.level)
    return Answer(effect, text)


def _leads(analysis: Analysis) -> Leads:
    found = analysis.headlines()
    if not found:
        return Leads(math.nan, math.nan, analysis.scale.name)
    english, others = (
        math.fsum(float(getattr(headline, side).estimate[0]) for headline in found) / len(found)
        for side in ("english", "others")
    )
    return Leads(english, others, analysis.scale.name)


def _check_coverage(asked: Question) -> Answer:
    claim, level = asked.claim, asked.resampling.level
    need = Need(_wanted(claim, asked.evidence), claim.retained)
    effect = coverage_effect(asked.evidence.tables, asked.a, need, asked.resampling)
    return Answer(effect, coverage_sentence(effect, asked.a, need, level))


def _check_gap(asked: Question) -> Answer:
    claim, level = asked.claim, asked.resampling.level
    effect = gap_effect(
        _analysis_of(asked).moat,
        asked.evidence.facts,
        margin=claim.margin,
        resampling=asked.resampling,
    )
    return Answer(effect, gap_sentence(effect, (asked.a, asked.b), claim.scale, level))


def _check_listed(asked: Question) -> Answer:
    claim, resampling, analysis = asked.claim, asked.resampling, _analysis_of(asked)
    listed = _listed(asked)
    if isinstance(listed, str):
        return Answer(undefined(listed, claim.margin), f"It is unknown: {listed}.")
    found = listed_lead(
        [family.delta for family in analysis.pooled],
        asked.evidence.facts,
        listed,
        margin=claim.margin,
        resampling=resampling,
    )
    text = listed_sentence(found, (asked.a, asked.b), claim.scale, resampling.level)
    effect = found.effect
    if effect.verdict == "supported" and found.listed <= 0:
        reason = f"{asked.a!r} does not lead in the languages that its maker names"
        effect = replace(effect, verdict="undetermined", reason=reason)
    return Answer(effect, text)


def _listed(asked: Question) -> list[str] | str:
    """Return the languages that the maker of A names, or why they are not known."""
    claim, claimed = asked.claim, asked.evidence.claimed.get(asked.a)
    if claim.listed is not None:
        return _tags_of(claim, "listed", claim.listed, asked.evidence)
    if claimed is None:
        return f"no list of the languages of {asked.a!r} is known here"
    if claimed.tags is None:
        return f"the maker of {asked.a!r} speaks of {claimed.number} languages and names no list"
    return list(claimed.tags)


def _check_lead(asked: Question) -> Answer:
    claim, resampling, analysis = asked.claim, asked.resampling, _analysis_of(asked)
    tags = _tags(claim, asked.evidence)
    deltas = [family.delta for family in analysis.pooled]
    chosen = [others_of(d) if tags is None else only(d, set(tags)) for d in deltas]
    effect = over_families(chosen, claim.margin, resampling=resampling)
    named = "" if tags is None else ", ".join(claim.languages or ())
    where = named or "the languages other than English"
    text = lead_sentence(effect, (asked.a, asked.b), where, (claim.scale, resampling.level))
    return Answer(effect, text)


def _check_own_lead(asked: Question) -> Answer:
    """Judge A against its base in the languages it was made for, as judge/derivative.py does."""
    claim, resampling, analysis = asked.claim, asked.resampling, _analysis_of(asked)
    own = asked.evidence.own.get(asked.a)
    if own is None:
        reason = f"which languages {asked.a!r} was made for is not known here"
        return Answer(undefined(reason, claim.margin), f"It is unknown: {reason}.")
    chosen = [only(family.delta, set(own)) for family in with_reference(analysis.pooled)]
    effect = over_families(chosen, claim.margin, resampling=resampling)
    where = f"its own languages ({effect.n_languages})"
    text = lead_sentence(effect, (asked.a, asked.b), where, (claim.scale, resampling.level))
    return Answer(effect, text)


def _check_fewshot(asked: Question) -> Answer:
    claim, level = asked.claim, asked.resampling.level
    effect = fewshot_effect(
        asked.evidence, asked.a, asked.b, margin=claim.margin, resampling=asked.resampling
    )
    shots = asked.evidence.shots
    return Answer(effect, fewshot_sentence(effect, (asked.a, asked.b), shots, level))


def _check_cost(asked: Question) -> Answer:
    claim, resampling, tokens = asked.claim, asked.resampling, asked.evidence.tokens
    assert tokens is not None
    delta = primary_contrasts(pair_levels(tokens, asked.a, asked.b, resampling), tokens).delta
    effect = fixed_effect(delta, claim.margin, resampling=resampling)
    return Answer(effect, cost_sentence(effect, (asked.a, asked.b), resampling.level))


CHECKS: dict[str, Callable[[Question], Answer]] = {
    "moat": _check_moat,
    "coverage": _check_coverage,
    "resource_gap": _check_gap,
    "listed_lead": _check_listed,
    "lead": _check_lead,
    OWN_LEAD: _check_own_lead,
    "fewshot": _check_fewshot,
    "cost": _check_cost,
}
