"""What does the model know? Global-MMLU by the letters of four answers, in lm-eval's wording.

Its twin is global_mmlu_cloze.
"""

from mlbench.families._global_mmlu import (
    CITATION,
    DOC_SET,
    LICENCE,
    MAX_SHOTS,
    N_CHOICES,
    PARTLY_MACHINE,
    SOURCE,
    docs_from_rows,
)
from mlbench.families._prompts import Lettered
from mlbench.records import Family, OutputType

FAMILY = Family(
    name="global_mmlu_letter",
    version=1,
    title="Knowledge, by letter",
    question="Can the model name the letter of the right answer to an exam question?",
    suite="reading",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / N_CHOICES,
    metrics=("acc",),
    docs=docs_from_rows,
    prompt=Lettered(),
    max_shots=MAX_SHOTS,
    doc_set=DOC_SET,
    is_gated=False,
    caveats=(PARTLY_MACHINE,),
)
