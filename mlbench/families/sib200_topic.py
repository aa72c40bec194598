"""Is this sentence about travel, science, sport …? Topic classification on SIB-200.

Seven labels of one word each are scored as continuations, in English in every language, so that
nothing but the sentence differs between languages. A label has a log-likelihood of its own whatever
the sentence; the judged measure takes off its mean over sentences that are not scored
(docs/families.md has what else was tried).
"""

import hashlib
from collections.abc import Iterator
from itertools import chain, islice, zip_longest

from mlbench.families._sib200 import (
    CITATION,
    DOC_SET,
    LICENCE,
    ORIGIN,
    SOURCE,
    TOPICS,
    WORD_BY_TOPIC,
    Sentence,
    read_sentences,
)
from mlbench.families._sib200_articles import is_apart
from mlbench.records import ChoiceDoc, Family, FamilyDocs, Language, OutputType, Prompt, Rows, Size

CUE = "Topic:"
LABELS = tuple(WORD_BY_TOPIC.values())
MAX_SHOTS = 35
# Six of each topic: the mean over them is that of a text about anything.
N_CALIBRATION = 42


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make one doc per sentence: `test` is scored, examples and calibration come from `train`."""
    sentences = read_sentences(rows, language)
    scored = tuple(_doc_from_sentence(sentence) for sentence in sentences["test"])
    # A sentence of an article that is scored would tell something about the scored ones, and of
    # an article that is not known nobody can say that it is another.
    articles = {sentence.article for sentence in sentences["test"]}
    apart = _in_turn([s for s in sentences["train"] if is_apart(s.index_id, articles)])
    examples = tuple(islice(apart, MAX_SHOTS))
    return FamilyDocs(scored, examples, tuple(islice(apart, N_CALIBRATION)))


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Render the sentence and the cue; a label follows after a space."""
    return Prompt(f"{doc.query}\n{CUE}", doc.choices)


def _doc_from_sentence(sentence: Sentence) -> ChoiceDoc:
    target = TOPICS.index(sentence.topic)
    return ChoiceDoc(str(sentence.index_id), sentence.article, sentence.text, LABELS, target)


def _in_turn(train: list[Sentence]) -> Iterator[ChoiceDoc]:
    """Yield the same ids in every language, each topic in turn: any 7 in a row hold all 7 labels.

    Ids are taken in the order of their hash, so that they do not come from a few articles.
    """

    def order(sentence: Sentence) -> str:
        return hashlib.sha256(str(sentence.index_id).encode()).hexdigest()

    by_topic = [sorted((s for s in train if s.topic == t), key=order) for t in TOPICS]
    in_turn = (s for s in chain.from_iterable(zip_longest(*by_topic)) if s is not None)
    return (_doc_from_sentence(sentence) for sentence in in_turn)


FAMILY = Family(
    name="sib200_topic",
    version=3,
    title="Topic classification",
    question="Does the model know what a sentence is about?",
    suite="core",
    output_type=OutputType.CHOICES,
    source=SOURCE,
    licence=LICENCE,
    citation=CITATION,
    chance=1 / len(TOPICS),
    metrics=("acc_calibrated", "acc", "acc_pmi", "macro_f1"),
    docs=docs_from_rows,
    prompt=prompt_from_doc,
    calibration_context=CUE,
    is_calibrated=True,
    max_shots=MAX_SHOTS,
    doc_set=DOC_SET,
    origin=ORIGIN,
    size=Size(204, 171),
    is_gated=False,
)
