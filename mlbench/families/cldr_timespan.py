"""Which of four phrases means this signed span of time?

Measures whether a model reads the language's phrases for past and future ("in 3 days", "3 days
ago"). The cue is an ISO 8601 duration with its sign (ISO 8601-2). The four choices are the target
with two of its parts, direction, number and unit, changed in every combination: each value stands
in two of them, so that no choice is the most usual one.
"""

from functools import cache
from itertools import product

from mlbench.data import cldr
from mlbench.families import _cldr_choices as cldr_choices
from mlbench.families._cldr_choices import DocOutline, Wording, draw
from mlbench.records import CldrSource, Family, FamilyDocs, Language, OutputType, Rows

SYMBOLS = {
    "second": "PT{}S",
    "minute": "PT{}M",
    "hour": "PT{}H",
    "day": "P{}D",
    "week": "P{}W",
    "month": "P{}M",
    "year": "P{}Y",
}
SIGNS = {"future": "+", "past": "-"}
# No 1: many languages then leave the number out. Both halves reach all plural classes of Slavic.
SCORED_NUMBERS = (2, 3, 5, 8, 12, 21)
SHOT_NUMBERS = (4, 9)
N_NUMBERS = 4
CHANGES = (("direction", "number"), ("direction", "unit"), ("number", "unit"))


@cache
def scored_outlines() -> tuple[DocOutline, ...]:
    """Return the outlines of all languages."""
    outlines = []
    for place, (unit, direction) in enumerate(product(cldr.SPAN_UNITS, SIGNS)):
        for i in range(N_NUMBERS):
            # Two steps a unit: every unit meets every change and every number comes equally often.
            number = SCORED_NUMBERS[(place * 2 + i) % len(SCORED_NUMBERS)]
            changes = CHANGES[(place + i) % len(CHANGES)]
            outlines.append(_outline((direction, number, unit), changes, SCORED_NUMBERS))
    return tuple(outlines)


@cache
def shot_outlines() -> tuple[DocOutline, ...]:
    """Return the few-shot outlines, in the order in which they are shown."""
    # Past and future by turns; what the first seven leave out stands in for names a language lacks.
    turns = [(unit, place) for place, unit in enumerate(cldr.SPAN_UNITS)]
    pairs = [(unit, [*SIGNS][(place + lap) % 2]) for lap in (0, 1) for unit, place in turns]
    spans = [(d, draw(SHOT_NUMBERS, unit + d), unit) for unit, d in pairs]
    return tuple(
        _outline(span, CHANGES[i % len(CHANGES)], SHOT_NUMBERS) for i, span in enumerate(spans)
    )


def docs(rows: Rows, language: Language) -> FamilyDocs:
    """Return the docs of one language."""
    patterns, categories = cldr.own_names(rows, "spans"), cldr.own_names(rows, "counts")

    def phrase(span_id: str) -> str | None:
        direction, number, unit = span_id.split(":")
        category = categories.get(number, "other")
        return cldr_choices.fill(
            patterns, f"{unit}:{direction}", number=int(number), category=category
        )

    return cldr_choices.make_docs(
        scored_outlines(), shot_outlines(), Wording(_cue, phrase), language
    )


def duration(direction: str, number: int, unit: str) -> str:
    """Write a signed ISO 8601 duration.

    >>> duration("past", 3, "day")
    '-P3D'
    """
    return SIGNS[direction] + SYMBOLS[unit].format(number)


def _cue(outline: DocOutline) -> str:
    direction, number, unit = outline.target.split(":")
    return duration(direction, int(number), unit)


def _outline(
    span: tuple[str, int, str], changes: tuple[str, str], numbers: tuple[int, ...]
) -> DocOutline:
    direction, number, unit = span
    key = duration(*span)
    other = {
        "direction": next(d for d in SIGNS if d != direction),
        "number": draw([n for n in numbers if n != number], key),
        "unit": draw([u for u in cldr.SPAN_UNITS if u != unit], key),
    }
    here = {"direction": direction, "number": number, "unit": unit}
    first, second, third = (
        ":".join(str(value) for value in {**here, **{c: other[c] for c in changed}}.values())
        for changed in (changes[:1], changes[1:], changes)
    )
    target = f"{direction}:{number}:{unit}"
    return DocOutline(f"span:{key}", f"span:{unit}:{direction}", (), target, (first, second, third))


FAMILY = Family(
    name="cldr_timespan",
    version=2,
    title="CLDR time spans",
    question="Which phrase of this language means this signed ISO 8601 duration?",
    suite="embedded",
    output_type=OutputType.CHOICES,
    source=CldrSource(),
    licence=cldr_choices.LICENCE,
    citation=cldr_choices.CITATION,
    chance=1 / cldr_choices.N_CHOICES,
    metrics=("acc_bytes", "acc", "acc_pmi"),
    docs=docs,
    prompt=cldr_choices.equation,
    calibration_context=cldr_choices.EQUATION_CUE,
    max_shots=cldr_choices.N_SHOTS,
    origin="localised",
    is_gated=False,
)
