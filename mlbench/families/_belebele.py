"""What both wordings of Belebele share: the checked rows, the docs, and the held-out examples.

Bandarkar et al. 2024, "The Belebele Benchmark: a Parallel Reading Comprehension Dataset in 122
Language Variants", ACL. 900 questions on 488 passages of FLORES-200, the same in every language.
The data set has one split, `test`, so examples are taken from it, and no question about a passage
that is shown is scored.
"""

from typing import Any, NamedTuple

from mlbench.errors import DataError
from mlbench.families._rows import Field, read_fields
from mlbench.records import ChoiceDoc, FamilyDocs, HubSource, Language, Rows

SOURCE = HubSource("facebook/belebele", code_key="belebele")
LICENCE = "CC-BY-SA-4.0"
CITATION = "Bandarkar et al. 2024, Belebele, ACL (https://aclanthology.org/2024.acl-long.44)"
DOC_SET = "belebele/test"
SPLIT = "test"
N_CHOICES = 4
ANSWERS = tuple(f"mc_answer{number}" for number in range(1, N_CHOICES + 1))
NUMBERS = tuple(str(number) for number in range(1, N_CHOICES + 1))
FIELDS = (
    Field("link"),
    Field("question_number"),
    Field("flores_passage"),
    Field("question"),
    *map(Field, ANSWERS),
    Field("correct_answer_num", NUMBERS),
)

# The passages of the examples, in their order: those whose links have the smallest sha256 and whose
# first question has the answers 1, 2, 3, 4, 1. Whoever takes one answer always learns none here.
_WIKI = "https://en.wiki"
SHOWN = (
    f"{_WIKI}voyage.org/wiki/Corcovado_National_Park",
    f"{_WIKI}news.org/wiki/Fossilized_remains_of_small_dinosaur_rediscovered_in_Canada",
    f"{_WIKI}news.org/wiki/Tennis:_Andy_Murray_wins_Montreal_Masters_2009",
    f"{_WIKI}news.org/wiki/"
    "Researchers_report_rapid_formation_of_new_bird_species_in_Gal%C3%A1pagos_islands",
    f"{_WIKI}voyage.org/wiki/Meteora",
)
MAX_SHOTS = len(SHOWN)


class Parts(NamedTuple):
    """What a query holds: a passage, and on the last line a question."""

    passage: str
    question: str


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make a doc a question; the same ids in every language, a cluster a passage.

    A question with two choices alike in a language has no docs there: both or none would be right.
    Raises DataError with row and field, and where a passage of the examples is not there.
    """
    where = f"{SOURCE.hub_id} {language.code(SOURCE.code_key)}"
    read = [_doc(row) for row in read_fields(rows, SPLIT, FIELDS, where)]
    first = {doc.cluster_id: doc for doc in reversed(read)}
    missing = [link for link in SHOWN if link not in first]
    if missing:
        raise DataError(
            f"{where} has no passage {missing[0]}, which is an example in every language: get a "
            f"whole copy of the data set"
        )
    distinct = (doc for doc in read if len(set(doc.choices)) == N_CHOICES)
    scored = tuple(doc for doc in distinct if doc.cluster_id not in SHOWN)
    return FamilyDocs(scored, tuple(first[link] for link in SHOWN))


def parts_of(doc: ChoiceDoc) -> Parts:
    """Take a query apart."""
    passage, _, question = doc.query.rpartition("\n")
    return Parts(passage, question)


def _doc(row: dict[str, Any]) -> ChoiceDoc:
    question = " ".join(row["question"].split("\n"))
    return ChoiceDoc(
        doc_id=f"{row['link']}/{row['question_number']}",
        cluster_id=row["link"],
        query=f"{row['flores_passage']}\n{question}",
        choices=tuple(row[answer] for answer in ANSWERS),
        target=NUMBERS.index(row["correct_answer_num"]),
    )
