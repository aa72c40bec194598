"""How are several runs read as one? A view of them in memory; nothing is written into any.

Models of one laptop, of one cluster, imported ones: what is planned in one of the runs is planned
in the view. As in a merging a finished cell counts before one that failed or is missing, and a
family whose facts differ is not the same family. What cannot be joined is told in `Run.notes`. A
model of which two runs say different things is there twice, as `NAME (RUN)`: a pair like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from mlbench.errors import SelectionError
from mlbench.names import folder_name
from mlbench.records import Cell, Language
from mlbench.store.merge import other_fact
from mlbench.store.moved import difference_of
from mlbench.store.read import CALLED, Run, State, read_run
from mlbench.store.unjoined import Left, Named, notes_of

_COUNTS_FIRST: tuple[State, ...] = ("done", "changed", "failed", "damaged", "missing")


@dataclass(slots=True)
class _View:
    """The cells of the view while they are put together."""

    planned: dict[Cell, State] = field(default_factory=dict)
    of_state: dict[State, dict[Cell, Any]] = field(
        default_factory=lambda: {state: {} for state in _COUNTS_FIRST}
    )

    def add(self, cell: Cell, state: State, content: Any) -> None:
        """Add a cell, or put it before what the view has of it if it counts first."""
        before = self.planned.get(cell)
        if before is not None:
            if _COUNTS_FIRST.index(before) <= _COUNTS_FIRST.index(state):
                return
            del self.of_state[before][cell]
        self.planned[cell] = state
        self.of_state[state][cell] = content


def read_runs(runs: Sequence[str | Path]) -> Run:
    """Read one run, or several as one, by their names or paths.

    Raises SelectionError if none is named, and what read_run raises.
    """
    if not runs:
        raise SelectionError("which run? Name one or several. See: mlbench list runs")
    found = {run.folder.resolve(): run for run in map(read_run, runs)}
    return join_runs(list(found.values()))


def join_runs(runs: Sequence[Run], *, apart: bool = False) -> Run:
    """Join runs; with `apart` each model that two of them have is told apart by its run."""
    parts = list(runs) if apart else [part for run in runs for part in (run.parts or (run,))]
    if len(parts) == 1:
        return parts[0]
    labels = labels_of(parts)
    families, left = _join_families(parts)
    named = _names(parts, labels, set(left), apart=apart)
    view = _View()
    models: dict[str, Mapping[str, Any]] = {}
    for i, part in enumerate(parts):
        for model, facts in part.models.items():
            name = named.of(i, model)
            models.setdefault(name, facts if name == model else _facts_of(model, facts, labels[i]))
        for cell in part.planned:
            if Left(i, cell.family) not in left:
                own = cell._replace(model=named.of(i, cell.model))
                view.add(own, part.state(cell), _content(part, cell, own))
    return Run(
        folder=parts[0].folder,
        created=max(part.created for part in parts),
        models={name: models[name] for name in dict.fromkeys(c.model for c in view.planned)},
        families=families,
        languages=_join_languages(parts),
        planned=tuple(view.planned),
        done=view.of_state["done"],
        failed=view.of_state["failed"],
        no_data=_join_no_data(parts, set(left)),
        damaged=view.of_state["damaged"],
        changed=view.of_state["changed"],
        pair=_pair_of(parts, named),
        parts=tuple(parts),
        notes=tuple(notes_of(parts, labels, left, named)),
    )


def labels_of(parts: Sequence[Run]) -> list[str]:
    """Return what each run is called: its name, with a number where two have the same."""
    names = [part.name for part in parts]
    return [
        name if names.count(name) == 1 else f"{name} {names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]


def _facts_of(model: str, facts: Mapping[str, Any], label: str) -> dict[str, Any]:
    """Return the facts of a model that is told apart, with its own name and another folder."""
    return {**facts, CALLED: model, "slug": folder_name(f"{facts['slug']} ({label})")}


def _content(part: Run, cell: Cell, own: Cell) -> Any:
    """Return what a run has of a cell, under its name in the view."""
    if cell in part.failed:
        return part.failed[cell]._replace(cell=own)
    result = part.done.get(cell) or part.changed.get(cell)
    return part.damaged.get(cell) if result is None else replace(result, cell=own)


def _join_families(
    parts: Sequence[Run],
) -> tuple[dict[str, Mapping[str, Any]], dict[Left, tuple[str, int]]]:
    """Return the families of the view, and those left out: by which fact, and whose counts."""
    families: dict[str, Mapping[str, Any]] = {}
    owners: dict[str, int] = {}
    left = {}
    for i, part in enumerate(parts):
        for family, facts in part.families.items():
            known = families.setdefault(family, facts)
            owner = owners.setdefault(family, i)
            if (key := other_fact("families", known, facts)) is not None:
                left[Left(i, family)] = (key, owner)
    return families, left


def _join_languages(parts: Sequence[Run]) -> dict[str, Language]:
    languages: dict[str, Language] = {}
    for part in parts:
        for tag, language in part.languages.items():
            known = languages.setdefault(tag, language)
            caveats = tuple(dict.fromkeys((*known.caveats, *language.caveats)))
            copy = known.same_text_as or language.same_text_as
            languages[tag] = replace(known, caveats=caveats, same_text_as=copy)
    return languages


def _join_no_data(parts: Sequence[Run], left: set[Left]) -> dict[str, dict[str, str]]:
    joined: dict[str, dict[str, str]] = {}
    for i, part in enumerate(parts):
        for family, reasons in part.no_data.items():
            if Left(i, family) not in left:
                joined[family] = {**reasons, **joined.get(family, {})}
    return joined


def _names(parts: Sequence[Run], labels: Sequence[str], left: set[Left], *, apart: bool) -> Named:
    """Return the names of models that are told apart, and why."""
    names: dict[tuple[int, str], str] = {}
    whys: dict[str, str] = {}
    for model in dict.fromkeys(model for part in parts for model in part.models):
        mine = [i for i, part in enumerate(parts) if model in part.models]
        pairs = list(combinations(mine, 2))
        why = "" if apart else next(filter(None, (_why(parts, p, model, left) for p in pairs)), "")
        if pairs and (apart or why):
            names |= {(i, model): f"{model} ({labels[i]})" for i in mine}
        if why:
            whys[model] = why
    return Named(names, whys)


def _why(parts: Sequence[Run], pair: tuple[int, int], model: str, left: set[Left]) -> str:
    """Return why two runs have another model of one name; empty where it is the same."""
    one, other = (
        {
            cell: result
            for cell, result in parts[i].done.items()
            if cell.model == model and Left(i, cell.family) not in left
        }
        for i in pair
    )
    weights = [{r.signature.weights for r in done.values()} - {None} for done in (one, other)]
    if all(weights) and not weights[0] & weights[1]:
        return "other weights"
    for cell, result in one.items():
        if cell in other and (why := difference_of(result, other[cell])):
            return why[1]
    return ""


def _pair_of(parts: Sequence[Run], named: Named) -> tuple[str, str] | None:
    for i, part in enumerate(parts):
        if part.pair:
            a, b = part.pair
            return named.of(i, a), named.of(i, b)
    return None
