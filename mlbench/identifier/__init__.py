"""In which language is a text? By its script, then by the letters that stand next to each other.

`identify` answers for any text, `fidelity` for a reply and the language that it should be in; the
forms with `_all` take many at once. README.md in this folder says what the model was made of,
docs/identify.md how good it is. `train` makes it.
"""

from mlbench.identifier.answers import (
    Fidelity,
    Identification,
    choose_candidates,
    fidelity,
    fidelity_all,
    identify,
    identify_all,
    indistinguishable,
    known_languages,
)

__all__ = [
    "Fidelity",
    "Identification",
    "choose_candidates",
    "fidelity",
    "fidelity_all",
    "identify",
    "identify_all",
    "indistinguishable",
    "known_languages",
]
