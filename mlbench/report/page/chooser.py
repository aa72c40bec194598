"""What does the page need to choose a model for any weights? Rankings as made, draws for others.

The rankings of languages, families of them and countries are those of audiences.py. For weights of
the reader's own the script has levels and a few joint draws of each model and language, in parts
of their standard error; choice.js computes as stats/best.py does.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.report.audiences import (
    Audiences,
    Ranked,
    named,
    sentence_of,
    spread_of,
)
from mlbench.report.choosing import shown_share
from mlbench.report.model_facts import facts_of, memory_words
from mlbench.report.page.packing import pack_sentences
from mlbench.report.ranking import shown_level, shown_level_interval, shown_places
from mlbench.report.tables import ReportTable
from mlbench.report.text import number, show_line

N_DRAWS = 48
"""A standard error of 48 draws is right within a tenth; of one language it is exact."""

STEPS = 2.5
"""Parts of a standard error in which a draw is written, which packs into three bits and a half."""

_FURTHEST = 24
_ZERO = ord(";")
"""The letter of a draw of zero; 24 letters on either side need no escape in JSON."""

WIDTH, EDGE = 200.0, 6.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A row of the ranking that is shown first; positions in units of the drawing."""

    model: str
    place: str
    level: str
    interval: str
    best: str
    tokens: str
    memory: str
    licence: str
    x: str
    x_low: str
    x_high: str
    x_english: str


@dataclass(frozen=True, slots=True)
class Chooser:
    """The section as it is without the script. `families` are behind all levels."""

    words: str
    name: str
    rows: tuple[Choice, ...]
    families: tuple[str, ...]
    shots: int


def chooser_of(table: ReportTable, audiences: Audiences) -> Chooser:
    """Prepare the audience that is shown first."""
    ranked = audiences.default
    english = audiences.ranked.get(f"lang={REFERENCE}")
    rows = []
    for rank in ranked.ranking.ranks:
        facts = facts_of(table, rank.model)
        premium = facts.premium(ranked.group.shares)
        ends = (rank.score, rank.score_low, rank.score_high)
        known = english.rank_of(rank.model).score if english else math.nan
        rows.append(
            Choice(
                rank.model,
                shown_places(rank),
                shown_level(rank.score, None),
                shown_level_interval(rank, None),
                shown_share(ranked.best[rank.model]),
                "unknown" if math.isnan(premium) else number(premium, 2),
                memory_words(facts.memory),
                show_line(facts.licence or "unknown"),
                _x(ends[0]),
                _x(ends[1]),
                _x(ends[2]),
                "" if math.isnan(known) else _x(known),
            )
        )
    words = sentence_of(audiences, ranked, named(table))
    return Chooser(words, ranked.group.name, tuple(rows), audiences.families, audiences.shots)


def _x(level: float) -> str:
    inside = min(max(0.0 if math.isnan(level) else level, 0.0), 1.0)
    return f"{EDGE + (WIDTH - 2 * EDGE) * inside:.1f}"


def chooser_data(table: ReportTable, audiences: Audiences) -> dict[str, Any]:
    """Return everything that choice.js reads; null is unknown, scores in tenths of a percent."""
    names = named(table)
    tags = [key.removeprefix("lang=") for key in audiences.ranked if key.startswith("lang=")]
    own = [audiences.ranked[f"lang={tag}"] for tag in tags]
    facts = [facts_of(table, model) for model in audiences.models]
    return {
        "names": [names[model] for model in audiences.models],
        "memory": [memory_words(one.memory) for one in facts],
        "licence": [show_line(one.licence or "unknown") for one in facts],
        "premiums": [[_hundredths(one.premiums.get(tag)) for tag in tags] for one in facts],
        "tags": tags,
        "stderrs": [_thousandths(spread_of(ranked.means)) for ranked in own],
        "draws": ["".join(_letters(ranked, i) for ranked in own) for i in range(len(facts))],
        "keys": list(audiences.ranked),
        "groups": [_packed(audiences, ranked) for ranked in audiences.ranked.values()],
        "words": pack_sentences(
            sentence_of(audiences, ranked, names) for ranked in audiences.ranked.values()
        ),
    }


def _packed(audiences: Audiences, ranked: Ranked) -> list[Any]:
    """Return name, what was not tested, shares, and by model level, ends, places, probability.

    A country of one language has no numbers of its own.
    """
    group = ranked.group
    if len(group.shares) == 1 and not group.key.startswith("lang="):
        return [group.name, group.untested, dict.fromkeys(group.shares, 1), [], [], []]
    ranks = [ranked.rank_of(model) for model in audiences.models]
    ends = [(rank.score, rank.score_low, rank.score_high) for rank in ranks]
    shares = {} if len(group.shares) == 1 else {t: round(s, 4) for t, s in group.shares.items()}
    return [
        group.name,
        group.untested,
        shares,
        [_tenths(end) for row in ends for end in row],
        [place for rank in ranks for place in (rank.low, rank.high)],
        _tenths_of(ranked.best, audiences.models),
    ]


def _tenths_of(best: Mapping[str, float], models: Iterable[str]) -> list[int | None]:
    return [_tenths(best[model]) for model in models]


def _tenths(share: float) -> int | None:
    return None if math.isnan(share) else round(1000 * share)


def _hundredths(premium: float | None) -> int | None:
    return None if premium is None else round(100 * premium)


def _thousandths(values: Any) -> list[int | None]:
    return [None if math.isnan(value) else round(1e5 * value) for value in values]


def _letters(ranked: Ranked, model: int) -> str:
    """Write the first draws of a model as letters, so scaled that they have its standard error."""
    drawn = ranked.means.replicates[:N_DRAWS, model]
    off = np.nan_to_num(drawn - np.nanmean(drawn)) if not np.isnan(drawn).all() else 0 * drawn
    spread = float(np.nanstd(off, ddof=1))
    steps = np.rint(STEPS * np.nan_to_num(off) / spread) if spread > 0 else np.zeros(len(drawn))
    inside = np.clip(steps, -_FURTHEST, _FURTHEST).astype(int)
    return "".join(chr(_ZERO + step) for step in inside.tolist())
