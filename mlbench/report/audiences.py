"""Who is best for whom? Each language, language family and country of a run, ranked like all.

The same numbers as of `mlbench choose`, made at once for everybody whom the page has a place for. A
country without a level (markets.py) has none here. Levels are mean adjusted scores.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.report.choosing import means_of, question_of
from mlbench.report.complete_block import RankQuestion, alike, part_of, too_few_cells
from mlbench.report.markets import Market, markets_of
from mlbench.report.ranking import shown_level, shown_level_interval
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, percent, short_names, show_line
from mlbench.stats import MacroMeans, Rank, Ranking, Resampling, population_weights, rank_models
from mlbench.stats.best import probabilities_of_best
from mlbench.stats.table import Floats
from mlbench.wording import plural

RESAMPLING = Resampling(replicates=1_000)
"""As for the interval of a single score: there are some hundred audiences."""

N_SPOKEN = 20
"""Languages of the audience that is shown first: the most spoken ones but English."""

FEWEST_OF_FAMILY = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Whom a ranking is for: `shares` by tag sum to one. `key` is how the page addresses it.

    `untested` names languages of it without a score, as text.
    """

    key: str
    name: str
    shares: Mapping[str, float]
    untested: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A group with its ranking; `best` holds the probability of being the best, by model."""

    group: Group
    ranking: Ranking
    best: Mapping[str, float]
    means: MacroMeans

    def rank_of(self, model: str) -> Rank:
        """Return the rank of a model."""
        return next(rank for rank in self.ranking.ranks if rank.model == model)


@dataclass(frozen=True, slots=True, eq=False)
class Audiences:
    """All rankings by key; `models` are those that are ranked, `families` the titles behind."""

    models: tuple[str, ...]
    families: tuple[str, ...]
    shots: int
    ranked: Mapping[str, Ranked]

    @property
    def default(self) -> Ranked:
        """Return the audience that is shown first."""
        return self.ranked["spoken"]


def audiences_of(table: ReportTable) -> Audiences | None:
    """Rank the models for everybody; None with fewer than two models or no adjusted scores."""
    if not table.run.done:
        return None
    question = question_of(table)
    if not question.joint or question.measure is not None:
        return None
    few = too_few_cells(question)
    models = [model for model in question.models if model not in few]
    tags = [language.tag for language in table.languages]
    found = (part_of(table, block, models, tags)[0] for block in question.joint)
    parts = alike([part for part in found if part])
    tested = [tag for tag in tags if any(tag in part.scores.languages for part in parts)]
    if len(models) < 2 or not tested:
        return None
    groups = list(_groups(question, tested))
    means = means_of(parts, [group.shares for group in groups], models, RESAMPLING)
    ranked = {
        group.key: Ranked(
            group,
            rank_models(models, its, RESAMPLING),
            dict(zip(models, probabilities_of_best(its, RESAMPLING).tolist(), strict=True)),
            its,
        )
        for group, its in zip(groups, means, strict=True)
    }
    titles = tuple(part.block.title for part in parts)
    return Audiences(tuple(models), titles, question.shots, ranked)


def _groups(question: RankQuestion, tested: Sequence[str]) -> Iterator[Group]:
    table = question.table
    for tag in tested:
        yield Group(f"lang={tag}", show_line(table.run.languages[tag].name), {tag: 1.0})
    yield _most_spoken(table, tested)
    families: dict[str, list[str]] = {}
    for tag in tested:
        families.setdefault(table.run.languages[tag].family, []).append(tag)
    for name, tags in families.items():
        if len(tags) >= FEWEST_OF_FAMILY:
            shares = dict.fromkeys(tags, 1 / len(tags))
            yield Group(f"group={name}", show_line(name), shares)
    markets = markets_of(table, None)
    for market in (*markets.shown, *markets.others):
        if not market.no_level and (group := _country(market, tested)):
            yield group


def _most_spoken(table: ReportTable, tested: Sequence[str]) -> Group:
    """Return the most spoken languages by speakers; all alike where nobody's number is known."""
    facts = table.run.languages
    others = [tag for tag in tested if tag != REFERENCE] or list(tested)
    weights = dict(zip(others, population_weights(others, facts, 1.0).tolist(), strict=True))
    most = sorted(others, key=lambda tag: -weights[tag])[:N_SPOKEN]
    total = math.fsum(weights[tag] for tag in most)
    shares = {tag: weights[tag] / total if total else 1 / len(most) for tag in most}
    n = sum(share > 0 for share in shares.values())
    return Group(
        "spoken",
        f"the {n} most spoken languages" if n > 1 else show_line(facts[most[0]].name),
        {tag: share for tag, share in shares.items() if share > 0},
    )


def _country(market: Market, tested: Sequence[str]) -> Group | None:
    known = {x.tag: x.percent for x in market.spoken if x.tag in tested and x.tag and x.percent}
    total = math.fsum(known.values())
    if not total:
        return None
    shares = {tag: value / total for tag, value in known.items()}
    return Group(f"country={market.code}", market.name, shares, market.to_test)


def sentence_of(audiences: Audiences, ranked: Ranked, names: Mapping[str, str]) -> str:
    """Say who is first for a group, who cannot be told apart, and what English would say."""
    first = ranked.ranking.ranks[0]
    level = f"{shown_level(first.score, None)} {shown_level_interval(first, None)}"
    where = _where(ranked.group)
    tie = next((tie for tie in ranked.ranking.ties if first.model in tie), ())
    if first.high == 1:
        words = f"{where} {names[first.model]} is first with {level}, ahead of every other model."
    else:
        others = [names[model] for model in tie if model != first.model]
        words = (
            f"{where} {names[first.model]} has the highest level, {level}, and cannot be separated "
            f"from {join(others)}."
        )
    return words + _kept(audiences, ranked, first, names[first.model])


def _where(group: Group) -> str:
    kind = group.key.partition("=")[0]
    if kind == "country":
        return f"For the languages of {group.name}, by who uses them,"
    if kind == "group":
        return f"Over {plural(len(group.shares), 'language')} of the family {group.name}"
    return f"In {group.name}" + (", by speakers," if kind == "spoken" else "")


def _kept(audiences: Audiences, ranked: Ranked, first: Rank, name: str) -> str:
    english = audiences.ranked.get(f"lang={REFERENCE}")
    if english is None or set(ranked.group.shares) == {REFERENCE}:
        return ""
    level = english.rank_of(first.model).score
    if level <= 0 or math.isnan(level) or first.score <= 0:
        return ""
    return f" {name} keeps {percent(first.score / level, 0)} % of its English {percent(level)}."


def spread_of(means: MacroMeans) -> Floats:
    """Return the standard error of the level of each model."""
    unbiased = math.sqrt(means.n_clusters / max(means.n_clusters - 1, 1))
    return np.asarray(np.nanstd(means.replicates, axis=0, ddof=1) * unbiased)


def named(table: ReportTable) -> dict[str, str]:
    """Return the short names of the models of a run."""
    return short_names(list(table.run.models))
