"""How is a doc put to a model that was taught to answer? As a turn, by its own chat template.

lm-eval's `--apply_chat_template` does the same: the query is a turn of the user, an example is two
turns before it, and a choice is the beginning of the assistant's answer. No system message is sent
(many templates put in one of their own), and thinking is switched off where a template can.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from mlbench.engine.hf import WatchedLM
from mlbench.errors import ModelError

Turns = Sequence[Mapping[str, str]]
Chat = Callable[..., str]
"""Renders turns as one text, which ends where the assistant begins to speak."""

TEMPLATE_ARGUMENTS = {"enable_thinking": False}
"""What is passed to a chat template; one that does not know it passes over it."""

_SAID = ("first question 1", "first answer 2", "second question 3")
_TURNS = [
    {"role": role, "content": text}
    for role, text in zip(("user", "assistant", "user"), _SAID, strict=True)
]
_WAY_OUT = "Leave out --chat, which scores it on plain text"


def find_chat(lm: WatchedLM) -> Chat:
    """Return how turns are rendered for a loaded model.

    Raises ModelError, with what to do, for a model without a chat template, or with one that fails
    or loses what was said.
    """
    if not getattr(lm.tokenizer, "chat_template", None):
        raise ModelError(
            f"--chat: its tokenizer has no chat template, so it may be a base model. {_WAY_OUT}, "
            f"or put a chat_template.jinja beside the tokenizer"
        )
    text = _render(lm, _TURNS)
    lost = [said for said in _SAID if said not in text]
    if lost:
        raise ModelError(
            f"--chat: its chat template does not write what was said: {lost[0]!r} is not in what "
            f"it made of a conversation. {_WAY_OUT}"
        )

    def chat(turns: Turns, *, add_generation_prompt: bool = True) -> str:
        return _render(lm, turns, add_generation_prompt=add_generation_prompt)

    return chat


def _render(lm: WatchedLM, turns: Turns, **options: bool) -> str:
    try:
        found: Any = lm.apply_chat_template(list(turns), **options)
    except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ModelError(f"--chat: its chat template fails: {why}. {_WAY_OUT}") from error
    return str(found)
