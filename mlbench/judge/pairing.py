"""Which cells of two models may be compared, and why not the others?

The one place that decides it: `mlbench verdict`, the page, the figures and differences.csv all ask
`pair`, so that no two of them can differ. Nothing is left out because of its scores.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.errors import DataError
from mlbench.judge.bases import find_bases, own_languages
from mlbench.judge.evidence import Evidence
from mlbench.judge.tables import FamilyTables, rule_tables, score_table, token_table
from mlbench.models.claimed import claimed_by
from mlbench.records import Cell
from mlbench.stats import ScoreTable, drawn_alike
from mlbench.stats.aggregates import Excluded
from mlbench.store.cells import CellResult
from mlbench.store.read import Column, Run, demonstrations_of
from mlbench.store.samples import cluster_ids_of, doc_ids_of

OF_EXAMPLES = frozenset({"prompts", "shots"})
"""Parts of a signature that differ between a cell with examples and the same cell without."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What may be compared of A and B, as evidence, and why the rest may not.

    `compared` holds A's cell of each comparison, `cells` all that the evidence is made of: also
    those with examples, and those that one model has alone, for claims about that model.
    """

    a: str
    b: str
    evidence: Evidence
    left_out: tuple[Excluded, ...]
    compared: tuple[Cell, ...]
    cells: tuple[Cell, ...]

    @property
    def reasons(self) -> dict[tuple[str, str], str]:
        """Return why a cell is left out, by family and language."""
        return {(gone.family, gone.language): gone.reason for gone in self.left_out}


def pair(
    run: Run,
    a: str,
    b: str,
    *,
    shots: int | None = None,
    families: Collection[str] | None = None,
) -> Pairing:
    """Find the cells of two models that may be compared; of all families if not said.

    Without `shots` a family enters at the fewest that both models have. Evidence about examples in
    the prompt is at the most that each model has.
    """
    models = tuple(dict.fromkeys((a, b)))
    names = [family for family in run.families if families is None or family in families]
    # Once: a run may have thousands of cells, and its columns are found by looking at each.
    columns: dict[str, list[Column]] = {family: [] for family in run.families}
    for column in run.columns:
        columns[column.family].append(column)
    shots_by_family = {f: _shots_of(run, f, columns[f], (models, shots)) for f in names}
    parts = [
        _pair_family(run, columns[family], (a, b), by_model)
        for family, by_model in shots_by_family.items()
        if by_model
    ]
    tables = {part.family: part.tables for part in parts if part.tables is not None}
    left_out = [Excluded(tag, p.family, why) for p in parts for tag, why in p.reasons.items()]
    return Pairing(
        a,
        b,
        _evidence_from(run, tables, (a, b)),
        tuple(sorted(left_out)),
        tuple(cell for part in parts for cell in part.compared),
        tuple(cell for part in parts for cell in part.cells),
    )


def _evidence_from(
    run: Run, tables: Mapping[str, FamilyTables], models: tuple[str, str]
) -> Evidence:
    a, b = models
    tables = _alike(tables)
    rules: dict[str, list[ScoreTable]] = {}
    for found in tables.values():
        for rule, table in found.rules.items():
            rules.setdefault(rule, []).append(table)
    return Evidence(
        tuple(found.scores for found in tables.values()),
        facts=run.languages,
        tokens=next((found.tokens for found in tables.values() if found.tokens), None),
        fewshot=tuple(t for _, found in sorted(tables.items()) for t in found.fewshot.values()),
        shots=max((found.most(a) or found.most(b) for found in tables.values()), default=0),
        rules={rule: tuple(scored) for rule, scored in rules.items()},
        demonstrations=demonstrations_of(run, tables),
        claimed={
            model: claimed
            for model in models
            if (claimed := claimed_by(model, run.models[model])) is not None
        },
        base=find_bases(run),
        own={model: own_languages(run, model) for model in models},
    )


def _alike(tables: Mapping[str, FamilyTables]) -> dict[str, FamilyTables]:
    """Let the families of one doc set be drawn alike, by every rule and with examples too."""
    alike = iter(
        drawn_alike(
            table
            for found in tables.values()
            for table in (found.scores, *found.rules.values(), *found.fewshot.values())
        )
    )
    drawn = {}
    for name, found in tables.items():
        scores = next(alike)
        rules = {rule: next(alike) for rule in found.rules}
        # The rule that is the judged measure stays the same table, which is drawn once.
        rules |= {rule: scores for rule, table in found.rules.items() if table is found.scores}
        fewshot = {n: next(alike) for n in found.fewshot}
        drawn[name] = found._replace(scores=scores, rules=rules, fewshot=fewshot)
    return drawn


class _Part(NamedTuple):
    """One family, paired: A's cells that are compared, why others are not, what it gives."""

    family: str
    reasons: Mapping[str, str]
    compared: Sequence[Cell] = ()
    cells: Sequence[Cell] = ()
    tables: FamilyTables | None = None


def _shots_of(
    run: Run, family: str, columns: Sequence[Column], asked: tuple[Sequence[str], int | None]
) -> dict[str, int]:
    """Choose the number of examples by model: one for both where they have one in common.

    The fewest at which any language is finished for both, so that a number of examples that failed
    does not hide one that was run.
    """
    models, shots = asked
    has = {model: {c.shots for c in columns if c.model == model} for model in models}
    if shots is not None:
        return {model: shots for model, planned in has.items() if shots in planned}
    both = set.intersection(*has.values())
    if not both:
        return {model: min(planned) for model, planned in has.items() if planned}

    def is_empty(n: int) -> bool:
        return not any(
            all(Cell(model, family, tag, n) in run.done for model in models)
            for tag in run.languages
        )

    return dict.fromkeys(models, min(both, key=lambda n: (is_empty(n), n)))


def _pair_family(
    run: Run, columns: Sequence[Column], pair: tuple[str, str], shots: Mapping[str, int]
) -> _Part:
    """Pair one family, given its columns; what does not fit together costs no other anything."""
    family = columns[0].family
    reasons: dict[str, str] = {}
    kept: dict[str, list[CellResult]] = {}
    why = _why_no_family(run, family, pair, shots)
    for tag in run.languages:
        cells = [Cell(model, family, tag, shots[model]) for model in pair if model in shots]
        if reason := why or _why_not(run, *cells):
            reasons[tag] = reason
        results = [run.done[cell] for cell in cells if cell in run.done]
        if results:
            # What one model has alone is no comparison, but evidence for claims about that model.
            kept[tag] = results[:1] if reason else results
    if run.families[family]["is_parallel"]:
        kept = _sharing_docs(kept, reasons)
    compared = [results[0].cell for tag, results in kept.items() if tag not in reasons]
    cells = list(dict.fromkeys(r.cell for results in kept.values() for r in results))
    if not cells:
        return _Part(family, reasons)
    many = _with_examples(run, kept, pair, columns)
    try:
        tables = _tables(run, family, cells, many, set(reasons))
    except DataError as error:
        return _Part(family, dict.fromkeys((c.language for c in compared), str(error)) | reasons)
    return _Part(family, reasons, compared, [*cells, *many], tables)


def _tables(
    run: Run, family: str, cells: Sequence[Cell], many: Sequence[Cell], left_out: set[str]
) -> FamilyTables:
    """Put the cells of a family into tables; raises DataError if they do not fit together."""
    by_shots: dict[int, list[Cell]] = {}
    for cell in many:
        by_shots.setdefault(cell.shots, []).append(cell)
    both = [cell for cell in cells if cell.language not in left_out]
    scores = score_table(run, cells, family)
    return FamilyTables(
        scores,
        rule_tables(run, cells, family, scores),
        token_table(run, both, family),
        {n: score_table(run, mine, family) for n, mine in sorted(by_shots.items())},
    )


def _with_examples(
    run: Run,
    kept: Mapping[str, Sequence[CellResult]],
    pair: tuple[str, str],
    columns: Sequence[Column],
) -> list[Cell]:
    """Find the cells of each model at the most examples it has, on the docs of the kept cells."""
    shots = {r.cell.shots for results in kept.values() for r in results}
    found = []
    for model in dict.fromkeys(pair):
        mine = [c for c in columns if c.model == model and c.shots > max(shots)]
        done = [[c for c in _cells_of(run, column) if c in run.done] for column in mine]
        if len(shots) != 1 or not any(done):
            continue
        found += [
            cell
            for cell in max(filter(None, done), key=lambda cells: cells[0].shots)
            if cell.language in kept
            and not why_not_paired(run.done[cell], kept[cell.language][0], passing=OF_EXAMPLES)
        ]
    return found


def _cells_of(run: Run, column: Column) -> list[Cell]:
    return [Cell(column.model, column.family, tag, column.shots) for tag in run.languages]


def why_not_paired(a: CellResult, b: CellResult, *, passing: Collection[str] = frozenset()) -> str:
    """Return why two models cannot be compared on a cell; empty where they can.

    Parts of the signature in `passing` may differ.
    """
    differing = [part for part in a.signature.comparable(b.signature) if part not in passing]
    if differing:
        return f"the models were scored under different conditions ({', '.join(differing)})"
    ids = [doc_ids_of(result.samples) for result in (a, b)]
    clusters = [cluster_ids_of(result.samples) for result in (a, b)]
    if ids[0] == ids[1] and clusters[0] == clusters[1]:
        return ""
    if sorted(ids[0]) != sorted(ids[1]):
        return "the models were scored on different docs"
    of_a, of_b = (dict(zip(*both, strict=True)) for both in zip(ids, clusters, strict=True))
    return "" if of_a == of_b else "the docs are in other clusters for one model than for the other"


def _why_no_family(run: Run, family: str, pair: tuple[str, str], shots: Mapping[str, int]) -> str:
    """Return why a family is compared in no language; empty where it may be in some."""
    a, b = pair
    if len(shots) == len({a, b}) and len(set(shots.values())) == 1:
        return ""
    has = {
        model: sorted(c.shots for c in run.columns if c[:2] == Column(model, family, 0)[:2])
        for model in pair
    }
    lacking = next((model for model in pair if not has[model]), None)
    if lacking is not None:
        return f"the family was not run for {lacking!r}"
    words = (f"{model!r} at {', '.join(map(str, has[model]))}" for model in pair)
    return f"run at other shots: {' and '.join(words)}"


def _why_not(run: Run, a: Cell, b: Cell) -> str:
    """Return why a language is not compared; empty where it is."""
    if a in run.done and b in run.done:
        return why_not_paired(run.done[a], run.done[b])
    states = {cell: _state(run, cell) for cell in (a, b) if cell not in run.done}
    if len(states) == 1:
        ((cell, state),) = states.items()
        return f"{_WORDS_OF_ONE[state]} for {cell.model!r}"
    if states[a] == states[b]:
        return _WORDS_OF_BOTH[states[a]]
    return "; ".join(f"{_WORDS_OF_ONE[state]} for {c.model!r}" for c, state in states.items())


_WORDS_OF_BOTH = {
    "no data": "the family has no data there",
    "failed": "it failed for both models",
    "missing": "it was not run for either model",
    "changed": "it was scored under an earlier plan for both models",
    "damaged": "its file is damaged for both models",
}
_WORDS_OF_ONE = {
    "no data": "no data",
    "failed": "failed",
    "missing": "not run",
    "changed": "scored under an earlier plan",
    "damaged": "its file is damaged",
}


def _state(run: Run, cell: Cell) -> str:
    has_none = cell.language in run.no_data.get(cell.family, {})
    return "no data" if has_none and cell not in run.planned else run.state(cell)


def _sharing_docs(
    kept: Mapping[str, list[CellResult]], reasons: dict[str, str]
) -> dict[str, list[CellResult]]:
    """Leave out a language without a doc of the pivot: English, or the one with most docs."""
    ids = {tag: set(doc_ids_of(results[0].samples)) for tag, results in kept.items()}
    if not ids:
        return {}
    pivot = REFERENCE if REFERENCE in ids else max(ids, key=lambda tag: len(ids[tag]))
    lonely = {tag for tag in kept if not ids[tag] & ids[pivot]}
    for tag in lonely:
        reasons.setdefault(tag, f"no doc of this run is shared with {pivot}")
    return {tag: results for tag, results in kept.items() if tag not in lonely}
