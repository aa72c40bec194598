"""Does the model understand a passage? Belebele by the text of the right answer.

Base models learn to take a letter late or never, so letters are at chance for them whatever they
understand. Here each answer is what follows the question. Its twin is belebele_letter.
"""

from mlbench.families._belebele import (
    CITATION,
    DOC_SET,
    LICENCE,
    MAX_SHOTS,
    N_CHOICES,
    SOURCE,
    docs_from_rows,
    parts_of,
)
from mlbench.records import ChoiceDoc, Family, OutputType, Prompt, Size

CUE = "Answer:"


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Render passage and question; an answer follows."""
    passage, question = parts_of(doc)
    return Prompt(f"P: {passage}\nQ: {question}\n{CUE}", doc.choices)


FAMILY = Family(
    name="belebele_cloze",
    version=1,
    title="Reading, by text",
    question="Does the right answer about a passage follow for the model?",
    suite="reading",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / N_CHOICES,
    metrics=("acc", "acc_bytes", "acc_pmi"),
    docs=docs_from_rows,
    prompt=prompt_from_doc,
    calibration_context=CUE,
    max_shots=MAX_SHOTS,
    doc_set=DOC_SET,
    origin="translated",
    size=Size(888, 483),
    is_gated=False,
)
