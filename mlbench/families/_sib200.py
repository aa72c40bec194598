"""What every family on SIB-200 shares: the checked rows, and which sentences belong together.

Adelani et al. 2024, "SIB-200: A Simple, Inclusive, and Big Evaluation Dataset for Topic
Classification in 200+ Languages and Dialects", EACL. 1,004 sentences of FLORES-200 with the same
ids, order and labels in every language.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from mlbench.data.languages import REFERENCE, read_languages
from mlbench.data.sources import fingerprint, read_rows
from mlbench.errors import DataError, NoData
from mlbench.families._sib200_articles import article_of
from mlbench.records import HubSource, Language, Origin, Rows

SOURCE = HubSource("Davlan/sib200", code_key="sib200")
LICENCE = "CC-BY-SA-4.0"
ORIGIN: Origin = "translated"  # by people, from English
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
    checked = {
        split: [_check(row, split, i, language) for i, row in enumerate(rows[split])]
        for split in SPLITS
    }
    _check_ids(checked, language)
    return checked


def _code(language: Language) -> str:
    return language.codes[SOURCE.code_key]


def _check(row: object, split: str, number: int, language: Language) -> Sentence:
    where = f"{SOURCE.hub_id} {_code(language)}, split {split}, row {number + 1}"
    if not isinstance(row, dict) or not {"index_id", "category", "text"} <= set(row):
        raise DataError(f"{where}: expected the fields index_id, category, text, got {row!r:.120}")
    number_text, topic, text = row["index_id"], row["category"], row["text"]
    try:
        index_id = int(number_text)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: index_id {number_text!r} is not a number") from error
    if topic not in TOPICS:
        raise DataError(f"{where}: unknown label {topic!r}, allowed are {', '.join(TOPICS)}")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: empty text {text!r} (NA and empty fields are read as missing)")
    if "\t" in text or "\n" in text.strip():
        raise DataError(
            f"{where}: the text holds a line break or a tab; quotes in the file are not balanced"
        )
    # 179 of the 119 x 1,004 texts have stray blanks at an end; they belong to no language.
    text = unicodedata.normalize("NFC", text.strip())
    return Sentence(index_id, topic, text, article_of(index_id))


def _check_ids(checked: Mapping[str, Sequence[Sentence]], language: Language) -> None:
    """Refuse an id that is there twice, or that English has not under the same topic."""
    english = _english_topics()
    row_by_id: dict[int, str] = {}
    for split, sentences in checked.items():
        for number, sentence in enumerate(sentences, start=1):
            index_id, row = sentence.index_id, f"split {split}, row {number}"
            where = f"{SOURCE.hub_id} {_code(language)}, {row}"
            if index_id in row_by_id:
                raise DataError(
                    f"{where}: id {index_id} is there twice, also in {row_by_id[index_id]}"
                )
            row_by_id[index_id] = row
            if english and english.get((split, index_id)) != sentence.topic:
                known = english.get((split, index_id), "no such id")
                raise DataError(
                    f"{where}: id {index_id} is {sentence.topic!r} here and {known!r} in the same "
                    f"split in English; ids and labels are the same in every language"
                )


def _english_topics() -> Mapping[tuple[str, int], str]:
    """Return the topic of each split and id in English; empty where English cannot be read."""
    english = read_languages().get(REFERENCE)
    try:
        state = fingerprint(SOURCE, english) if english else ""
    except (NoData, DataError):
        state = ""
    return _topics_as_of(state) if state else {}


@lru_cache(maxsize=1)
def _topics_as_of(_: str) -> Mapping[tuple[str, int], str]:
    """Read English once as long as its source does not change."""
    english = read_languages()[REFERENCE]
    try:
        rows = read_rows(SOURCE, english)
        return {
            (split, sentence.index_id): sentence.topic
            for split in SPLITS
            for i, row in enumerate(rows.get(split, ()))
            if (sentence := _check(row, split, i, english))
        }
    except (NoData, DataError):
        # English itself says why, where it is asked for.
        return {}
