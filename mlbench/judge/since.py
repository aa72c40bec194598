"""What changed from an earlier run? Each model against itself: a new revision is a pair like any.

Both runs are read as one, with the models of the two told apart (store/join.py); the numbers are
those of a verdict on the two. Cells that only one run has are new or lost, and what was asked in
another way is not compared.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlbench.data.languages import REFERENCE
from mlbench.judge.claims import ClaimsFile
from mlbench.judge.derivative import part_effects
from mlbench.judge.effects import Effect
from mlbench.judge.evidence import analyse
from mlbench.judge.findings import language_rows
from mlbench.judge.pairing import Pairing, pair
from mlbench.judge.verdict import clean
from mlbench.records import Cell, Language
from mlbench.stats import Resampling
from mlbench.stats.aggregates import Excluded
from mlbench.store.cells import CellResult
from mlbench.store.join import join_runs, labels_of
from mlbench.store.merge import other_fact
from mlbench.store.moved import difference_of
from mlbench.store.read import Run

ELSEWHERE, ENGLISH = "elsewhere", "english"


@dataclass(frozen=True, slots=True)
class LanguageChange:
    """How a model changed in one language; `state` after Holm: better, worse or undetermined."""

    language: str
    delta: float
    low: float
    high: float
    p_holm: float
    state: str


@dataclass(frozen=True, slots=True)
class Change:
    """A model of a run against itself in an earlier one, where it was called `earlier`.

    `effects` are how its level changed in English and elsewhere, on `scale`; none where every
    common cell is the same (`n_same` of `n_common`), or nothing is compared. `new` and `lost` are
    cells that one run alone has finished; `not_compared` those of both, with the reason.
    """

    model: str
    earlier: str
    n_same: int
    n_common: int
    new: tuple[Cell, ...]
    lost: tuple[Cell, ...]
    not_compared: tuple[Excluded, ...]
    scale: str = ""
    families: tuple[str, ...] = ()
    effects: Mapping[str, Effect] | None = None
    languages: tuple[LanguageChange, ...] = ()

    def count(self, state: str) -> int:
        """Count the languages but English in a state."""
        return sum(row.state == state and row.language != REFERENCE for row in self.languages)


@dataclass(frozen=True, slots=True)
class Since:
    """What changed from the run `run`: models that both have, and those of one alone.

    `languages` are those of either run, by tag.
    """

    run: str
    level: float
    languages: Mapping[str, Language]
    changes: tuple[Change, ...]
    added: tuple[str, ...]
    gone: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as `since` of verdict.schema.json."""
        plain = {
            "run": self.run,
            "level": self.level,
            "models": [_plain(change) for change in self.changes],
            "added": list(self.added),
            "gone": list(self.gone),
        }
        cleaned: dict[str, Any] = clean(plain)
        return cleaned


def _plain(change: Change) -> dict[str, Any]:
    effects = change.effects or {}
    states = ("better", "worse", "undetermined")
    return {
        "model": change.model,
        "earlier": change.earlier,
        "scale": change.scale or None,
        "families": list(change.families),
        "cells": {"same": change.n_same, "common": change.n_common},
        "new": [cell._asdict() for cell in change.new],
        "lost": [cell._asdict() for cell in change.lost],
        "not_compared": [gone._asdict() for gone in change.not_compared],
        **{part: asdict(effects[part]) if effects else None for part in (ENGLISH, ELSEWHERE)},
        "counts": {state: change.count(state) for state in states},
        "per_language": [asdict(row) for row in change.languages],
    }


@dataclass(frozen=True, slots=True)
class _Both:
    """Both runs, the view of the two, and by what is judged."""

    run: Run
    earlier: Run
    view: Run
    claims: ClaimsFile
    resampling: Resampling

    def in_view(self, model: str, earlier: str) -> tuple[str, str]:
        """Return what the view calls a model of the run and one of the earlier run."""
        if model != earlier:
            return model, earlier
        ours, theirs = labels_of([self.run, self.earlier])
        return f"{model} ({ours})", f"{earlier} ({theirs})"


def changes_since(
    run: Run,
    earlier: Run,
    models: Collection[str] | None = None,
    *,
    claims: ClaimsFile,
    resampling: Resampling,
) -> Since:
    """Judge each model of a run (None: all) that an earlier one has against itself there."""
    same = _same_models(run, earlier)
    both = _Both(run, earlier, join_runs([run, earlier], apart=True), claims, resampling)
    wanted = [model for model in run.models if models is None or model in models]
    return Since(
        earlier.typed,
        resampling.level,
        {**earlier.languages, **run.languages},
        tuple(_change(both, model, same[model]) for model in wanted if model in same),
        tuple(model for model in wanted if model not in same),
        tuple(model for model in earlier.models if model not in same.values()),
    )


def _same_models(run: Run, earlier: Run) -> dict[str, str]:
    """Return which model of the earlier run each model is: by name, else by all but its revision.

    `org/name@main` was `org/name@v1`, unless a run has two revisions of it.
    """
    found = {model: model for model in run.models if model in earlier.models}
    for model in run.models:
        plain = model.partition("@")[0]
        ours, theirs = (
            [m for m in each.models if m not in found and m.partition("@")[0] == plain]
            for each in (run, earlier)
        )
        if ours == [model] and len(theirs) == 1:
            found[model] = theirs[0]
    return found


def _change(both: _Both, model: str, was: str) -> Change:
    ours, theirs = (_done(r, m) for r, m in ((both.run, model), (both.earlier, was)))
    common = [cell for cell in ours if cell in theirs]
    n_same = sum(difference_of(ours[cell], theirs[cell]) is None for cell in common)
    pairing = pair(both.view, *both.in_view(model, was))
    left_out = _not_compared(both, common, pairing)
    known = Change(
        model,
        was,
        n_same,
        len(common),
        tuple(cell._replace(model=model) for cell in ours if cell not in theirs),
        tuple(cell._replace(model=was) for cell in theirs if cell not in ours),
        left_out,
    )
    if n_same == len(common) or not pairing.compared:
        return known
    analysis = analyse(pairing.evidence, pairing.a, pairing.b, both.resampling)
    margins = both.claims.margins[analysis.scale.name]
    tags = analysis.delta.languages if analysis.delta else ()
    parts = {ENGLISH: [REFERENCE], ELSEWHERE: [tag for tag in tags if tag != REFERENCE]}
    rows = []
    if analysis.delta is not None:
        rows = language_rows(analysis.delta, None, margins.language, both.resampling)
    return replace(
        known,
        scale=analysis.scale.name,
        families=tuple(family.family for family in analysis.pooled),
        effects=part_effects(analysis, parts, margins.pooled, both.resampling),
        languages=tuple(_language(row, 1 - both.resampling.level) for row in rows),
    )


def _done(run: Run, model: str) -> dict[Cell, CellResult]:
    """Return the finished cells of a model, whatever it is called."""
    return {cell._replace(model=""): r for cell, r in run.done.items() if cell.model == model}


def _not_compared(both: _Both, common: Iterable[Cell], pairing: Pairing) -> tuple[Excluded, ...]:
    """Return what both runs have finished and cannot be compared, with the reason."""
    found = {}
    for cell in common:
        facts = [run.families[cell.family] for run in (both.run, both.earlier)]
        key = other_fact("families", facts[1], facts[0])
        why = pairing.reasons.get((cell.family, cell.language), "")
        if key is not None:
            was, now = (each.get(key) for each in facts[::-1])
            why = f"the {key} of the family was {was!r} and is {now!r}"
        if why:
            found[cell.family, cell.language] = Excluded(cell.language, cell.family, why)
    return tuple(sorted(found.values()))


def _language(row: Mapping[str, Any], alpha: float) -> LanguageChange:
    delta, p_holm = float(row["delta"]), float(row["p_holm"])
    is_shown = p_holm <= alpha and delta != 0
    state = ("better" if delta > 0 else "worse") if is_shown else "undetermined"
    return LanguageChange(
        row["language"], delta, float(row["low"]), float(row["high"]), p_holm, state
    )
