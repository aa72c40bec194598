"""What did tuning give and cost? Each model of a run against the one that it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.judge.bases import find_bases
from mlbench.judge.claims import ClaimsFile
from mlbench.judge.derivative import (
    ELSEWHERE,
    ENGLISH,
    OWN,
    Derivative,
    against_base,
    sentences,
)
from mlbench.judge.effects import Effect
from mlbench.judge.sentences import shown
from mlbench.measures import scale_of
from mlbench.report.text import short_names
from mlbench.stats import Resampling
from mlbench.store.read import Run

SHOWN = 10
"""Languages of the largest gains and of the largest losses that are named."""

_TITLES = {OWN: "its own languages", ELSEWHERE: "other languages", ENGLISH: "English"}


class Line(NamedTuple):
    """A part of the languages, or one of them: its lead and what it amounts to."""

    title: str
    n_languages: int
    lead: str
    interval: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A derivative as the page shows it; `problem` says why there is nothing to show."""

    model: str
    base: str
    unit: str = ""
    sentences: tuple[str, ...] = ()
    parts: tuple[Line, ...] = ()
    gains: tuple[Line, ...] = ()
    losses: tuple[Line, ...] = ()
    problem: str = ""


def derivatives_of(
    run: Run, asked: str | None, *, claims: ClaimsFile, resampling: Resampling
) -> list[Shown]:
    """Return each model of a run with the base that it has in it.

    Raises SelectionError as find_bases does.
    """
    names = short_names(list(run.models))
    found = []
    for model, base in find_bases(run, asked).items() if run.done else ():
        judged = against_base(run, model, base, claims=claims, resampling=resampling)
        if isinstance(judged, str):
            found.append(Shown(model, base, problem=judged))
        else:
            found.append(_shown(run, judged, names))
    return found


def _shown(run: Run, found: Derivative, names: Mapping[str, str]) -> Shown:
    lines = [
        _line(_TITLES[part], found.effects[part], found.scale)
        for part in (OWN, ELSEWHERE, ENGLISH)
        if found.effects[part].n_languages
    ]
    rows = sorted(
        (row for row in found.rows if row["language"] != REFERENCE),
        key=lambda row: -float(row["delta"]),
    )
    named = [
        Line(
            run.languages[row["language"]].name
            + (" (its own)" if row["language"] in (found.own or ()) else ""),
            1,
            shown(float(row["delta"]), found.scale),
            f"{shown(float(row['low']), found.scale)} to {shown(float(row['high']), found.scale)}",
            str(row["verdict"]),
        )
        for row in rows
    ]
    gains = [line for line, row in zip(named, rows, strict=True) if row["delta"] > 0]
    losses = [line for line, row in zip(named, rows, strict=True) if row["delta"] < 0]
    return Shown(
        found.model,
        found.base,
        scale_of(found.scale).unit,
        tuple(sentences(found, names)),
        tuple(lines),
        tuple(gains[:SHOWN]),
        tuple(losses[::-1][:SHOWN]),
    )


def _line(title: str, effect: Effect, scale: str) -> Line:
    interval = f"{shown(effect.low, scale)} to {shown(effect.high, scale)}"
    words = {"supported": "better", "refuted": "worse"}.get(effect.verdict, effect.verdict)
    return Line(title, effect.n_languages, shown(effect.estimate, scale), interval, words)
