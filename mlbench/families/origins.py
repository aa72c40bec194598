"""Whence is the text of a family, in words?

It matters for what a score means: scores on localised sets agree with people's judgement better
than those on translated ones (correlation .68 against .47: arXiv 2504.15521).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mlbench.families import read_families

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "written": "written in the language",
        "translated": "translated by people",
        "machine": "translated by machine",
        "localised": "made for each language by people",
        "": "of unknown origin",
    }
)


def origin_words(origin: object) -> str:
    """Return the origin of a text in words; what is not known is said to be so.

    >>> origin_words("machine"), origin_words(None)
    ('translated by machine', 'of unknown origin')
    """
    return WORDS.get(str(origin or ""), WORDS[""])


def origin_of(name: str, facts: Mapping[str, Any]) -> str:
    """Return the origin of a family of a run; runs of an earlier version do not say it.

    Then it is that of the family of this name, if that one has the same data.
    """
    own = read_families().get(name)
    known = own.origin if own and own.source.name == facts.get("source") else ""
    return str(facts.get("origin") or known)
