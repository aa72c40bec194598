"""Results that others made, as a run like our own: no model and no GPU.

Read in this order: task_map (which family and language a task is), lm_eval_files, lm_eval_samples,
lm_eval; csv_rows; imported (what is written to the run).
"""

from collections.abc import Mapping
from pathlib import Path

from mlbench.data.languages import read_languages
from mlbench.errors import SelectionError, unknown
from mlbench.imports.csv_rows import read_csv
from mlbench.imports.imported import Imported, Outcome, add_to_run
from mlbench.imports.lm_eval import read_lm_eval
from mlbench.records import Language

KINDS = ("lm-eval", "csv")


def import_results(kind: str, path: Path, run: str, map_path: Path | None = None) -> Outcome:
    """Read results of a kind and add them to a run.

    Raises SelectionError for an unknown kind, DataError for a file that is not as it should be.
    """
    languages = read_languages()
    return add_to_run(run, _read(kind, path, map_path, languages), languages)


def _read(
    kind: str, path: Path, map_path: Path | None, languages: Mapping[str, Language]
) -> Imported:
    if kind not in KINDS:
        raise SelectionError(unknown("kind of results", kind, KINDS, "mlbench import --help"))
    if kind == "lm-eval":
        return read_lm_eval(path, languages, map_path)
    if map_path:
        raise SelectionError("--map is for lm-eval; a table names its families itself")
    return read_csv(path, languages)
