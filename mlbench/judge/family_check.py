"""Is a family worth its place? What its cells in a run can tell of models and languages.

Four questions to a family: is any model above chance, do its scores repeat on other docs, does it
tell models apart, and are its choices real ones. Numbers only; family_table.py prints them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.errors import DataError, SelectionError, unknown
from mlbench.judge.chance import Place, place_of
from mlbench.judge.choice_bias import ChoiceBias, choice_bias
from mlbench.judge.tables import score_table
from mlbench.records import Cell
from mlbench.stats import Resampling, ScoreTable, benjamini_hochberg, cell_level, paired_differences
from mlbench.stats.cells import are_above_chance
from mlbench.stats.table import Floats
from mlbench.store.read import Run

Word = Literal["informative", "weak", "at chance", "no chance level"]

RELIABLE = 0.5
"""Below so much reliability more than half of the spread of scores is noise of the docs."""

MOST_LANGUAGES = 0.5
"""A model that is above chance in this share of its languages has been measured in them."""

LUCK = 0.025
"""The share of cells of a guessing model that a 95 % interval puts above chance."""

FEW_ABOVE = 0.10
"""Above chance in less than this share of cells beyond luck: nothing to speak of."""

CLEARLY = 3.0
"""Stderrs above chance that are clear in one cell looked at alone: luck has one in 740."""

FEWEST_CELLS = 3
"""Two points always lie on a line, so fewer cells have no correlation."""

RESAMPLING = Resampling()


class CellCheck(NamedTuple):
    """One cell against its chance level: `place` is that of its 95 % interval.

    `place` None: there is no chance level. Accuracy as a share of one, texts in bits per doc.
    """

    language: str
    model: str
    n_docs: int
    score: float
    low: float
    high: float
    chance: float | None
    place: Place | None


class ModelCheck(NamedTuple):
    """The cells of a model, counted. `is_clear_in_english` None: English is not there."""

    model: str
    n_cells: int
    n_above: int
    n_at: int
    n_below: int
    is_clear_in_english: bool | None
    mean: float
    choice_bias: ChoiceBias


class Reliability(NamedTuple):
    """Correlation of the cells' scores on two halves of the clusters, raw and for all clusters."""

    halves: float
    whole: float
    n_cells: int


class PairCheck(NamedTuple):
    """Where A and B differ, after Benjamini-Hochberg at 5 % over the languages both have.

    `mean_difference` is the macro mean of A - B, raw, in the unit of the scores.
    """

    a: str
    b: str
    n_languages: int
    n_higher: int
    n_lower: int
    share: float
    mean_difference: float


@dataclass(frozen=True, slots=True)
class FamilyCheck:
    """What a run says of a family at a number of shots."""

    family: str
    shots: int
    title: str
    metric: str
    verdict: Word
    models: tuple[ModelCheck, ...]
    reliability: Reliability
    pairs: tuple[PairCheck, ...]
    cells: tuple[CellCheck, ...]


def check_families(run: Run, families: Sequence[str] = ()) -> list[FamilyCheck]:
    """Check families of a run, all that have a finished cell if none is named.

    Raises SelectionError for a family that the run does not have or has no finished cell of.
    """
    see = f"mlbench list cells {run.typed}"
    there = {cell.family for cell in run.done}
    for name in families:
        if name not in run.families:
            raise SelectionError(unknown("family", name, run.families, see))
        if name not in there:
            raise SelectionError(f"no finished cell of family {name!r}. See: {see}")
    if not there:
        raise SelectionError(f"no finished cell in run {str(run.folder)!r}. See: {see}")
    keys = dict.fromkeys((column.family, column.shots) for column in run.columns)
    wanted = set(families) or there
    found = []
    for family, shots in keys:
        mine = [cell for cell in run.done if (cell.family, cell.shots) == (family, shots)]
        if mine and family in wanted:
            found.append(_check(run, family, shots, mine))
    return found


def _check(run: Run, family: str, shots: int, cells: Sequence[Cell]) -> FamilyCheck:
    facts = run.families[family]
    metric = facts["metrics"][0]
    table = score_table(run, cells, family)
    has_chance = table.measure.has_chance and facts["chance"] is not None
    checked = _cells(table, facts["chance"])
    order = [model for model in run.models if model in table.models]
    models = tuple(_model(run, table, model, checked, cells) for model in order)
    reliability = split_half(table)
    return FamilyCheck(
        family=family,
        shots=shots,
        title=facts["title"],
        metric=metric,
        verdict=verdict_word(models, reliability.whole) if has_chance else "no chance level",
        models=models,
        reliability=reliability,
        pairs=tuple(_pair(table, a, b) for a, b in combinations(order, 2)),
        cells=checked,
    )


def verdict_word(models: Sequence[ModelCheck], reliability: float) -> Word:
    """Judge a family by its models' cells and its reliability; the first rule that holds.

    informative: a model is above chance in half of its languages or more, or clearly in English,
    and reliability is 0.5 or more (unknown is not). at chance: every model is above chance in less
    than 10 % of its cells beyond the 2.5 % that luck puts there. weak: anything else.
    """
    is_measured = any(
        m.n_above >= MOST_LANGUAGES * m.n_cells or m.is_clear_in_english for m in models
    )
    if is_measured and reliability >= RELIABLE:
        return "informative"
    if all(m.n_above / m.n_cells - LUCK < FEW_ABOVE for m in models):
        return "at chance"
    return "weak"


def _cells(table: ScoreTable, nominal: float | None) -> tuple[CellCheck, ...]:
    found = []
    chances = table.chance_by_language()
    for row, tag in enumerate(table.languages):
        for place, model in enumerate(table.models):
            values = table.values[place, row]
            is_there = ~np.isnan(values)
            if not is_there.any():
                continue
            clusters = [str(code) for code in table.clusters[row, is_there]]
            level = cell_level(values[is_there], clusters, resampling=RESAMPLING)
            chance = None if nominal is None else float(chances[row])
            ends = level.estimate, level.low, level.high
            where = place_of(level.low, level.high, chance, nominal)
            found.append(CellCheck(tag, model, level.n_docs, *ends, chance, where))
    return tuple(found)


def _model(
    run: Run, table: ScoreTable, model: str, checked: Sequence[CellCheck], cells: Sequence[Cell]
) -> ModelCheck:
    mine = [cell for cell in checked if cell.model == model]
    places = [cell.place for cell in mine]
    samples = [run.done[cell].samples for cell in cells if cell.model == model]
    metric = run.families[table.family]["metrics"][0]
    return ModelCheck(
        model=model,
        n_cells=len(mine),
        n_above=places.count("above"),
        n_at=places.count("at"),
        n_below=places.count("below"),
        is_clear_in_english=_is_clear_in_english(table, model) if any(places) else None,
        mean=math.fsum(cell.score for cell in mine) / len(mine),
        choice_bias=choice_bias(samples, metric),
    )


def _is_clear_in_english(table: ScoreTable, model: str) -> bool | None:
    row = table.language_index(REFERENCE)
    if row is None or np.isnan(table.values[table.model_index(model), row]).all():
        return None
    scores = table.values[table.model_index(model), row : row + 1]
    chance = table.chance_by_language()[row : row + 1]
    return bool(are_above_chance(scores, table.clusters[row], chance, CLEARLY)[0])


def split_half(table: ScoreTable) -> Reliability:
    """Correlate the cells' scores on odd and even clusters, languages x models as the points.

    2r/(1 + r) is what all clusters would repeat (Spearman, Br. J. Psychol. 3 (1910) 271-295;
    Brown, ibid. 296-322). nan below three cells, or where a half does not vary.
    """
    halves = np.stack([_half_means(table, half) for half in (0, 1)])
    odd, even = halves[:, ~np.isnan(halves).any(axis=0)]
    n = len(odd)
    # Means of equal scores can differ in their last bit.
    if n < FEWEST_CELLS or min(np.ptp(odd), np.ptp(even)) < 1e-12:
        return Reliability(math.nan, math.nan, n)
    matrix: Floats = np.corrcoef(odd, even)
    r = float(matrix[0, 1])
    return Reliability(r, 2 * r / (1 + r) if r > -1 else math.nan, n)


def _half_means(table: ScoreTable, half: int) -> Floats:
    """Return the mean of each cell over every second cluster in the order of their ids."""
    is_in = (table.clusters >= 0) & (table.clusters % 2 == half) & ~np.isnan(table.values)
    counts = is_in.sum(axis=2)
    sums = np.where(is_in, table.values, 0.0).sum(axis=2)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / np.where(counts, counts, np.nan)).ravel()


def _pair(table: ScoreTable, a: str, b: str) -> PairCheck:
    try:
        delta = paired_differences(table, a, b, RESAMPLING).delta
    except DataError:
        # No language has scores of both.
        return PairCheck(a, b, 0, 0, 0, math.nan, math.nan)
    is_sure = benjamini_hochberg(delta.p) <= 1 - delta.level
    higher, lower = (
        int((is_sure & side).sum()) for side in (delta.estimate > 0, delta.estimate < 0)
    )
    n = len(delta.languages)
    # Adjusted by one chance level for the whole family, which is taken off again.
    raw = delta.estimate * (1.0 - float(np.nanmin(table.chance)))
    return PairCheck(a, b, n, higher, lower, (higher + lower) / n, float(raw.mean()))
