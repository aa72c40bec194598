"""Which day or month comes next in a sequence of the language's own names?

Measures whether a model knows the week and the year in a language: sequences go forward, backward
or by every second name, so that the last name alone does not decide. Distractors are the names
nearest to the end of the sequence. Outside English a doc is left out where its target is nearly
the English name. Where months are numbered (1月, Tháng 1) it measures counting.
"""

from functools import cache
from typing import NamedTuple

from mlbench import cldr
from mlbench.families import cldr_choices
from mlbench.families.cldr_choices import Item, Wording
from mlbench.records import CldrSource, Family, FamilyDocs, Language, Rows

NAMES = {"day": cldr.DAYS, "month": tuple(f"{month:02}" for month in range(1, 13))}
TABLES = {"day": "days", "month": "months"}
STEPS = (1, 2, -1)
LENGTHS = (2, 3)
# Targets whose sequences are scored, and whose shortest are shown: a longer one would show the
# solution of a scored one on its way. Sequences of the other targets are left to train on.
SCORED = {"day": (1, 2, 4, 5), "month": (0, 2, 3, 5, 6, 8, 10)}
SHOWN = {"day": (6, 3), "month": (7, 9)}


class Run(NamedTuple):
    """A sequence by place: its names lie `step` apart, `end` is the place of the next one."""

    kind: str
    step: int
    length: int
    end: int

    def name(self, offset: int) -> str:
        """Return the id of the name at a distance from the target."""
        names = NAMES[self.kind]
        return f"{self.kind}:{names[(self.end + offset) % len(names)]}"

    def item(self) -> Item:
        """Return the question after the run's next name."""
        context = tuple(self.name(-self.step * back) for back in range(self.length, 0, -1))
        target = self.name(0)
        near = [self.name(-self.step + d * sign) for d in (1, 2, 3, 4) for sign in (1, -1)]
        first, second, third = [n for n in dict.fromkeys(near) if n not in (*context, target)][:3]
        doc_id = f"{context[0]}:step{self.step:+}:after{self.length}"
        return Item(doc_id, target, context, target, (first, second, third))


@cache
def scored_items() -> tuple[Item, ...]:
    """Return the items of all languages."""
    ends = [(kind, end) for kind, places in SCORED.items() for end in places]
    runs = (Run(kind, step, n, end) for kind, end in ends for step in STEPS for n in LENGTHS)
    return tuple(run.item() for run in runs)


@cache
def shot_items() -> tuple[Item, ...]:
    """Return the few-shot items, days first: more languages name them unlike English."""
    ends = [(kind, end) for kind, places in SHOWN.items() for end in places]
    return tuple(Run(kind, step, min(LENGTHS), end).item() for kind, end in ends for step in STEPS)


def docs(rows: Rows, language: Language) -> FamilyDocs:
    """Return the docs of one language."""
    names = {f"{k}:{i}": n for k, t in TABLES.items() for i, n in cldr.own_names(rows, t).items()}
    foreign = {f"{k}:{i}" for k, t in TABLES.items() for i in cldr.foreign_names(rows, t, language)}

    def query(item: Item) -> str | None:
        words = [names[name] for name in item.query if name in names]
        return ", ".join(words) if len(words) == len(item.query) else None

    wording = Wording(query, names.get, lambda name_id: name_id not in foreign)
    return cldr_choices.make_docs(scored_items(), shot_items(), wording, language)


FAMILY = Family(
    name="cldr_calendar",
    version=1,
    title="CLDR calendar",
    question="Which day or month comes next in a sequence of this language's names?",
    suite="embedded",
    output_type="multiple_choice",
    source=CldrSource(),
    licence=cldr_choices.LICENCE,
    citation=cldr_choices.CITATION,
    chance=1 / cldr_choices.N_CHOICES,
    metrics=("acc", "acc_norm", "acc_bytes"),
    docs=docs,
    prompt=cldr_choices.sequence,
    max_shots=cldr_choices.N_SHOTS,
)
