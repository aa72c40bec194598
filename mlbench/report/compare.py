"""Is model A better than model B, here and everywhere? The verdict of mlbench.stats, for reading.

Nothing is computed here: the verdict is that of `mlbench verdict` on the cells that
mlbench.judge.pairing lets be compared. This file turns its scales into the units of the page.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from mlbench.errors import DataError, SelectionError
from mlbench.judge import ClaimsFile, read_claims
from mlbench.judge.closing import printed
from mlbench.judge.mirror import mirrored
from mlbench.judge.pairing import pair as pair_cells
from mlbench.judge.run import judge_pair, refuse_unknown
from mlbench.report.columns import Block
from mlbench.report.ranking import order_of
from mlbench.report.tables import ReportTable
from mlbench.stats import Resampling
from mlbench.store.read import Run

ALL_PAIRS_OF = 5
"""Up to so many models every pair is compared; of more each with the best one, since a comparison
takes seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked: A and B of its first pair, both or neither, a file of claims, a base,
    an earlier run to compare with.

    Without both the first pair is the one that `--pair` named when the run was made.
    """

    a: str | None = None
    b: str | None = None
    claims: Path | None = None
    base: str | None = None
    since: str | None = None

    def first(self, run: Run) -> tuple[str, str] | None:
        """Return the first pair; raises SelectionError if there can be no such pair."""
        given = [name for name in (self.a, self.b) if name is not None]
        models = ", ".join(run.models)
        if len(given) == 1:
            raise SelectionError(
                f"only one of --a and --b was given ({given[0]!r}). Give both of the first pair, "
                f"or neither. Models here: {models}"
            )
        refuse_unknown(run, given)
        if len(set(given)) == 1:
            raise SelectionError(f"--a and --b are both {given[0]!r}. Choose two of: {models}")
        return (given[0], given[1]) if given else run.pair


class Pair(NamedTuple):
    """A comparison of A with B at a number of shots; positive numbers are in favour of A."""

    a: str
    b: str
    shots: int


class LanguageLead(NamedTuple):
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
        """Return who is ahead at a corrected p-value: 1 for A, -1 for B, 0 if undetermined."""
        if math.isnan(p) or p > alpha or self.value == 0:
            return 0
        return 1 if self.value > 0 else -1

    def swapped(self) -> "LanguageLead":
        """Return the lead of B over A."""
        return self._replace(
            value=0.0 - self.value,
            low=0.0 - self.high,
            high=0.0 - self.low,
            moat=0.0 - self.moat,
            moat_low=0.0 - self.moat_high,
            moat_high=0.0 - self.moat_low,
        )

    @property
    def is_within_noise(self) -> bool:
        """Return whether the interval includes no difference, or is unknown."""
        return not (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything known about a pair.

    `verdict` is the dict of mlbench.stats.judge, None if it cannot judge, with `problem` saying
    why. `reasons` tells why a language has no lead. `at_ceiling` are the families in which English
    leaves no room for one. `claims_file` names what was claimed.
    """

    pair: Pair
    blocks: Mapping[str, Block]
    verdict: Mapping[str, Any] | None = None
    problem: str = ""
    leads: Mapping[tuple[str, str], LanguageLead] = field(default_factory=dict)
    reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    at_ceiling: frozenset[str] = frozenset()
    claims_file: str = ""

    @property
    def printed(self) -> Mapping[str, Any] | None:
        """Give the verdict with numbers that add up as they are printed."""
        return printed(self.verdict) if self.verdict else None

    def swapped(self) -> "Comparison":
        """Return the same comparison from the side of B."""
        a, b, shots = self.pair
        return replace(
            self,
            pair=Pair(b, a, shots),
            verdict=mirrored(self.verdict) if self.verdict else None,
            leads={key: lead.swapped() for key, lead in self.leads.items()},
        )


def unit_of(block: Block) -> str:
    """Name the unit of a lead in words."""
    return block.measure.scales[0].unit


def in_unit(block: Block, value: float | None) -> float:
    """Turn a number of the verdict into its unit."""
    return math.nan if value is None else block.measure.scales[0].in_unit(value)


def pairs_of(table: ReportTable, first: tuple[str, str] | None = None) -> list[Pair]:
    """List the pairs to compare, the best two by the ranking first, or the pair `first`.

    In each the better ranked model is A, except in `first`. Raises SelectionError if the run has no
    cells that such a first pair could share.
    """
    pairs, best_first = [], order_of(table)
    for shots in dict.fromkeys(block.shots for block in table.blocks):
        blocks = [block for block in table.blocks if block.shots == shots]
        models = [m for m in best_first if any(m in block.models for block in blocks)]
        some = list(combinations(models, 2))
        if len(models) > ALL_PAIRS_OF:
            some = [(models[0], model) for model in models[1:]]
        if first and set(first) <= set(models):
            some = [first, *(names for names in some if {*names} != {*first})]
        pairs += [Pair(a, b, shots) for a, b in some]
    if first and first != table.run.pair and first not in {pair[:2] for pair in pairs}:
        raise SelectionError(
            f"{first[0]!r} and {first[1]!r} have no number of examples in common, so they are no "
            f"pair of the report. See: mlbench list cells {table.run.typed}"
        )
    order = {pair[:2]: place for place, pair in reversed(list(enumerate(pairs)))}
    return sorted(pairs, key=lambda pair: (pair[:2] != first, order[pair[:2]]))


def compare(
    table: ReportTable, pair: Pair, resampling: Resampling, claims: ClaimsFile | None = None
) -> Comparison:
    """Judge a pair at its number of shots, by the shipped claims if not said."""
    blocks = {
        block.family: block
        for block in table.blocks
        if block.shots == pair.shots and {*pair[:2]} <= {*block.models}
    }
    claims = claims or read_claims()
    families = {block.family for block in table.blocks}
    pairing = pair_cells(table.run, pair.a, pair.b, shots=pair.shots, families=families)
    known = Comparison(pair, blocks, reasons=pairing.reasons, claims_file=claims.name)
    try:
        verdict = judge_pair(table.run, pairing, claims=claims, resampling=resampling)
    except DataError as error:
        return replace(known, problem=str(error))
    leads = {
        (family, row["language"]): _lead(blocks[family], row)
        for family, found in verdict["by_family"].items()
        for row in found["per_language"]
    }
    ceiling = frozenset(verdict["without_ceiling"]["families"])
    return replace(known, verdict=verdict, leads=leads, at_ceiling=ceiling)


def _lead(block: Block, row: Mapping[str, Any]) -> LanguageLead:
    def turn(name: str) -> float:
        return in_unit(block, row[name])

    def known(name: str) -> float:
        return math.nan if row[name] is None else float(row[name])

    return LanguageLead(
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
