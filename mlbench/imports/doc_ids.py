"""Are two ids one doc that was written twice? Data frames make 1.0 of 1, spreadsheets 1 of 001.

Docs are paired by their ids, so one id in two forms is a comparison lost without a word.
"""

from collections import defaultdict
from collections.abc import Iterable

from mlbench.errors import DataError
from mlbench.records import Cell


def check_ids(family: str, ids: Iterable[tuple[Cell, str, str]]) -> None:
    """Raise DataError for an id that other cells of the family write in another way.

    Each id comes with its cell and the place where it is. Both forms in one cell are two docs.
    """
    places: dict[str, dict[str, str]] = defaultdict(dict)
    cells: dict[str, set[Cell]] = defaultdict(set)
    for cell, doc_id, where in ids:
        places[_plain(doc_id)].setdefault(doc_id, where)
        cells[doc_id].add(cell)
    for forms in places.values():
        first, *others = forms
        for other in others:
            if not cells[first] & cells[other]:
                raise DataError(
                    f"{forms[other]}: doc_id {other!r} is written {first!r} in other lines of "
                    f"family {family!r}, {forms[first]}, so its docs would not be paired. Write "
                    f"the ids of all languages and models in the same way"
                )


def _plain(doc_id: str) -> str:
    """Return an id without what a data frame or a spreadsheet may add or take away."""
    text = doc_id.strip()
    try:
        return f"{float(text):.15g}" if text[:1].isdigit() else text
    except ValueError:
        return text
