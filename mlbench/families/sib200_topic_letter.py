"""Does the model know what a sentence is about? SIB-200 topic classification by letters.

The docs, labels, examples and calibration docs of sib200_topic, its twin, with a line for each
topic before the cue.
"""

from mlbench.families._prompts import Lettered
from mlbench.families._sib200 import CITATION, DOC_SET, LICENCE, ORIGIN, SOURCE, TOPICS
from mlbench.families.sib200_topic import CUE, MAX_SHOTS, docs_from_rows
from mlbench.records import Family, OutputType, Size

FAMILY = Family(
    name="sib200_topic_letter",
    version=1,
    title="Topic, by letter",
    question="Can the model name the letter of what a sentence is about?",
    suite="extension",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / len(TOPICS),
    metrics=("acc_calibrated", "acc", "macro_f1"),
    docs=docs_from_rows,
    prompt=Lettered(cue=CUE),
    is_calibrated=True,
    max_shots=MAX_SHOTS,
    doc_set=DOC_SET,
    origin=ORIGIN,
    size=Size(204, 171),
    is_gated=False,
)
