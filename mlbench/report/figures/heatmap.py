"""How good is each model in each language, and one model in each family? Heatmap and profile.

Both are grids of cells (cellgrid) prepared from the report's table, with its numbers and states.
"""

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError
from mlbench.records import Cell, Language
from mlbench.report.colours import Colour, parity_ramp, score_ramp, step_of
from mlbench.report.columns import Block
from mlbench.report.figures.captions import (
    chance_words,
    docs_of,
    docs_words,
    run_line,
    shots_words,
    title_of,
)
from mlbench.report.figures.cellgrid import CellGrid, GridCell, draw_cells, ramp_key, state_keys
from mlbench.report.figures.drawing import WIDTHS
from mlbench.report.figures.layout import Key
from mlbench.report.grid import BELOW_CHANCE, shown_text
from mlbench.report.leaders import LanguageLevel, language_levels
from mlbench.report.ranking import order_of
from mlbench.report.tables import CellView, ReportTable
from mlbench.report.text import percent, short_names, show_line
from mlbench.wording import plural

TRUNCATED, CAVEAT = "†", "(!)"
FEWER = "choose with --models, for example: --models {}"


def draw_heatmap(
    table: ReportTable,
    family: str | None = None,
    models: Sequence[str] = (),
    width: float = WIDTHS[-1],
) -> Axes:
    """Draw languages x models on a page of `width` inches: mean adjusted scores, or one family.

    Raises SelectionError if there is nothing to average or the models do not fit.
    """
    return draw_cells(heatmap_grid(table, family, models), width)


def draw_profile(table: ReportTable, model: str, width: float = WIDTHS[-1]) -> Axes:
    """Draw languages x families of one model on a page of `width` inches.

    Raises SelectionError if the families do not fit.
    """
    return draw_cells(profile_grid(table, model), width)


def heatmap_grid(
    table: ReportTable, family: str | None = None, models: Sequence[str] = ()
) -> CellGrid:
    """Prepare the heatmap: of a family at its fewest shots, or of the mean adjusted score."""
    if family is not None:
        block = next(block for block in table.blocks if block.family == family)
        return _family_grid(table, block, models)
    shots = min((shots for _, shots, _ in table.adjusted), default=None)
    if shots is None:
        raise SelectionError(
            "no family of this run has a chance level, so there is no mean adjusted score. "
            f"Type --family {table.blocks[0].family}"
        )
    return _mean_grid(table, shots, models)


def _mean_grid(table: ReportTable, shots: int, models: Sequence[str]) -> CellGrid:
    have = dict.fromkeys(model for model, its_shots, _ in table.adjusted if its_shots == shots)
    chosen = [m for m in order_of(table) if m in have and (not models or m in models)]
    names, levels = short_names(list(table.run.models), 24), language_levels(table)
    means = {
        (model, language.tag): table.adjusted[model, shots, language.tag]
        for model in chosen
        for language in table.languages
    }
    rows = [
        [_mean_cell(means[m, x.tag].value, levels.get((m, shots, x.tag))) for m in chosen]
        for x in table.languages
    ]
    values = {key: mean.value for key, mean in means.items()}
    blocks = [b for b in table.blocks if b.shots == shots and b.chance is not None]
    fewest = min((mean.n for mean in means.values() if mean.n), default=0)
    most = max((mean.n for mean in means.values()), default=0)
    n_families = plural(most, "family", "families") if fewest == most else f"{fewest} to {most}"
    title = _claim("Mean adjusted score", {m: names[m] for m in chosen}, values, table.languages)
    what = (
        f"Adjusted score: (accuracy − chance) / (1 − chance), in percent; mean over the families "
        f"that every model has in the language ({n_families}), in {_titles(blocks)}."
    )
    views = _views(table, blocks, chosen)
    return CellGrid(
        title,
        tuple(names[model] for model in chosen),
        table.languages,
        tuple(map(tuple, rows)),
        "models",
        FEWER.format(" ".join(chosen[:2])),
        (ramp_key("0 (chance)", score_ramp(), "100"), *_keys(rows, table.languages)),
        (what, run_line(table, _foot(blocks, views))),
    )


def _family_grid(table: ReportTable, block: Block, models: Sequence[str]) -> CellGrid:
    names = short_names(list(table.run.models), 24)
    chosen = [m for m in order_of(table) if m in block.models and (not models or m in models)]
    cells = {
        (m, lang.tag): table.cells[Cell(m, block.family, lang.tag, block.shots)]
        for m in chosen
        for lang in table.languages
    }
    rows = [[grid_cell(cells[m, lang.tag], block) for m in chosen] for lang in table.languages]
    quantity = next(iter(cells.values())).quantity
    values = {key: view.shown if quantity.is_share else math.nan for key, view in cells.items()}
    title = _claim(
        f"{title_of(block)}, {quantity.words}",
        {model: names[model] for model in chosen},
        values,
        table.languages,
    )
    return CellGrid(
        title,
        tuple(names[model] for model in chosen),
        table.languages,
        tuple(map(tuple, rows)),
        "models",
        FEWER.format(" ".join(chosen[:2])),
        (*_ramps(cells.values()), *_keys(rows, table.languages)),
        (run_line(table, _foot([block], cells.values())),),
    )


def profile_grid(table: ReportTable, model: str) -> CellGrid:
    """Prepare the profile of a model: its families, at all shots, in every language."""
    blocks = [block for block in table.blocks if model in block.models]
    name = short_names(list(table.run.models), 40)[model]
    views = _views(table, blocks, [model])
    rows = [
        [grid_cell(table.cells[Cell(model, b.family, lang.tag, b.shots)], b) for b in blocks]
        for lang in table.languages
    ]
    return CellGrid(
        _profile_claim(name, views),
        tuple(title_of(block) for block in blocks),
        table.languages,
        tuple(map(tuple, rows)),
        "families",
        "choose with --family, for example: --family "
        + " ".join(dict.fromkeys(block.family for block in blocks[:2])),
        (*_ramps(views), *_keys(rows, table.languages)),
        (run_line(table, _foot(blocks, views)),),
    )


def _profile_claim(name: str, views: Sequence[CellView]) -> str:
    known = [view for view in views if view.against_chance is not None]
    other = [view for view in known if view.cell.language != REFERENCE]
    n_above = sum(view.against_chance == "above" for view in other)
    if not other:
        return f"{name} in every family and language"
    return (
        f"{name} is above chance in {n_above:,} of {len(other):,} cells (family × language) "
        "outside English (95 % intervals, uncorrected)"
    )


def grid_cell(view: CellView, block: Block) -> GridCell:
    """Turn a cell of the report into one of a figure."""
    if view.state != "value":
        return GridCell(state=view.state)
    mark = TRUNCATED if view.n_truncated else ""
    if view.is_reference:
        return GridCell("base" + mark)
    mark += BELOW_CHANCE if view.against_chance == "below" else ""
    is_level = view.against_chance not in ("at", "below")
    return GridCell(shown_text(view) + mark, colour=colour_of(view, block), is_level=is_level)


def colour_of(view: CellView, block: Block) -> Colour | None:
    """Return the colour of a cell with a value; None where a value has no scale."""
    if math.isnan(view.shown) or view.is_reference:
        return None
    fill = view.quantity.fill(view.shown, block.chance)
    if fill is None:
        return None
    ramp = parity_ramp() if view.quantity.is_parity else score_ramp()
    return ramp[step_of(fill[1])]


def _mean_cell(value: float, level: LanguageLevel | None) -> GridCell:
    if math.isnan(value):
        return GridCell(state="missing")
    place = level.against_chance if level else None
    mark = BELOW_CHANCE if place == "below" else ""
    colour = score_ramp()[step_of(value)]
    return GridCell(percent(value) + mark, colour=colour, is_level=place not in ("at", "below"))


def _claim(
    what: str,
    names: dict[str, str],
    values: dict[tuple[str, str], float],
    languages: Sequence[Language],
) -> str:
    """Return what the means over the languages other than English are, all models alike."""
    others = [language.tag for language in languages if language.tag != REFERENCE]
    common = [tag for tag in others if not any(math.isnan(values[m, tag]) for m in names)]
    if not common or not names:
        return what
    means = {m: math.fsum(values[m, tag] for tag in common) / len(common) for m in names}
    scope = f"mean over {plural(len(common), 'language')}"
    scope += " other than English" if len(others) < len(languages) else ""
    if len(means) <= 2:
        each = ", ".join(f"{percent(mean)} ({names[m]})" for m, mean in means.items())
        return f"{what}: {each}; {scope}"
    low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    return (
        f"{what}: from {percent(means[low])} ({names[low]}) to {percent(means[high])} "
        f"({names[high]}); {scope}"
    )


def _views(table: ReportTable, blocks: Sequence[Block], models: Sequence[str]) -> list[CellView]:
    return [
        table.cells[Cell(model, block.family, language.tag, block.shots)]
        for block in blocks
        for model in models
        if model in block.models
        for language in table.languages
    ]


def _titles(blocks: Sequence[Block]) -> str:
    return ", ".join(show_line(block.title, 40) for block in blocks)


def _ramps(views: Iterable[CellView]) -> list[Key]:
    quantities = {view.quantity for view in views}
    keys = []
    if any(quantity.measure.has_chance for quantity in quantities):
        keys.append(ramp_key("accuracy: chance", score_ramp(), "100"))
    for quantity in sorted(quantities, key=lambda quantity: quantity.words):
        measure = quantity.measure
        is_range = not measure.has_chance and not quantity.is_parity
        if is_range and quantity.fill(measure.high, None) is not None:
            ends = (f"{measure.title}: {measure.format(measure.low)}", measure.format(measure.high))
            keys.append(ramp_key(ends[0], score_ramp(), ends[1]))
    if any(quantity.is_parity for quantity in quantities):
        keys.append(ramp_key("parity: 0", parity_ramp(), "100 (English)"))
    return keys


def _keys(rows: Sequence[Sequence[GridCell]], languages: Sequence[Language]) -> list[Key]:
    keys = list(state_keys(rows))
    if any(TRUNCATED in cell.text for row in rows for cell in row):
        keys.append(Key(f"{TRUNCATED} some requests truncated"))
    if any(language.caveats for language in languages):
        keys.append(Key(f"{CAVEAT} known problem with the text"))
    return keys


def _foot(blocks: Sequence[Block], views: Iterable[CellView]) -> str:
    metrics = {block.family: block.metric for block in blocks}
    shots = {block.shots for block in blocks}
    words = [f"{docs_words(docs_of(views, metrics))}.", chance_words(blocks)]
    if len(shots) == 1:
        words.insert(0, shots_words(next(iter(shots))))
    return " ".join(word for word in words if word)
