"""Which day or month comes next in a sequence of the language's own names?

Measures whether a model knows the week and the year in a language: sequences go forward, backward
or by every second name, so that the last name alone does not decide. Distractors are the names
nearest to the end of the sequence. Outside English a doc is left out where its target is nearly
the English name. Where months are numbered (1月, Tháng 1) it measures counting.
"""

from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

from mlbench.data import cldr
from mlbench.families import _cldr_choices as cldr_choices
from mlbench.families._cldr_choices import DocOutline, rank
from mlbench.records import CldrSource, Family, FamilyDocs, Language, OutputType, Rows

NAMES = {"day": cldr.DAYS, "month": tuple(f"{month:02}" for month in range(1, 13))}
TABLES = {"day": "days", "month": "months"}
STEPS = (1, 2, -1)
LENGTHS = (2, 3)
# One sequence in three is not scored: it is shown or trained on. Each name ends one of these.
HELD_BACK = 3
N_SHOWN = {"day": 5, "month": 5}


class NameSequence(NamedTuple):
    """A sequence by place: its names lie `step` apart, `end` is the place of the next one."""

    kind: str
    step: int
    length: int
    end: int

    def name(self, offset: int) -> str:
        """Return the id of the name at a distance from the target."""
        names = NAMES[self.kind]
        return f"{self.kind}:{names[(self.end + offset) % len(names)]}"

    def outline(self) -> DocOutline:
        """Return the question after the run's next name."""
        context = tuple(self.name(-self.step * back) for back in range(self.length, 0, -1))
        target = self.name(0)
        near = [self.name(-self.step + d * sign) for d in (1, 2, 3, 4) for sign in (1, -1)]
        first, second, third = [n for n in dict.fromkeys(near) if n not in (*context, target)][:3]
        doc_id = f"{context[0]}:step{self.step:+}:after{self.length}"
        return DocOutline(doc_id, target, context, target, (first, second, third))


def is_scored(step: int, end: int) -> bool:
    """Return whether the sequences that reach a name by a step are scored."""
    return (end + STEPS.index(step)) % HELD_BACK != 0


def ends(kind: str, *, scored: bool) -> list[tuple[int, int]]:
    """Return steps and places of the names they reach, among those scored or the others."""
    pairs = product(STEPS, range(len(NAMES[kind])))
    return [(step, end) for step, end in pairs if is_scored(step, end) is scored]


@cache
def scored_outlines() -> tuple[DocOutline, ...]:
    """Return the outlines of all languages."""
    return tuple(
        NameSequence(kind, step, length, end).outline()
        for kind in NAMES
        for step, end in ends(kind, scored=True)
        for length in LENGTHS
    )


@cache
def shot_outlines() -> tuple[DocOutline, ...]:
    """Return the few-shot outlines: a longer one could show a scored solution on its way."""
    outlines = {
        kind: [
            NameSequence(kind, step, min(LENGTHS), end).outline()
            for step, end in ends(kind, scored=False)
        ]
        for kind in NAMES
    }
    by_key = {
        kind: sorted(outlines[kind], key=lambda outline: rank(outline.doc_id)) for kind in NAMES
    }
    # Days first: more languages name them unlike English.
    return tuple(outline for kind, n in N_SHOWN.items() for outline in by_key[kind][:n])


def docs(rows: Rows, language: Language) -> FamilyDocs:
    """Return the docs of one language."""
    wording = cldr_choices.name_wording(rows, TABLES, language, _query)
    return cldr_choices.make_docs(scored_outlines(), shot_outlines(), wording, language)


def _query(outline: DocOutline, names: Mapping[str, str]) -> str | None:
    words = [names[name_id] for name_id in outline.query if name_id in names]
    return ", ".join(words) if len(words) == len(outline.query) else None


FAMILY = Family(
    name="cldr_calendar",
    version=2,
    title="CLDR calendar",
    question="Which day or month comes next in a sequence of this language's names?",
    suite="embedded",
    output_type=OutputType.CHOICES,
    source=CldrSource(),
    licence=cldr_choices.LICENCE,
    citation=cldr_choices.CITATION,
    chance=1 / cldr_choices.N_CHOICES,
    metrics=("acc_bytes", "acc", "acc_pmi"),
    docs=docs,
    prompt=cldr_choices.sequence,
    calibration_context=cldr_choices.SEQUENCE_CUE,
    max_shots=cldr_choices.N_SHOTS,
    is_demonstration=True,
    origin="localised",
    is_gated=False,
)
