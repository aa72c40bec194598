"""What does a model card say of a checkpoint? The head of the README.md in its folder.

Only what a comparison needs is taken, and only where it is in form: the card is text of others.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from mlbench.data.languages import read_languages, select_languages
from mlbench.errors import SelectionError
from mlbench.yaml_text import parse_yaml

CARD = "README.md"
_FENCE = "---"
_LONGEST = 100_000
"""Characters of a card that are looked at: its head is short."""


def facts_of_card(path: Path) -> dict[str, Any]:
    """Return `base`, the first of base_model, and `own_languages`, those of language that we know.

    Nothing of a card that is not there, or has no head that can be read.
    """
    head = _head(path)
    facts: dict[str, Any] = {}
    base = head.get("base_model")
    first = base[0] if isinstance(base, list) and base else base
    if isinstance(first, str) and first.strip():
        facts["base"] = first.strip()
    said = head.get("language")
    codes = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    if own := [tag for code in codes if isinstance(code, str) for tag in _tags(code)]:
        facts["own_languages"] = list(dict.fromkeys(own))
    return facts


def _tags(code: str) -> list[str]:
    """Return the tag of a code as cards have it; nothing for one that is no language here."""
    with suppress(SelectionError):  # a word that names no language, or several
        found = select_languages([code], read_languages())
        return [found[0].tag] if len(found) == 1 else []
    return []


def _head(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST)
        first, head, *_ = text.split(_FENCE, 2)
        content = parse_yaml(head) if not first.strip() else None
    except (OSError, ValueError, RecursionError):
        return {}  # no card, or one without a head: nothing is known then
    return content if isinstance(content, dict) else {}
