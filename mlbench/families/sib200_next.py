"""Which of four sentences comes next? Two sentences in a row of one article, on SIB-200.

The articles are facts (sib200_articles.tsv), so every doc is a true pair; guessed by topic, one in
five would be false. The wrong choices come next in other articles of the same topic: nothing but
the sentence before tells them from the right one. Pairs are few, so all three splits are scored,
and there are no examples.
"""

from mlbench.errors import NoData
from mlbench.families._sib200 import CITATION, LICENCE, ORIGIN, TOPICS, Sentence
from mlbench.families._sib200_articles import read_articles
from mlbench.families._sib200_choices import (
    N_CHOICES,
    WITH_ENGLISH,
    Outline,
    find_fours,
    make_docs,
    read_english,
    read_texts,
)
from mlbench.records import ChoiceDoc, Family, FamilyDocs, Language, OutputType, Prompt, Rows, Size

# A topic has 30 to 130 pairs: within 5 % of a length a third of them finds no three others.
SPREAD = 1.2


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make one doc per pair, with the same ids in every language."""
    english = [s for split in read_english(rows, language).values() for s in split]
    own = read_texts(rows, language)
    docs = make_docs(_outlines(english), own, queries=own.by_id, choices=own.by_id)
    if not docs:
        raise NoData(f"no two sentences of one article are there in {language.name}")
    return FamilyDocs(docs)


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Render the sentence alone; the next one follows after a space."""
    return Prompt(doc.query, doc.choices)


def _outlines(english: list[Sentence]) -> list[Outline]:
    articles = read_articles()
    there = {sentence.index_id for sentence in english}
    seconds = [
        s
        for s in english
        if s.index_id - 1 in there
        and s.index_id in articles
        and articles.get(s.index_id - 1) == s.article
    ]
    fours = [
        four
        for topic in TOPICS
        for four in find_fours((s for s in seconds if s.topic == topic), SPREAD)
    ]
    return [Outline(f"{i - 1}-{i}", i - 1, i, four) for four in fours for i in four]


FAMILY = Family(
    name="sib200_next",
    version=1,
    title="Next sentence",
    question="Does the model know which sentence comes next?",
    suite="extension",
    output_type=OutputType.CHOICES,
    source=WITH_ENGLISH,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / N_CHOICES,
    metrics=("acc_pmi", "acc_bytes", "acc"),
    docs=docs_from_rows,
    prompt=prompt_from_doc,
    calibration_context="",
    origin=ORIGIN,
    size=Size(468, 243),
    is_gated=False,
)
