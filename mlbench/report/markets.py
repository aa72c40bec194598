"""By country: which of its languages were tested, and how good is each model there?

Who speaks what where is an estimate of the Unicode CLDR, as the library babel ships it; the scores
are the table's mean adjusted scores. Per country only a weighted mean is taken. It has no interval,
because the docs are the same in every language and their errors are not independent.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.data.territories import Cldr, fold, language_name, read_cldr, tags_by_code, uses_of
from mlbench.report.colours import step_of
from mlbench.report.compare import Pair
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, number, percent, short_names, show_line, signed

SHOWN = ("ID", "NG", "BR", "IN", "SA", "AE", "KW", "QA", "BH", "OM")
"""Countries shown first: Indonesia, Nigeria, Brazil, India and the six of the Gulf."""

N_LISTED, N_LISTED_OTHERS = 5, 3
"""Languages named in a row of the first table and of the second; the rest is counted."""

HALF = 0.5
"""Below this share of tested use a country has no level: what was not tested counts more."""

LONGEST_NAME = 40
NEAR = 0.02
"""Two levels that are less than two points apart are called near in the sentence."""


class Spoken(NamedTuple):
    """A language of a country: percent of its people, and the run's tag if it has a score."""

    name: str
    percent: float
    tag: str | None


@dataclass(frozen=True, slots=True)
class Market:
    """One country. `untested` is a share of the listed use in [0, 1]; levels are in [.., 1].

    `no_level` says why there is none, and `to_test` names the languages that would change it.
    """

    code: str
    name: str
    spoken: tuple[Spoken, ...]
    untested: float
    levels: Mapping[str, float]
    no_level: str = ""

    @property
    def to_test(self) -> str:
        """Name the most used languages that were not tested, with their percent of people."""
        missing = [language for language in self.spoken if not language.tag][:N_LISTED_OTHERS]
        return ", ".join(f"{language.name} {_share(language)}" for language in missing)

    @property
    def ranking(self) -> list[str]:
        """Order the models by their level, the highest first."""
        return sorted(self.levels, key=lambda model: -self.levels[model])

    @property
    def languages(self) -> str:
        """Name the most used languages; one without a score is in parentheses, +n counts more."""
        n = N_LISTED if self.code in SHOWN else N_LISTED_OTHERS
        words = [_spoken_words(language) for language in self.spoken[:n]]
        left = len(self.spoken) - len(words)
        return ", ".join(words) + (f" +{left}" if left else "")

    def step(self, model: str) -> int:
        """Return the length of a model's bar."""
        return step_of(self.levels[model])


@dataclass(frozen=True, slots=True)
class Markets:
    """The section. `slots` are those of the first pair; n_without counts what has no row."""

    models: tuple[str, ...]
    shots: int
    shown: tuple[Market, ...]
    others: tuple[Market, ...]
    n_without: int
    version: str
    sentence: str
    slots: Mapping[str, str]


def markets_of(table: ReportTable, pair: Pair | None, cldr: Cldr | None = None) -> Markets:
    """Prepare the section; without scores on an accuracy family it has no country."""
    basis = _basis(table, cldr or read_cldr())
    names = basis.cldr.territory_names
    spoken_by_code = {code: _spoken(basis, code) for code in basis.cldr.shares}
    markets = [
        _market(basis, names.get(code, code), code, spoken)
        for code, spoken in spoken_by_code.items()
        if any(language.tag and language.percent for language in spoken)
    ]
    by_code = {
        market.code: market for market in sorted(markets, key=lambda market: fold(market.name))
    }
    shown = tuple(by_code[code] for code in SHOWN if code in by_code)
    return Markets(
        basis.models,
        basis.shots,
        shown,
        tuple(market for code, market in by_code.items() if code not in SHOWN),
        len(basis.cldr.shares) - len(markets),
        basis.cldr.version,
        _sentence(shown, basis.models, short_names(list(table.run.models))),
        markets_slots(shown, pair) if pair else {},
    )


def market_rows(markets: Markets) -> list[list[str]]:
    """Return the other countries as rows of text: name, use not tested, levels, languages.

    One without a level has the reason in place of all levels.
    """
    return [
        [
            market.name,
            percent(market.untested, 0),
            *(
                [market.no_level]
                if market.no_level
                else [percent(market.levels[model], 0) for model in markets.models]
            ),
            market.languages,
        ]
        for market in markets.others
    ]


def markets_slots(shown: Sequence[Market], pair: Pair) -> dict[str, str]:
    """Return what the page shows of a pair: A - B in points by `market-CODE`."""
    return {
        f"market-{market.code}": signed(
            100 * (market.levels.get(pair.a, math.nan) - market.levels.get(pair.b, math.nan))
        )
        for market in shown
    }


@dataclass(frozen=True, slots=True)
class _Basis:
    """What every country is computed from: `scored` are the tags with a score of all models."""

    table: ReportTable
    cldr: Cldr
    shots: int
    models: tuple[str, ...]
    scored: frozenset[str]
    tag_by_code: Mapping[str, str]


def _basis(table: ReportTable, cldr: Cldr) -> _Basis:
    """Choose the shots that most models have, the fewest of equals."""
    columns = sorted({(shots, m) for m, shots, _ in table.adjusted})
    counts = Counter(shots for shots, _ in columns)
    shots = max(counts, key=lambda its: (counts[its], -its), default=0)
    models = tuple(m for m in table.run.models if (shots, m) in columns)
    scored = {tag for (_, its, tag), mean in table.adjusted.items() if its == shots and mean.n}
    return _Basis(table, cldr, shots, models, frozenset(scored), tags_by_code(table.languages))


def _spoken(basis: _Basis, territory: str) -> tuple[Spoken, ...]:
    """List a territory's languages, the most used first, each once."""
    found = []
    for use in uses_of(basis.cldr, territory, basis.tag_by_code):
        known = basis.table.run.languages.get(use.tag or "")
        name = known.name if known else language_name(basis.cldr, use.code)
        scored = use.tag if use.tag in basis.scored else None
        found.append(Spoken(show_line(name, LONGEST_NAME), use.percent, scored))
    return tuple(found)


def _market(basis: _Basis, name: str, code: str, spoken: tuple[Spoken, ...]) -> Market:
    use = math.fsum(language.percent for language in spoken)
    share_by_tag = {language.tag: language.percent for language in spoken if language.tag}
    tested = math.fsum(share_by_tag.values())
    market = Market(code, name, spoken, (use - tested) / use, {})
    if why := _why_no_level(market, set(share_by_tag)):
        return replace(market, no_level=why)
    levels = {}
    for model in basis.models:
        parts = (
            share * basis.table.adjusted[model, basis.shots, tag].value
            for tag, share in share_by_tag.items()
        )
        levels[model] = math.fsum(parts) / tested
    return replace(market, levels=levels)


def _why_no_level(market: Market, tested: set[str]) -> str:
    """Return why what was tested cannot stand for a country; empty where it can.

    A level of English alone is the English column once more, whoever lives there.
    """
    words = "English only" if tested == {REFERENCE} else "under half tested"
    if tested == {REFERENCE} or market.untested > 1 - HALF:
        return f"{words}: no level" + (f"; to test: {market.to_test}" if market.to_test else "")
    return ""


def _spoken_words(language: Spoken) -> str:
    words = f"{language.name} {_share(language)}"
    return words if language.tag else f"({words})"


def _share(language: Spoken) -> str:
    return f"{language.percent:.0f}" if language.percent >= 1 else "<1"


def _sentence(shown: Sequence[Market], models: Sequence[str], names: Mapping[str, str]) -> str:
    """Say who is first where; a country without a level is in no count, and named with why."""
    told = [market for market in shown if not market.no_level]
    silent = [market for market in shown if market.no_level]
    parts = [_first_words(told, models, names)] if told else []
    parts += [f"{market.name}: {market.no_level}." for market in silent]
    return " ".join(parts) or (
        "This run cannot say for the countries shown first: no language that CLDR lists for "
        "one of them has a score that every model has."
    )


def _first_words(told: Sequence[Market], models: Sequence[str], names: Mapping[str, str]) -> str:
    if len(models) == 1:
        ends = sorted(told, key=lambda market: market.levels[models[0]])
        words = [f"{m.name} ({percent(m.levels[models[0]])})" for m in (ends[0], ends[-1])]
        return (
            f"Weighted by who uses which language, {names[models[0]]} is lowest in {words[0]} and "
            f"highest in {words[1]}."
        )
    first = {model: [m.name for m in told if m.ranking[0] == model] for model in models}
    parts = [f"{names[model]} in {join(where)}" for model, where in first.items() if where]
    near = sum(m.levels[m.ranking[0]] - m.levels[m.ranking[1]] < NEAR for m in told)
    return (
        f"Weighted by who uses which language, the highest level is that of {'; of '.join(parts)}. "
        f"These are point estimates without an interval: in {near} of {len(told)} the first two "
        f"models are less than {number(100 * NEAR, 0)} points apart."
    )
