"""How does a run become the folder reports/RUN? Read, judge, render, and put each file in place."""

import gc
import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

from matplotlib.axes import Axes
from threadpoolctl import threadpool_limits

from mlbench import store
from mlbench.errors import SelectionError
from mlbench.files import Fill
from mlbench.judge import ClaimsFile, read_claims
from mlbench.judge.since import changes_since
from mlbench.report.changes import shown_since
from mlbench.report.compare import Asked, Comparison, Pair, compare, pairs_of
from mlbench.report.derivatives import derivatives_of
from mlbench.report.export import differences_csv, markets_csv, scores_csv
from mlbench.report.figures.drawing import FORMATS, WIDTHS, figure_files
from mlbench.report.figures.figures import FIGURES, Choice, draw_figure
from mlbench.report.markets import markets_of
from mlbench.report.page.docs import SHOWN_DOCS, pack_docs
from mlbench.report.page.page import Beside, docs_script, render_page
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.report.text import short_names
from mlbench.stats import Resampling
from mlbench.store.read import Run, read_run

logger = logging.getLogger(__name__)

REPORTS = Path("reports")
TABLES = ("scores.csv", "markets.csv", "differences.csv", "verdict.json")
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

    All of it is made before the first file takes its place; where that fails, what was there stays.
    Raises StoreError if there is no such run, or the folder cannot be written; SelectionError and
    ClaimsFileError for what is asked.
    """
    table = table_from_run(run if isinstance(run, Run) else read_run(run))
    folder = out or REPORTS / table.name
    page = folder / "index.html"
    asked, resampling = asked or Asked(), resampling or Resampling()
    comparisons = compare_all(table, resampling, asked)
    texts = _page_texts(
        table, comparisons, docs or ShownDocs(), _beside(table.run, asked, resampling)
    )
    texts["scores.csv"] = scores_csv(table)
    if (markets := markets_of(table, None)).models:
        texts["markets.csv"] = markets_csv(markets)
    if comparisons:
        texts["differences.csv"] = differences_csv(table, comparisons)
        texts["verdict.json"] = verdicts_json(comparisons)
    # Newlines stay "\n" on every system, and a lone surrogate from a broken name cannot stop it.
    contents = {folder / name: text.encode(errors="replace") for name, text in texts.items()}
    contents |= _figure_files(table, comparisons, folder)
    # The last to take its place: the page names the others.
    contents[page] = contents.pop(page)
    fills: dict[Path, Fill] = {p: partial(_fill, content) for p, content in contents.items()}
    store.write_out(folder, fills, gone=_files_of(folder))
    # What else lies there is not ours to delete, and keeps the folder.
    with suppress(OSError):  # it is not there, or holds files of others
        (folder / DOCS_FOLDER).rmdir()
    return page


def _beside(run: Run, asked: Asked, resampling: Resampling) -> Beside:
    """Judge models against their bases, and against themselves in an earlier run."""
    claims, since = _claims_of(asked), None
    if asked.since:
        earlier = read_run(asked.since)
        found = changes_since(run, earlier, claims=claims, resampling=resampling)
        since = shown_since(found, short_names([*run.models, *found.gone]))
    derivatives = derivatives_of(run, asked.base, claims=claims, resampling=resampling)
    return Beside(derivatives, since)


def _fill(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _files_of(folder: Path) -> list[Path]:
    """Return every file that a report may have written there: one before may have had more."""
    figures = [folder / f"{name}.{form}" for name in FIGURES for form in FORMATS]
    return [*(folder / name for name in TABLES), *figures, *(folder / DOCS_FOLDER).glob("*.js*")]


def _page_texts(
    table: ReportTable,
    comparisons: Mapping[Pair, Comparison],
    docs: ShownDocs,
    beside: Beside,
) -> dict[str, str]:
    """Return the page, and where it would be too large with its docs, the files of these."""
    packed = pack_docs(table, docs.per_family)
    page = render_page(table, comparisons, packed, beside=beside)
    if len(page.encode(errors="replace")) <= docs.most_megabytes * 1e6 or not any(packed):
        return {"index.html": page}
    page = render_page(table, comparisons, packed, docs_folder=DOCS_FOLDER, beside=beside)
    logger.warning(
        "with its docs the page would have more than %g MB: they are in the folder %s beside it, "
        "which must go wherever the page goes",
        docs.most_megabytes,
        DOCS_FOLDER,
    )
    files = {f"{DOCS_FOLDER}/{i}.js": docs_script(i, text) for i, text in enumerate(packed) if text}
    return {"index.html": page} | files


def _figure_files(
    table: ReportTable, comparisons: Mapping[Pair, Comparison], folder: Path
) -> dict[Path, bytes]:
    """Draw every figure that this run has, of the first pair at the fewest shots."""
    first = next(iter(comparisons.values()), None)
    files: dict[Path, bytes] = {}
    for name in FIGURES:
        axes = _draw_if_possible(name, table, first)
        if axes is not None:
            files |= figure_files(axes, folder, name)
    return files


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
    claims = _claims_of(asked)
    pairs = pairs_of(table, first) if table.run.done else []
    with threadpool_limits(1), ThreadPoolExecutor(2) as threads:
        found = threads.map(lambda pair: compare(table, pair, resampling, claims), pairs)
        return dict(zip(pairs, found, strict=True))


def _claims_of(asked: Asked) -> ClaimsFile:
    return read_claims(asked.claims) if asked.claims else read_claims()


def verdicts_json(comparisons: dict[Pair, Comparison]) -> str:
    """Write the verdicts as mlbench.stats gave them, one object per pair and shots."""
    found = [
        {"shots": pair.shots, "problem": comparison.problem, "verdict": comparison.verdict}
        | {"a": pair.a, "b": pair.b}
        for pair, comparison in comparisons.items()
    ]
    return json.dumps(found, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
