"""Which of four sentences of this language translates the English one? On SIB-200.

The query is the same in every language, and the model has to tell sentences of this language apart.
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
    """Make docs whose choices are of this language."""
    pair = read_pair(rows, language)
    return make_family_docs(pair, pair.english, pair.own.by_id)


FAMILY = Family(
    name="sib200_bitext_from_en",
    version=1,
    title="Bitext from English",
    question="Which sentence of this language translates the English one?",
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
