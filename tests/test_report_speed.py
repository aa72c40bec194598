"""Is the page quick and small with ten models, six families and every language?

Time is what the main thread of the page computes, times four, as on a machine four times slower.
Unlike a clock it does not count what else runs beside the test; yet it grows where a host is slow
or shares its caches. So the same page also computes a reference, a plain table, and where that
takes longer than it should, everything else may.
"""

import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_toys import FEW, MARKS, open_browser, open_page
from report_toys import TEXT, TOPIC, choices, texts

from mlbench.data.languages import read_languages
from mlbench.measures import cell_score
from mlbench.records import Cell
from mlbench.report.page.page import render_page
from mlbench.report.tables import table_from_run
from mlbench.report.write import compare_all
from mlbench.store.cells import CellResult
from mlbench.store.read import Run
from mlbench.store.signature import Signature

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS

MOST_BYTES = 900_000
SLOWER = 4
CHANGE_MS, FIRST_CELL_MS = 300, 3_000
# What the reference takes on the machine that the two limits are meant for.
REFERENCE_MS = 140
# Two runs of one change, or of the reference, differ by about this much.
ALLOWANCE = 1.5
TRIES = 6
CHANGES = {
    "view": [("view", view) for view in ("family:f0", "mean", "leads", "model:org/model-3", "")],
    "pair": [("swap", "")] * 5,
    "find": [("find", text) for text in ("s", "sw", "swa", "s", "")],
    "filter": [("by-family", name) for name in ("Indo-European", "", "Niger-Congo", "Turkic", "")],
    "sort": [("sort", str(place)) for place in (0, 3, 5, 4, 6)],
}
PAINTED = "new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))"
ACT = """async ([id, value]) => {
  if (id === 'swap') {
    document.getElementById('swap').click();
  } else if (id === 'sort') {
    document.querySelectorAll('#heat .sort')[value].click();
  } else {
    document.getElementById(id).value = value;
    document.getElementById(id).dispatchEvent(new Event('input'));
  }
  await PAINTED;
}""".replace("PAINTED", PAINTED)
REFERENCE = """async () => {
  const cell = (row, column) => `<td>${(row * 7919 + column * 104729) % 1000}</td>`;
  const columns = Array.from({length: 12}, (_, column) => column);
  const rows = Array.from({length: 119}, (_, row) => columns.map((c) => cell(row, c)).join(''));
  const table = document.createElement('table');
  table.innerHTML = rows.map((cells) => `<tr>${cells}</tr>`).join('');
  document.body.append(table);
  await PAINTED;
  table.remove();
  await PAINTED;
}""".replace("PAINTED", PAINTED)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of 7,140 cells, which take their samples from a few that are made once."""
    families = {f"f{k}": TOPIC | {"title": f"Family {k}", "metrics": ["acc"]} for k in range(5)}
    families["text"] = TEXT
    models = {f"org/model-{k}": {"slug": f"m{k}"} for k in range(10)}
    languages = read_languages()
    made = {
        "acc": [
            choices(level / 20, n=24, seed=seed) for level in range(5, 20) for seed in range(4)
        ],
        "bits": [texts(100 + 5 * k, n=12, seed=k, n_tokens=10 + k) for k in range(40)],
    }
    scored = {
        name: [(s, {metric: cell_score(s, metric) for metric in metrics}) for s in made[name]]
        for name, metrics in (("acc", ["acc"]), ("bits", TEXT["metrics"]))
    }
    rng = np.random.default_rng(3)
    done = {}
    for cell in (Cell(m, f, tag, 0) for m in models for f in families for tag in languages):
        pool = scored["bits" if cell.family == "text" else "acc"]
        samples, scores = pool[rng.integers(len(pool))]
        signature = Signature(family_version=1, data_sha256=f"{cell.family} {cell.language}")
        done[cell] = CellResult(cell, signature, scores, {"n_requests": len(samples)}, samples)
    folder = tmp_path_factory.mktemp("big")
    created = "2026-01-02T03:04:05+00:00"
    run = Run(folder, created, models, families, languages, tuple(done), done, {}, {}, {})
    table = table_from_run(run)
    page = folder / "index.html"
    page.write_text(render_page(table, compare_all(table, FEW)), encoding="utf-8")
    return page


class Watched:
    """A page and what its main thread has computed, in milliseconds on the slower machine."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent_ms(self, act: Callable[[], Any]) -> float:
        before = self._computed_ms()
        act()
        return self._computed_ms() - before

    def allowed_ms(self, limit_ms: float) -> float:
        """Return a limit for this machine as it is now."""
        times = [self.spent_ms(lambda: self.page.evaluate(REFERENCE)) for _ in range(5)]
        return ALLOWANCE * limit_ms * max(1.0, statistics.median(times) / REFERENCE_MS)

    def _computed_ms(self) -> float:
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        (seconds,) = (one["value"] for one in metrics if one["name"] == "TaskDuration")
        return 1000 * SLOWER * float(seconds)


@pytest.fixture(scope="module")
def watched(path: Path) -> Iterator[Watched]:
    with open_browser() as browser, open_page(browser, path) as page:
        yield Watched(page)


def test_a_page_of_ten_models_is_small(path: Path) -> None:
    assert path.stat().st_size <= MOST_BYTES


def test_the_first_cell_is_painted_in_time(watched: Watched, path: Path) -> None:
    """Until the table is painted and its data unpacked."""

    def reload() -> None:
        watched.page.goto(path.as_uri())
        watched.page.evaluate(PAINTED)
        assert watched.page.locator("#heat tbody tr").first.inner_text().startswith("English")

    watched.page.goto("about:blank")
    spent = watched.spent_ms(reload)
    assert spent <= watched.allowed_ms(FIRST_CELL_MS)


@pytest.mark.parametrize("change", list(CHANGES))
def test_what_is_shown_changes_in_time(watched: Watched, change: str) -> None:
    def median() -> float:
        return statistics.median(
            watched.spent_ms(partial(watched.page.evaluate, ACT, act)) for act in CHANGES[change]
        )

    # A machine busy with something else has slower caches too, so one try in time is enough.
    assert any(median() <= watched.allowed_ms(CHANGE_MS) for _ in range(TRIES))
