"""What both wordings of Global-MMLU share: the checked rows, the docs, and the examples.

Singh et al. 2024, "Global MMLU: Understanding and Addressing Cultural and Linguistic Biases in
Multilingual Evaluation", arXiv:2412.03304. 14,042 questions of 57 subjects, translated from
English by people and by machine, with the same ids in every language.
"""

import hashlib
from itertools import chain, zip_longest

from mlbench.families._prompts import LETTERS
from mlbench.families._rows import Field, read_fields
from mlbench.records import ChoiceDoc, FamilyDocs, HubSource, Language, Rows

SOURCE = HubSource("CohereForAI/Global-MMLU", code_key="global_mmlu")
LICENCE = "Apache-2.0"
CITATION = "Singh et al. 2024, Global MMLU (https://arxiv.org/abs/2412.03304)"
DOC_SET = "global_mmlu/test"
PARTLY_MACHINE = (
    "Part of the text is translated by people, part by machine and corrected or not; the paper "
    "says which, language by language."
)
OPTIONS = ("option_a", "option_b", "option_c", "option_d")
N_CHOICES = len(OPTIONS)
ANSWERS = tuple(LETTERS[:N_CHOICES])
FIELDS = (
    Field("sample_id"),
    Field("question"),
    *map(Field, OPTIONS),
    Field("answer", ANSWERS),
)
MAX_SHOTS = 8


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make a doc a question of `test`; examples of any subject are of `dev`, answers in turn.

    A question with two choices alike in a language has no docs there: both or none would be right.
    """
    where = f"{SOURCE.hub_id} {language.code(SOURCE.code_key)}"
    scored, shown = (
        [doc for row in read_fields(rows, split, FIELDS, where) if (doc := _doc(row))]
        for split in ("test", "dev")
    )
    ordered = sorted(shown, key=lambda doc: hashlib.sha256(doc.doc_id.encode()).hexdigest())
    by_answer = [[doc for doc in ordered if doc.target == k] for k in range(N_CHOICES)]
    in_turn = [doc for doc in chain.from_iterable(zip_longest(*by_answer)) if doc is not None]
    return FamilyDocs(tuple(scored), tuple(in_turn[:MAX_SHOTS]))


def _doc(row: dict[str, str]) -> ChoiceDoc | None:
    choices = tuple(row[option] for option in OPTIONS)
    if len(set(choices)) < N_CHOICES:
        return None
    target = ANSWERS.index(row["answer"])
    return ChoiceDoc(row["sample_id"], row["sample_id"], row["question"], choices, target)
