"""What does a run hold? Every planned cell with its state, for reports, lists and verdicts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from mlbench import store
from mlbench.data.languages import language_from
from mlbench.errors import StoreError
from mlbench.names import folder_name
from mlbench.records import Cell, Language
from mlbench.store.manifest import planned_cells, read_manifest

SCORED_EARLIER = "scored under an earlier plan; the same `mlbench run` command scores it again"
"""Why a changed cell has no score."""


NOT_RUN = "planned, not run yet"
"""Why a missing cell has no score."""

CALLED = "called"
"""The fact of a model that has another name in a view of several runs (join.py): its own."""

State = Literal["done", "changed", "failed", "damaged", "missing"]
STATES: tuple[State, ...] = get_args(State)


class Column(NamedTuple):
    """One column of a heatmap: a model on a family with a number of examples."""

    model: str
    family: str
    shots: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as stored. A planned cell is in one of four mappings, or missing.

    `changed` cells were scored under an earlier plan (other weights, data or settings) and
    `damaged` files, each with its message, cannot be read: both count as missing, and the same
    `mlbench run` command scores them again.
    `families` and `models` hold the facts of the manifest, `languages` what concerns the data of
    the families (Language.in_data); `no_data` the reason by family and tag;
    `pair` is compared first where the command that ran it named one (`--pair`); `machine` says in
    words where it ran last, as far as it is known. A view of several runs (join.py) has these as
    `parts`, and in `notes` what is not joined of them; its folder is that of the first. `only`
    names the models whose cells were read (None: all): where cells stand is told of theirs alone.
    """

    folder: Path
    created: str
    models: Mapping[str, Mapping[str, Any]]
    families: Mapping[str, Mapping[str, Any]]
    languages: Mapping[str, Language]
    planned: tuple[Cell, ...]
    done: Mapping[Cell, store.CellResult]
    failed: Mapping[Cell, store.FailedCell]
    no_data: Mapping[str, Mapping[str, str]]
    damaged: Mapping[Cell, str]
    changed: Mapping[Cell, store.CellResult] = field(default_factory=dict)
    pair: tuple[str, str] | None = None
    machine: str = ""
    parts: tuple["Run", ...] = ()
    notes: tuple[str, ...] = ()
    only: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """Name the run by its folder, also when that was given as `.`; a view by its parts."""
        if self.parts:
            return folder_name("+".join(part.name for part in self.parts))
        return self.folder.resolve().name

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return where its files are."""
        return tuple(place for part in self.parts for place in part.folders) or (self.folder,)

    @property
    def asked(self) -> tuple[Cell, ...]:
        """Return the planned cells that were looked at."""
        return tuple(c for c in self.planned if self.only is None or c.model in self.only)

    @property
    def columns(self) -> list[Column]:
        """Return the columns in the order of the manifest."""
        return list(dict.fromkeys(map(_column_of, self.planned)))

    @property
    def typed(self) -> str:
        """Return what to type for this run on a command line."""
        return " ".join(map(store.run_name, self.folders))

    def state(self, cell: Cell) -> State:
        """Return where a planned cell stands."""
        if cell in self.done:
            return "done"
        if cell in self.failed:
            return "failed"
        if cell in self.changed:
            return "changed"
        return "damaged" if cell in self.damaged else "missing"

    def reason(self, cell: Cell) -> str:
        """Return why a planned cell has no score; empty where it has one."""
        if cell in self.done:
            return ""
        if cell in self.failed:
            return self.failed[cell].reason
        return SCORED_EARLIER if cell in self.changed else self.damaged.get(cell, NOT_RUN)

    @property
    def counts(self) -> dict[State, int]:
        """Count the planned cells in each state."""
        return self.count(self.asked)

    def count(self, cells: Iterable[Cell]) -> dict[State, int]:
        """Count some planned cells in each state."""
        found = Counter(map(self.state, cells))
        return {state: found[state] for state in STATES}

    @property
    def counts_line(self) -> str:
        """Return where the planned cells stand, as one line."""
        parts = ", ".join(f"{n:,} {state}" for state, n in self.counts.items())
        n_planned = len(self.asked)
        return f"{n_planned:,} planned cell{'' if n_planned == 1 else 's'}: {parts}"

    @property
    def is_complete(self) -> bool:
        """Return whether every planned cell is done."""
        return all(cell in self.done for cell in self.asked)

    def unfinished(
        self, models: Iterable[str] | None = None
    ) -> dict[tuple[State, str], list[Cell]]:
        """Return the planned cells that are not done, by state and reason; None: of all models."""
        chosen = None if models is None else set(models)
        found: dict[tuple[State, str], list[Cell]] = {}
        for cell in self.asked:
            if cell not in self.done and (chosen is None or cell.model in chosen):
                found.setdefault((self.state(cell), self.reason(cell)), []).append(cell)
        return found


def demonstrations_of(run: Run, families: Iterable[str]) -> frozenset[str]:
    """Return the families that stay out of numbers over several: real models guess in them.

    None where all are of the embedded suite, which is there to be shown.
    """
    names = set(families)
    if all(run.families[name].get("suite") == "embedded" for name in names):
        return frozenset()
    return frozenset(name for name in names if run.families[name].get("is_demonstration"))


def read_run(run: str | Path, models: Iterable[str] | None = None) -> Run:
    """Read a run by name or path, or only the cells of some of its models.

    Raises StoreError if there is no such run or its manifest is damaged, NewerStoreError if a newer
    mlbench wrote one of its cells.
    """
    folder = store.find_run(run)
    manifest = read_manifest(folder)
    planned = planned_cells(manifest)
    found, only = _Found(), None if models is None else frozenset(models)
    for (model, *_), column in groupby(planned, key=_column_of):
        if only is not None and model not in only:
            continue
        cells = list(column)
        parent = store.cell_path(folder, manifest["models"][model]["slug"], cells[0]).parent
        for cell, stored in zip(cells, store.get_all(parent, cells), strict=True):
            found.add(cell, stored, planned[cell])
    sources = {facts["source"] for facts in manifest["families"].values()}
    languages = {t: read_language(b).in_data(sources) for t, b in manifest["languages"].items()}
    return Run(
        folder=folder,
        created=manifest["created"],
        models=manifest["models"],
        families=manifest["families"],
        languages=languages,
        planned=tuple(planned),
        done=found.done,
        failed=found.failed,
        no_data=manifest["no_data"],
        damaged=found.damaged,
        changed=found.changed,
        pair=_pair_of(manifest),
        machine=_machine_of(manifest),
        only=only,
    )


def _pair_of(manifest: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the pair that a command named, while both of its models are in the run."""
    a, b = manifest.get("pair") or ("", "")
    return (a, b) if a != b and {a, b} <= set(manifest["cells"]) else None


def _machine_of(manifest: Mapping[str, Any]) -> str:
    """Return in words on what the last command of a run scored; empty where it does not say."""
    machine = [record.get("machine") for record in manifest.get("invocations", ())][-1:]
    if not machine or not isinstance(machine[0], Mapping):
        return ""
    known = {key: str(value) for key, value in machine[0].items() if value is not None}
    cores = f"{known['cores']} cores" if "cores" in known else ""
    system = " ".join(known[key] for key in ("system", "processor") if key in known)
    return ", ".join(filter(None, (system, cores, known.get("device", ""))))


def read_language(block: Mapping[str, Any]) -> Language:
    """Return a language of a manifest; what only a newer version knows of it is left out."""
    return language_from({p.name: block[p.name] for p in fields(Language) if p.name in block})


@dataclass(frozen=True, slots=True)
class _Found:
    """What is on disk of the planned cells, filled while they are read."""

    done: dict[Cell, store.CellResult] = field(default_factory=dict)
    changed: dict[Cell, store.CellResult] = field(default_factory=dict)
    failed: dict[Cell, store.FailedCell] = field(default_factory=dict)
    damaged: dict[Cell, str] = field(default_factory=dict)

    def add(self, cell: Cell, stored: store.Outcome, digest: str | None) -> None:
        """Sort a cell in; `digest` is that of its planned signature, None where none was kept."""
        if isinstance(stored, StoreError):
            self.damaged[cell] = str(stored)
        elif isinstance(stored, store.FailedCell):
            self.failed[cell] = stored
        elif stored is not None:
            is_planned = digest is None or stored.signature.digest == digest
            (self.done if is_planned else self.changed)[cell] = stored


def _column_of(cell: Cell) -> Column:
    return Column(cell.model, cell.family, cell.shots)
