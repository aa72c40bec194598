"""Is model A better than model B, here and everywhere? The verdict of mlbench.stats, for reading.

Nothing is computed here: the verdict is that of `mlbench verdict`. This file leaves out with a
reason what cannot be paired, and turns the scales of mlbench.stats into the units of the page.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.languages import REFERENCE
from mlbench.records import Cell
from mlbench.report.columns import Block
from mlbench.report.tables import ReportTable, State
from mlbench.samples import doc_ids_of
from mlbench.stats import Resampling, read_claims
from mlbench.stats.closing import printed
from mlbench.stats.scales import Scale
from mlbench.stats.sentences import UNIT_BY_SCALE
from mlbench.stats.sentences import in_unit as unit_value
from mlbench.store import CellResult
from mlbench.verdict import judge_pair

ALL_PAIRS_OF = 5
"""Up to so many models every pair is compared; of more, each with the first one."""

_WHY_NO_SCORE: Mapping[State, str] = {
    "no data": "the family has no data there",
    "failed": "it failed for both models",
    "missing": "it was not run for either model",
}

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

    @property
    def printed(self) -> Mapping[str, Any] | None:
        """Give the verdict with numbers that add up as they are printed."""
        return printed(self.verdict) if self.verdict else None


def unit_of(block: Block) -> str:
    """Name the unit of a lead in words."""
    return UNIT_BY_SCALE[_scale(block)]


def in_unit(block: Block, value: float | None) -> float:
    """Turn a number of the verdict into its unit."""
    return math.nan if value is None else unit_value(value, _scale(block))


def _scale(block: Block) -> Scale:
    return "bits" if block.kind == "bits" else "adjusted"


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
    kept: dict[Cell, CellResult] = {}
    for block in blocks.values():
        kept |= _pairable(table, block, pair, reasons)
    for block in _fewshot_blocks(table, blocks, pair):
        kept |= _pairable(table, block, pair, {})
    try:
        run = replace(table.run, done=kept)
        verdict = judge_pair(run, pair.a, pair.b, claims=read_claims(), resampling=resampling)
    except DataError as error:
        return Comparison(pair, blocks, problem=str(error), reasons=reasons)
    for gone in verdict["excluded"]:
        reasons.setdefault((gone["family"], gone["language"]), gone["reason"])
    leads = {
        (family, row["language"]): _lead(blocks[family], row)
        for family, found in verdict["by_family"].items()
        for row in found["per_language"]
    }
    ceiling = frozenset(verdict["without_ceiling"]["families"])
    return Comparison(pair, blocks, verdict, "", leads, reasons, ceiling)


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


def _fewshot_blocks(table: ReportTable, blocks: Mapping[str, Block], pair: Pair) -> list[Block]:
    """Return the same families at more shots, which claims about examples need."""
    return [
        block
        for block in table.blocks
        if block.family in blocks and block.shots > pair.shots and {*pair[:2]} <= {*block.models}
    ]


def _pairable(
    table: ReportTable, block: Block, pair: Pair, reasons: dict[tuple[str, str], str]
) -> dict[Cell, CellResult]:
    """Return the cells of a block that fit together, and note why others do not.

    A language that one model lacks is kept; mlbench.stats leaves it out and says so.
    """
    found: dict[str, list[CellResult]] = {}
    for language in table.languages:
        cells = [Cell(model, block.family, language.tag, block.shots) for model in pair[:2]]
        results = [r for r in (table.cells[cell].result for cell in cells) if r is not None]
        if len(results) == 2 and (why := why_not_paired(*results)):
            reasons[block.family, language.tag] = why
        elif results:
            found[language.tag] = results
        else:
            states = {table.cells[cell].state for cell in cells}
            both = states.pop() if len(states) == 1 else "missing"
            reasons[block.family, language.tag] = _WHY_NO_SCORE[both]
    if block.is_parallel:
        found = _sharing_docs(block, found, reasons)
    return {result.cell: result for results in found.values() for result in results}


def why_not_paired(a: CellResult, b: CellResult) -> str:
    """Say why two models cannot be compared on a cell; empty where they can."""
    differing = [key for key in _SAME if a.signature.get(key) != b.signature.get(key)]
    if differing:
        return f"the models were scored under different conditions ({', '.join(differing)})"
    ids = [doc_ids_of(result.samples) for result in (a, b)]
    if ids[0] != ids[1] and sorted(ids[0]) != sorted(ids[1]):
        return "the models were scored on different docs"
    return ""


def _sharing_docs(
    block: Block, found: dict[str, list[CellResult]], reasons: dict[tuple[str, str], str]
) -> dict[str, list[CellResult]]:
    """Leave out a language without a doc of the pivot: English, or the one with most docs."""
    ids = {tag: set(doc_ids_of(results[0].samples)) for tag, results in found.items()}
    if not ids:
        return found
    pivot = REFERENCE if REFERENCE in ids else max(ids, key=lambda tag: len(ids[tag]))
    lonely = {tag for tag in found if not ids[tag] & ids[pivot]}
    for tag in lonely:
        reasons[block.family, tag] = f"no doc of this run is shared with {pivot}"
    return {tag: results for tag, results in found.items() if tag not in lonely}
