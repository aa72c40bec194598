"""Does the level go with resources, speakers or size? Three small drawings of one axis.

Only a description, of the first pair: resources and speakers go together, and with script and
family. Levels are the mean adjusted scores of the table; a model's level is that of the ranking.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.records import Language
from mlbench.report.compare import Pair
from mlbench.report.dots import relative_path
from mlbench.report.leaders import language_levels
from mlbench.report.model_facts import facts_of
from mlbench.report.overview import HALF
from mlbench.report.ranking import rankings_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, percent, short_names
from mlbench.wording import plural

WIDTH, HEIGHT = 240, 150
"""The plot of a drawing, in its units; names and numbers stand outside."""

BESIDE, BAR = 7, 6
"""How far the dots of A and B stand from the middle of a class, and half the line of a median."""

LINE = 11
"""The height of a line of names."""

LONGEST_NAME = 18


class Tick(NamedTuple):
    """A number or a name on the axis."""

    x: int
    text: str


class Name(NamedTuple):
    """The name of a dot beside it."""

    x: int
    y: int
    css: str
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing: SVG paths of the dots of A and of B, and of lines."""

    title: str
    words: str
    ticks: tuple[Tick, ...]
    a: str
    b: str = ""
    lines_a: str = ""
    lines_b: str = ""
    names: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Resources:
    """The section; `models` are those of the dots, A first."""

    models: tuple[str, ...]
    panels: tuple[Panel, ...]


class _Level(NamedTuple):
    """A model in a language."""

    language: Language
    value: float


def resources_of(table: ReportTable, pair: Pair | None) -> Resources | None:
    """Prepare the section; None where there is no mean adjusted score."""
    shots = next((shots for _, shots, _ in table.adjusted), 0) if pair is None else pair.shots
    scored = dict.fromkeys(model for model, its, _ in table.adjusted if its == shots)
    models = [m for m in ((pair.a, pair.b) if pair else tuple(scored)[:1]) if m in scored]
    if not models:
        return None
    names = short_names(list(table.run.models))
    levels = {model: list(_levels(table, model, shots)) for model in models}
    panels = (
        _classes(levels, names),
        _speakers(table, shots, levels, names),
        _sizes(table, shots, names),
    )
    found = tuple(panel for panel in panels if panel)
    return Resources(tuple(names[model] for model in models), found) if found else None


def _levels(table: ReportTable, model: str, shots: int) -> Iterator[_Level]:
    for language in table.languages:
        value = table.adjusted[model, shots, language.tag].value
        if language.tag != REFERENCE and not math.isnan(value):
            yield _Level(language, value)


def _y(level: float) -> int:
    return round(HEIGHT * (1 - min(max(level, 0.0), 1.0)))


def _classes(levels: Mapping[str, list[_Level]], names: Mapping[str, str]) -> Panel | None:
    """Draw the levels by resource class, from few resources to many, with the median of each."""
    by_class: dict[int, list[list[float]]] = {}
    for i, its in enumerate(levels.values()):
        for language, value in its:
            if language.resource_class is not None:
                columns = by_class.setdefault(language.resource_class, [[] for _ in levels])
                columns[i].append(value)
    if len(by_class) < 2:
        return None
    room = WIDTH / len(by_class)
    points: list[list[tuple[int, int]]] = [[], []]
    lines, ticks = ["", ""], []
    for place, (number, columns) in enumerate(sorted(by_class.items())):
        middle = round(room * (place + 0.5))
        ticks.append(Tick(middle, f"{number}"))
        for i, values in enumerate(columns):
            x = middle if len(levels) == 1 else middle + (2 * i - 1) * BESIDE
            points[i] += [(x, _y(value)) for value in values]
            if values:
                lines[i] += f"M{x - BAR} {_y(median(values))}h{2 * BAR}"
    ends = [_class_words(number, by_class[number]) for number in (max(by_class), min(by_class))]
    words = f"Median of {join([names[model] for model in levels])}: {'; '.join(ends)}."
    a, b = (relative_path(its) for its in points)
    return Panel("By resource class, 5 has most", words, tuple(ticks), a, b, lines[0], lines[1])


def _class_words(number: int, columns: Sequence[Sequence[float]]) -> str:
    medians = join([percent(median(values)) if values else "–" for values in columns])
    n = max(len(values) for values in columns)
    return f"in class {number} ({plural(n, 'language')}) {medians}"


_LEAST, _MOST = 4, 9.3
_PEOPLE = {4: "10,000", 5: "100,000", 6: "1 m", 7: "10 m", 8: "100 m", 9: "1 bn"}


def _speakers(
    table: ReportTable, shots: int, levels: Mapping[str, list[_Level]], names: Mapping[str, str]
) -> Panel | None:
    """Draw the levels by number of speakers; the line is half of the level in English."""

    def x(speakers: float) -> int:
        share = (math.log10(max(speakers, 1)) - _LEAST) / (_MOST - _LEAST)
        return round(WIDTH * min(max(share, 0.0), 1.0))

    points = [
        [(x(language.speakers), _y(value)) for language, value in its if language.speakers]
        for its in levels.values()
    ]
    if not any(points):
        return None
    lines, kept = [], []
    for model, its in levels.items():
        english = _english(table, model, shots)
        lines.append("" if english is None else f"M0 {_y(HALF * english)}h{WIDTH}")
        kept.append(_reach(names[model], english, its))
    tested = [language for language, _ in next(iter(levels.values()))]
    words = (
        f"At least half of its level in English, which is its line: {'; '.join(kept)}. Of "
        f"{plural(len(tested), 'language')} with {_people(tested)}; who speaks two counts twice."
    )
    ticks = tuple(Tick(x(10**power), text) for power, text in _PEOPLE.items())
    a, b = (relative_path(its) for its in [*points, []][:2])
    words = words if table.has_english else ""
    return Panel("By speakers", words, ticks, a, b, lines[0], "".join(lines[1:]))


def _english(table: ReportTable, model: str, shots: int) -> float | None:
    """Return the level in English, if there is one above chance to keep half of."""
    found = table.adjusted.get((model, shots, REFERENCE))
    if found is None or math.isnan(found.value) or found.value <= 0:
        return None
    level = language_levels(table).get((model, shots, REFERENCE))
    return found.value if level is None or level.against_chance == "above" else None


def _reach(name: str, english: float | None, levels: Sequence[_Level]) -> str:
    if english is None:
        return f"unknown for {name}, not above chance in English"
    reached = [language for language, value in levels if value >= HALF * english]
    return f"{name} in {plural(len(reached), 'language')} with {_people(reached)}"


def _people(languages: Sequence[Language]) -> str:
    """Count the speakers of languages; two languages of the same people count once."""
    people = {x.speakers_shared_with or x.tag: x.speakers for x in languages if x.speakers}
    n = sum(people.values())
    return f"{n / 1e9:.1f} bn speakers" if n >= 5e7 else f"{n / 1e6:.1f} m speakers"


def _sizes(table: ReportTable, shots: int, names: Mapping[str, str]) -> Panel | None:
    """Draw the level of each ranked model by the size of its weights."""
    ranking = next((r for r in rankings_of(table) if r.shots == shots and r.is_adjusted), None)
    sized = [(facts_of(table, row.model).memory, row) for row in (ranking.rows if ranking else ())]
    sized = [(memory, row) for memory, row in sized if memory > 0]
    if len(sized) < 2:
        return None
    powers = [math.log10(memory) for memory, _ in sized]
    low, high = math.floor(min(powers)), math.floor(max(powers)) + 1

    def x(power: float) -> int:
        return round(WIDTH * (power - low) / (high - low))

    dots = [(x(power), _y(row.score)) for power, (_, row) in zip(powers, sized, strict=True)]
    labels = [names[row.model] for _, row in sized]
    ticks = tuple(Tick(x(power), _size(power)) for power in range(low, high + 1))
    unknown = len(ranking.rows) - len(sized) if ranking else 0
    left = f"; of {plural(unknown, 'model')} the size is not known" if unknown else ""
    words = f"A dot is a model with its level in the ranking; weights in bfloat16{left}."
    drawn = Panel("By size of the weights", words, ticks, relative_path(dots))
    return replace(drawn, names=_placed(dots, labels))


def _size(power: int) -> str:
    """Write a power of ten of bytes.

    >>> _size(7), _size(10)
    ('10 MB', '10 GB')
    """
    return f"{10 ** (power - 9):,} GB" if power >= 9 else f"{10.0 ** (power - 6):g} MB"


def _placed(dots: Sequence[tuple[int, int]], labels: Sequence[str]) -> tuple[Name, ...]:
    """Write a name beside each dot, towards the middle, and below the names that stand there."""
    found: list[Name] = []
    for (x, y), text in sorted(zip(dots, labels, strict=True), key=lambda one: one[0][1]):
        css, edge = ("last", x - 6) if 2 * x > WIDTH else ("", x + 6)
        line = y + 3
        while any(abs(line - other.y) < LINE for other in found):
            line += 1
        cut = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
        found.append(Name(edge, line, css, cut))
    return tuple(found)
