"""What does a model card or a paper quote? Two tables as Markdown or LaTeX, and a badge of a claim.

Numbers and their order are those of the page: the ranking, and the mean adjusted score in every
language. The best of a language, with all that cannot be told apart from it, are bold; a score that
is not above chance is in parentheses.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import escape

from mlbench.errors import SelectionError
from mlbench.judge.chance import Place
from mlbench.measures import scale_of
from mlbench.report.answer import WORDS
from mlbench.report.compare import Comparison, compare, pairs_of
from mlbench.report.figures.captions import docs_of, docs_words, run_line
from mlbench.report.figures.drawing import text_width
from mlbench.report.leaders import language_levels
from mlbench.report.overview import groups_of
from mlbench.report.ranking import RankTable, order_of, rankings_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import interval, percent, short_names, show_line, signed
from mlbench.stats import Resampling

Format = Literal["markdown", "latex"]

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")

COLOURS = {
    "supported": "#1f4e8c",
    "refuted": "#8f4504",
    "equivalent": "#3d444d",
    "undetermined": "#57606a",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """A cell: text, and how it stands out."""

    text: str
    is_best: bool = False
    is_level: bool = True


@dataclass(frozen=True, slots=True)
class QuotedTable:
    """A table with its caption; the first column is text, the others are numbers."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Quote, ...], ...]


def tables_text(table: ReportTable, form: Format) -> str:
    """Write the tables of a run in a format; raises SelectionError if it has no such scores."""
    if not table.adjusted:
        raise SelectionError(
            "no family of this run has a chance level, so there is no mean adjusted score to "
            f"quote. Type: mlbench export {table.run.typed} --format csv"
        )
    write = _markdown if form == "markdown" else _latex
    return "\n".join(write(one) for one in _quoted_tables(table))


def _quoted_tables(table: ReportTable) -> list[QuotedTable]:
    shots = min(shots for _, shots, _ in table.adjusted)
    names = short_names(list(table.run.models))
    models = [m for m in order_of(table) if (m, shots, table.languages[0].tag) in table.adjusted]
    metrics = {b.family: b.metric for b in table.blocks if b.chance is not None}
    titles = ", ".join(b.title for b in table.blocks if b.chance is not None and b.shots == shots)
    basis = (
        f"Mean adjusted score, (accuracy − chance) / (1 − chance), in percent; mean over {titles}; "
        f"{shots}-shot; {docs_words(docs_of(table.cells.values(), metrics))}. {run_line(table)}"
    )
    ranking = next((r for r in rankings_of(table) if r.shots == shots and r.rows), None)
    found: list[QuotedTable] = []
    if ranking:
        found.append(_ranking_table(ranking, names, basis))
    cells = (
        "Bold: no model is shown to be better in the language, and one is shown to be worse. "
        "In parentheses: not above chance. "
    )
    tags = [tag for group in groups_of(table) for tag in group.tags]
    rows = tuple(
        (
            Quote(show_line(table.run.languages[tag].name)),
            *(_quote(table, model, shots, tag) for model in models),
        )
        for tag in tags
        if any(table.adjusted[model, shots, tag].n for model in models)
    )
    heads = ("Language", *(names[model] for model in models))
    return [*found, QuotedTable(f"Levels by language. {cells}{basis}", heads, rows)]


def _ranking_table(ranking: RankTable, names: Mapping[str, str], basis: str) -> QuotedTable:
    rows = tuple(
        tuple(map(Quote, (names[r.model], r.rank, r.level, r.interval, r.english)))
        for r in ranking.rows
    )
    heads = ("Model", "Rank", "Level", "95 % interval", "In English")
    return QuotedTable(f"Ranking. {ranking.basis} {basis}", heads, rows)


def _quote(table: ReportTable, model: str, shots: int, tag: str) -> Quote:
    mean = table.adjusted[model, shots, tag]
    level = language_levels(table).get((model, shots, tag))
    place: Place | None = level.against_chance if level else None
    is_best = level is not None and level.is_top
    return Quote(percent(mean.value), is_best, place not in ("at", "below"))


def _markdown(table: QuotedTable) -> str:
    def cell(quote: Quote) -> str:
        text = _MARKDOWN.sub(r"\\\1", show_line(quote.text))
        text = text if quote.is_level else f"({text})"
        return f"**{text}**" if quote.is_best else text

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    heads = line([cell(Quote(head)) for head in table.heads])
    rule = line(["---", *("---:" for _ in table.heads[1:])])
    rows = [line([cell(quote) for quote in row]) for row in table.rows]
    caption = _MARKDOWN.sub(r"\\\1", table.caption)
    return "\n".join([caption, "", heads, rule, *rows, ""])


def _latex(table: QuotedTable) -> str:
    def safe(text: str) -> str:
        return "".join(_LATEX.get(letter, letter) for letter in show_line(text))

    def cell(quote: Quote) -> str:
        text = safe(quote.text)
        text = text if quote.is_level else f"({text})"
        return f"\\textbf{{{text}}}" if quote.is_best else text

    heads = " & ".join(safe(head) for head in table.heads)
    # The group before a row keeps a name in brackets from being an argument of the row before it.
    rows = ["{}" + " & ".join(cell(quote) for quote in row) + r" \\" for row in table.rows]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs,longtable}",
            f"\\begin{{longtable}}{{l{'r' * (len(table.heads) - 1)}}}",
            f"\\caption{{{safe(table.caption)}}}\\\\",
            "\\toprule",
            f"{heads} \\\\",
            "\\midrule\\endhead",
            *rows,
            "\\bottomrule",
            "\\end{longtable}",
            "",
        ]
    )


def badge_svg(table: ReportTable, resampling: Resampling | None = None) -> str:
    """Draw the claim of the first pair, a lead beyond English, as a badge for a page of a model.

    Raises SelectionError if the run has no pair that can be judged.
    """
    pairs = pairs_of(table) if table.run.done else []
    comparison = compare(table, pairs[0], resampling or Resampling()) if pairs else None
    if comparison is None or comparison.printed is None or not table.has_english:
        raise SelectionError(
            f"{table.run.typed} has no two models that can be judged in English and elsewhere, so "
            f"there is no claim to show. See: mlbench list cells {table.run.typed}"
        )
    names = short_names(list(table.run.models), 30)
    a, b = names[comparison.pair.a], names[comparison.pair.b]
    effect = comparison.printed["moat"]
    left = f"{a} over {b}: lead beyond English"
    right = f"{_effect_words(comparison)} · {WORDS[effect['verdict']]}"
    return _badge(left, right, COLOURS[effect["verdict"]])


def _effect_words(comparison: Comparison) -> str:
    assert comparison.printed is not None
    effect, scale = comparison.printed["moat"], scale_of(comparison.printed["scale"])
    ends = [math.nan if effect[k] is None else effect[k] for k in ("estimate", "low", "high")]
    value, low, high = (scale.in_unit(end) for end in ends)
    return f"{signed(value)} {interval(low, high)}"


def _badge(left: str, right: str, colour: str) -> str:
    widths = [round(96 * text_width(text, 8.25)) + 14 for text in (left, right)]
    total = sum(widths)
    said = escape(f"{left} {right}")
    middle = widths[0] + widths[1] / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" '
        f'aria-label="{said}"><title>{said}</title>'
        f'<rect width="{total}" height="20" rx="3" fill="#24292f"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{colour}"/>'
        '<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f'<text x="{widths[0] / 2:g}" y="14">{escape(left)}</text>'
        f'<text x="{middle:g}" y="14">{escape(right)}</text></g></svg>\n'
    )
