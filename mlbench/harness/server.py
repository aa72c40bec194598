"""Does a backend that hides its model give the log-probabilities that it is asked for?

Servers of one protocol differ in what they heed: one that ignores `echo`, or puts a token before
the prompt, or gives the same reply to everything, answers without an error, and what lm-eval makes
of the answer is a number. So a few replies are looked at before the first cell, and the length of
each reply always.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from mlbench.errors import ModelError
from mlbench.store.findings import Findings

CONTEXTS = ("The capital of France is", "Sugar is sweet, and the taste of lemons is")
CONTINUATIONS = (" Paris", " sour")

SAME = 1e-6
"""Nats. Two of these log-probabilities that are nearer were not computed from different texts."""


MOVED = 0.2
"""Nats. A server that batches in half precision moves one of them by hundredths; another model, or
another quantisation of it, moves at least one by more than this."""


def look_at_replies(lm: LM) -> Findings:
    """Ask for two continuations after two contexts, and refuse a backend that cannot tell them.

    The log-probabilities are what is found. Raises ModelError; what the backend raises when it is
    asked is not caught.
    """
    asked = [(context, choice) for context in CONTEXTS for choice in CONTINUATIONS]
    requests = [Instance("loglikelihood", {}, pair, place) for place, pair in enumerate(asked)]
    replies = lm.loglikelihood(requests, disable_tqdm=True)
    if len(replies) != len(asked):
        raise ModelError(f"it gave {len(replies)} replies to {len(asked)} requests")
    values = [float(value) for value, _ in replies]
    if reason := _what_is_wrong(values):
        raise ModelError(
            f"it gives no log-probabilities of the prompt: {reason}. It needs a completions "
            f"endpoint that heeds echo and logprobs, as vLLM has; chat endpoints, Ollama and "
            f"llama-server have none"
        )
    return Findings(replies=" ".join(f"{value:.4f}" for value in values))


def refuse_another_model(now: Findings, earlier: Findings) -> None:
    """Refuse a server that answers otherwise than when other cells under its name were scored.

    Nothing is known of a model that is no server, and of cells of an earlier mlbench. Raises
    ModelError.
    """
    if not now.replies or not earlier.replies:
        return
    pairs = zip(now.replies.split(), earlier.replies.split(), strict=False)
    moved = max(abs(float(one) - float(other)) for one, other in pairs)
    if moved > MOVED:
        raise ModelError(
            f"it is another model than the one that other cells of this run were scored with: the "
            f"log-probability of one text moved by {moved:.2f} nats. Call it otherwise "
            f"(--models NAME=...), or delete those cells (mlbench forget)"
        )


def _what_is_wrong(values: Sequence[float]) -> str:
    """Return what a model cannot have said: log-probabilities by context and continuation."""
    for (context, choice), value in zip(
        ((context, choice) for context in CONTEXTS for choice in CONTINUATIONS), values, strict=True
    ):
        if not (math.isfinite(value) and value < 0):
            return f"that of {choice!r} after {context!r} is {value}, where one below 0 is due"
    first, second = values[: len(CONTINUATIONS)], values[len(CONTINUATIONS) :]
    if all(abs(by_one - by_other) < SAME for by_one, by_other in zip(first, second, strict=True)):
        return "they are the same after two contexts"
    if all(abs(choices[0] - choices[1]) < SAME for choices in (first, second)):
        return "those of two continuations are the same"
    return ""


def refuse_other_lengths(lm: LM) -> None:
    """Have a server's every reply looked at: one log-probability a token, and one of the next.

    lm-eval counts from the front of a reply to find the continuation, so that one token more or
    less before it, or none after it, gives the number of other tokens. Does nothing for a backend
    that is not of lm-eval's servers.
    """
    parse = getattr(lm, "parse_logprobs", None)
    if parse is None:
        return

    def parse_checked(outputs: Any, tokens: Sequence[Any], **others: Any) -> Any:
        for n_given, n_asked in _lengths(outputs, tokens):
            if n_given != n_asked + 1:
                raise ModelError(
                    f"the server gave {n_given} log-probabilities for a prompt of {n_asked} tokens "
                    f"and one more. It leaves the prompt out (echo), or cuts it into tokens "
                    f"otherwise than tokenizer= does, or adds one"
                )
        return parse(outputs=outputs, tokens=tokens, **others)

    lm.parse_logprobs = parse_checked


def _lengths(outputs: Any, tokens: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Return for each prompt how many log-probabilities came, and how many tokens it has."""
    listed = outputs if isinstance(outputs, list) else [outputs]
    choices = [choice for output in listed for choice in _in_order(output)]
    if len(choices) != len(tokens):
        raise ModelError(f"the server gave {len(choices)} replies to {len(tokens)} prompts")
    for choice, prompt in zip(choices, tokens, strict=True):
        found = (choice.get("logprobs") or {}).get("token_logprobs")
        if found is None:
            raise ModelError("the server gave no log-probabilities (logprobs.token_logprobs)")
        yield len(found), len(prompt)


def _in_order(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(output.get("choices") or [], key=lambda choice: int(choice.get("index", 0)))
