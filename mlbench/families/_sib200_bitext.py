"""Which of four sentences translates this one? What both directions on SIB-200 share.

Asked of the sentences of the test split. The cue is English in every language, so that nothing but
the two sentences differs between languages. English itself is what every language is paired with,
and has no docs.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from mlbench.errors import NoData
from mlbench.families._sib200 import CITATION, LICENCE, ORIGIN, Sentence
from mlbench.families._sib200_articles import is_apart
from mlbench.families._sib200_choices import (
    N_CHOICES,
    PIVOT,
    WITH_ENGLISH,
    Outline,
    Texts,
    find_fours,
    hash_id,
    make_docs,
    read_english,
    read_texts,
)
from mlbench.records import (
    ChoiceDoc,
    Family,
    FamilyDocs,
    Language,
    OutputType,
    Prompt,
    Rows,
    Size,
)

SPREAD = 1.05
CUE = "Translation:"
MAX_SHOTS = 10
DOC_SET = "sib200/bitext"


class Pair(NamedTuple):
    """A language beside English: both texts by id, and the outlines of scored docs and examples."""

    own: Texts
    english: Mapping[int, str]
    scored: list[Outline]
    examples: list[Outline]


def make_family(
    direction: Literal["from", "into"],
    question: str,
    docs: Callable[[Rows, Language], FamilyDocs],
) -> Family:
    """Return the family of a direction."""
    return Family(
        name=f"sib200_bitext_{direction}_{PIVOT}",
        version=1,
        title=f"Bitext {direction} English",
        question=question,
        suite="extension",
        output_type=OutputType.CHOICES,
        source=WITH_ENGLISH,
        licence=LICENCE,
        citation=CITATION,
        chance=1 / N_CHOICES,
        metrics=("acc_pmi", "acc_bytes", "acc"),
        docs=docs,
        prompt=prompt_from_doc,
        calibration_context=CUE,
        max_shots=MAX_SHOTS,
        pivot=PIVOT,
        doc_set=DOC_SET,
        origin=ORIGIN,
        size=Size(196, 166),
        is_gated=False,
    )


def read_pair(rows: Rows, language: Language) -> Pair:
    """Return what both directions are made of, with the same ids in every language."""
    by_split = read_english(rows, language)
    articles = {sentence.article for sentence in by_split["test"]}
    apart = [s for s in by_split["train"] if is_apart(s.index_id, articles)]
    english = {s.index_id: s.text for split in by_split.values() for s in split}
    examples = sorted(_outlines(apart), key=lambda outline: hash_id(outline.target))
    return Pair(read_texts(rows, language), english, _outlines(by_split["test"]), examples)


def make_family_docs(
    pair: Pair, queries: Mapping[int, str], choices: Mapping[int, str]
) -> FamilyDocs:
    """Make the docs of a direction, or raise NoData."""
    scored, examples = (
        make_docs(outlines, pair.own, queries=queries, choices=choices)
        for outlines in (pair.scored, pair.examples)
    )
    if not scored:
        raise NoData(f"no four sentences of one length are there in {pair.own.code}")
    return FamilyDocs(scored, examples[:MAX_SHOTS])


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Render the sentence and the cue; its translation follows after a space."""
    return Prompt(f"{doc.query}\n{CUE}", doc.choices)


def _outlines(sentences: Iterable[Sentence]) -> list[Outline]:
    fours = find_fours(sentences, SPREAD)
    return [Outline(str(i), i, i, four) for four in fours for i in four]
