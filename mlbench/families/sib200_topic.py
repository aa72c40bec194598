"""Is this sentence about travel, science, sport …? Topic classification on SIB-200.

The seven labels are scored as continuations, in English in every language, so that nothing but the
sentence differs between languages. Labels differ in prior probability; `acc_pmi` takes it out.
"""

import hashlib
from itertools import chain, zip_longest

from mlbench.families._sib200 import CITATION, LICENCE, SOURCE, TOPICS, Sentence, read_sentences
from mlbench.records import ChoiceDoc, Family, FamilyDocs, Language, Prompt, Rows

CUE = "Topic:"
MAX_SHOTS = 35


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make one doc a sentence: `test` is scored, the examples come from `train`."""
    sentences = read_sentences(rows, language)
    scored = tuple(_doc_from_sentence(sentence) for sentence in sentences["test"])
    return FamilyDocs(scored, tuple(_choose_examples(sentences["train"])))


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Render the sentence and the cue; a label follows after a space."""
    return Prompt(f"{doc.query}\n{CUE}", doc.choices)


def _doc_from_sentence(sentence: Sentence) -> ChoiceDoc:
    target = TOPICS.index(sentence.topic)
    return ChoiceDoc(str(sentence.index_id), sentence.article, sentence.text, TOPICS, target)


def _choose_examples(train: list[Sentence]) -> list[ChoiceDoc]:
    """Choose the same ids in every language, each topic in turn: 7 shots hold all 7 labels.

    Ids are taken in the order of their hash, so that they do not come from a few articles.
    """

    def order(sentence: Sentence) -> str:
        return hashlib.sha256(str(sentence.index_id).encode()).hexdigest()

    by_topic = [sorted((s for s in train if s.topic == t), key=order) for t in TOPICS]
    in_turn = [s for s in chain.from_iterable(zip_longest(*by_topic)) if s is not None]
    return [_doc_from_sentence(sentence) for sentence in in_turn[:MAX_SHOTS]]


FAMILY = Family(
    name="sib200_topic",
    version=1,
    title="Topic classification",
    question="Does the model know what a sentence is about?",
    suite="core",
    output_type="multiple_choice",
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / len(TOPICS),
    metrics=("acc", "acc_pmi", "macro_f1"),
    docs=docs_from_rows,
    prompt=prompt_from_doc,
    calibration_context=CUE,
    max_shots=MAX_SHOTS,
)
