"""What does a YAML file of a user's say? Read safely, and whatever is wrong with it in one line.

The library raises more than its own class for a text that is no YAML (a month 13, `!!bool x`), and
what is nested without end breaks whoever walks it, also by printing it in a message.
"""

from typing import Any

import yaml

MAX_DEPTH = 50
"""Far beyond any file of ours, and far below what Python's recursion takes."""

# The one in C is ten times as fast.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FAULTS = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


def parse_yaml(text: str) -> Any:
    """Return the content of a YAML text.

    Raises ValueError with one line for a text that is not valid YAML, or is nested too deep.

    >>> parse_yaml("a: [1, b]")
    {'a': [1, 'b']}
    """
    try:
        content = yaml.load(text, Loader=_LOADER)
    except _FAULTS as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    if _is_deep(content):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return content


def _is_deep(content: Any) -> bool:
    """Walk level by level, each part once: an anchor may stand in many places, or in itself."""
    seen: set[int] = set()
    level = [content]
    for _ in range(MAX_DEPTH):
        parts = [part for part in level if isinstance(part, dict | list) and id(part) not in seen]
        seen.update(map(id, parts))
        level = [
            inner for part in parts for inner in (part.values() if isinstance(part, dict) else part)
        ]
    return any(isinstance(part, dict | list) and id(part) not in seen for part in level)
