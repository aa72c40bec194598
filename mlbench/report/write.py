"""How does a run become the folder reports/RUN? Read, judge, render, and put each file in place."""

import gc
import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from matplotlib.axes import Axes
from threadpoolctl import threadpool_limits

from mlbench import store
from mlbench.errors import SelectionError, StoreError
from mlbench.judge import read_claims
from mlbench.report.compare import Asked, Comparison, Pair, compare, pairs_of
from mlbench.report.export import differences_csv, markets_csv, scores_csv
from mlbench.report.figures.drawing import WIDTHS, save_figure
from mlbench.report.figures.figures import FIGURES, Choice, draw_figure
from mlbench.report.markets import markets_of
from mlbench.report.page.docs import SHOWN_DOCS, pack_docs
from mlbench.report.page.page import docs_script, render_page
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import Run, read_run

logger = logging.getLogger(__name__)

REPORTS = Path("reports")
DOCS_FOLDER = "shown-docs"
"""Not "docs", which a folder given with --out may have already."""
WIDER = (14.0, 28.0, 56.0)
"""Inches of a figure with more columns than a page of a paper has room for."""


@dataclass(frozen=True, slots=True)
class ShownDocs:
    """How many docs of a family in a language are shown, and how large the page may get.

    Above `most_megabytes` (10^6 bytes) they stand in a folder beside the page.
    """

    per_family: int = SHOWN_DOCS
    most_megabytes: float = 10.0


@contextmanager
def _without_collector() -> Iterator[None]:
    """Look for no cyclic garbage meanwhile: millions of objects are made and kept, and looking
    through them took a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collector()
def write_report(
    run: Run | str | Path,
    out: Path | None = None,
    *,
    docs: ShownDocs | None = None,
    asked: Asked | None = None,
    resampling: Resampling | None = None,
) -> Path:
    """Write the report of a run and return its page; default folder is reports/<run's name>.

    Raises StoreError if there is no such run, or the folder cannot be written; SelectionError and
    ClaimsFileError for what is asked.
    """
    table = table_from_run(run if isinstance(run, Run) else read_run(run))
    folder = out or REPORTS / table.name
    comparisons = compare_all(table, resampling or Resampling(), asked)
    texts = _page_texts(table, comparisons, docs or ShownDocs()) | {"scores.csv": scores_csv(table)}
    if (markets := markets_of(table, None)).models:
        texts["markets.csv"] = markets_csv(markets)
    _remove_docs(folder / DOCS_FOLDER)  # of a report before this one
    if comparisons:
        texts["differences.csv"] = differences_csv(table, comparisons)
        texts["verdict.json"] = verdicts_json(comparisons)
    for name, text in texts.items():
        _write_text(folder / name, text)
    try:
        _save_figures(table, comparisons, folder)
    except OSError as error:
        raise StoreError(f"cannot write figures to {folder}: {error.strerror or error}") from error
    return folder / "index.html"


def _remove_docs(folder: Path) -> None:
    """Delete the files that a report wrote there, and the folder if it holds nothing else."""
    for path in folder.glob("*.js"):
        path.unlink()
    # What else lies there is not ours to delete, and keeps the folder.
    with suppress(OSError):
        folder.rmdir()


def _page_texts(
    table: ReportTable, comparisons: Mapping[Pair, Comparison], docs: ShownDocs
) -> dict[str, str]:
    """Return the page, and where it would be too large with its docs, the files of these."""
    packed = pack_docs(table, docs.per_family)
    page = render_page(table, comparisons, packed)
    if len(page.encode(errors="replace")) <= docs.most_megabytes * 1e6 or not any(packed):
        return {"index.html": page}
    page = render_page(table, comparisons, packed, docs_folder=DOCS_FOLDER)
    logger.warning(
        "with its docs the page would have more than %g MB: they are in the folder %s beside it, "
        "which must go wherever the page goes",
        docs.most_megabytes,
        DOCS_FOLDER,
    )
    files = {f"{DOCS_FOLDER}/{i}.js": docs_script(i, text) for i, text in enumerate(packed) if text}
    return {"index.html": page} | files


def _save_figures(table: ReportTable, comparisons: Mapping[Pair, Comparison], folder: Path) -> None:
    """Draw every figure that this run has, of the first pair at the fewest shots."""
    first = next(iter(comparisons.values()), None)
    for name in FIGURES:
        axes = _draw_if_possible(name, table, first)
        if axes is not None:
            save_figure(axes, folder, name)


def _draw_if_possible(name: str, table: ReportTable, first: Comparison | None) -> Axes | None:
    """Draw a figure as wide as it needs; None if the run lacks the data it shows.

    A heatmap without a mean adjusted score is that of the first family.
    """
    choices = [Choice(width=width) for width in (WIDTHS[-1], *WIDER)]
    if name == "heatmap" and not table.adjusted:
        choices = [replace(choice, families=(table.blocks[0].family,)) for choice in choices]
    for choice in choices:
        try:
            return draw_figure(name, table, choice, first)
        except SelectionError:
            # Too many columns for this width, or nothing to show: then no width helps.
            continue
    return None


def compare_all(
    table: ReportTable, resampling: Resampling, asked: Asked | None = None
) -> dict[Pair, Comparison]:
    """Judge every pair of the report; a run without a finished cell has none.

    Two at a time: most of a comparison is numpy, which lets another thread run beside it. More
    would cost memory, 0.25 GB each at 119 languages.
    """
    asked = asked or Asked()
    first = asked.first(table.run)
    claims = read_claims(asked.claims) if asked.claims else read_claims()
    pairs = pairs_of(table, first) if table.run.done else []
    with threadpool_limits(1), ThreadPoolExecutor(2) as threads:
        found = threads.map(lambda pair: compare(table, pair, resampling, claims), pairs)
        return dict(zip(pairs, found, strict=True))


def verdicts_json(comparisons: dict[Pair, Comparison]) -> str:
    """Write the verdicts as mlbench.stats gave them, one object per pair and shots."""
    found = [
        {"shots": pair.shots, "problem": comparison.problem, "verdict": comparison.verdict}
        | {"a": pair.a, "b": pair.b}
        for pair, comparison in comparisons.items()
    ]
    return json.dumps(found, sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def _write_text(path: Path, text: str) -> None:
    # Newlines stay "\n" on every system, and a lone surrogate from a broken name cannot stop it.
    content = text.encode("utf-8", errors="replace")
    store.write(path, lambda file: Path(file).write_bytes(content))
