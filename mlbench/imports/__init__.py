"""Results that others made, as a run like our own: no model and no GPU.

Read in this order: targets (which family and language a task is), scored_task (what each tool says
of one), lm_eval_files, lighteval, olmes; task_samples, tasks; csv_rows; imported (what is written).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from mlbench import store
from mlbench.data.languages import read_all_languages
from mlbench.errors import SelectionError, unknown
from mlbench.imports.csv_rows import read_csv
from mlbench.imports.imported import Imported, Outcome, add_to_run
from mlbench.imports.lighteval import read_lighteval
from mlbench.imports.lm_eval_files import read_lm_eval
from mlbench.imports.olmes import read_olmes
from mlbench.imports.setups import LIGHTEVAL, LM_EVAL, OLMES
from mlbench.records import Language

Reader = Callable[[Path, Mapping[str, Language], Path | None], Imported]
READERS: Mapping[str, Reader] = {
    LM_EVAL: read_lm_eval,
    LIGHTEVAL: read_lighteval,
    OLMES: read_olmes,
    "csv": read_csv,
}
"""How each kind of results is read; the only list of kinds."""


def import_results(
    kind: str, path: Path, run: str, map_path: Path | None = None, *, may_replace: bool = False
) -> Outcome:
    """Read results of a kind and add them to a run; `may_replace` finished cells by others.

    Raises SelectionError for an unknown kind, DataError for a file that is not as it should be.
    """
    if kind not in READERS:
        see = f"mlbench import {'|'.join(READERS)} PATH --run NAME"
        raise SelectionError(unknown("kind of results", kind, READERS, see))
    store.find_run(run, must_exist=False)  # a wrong name is told before any work
    languages = read_all_languages()
    found = READERS[kind](path, languages, map_path)
    return add_to_run(run, found, languages, may_replace=may_replace)
