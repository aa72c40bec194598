"""How is a doc put to a model? Two wordings that families share, as records of what they are.

A cloze asks for the text of each choice; letters list the choices and ask for the letter of each,
which base models understand later in their training, if at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlbench.records import ChoiceDoc, Prompt

QUERY = "{query}"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Cloze:
    """The query in a template; each choice follows after a space."""

    template: str = QUERY

    def __call__(self, doc: ChoiceDoc) -> Prompt:
        """Render a doc."""
        return Prompt(self.template.replace(QUERY, doc.query), doc.choices)

    @property
    def cue(self) -> str:
        """Return what is left without the query: the context in which acc_pmi asks each choice."""
        return self.template.partition(QUERY)[2].strip()


@dataclass(frozen=True, slots=True)
class Lettered:
    """The query, a line for each choice with its letter, and a cue; a letter follows."""

    template: str = QUERY
    cue: str = "Answer:"
    mark: str = ". "

    def __call__(self, doc: ChoiceDoc) -> Prompt:
        """Render a doc."""
        letters = letters_of(doc.choices)
        lines = [
            f"{letter}{self.mark}{text}" for letter, text in zip(letters, doc.choices, strict=True)
        ]
        query = self.template.replace(QUERY, doc.query)
        return Prompt("\n".join([query, *lines, self.cue]), letters)


def letters_of(choices: Sequence[str]) -> tuple[str, ...]:
    """Return a letter a choice.

    >>> letters_of(("yes", "no"))
    ('A', 'B')
    """
    return tuple(LETTERS[: len(choices)])
