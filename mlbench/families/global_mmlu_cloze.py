"""What does the model know? Global-MMLU by the text of the right answer.

Some questions mean other choices ("all of the above") and suit letters better. The twin is
global_mmlu_letter.
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
from mlbench.families._prompts import Cloze
from mlbench.records import Family, OutputType

PROMPT = Cloze("{query}\nAnswer:")

FAMILY = Family(
    name="global_mmlu_cloze",
    version=1,
    title="Knowledge, by text",
    question="Does the right answer to an exam question follow for the model?",
    suite="reading",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / N_CHOICES,
    metrics=("acc", "acc_bytes", "acc_pmi"),
    docs=docs_from_rows,
    prompt=PROMPT,
    calibration_context=PROMPT.cue,
    max_shots=MAX_SHOTS,
    doc_set=DOC_SET,
    is_gated=False,
    caveats=(PARTLY_MACHINE,),
)
