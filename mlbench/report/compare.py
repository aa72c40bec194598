"""Is model A better than model B, here and everywhere? The verdict of mlbench.stats, for reading.

Nothing is computed here that mlbench.stats computes: this file puts a run's cells into its form,
leaves out with a reason what cannot be paired, and turns its scales into the units of the page.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal, NamedTuple

from mlbench.errors import DataError
from mlbench.languages import REFERENCE
from mlbench.metrics import doc_scores
from mlbench.records import Cell
from mlbench.report.columns import Block
from mlbench.report.tables import ReportTable
from mlbench.stats import CellScores, Evidence, Resampling, ScoreTable, judge, read_claims
from mlbench.stats import table_from_cells as align
from mlbench.store import CellResult

ALL_PAIRS_OF = 5
"""Up to so many models every pair is compared; of more, each with the first one."""

CEILING = 0.95
"""From this accuracy of both models in English on, a lead there has no room to show."""

# What two models must share in the signature of a cell to be compared on it.
_SAME = ("family_version", "data_revision", "data_sha256", "prompts", "limit", "shots")


class Pair(NamedTuple):
    """A comparison of A with B at a number of shots; positive numbers are in favour of A."""

    a: str
    b: str
    shots: int


class Lead(NamedTuple):
    """How far A is ahead of B in one language, in the unit of the block (`unit_of`).

    `low` and `high` at the verdict's level; `q` is p after Benjamini-Hochberg, `p_holm` after Holm;
    `moat` is the lead beyond that in English.
    """

    value: float
    low: float
    high: float
    p: float
    q: float
    p_holm: float
    n_docs: int
    moat: float
    moat_low: float
    moat_high: float

    def side(self, p: float, alpha: float) -> int:
        """Say who is ahead at a corrected p-value: 1 for A, -1 for B, 0 for nobody can tell."""
        if math.isnan(p) or p > alpha or self.value == 0:
            return 0
        return 1 if self.value > 0 else -1

    @property
    def is_within_noise(self) -> bool:
        """Tell whether the interval includes no difference, or is unknown."""
        return not (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything known about a pair.

    `verdict` is the dict of mlbench.stats.judge, None if it cannot judge, with `problem` saying
    why. `reasons` tells why a language has no lead. `at_ceiling` are the families in which English
    leaves no room for one.
    """

    pair: Pair
    blocks: Mapping[str, Block]
    verdict: Mapping[str, Any] | None = None
    problem: str = ""
    leads: Mapping[tuple[str, str], Lead] = field(default_factory=dict)
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    at_ceiling: frozenset[str] = frozenset()


def unit_of(block: Block) -> str:
    """Name the unit of a lead in words."""
    return "% fewer bits" if block.kind == "bits" else "points"


def in_unit(block: Block, value: float | None) -> float:
    """Turn a number of the verdict into the unit of the page.

    Adjusted accuracy goes back to points of plain accuracy, so that the difference is that of the
    two columns beside it; a log-ratio of bits becomes percent fewer bits. Both keep the order, so
    the ends of an interval may be turned one by one.
    """
    if value is None:
        return math.nan
    if block.kind == "bits":
        return -100 * math.expm1(-value)
    return 100 * value * (1 - (block.chance or 0.0))


def pairs_of(table: ReportTable) -> list[Pair]:
    """List the pairs to compare, the first two models first."""
    pairs = []
    for shots in dict.fromkeys(block.shots for block in table.blocks):
        blocks = [block for block in table.blocks if block.shots == shots]
        models = [m for m in table.run.models if any(m in block.models for block in blocks)]
        some = list(combinations(models, 2))
        if len(models) > ALL_PAIRS_OF:
            some = [(models[0], model) for model in models[1:]]
        pairs += [Pair(a, b, shots) for a, b in some]
    order = {pair[:2]: place for place, pair in reversed(list(enumerate(pairs)))}
    return sorted(pairs, key=lambda pair: order[pair[:2]])


def compare(table: ReportTable, pair: Pair, resampling: Resampling) -> Comparison:
    """Judge a pair on the families that both models have."""
    blocks = {
        block.family: block
        for block in table.blocks
        if block.shots == pair.shots and block.kind != "other" and {*pair[:2]} <= {*block.models}
    }
    reasons: dict[tuple[str, str], str] = {}
    tables = [_aligned(table, block, pair, reasons) for block in blocks.values()]
    evidence = Evidence(tuple(t for t in tables if t is not None), table.run.languages)
    try:
        if not evidence.tables:
            raise DataError("no family has a language in which both models were scored")
        verdict = judge(evidence, pair.a, pair.b, claims=read_claims(), resampling=resampling)
    except DataError as error:
        return Comparison(pair, blocks, problem=str(error), reasons=reasons)
    for gone in verdict["excluded"]:
        reasons.setdefault((gone["family"], gone["language"]), gone["reason"])
    leads = {
        (family, row["language"]): _lead(blocks[family], row)
        for family, found in verdict["by_family"].items()
        for row in found["per_language"]
    }
    ceiling = frozenset(f for f, block in blocks.items() if _is_at_ceiling(table, block, pair))
    return Comparison(pair, blocks, verdict, "", leads, reasons, ceiling)


def _is_at_ceiling(table: ReportTable, block: Block, pair: Pair) -> bool:
    cells = [Cell(model, block.family, REFERENCE, block.shots) for model in pair[:2]]
    shown = [table.cells[cell].shown for cell in cells if cell in table.cells]
    return block.kind == "accuracy" and len(shown) == 2 and min(shown) >= CEILING


def _lead(block: Block, row: Mapping[str, Any]) -> Lead:
    def turn(name: str) -> float:
        return in_unit(block, row[name])

    def known(name: str) -> float:
        return math.nan if row[name] is None else float(row[name])

    return Lead(
        turn("delta"),
        turn("low"),
        turn("high"),
        known("p"),
        known("q"),
        known("p_holm"),
        int(row["n_docs"]),
        turn("moat"),
        turn("moat_low"),
        turn("moat_high"),
    )


def _aligned(
    table: ReportTable, block: Block, pair: Pair, reasons: dict[tuple[str, str], str]
) -> ScoreTable | None:
    """Put the docs of both models side by side, in the languages where that can be done."""
    found: dict[str, tuple[CellResult, CellResult]] = {}
    for language in table.languages:
        cells = [Cell(model, block.family, language.tag, block.shots) for model in pair[:2]]
        results = [table.cells[cell].result for cell in cells]
        if results[0] is None or results[1] is None:
            reasons[block.family, language.tag] = "not both models have a score"
        elif why := _why_not_paired(results[0], results[1]):
            reasons[block.family, language.tag] = why
        else:
            found[language.tag] = (results[0], results[1])
    if block.is_parallel:
        found = _sharing_docs(block, found, reasons)
    if not found:
        return None
    cells_of_pair = [_scores(block, result) for both in found.values() for result in both]
    kind: Literal["bits", "accuracy"] = "bits" if block.kind == "bits" else "accuracy"
    try:
        return align(block.family, cells_of_pair, kind=kind, is_parallel=block.is_parallel)
    except DataError as error:
        reasons.update({(block.family, tag): str(error) for tag in found})
        return None


def _why_not_paired(a: CellResult, b: CellResult) -> str:
    differing = [key for key in _SAME if a.signature.get(key) != b.signature.get(key)]
    if differing:
        return f"the models were scored under different conditions ({', '.join(differing)})"
    if sorted(s.doc_id for s in a.samples) != sorted(s.doc_id for s in b.samples):
        return "the models were scored on different docs"
    return ""


def _sharing_docs(
    block: Block,
    found: dict[str, tuple[CellResult, CellResult]],
    reasons: dict[tuple[str, str], str],
) -> dict[str, tuple[CellResult, CellResult]]:
    """Leave out a language without a doc of the pivot: English, or the one with most docs."""
    ids = {tag: {sample.doc_id for sample in both[0].samples} for tag, both in found.items()}
    if not ids:
        return found
    pivot = REFERENCE if REFERENCE in ids else max(ids, key=lambda tag: len(ids[tag]))
    lonely = {tag for tag in found if not ids[tag] & ids[pivot]}
    for tag in lonely:
        reasons[block.family, tag] = f"no doc of this run is shared with {pivot}"
    return {tag: both for tag, both in found.items() if tag not in lonely}


def _scores(block: Block, result: CellResult) -> CellScores:
    return CellScores(
        model=result.cell.model,
        language=result.cell.language,
        doc_ids=[sample.doc_id for sample in result.samples],
        values=doc_scores(result.samples, block.metric),
        cluster_ids=[sample.cluster_id for sample in result.samples],
        chance=block.chance or 0.0,
    )
