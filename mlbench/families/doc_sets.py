"""Which docs does a family of a run have, so that another wording of them is no new evidence?"""

from collections.abc import Mapping
from typing import Any

from mlbench.families import find_family


def doc_set_of(name: str, facts: Mapping[str, Any]) -> str | None:
    """Return the doc set of a family of a run; runs of an earlier version do not say all of them.

    Then it is that of the family of this name, if that one has the same data.
    """
    own = find_family(name)
    known = own.doc_set if own and own.source.name == facts.get("source") else None
    return facts.get("doc_set") or known
