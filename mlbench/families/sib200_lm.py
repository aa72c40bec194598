"""How well does the model predict text of this language? Bits per sentence on SIB-200.

The sentences are translations of one another, so the bits a model needs for a sentence, against
those it needs for the English twin, compare languages whatever the tokenizer or the script
(information parity: Tsvetkov & Kipnis 2024, "Information Parity: Measuring and Predicting the
Multilingual Capabilities of Language Models", Findings of EMNLP). Bits per byte compare models
within a language only: the same meaning takes from 0.9 to 3.5 times the bytes of English.
"""

from mlbench.families._sib200 import CITATION, DOC_SET, LICENCE, ORIGIN, SOURCE, read_sentences
from mlbench.records import Family, FamilyDocs, Language, OutputType, Rows, Size, TextDoc


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make one doc per sentence of `test`, the twins of the docs of sib200_topic."""
    sentences = read_sentences(rows, language)["test"]
    return FamilyDocs(tuple(TextDoc(str(s.index_id), s.article, s.text) for s in sentences))


FAMILY = Family(
    name="sib200_lm",
    version=2,
    title="Language modelling",
    question="How many bits does a sentence cost the model?",
    suite="core",
    output_type=OutputType.TEXT,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=None,
    metrics=("bits", "bits_per_byte"),
    docs=docs_from_rows,
    doc_set=DOC_SET,
    origin=ORIGIN,
    size=Size(204, 171),
    is_gated=False,
)
