"""Does the model understand a passage? Belebele by the letters of four answers, as lm-eval asks it.

The wording is that of lm-eval's belebele tasks to the letter. There, examples are the first docs of
the split that is scored; here they are held out (_belebele.py). Its twin is belebele_cloze.
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
from mlbench.families._prompts import letters_of
from mlbench.records import ChoiceDoc, Family, OutputType, Prompt, Size


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Render passage, question and answers with their letters; a letter follows."""
    passage, question = parts_of(doc)
    letters = letters_of(doc.choices)
    answers = "".join(f"{x}: {text}\n" for x, text in zip(letters, doc.choices, strict=True))
    return Prompt(f"P: {passage}\nQ: {question}\n{answers}Answer:", letters)


FAMILY = Family(
    name="belebele_letter",
    version=1,
    title="Reading, by letter",
    question="Can the model name the letter of the right answer about a passage?",
    suite="reading",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / N_CHOICES,
    metrics=("acc",),
    docs=docs_from_rows,
    prompt=prompt_from_doc,
    max_shots=MAX_SHOTS,
    doc_set=DOC_SET,
    origin="translated",
    size=Size(888, 483),
    is_gated=False,
)
