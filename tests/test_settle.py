"""`--until settled` adds docs until two models are told apart, and what it says then holds."""

import math

import pytest
import settle_toys
from settle_toys import ASKED, FAMILY, N_DOCS

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.errors import SelectionError
from mlbench.families import read_families
from mlbench.judge.run import judge_run
from mlbench.measures import ChoiceSample
from mlbench.models import find_model
from mlbench.runner.command import do_work, prepare_work
from mlbench.runner.events import CellDone, DocsAdded
from mlbench.runner.settle import count_saved
from mlbench.settings import Settings, Shard
from mlbench.store.manifest import read_manifest
from mlbench.store.read import read_run

STEPS = Settings(device="cpu", until="settled", step=40)
TAGS = ("en", "ru", "th", "ar")
# Its lead is in Thai and Arabic: letters of their endonyms.
AHEAD, BEHIND = "A=toy-knows:share=0.6,seed=1,lead=ยر", "B=toy-knows:share=0.6,seed=2"


def work_of(  # noqa: PLR0913  (what may be asked of a run)
    run, settings=STEPS, tags=TAGS, models=(AHEAD, BEHIND), family=FAMILY, pair=None
):
    prepared = [prepare(family, read_languages()[tag]) for tag in tags]
    return prepare_work(run, [find_model(str(m)) for m in models], prepared, settings, pair)


def docs_there(run) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for cell, result in read_run(run).done.items():
        found.setdefault(cell.language, set()).add(len(result.samples))
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run the toy pair to its end; return the folder of the run and its events."""
    folder = tmp_path_factory.mktemp("settled") / "r"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLBENCH_CACHE", str(folder.parent / "cache"))
        ASKED.clear()
        work = work_of(folder)
        return folder, list(do_work(work)), list(ASKED), work.plan


def test_a_large_lead_stops_early_and_no_lead_uses_all_docs(finished):
    folder, events, *_ = finished
    found = docs_there(folder)
    assert found["th"] == found["ar"] == {80}
    # English is what each language is held against, so it goes as far as the furthest.
    assert found["en"] == found["ru"] == {N_DOCS}
    added = [event for event in events if isinstance(event, DocsAdded)]
    assert [(event.n_settled, event.n_open) for event in added] == [(0, 4), (2, 2), (2, 2)]


def test_no_doc_is_asked_twice_and_each_set_of_docs_holds_the_one_before(finished):
    folder, events, asked, _ = finished
    assert len(asked) == len(set(asked)) * 2 * 2  # two models, two choices
    sizes: dict[tuple, list[tuple[str, ...]]] = {}
    for event in events:
        if isinstance(event, CellDone):
            ids = tuple(sample.doc_id for sample in event.result.samples)
            sizes.setdefault(event.planned.cell, []).append(ids)
    for sets in sizes.values():
        assert all(later[: len(one)] == one for one, later in zip(sets, sets[1:], strict=False))
        assert len(sets[0]) == 40
        targets = [int(doc_id[1:]) % 2 for doc_id in sets[0]]
        assert sum(targets) == 20  # each step has its share of every label


def test_what_was_saved_is_counted(finished):
    *_, plan = finished
    saved = count_saved(plan)
    assert saved == (2 * (2 * 80 + 2 * N_DOCS), 8 * N_DOCS, 2, 2)
    assert str(saved) == (
        "Until settled: 960 of 1,280 docs were scored (25% saved); 2 of 4 comparisons stopped "
        "early."
    )


def test_intervals_allow_for_the_looks_and_the_verdict_says_so(finished, tmp_path):
    folder, *_ = finished
    verdict = judge_run(read_run(folder), "A", "B")
    rows = {row["language"]: row for row in verdict["per_language"]}
    assert rows["th"]["verdict"] == "better" and rows["ru"]["verdict"] == "undetermined"
    at_once = work_of(tmp_path / "fixed", Settings(device="cpu", limit=80), tags=("en", "th"))
    list(do_work(at_once))
    fixed = judge_run(read_run(tmp_path / "fixed"), "A", "B")
    (plain,) = (row for row in fixed["per_language"] if row["language"] == "th")
    assert plain["delta"] == pytest.approx(rows["th"]["delta"])
    widths = [row["high"] - row["low"] for row in (rows["th"], plain)]
    # Bounds of 2.963 and 1.960 stderrs: the second of four looks.
    assert widths[0] / widths[1] == pytest.approx(2.9626 / 1.96, rel=0.08)
    assert rows["th"]["p"] > plain["p"]
    (sentence,) = (text for text in verdict["caveats"] if "added in steps" in text)
    assert "480 of 640 docs" in sentence
    assert not any("added in steps" in text for text in fixed["caveats"])


def test_a_run_that_was_killed_goes_on_where_it_was(finished, tmp_path):
    folder, events, *_ = finished
    n_all = sum(isinstance(event, CellDone) for event in events)
    for n_before in (3, 10):
        run, n_done = tmp_path / str(n_before), 0
        first = do_work(work_of(run))
        while n_done < n_before:
            n_done += isinstance(next(first), CellDone)
        first.close()
        rest = list(do_work(work_of(run)))
        assert n_done + sum(isinstance(event, CellDone) for event in rest) == n_all
        assert docs_there(run) == docs_there(folder)
        again, whole = read_run(run), read_run(folder)
        assert {c: r.scores for c, r in again.done.items()} == {
            c: r.scores for c, r in whole.done.items()
        }
        assert read_manifest(run)["signatures"] == read_manifest(folder)["signatures"]


def test_nothing_is_pending_in_a_settled_run_and_all_docs_would_replace_it(finished):
    folder, *_ = finished
    (planned,) = do_work(work_of(folder))
    assert not planned.plan.pending
    with pytest.raises(SelectionError, match="8 of 8 finished cells .* would be lost"):
        list(do_work(work_of(folder, Settings(device="cpu"))))
    with pytest.raises(SelectionError, match=r"looks \(40, 80, 120, 160\) there, \(60, 120, 160\)"):
        list(do_work(work_of(folder, Settings(device="cpu", until="settled", step=60))))


def test_the_models_that_stop_a_run_are_the_pair(tmp_path):
    third = "C=toy-knows:share=0.6,seed=2"
    work = work_of(
        tmp_path / "three", models=(third, BEHIND, AHEAD), tags=("en", "th"), pair=("A", "B")
    )
    list(do_work(work))
    assert docs_there(tmp_path / "three") == {"en": {N_DOCS}, "th": {80}}
    assert work_of(tmp_path / "x").plan.pair == ("A", "B")


def test_what_cannot_be_settled_is_refused(tmp_path):
    with pytest.raises(SelectionError, match="'A' is alone"):
        work_of(tmp_path / "r", models=(AHEAD,))
    with pytest.raises(SelectionError, match="--until settled needs all cells of a language"):
        work_of(tmp_path / "r", Settings(device="cpu", until="settled", shard=Shard(1, 2)))


def test_few_docs_are_scored_at_once_as_ever(tmp_path):
    few = Settings(device="cpu", until="settled", step=40, limit=50)
    work = work_of(tmp_path / "few", few, tags=("en", "th"))
    assert {planned.signature.limit for planned in work.plan.cells} == {50}
    assert {planned.signature.looks for planned in work.plan.cells} == {None}
    assert count_saved(work.plan) is None


@pytest.mark.parametrize("name", ["sib200_topic", "sib200_lm"])
def test_docs_added_in_steps_make_the_cell_that_all_at_once_make(
    name, sib200, checkpoint, other_checkpoint, tmp_path
):
    family, models = read_families()[name], (f"A={checkpoint}", f"B={other_checkpoint}")
    here = {"models": models, "family": family, "tags": ("th",)}
    steps = Settings(device="cpu", dtype="float32", until="settled", step=3, shots=(0, 1))
    list(do_work(work_of(tmp_path / "steps", steps, **here)))
    plain = Settings(device="cpu", dtype="float32", shots=(0, 1))
    list(do_work(work_of(tmp_path / "plain", plain, **here)))
    grown, whole = read_run(tmp_path / "steps").done, read_run(tmp_path / "plain").done
    assert set(grown) == set(whole) and len(whole) == (4 if name == "sib200_topic" else 2)
    for cell, result in whole.items():
        got = grown[cell]
        assert got.signature.looks and got.usage["n_requests"] == result.usage["n_requests"]
        assert got.usage["n_tokens"] == result.usage["n_tokens"]
        for one, other in zip(got.samples, result.samples, strict=True):
            assert one.doc_id == other.doc_id
            if isinstance(one, ChoiceSample):
                assert one.label_means == pytest.approx(other.label_means, abs=1e-4)
                assert one.loglikelihoods == pytest.approx(other.loglikelihoods, abs=1e-4)
            else:
                assert math.isclose(one.loglikelihood, other.loglikelihood, abs_tol=1e-3)
        for metric, score in result.scores.items():
            assert got.scores[metric].n_docs == score.n_docs


def test_the_toy_is_asked_in_the_words_of_the_language():
    assert "ไทย" in prepare(settle_toys.FAMILY, read_languages()["th"]).docs.scored[0].query
