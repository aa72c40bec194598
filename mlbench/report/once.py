"""What page, figures and files ask of the same table is computed once, and forgotten with it."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from mlbench.report.tables import ReportTable

Found = TypeVar("Found")


def once_a_table(function: Callable[[ReportTable], Found]) -> Callable[[ReportTable], Found]:
    """Keep what a function finds for a table for as long as the table itself is kept."""
    found: WeakKeyDictionary[ReportTable, Found] = WeakKeyDictionary()

    @wraps(function)
    def ask(table: ReportTable) -> Found:
        if table not in found:
            found[table] = function(table)
        return found[table]

    return ask
