"""Which cells of a plan are one machine's, of several that share it? The same ones every time.

Each model's cells are cut into parts of nearly equal cost, so that all machines take as long
whatever the sizes of the models are. What is done already plays no part: the parts stay the same.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from mlbench.data.prepare import Prepared, render_contexts
from mlbench.errors import SelectionError
from mlbench.runner.plan import Plan, PlannedCell
from mlbench.settings import Settings, Shard

_FORM = re.compile(r"(\d+)/(\d+)")
_LOOKED_AT = 20
"""Docs of a cell whose length is looked at: it stands for all."""


def parse_shard(text: str | None) -> Shard | None:
    """Return the part that `2/4` names. Raises SelectionError."""
    if text is None:
        return None
    match = _FORM.fullmatch(text)
    shard = Shard(int(match[1]), int(match[2])) if match else None
    if shard is None or not 1 <= shard.place <= shard.n_all:
        raise SelectionError(
            f"--shard {text!r} is no part of a whole. Type --shard 1/4 for the first of four"
        )
    return shard


def take_shard(plan: Plan, settings: Settings) -> Plan:
    """Return the plan with the cells of one part only, where the settings name one.

    Raises SelectionError for a part without a cell.
    """
    shard, limit = settings.shard, settings.limit
    if shard is None or not plan.cells:
        return plan
    groups = groupby(plan.cells, key=lambda planned: planned.cell.model)
    kept = [planned for _, cells in groups for planned in _part(list(cells), shard, limit)]
    if not kept:
        raise SelectionError(
            f"--shard {shard.place}/{shard.n_all} has no cell: there are {len(plan.cells)} in all. "
            f"Ask for fewer parts"
        )
    return replace(plan, cells=tuple(kept))


def _part(cells: Sequence[PlannedCell], shard: Shard, limit: int | None) -> list[PlannedCell]:
    costs = [
        characters_asked(p.prepared, p.cell.shots, len(p.prepared.docs.scored[:limit]))
        for p in cells
    ]
    total, before, found = sum(costs), 0.0, []
    for planned, cost in zip(cells, costs, strict=True):
        place = int(shard.n_all * (before + cost / 2) / total)
        before += cost
        if place == shard.place - 1:
            found.append(planned)
    return found


def characters_asked(prepared: Prepared, shots: int, n_docs: int) -> float:
    """Return about how many characters a cell's model reads: its docs, and the examples once."""
    return (n_docs + shots) * _characters(prepared)


def _characters(prepared: Prepared) -> float:
    """Return how many characters are asked for a doc, on average."""
    docs = prepared.docs.scored[:_LOOKED_AT]
    choices = (len(choice) for doc in docs for choice in getattr(doc, "choices", ()))
    return (sum(map(len, render_contexts(prepared, 0, _LOOKED_AT))) + sum(choices)) / len(docs)
