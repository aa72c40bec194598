"""What does a notebook need? Run and judge models, read runs and scores, identify a language.

    import mlbench

    run = mlbench.run("trial", models=["qwen3-0.6b", "./checkpoint"], families="core", limit=50)
    run.scores().to_pandas()
    run.verdict("qwen3-0.6b", "./checkpoint")["moat"]

Each is a few lines over the function that the command of the same name uses, and raises the same
errors (mlbench.errors.MlbenchError).
"""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlbench import store
from mlbench.extras import require
from mlbench.harness.docs import prepare
from mlbench.identifier import Identification, choose_candidates
from mlbench.identifier import identify as identify_text
from mlbench.judge.run import judge_run
from mlbench.runner.command import do_work, prepare_work, select
from mlbench.settings import Settings
from mlbench.store.join import read_runs
from mlbench.store.read import Run as StoredRun

if TYPE_CHECKING:
    import pyarrow as pa


class Run(StoredRun):
    """A run: its cells as mlbench.store.read.Run has them, and what the commands make of them."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return where the run is and where its cells stand."""
        return f"<Run {self.folder}, {self.counts_line}>"

    def scores(self) -> "pa.Table":
        """Return every score of every cell, one row per metric, as scores.csv has it.

        pandas takes it by `.to_pandas()`, Polars by `pl.from_arrow`. A cell without a score has one
        row with its state and reason; what is unknown is null.
        """
        import pyarrow as pa

        from mlbench.report.export import SCORE_FIELDS, score_lines
        from mlbench.report.tables import table_from_run

        lines = score_lines(table_from_run(self))
        return pa.table({name: [line.get(name) for line in lines] for name in SCORE_FIELDS})

    def docs(self) -> "pa.Table":
        """Return every doc of every finished cell with its score, as `mlbench export` has it."""
        from mlbench.exports.table import docs_table

        return docs_table(self)

    def verdict(
        self, a: str, b: str, *, claims: Path | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """Judge A against B: the dict that `mlbench verdict --json` prints."""
        return judge_run(self, a, b, claims_file=claims, seed=seed)

    def report(
        self, out: Path | None = None, *, a: str | None = None, b: str | None = None
    ) -> Path:
        """Write the page reports/RUN/index.html with its figures and tables; return its path."""
        from mlbench.report import Asked, write_report

        return write_report(self, out, asked=Asked(a, b))


def run(  # noqa: PLR0913  (what is asked, by name)
    name: str,
    *,
    models: Sequence[str] = ("demo-polyglot", "demo-anglo"),
    families: str | Sequence[str] = "embedded",
    languages: str | Sequence[str] = "all",
    shots: Sequence[int] = (0,),
    limit: int | None = None,
    settings: Settings | None = None,
    languages_file: Path | None = None,
    may_replace: bool = False,
) -> Run:
    """Score models, one cell at a time, and return the run; finished cells are kept.

    `settings` holds how models are loaded (engine, device, dtype). A cell that breaks is recorded
    as failed (`Run.failed`) and the rest goes on. Raises what `mlbench run` would say.
    """
    asked: dict[str, Any] = asdict(settings or Settings())
    asked |= {"models": models, "families": families, "languages": languages, "shots": shots}
    asked |= {"limit": limit, "languages_file": languages_file, "run": name}
    require("run", "mlbench.run")
    store.find_run(name, must_exist=False)  # a wrong name is told before any work
    selection = select(models, families, languages, languages_file)
    wanted = replace(settings or Settings(), shots=tuple(shots), limit=limit)
    pairs = [(f, language) for f in selection.families for language in selection.languages]
    prepared = [prepare(family, language) for family, language in pairs]
    work = prepare_work(name, selection.models, prepared, wanted)
    for _ in do_work(replace(work, asked=asked), may_replace=may_replace):
        pass
    return load(name)


def load(*runs: str | Path) -> Run:
    """Read a run by its name under runs/, or its path; several as one, which changes none.

    Raises StoreError if there is no such run or it is damaged.
    """
    stored = read_runs(runs)
    return Run(**{part.name: getattr(stored, part.name) for part in fields(stored)})


def identify(text: str, *, languages: str | Sequence[str] = "all") -> Identification:
    """Return in which language a text is, of those chosen; none with the reason if unclear.

    Many texts at once, and whether a reply is in the language asked for: `identify_all` and
    `fidelity` in the package mlbench.identifier.
    """
    return identify_text(text, choose_candidates(languages))
