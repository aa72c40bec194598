"""One file per family. Every module here that defines FAMILY is a family; there is no other list.

A package of your own adds families by the entry point group `mlbench.families`, a notebook by
add_family.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType

from mlbench.errors import SelectionError, unknown
from mlbench.records import Family

_ADDED: dict[str, Family] = {}


@cache
def read_families() -> MappingProxyType[str, Family]:
    """Return every family by name, in alphabetical order; those of other packages after ours."""
    modules = sorted(m.name for m in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{name}") for name in modules]
    families = [module.FAMILY for module in found if hasattr(module, "FAMILY")]
    families += [point.load() for point in entry_points(group="mlbench.families")]
    return MappingProxyType({family.name: family for family in families} | _ADDED)


def add_family(family: Family) -> Family:
    """Make a family known that is not in this package.

    Raises SelectionError if another family has its name.
    """
    if read_families().get(family.name, family) != family:
        raise SelectionError(f"there is a family {family.name!r} already; choose another name")
    _ADDED[family.name] = family
    read_families.cache_clear()
    return family


def select_families(selection: str | Sequence[str]) -> list[Family]:
    """Return the families of a selection: names or suites (core, embedded, extension), or all."""
    families = read_families()
    text = selection if isinstance(selection, str) else ",".join(selection)
    chosen: dict[str, Family] = {}
    for part in (p.strip() for p in text.split(",") if p.strip()):
        hits = [f for f in families.values() if part in ("all", f.name, f.suite)]
        if not hits:
            allowed = [*families, *sorted({f.suite for f in families.values()}), "all"]
            raise SelectionError(unknown("family", part, allowed, "mlbench list families"))
        chosen.update((family.name, family) for family in hits)
    if not chosen:
        raise SelectionError(f"no family in {selection!r}. See: mlbench list families")
    return list(chosen.values())
