"""What stands in each cell of the page's table? Text, class and what stands behind it.

A class never carries alone what a reader must know: a difference within noise is in parentheses, a
cell without value says which of the three states it is in, and the tooltip has everything in words.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from mlbench.data.languages import REFERENCE
from mlbench.measures import words_beside
from mlbench.records import Cell
from mlbench.report.colours import difference_step, step_of
from mlbench.report.columns import Block, Quantity
from mlbench.report.compare import Comparison, LanguageLead, unit_of
from mlbench.report.leaders import LanguageLevel
from mlbench.report.tables import CellView, Mean, ReportTable
from mlbench.report.text import interval, number, p_value, percent, show_line, signed
from mlbench.wording import plural

NOT_EVALUATED = "–"
TRUNCATED = "†"
BELOW_CHANCE, TOP = "▼", "●"
CHANCE_WORDS = {
    "at": "not above chance",
    "below": "below chance: drawn to wrong choices, not guessing",
}
CHANCE_STATES = {"at": "nac", "below": "below"}
"""Classes of scores that are not above chance: they have no colour, since they are no level."""

MISSING_STATES = {"failed": "xf", "missing": "xm", "no data": "xn"}


class Shown(NamedTuple):
    """One cell of the page: text, classes, tooltip; `mark` follows the text, raised."""

    text: str
    css: str
    title: str
    mark: str = ""


def cells_html(cells: Sequence[Shown], is_more: Sequence[bool]) -> Markup:
    """Write the cells of a row that stand in the markup: those of no column that `is_more`.

    What stands behind a cell is not here but in the data of the page, from where the script gives
    it to tooltip, strip and language page.
    """
    shown = [cell for cell, more in zip(cells, is_more, strict=True) if not more]
    return Markup("").join(map(_cell_html, shown))


def _cell_html(cell: Shown) -> Markup:
    mark = Markup("<sup>{}</sup>").format(cell.mark) if cell.mark else ""
    return Markup('<td class="{}">{}{}').format(cell.css, cell.text, mark)


def score_cell(view: CellView, block: Block) -> Shown:
    """Show the score of a model in a language."""
    if view.state != "value":
        css = MISSING_STATES[view.state]
        return Shown(
            f"{NOT_EVALUATED} {view.state}", css, f"{view.state}: {show_line(view.reason)}"
        )
    mark = TRUNCATED if view.n_truncated else ""
    if view.is_reference:
        return Shown("base", "base", f"the reference of this column. {_details(view, block)}", mark)
    css = CHANCE_STATES.get(view.against_chance or "", "")
    css = css or _fill_of(view.quantity, view.shown, block)
    if view.against_chance == "below":
        mark = BELOW_CHANCE + mark
    return Shown(shown_text(view), css, _details(view, block), mark)


def shown_text(view: CellView) -> str:
    """Format the value of a cell."""
    return view.quantity.text(view.shown)


def _fill_of(quantity: Quantity, value: float, block: Block) -> str:
    fill = None if math.isnan(value) else quantity.fill(value, block.chance)
    return f"{fill[0]}{step_of(fill[1])}" if fill else "plain"


def _details(view: CellView, block: Block) -> str:
    """Return as text what is behind a score; every metric of the cell is in scores.csv."""
    assert view.result is not None
    score = view.result.scores[block.metric]
    parts = [_value_words(view, block), f"n {score.n_docs}"]
    if block.chance is not None:
        parts.append(f"chance {percent(block.chance)}")
    if view.against_chance in CHANCE_WORDS:
        parts.append(CHANCE_WORDS[view.against_chance])
    parts += words_beside(block.measure, view.result.scores)
    if view.n_truncated:
        parts.append(f"{plural(view.n_truncated, 'request')} truncated")
    return "; ".join(parts)


def _value_words(view: CellView, block: Block) -> str:
    level = view.level
    assert view.result is not None
    value = view.result.scores[block.metric].value
    scale = block.measure.factor
    words = f"{block.metric} {number(scale * value)}"
    if level is not None:
        words += f" {interval(scale * level.low, scale * level.high)}"
        words += f" {100 * level.level:.0f} % {level.method}"
    if view.quantity.is_parity:
        words = f"parity {percent(view.shown)}; {words}"
    return words


def lead_cell(comparison: Comparison | None, block: Block, tag: str) -> Shown:
    """Show the lead of A over B in a language, in the unit of its block."""
    if comparison is None:
        return Shown(NOT_EVALUATED, "xm", "missing: not both models have this family")
    lead = comparison.leads.get((block.family, tag))
    if lead is None:
        fallback = comparison.problem or "no score of both models"
        reason = comparison.reasons.get((block.family, tag), fallback)
        return Shown(NOT_EVALUATED, "xm", f"not compared: {show_line(reason)}")
    alpha = 1 - float(comparison.verdict["level"]) if comparison.verdict else 0.05
    title = _lead_words(comparison, block, lead, tag)
    if math.isnan(lead.value):
        return Shown(NOT_EVALUATED, "xm", title)
    if lead.is_within_noise:
        return Shown(f"({signed(lead.value)})", "ns", title)
    if not lead.side(lead.q, alpha):
        return Shown(signed(lead.value), "plain", title)
    mark = "H" if lead.side(lead.p_holm, alpha) else "B"
    return Shown(signed(lead.value), f"d{difference_step(lead.value)}", title, mark)


def _lead_words(comparison: Comparison, block: Block, lead: LanguageLead, tag: str) -> str:
    level = float(comparison.verdict["level"]) if comparison.verdict else 0.95
    words = (
        f"{signed(lead.value)} {unit_of(block)} {interval(lead.low, lead.high)} "
        f"{100 * level:.0f} % paired bootstrap; n {lead.n_docs}; p {p_value(lead.p)}, "
        f"BH {p_value(lead.q)}, Holm {p_value(lead.p_holm)}"
    )
    if tag != REFERENCE and not math.isnan(lead.moat):
        words += f"; beyond English {signed(lead.moat)} {interval(lead.moat_low, lead.moat_high)}"
    return words


def adjusted_cell(mean: Mean | None, most: int, level: LanguageLevel | None) -> Shown:
    """Show a mean adjusted score on the ramp of scores, with its interval where that is known.

    Raised: a dot at the best, and of how many families, if fewer than the `most` of a language.
    """
    if mean is None or not mean.n:
        return Shown(NOT_EVALUATED, "xm", "missing: no family that every model has here")
    of = f"mean of {plural(mean.n, 'family', 'families')} that every model has here"
    mark = str(mean.n) if mean.n < most else ""
    if level is None:
        words = f"{percent(mean.value)}, interval unknown: the models have different docs; {of}"
        return Shown(percent(mean.value), f"s{step_of(mean.value)}", words, mark)
    ends = interval(100 * level.low, 100 * level.high)
    title = f"{percent(mean.value)} {ends} 95 %; {of}"
    if level.against_chance in CHANCE_WORDS:
        title += f"; {CHANCE_WORDS[level.against_chance]}"
    css = CHANCE_STATES.get(level.against_chance or "", f"s{step_of(mean.value)}")
    if level.against_chance == "below":
        mark = BELOW_CHANCE + mark
    if level.is_top:
        mark, title = TOP + mark, f"{title}; no model is shown to be better here"
    return Shown(percent(mean.value), css, title, mark)


def macro_cell(table: ReportTable, block: Block, model: str, tags: Sequence[str]) -> Shown:
    """Show the macro mean of a column over those of some languages that all its models have."""
    if block.measure.is_of_language:
        words = f"not averaged: {block.measure.unit} of different languages has no common unit"
        return Shown(NOT_EVALUATED, "xm", words)
    common = [tag for tag in tags if _have_all(table, block, tag)]
    views = [table.cells[Cell(model, block.family, tag, block.shots)] for tag in common]
    known = [view.shown for view in views if not math.isnan(view.shown)]
    if not known:
        return Shown(NOT_EVALUATED, "xm", "missing: no language that every model has")
    mean, quantity = math.fsum(known) / len(known), views[0].quantity
    words = f"macro mean over {plural(len(known), 'language')} without English"
    return Shown(quantity.text(mean), _fill_of(quantity, mean, block), words)


def _have_all(table: ReportTable, block: Block, tag: str) -> bool:
    cells = (Cell(model, block.family, tag, block.shots) for model in block.models)
    return all(table.cells[cell].state == "value" for cell in cells)
