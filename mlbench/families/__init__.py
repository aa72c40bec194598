"""One file per family. Every module here that defines FAMILY is a family; there is no other list.

A package of your own adds families by the entry point group `mlbench.families`, a command by
--family-file, a notebook by add_family.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from mlbench.data.languages import read_all_languages
from mlbench.errors import SelectionError, unknown
from mlbench.families._files import read_family_file
from mlbench.families._table import Columns, family_from_table
from mlbench.families.lm_eval_tasks import PREFIX, family_of_tasks, read_task_families
from mlbench.records import Family, Language

__all__ = [
    "Columns",
    "add_family",
    "add_family_files",
    "family_from_table",
    "file_of",
    "find_family",
    "pair_with",
    "read_families",
    "select_families",
]

_ADDED: dict[str, Family] = {}
_FILES: dict[str, Path] = {}
"""The file that an added family is of."""


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
    if (find_family(family.name) or family) != family:
        raise SelectionError(f"there is a family {family.name!r} already; choose another name")
    _ADDED[family.name] = family
    read_families.cache_clear()
    return family


def add_family_files(paths: Sequence[Path]) -> list[Family]:
    """Make the families of files known; a file that was read before is read anew.

    Raises SelectionError in one line for a file that is not right, or a name that is taken.
    """
    found = []
    for path in paths:
        family, file = read_family_file(path), path.absolute()
        if _FILES.get(family.name) == file:
            _ADDED.pop(family.name, None)
            read_families.cache_clear()
        try:
            found.append(add_family(family))
        except SelectionError as error:
            raise SelectionError(f"family file {path}: {error}") from None
        _FILES[family.name] = file
    return found


def file_of(family: Family) -> Path | None:
    """Return the file that a family was read from, None where it is of a package."""
    return _FILES.get(family.name)


def find_family(name: str) -> Family | None:
    """Return the family of a name, lm-eval's own tasks among them; None if there is none.

    A family that pairs languages with one of them has that in its name, and is there for any.
    """
    return read_families().get(name) or read_task_families().get(name) or _of_any_pivot(name)


def _of_any_pivot(name: str) -> Family | None:
    for family in read_families().values():
        stem = family.name.removesuffix(family.pivot or "")
        language = read_all_languages().get(name.removeprefix(stem))
        if family.with_pivot and name.startswith(stem) and language:
            return family.with_pivot(language)
    return None


def pair_with(selection: str | Sequence[str], pivot: Language) -> list[str]:
    """Return the names of the families of a selection, those of pairs with another language.

    Raises SelectionError if none of them can have another.
    """
    families = select_families(selection)
    if not any(family.with_pivot for family in families):
        able = [family.name for family in read_families().values() if family.with_pivot]
        named = ", ".join(family.name for family in families)
        raise SelectionError(
            f"--pivot {pivot.tag}: no family of {named} translates. Those that do: "
            f"{', '.join(able)} (--families translation)"
        )
    return [(f.with_pivot(pivot) if f.with_pivot else f).name for f in families]


def select_families(selection: str | Sequence[str]) -> list[Family]:
    """Return the families of a selection: names or suites (core, embedded, lmeval), or all.

    `lm_eval:TASK_{code}` names any other tasks of lm-eval. `all` is all but lm-eval's own tasks,
    which are dozens of data sets to download.
    """
    own, tasks = read_families(), read_task_families()
    text = selection if isinstance(selection, str) else ",".join(selection)
    chosen: dict[str, Family] = {}
    for part in (p.strip() for p in text.split(",") if p.strip()):
        hits = [f for f in tasks.values() if part in (f.name, f.suite)]
        hits += [family_of_tasks(part)] if part.startswith(PREFIX) else []
        hits += [f for f in own.values() if part in ("all", f.name, f.suite)]
        hits = hits or [family for family in [_of_any_pivot(part)] if family]
        if not hits:
            suites = sorted({f.suite for f in (*own.values(), *tasks.values())})
            allowed = [*own, *tasks, *suites, "all"]
            raise SelectionError(unknown("family", part, allowed, "mlbench list families"))
        chosen.update((family.name, family) for family in hits)
    if not chosen:
        raise SelectionError(f"no family in {selection!r}. See: mlbench list families")
    return list(chosen.values())
