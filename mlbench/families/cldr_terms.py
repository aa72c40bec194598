"""Which of four names is that of the country or language with this ISO code?

Measures whether a model ties an international code to the name a language has for it. Outside
English a doc is left out where the name is nearly the English one (cldr.is_near_english), for
English alone would answer it. Codes are those whose names differ from English in most of the
languages; the four names of a doc are all of the language asked and all of one kind.
"""

from collections.abc import Mapping
from functools import cache

from mlbench.families import _cldr_choices as cldr_choices
from mlbench.families._cldr_choices import DocOutline, shuffle
from mlbench.records import CldrSource, Family, FamilyDocs, Language, OutputType, Rows

TERRITORIES = (
    "AE AT BE BR BY CF CH CI CM CN CV CY CZ DE DJ DK DZ EG ES FR GB GE GQ GR HR HU IE IS IT JO JP "
    "KG KH KM KP KR LB LT LV MA MD MH MK MX MZ NL NO NZ PG PH PL RU SA SE SG SK SS SY TH TR UA US "
    "VA ZA"
).split()
LANGUAGES = "cs da de es fi fr hr hu is ja nl pl ru sv tr uk zh".split()
# Codes beside the scored ones, most widely named first: the first five a language has are shown.
SHOT_TERRITORIES = "NC GL FI LC RO MM TN EC VC KN SC CG TD BA".split()
SHOT_LANGUAGES = "ga bg eu ro cy lb el sq".split()
STANDARDS = {"territory": "ISO 3166", "language": "ISO 639"}
TABLES = {"territory": "territories", "language": "languages"}


@cache
def scored_outlines() -> tuple[DocOutline, ...]:
    """Return the outlines of all languages."""
    return (*_outlines("territory", TERRITORIES), *_outlines("language", LANGUAGES))


@cache
def shot_outlines() -> tuple[DocOutline, ...]:
    """Return the few-shot outlines, in the order in which they are shown."""
    territories = _outlines("territory", SHOT_TERRITORIES)
    languages = _outlines("language", SHOT_LANGUAGES)
    pairs = zip(territories, languages, strict=False)
    return (*(outline for pair in pairs for outline in pair), *territories[len(languages) :])


def docs(rows: Rows, language: Language) -> FamilyDocs:
    """Return the docs of one language."""
    wording = cldr_choices.name_wording(rows, TABLES, language, _query)
    return cldr_choices.make_docs(scored_outlines(), shot_outlines(), wording, language)


def _query(outline: DocOutline, _names: Mapping[str, str]) -> str:
    kind, _, code = outline.target.partition(":")
    return f"{STANDARDS[kind]} {code}"


def _outlines(kind: str, codes: list[str]) -> tuple[DocOutline, ...]:
    """Give each code the three that follow it in a drawn order: each is a distractor thrice."""
    ring = shuffle(f"{kind}:{code}" for code in codes)
    n = len(ring)
    outlines = {
        target: DocOutline(
            doc_id=f"{target}:to-name",
            cluster_id=target,
            query=(),
            target=target,
            distractors=(ring[(i + 1) % n], ring[(i + 2) % n], ring[(i + 3) % n]),
        )
        for i, target in enumerate(ring)
    }
    return tuple(outlines[f"{kind}:{code}"] for code in codes)


FAMILY = Family(
    name="cldr_terms",
    version=2,
    title="CLDR terms",
    question="Which name does this language give to the country or language with this ISO code?",
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
