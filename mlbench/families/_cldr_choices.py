"""How the CLDR families stay parallel: one list of outlines makes the docs of every language.

An outline says by ids which names a question needs; it knows no language. In a language that has
the names, it becomes a doc with the same id, the same choices in the same order and the same
target; in one that lacks a name, or where two choices fall together, only this doc is left out.
Nothing is drawn by a random generator: an order by hash does not change with the Python version.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from mlbench.data import cldr
from mlbench.errors import NoData
from mlbench.records import ChoiceDoc, FamilyDocs, Language, Prompt, Rows

N_CHOICES = 4
N_SHOTS = 5
# The fewest docs that make a score: with fewer, the standard error of guessing exceeds 11 points.
MIN_DOCS = 16
SEED = "mlbench-1"
LICENCE = "Unicode-3.0"
CITATION = "Unicode CLDR 47 (https://cldr.unicode.org), as the library babel 2.18 carries it"

# What is left of a prompt without its query: the context in which acc_pmi asks for each choice.
EQUATION_CUE = "="
SEQUENCE_CUE = ","

T = TypeVar("T")


class DocOutline(NamedTuple):
    """A question without a language: ids of the names in its query, target and distractors."""

    doc_id: str
    cluster_id: str
    query: tuple[str, ...]
    target: str
    distractors: tuple[str, str, str]


class Wording(NamedTuple):
    """How one language words an outline; None where it lacks the name. `is_english`: leave out."""

    query: Callable[[DocOutline], str | None]
    choice: Callable[[str], str | None]
    is_english: Callable[[str], bool] = lambda _: False


def rank(key: str) -> int:
    """Return a number that depends on the key alone, to order and to draw by."""
    return int.from_bytes(hashlib.sha256(f"{SEED}:{key}".encode()).digest()[:8], "big")


def draw(options: Sequence[T], key: str) -> T:
    """Choose one option by the key."""
    return options[rank(key) % len(options)]


def shuffle(options: Iterable[str]) -> list[str]:
    """Return the ids in an order that does not depend on the order they came in."""
    return sorted(options, key=rank)


def make_docs(
    scored: Sequence[DocOutline], shots: Sequence[DocOutline], wording: Wording, language: Language
) -> FamilyDocs:
    """Put the outlines into one language, or raise NoData with the counts that explain it."""
    missing: Counter[str] = Counter()
    docs = _docs(scored, wording, missing)
    shot_docs = _docs(shots, wording, Counter())[:N_SHOTS]
    if len(docs) < MIN_DOCS:
        reasons = ", ".join(f"{n} {reason}" for reason, n in sorted(missing.items()))
        raise NoData(
            f"CLDR's {language.name} makes {len(docs)} of {len(scored)} docs, at least {MIN_DOCS} "
            f"are needed; of the rest {reasons}"
        )
    if len(shot_docs) < N_SHOTS:
        raise NoData(f"CLDR's {language.name} makes only {len(shot_docs)} few-shot docs")
    return FamilyDocs(scored=docs, fewshot=shot_docs)


def name_wording(
    rows: Rows,
    tables: Mapping[str, str],
    language: Language,
    query: Callable[[DocOutline, Mapping[str, str]], str | None],
) -> Wording:
    """Return the wording of outlines whose choices are names: `kind:id`, with the kinds' tables.

    Outside English, a target that is nearly the English name is none of this language.
    """
    row_by_id = {f"{kind}:{row['id']}": row for kind, t in tables.items() for row in rows[t]}
    names = {name_id: row["own"] for name_id, row in row_by_id.items()}

    def is_english(name_id: str) -> bool:
        row = row_by_id[name_id]
        return language.tag != "en" and cldr.is_near_english(row["own"], row["english"])

    return Wording(lambda outline: query(outline, names), names.get, is_english)


def _docs(
    outlines: Sequence[DocOutline], wording: Wording, missing: Counter[str]
) -> tuple[ChoiceDoc, ...]:
    docs = []
    for outline, position in zip(outlines, _positions(outlines), strict=True):
        doc = _doc(outline, position, wording)
        if isinstance(doc, ChoiceDoc):
            docs.append(doc)
        else:
            missing[doc] += 1
    return tuple(docs)


def _positions(outlines: Sequence[DocOutline]) -> list[int]:
    """Return where each target stands: every place equally often over the whole list."""
    by_id = {doc_id: i for i, doc_id in enumerate(shuffle(outline.doc_id for outline in outlines))}
    return [by_id[outline.doc_id] % N_CHOICES for outline in outlines]


def _doc(outline: DocOutline, position: int, wording: Wording) -> ChoiceDoc | str:
    """Return the doc, or in words why this language cannot have it."""
    ids = list(outline.distractors)
    ids.insert(position, outline.target)
    query = wording.query(outline)
    choices = [text for text in map(wording.choice, ids) if text]
    if query is None or len(choices) < N_CHOICES:
        return "lack a name"
    if wording.is_english(outline.target):
        return "have nearly the English name"
    # Compared without case: a model should not have to tell two spellings of one name apart.
    if len({text.casefold() for text in choices}) < N_CHOICES:
        return "have two choices alike"
    return ChoiceDoc(outline.doc_id, outline.cluster_id, query, tuple(choices), position)


def equation(doc: ChoiceDoc) -> Prompt:
    """Render a doc whose query is a code: the sign for equality is a word of no language."""
    return Prompt(f"{doc.query} {EQUATION_CUE}", doc.choices)


def sequence(doc: ChoiceDoc) -> Prompt:
    """Render a doc whose query is a list to be continued."""
    return Prompt(f"{doc.query}{SEQUENCE_CUE}", doc.choices)


def fill(patterns: dict[str, str], unit: str, *, number: int, category: str) -> str | None:
    """Put a number in digits into the unit's pattern for a plural category.

    >>> fill({"day:past:other": "{0} days ago"}, "day:past", number=3, category="other")
    '3 days ago'
    """
    pattern = patterns.get(f"{unit}:{category}") or patterns.get(f"{unit}:other")
    return pattern and cldr.tidy(pattern.replace("{0}", str(number)))
