"""What changed since an earlier run, in words? For the section of the page and for the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.judge.effects import Effect
from mlbench.judge.sentences import shown, with_interval
from mlbench.judge.since import ELSEWHERE, ENGLISH, Change, LanguageChange, Since
from mlbench.measures import scale_of
from mlbench.records import Cell, Language
from mlbench.report.text import join, show_line
from mlbench.wording import plural

_MOST_CELLS = 4
"""Columns of new or lost cells that are named, and languages of one."""


class Line(NamedTuple):
    """A language in which a model is shown to have changed, or a part of the languages."""

    title: str
    change: str
    interval: str
    state: str


@dataclass(frozen=True, slots=True)
class ShownChange:
    """How one model changed: sentences, and what is shown of English, elsewhere and languages."""

    model: str
    sentences: tuple[str, ...]
    unit: str = ""
    parts: tuple[Line, ...] = ()
    languages: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownSince:
    """The section: which run, what is told of all models, and each model."""

    run: str
    sentences: tuple[str, ...]
    changes: tuple[ShownChange, ...]


def shown_since(since: Since, names: Mapping[str, str]) -> ShownSince:
    """Put what changed into words; `names` are the short names of models."""
    told = []
    for models, word in ((since.added, "new"), (since.gone, "no longer here")):
        if models:
            verb = "is" if len(models) == 1 else "are"
            told.append(f"{join([names.get(m, show_line(m)) for m in models])} {verb} {word}.")
    if not since.changes:
        told.insert(0, "No model is in both runs.")
    changes = tuple(_shown(change, since, names) for change in since.changes)
    return ShownSince(show_line(since.run), tuple(told), changes)


def _shown(change: Change, since: Since, names: Mapping[str, str]) -> ShownChange:
    said = tuple(_sentences(change, since))
    model = names.get(change.model, show_line(change.model))
    if not change.effects:
        return ShownChange(model, said)
    parts = {ELSEWHERE: "elsewhere", ENGLISH: "in English"}
    rows = sorted(
        (r for r in change.languages if r.state != "undetermined"), key=lambda r: -r.delta
    )
    return ShownChange(
        model,
        said,
        scale_of(change.scale).unit,
        tuple(_part(words, change.effects[part], change.scale) for part, words in parts.items()),
        tuple(_language(row, since.languages, change.scale) for row in rows),
    )


def _part(title: str, effect: Effect, scale: str) -> Line:
    words = {"supported": "better", "refuted": "worse"}.get(effect.verdict, effect.verdict)
    interval = f"{shown(effect.low, scale)} to {shown(effect.high, scale)}"
    return Line(title, shown(effect.estimate, scale), interval, words)


def _language(row: LanguageChange, languages: Mapping[str, Language], scale: str) -> Line:
    name = languages[row.language].name if row.language in languages else row.language
    interval = f"{shown(row.low, scale)} to {shown(row.high, scale)}"
    return Line(show_line(name, 60), shown(row.delta, scale), interval, row.state)


def _sentences(change: Change, since: Since) -> Iterator[str]:
    if change.model != change.earlier:
        yield f"It was {show_line(change.earlier)}."
    yield from _of_levels(change, since.level)
    for cells, word in ((change.new, "new"), (change.lost, "not finished in this run")):
        if cells:
            yield f"{plural(len(cells), 'cell')} {word}: {_columns(cells, since.languages)}."
    reasons = Counter((gone.family, gone.reason) for gone in change.not_compared)
    for (family, reason), n in reasons.items():
        yield f"Not compared: {show_line(family)} in {plural(n, 'language')}: {show_line(reason)}."


def _of_levels(change: Change, level: float) -> Iterator[str]:
    if change.n_common and change.n_same == change.n_common:
        n = plural(change.n_common, "common cell")
        yield f"Nothing changed in {'its' if change.n_common == 1 else 'all its'} {n}."
        return
    if not change.effects:
        yield "No cell of it can be compared."
        return
    others = [row for row in change.languages if row.language != REFERENCE]
    words = []
    for part, where in (
        (ELSEWHERE, f"in {plural(len(others), 'other language')}"),
        (ENGLISH, "in English"),
    ):
        effect = change.effects[part]
        known = effect.n_languages > 0
        words.append(f"{with_interval(effect, change.scale, level)} {where}" if known else "")
    yield f"Its level changed by {join([w for w in words if w])}."
    yield (
        f"After Holm correction it is better in {change.count('better')} of "
        f"{plural(len(others), 'language')} other than English, worse in {change.count('worse')}, "
        f"and undetermined in {change.count('undetermined')}."
    )


def _columns(cells: Sequence[Cell], languages: Mapping[str, Language]) -> str:
    """Name columns of cells, and their languages where they are few."""
    found: dict[tuple[str, int], list[str]] = {}
    for cell in cells:
        name = languages[cell.language].name if cell.language in languages else cell.language
        found.setdefault((cell.family, cell.shots), []).append(show_line(name, 60))
    words = [
        f"{show_line(family)}{f' at {shots} shots' if shots else ''} in "
        + (join(tags) if len(tags) <= _MOST_CELLS else f"{len(tags)} languages")
        for (family, shots), tags in found.items()
    ]
    more = len(words) - _MOST_CELLS
    return "; ".join(words[:_MOST_CELLS]) + (f"; and {more} more columns" if more > 0 else "")
