"""What changed from an earlier run: a model against itself, with intervals, and what is not."""

import json
from dataclasses import replace

import pytest
from report_toys import TOPIC
from test_cli import run_cli
from test_join import make
from test_stats_verdict import SCHEMA, conforms

from mlbench.judge import read_claims
from mlbench.judge.run import judge_run
from mlbench.judge.since import Change, Since, changes_since
from mlbench.report import Asked, ShownDocs, write_report
from mlbench.report.changes import shown_since
from mlbench.stats import Resampling
from mlbench.store.join import join_runs
from mlbench.store.read import read_run

FEW = Resampling(replicates=400)


def since(new: str, old: str, models=None) -> Since:
    return changes_since(read_run(new), read_run(old), models, claims=read_claims(), resampling=FEW)


def only_change(new: str, old: str) -> Change:
    (change,) = since(new, old).changes
    return change


def test_a_better_revision_is_better_with_an_interval():
    make("old", accuracy=0.3)
    make("new", accuracy=0.9, weights="newer")
    change = only_change("new", "old")
    assert change.effects is not None
    elsewhere, english = change.effects["elsewhere"], change.effects["english"]
    assert 0 < elsewhere.low < elsewhere.estimate < elsewhere.high
    assert english.n_languages == 1 and elsewhere.n_languages == 3
    assert [change.count(s) for s in ("better", "worse", "undetermined")] == [3, 0, 0]
    back = only_change("old", "new")
    assert back.effects is not None
    assert back.effects["elsewhere"].estimate == pytest.approx(-elsewhere.estimate)
    assert back.count("worse") == 3


def test_the_numbers_are_those_of_a_verdict_on_the_two():
    make("old", accuracy=0.4)
    make("new", accuracy=0.5, weights="newer")
    view = join_runs([read_run("new"), read_run("old")], apart=True)
    verdict = judge_run(view, "m (new)", "m (old)")
    found = changes_since(
        read_run("new"), read_run("old"), claims=read_claims(), resampling=Resampling()
    ).as_json()["models"][0]
    others = verdict["by_family"]["topic"]["others"]
    assert found["elsewhere"]["estimate"] == pytest.approx(others["estimate"])
    rows = {row["language"]: row for row in verdict["per_language"]}
    for row in found["per_language"]:
        assert row["p_holm"] == rows[row["language"]]["p_holm"]
        assert row["low"] == rows[row["language"]]["low"]
        is_open = rows[row["language"]]["p_holm"] > 0.05
        assert row["state"] == ("undetermined" if is_open else "better")
    assert {row["state"] for row in found["per_language"]} == {"undetermined", "better"}


def test_a_run_that_was_only_added_to_has_changed_in_nothing():
    make("old")
    folder = make("new")
    (folder / "m/topic/0/ar.parquet").unlink()
    change = only_change("new", "old")
    assert (change.n_same, change.n_common, change.effects) == (3, 3, None)
    assert [cell.language for cell in change.lost] == ["ar"] and change.new == ()
    back = only_change("old", "new")
    assert [cell.language for cell in back.new] == ["ar"] and back.lost == ()
    (shown,) = shown_since(since("new", "old"), {}).changes
    assert shown.sentences == (
        "Nothing changed in all its 3 common cells.",
        "1 cell not finished in this run: topic in Arabic.",
    )


def test_a_family_of_another_version_is_told_and_not_compared():
    both = {"topic": TOPIC, "terms": TOPIC | {"title": "Terms"}}
    make("old", families=both, accuracy=0.3)
    newer = both | {"terms": both["terms"] | {"version": 2}}
    make("new", families=newer, accuracy=0.9, weights="newer")
    change = only_change("new", "old")
    assert change.families == ("topic",) and change.new == change.lost == ()
    assert {gone.family for gone in change.not_compared} == {"terms"}
    assert change.not_compared[0].reason == "the version of the family was 1 and is 2"
    (shown,) = shown_since(since("new", "old"), {}).changes
    assert shown.sentences[-1] == (
        "Not compared: terms in 4 languages: the version of the family was 1 and is 2."
    )


def test_cells_under_another_limit_are_told_and_not_compared():
    make("old")
    make("new", accuracy=0.9, limit=8)
    change = only_change("new", "old")
    assert change.effects is None and len(change.not_compared) == 4
    assert "different conditions (limit)" in change.not_compared[0].reason


def test_models_of_one_run_alone_and_other_revisions_are_told():
    make("old", "org/m@v1", 0.3)
    make("new", "org/m@v2", 0.9, weights="newer")
    found = since("new", "old")
    assert [(c.model, c.earlier) for c in found.changes] == [("org/m@v2", "org/m@v1")]
    make("other", "x")
    found = since("new", "other")
    assert (found.changes, found.added, found.gone) == ((), ("org/m@v2",), ("x",))
    told = shown_since(found, {}).sentences
    assert told == ("No model is in both runs.", "org/m@v2 is new.", "x is no longer here.")


def test_a_view_of_two_runs_has_changed_as_a_whole():
    make("old", accuracy=0.3)
    make("new", accuracy=0.9, weights="newer")
    make("b", "other")
    run = join_runs([read_run("new"), read_run("b")])
    found = changes_since(run, read_run("old"), claims=read_claims(), resampling=FEW)
    assert [change.model for change in found.changes] == ["m"] and found.added == ("other",)
    assert found.changes[0].count("better") == 3


def test_the_json_follows_the_schema(capsys):
    make("old", accuracy=0.3)
    make("new", accuracy=0.9, weights="newer")
    make("same", accuracy=0.3)
    schema = SCHEMA["$defs"]["since"]
    for new in ("new", "same"):
        assert conforms(since(new, "old").as_json(), schema) == []
    code, out, err = run_cli(capsys, "verdict", "new", "--since", "old", "--json")
    assert (code, err) == (0, "") and conforms(json.loads(out), schema) == []
    asked = ("new", "old", "--a", "m (new)", "--b", "m (old)", "--since", "same", "--json")
    code, out, _ = run_cli(capsys, "verdict", *asked)
    assert code == 0 and conforms(json.loads(out), SCHEMA) == []
    assert json.loads(out)["since"]["run"] == "same"


def test_a_person_reads_what_changed(capsys):
    make("old", accuracy=0.3)
    make("new", accuracy=0.9, weights="newer")
    code, out, err = run_cli(capsys, "verdict", "new", "--since", "old")
    assert (code, err) == (0, "")
    assert out.startswith("What changed since old:\n\nm:\n  Its level changed by +")
    assert "better in 3 of 3 languages other than English, worse in 0" in out
    code, _, err = run_cli(capsys, "verdict", "new", "--since", "older")
    assert code == 2 and "no run 'older'" in err


def test_the_page_has_the_section(tmp_path):
    make("old", accuracy=0.3)
    make("new", accuracy=0.9, weights="newer")
    run = replace(read_run("new"), created="2026-02-03T00:00:00+00:00")
    write_report(run, tmp_path, docs=ShownDocs(0), asked=Asked(since="old"), resampling=FEW)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="since"' in page and "What changed since <bdi>old</bdi>" in page
    assert "in 3 other languages" in page and "better, after Holm" in page
    write_report(run, tmp_path, docs=ShownDocs(0), resampling=FEW)
    assert 'id="since"' not in (tmp_path / "index.html").read_text(encoding="utf-8")
