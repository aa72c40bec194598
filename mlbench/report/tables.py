"""What is in every cell of the report? One table for page, figures and CSV, apart from drawing.

A cell is in one of four states, and the three without a value say why: failed ran and broke,
missing was planned (or never requested) and has no result, no data means that the family has
no data for this language. None of them is ever a zero.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlbench import store
from mlbench.data.languages import REFERENCE
from mlbench.judge.chance import Place, cell_chance, place_of
from mlbench.judge.levels import score_levels
from mlbench.measures import cell_score, measure_of
from mlbench.records import Cell, Language
from mlbench.report.columns import Block, Quantity, adjust, blocks_of
from mlbench.report.parity import parity
from mlbench.stats import Level
from mlbench.store.read import Run

CellState = Literal["value", "failed", "missing", "no data"]


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as the reader meets it.

    `shown` is in the column's quantity (shares as shares of one). `result` is there in
    state value only, `reason` in the others. `against_chance` says on which side of the chance
    level the interval lies: "below" is below guessing, drawn to wrong choices; None: no level.
    """

    cell: Cell
    state: CellState
    quantity: Quantity
    reason: str = ""
    result: store.CellResult | None = None
    level: Level | None = None
    shown: float = math.nan
    against_chance: Place | None = None
    is_reference: bool = False
    n_truncated: int = 0


class _Reasons:
    """Why a planned or unplanned cell has no value; looked up once per run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.planned = frozenset(run.planned)

    def view(self, cell: Cell, quantity: Quantity) -> CellView:
        run = self.run
        if cell in self.planned:
            state: CellState = "failed" if run.state(cell) == "failed" else "missing"
            return CellView(cell, state, quantity, run.reason(cell))
        if reason := run.no_data.get(cell.family, {}).get(cell.language):
            return CellView(cell, "no data", quantity, reason)
        return CellView(cell, "missing", quantity, "not part of this run's plan")


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over `n` cells; nan when there is none."""

    value: float
    n: int


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ReportTable:
    """A run as languages x columns. English is first where it takes part.

    `adjusted` holds the mean adjusted score by (model, shots, tag) over the accuracy families that
    every model of those shots has in the language.
    """

    run: Run
    blocks: tuple[Block, ...]
    languages: tuple[Language, ...]
    cells: Mapping[Cell, CellView]
    adjusted: Mapping[tuple[str, int, str], Mean]

    @property
    def name(self) -> str:
        """Name the run."""
        return self.run.name

    @property
    def has_english(self) -> bool:
        """Return whether anything can be held against English."""
        return any(language.tag == REFERENCE for language in self.languages)

    def count(self, state: CellState) -> int:
        """Count the cells in a state; a cell that nobody asked for is not counted."""
        planned = frozenset(self.run.planned)
        return sum(
            view.state == state and (view.cell in planned or state == "no data")
            for view in self.cells.values()
        )


def table_from_run(run: Run) -> ReportTable:
    """Prepare everything that page, figures and CSV show of the single cells."""
    blocks = tuple(blocks_of(run))
    languages = sorted(run.languages.values(), key=lambda lang: lang.tag != REFERENCE)
    reasons = _Reasons(run)
    cells: dict[Cell, CellView] = {}
    for block in blocks:
        levels = score_levels(run, block.family, block.shots)
        for model in block.models:
            for language in languages:
                cell = Cell(model, block.family, language.tag, block.shots)
                if cell in run.done:
                    cells[cell] = _view(run, block, cell, levels.get(cell))
                else:
                    cells[cell] = reasons.view(cell, _quantity(run, block, cell))
    return ReportTable(
        run,
        blocks,
        tuple(languages),
        cells,
        _adjusted_means(run, blocks, cells),
    )


def _view(run: Run, block: Block, cell: Cell, level: Level | None) -> CellView:
    quantity = _quantity(run, block, cell)
    result = run.done[cell]
    return CellView(
        cell,
        "value",
        quantity,
        result=result,
        level=level,
        shown=_shown(result, block, quantity, run.done.get(cell._replace(language=REFERENCE))),
        against_chance=_against_chance(result, block, level),
        is_reference=quantity.is_parity and cell.language == REFERENCE,
        n_truncated=int(result.usage.get("n_truncated") or 0),
    )


def _against_chance(result: store.CellResult, block: Block, level: Level | None) -> Place | None:
    """Hold an interval against what a model has in this cell that never reads the doc."""
    if level is None:
        return None
    chance = cell_chance(result.samples, block.chance)
    return place_of(level.low, level.high, chance, block.nominal_chance)


def _quantity(run: Run, block: Block, cell: Cell) -> Quantity:
    if not block.measure.is_amount:
        return Quantity(block.measure)
    if cell._replace(language=REFERENCE) in run.done:
        return Quantity(block.measure, is_parity=True)
    return Quantity(measure_of(block.measure.alone or block.metric))


def _shown(
    result: store.CellResult, block: Block, quantity: Quantity, english: store.CellResult | None
) -> float:
    if quantity.is_parity and english is not None:
        return parity(result, english, block.metric)
    if quantity.measure is not block.measure:
        return cell_score(result.samples, quantity.measure.name).value
    return result.scores[block.metric].value


def _mean(values: list[float]) -> Mean:
    return Mean(math.fsum(values) / len(values), len(values)) if values else Mean(math.nan, 0)


def _adjusted_means(
    run: Run, blocks: tuple[Block, ...], cells: Mapping[Cell, CellView]
) -> dict[tuple[str, int, str], Mean]:
    means = {}
    scored = [block for block in blocks if block.chance is not None and block.is_pooled]
    for shots in dict.fromkeys(block.shots for block in scored):
        models = [m for m in run.models if any(m in b.models for b in scored if b.shots == shots)]
        for tag in run.languages:
            common = [b for b in scored if b.shots == shots and _all_done(b, models, tag, cells)]
            for model in models:
                views = [(b, cells[Cell(model, b.family, tag, shots)]) for b in common]
                means[model, shots, tag] = _mean([adjust(v.shown, b.chance) for b, v in views])
    return means


def _all_done(block: Block, models: list[str], tag: str, cells: Mapping[Cell, CellView]) -> bool:
    wanted = [cells.get(Cell(model, block.family, tag, block.shots)) for model in models]
    return all(view is not None and view.state == "value" for view in wanted)


def signature_hash(result: store.CellResult) -> str:
    """Shorten a signature to eight characters that tell two cells apart, as in run.json."""
    return result.signature.short
