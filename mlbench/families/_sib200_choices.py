"""Which sentences stand beside the right one? Fours of one English length, in every language.

The sentences of a four are of four articles. Each is the right choice of one doc and a wrong choice
of the other three, and they stand in one order: who looks at the choices alone, at their length or
their place, is right in one doc of four.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from mlbench.errors import DataError
from mlbench.families._sib200 import SOURCE, SPLITS, Sentence, read_sentences
from mlbench.families._sib200_articles import article_of
from mlbench.records import ChoiceDoc, Language, Rows

N_CHOICES = 4
PIVOT = "en"
WITH_ENGLISH = replace(SOURCE, beside="eng_Latn")
SAME_TEXT = "sib200_same_text.tsv"


class Outline(NamedTuple):
    """A doc as ids of sentences, the same in every language; `choices` in their order."""

    doc_id: str
    query: int
    target: int
    choices: tuple[int, ...]


class Texts(NamedTuple):
    """The sentences of a language by id, and the ids that make no docs in it."""

    code: str
    by_id: Mapping[int, str]
    repeated: frozenset[int]
    borrowed: frozenset[int]


def read_english(rows: Rows, language: Language) -> dict[str, list[Sentence]]:
    """Return the English sentences by split, of rows that were read with WITH_ENGLISH."""
    code = str(WITH_ENGLISH.beside)
    english = {s: rows[f"{code}/{s}"] for s in SPLITS if f"{code}/{s}" in rows}
    return read_sentences(english, replace(language, codes={SOURCE.code_key: code}))


def read_texts(rows: Rows, language: Language) -> Texts:
    """Return the sentences of a language.

    A text that stands twice in it is a translator's error in one of the two places; one that is
    another language's, letter for letter, says nothing of this one.
    """
    code = language.codes[SOURCE.code_key]
    sentences = [s for split in read_sentences(rows, language).values() for s in split]
    count = Counter(sentence.text for sentence in sentences)
    repeated = frozenset(s.index_id for s in sentences if count[s.text] > 1)
    by_id = {sentence.index_id: sentence.text for sentence in sentences}
    return Texts(code, by_id, repeated, _borrowed_ids().get(code, frozenset()))


def find_fours(sentences: Iterable[Sentence], spread: float) -> list[tuple[int, ...]]:
    """Put English sentences of four articles together, the longest at most `spread` x the shortest.

    The shortest of those left finds its three in order of length, or is left out. A four stands in
    the order of the hash of its ids.
    """
    left = sorted(sentences, key=lambda s: (len(s.text), s.index_id))
    fours = []
    while left:
        four = _first_four(left, spread)
        if len(four) == N_CHOICES:
            fours.append(tuple(sorted((s.index_id for s in four), key=hash_id)))
        gone = four if len(four) == N_CHOICES else left[:1]
        left = [sentence for sentence in left if sentence not in gone]
    return fours


def _first_four(left: list[Sentence], spread: float) -> list[Sentence]:
    four: list[Sentence] = []
    for sentence in left:
        if len(four) == N_CHOICES or len(sentence.text) > spread * len(left[0].text):
            break
        if sentence.article not in {chosen.article for chosen in four}:
            four.append(sentence)
    return four


def hash_id(index_id: int) -> str:
    """Return what ids are ordered by, so that neighbours in the source are none in the docs."""
    return hashlib.sha256(str(index_id).encode()).hexdigest()


def make_docs(
    outlines: Iterable[Outline],
    own: Texts,
    *,
    queries: Mapping[int, str],
    choices: Mapping[int, str],
) -> tuple[ChoiceDoc, ...]:
    """Put outlines into words where the language's own texts are fit for it.

    Raises DataError where a mirror lacks a sentence of them.
    """
    docs = []
    for outline in outlines:
        ids = {outline.query, *outline.choices}
        missing = sorted(ids - set(own.by_id))
        if missing:
            raise DataError(
                f"{SOURCE.hub_id} {own.code} has no row with index_id {missing[0]}, but "
                f"{WITH_ENGLISH.beside} has: get a whole copy of the data set"
            )
        if own.repeated & ids or own.borrowed & {outline.query, outline.target}:
            continue
        docs.append(
            ChoiceDoc(
                doc_id=outline.doc_id,
                cluster_id=article_of(outline.query),
                query=queries[outline.query],
                choices=tuple(choices[i] for i in outline.choices),
                target=outline.choices.index(outline.target),
            )
        )
    return tuple(docs)


@cache
def _borrowed_ids() -> dict[str, frozenset[int]]:
    text = (files(__package__) / SAME_TEXT).read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {code: frozenset(map(int, ids.split())) for code, ids in rows}
