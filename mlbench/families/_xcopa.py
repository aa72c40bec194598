"""How does a sentence of XCOPA go on? Premise, connector, and one of two causes or effects.

Ponti et al. 2020, "XCOPA: A Multilingual Dataset for Causal Commonsense Reasoning", EMNLP. The
languages have the same 500 questions and labels. Whether a cause or an effect is asked is the same
too, but not in the data: six languages agree in all 600 rows, while Thai has the other one in 246
of 500, Turkish in 53, Swahili in 41, Italian and Indonesian in the same 4 (9 with validation). Read
by eye, the six are right, so theirs is taken for all.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import chain, zip_longest
from typing import NamedTuple

from mlbench.errors import DataError, NoData
from mlbench.families._rows import Field, read_fields
from mlbench.records import ChoiceDoc, FamilyDocs, HubSource, Language, Rows

KINDS_FROM = "zh"
"""The data set's code of one of the six languages whose kinds of question are right."""

SOURCE = HubSource("cambridgeltl/xcopa", code_key="xcopa", beside=KINDS_FROM)
KINDS = ("cause", "effect")
LABELS = ("0", "1")
FIELDS = (
    Field("premise"),
    Field("choice1"),
    Field("choice2"),
    Field("question", KINDS),
    Field("label", LABELS),
    Field("idx"),
)
KINDS_ARE_MENDED = (
    "Whether the cause or the effect is asked is wrong in 246 of 500 Thai rows, 53 Turkish and 41 "
    "Swahili ones; it is taken from the Chinese rows, with which five languages agree."
)
STOPS = ".。"
MAX_SHOTS = 10
CONNECTORS = "xcopa_connectors.tsv"


class Connectors(NamedTuple):
    """How a language joins cause and effect to a premise (the head of the table says more)."""

    joint: str
    cause: str
    effect: str
    lower: str

    def join(self, premise: str, kind: str) -> str:
        """Return a premise that waits for its cause or effect.

        Only a full stop is left out: a text that ends without one keeps its last letter.
        """
        word = self.cause if kind == "cause" else self.effect
        return f"{premise.rstrip(STOPS).rstrip()}{self.joint}{word}"

    def begin_small(self, choice: str) -> str:
        """Return a choice as the rest of a sentence."""
        special = {pair[0]: pair[1] for pair in self.lower.split()}
        return special.get(choice[0], choice[0].lower()) + choice[1:]


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make a doc a question of `test`; examples are of `validation`, labels in turn."""
    code = str(language.code(SOURCE.code_key))
    connectors = _connectors().get(code)
    if connectors is None:
        raise NoData(f"no connectors for {language.name} are known ({CONNECTORS})")
    scored = tuple(_docs(rows, "test", code, connectors))
    examples = _in_turn(list(_docs(rows, "validation", code, connectors)))
    return FamilyDocs(scored, tuple(examples)[:MAX_SHOTS])


def _docs(rows: Rows, split: str, code: str, connectors: Connectors) -> Iterator[ChoiceDoc]:
    where = f"{SOURCE.hub_id} {code}"
    beside = f"{KINDS_FROM}/{split}"
    kinds = {
        row["idx"]: row
        for row in read_fields(rows, beside, FIELDS, f"{SOURCE.hub_id} {KINDS_FROM}")
    }
    for row in read_fields(rows, split, FIELDS, where):
        index, twin = row["idx"], kinds.get(row["idx"])
        if twin is None or twin["label"] != row["label"]:
            raise DataError(
                f"{where}, split {split}: idx {index} has label {row['label']}, and "
                f"{twin['label'] if twin else 'no such row'} in {KINDS_FROM}; labels are the same "
                f"in every language"
            )
        yield ChoiceDoc(
            doc_id=index if split == "test" else f"{split}-{index}",
            cluster_id=index if split == "test" else f"{split}-{index}",
            query=connectors.join(row["premise"], twin["question"]),
            choices=tuple(connectors.begin_small(row[name]) for name in ("choice1", "choice2")),
            target=int(row["label"]),
        )


def _in_turn(docs: list[ChoiceDoc]) -> Iterator[ChoiceDoc]:
    """Yield docs in the order of the hash of their ids, each label in turn."""
    ordered = sorted(docs, key=lambda doc: hashlib.sha256(doc.doc_id.encode()).hexdigest())
    by_label = [[doc for doc in ordered if doc.target == int(label)] for label in LABELS]
    return (doc for doc in chain.from_iterable(zip_longest(*by_label)) if doc is not None)


@cache
def _connectors() -> dict[str, Connectors]:
    text = (files(__package__) / CONNECTORS).read_text(encoding="utf-8")
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {code: Connectors(*parts) for code, *parts in lines}
