"""Every number of the page as long CSV: one line per score, one line per lead.

pandas would write them too; the standard library does and brings nothing. Unknown is an empty
field. Full precision: what the page rounds can be checked here.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlbench.records import Score
from mlbench.report.columns import Block
from mlbench.report.compare import Comparison, Pair, unit_of
from mlbench.report.markets import Markets
from mlbench.report.tables import CellView, ReportTable, signature_hash
from mlbench.report.text import show
from mlbench.spreadsheet import guarded

SCORE_FIELDS = (
    "model",
    "family",
    "shots",
    "language",
    "tag",
    "script",
    "metric",
    "value",
    "n_docs",
    "stderr",
    "stderr_over",
    "low",
    "high",
    "level",
    "method",
    "chance",
    "above_chance",
    "below_chance",
    "n_truncated",
    "seconds",
    "tokens",
    "tokens_per_second",
    "peak_bytes",
    "state",
    "reason",
    "signature",
)
DIFFERENCE_FIELDS = (
    "model_a",
    "model_b",
    "family",
    "shots",
    "language",
    "tag",
    "unit",
    "difference",
    "low",
    "high",
    "p",
    "p_benjamini_hochberg",
    "p_holm",
    "n_docs",
    "beyond_english",
    "beyond_english_low",
    "beyond_english_high",
    "state",
    "reason",
)
MARKET_FIELDS = (
    "country",
    "code",
    "model",
    "shots",
    "weighted_adjusted_score",
    "use_not_tested",
    "no_level",
    "cldr",
)


def scores_csv(table: ReportTable) -> str:
    """Write every cell: one line a metric, or one line with the reason where there is no score."""
    return _csv(SCORE_FIELDS, score_lines(table))


def score_lines(table: ReportTable) -> list[Mapping[str, Any]]:
    """Return every cell: one line a metric, or one line with the reason where there is no score."""
    blocks = {(block.family, block.shots): block for block in table.blocks}
    lines: list[Mapping[str, Any]] = []
    for view in table.cells.values():
        block = blocks[view.cell.family, view.cell.shots]
        lines += _score_lines(table, block, view)
    return lines


def _score_lines(table: ReportTable, block: Block, view: CellView) -> list[dict[str, Any]]:
    language = table.run.languages[view.cell.language]
    line: dict[str, Any] = {
        "model": view.cell.model,
        "family": view.cell.family,
        "shots": view.cell.shots,
        "language": language.name,
        "tag": language.tag,
        "script": language.script,
        "state": _state(table, view),
        "reason": view.reason,
    }
    if view.result is None:
        return [line | {"metric": block.metric}]
    line |= {"signature": signature_hash(view.result), "n_truncated": view.n_truncated}
    line |= _spent(view.result.usage)
    lines = [line | _score_fields(score) for score in view.result.scores.values()]
    for entry in lines:
        if entry["metric"] == block.metric:
            entry.update(_level_fields(view, block))
    if view.quantity.is_parity:
        n_docs = view.result.scores[block.metric].n_docs
        lines.append(line | {"metric": "parity", "value": view.shown, "n_docs": n_docs})
    return lines


def _spent(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a cell took: wall clock, tokens of its requests, and memory at most."""
    seconds, tokens = usage.get("seconds"), usage.get("n_tokens")
    return {
        "seconds": seconds,
        "tokens": tokens,
        "tokens_per_second": tokens / seconds if tokens and seconds else None,
        "peak_bytes": usage.get("peak_bytes"),
    }


def _state(table: ReportTable, view: CellView) -> str:
    """Return what a cell is: of what the page shows as missing, also changed and damaged."""
    stored = table.run.changed.keys() | table.run.damaged.keys()
    return table.run.state(view.cell) if view.cell in stored else view.state


def _score_fields(score: Score) -> dict[str, Any]:
    return {
        "metric": score.metric,
        "value": score.value,
        "n_docs": score.n_docs,
        "stderr": score.stderr,
        "stderr_over": "docs",
    }


def _level_fields(view: CellView, block: Block) -> dict[str, Any]:
    """Add what is known of the primary metric only: its interval and chance level."""
    against = view.against_chance
    fields: dict[str, Any] = {
        "chance": block.chance,
        "above_chance": None if against is None else against == "above",
        "below_chance": None if against is None else against == "below",
    }
    if view.level is not None:
        level = view.level
        fields |= {
            "stderr": level.stderr,
            "stderr_over": "clusters",
            "low": level.low,
            "high": level.high,
            "level": level.level,
            "method": level.method,
        }
    return fields


def differences_csv(table: ReportTable, comparisons: Mapping[Pair, Comparison]) -> str:
    """Write every lead of every pair, in the unit of the page, or why there is none."""
    lines: list[Mapping[str, Any]] = []
    for pair, comparison in comparisons.items():
        left_out = (family for family, _ in comparison.reasons)
        for family in dict.fromkeys((*comparison.blocks, *left_out)):
            block = comparison.blocks.get(family)
            for language in table.languages:
                line = {
                    "model_a": pair.a,
                    "model_b": pair.b,
                    "family": family,
                    "shots": pair.shots,
                    "language": language.name,
                    "tag": language.tag,
                    "unit": unit_of(block) if block else "",
                }
                lines.append(line | _lead_fields(comparison, family, language.tag))
    return _csv(DIFFERENCE_FIELDS, lines)


def _lead_fields(comparison: Comparison, family: str, tag: str) -> dict[str, Any]:
    lead = comparison.leads.get((family, tag))
    if lead is None:
        reason = comparison.reasons.get((family, tag), comparison.problem)
        return {"state": "not compared", "reason": reason}
    return {
        "difference": lead.value,
        "low": lead.low,
        "high": lead.high,
        "p": lead.p,
        "p_benjamini_hochberg": lead.q,
        "p_holm": lead.p_holm,
        "n_docs": lead.n_docs,
        "beyond_english": lead.moat,
        "beyond_english_low": lead.moat_low,
        "beyond_english_high": lead.moat_high,
        "state": "value",
    }


def markets_csv(markets: Markets) -> str:
    """Write every country: one line per model, levels and shares as on the page but not rounded."""
    lines = [
        {
            "country": market.name,
            "code": market.code,
            "model": model,
            "shots": markets.shots,
            "weighted_adjusted_score": market.levels.get(model, math.nan),
            "use_not_tested": market.untested,
            "no_level": market.no_level,
            "cldr": markets.version,
        }
        for market in sorted((*markets.shown, *markets.others), key=lambda market: market.code)
        for model in markets.models
    ]
    return _csv(MARKET_FIELDS, lines)


def _csv(fields: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, fields, lineterminator="\n", restval="")
    writer.writeheader()
    for line in lines:
        writer.writerow({key: _field(value) for key, value in line.items()})
    return file.getvalue()


def _field(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    if not isinstance(value, str):
        return value
    return guarded(show(value))
