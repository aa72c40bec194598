"""Which of four phrases has the right unit in the form that this number asks for?

Measures number agreement ("1 day", "3 days"; день, дня, дней), only where the language makes the
difference. The choices are the unit in the form for the number, the same unit in the form for
another number, and two other units in the right form (`duration-day:3:1` contrasts the forms after
3 and after 1); where a language has one form for both, the doc does not exist there. The cue is an
international symbol.
"""

from functools import cache

from mlbench.data import cldr
from mlbench.errors import NoData
from mlbench.families import _cldr_choices as cldr_choices
from mlbench.families._cldr_choices import DocOutline, Wording, draw, shuffle
from mlbench.records import CldrSource, Family, FamilyDocs, Language, OutputType, Rows

# Unit -> the cue. A doc takes its three units from one group.
TIMES = {
    "duration-second": "PT{}S",
    "duration-minute": "PT{}M",
    "duration-hour": "PT{}H",
    "duration-day": "P{}D",
    "duration-week": "P{}W",
    "duration-month": "P{}M",
    "duration-year": "P{}Y",
}
MEASURES = {
    "angle-radian": "{} rad",
    "angle-degree": "{} °",
    "area-square-kilometer": "{} km²",
    "duration-millisecond": "{} ms",
    "energy-calorie": "{} cal",
    "energy-kilowatt-hour": "{} kWh",
    "length-astronomical-unit": "{} au",
    "length-centimeter": "{} cm",
    "length-kilometer": "{} km",
    "length-light-year": "{} ly",
    "length-meter": "{} m",
    "length-mile": "{} mi",
    "length-nautical-mile": "{} nmi",
    "length-yard": "{} yd",
    "mass-gram": "{} g",
    "mass-ounce": "{} oz",
    "mass-tonne": "{} t",
    "temperature-celsius": "{} °C",
    "volume-cubic-meter": "{} m³",
    "volume-liter": "{} L",
}
CUES = TIMES | MEASURES
Numbers = tuple[int, ...]
ONE, FEW, MANY = (1,), (2, 3, 4), (5, 6, 7, 8, 9, 11, 15, 20)
# A number of the first kind is shown, one of the second gives the wrong form.
CONTRASTS: tuple[tuple[Numbers, Numbers], ...] = (
    (FEW, ONE),
    (MANY, ONE),
    (ONE, MANY),
    (FEW, MANY),
    (MANY, FEW),
)
SHOT_CONTRASTS = (((14, 17, 18), ONE), ((22, 23, 24), MANY))


@cache
def scored_outlines() -> tuple[DocOutline, ...]:
    """Return the outlines of all languages."""
    return (*_outlines(TIMES), *_outlines(MEASURES))


@cache
def shot_outlines() -> tuple[DocOutline, ...]:
    """Return the few-shot outlines, in the order in which they are shown."""
    units = [*TIMES, *MEASURES]
    return tuple(
        _outline(unit, TIMES if unit in TIMES else MEASURES, contrast)
        for contrast in SHOT_CONTRASTS
        for unit in units
    )


def docs(rows: Rows, language: Language) -> FamilyDocs:
    """Return the docs of one language."""
    patterns, categories = cldr.own_names(rows, "units"), cldr.own_names(rows, "counts")
    if not patterns or not categories:
        part = "plural rule" if patterns else "full names of units"
        raise NoData(f"CLDR has no {part} of its own for {language.name}")
    if not any(len(_forms(patterns, unit)) > 1 for unit in CUES):
        raise NoData(f"{language.name} has one form of a unit for all numbers")

    def phrase(form_id: str) -> str | None:
        unit, shown, form = form_id.split(":")
        category = categories[form]
        text = cldr_choices.fill(patterns, unit, number=int(shown), category=category)
        # CLDR gives some languages a symbol for a form it lacks: a symbol has no number.
        return None if text == CUES[unit].format(shown) else text

    return cldr_choices.make_docs(
        scored_outlines(), shot_outlines(), Wording(_cue, phrase), language
    )


def cue(unit: str, number: int) -> str:
    """Write a number of units in international symbols.

    >>> cue("duration-day", 3), cue("length-meter", 5)
    ('P3D', '5 m')
    """
    return CUES[unit].format(number)


def _cue(outline: DocOutline) -> str:
    unit, shown, _ = outline.target.split(":")
    return cue(unit, int(shown))


def _forms(patterns: dict[str, str], unit: str) -> set[str]:
    return {text for key, text in patterns.items() if key.rpartition(":")[0] == unit}


def _outlines(units: dict[str, str]) -> tuple[DocOutline, ...]:
    return tuple(
        _outline(unit, units, contrast)
        for place, unit in enumerate(units)
        for contrast in CONTRASTS
        # Every second unit keeps its singular out of the scored docs, to be trained on.
        if contrast[0] != ONE or place % 2 == 0
    )


def _outline(unit: str, units: dict[str, str], contrast: tuple[Numbers, Numbers]) -> DocOutline:
    number, against = draw(contrast[0], f"{unit}:{contrast}"), draw(contrast[1], unit)
    first, second = shuffle(f"{u}:{number}:{number}" for u in units if u != unit)[:2]
    return DocOutline(
        doc_id=f"plural:{unit}:{number}:{against}",
        cluster_id=f"plural:{unit}",
        query=(),
        target=f"{unit}:{number}:{number}",
        distractors=(f"{unit}:{number}:{against}", first, second),
    )


FAMILY = Family(
    name="cldr_plural",
    version=2,
    title="CLDR plurals",
    question="Which phrase has the right unit in the form that this number asks for?",
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
    is_demonstration=True,
    origin="localised",
    is_gated=False,
)
