"""Which model for these languages? A ranking by their weights, and how likely each is the best.

The level of a model is the mean over the languages, each by its share, of the mean adjusted score
over the families that every ranked model has there. Who lacks a fact that a condition asks for
stays in, with the fact unknown; who is left out is named with the reason.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.data.weights import Audience, Weighted
from mlbench.errors import SelectionError
from mlbench.measures import Measure
from mlbench.report.complete_block import Part, RankQuestion, alike, part_of
from mlbench.report.model_facts import ModelFacts, facts_of, memory_words
from mlbench.report.next_tests import N_TO_TEST, command_for
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, percent, short_names
from mlbench.stats import (
    MacroMeans,
    Rank,
    Resampling,
    add_means,
    macro_means,
    rank_models,
)
from mlbench.stats.best import probabilities_of_best, shares_of_variance
from mlbench.stats.intervals import z_of
from mlbench.stats.table import Floats

HALF = 0.5
"""Below this share of tested use no level is given: most of what counts is not known."""

FEW = Resampling(replicates=1_000)
"""For the shares of doubt, which are shown in whole percent."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a model must fulfil; None asks for nothing. Memory in bytes."""

    is_commercial: bool = False
    memory: float | None = None
    max_premium: float | None = None


class Candidate(NamedTuple):
    """A ranked model with its place, the probability that it is the best, and its facts.

    `premium` is that of tokens in these languages; nan is unknown. `unknown` names the conditions
    that nobody can tell of it.
    """

    rank: Rank
    probability: float
    facts: ModelFacts
    premium: float
    unknown: tuple[str, ...]


class LanguageDoubt(NamedTuple):
    """What a language adds to the doubt between the first two, as a share of the variance."""

    language: Weighted
    share: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """The answer. `measure` None: levels are adjusted scores.

    `tested` are the languages that the levels are made of, with shares of what was asked for;
    `untested` the others. `more_docs` is how many times as many docs would tell the first two
    apart, if they differ as they look; nan where they are apart, or there is only one.
    """

    audience: Audience
    shots: int
    families: tuple[str, ...]
    measure: Measure | None
    tested: tuple[Weighted, ...]
    untested: tuple[Weighted, ...]
    candidates: tuple[Candidate, ...]
    ties: tuple[tuple[str, ...], ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]
    doubts: tuple[LanguageDoubt, ...]
    more_docs: float

    @property
    def tested_share(self) -> float:
        """Return how much of what was asked for the levels are made of."""
        return math.fsum(language.share for language in self.tested)


class _Ranked(NamedTuple):
    """Who is ranked on what: `shares` by tag sum to one over the languages that were tested."""

    models: list[str]
    parts: list[Part]
    shares: Mapping[str, float]
    notes: list[str]


def choose(
    table: ReportTable, audience: Audience, conditions: Conditions, resampling: Resampling
) -> Chosen:
    """Rank the models of a run for an audience.

    Raises SelectionError if there are fewer than two models, none fulfils the conditions, or too
    little of what counts was tested.
    """
    if len(table.run.models) < 2:
        raise SelectionError(
            f"run {table.name!r} has one model; a choice needs two. Add one to it: "
            f"mlbench run --run {table.run.typed} --models NAME"
        )
    question = question_of(table)
    facts = {model: facts_of(table, model) for model in question.models}
    shares = {x.tag: x.share for x in audience.languages if x.tag in table.run.languages}
    left_out = dict(_refused(facts, {tag: s for tag, s in shares.items() if tag}, conditions))
    kept = [model for model in question.models if model not in left_out]
    if not kept:
        names = short_names(question.models)
        raise SelectionError(
            "no model fulfils the conditions: "
            + "; ".join(f"{names[model]}: {why}" for model, why in left_out.items())
        )
    ranked = _rank_on(question, kept, audience, left_out)
    return _chosen(question, audience, ranked, (facts, conditions, left_out), resampling)


def question_of(table: ReportTable) -> RankQuestion:
    """Ask at the number of shots that most models have, the fewest of equals."""
    by_shots: dict[int, set[str]] = {}
    for block in table.blocks:
        by_shots.setdefault(block.shots, set()).update(block.models)
    shots = max(by_shots, key=lambda its: (len(by_shots[its]), -its))
    blocks = tuple(block for block in table.blocks if block.shots == shots)
    models = tuple(model for model in table.run.models if model in by_shots[shots])
    return RankQuestion(table, shots, blocks, models)


def _refused(
    facts: Mapping[str, ModelFacts], shares: Mapping[str, float], conditions: Conditions
) -> Iterator[tuple[str, str]]:
    """Yield each model that a known fact rules out, and why."""
    for model, its in facts.items():
        reasons = []
        if conditions.is_commercial and its.commercial.startswith("no"):
            reasons.append(f"its licence ({its.licence}) says of commercial use: {its.commercial}")
        if conditions.memory is not None and its.memory > conditions.memory:
            reasons.append(
                f"its weights take {memory_words(its.memory)} in bfloat16, more than "
                f"{memory_words(conditions.memory)}"
            )
        premium = its.premium(_scaled(shares))
        if conditions.max_premium is not None and premium > conditions.max_premium:
            reasons.append(
                f"it takes {premium:.2f} times the tokens of English here, more than "
                f"{conditions.max_premium:g}"
            )
        if reasons:
            yield model, join(reasons)


def _scaled(shares: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(shares.values())
    return {tag: share / total for tag, share in shares.items()} if total else {}


def _rank_on(
    question: RankQuestion, kept: Sequence[str], audience: Audience, left_out: dict[str, str]
) -> _Ranked:
    """Find the cells that all kept models have; who lacks half of what others have is left out."""
    tags = [x.tag for x in audience.languages if x.tag and x.tag in question.table.run.languages]
    share = {x.tag: x.share for x in audience.languages}
    has = {model: _tested_by(question, model, tags) for model in kept}
    most = max(math.fsum(share[tag] for tag in its) for its in has.values())
    for model, its in has.items():
        own = math.fsum(share[tag] for tag in its)
        if own < HALF * most:
            left_out[model] = f"it has scores for {percent(own, 0)} % of the weight only"
    models = [model for model in kept if model not in left_out]
    parts, notes = [], []
    for block in question.joint:
        part, why = part_of(question.table, block, models, tags)
        parts += [part] if part else []
        notes += why
    tested = {tag for part in parts for tag in part.scores.languages}
    _refuse_too_little(question, audience, tested)
    return _Ranked(
        models, alike(parts), _scaled({tag: share[tag] for tag in tags if tag in tested}), notes
    )


def _tested_by(question: RankQuestion, model: str, tags: Sequence[str]) -> list[str]:
    cells = {
        cell.language
        for cell, view in question.table.cells.items()
        if cell.model == model and cell.shots == question.shots and view.state == "value"
    }
    return [tag for tag in tags if tag in cells]


def _refuse_too_little(question: RankQuestion, audience: Audience, tested: set[str]) -> None:
    """Raise SelectionError where what was tested cannot stand for the audience."""
    share = math.fsum(x.share for x in audience.languages if x.tag in tested)
    is_english_alone = bool(audience.country) and tested == {REFERENCE}
    if share >= HALF and not is_english_alone:
        return
    missing = [x for x in audience.languages if x.tag not in tested]
    named = join([f"{x.name} ({percent(x.share, 0)} %)" for x in missing[:N_TO_TEST]])
    whom = f"{audience.country}: of its language use" if audience.country else "of the weight"
    only = ", English alone" if is_english_alone else ""
    raise SelectionError(
        f"{whom} {percent(share, 0)} % was tested with all models{only}; that is too little to "
        f"choose by. Test {named} next{_how(question, missing)}"
    )


def _how(question: RankQuestion, missing: Sequence[Weighted]) -> str:
    if command := command_for(question.table, question.models, missing):
        return f": {command}"
    return "; no family has data for them here, a languages file of yours can add them"


def _chosen(
    question: RankQuestion,
    audience: Audience,
    ranked: _Ranked,
    known: tuple[Mapping[str, ModelFacts], Conditions, Mapping[str, str]],
    resampling: Resampling,
) -> Chosen:
    facts, conditions, left_out = known
    models = ranked.models
    (means,) = means_of(ranked.parts, [ranked.shares], models, resampling)
    ranking = rank_models(models, means, resampling)
    probability = dict(zip(models, probabilities_of_best(means, resampling), strict=True))
    premium = {model: facts[model].premium(ranked.shares) for model in models}
    candidates = tuple(
        Candidate(
            rank,
            float(probability[rank.model]),
            facts[rank.model],
            premium[rank.model],
            tuple(_unknown(facts[rank.model], premium[rank.model], conditions)),
        )
        for rank in ranking.ranks
    )
    doubts, more = _doubt(audience, ranked, candidates)
    return Chosen(
        audience,
        question.shots,
        tuple(part.block.title for part in ranked.parts),
        question.measure,
        tuple(x for x in audience.languages if x.tag in ranked.shares),
        tuple(x for x in audience.languages if x.tag not in ranked.shares),
        candidates,
        ranking.ties,
        left_out,
        tuple(ranked.notes),
        doubts,
        more,
    )


def means_of(
    parts: Sequence[Part],
    audiences: Sequence[Mapping[str, float]],
    models: Sequence[str],
    resampling: Resampling,
) -> list[MacroMeans]:
    """Resample the level of each model for several audiences, given as shares by tag, at once."""
    weights = [np.stack([_row(part, parts, shares) for shares in audiences]) for part in parts]
    drawn = [
        macro_means(part.scores, models, rows, resampling)
        for part, rows in zip(parts, weights, strict=True)
    ]
    # A family without any of the languages has no docs to count.
    return [
        add_means([means[i] for means, rows in zip(drawn, weights, strict=True) if rows[i].any()])
        for i in range(len(audiences))
    ]


def _row(part: Part, parts: Sequence[Part], shares: Mapping[str, float]) -> Floats:
    """Give what each language of a family counts: its share, split over its families."""
    languages = part.scores.languages
    n_families = [sum(tag in its.scores.languages for its in parts) for tag in languages]
    own = np.array([shares.get(tag, 0.0) for tag in languages])
    return np.asarray(own / np.array(n_families))


def _unknown(facts: ModelFacts, premium: float, conditions: Conditions) -> Iterator[str]:
    if conditions.is_commercial and not facts.commercial:
        yield "whether its licence allows commercial use"
    if conditions.memory is not None and math.isnan(facts.memory):
        yield "how much memory it takes"
    if conditions.max_premium is not None and math.isnan(premium):
        yield "how many tokens it takes"


def _doubt(
    audience: Audience, ranked: _Ranked, candidates: Sequence[Candidate]
) -> tuple[tuple[LanguageDoubt, ...], float]:
    """Return what each language adds to the doubt between the first two, and how much is lacking.

    Two models are told apart at an interval of 95 %: stderr / difference has to fall below 1/1.96,
    and it falls with the square root of the docs.
    """
    if len(candidates) < 2 or candidates[0].rank.high == 1:
        return (), math.nan
    first, second = (candidate.rank.model for candidate in candidates[:2])
    tags = list(ranked.shares)
    estimate, by_language = np.zeros(len(tags)), np.zeros((FEW.replicates, len(tags)))
    for part in ranked.parts:
        row = _row(part, ranked.parts, ranked.shares)
        drawn = macro_means(part.scores, [first, second], np.diag(row), FEW)
        for tag, means in zip(part.scores.languages, drawn, strict=True):
            at = tags.index(tag)
            estimate[at] += means.estimate[0] - means.estimate[1]
            by_language[:, at] += means.replicates[:, 0] - means.replicates[:, 1]
    spread = float(by_language.sum(axis=1).std(ddof=1))
    difference = abs(float(estimate.sum()))
    more = (z_of(FEW.level) * spread / difference) ** 2 if difference else math.inf
    shares = dict(zip(tags, shares_of_variance(by_language).tolist(), strict=True))
    doubts = [LanguageDoubt(x, shares[x.tag]) for x in audience.languages if x.tag in shares]
    return tuple(sorted(doubts, key=lambda doubt: -doubt.share)), more


def sentence(chosen: Chosen) -> str:
    """Say as text who is best, how sure that is, and who cannot be told apart."""
    names = short_names([candidate.rank.model for candidate in chosen.candidates])
    first = chosen.candidates[0]
    name = names[first.rank.model]
    if len(chosen.candidates) == 1:
        return f"{name} is the only model left; nothing stands beside it."
    if math.isnan(first.probability):
        return f"{name} has the highest level; how sure that is cannot be told from so few docs."
    words = (
        f"{name} is most likely the best, with a probability of {shown_share(first.probability)}"
    )
    ties = [f"{join([names[m] for m in tie])} cannot be separated" for tie in chosen.ties]
    return f"{words}{': ' if ties else ''}{'; '.join(ties)}."


def shown_share(probability: float) -> str:
    """Write a probability in whole percent, never as none or all.

    >>> shown_share(0.9996), shown_share(0.123), shown_share(0.0)
    ('over 99 %', '12 %', 'below 1 %')
    """
    if math.isnan(probability):
        return "unknown"
    if probability > 0.99:
        return "over 99 %"
    return "below 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def doubt_sentence(chosen: Chosen) -> str:
    """Say which languages to test next, and how much more of them would tell."""
    parts = []
    if chosen.untested:
        named = [f"{x.name} ({percent(x.share, 0)} %)" for x in chosen.untested[:N_TO_TEST]]
        more = len(chosen.untested) - len(named)
        rest = f" and {more} more" if more else ""
        parts.append(f"Not tested with all models: {', '.join(named)}{rest}")
    if chosen.doubts and not math.isnan(chosen.doubts[0].share):
        named = [
            f"{doubt.language.name} ({percent(doubt.share, 0)} % of the doubt)"
            for doubt in chosen.doubts[:N_TO_TEST]
            if doubt.share > 0
        ]
        parts.append(f"Between the first two, test more docs or families in {join(named)}")
        if 1 < chosen.more_docs < 100:
            parts.append(
                f"if they differ as they look, about {chosen.more_docs:.1f} times as many docs "
                "would tell them apart"
            )
        elif chosen.more_docs >= 100:
            parts.append("they are so near that a hundred times as many docs would not do")
    return "; ".join(parts) + "." if parts else ""
