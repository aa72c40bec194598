"""How does a run become one page? The prepared table and verdicts through one template.

The page is one file with no request to anything: style, script and data are inline, and its
security policy allows exactly these two by their hashes. Jinja escapes everything; what is data
for the script goes through `packed`.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mlbench import __version__
from mlbench.languages import REFERENCE
from mlbench.records import Cell, Language
from mlbench.report import grid, words
from mlbench.report.citation import citation
from mlbench.report.colours import CLIP_POINTS, ramp_css
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, Pair, unit_of
from mlbench.report.fonts import font_css
from mlbench.report.ladder import ladders
from mlbench.report.tables import ReportTable, State
from mlbench.report.text import percent, plural, short_names, show, show_line
from mlbench.report.trust import trust

SHOWN_FAILURES = 20
"""Distinct failures shown with their traceback; the rest is counted and in scores.csv."""

LONGEST_TRACEBACK = 6_000
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class PairView:
    """One pair (A, B) at all shots: `by_block` gives the comparison of a block."""

    index: int
    a: str
    b: str
    comparisons: tuple[Comparison, ...]

    def of(self, block: Block) -> Comparison | None:
        """Return the comparison that holds a block."""
        for comparison in self.comparisons:
            if comparison.pair.shots == block.shots and block.family in comparison.blocks:
                return comparison
        return None


def pair_views(comparisons: Mapping[Pair, Comparison]) -> list[PairView]:
    """Group comparisons by the two models."""
    names = dict.fromkeys((pair.a, pair.b) for pair in comparisons)
    return [
        PairView(i, a, b, tuple(c for pair, c in comparisons.items() if pair[:2] == (a, b)))
        for i, (a, b) in enumerate(names)
    ]


def render_page(table: ReportTable, comparisons: Mapping[Pair, Comparison]) -> str:
    """Return the whole page as text."""
    environment = Environment(
        loader=PackageLoader("mlbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"show": show, "line": show_line, "percent": percent}
    environment.globals |= {"plural": plural, "unit_of": unit_of}
    style = _static("app.css") + ramp_css() + font_css(table.languages)
    script = _static("app.js")
    pairs = pair_views(comparisons)
    return environment.get_template("index.html.j2").render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        data=packed(_pair_columns(table, pairs)) if len(pairs) > 1 else "",
        **_context(table, pairs),
    )


def _static(name: str) -> str:
    return files("mlbench.report").joinpath("static", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    def source(text: str) -> str:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return f"'sha256-{digest}'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )


def packed(value: Any) -> str:
    """Pack data for the script as gzip in base64: a fifth of the size, and no markup in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _context(table: ReportTable, pairs: Sequence[PairView]) -> dict[str, Any]:
    run = table.run
    names = short_names(list(run.models))
    has_leads = {block: any(pair.of(block) for pair in pairs) for block in table.blocks}
    return {
        "run_name": table.name,
        "created": run.created,
        "version": __version__,
        "run": run,
        "table": table,
        "names": names,
        "models": [(names[name], name, facts) for name, facts in run.models.items()],
        "pairs": pairs,
        "verdicts": [_verdict(pair, names) for pair in pairs],
        "has_forest": bool(pairs) and _is_judged(pairs[0].comparisons[0]),
        "blocks": table.blocks,
        "ladders": ladders(table),
        "trust": trust(table),
        "citation": citation(table),
        "has_leads": has_leads,
        "mean_columns": list(dict.fromkeys((m, shots) for m, shots, _ in table.adjusted)),
        "rows": [_row(table, language, pairs, has_leads) for language in table.languages],
        "mean_row": _mean_row(table, has_leads),
        "coverage": _coverage(table),
        "failures": _failures(table),
        "absences": _absences(table),
        "longest_name": LONGEST_NAME,
        "scripts": sorted({language.script for language in table.languages}),
        "language_families": sorted({language.family for language in table.languages}),
        "clip": f"{CLIP_POINTS:.0f}",
        "longest_traceback": LONGEST_TRACEBACK,
        "reference": REFERENCE,
    }


def _is_judged(comparison: Comparison) -> bool:
    return bool(comparison.verdict and comparison.verdict["by_family"])


def _verdict(pair: PairView, names: Mapping[str, str]) -> dict[str, Any]:
    """Collect the sentences and the table of one pair."""
    parts = []
    for comparison in pair.comparisons:
        families = [words.family_verdict(comparison, f, names) for f in comparison.blocks]
        parts.append(
            {
                "shots": comparison.pair.shots,
                "pooled": words.pooled_sentence(comparison, names),
                "families": families,
                "claims": words.claim_rows(comparison),
                "level": (comparison.verdict or {}).get("level", 0.95),
            }
        )
    return {"pair": pair, "a": names[pair.a], "b": names[pair.b], "parts": parts}


def _row(
    table: ReportTable,
    language: Language,
    pairs: Sequence[PairView],
    has_leads: Mapping[Block, bool],
) -> dict[str, Any]:
    means = dict.fromkeys((m, shots) for m, shots, _ in table.adjusted)
    cells = [grid.adjusted_cell(table.adjusted[m, shots, language.tag]) for m, shots in means]
    for block in table.blocks:
        for model in block.models:
            cell = Cell(model, block.family, language.tag, block.shots)
            cells.append(grid.score_cell(table.cells[cell], block))
        if has_leads[block]:
            cells.append(grid.lead_cell(pairs[0].of(block), block, language.tag))
    return {"language": language, "is_english": language.tag == REFERENCE, "cells": cells}


def _mean_row(table: ReportTable, has_leads: Mapping[Block, bool]) -> list[grid.Shown]:
    cells = []
    for block in table.blocks:
        cells += [grid.mean_cell(table, block, model) for model in block.models]
        if has_leads[block]:
            cells.append(grid.Shown("", "xe", "see the verdict for the mean difference"))
    return cells


def _pair_columns(
    table: ReportTable, pairs: Sequence[PairView]
) -> list[dict[str, list[grid.Shown]]]:
    """Return what the script sets for each pair: text, class, title and mark by block and row.

    The table holds the first pair as it is.
    """
    return [
        {
            str(i): [grid.lead_cell(pair.of(block), block, lang.tag) for lang in table.languages]
            for i, block in enumerate(table.blocks)
        }
        for pair in pairs
    ]


def _coverage(table: ReportTable) -> list[dict[str, Any]]:
    """Return the parts of the coverage bar: name, count, and place in percent of its width."""
    states: dict[str, State] = {
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


def _absences(table: ReportTable) -> list[dict[str, Any]]:
    """List, for each family, the languages without data, grouped by reason."""
    found = []
    for family, reasons in table.run.no_data.items():
        groups: dict[str, list[str]] = {}
        for tag, reason in reasons.items():
            if tag in table.run.languages:
                name = show_line(table.run.languages[tag].name, LONGEST_NAME)
                groups.setdefault(reason, []).append(f"{name} ({show_line(tag)})")
        n = sum(len(languages) for languages in groups.values())
        if n:
            found.append({"family": family, "n": n, "groups": groups})
    return found
