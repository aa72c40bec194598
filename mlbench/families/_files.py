"""Which family does a file of somebody's own define? `--family-file`, run as it is.

The file is Python, so it is run with all rights of who types the command, as a package with the
entry point is. What breaks in it is told in one line. It is not kept among the modules: Ray then
sends its functions themselves to the workers.
"""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from mlbench.data.family_code import describe_fault
from mlbench.errors import SelectionError
from mlbench.names import fault_of_name
from mlbench.records import Family, FileSource, OutputType, Suite

MODULE = "mlbench_family_file"
RESERVED = ("all", *get_args(Suite))


def read_family_file(path: Path) -> Family:
    """Return the FAMILY of a file; its tables lie beside it.

    Raises SelectionError in one line for a file that cannot be read or run, or that has none.
    """
    family = _run(path).get("FAMILY")
    if not isinstance(family, Family):
        what = "no FAMILY" if family is None else f"a FAMILY that is {family!r:.60}"
        raise SelectionError(
            f"family file {path} has {what}. It ends with FAMILY = family_from_table(...) or "
            f"FAMILY = Family(...); see docs/own_data.md"
        )
    _check(family, path)
    source = family.source
    if isinstance(source, FileSource):
        folder = path.parent
        examples = None if source.examples is None else folder / source.examples
        source = replace(source, path=folder / source.path, examples=examples)
    return replace(family, source=source)


def _run(path: Path) -> dict[str, Any]:
    file = str(path.absolute())
    spec = importlib.util.spec_from_file_location(MODULE, file)
    if path.suffix != ".py" or spec is None or spec.loader is None or not path.is_file():
        raise SelectionError(f"there is no family file {str(path)!r}. Give a Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        place = f"line {error.lineno}: " if error.filename == file else ""
        raise SelectionError(f"family file {path}: {place}{error.msg}") from error
    except SelectionError as error:
        raise SelectionError(f"family file {path}: {error}") from error
    except Exception as error:  # whatever somebody's own code raises is theirs
        raise SelectionError(
            f"family file {path} cannot be run: {describe_fault(error, file)}"
        ) from error
    finally:
        sys.modules.pop(MODULE, None)
    return vars(module)


def _check(family: Family, path: Path) -> None:
    """Refuse a family that no command could name, or that could not ask anything."""
    fault = fault_of_name(family.name)
    if "," in family.name or " " in family.name or family.name in RESERVED:
        fault = f"is no name of a family; no comma, blank or suite ({', '.join(RESERVED)})"
    if fault:
        raise SelectionError(f"family file {path}: {family.name!r} {fault}")
    if family.output_type == OutputType.CHOICES and family.prompt is None:
        raise SelectionError(f"family file {path}: {family.name} has choices and no `prompt`")
