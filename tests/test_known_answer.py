"""The demo models are a known answer: the suite, from weights to verdict, has to find it."""

import pytest

from mlbench.judge.run import judge_run
from mlbench.runner.command import select
from mlbench.settings import Settings
from mlbench.store.read import Run, read_run
from mlbench.terminal import runs

POLYGLOT, ANGLO = "demo-polyglot", "demo-anglo"
# Languages of nine scripts that only demo-polyglot has read, and English.
LANGUAGES = ["en,ru,uk,el,ar,he,hi,ta,te,ka,sw,tr,fi,cs"]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "known"
    selection = select([POLYGLOT, ANGLO], ["embedded"], LANGUAGES, None)
    assert runs.run(str(folder), selection, Settings(device="cpu")) == 0
    return read_run(folder)


def test_the_moat_is_found_and_english_is_about_equal(embedded):
    verdict = judge_run(embedded, POLYGLOT, ANGLO)
    assert verdict["moat"]["verdict"] == "supported"
    assert verdict["claims"][0]["verdict"] == "supported"
    assert verdict["english"]["low"] < 0 < verdict["english"]["high"]
    others = [row for row in verdict["per_language"] if row["language"] != "en"]
    assert len(others) >= 10 and all(row["verdict"] == "better" for row in others)


def test_swapped_models_give_the_same_numbers_with_the_opposite_sign(embedded):
    verdict, swapped = judge_run(embedded, POLYGLOT, ANGLO), judge_run(embedded, ANGLO, POLYGLOT)
    assert swapped["moat"]["verdict"] == "refuted"
    assert swapped["moat"]["estimate"] == -verdict["moat"]["estimate"]
    assert swapped["moat"]["low"] == -verdict["moat"]["high"]


def test_a_model_has_no_moat_over_itself(embedded):
    verdict = judge_run(embedded, POLYGLOT, POLYGLOT)
    assert verdict["moat"]["verdict"] in ("equivalent", "undetermined")
