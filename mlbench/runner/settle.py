"""Which docs does `--until settled` add, and where does it stop? In steps, language by language.

All models are scored on the first docs of the same order. Where the pair is judged better, worse or
equivalent the language stops; the others get the next docs, until all are used. A verdict of fewer
docs is one of a look (stats/sequential.py), so it holds although the scores decide when to stop.
English goes as far as any language of a parallel family, because each is held against it. Nothing
is kept but the cells: how far each has come says where to go on.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mlbench.judge import read_claims
from mlbench.judge.findings import language_rows
from mlbench.judge.pairing import pair
from mlbench.runner.plan import Group, Plan, PlannedCell, find_states, group_of
from mlbench.stats import Resampling
from mlbench.stats.equivalence import State
from mlbench.stats.pairs import pair_levels
from mlbench.stats.scales import primary_contrasts
from mlbench.store.read import Run, read_run


class Step(NamedTuple):
    """The plan with more docs asked for, and those of its cells that got more."""

    plan: Plan
    added: Plan
    n_settled: int
    n_open: int


def next_step(plan: Plan) -> Step | None:
    """Return the plan with more docs where nothing is settled yet; None where no docs are wanted.

    A language in which a model of the pair has no score gets no more docs.
    """
    assert plan.pair is not None
    models, plan = plan.pair, find_states(plan)
    judged = _judge(plan, models)
    wanted = {
        planned.cell: _next_limit(planned)
        for planned in plan.cells
        if judged.get(group_of(planned)) == "undetermined" and _has_more(planned)
    }
    if not wanted:
        return None
    cells = (_with_limit(planned, wanted.get(planned.cell)) for planned in plan.cells)
    further = find_states(replace(plan, cells=tuple(cells)))
    before = {planned.cell: planned.signature.limit for planned in plan.cells}
    added = [p for p in further.cells if p.signature.limit != before[p.cell]]
    open_ = {group_of(planned) for planned in added}
    n_settled = sum(state != "undetermined" for state in judged.values())
    return Step(further, replace(further, cells=tuple(added)), n_settled, len(open_))


class Saved(NamedTuple):
    """What stopping saved: docs scored of those possible, and languages that needed not all."""

    n_docs: int
    n_possible: int
    n_early: int
    n_all: int

    def __str__(self) -> str:
        """Say it in a sentence."""
        share = 1 - self.n_docs / self.n_possible
        return (
            f"Until settled: {self.n_docs:,} of {self.n_possible:,} docs were scored "
            f"({share:.0%} saved); {self.n_early} of {self.n_early + self.n_all} comparisons "
            f"stopped early."
        )


def count_saved(plan: Plan) -> Saved | None:
    """Count the docs of a plan's finished cells; None where no cell is scored in steps."""
    found = [p for p in find_states(plan).cells if p.signature.looks and p.state == "done"]
    if not found:
        return None
    groups = {group_of(planned): _has_more(planned) for planned in found}
    n_early = sum(groups.values())
    return Saved(
        sum(planned.limit or 0 for planned in found),
        sum(_looks(planned)[-1] for planned in found),
        n_early,
        len(groups) - n_early,
    )


def _judge(plan: Plan, models: tuple[str, str]) -> Mapping[Group, State]:
    """Return the state of the pair wherever it is scored in steps and both have the docs."""
    done = defaultdict(set)
    for planned in plan.cells:
        if planned.signature.looks and planned.state == "done":
            done[group_of(planned)].add(planned.cell.model)
    groups = [group for group, found in done.items() if set(models) <= found]
    if not groups:
        return {}
    run = read_run(plan.folder)
    judged: dict[Group, State] = {}
    for family, shots in dict.fromkeys((group.family, group.shots) for group in groups):
        states = _states(run, family, models, shots)
        judged |= {
            group: states[group.language]
            for group in groups
            if (group.family, group.shots) == (family, shots) and group.language in states
        }
    return judged


def _states(run: Run, family: str, models: tuple[str, str], shots: int) -> dict[str, State]:
    """Return the state of each language of a family, as the report has it for the family alone."""
    found = pair(run, *models, shots=shots, families={family})
    if not found.compared:
        return {}
    (table,) = found.evidence.tables
    resampling = Resampling()
    delta = primary_contrasts(pair_levels(table, *models, resampling), table).delta
    margin = read_claims().margins[table.measure.scales[0].name].language
    rows = language_rows(delta, None, margin, resampling)
    return {row["language"]: row["verdict"] for row in rows}


def _looks(planned: PlannedCell) -> tuple[int, ...]:
    return planned.signature.looks or ()


def _has_more(planned: PlannedCell) -> bool:
    return bool(_looks(planned)) and (planned.limit or 0) < _looks(planned)[-1]


def _next_limit(planned: PlannedCell) -> int:
    return next(n for n in _looks(planned) if n > (planned.limit or 0))


def _with_limit(planned: PlannedCell, limit: int | None) -> PlannedCell:
    if limit is None:
        return planned
    return replace(planned, signature=replace(planned.signature, limit=limit))
