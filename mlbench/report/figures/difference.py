"""Where is A better than B, language by language and family by family? The difference figure.

A cell is what the page shows: in parentheses within noise, coloured only after Benjamini-Hochberg,
bold after Holm as well; colours grow with the square root and end at 80 points.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes

from mlbench.report.colours import FULL_POINTS, difference_ramp
from mlbench.report.compare import Comparison, unit_of
from mlbench.report.figures.captions import (
    ADJUSTED_WORDS,
    docs_words,
    interval_words,
    n_others,
    pooled_words,
    run_line,
    shots_words,
    title_of,
)
from mlbench.report.figures.cellgrid import CellGrid, GridCell, draw_cells, ramp_key, state_keys
from mlbench.report.figures.drawing import WIDTHS
from mlbench.report.figures.layout import Key
from mlbench.report.grid import Shown, lead_cell
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, short_names, signed
from mlbench.wording import plural

RAMP_WORDS = "half of the colour: 20"


def draw_difference(table: ReportTable, comparison: Comparison, width: float = WIDTHS[-1]) -> Axes:
    """Draw languages x families, A − B, on a page of `width` inches.

    The comparison must have a verdict. Raises SelectionError if the families do not fit.
    """
    return draw_cells(difference_grid(table, comparison), width)


def difference_grid(table: ReportTable, comparison: Comparison) -> CellGrid:
    """Prepare the difference figure of a pair."""
    names = short_names(list(table.run.models), 24)
    a, b = names[comparison.pair.a], names[comparison.pair.b]
    blocks = list(comparison.blocks.values())
    rows = tuple(
        tuple(_cell(lead_cell(comparison, block, language.tag)) for block in blocks)
        for language in table.languages
    )
    full = signed(FULL_POINTS, 0)
    keys = (
        ramp_key(f"{signed(-FULL_POINTS, 0)} or less", difference_ramp(), f"{full} or more"),
        Key(RAMP_WORDS),
        Key("colour: significant after Benjamini–Hochberg correction"),
        Key("bold: also after Holm"),
        Key("(…): interval includes 0"),
        *(key._replace(text="not compared") for key in state_keys(rows)),
    )
    counts = [lead.n_docs for lead in comparison.leads.values()]
    foot = (
        f"{shots_words(comparison.pair.shots)} {docs_words(counts)}. {interval_words(comparison)}"
    )
    return CellGrid(
        difference_claim(comparison, a, b),
        tuple(title_of(block) for block in blocks),
        table.languages,
        rows,
        "families",
        "choose with --family, for example: --family "
        + " ".join(block.family for block in blocks[:2]),
        keys,
        (f"{a} − {b}: {_units(comparison)}. {ADJUSTED_WORDS}", run_line(table, foot)),
    )


def difference_claim(comparison: Comparison, a: str, b: str) -> str:
    """Return as text in how many languages A is better, and the mean lead with its interval."""
    verdict = comparison.verdict
    assert verdict is not None
    counts, n = verdict["counts"]["delta"], n_others(comparison)
    better, worse = counts["better_holm"], counts["worse_holm"]
    others = pooled_words(comparison, "others")
    mean = f"; on average {others}" if others else ""
    return (
        f"{a} is better than {b} in {better} of {plural(n, 'language')} other than English, worse "
        f"in {worse}, and in {n - better - worse} equal or undetermined (Holm){mean}"
    )


def _cell(shown: Shown) -> GridCell:
    """Take text and state over from the cell of the page; its class d0 and up is the colour."""
    if shown.css.startswith("x"):
        return GridCell(state="missing")
    step = shown.css.removeprefix("d")
    colour = difference_ramp()[int(step)] if step.isdecimal() else None
    return GridCell(shown.text, colour=colour, is_bold=shown.mark == "H")


def _units(comparison: Comparison) -> str:
    units: dict[str, list[str]] = {}
    for block in comparison.blocks.values():
        units.setdefault(unit_of(block), []).append(title_of(block))
    if len(units) == 1:
        return next(iter(units))
    return "; ".join(f"{unit} in {_listed(titles)}" for unit, titles in units.items())


def _listed(titles: Sequence[str]) -> str:
    return join(list(titles))
