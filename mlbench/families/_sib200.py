"""What every family on SIB-200 shares: the checked rows, and which sentences belong together.

Adelani et al. 2024, "SIB-200: A Simple, Inclusive, and Big Evaluation Dataset for Topic
Classification in 200+ Languages and Dialects", EACL. 1,004 sentences of FLORES-200 with the same
ids, order and labels in every language.
"""

import unicodedata
from typing import NamedTuple

from mlbench.errors import DataError
from mlbench.families._sib200_articles import article_of
from mlbench.records import HubSource, Language, Rows

SOURCE = HubSource("Davlan/sib200", code_key="sib200")
LICENCE = "CC-BY-SA-4.0"
DOC_SET = "sib200/test"
CITATION = "Adelani et al. 2024, SIB-200, EACL (https://aclanthology.org/2024.eacl-long.14)"
# Each topic with the word that stands for it in a prompt. One word each: "science/technology" is
# three tokens in five vendors' tokenizers where the others are one, and no model ever chose it.
WORD_BY_TOPIC = {
    "science/technology": "science",
    "travel": "travel",
    "politics": "politics",
    "sports": "sports",
    "health": "health",
    "entertainment": "entertainment",
    "geography": "geography",
}
TOPICS = tuple(WORD_BY_TOPIC)
SPLITS = ("train", "validation", "test")


class Sentence(NamedTuple):
    """One row: `article` is the same for the sentences of one article."""

    index_id: int
    topic: str
    text: str
    article: str


def read_sentences(rows: Rows, language: Language) -> dict[str, list[Sentence]]:
    """Return the sentences by split, checked.

    Raises DataError with split, row, value and what is allowed.
    """
    missing = [split for split in SPLITS if split not in rows]
    if missing:
        raise DataError(f"{SOURCE.hub_id} {_code(language)} has no split {missing[0]!r}")
    return {
        split: [_check(row, split, i, language) for i, row in enumerate(rows[split])]
        for split in SPLITS
    }


def _code(language: Language) -> str:
    return language.codes[SOURCE.code_key]


def _check(row: object, split: str, number: int, language: Language) -> Sentence:
    where = f"{SOURCE.hub_id} {_code(language)}, split {split}, row {number + 1}"
    if not isinstance(row, dict) or not {"index_id", "category", "text"} <= set(row):
        raise DataError(f"{where}: expected the fields index_id, category, text, got {row!r:.120}")
    topic, text = row["category"], row["text"]
    if topic not in TOPICS:
        raise DataError(f"{where}: unknown label {topic!r}, allowed are {', '.join(TOPICS)}")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: empty text {text!r}")
    # 179 of the 119 x 1,004 texts have stray blanks at an end; they belong to no language.
    text = unicodedata.normalize("NFC", text.strip())
    index_id = int(row["index_id"])
    return Sentence(index_id, topic, text, article_of(index_id))
