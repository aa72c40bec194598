"""Which model is first, and which models cannot be told apart?

The level of a model is the mean over languages of the mean adjusted score that the table shows:
in each language over the families that every ranked model has there. English stands beside it, not
in it, as in the mean row of the table. Docs are resampled in each family; the families are held
fixed, so ranks hold for these families and say nothing about others. That is why a joint ranking is
sound: no spread between families is estimated. The ranks of each family alone are beside it, which
shows a level that one family makes by itself.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlbench.data.languages import REFERENCE
from mlbench.measures import Measure
from mlbench.report.complete_block import (
    Found,
    RankQuestion,
    alike,
    part_of,
    rank_parts,
    too_few_cells,
)
from mlbench.report.once import once_a_table
from mlbench.report.retention import Kept, retention_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, join, number, percent, short_names
from mlbench.stats import Rank, Ranking, Resampling
from mlbench.wording import plural

WIDTH, EDGE = 200.0, 6.0
"""Width of the drawing of a row, and what stays free at its ends, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class RankRow:
    """One model. `x`, `x_low`, `x_high` are positions in the drawing; texts are ready to show."""

    model: str
    rank: str
    score: float
    level: str
    interval: str
    english: str
    keeps: str
    x: float
    x_english: float | None
    x_low: float
    x_high: float
    ranks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RankTable:
    """All models at a number of shots, best first; `unranked` says why a model has no rank.

    `families` are the titles of the columns of ranks; `left_out` says what is not used.
    """

    shots: int
    is_adjusted: bool
    is_less_better: bool
    sentence: str
    basis: str
    level_name: str
    families: tuple[str, ...]
    axis: tuple[str, str]
    rows: tuple[RankRow, ...]
    unranked: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]


@once_a_table
def rankings_of(table: ReportTable) -> list[RankTable]:
    """Rank the models at each number of shots, as the page shows it."""
    return rank_tables(table, Resampling()) if table.run.done else []


def rank_tables(table: ReportTable, resampling: Resampling) -> list[RankTable]:
    """Rank the models at each number of shots; none where there are fewer than two."""
    found = []
    for shots in dict.fromkeys(block.shots for block in table.blocks):
        blocks = tuple(b for b in table.blocks if b.shots == shots)
        models = tuple(m for m in table.run.models if any(m in b.models for b in blocks))
        question = RankQuestion(table, shots, blocks, models)
        if len(models) > 1 and question.joint:
            found.append(_rank_table(question, resampling))
    return found


def order_of(table: ReportTable) -> list[str]:
    """List the models, the best by the ranking first; those without a rank are last.

    At several numbers of shots it is the order at the first that has one.
    """
    ranked = next(([row.model for row in one.rows] for one in rankings_of(table) if one.rows), [])
    return [*ranked, *(model for model in table.run.models if model not in ranked)]


def _rank_table(question: RankQuestion, resampling: Resampling) -> RankTable:
    unranked = too_few_cells(question)
    ranked = [model for model in question.models if model not in unranked]
    parts, left_out = [], []
    for block in question.blocks:
        part, why = part_of(question.table, block, ranked)
        parts += [part] if part else []
        left_out += why
    parts = alike(parts)
    inside = [part for part in parts if part.block in question.joint]
    if len(ranked) < 2 or not inside:
        return _no_ranking(question, unranked, left_out)
    found = rank_parts(parts, inside, ranked, resampling)
    blocks = [part.block for part in inside]
    is_adjusted = question.measure is None
    kept = retention_of(question.table, blocks, ranked, resampling) if is_adjusted else {}
    names = short_names(list(question.table.run.models))
    low, high = _ends(found.joint, is_adjusted=question.measure is None)
    measure = question.measure
    return RankTable(
        question.shots,
        measure is None,
        measure is not None and not measure.higher_is_better,
        _sentence(found.joint, names),
        _basis(found, len(ranked), resampling),
        f"{inside[0].block.title}, {measure.title}" if measure else "Mean adjusted score",
        tuple(part.block.title for part in parts) if len(parts) > 1 else (),
        (shown_level(low, measure), shown_level(high, measure)),
        tuple(
            _row(question, rank, found, (low, high), kept.get(rank.model))
            for rank in found.joint.ranks
        ),
        tuple(unranked.items()),
        tuple(left_out),
    )


def _no_ranking(
    question: RankQuestion, unranked: Mapping[str, str], left_out: list[str]
) -> RankTable:
    why = "no language and family is left that two models have in common"
    reasons = {model: unranked.get(model, why) for model in question.models}
    return RankTable(
        question.shots,
        question.measure is None,
        False,
        f"The order of the models is undetermined: {why}.",
        "",
        "Mean adjusted score",
        (),
        ("", ""),
        (),
        tuple(reasons.items()),
        tuple(left_out),
    )


def _sentence(ranking: Ranking, names: Mapping[str, str]) -> str:
    """Return as text who is first, if anybody is, and who cannot be separated."""
    first = ranking.ranks[0]
    words = f"{names[first.model]} is ahead of every other model in these families and languages"
    if first.high > 1:
        words = "No model is first alone"
    ties = [f"{join([names[m] for m in tie])} cannot be separated" for tie in ranking.ties]
    return f"{words}{': ' if first.high > 1 else '; '}{'; '.join(ties)}." if ties else f"{words}."


def _basis(found: Found, n_models: int, resampling: Resampling) -> str:
    """State the eligible set: models, languages, families and cells, and how ranks are made."""
    tags = {tag for part in found.inside for tag in part.scores.languages}
    n_cells = sum(len(part.scores.languages) for part in found.inside)
    titles = join([f"{p.block.title} ({len(p.scores.languages)})" for p in found.inside])
    english = "" if tags == {REFERENCE} else " without English"
    who = "both models" if n_models == 2 else f"all {n_models} ranked models"
    n_pairs = n_models * (n_models - 1) // 2
    return (
        f"Over {plural(len(tags), 'language')}{english} and the "
        f"{plural(n_cells, 'cell')} of these that {who} have, "
        f"by family: {titles}. Intervals at {100 * resampling.level:.0f} %, "
        f"ranks after Holm correction over {plural(n_pairs, 'pair')} of models."
    )


def _ends(ranking: Ranking, *, is_adjusted: bool) -> tuple[float, float]:
    """Return round ends of the axis that all known intervals are between; 0 to 1 if adjusted."""
    known = [end for rank in ranking.ranks for end in (rank.score_low, rank.score, rank.score_high)]
    known = [end for end in known if not math.isnan(end)]
    if is_adjusted:
        return math.floor(10 * min(0.0, *known)) / 10, 1.0
    span = max(known) - min(known)
    step = 10.0 ** math.floor(math.log10(span)) if span > 0 else 0.1
    low, high = math.floor(min(known) / step) * step, math.ceil(max(known) / step) * step
    return low, high if high > low else low + step


def shown_level(level: float, measure: Measure | None) -> str:
    """Write a level, of adjusted scores in percent, in the unit that is shown."""
    return percent(level) if measure is None else number(_scale(measure) * level, measure.digits)


def _scale(measure: Measure | None) -> float:
    """Return what turns a level, of which more is always better, into the number that is shown."""
    return 100.0 if measure is None else measure.sign * measure.factor


def shown_level_interval(rank: Rank, measure: Measure | None) -> str:
    """Write the interval of a level in the unit that is shown."""
    scale = _scale(measure)
    low, high = sorted((scale * rank.score_low, scale * rank.score_high))
    return interval(low, high)


def shown_places(rank: Rank) -> str:
    """Write the places that a model can have."""
    return f"{rank.low}" if rank.low == rank.high else f"{rank.low}–{rank.high}"


def _keeps(kept: Kept | None) -> str:
    if kept is None:
        return number(None)
    return f"{percent(kept.value, 0)} % {interval(100 * kept.low, 100 * kept.high, 0)}"


def _row(
    question: RankQuestion, rank: Rank, found: Found, ends: tuple[float, float], kept: Kept | None
) -> RankRow:
    low, high = ends

    def x(level: float) -> float:
        inside = min(max(level, low), high)
        return round(EDGE + (WIDTH - 2 * EDGE) * (inside - low) / (high - low), 1)

    english = question.table.adjusted.get((rank.model, question.shots, REFERENCE))
    alone = [next(r for r in ranking.ranks if r.model == rank.model) for ranking in found.alone]
    return RankRow(
        rank.model,
        shown_places(rank),
        rank.score,
        shown_level(rank.score, question.measure),
        shown_level_interval(rank, question.measure),
        percent(english.value) if english else number(None),
        _keeps(kept),
        x(rank.score),
        x(english.value) if english and english.n else None,
        x(rank.score if math.isnan(rank.score_low) else rank.score_low),
        x(rank.score if math.isnan(rank.score_high) else rank.score_high),
        tuple(map(shown_places, alone)) if len(alone) > 1 else (),
    )
