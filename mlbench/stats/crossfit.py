"""How large is the lead where at least one model is above chance? Languages chosen by other docs.

To choose languages by the docs that give their lead makes it too large (the winner's curse): with
six docs a lead of 30 points became 62. So the clusters of docs are cut in two halves; each half
chooses the languages, and the other one gives their lead (cross-fitting: Chernozhukov et al.,
Econometrics Journal 21 (2018) C1-C68, section 3).
"""

from collections.abc import Sequence
from typing import NamedTuple

from mlbench.stats.aggregates import languages_at_chance, mean_of_families
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.differences import Headline, headline_of
from mlbench.stats.pairs import pair_levels
from mlbench.stats.table import REFERENCE_LANGUAGE, ScoreTable


class Half(NamedTuple):
    """Languages chosen on one half of the docs, and what the other half says of them."""

    languages: tuple[str, ...]
    headline: Headline


def halves_of(table: ScoreTable, a: str, b: str, resampling: Resampling) -> list[Half]:
    """Choose by the even clusters and measure on the odd ones, and the other way round.

    A half that chooses no language, or has no English, is left out; bits choose nothing.
    """
    if not table.measure.has_chance:
        return []
    is_odd = table.clusters % 2 == 1
    found = []
    for gate in (~is_odd, is_odd):
        chosen = _above_chance(table.with_docs(gate), (a, b))
        measured = table.with_docs(~gate).select((*chosen, REFERENCE_LANGUAGE))
        measured = measured.select(
            tag
            for tag, is_there in zip(measured.languages, measured.covers((a, b)), strict=True)
            if is_there
        )
        if not measured.languages:
            continue
        headline = headline_of(pair_levels(measured, a, b, resampling))
        if headline is not None:
            languages = tuple(tag for tag in measured.languages if tag != REFERENCE_LANGUAGE)
            found.append(Half(languages, headline))
    return found


def _above_chance(table: ScoreTable, models: tuple[str, str]) -> tuple[str, ...]:
    at_chance = set(languages_at_chance(table, models))
    return tuple(t for t in table.languages if t not in at_chance and t != REFERENCE_LANGUAGE)


def mean_of_halves(halves: Sequence[Half]) -> Headline | None:
    """Average what the halves say; None where no half chose a language."""
    parts = [mean_of_families([half.headline[i] for half in halves]) for i in range(3)]
    english, others, beyond = parts
    if english is None or others is None or beyond is None:
        return None
    return Headline(english, others, beyond)


def count_chosen(halves: Sequence[Half]) -> int:
    """Count the languages that any half chose."""
    return len({tag for half in halves for tag in half.languages})
