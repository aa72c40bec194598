"""Which of two is the cause, or the effect, of this? XCOPA as the end of a sentence.

lm-eval asks it so too, but cuts the last character of each premise: in Thai and Tamil, which have
no full stop, that is a letter or a vowel sign. What else differs: _xcopa.py and the head of
xcopa_connectors.tsv.
"""

from mlbench.families._prompts import Cloze
from mlbench.families._xcopa import KINDS_ARE_MENDED, MAX_SHOTS, SOURCE, docs_from_rows
from mlbench.records import Family, OutputType, Size

FAMILY = Family(
    name="xcopa_cloze",
    version=1,
    title="Cause and effect",
    question="Does the model know which of two is the cause, or the effect, of an event?",
    suite="reading",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence="CC-BY-4.0",
    citation="Ponti et al. 2020, XCOPA, EMNLP (https://aclanthology.org/2020.emnlp-main.185)",
    chance=1 / 2,
    metrics=("acc", "acc_bytes", "acc_pmi"),
    docs=docs_from_rows,
    prompt=Cloze(),
    calibration_context="",
    max_shots=MAX_SHOTS,
    doc_set="xcopa/test",
    origin="translated",
    size=Size(500, 500),
    is_gated=False,
    caveats=(KINDS_ARE_MENDED,),
)
