"""Translate a sentence: what both directions on SIB-200 share, with any language as the pivot.

The model is shown translations and writes the next one up to the end of the line, so that base
models can be asked. Examples are sentences of `train`, the same for every doc, of articles that are
not scored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from mlbench.errors import DataError, NoData, SelectionError
from mlbench.families._sib200 import (
    CITATION,
    LICENCE,
    ORIGIN,
    SOURCE,
    SPLITS,
    Sentence,
    read_sentences,
)
from mlbench.families._sib200_articles import is_apart
from mlbench.families._sib200_choices import Texts, hash_id, read_texts
from mlbench.records import (
    Family,
    FamilyDocs,
    Language,
    OutputType,
    Prompt,
    ReplyDoc,
    ReplyLimits,
    Rows,
    Size,
)

Direction = Literal["from", "into"]
MAX_SHOTS = 10
LIMITS = ReplyLimits(max_tokens=512)
"""Of Burmese, 95 % of the sentences are within it in the tokenizer of Llama 3.1, which is the worst
of five vendors' there (median 305 tokens); most languages take 30 to 70 tokens a sentence."""

METRICS = (
    "chrf_fitted",
    "chrf++",
    "chrf",
    "chrf_of_copy",
    "chrf_of_wrong",
    "fidelity",
    "fidelity_of_references",
    "other_language",
    "undecided",
    "copied",
    "empty",
)


class Pivot(NamedTuple):
    """The language that every other one is translated from or into; `code` is SIB-200's."""

    tag: str
    code: str
    name: str


ENGLISH = Pivot("en", "eng_Latn", "English")


class _Side(NamedTuple):
    """The sentences of one of both languages, and its name in a prompt."""

    tag: str
    name: str
    texts: Texts


def make_family(direction: Direction, pivot: Pivot = ENGLISH) -> Family:
    """Return the family of a direction; its name holds the pivot, so cells of two never meet."""
    target = "this language" if direction == "from" else pivot.name
    source = pivot.name if direction == "from" else "this language"
    return Family(
        name=f"sib200_mt_{direction}_{pivot.tag}",
        version=1,
        title=f"Translation {direction} {pivot.name}",
        question=f"How near is what the model writes in {target} to the translation from {source}?",
        suite="translation",
        output_type=OutputType.REPLY,
        source=replace(SOURCE, beside=pivot.code),
        licence=LICENCE,
        citation=CITATION,
        chance=None,
        metrics=METRICS,
        docs=Translations(direction, pivot),
        prompt=prompt_from_doc,
        reply=LIMITS,
        max_shots=MAX_SHOTS,
        pivot=pivot.tag,
        with_pivot=OtherPivot(direction),
        doc_set=f"sib200/mt/{pivot.tag}",
        origin=ORIGIN,
        size=Size(204, 171),
        is_gated=False,
    )


@dataclass(frozen=True, slots=True)
class OtherPivot:
    """Makes the family of a direction with another pivot."""

    direction: Direction

    def __call__(self, language: Language) -> Family:
        """Return the family; raises SelectionError for a language that SIB-200 has not."""
        code = language.code(SOURCE.code_key)
        if code is None:
            raise SelectionError(f"--pivot {language.tag}: {SOURCE.hub_id} has no {language.name}")
        return make_family(self.direction, Pivot(language.tag, code, language.name))


@dataclass(frozen=True, slots=True)
class Translations:
    """Makes a doc of each sentence of `test` that is fit in both languages, with the same ids."""

    direction: Direction
    pivot: Pivot

    def __call__(self, rows: Rows, language: Language) -> FamilyDocs:
        """Return the docs of a language, of rows that have the pivot's beside them."""
        code, (tag, _, name) = self.pivot.code, self.pivot
        beside = {s: rows[f"{code}/{s}"] for s in SPLITS if f"{code}/{s}" in rows}
        as_language = replace(language, codes={SOURCE.code_key: code})
        by_split = read_sentences(beside, as_language)
        own = _Side(language.tag, language.name, read_texts(rows, language))
        other = _Side(tag, name, read_texts(beside, as_language))
        articles = {sentence.article for sentence in by_split["test"]}
        apart = [s for s in by_split["train"] if is_apart(s.index_id, articles)]
        sides = (other, own) if self.direction == "from" else (own, other)
        scored, examples = (_make_docs(found, *sides) for found in (by_split["test"], apart))
        if not scored:
            raise NoData(f"no sentence of {own.texts.code} is fit to be translated")
        return FamilyDocs(scored, examples[:MAX_SHOTS])


def _make_docs(sentences: Sequence[Sentence], source: _Side, target: _Side) -> tuple[ReplyDoc, ...]:
    """Put sentences into both languages, in the order of the hash of their ids.

    The wrong sentence of a doc is the next one of another article.
    """
    sides = (source.texts, target.texts)
    fit = [s for s in sentences if all(_is_fit(s.index_id, side) for side in sides)]
    fit.sort(key=lambda sentence: hash_id(sentence.index_id))
    return tuple(
        ReplyDoc(
            doc_id=str(one.index_id),
            cluster_id=one.article,
            query=source.texts.by_id[one.index_id],
            reference=target.texts.by_id[one.index_id],
            language=target.tag,
            wrong=_next_of_another_article(one, fit[at + 1 :] + fit[:at], target.texts.by_id.get),
            names=(source.name, target.name),
        )
        for at, one in enumerate(fit)
    )


def _next_of_another_article(
    one: Sentence, others: Sequence[Sentence], text_of: Callable[[int], str | None]
) -> str:
    found = (text_of(other.index_id) for other in others if other.article != one.article)
    return next(found, None) or ""


def _is_fit(index_id: int, texts: Texts) -> bool:
    """Return whether a sentence stands once in a language, and is its own.

    Raises DataError where a mirror lacks it.
    """
    if index_id not in texts.by_id:
        raise DataError(
            f"{SOURCE.hub_id} {texts.code} has no row with index_id {index_id}, but the language "
            f"beside it has: get a whole copy of the data set"
        )
    return index_id not in texts.repeated | texts.borrowed


def prompt_from_doc(doc: ReplyDoc) -> Prompt:
    """Render the sentence after the name of its language, and the name of the one to write."""
    source, target = doc.names
    return Prompt(f"{source}: {doc.query}\n{target}:")
