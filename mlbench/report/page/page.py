"""How does a run become one page? The prepared table and verdicts through one template.

The page is one file with no request to anything: style, script and data are inline, and its
security policy allows exactly these two by their hashes. Jinja escapes everything; what is data
for the script goes through `packed`.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mlbench import __version__
from mlbench.data.languages import REFERENCE
from mlbench.families.origins import origin_of, origin_words
from mlbench.judge.sentences import chain_sentence
from mlbench.records import Cell
from mlbench.report import grid
from mlbench.report.answer import answer_of
from mlbench.report.audiences import audiences_of
from mlbench.report.changes import ShownSince
from mlbench.report.checks.trust import trust
from mlbench.report.colours import FULL_POINTS, ramp_css
from mlbench.report.columns import words_alone
from mlbench.report.compare import Comparison, Pair, unit_of
from mlbench.report.derivatives import Shown
from mlbench.report.figures.drawing import FORMATS
from mlbench.report.markets import market_rows, markets_of, markets_slots
from mlbench.report.overview import GROUPINGS
from mlbench.report.page import words
from mlbench.report.page.chooser import chooser_data, chooser_of
from mlbench.report.page.citation import citation
from mlbench.report.page.fonts import font_css
from mlbench.report.page.forest import forest_slots, is_pooled
from mlbench.report.page.map import map_data, map_of, pair_maps
from mlbench.report.page.packing import pack_sentences, packed
from mlbench.report.page.pairs import PairView, in_twos, pair_cells, pair_views
from mlbench.report.page.rows import all_rows, columns_of, rows_of
from mlbench.report.page.seek import seek_data
from mlbench.report.ranking import order_of, rankings_of
from mlbench.report.resources import resources_of
from mlbench.report.tables import CellState, ReportTable
from mlbench.report.text import number, percent, short_names, show, show_line
from mlbench.report.tokens import tokens_of, tokens_slots
from mlbench.report.tree import tree_of, tree_slots
from mlbench.wording import plural

SHOWN_FAILURES = 20
"""Distinct failures shown with their traceback; the rest is counted and in scores.csv."""

SCRIPTS = (
    "dom.js",
    "order.js",
    "countries.js",
    "tree.js",
    "forest.js",
    "choice.js",
    "chooser.js",
    "seek.js",
    "language.js",
    "overview.js",
    "table.js",
    "rows.js",
    "packed.js",
    "pair.js",
    "cells.js",
    "download.js",
    "links.js",
    "app.js",
)
"""They make one script in this order; each uses those before it."""

LONGEST_TRACEBACK = 6_000
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Beside:
    """What only some runs have: models beside their bases, and beside themselves earlier."""

    derivatives: Sequence[Shown] = ()
    since: ShownSince | None = None


def render_page(
    table: ReportTable,
    comparisons: Mapping[Pair, Comparison],
    docs: Sequence[str] = (),
    *,
    docs_folder: str = "",
    beside: Beside | None = None,
) -> str:
    """Return the whole page as text.

    `docs` are those of docs.pack_docs. They stand in the page, or with `docs_folder` in files
    of that folder beside it (`docs_script`), which the page loads one at a time.
    """
    environment = Environment(
        loader=PackageLoader("mlbench.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"show": show, "line": show_line, "percent": percent, "number": number}
    environment.globals |= {"plural": plural, "unit_of": unit_of, "cells_html": grid.cells_html}
    environment.globals |= {"figure_links": _figure_links, "words_alone": words_alone}
    style = _static("app.css") + ramp_css() + font_css(table.languages)
    # Indents and comments are for those who read the files: a quarter of the script.
    script = re.sub(r"(?m)^ +(?=\S)|^ *//.*\n", "", "".join(map(_static, SCRIPTS)))
    pairs = pair_views(comparisons)
    context = _context(table, pairs)
    audiences = audiences_of(table)
    pair_page = environment.get_template("pair.html.j2")
    # The first pair stands in the page itself.
    verdicts = [pair_page.render(verdict=v, **context) for v in context["verdicts"][1:]]
    pair_data = pair_cells(table, pairs) | {
        "names": [f"{show_line(pair.a)} vs {show_line(pair.b)}" for pair in pairs],
        "slots": in_twos([_slots(table, pair, context) for pair in pairs]),
        "verdicts": in_twos(["", *verdicts][: len(pairs)]),
        "maps": pair_maps(table, pairs),
    }
    return environment.get_template("index.html.j2").render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script, docs_folder),
        cells=packed(_cell_data(context)),
        pair_data=packed(pair_data),
        market_data=packed(market_rows(context["markets"])),
        seek_data=packed(seek_data(table, context["markets"])),
        choice_data=packed(chooser_data(table, audiences)) if audiences else "",
        chooser=chooser_of(table, audiences) if audiences else None,
        docs=() if docs_folder else docs,
        docs_folder=docs_folder,
        derivatives=(beside or Beside()).derivatives,
        since=(beside or Beside()).since,
        **context,
    )


def docs_script(place: int, docs: str) -> str:
    """Return the file of the docs of one language, for a page with its docs in a folder.

    A script, since no browser lets a page opened by double-click fetch a file beside it.
    """
    return f'mlbenchDocs({place},"{docs}")\n'


def _figure_links(name: str) -> Markup:
    """Link to a figure beside the page, in every format."""
    links = [Markup('<a href="{}.{}">{}</a>').format(name, s, s.upper()) for s in FORMATS]
    return Markup(", ").join(links)


def _static(name: str) -> str:
    return files("mlbench.report.page").joinpath("static", name).read_text(encoding="utf-8")


def _policy(style: str, script: str, docs_folder: str) -> str:
    def source(text: str) -> str:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return f"'sha256-{digest}'"

    own = " 'self'" if docs_folder else ""
    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}{own}; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


def _context(table: ReportTable, pairs: Sequence[PairView]) -> dict[str, Any]:
    run = table.run
    names = short_names(list(run.models))
    first = pairs[0].comparisons[0].pair if pairs else None
    columns = columns_of(table, pairs)
    return {
        "run_name": table.name,
        "created": run.created,
        "created_words": words.time_words(run.created),
        "compared": words.compared_words(table, names),
        "version": __version__,
        "run": run,
        "parts": words.parts_of(run),
        "table": table,
        "names": names,
        "models": [(names[name], name, facts) for name, facts in run.models.items()],
        "pairs": pairs,
        "paired": {name for pair in pairs for name in (pair.a, pair.b)},
        "origins": {
            name: origin_words(origin_of(name, facts)) for name, facts in table.run.families.items()
        },
        "claims_file": pairs[0].comparisons[0].claims_file if pairs else "",
        "verdicts": [_verdict(table, pair, names) for pair in pairs],
        "is_pooled": bool(pairs) and is_pooled(pairs[0].comparisons[0]),
        "has_forest": bool(pairs) and _is_judged(pairs[0].comparisons[0]),
        "blocks": columns.blocks,
        "columns": columns,
        "rows": rows_of(table, columns, pairs),
        "rankings": rankings_of(table),
        "order": [show_line(name) for name in order_of(table)],
        "map": map_of(table) if run.done else None,
        "groupings": GROUPINGS,
        "trust": trust(table),
        "citation": citation(table),
        "coverage": _coverage(table),
        "failures": _failures(table),
        "unusable": _unusable(table),
        "absences": _absences(table),
        "markets": markets_of(table, first),
        "resources": resources_of(table, first) if run.done else None,
        "tree": tree_of(table, first),
        "tokens": tokens_of(table, first),
        "longest_name": LONGEST_NAME,
        "scripts": sorted({language.script for language in table.languages}),
        "language_families": sorted({language.family for language in table.languages}),
        "classes": sorted({x.resource_class for x in table.languages} - {None}),
        "full": f"{FULL_POINTS:.0f}",
        "seen": words.seen_sentence(pairs[0]) if pairs else "",
        "longest_traceback": LONGEST_TRACEBACK,
        "reference": REFERENCE,
    }


def _is_judged(comparison: Comparison) -> bool:
    return bool(comparison.verdict and comparison.verdict["by_family"])


def _verdict(table: ReportTable, pair: PairView, names: Mapping[str, str]) -> dict[str, Any]:
    """Collect the sentences and the table of one pair."""
    parts = []
    titles = {language.tag: show_line(language.name, LONGEST_NAME) for language in table.languages}
    for comparison in pair.comparisons:
        families = [words.family_verdict(comparison, f, names, titles) for f in comparison.blocks]
        parts.append(
            {
                "shots": comparison.pair.shots,
                "answer": answer_of(comparison, names),
                "pooled": words.pooled_sentence(comparison, names),
                "families": families,
                "claims": words.claim_rows(comparison),
                "predictions": (comparison.verdict or {}).get("predictions", []),
                "chain": chain_sentence(comparison.verdict["chain"]) if comparison.verdict else "",
                "caveats": (comparison.verdict or {}).get("caveats", []),
                "sensitivity": words.sensitivity(comparison),
                "level": (comparison.verdict or {}).get("level", 0.95),
            }
        )
    return {"pair": pair, "a": names[pair.a], "b": names[pair.b], "parts": parts}


def _cell_data(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands behind each cell, row by row, the means last; and the columns `more`.

    These have their cells here and not in the markup: texts, classes and marks by column.
    """
    rows = all_rows(context["rows"])
    more = [
        [
            list(part)
            for part in zip(*((row[i].text, row[i].css, row[i].mark) for row in rows), strict=True)
        ]
        if is_more
        else None
        for i, is_more in enumerate(context["columns"].is_more)
    ]
    facts = [
        [show_line(x.branch or ""), x.resource_class, f"{x.speakers:,}" if x.speakers else ""]
        for x in context["table"].languages
    ]
    titles = pack_sentences(cell.title for row in rows for cell in row)
    groups = map_data(context["table"])
    return {"titles": titles, "more": more, "facts": facts, "groups": groups}


def _slots(table: ReportTable, pair: PairView, context: Mapping[str, Any]) -> dict[str, str]:
    """Return what the script sets outside the table when a pair is chosen, by data-slot."""
    first = pair.comparisons[0].pair
    return (
        markets_slots(context["markets"].shown, first)
        | tree_slots(table, context["tree"], first)
        | tokens_slots(context["tokens"], first)
        | forest_slots(table, pair)
        | {"legend-seen": words.seen_sentence(pair)}
    )


def _coverage(table: ReportTable) -> list[dict[str, Any]]:
    """Return the parts of the coverage bar: name, count, and place in percent of its width."""
    states: dict[str, CellState] = {
        "done": "value",
        "failed": "failed",
        "missing": "missing",
        "no data": "no data",
    }
    counts = {name: table.count(state) for name, state in states.items()}
    total = sum(counts.values()) or 1
    parts, left = [], 0.0
    for name, count in counts.items():
        width = 100 * count / total
        parts.append({"name": name, "n": count, "x": f"{left:.3f}", "width": f"{width:.3f}"})
        left += width
    return parts


def _failures(table: ReportTable) -> list[dict[str, Any]]:
    """Group the failed cells by what went wrong, the most frequent first."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell, failed in table.run.failed.items():
        groups.setdefault((failed.reason, failed.traceback), []).append(cell)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [
        {"reason": reason, "traceback": traceback, "cells": cells, "n": len(cells)}
        for (reason, traceback), cells in ranked[:SHOWN_FAILURES]
    ]


def _unusable(table: ReportTable) -> Sequence[tuple[tuple[str, str], list[Cell]]]:
    """Group the cells that are on disk and have no score here, by state and reason."""
    groups = [g for g in table.run.unfinished().items() if g[0][0] in ("changed", "damaged")]
    return sorted(groups, key=lambda group: -len(group[1]))[:SHOWN_FAILURES]


def _absences(table: ReportTable) -> list[dict[str, Any]]:
    """List, for each family, the languages without data, grouped by reason."""
    found = []
    for family, reasons in table.run.no_data.items():
        groups: dict[str, list[str]] = {}
        for tag, reason in reasons.items():
            if tag in table.run.languages:
                name = show_line(table.run.languages[tag].name, LONGEST_NAME)
                groups.setdefault(reason, []).append(name)
        n = sum(len(languages) for languages in groups.values())
        if n:
            found.append({"family": family, "n": n, "groups": groups})
    return found
