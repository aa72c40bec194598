"""A family of many short docs, and models that know a share of them, for runs that add docs."""

import hashlib

from lm_eval.api.model import LM
from lm_eval.api.registry import model_registry, register_model

from mlbench.records import (
    ChoiceDoc,
    CldrSource,
    Family,
    FamilyDocs,
    Language,
    OutputType,
    Prompt,
    Rows,
)

N_DOCS = 160
ASKED: list[str] = []
"""The contexts that models were asked for, in order; a test empties it."""


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Ask for one of two letters; half of the docs want the first."""
    docs = (
        ChoiceDoc(f"d{i:03d}", f"c{i // 2:03d}", f"{language.endonym} {i}", ("a", "b"), i % 2)
        for i in range(N_DOCS)
    )
    return FamilyDocs(tuple(docs))


FAMILY = Family(
    name="toy_steps",
    version=1,
    title="Steps",
    question="Which letter?",
    suite="extension",
    output_type=OutputType.CHOICES,
    source=CldrSource(),
    licence="none",
    citation="none",
    chance=1 / 2,
    metrics=("acc",),
    docs=docs_from_rows,
    prompt=lambda doc: Prompt(f"{doc.query}: {'ab'[doc.target]} or not?", doc.choices),
    is_parallel=True,
)


class KnowingLM(LM):
    """Takes the right letter of a share of the docs: which, its seed and the language say.

    `lead` languages are those whose endonym holds one of its letters; there it knows all docs.
    """

    def __init__(self, share: float = 0.7, seed: int = 0, lead: str = "", **_: object) -> None:
        super().__init__()
        self.share, self.seed, self.lead = float(share), seed, str(lead)

    def loglikelihood(self, requests, disable_tqdm=False):
        return [(self._answer(*request.args), False) for request in requests]

    def _answer(self, context: str, continuation: str) -> float:
        text, _, rest = context.partition(": ")
        if rest:
            ASKED.append(context)
        knows = _share(f"{self.seed} {text}") < self.share or any(
            letter in text for letter in self.lead
        )
        is_taken = (continuation.strip() == rest[:1]) == knows
        return -1.0 - (not is_taken) - _share(context + continuation) / 10

    # lm-eval's base class asks for both; no family of choices calls them.
    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def generate_until(self, requests, disable_tqdm=False):
        raise NotImplementedError


def _share(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 16**8


if "toy-knows" not in model_registry:
    register_model("toy-knows")(KnowingLM)
