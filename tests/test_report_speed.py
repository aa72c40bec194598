"""Is the page quick and small with ten models, six families and every language?

Time is what the main thread of the page computes, times four, as on a machine four times slower.
Unlike a clock it does not count what else runs beside the test.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_toys import FEW, MARKS, open_browser, open_page
from report_toys import TEXT, TOPIC, choices, texts

from mlbench.languages import read_languages
from mlbench.metrics import cell_score
from mlbench.records import Cell
from mlbench.report.page import render_page
from mlbench.report.tables import table_from_run
from mlbench.report.write import compare_all
from mlbench.results import Run
from mlbench.store import CellResult

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = MARKS

MOST_BYTES = 600_000
SLOWER = 4
CHANGE_MS, FIRST_CELL_MS = 300, 3_000
# The slowest change took 293 ms and the first cell 1.9 s where they were measured. A busy host has
# been seen to take nearly twice that, so only a page that has become much slower fails here.
ALLOWANCE = 3
TRIES = 6
CHANGES = {
    "view": [("view", view) for view in ("family:f0", "mean", "leads", "model:org/model-3", "")],
    "pair": [("pair", str(place)) for place in (1, 2, 3, 4, 0)],
    "find": [("find", text) for text in ("s", "sw", "swa", "s", "")],
    "filter": [("by-family", name) for name in ("Indo-European", "", "Niger-Congo", "Turkic", "")],
    "sort": [("sort", str(place)) for place in (0, 3, 5, 4, 6)],
}
ACT = """async ([id, value]) => {
  if (id === 'sort') {
    document.querySelectorAll('#heat .sort')[value].click();
  } else {
    document.getElementById(id).value = value;
    document.getElementById(id).dispatchEvent(new Event('input'));
  }
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


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
        signature = {"family_version": 1, "data_sha256": f"{cell.family} {cell.language}"}
        done[cell] = CellResult(cell, signature, scores, {"n_requests": len(samples)}, samples)
    folder = tmp_path_factory.mktemp("big")
    created = "2026-01-02T03:04:05+00:00"
    run = Run(folder, created, models, families, languages, tuple(done), done, {}, {}, ())
    table = table_from_run(run)
    page = folder / "index.html"
    page.write_text(render_page(table, compare_all(table, FEW)), encoding="utf-8")
    return page


def computed_ms(session: Any) -> float:
    """Return what the main thread of the page has computed, on the slower machine."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    (seconds,) = (one["value"] for one in metrics if one["name"] == "TaskDuration")
    return 1000 * SLOWER * float(seconds)


@pytest.fixture(scope="module")
def opened(path: Path) -> Iterator[tuple[Any, Any, float]]:
    """Open the page; how long it took until its table was painted and its data unpacked."""
    with open_browser() as browser, open_page(browser, path) as page:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto("about:blank")
        before = computed_ms(session)
        page.goto(path.as_uri())
        page.evaluate("new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))")
        assert page.locator("#heat tbody tr").first.inner_text().startswith("English")
        yield page, session, computed_ms(session) - before


def test_a_page_of_ten_models_is_small(path: Path) -> None:
    assert path.stat().st_size <= MOST_BYTES


def test_the_first_cell_is_painted_in_time(opened: tuple[Any, Any, float]) -> None:
    assert opened[2] <= ALLOWANCE * FIRST_CELL_MS


@pytest.mark.parametrize("change", list(CHANGES))
def test_what_is_shown_changes_in_time(opened: tuple[Any, Any, float], change: str) -> None:
    page, session, _ = opened

    def median() -> float:
        spent = []
        for act in CHANGES[change]:
            before = computed_ms(session)
            page.evaluate(ACT, act)
            spent.append(computed_ms(session) - before)
        return statistics.median(spent)

    # A machine busy with something else has slower caches too, so one try in time is enough.
    assert any(median() <= ALLOWANCE * CHANGE_MS for _ in range(TRIES))
