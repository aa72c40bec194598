"""Which of four English sentences translates the one of this language? On SIB-200.

The choices are the same in every language, so their likelihood is that of English: the model has to
understand this language, not to write it.
"""

from mlbench.families._sib200 import CITATION, LICENCE, ORIGIN
from mlbench.families._sib200_bitext import (
    CUE,
    DOC_SET,
    MAX_SHOTS,
    make_family_docs,
    prompt_from_doc,
    read_pair,
)
from mlbench.families._sib200_choices import N_CHOICES, PIVOT, WITH_ENGLISH
from mlbench.records import Family, FamilyDocs, Language, OutputType, Rows, Size


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make docs whose query is of this language."""
    pair = read_pair(rows, language)
    return make_family_docs(pair, pair.own.by_id, pair.english)


FAMILY = Family(
    name="sib200_bitext_into_en",
    version=1,
    title="Bitext into English",
    question="Which English sentence translates the one of this language?",
    suite="extension",
    output_type=OutputType.CHOICES,
    source=WITH_ENGLISH,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / N_CHOICES,
    metrics=("acc_pmi", "acc_bytes", "acc"),
    docs=docs_from_rows,
    prompt=prompt_from_doc,
    calibration_context=CUE,
    max_shots=MAX_SHOTS,
    pivot=PIVOT,
    doc_set=DOC_SET,
    origin=ORIGIN,
    size=Size(196, 166),
    is_gated=False,
)
