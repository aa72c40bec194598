import json
import math
import shutil
import weakref
from dataclasses import replace

import pytest
from conftest import SCRIPTS
from engine_toys import spoil_tokens

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.engine import PackedLM
from mlbench.errors import ContextOverflow, ModelError, NoNumber
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.harness.replies import refuse_no_numbers
from mlbench.measures import ChoiceSample
from mlbench.models import find_model
from mlbench.runner.command import select
from mlbench.runner.events import CellDone, CellFailed, ModelLoaded, ModelStopped
from mlbench.runner.executors import CellWorker
from mlbench.runner.local import Streak, run
from mlbench.runner.plan import make_plan, write_manifest
from mlbench.settings import Settings
from mlbench.store.manifest import read_manifest
from mlbench.store.read import read_run
from mlbench.terminal import runs

LANGUAGES = read_languages()
FAMILIES = read_families()
SETTINGS = Settings(device="cpu", dtype="float32", limit=4)


def plan_of(folder, checkpoint, settings=SETTINGS, tags=("en", "ar"), families=("sib200_lm",)):
    prepared = [prepare(FAMILIES[name], LANGUAGES[tag]) for name in families for tag in tags]
    plan = make_plan(folder, [find_model(str(checkpoint))], prepared, settings)
    write_manifest(plan, [LANGUAGES[tag] for tag in tags])
    return plan


def states(plan):
    return [planned.state for planned in plan.cells]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "r"


def test_a_run_keeps_every_cell_and_the_next_plan_has_nothing_pending(sib200, checkpoint, folder):
    plan = plan_of(folder, checkpoint)
    assert states(plan) == ["missing", "missing"]
    events = list(run(plan, SETTINGS))
    assert [type(event) for event in events] == [ModelLoaded, CellDone, CellDone]
    again = plan_of(folder, checkpoint)
    assert states(again) == ["done", "done"] and not again.pending
    assert len(read_run(folder).done) == 2


@pytest.fixture
def weights_held(monkeypatch):
    """Return, for each model loaded, how many of those before it still exist."""
    loaded, held = [], []
    init = PackedLM.__init__

    def watch(self, *arguments, **named):
        held.append(sum(model() is not None for model in loaded))
        init(self, *arguments, **named)
        loaded.append(weakref.ref(self.model))

    monkeypatch.setattr(PackedLM, "__init__", watch)
    return held


@pytest.mark.slow
def test_a_model_is_gone_before_the_next_one_is_loaded(
    sib200, checkpoint, other_checkpoint, folder, weights_held
):
    models = [find_model(str(place)) for place in (checkpoint, other_checkpoint)]
    prepared = [prepare(FAMILIES["sib200_lm"], LANGUAGES["en"])]
    plan = make_plan(folder, models, prepared, SETTINGS)
    write_manifest(plan, [LANGUAGES["en"]])
    list(run(plan, SETTINGS))
    worker = CellWorker(SETTINGS)
    for planned in plan.cells:
        worker.score_batch([planned])
    assert weights_held == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "change", [{"limit": 5}, {"dtype": "bfloat16"}, {"overflow": "truncate"}, {"engine": "hf"}]
)
def test_a_changed_setting_makes_the_cells_pending(sib200, checkpoint, folder, change):
    list(run(plan_of(folder, checkpoint), SETTINGS))
    assert set(states(plan_of(folder, checkpoint, replace(SETTINGS, **change)))) == {"changed"}


def test_other_weights_under_the_same_name_make_the_cells_pending(
    sib200, checkpoint, other_checkpoint, folder, tmp_path
):

    place = tmp_path / "model"
    shutil.copytree(checkpoint, place)
    list(run(plan_of(folder, place), SETTINGS))
    assert states(plan_of(folder, place)) == ["done", "done"]
    shutil.copy(other_checkpoint / "model.safetensors", place)
    assert states(plan_of(folder, place)) == ["changed", "changed"]


@pytest.mark.slow
def test_a_damaged_cell_is_run_again(sib200, checkpoint, folder, caplog):
    plan = plan_of(folder, checkpoint)
    list(run(plan, SETTINGS))
    path = plan.cells[0].path
    path.write_bytes(path.read_bytes()[:-20])
    again = plan_of(folder, checkpoint)
    assert states(again) == ["damaged", "done"]
    assert "is damaged" in caplog.text
    list(run(again, SETTINGS))
    assert states(plan_of(folder, checkpoint)) == ["done", "done"]


def test_a_failing_cell_is_recorded_and_the_rest_goes_on(sib200, checkpoint, folder, monkeypatch):
    from mlbench.runner import local

    plan = plan_of(folder, checkpoint, tags=("en", "ar", "th"))
    evaluate = local.evaluate

    def break_arabic(model, prepared, **options):
        if prepared.language.tag == "ar":
            raise RuntimeError("the planned fault")
        return evaluate(model, prepared, **options)

    monkeypatch.setattr(local, "evaluate", break_arabic)
    events = list(run(plan, SETTINGS))
    assert [type(event) for event in events[1:]] == [CellDone, CellFailed, CellDone]
    found = read_run(folder)
    (failed,) = found.failed.values()
    assert failed.reason == "RuntimeError: the planned fault" and "Traceback" in failed.traceback
    monkeypatch.undo()
    monkeypatch.setenv("MLBENCH_DATA", str(sib200))
    assert states(plan_of(folder, checkpoint, tags=("en", "ar", "th"))) == [
        "done",
        "failed",
        "done",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["local", "ray"])
def test_a_model_that_fails_alike_again_and_again_is_given_up(
    sib200, checkpoint, folder, monkeypatch, executor
):
    from mlbench.runner import executors, local

    def fill_memory(*_, **__):
        raise RuntimeError(f"out of memory. Tried to allocate {next(sizes)} MiB")

    sizes = iter(range(1000))
    monkeypatch.setattr(local, "evaluate", fill_memory)
    settings = Settings(device="cpu", dtype="float32", limit=2, shots=range(4))
    plan = plan_of(folder, checkpoint, settings, tuple(SCRIPTS), ("sib200_topic",))
    if executor == "ray":
        events = list(executors._drain(InProcessRay(), plan, settings))
    else:
        events = list(run(plan, settings))[1:]
    assert [type(event) for event in events] == [CellFailed] * 8 + [ModelStopped]
    stopped = events[-1]
    assert (stopped.n_failed, stopped.n_left) == (8, 16)
    assert "out of memory" in stopped.reason
    assert states(plan_of(folder, checkpoint, settings, tuple(SCRIPTS), ("sib200_topic",))) == (
        ["failed"] * 8 + ["missing"] * 16
    )


def test_failures_that_differ_and_contexts_too_long_do_not_end_a_model():
    streak = Streak()
    reasons = [f"ValueError: {word}" for word in "abcdefghijkl"]
    reasons += ["ContextOverflow: a request of 38 + 7 tokens"] * 12
    reasons += ["TextLost: the tokenizer cannot write 9 of 9 texts"] * 12
    for reason in reasons:
        streak.add(store.FailedCell(None, reason, "", store.Signature()))
        assert streak.n < 2


class InProcessRay:
    """Ray's calls that the executor makes, in this process and one actor."""

    def __init__(self):
        from types import SimpleNamespace

        self.exceptions = SimpleNamespace(RayError=MemoryError, RayTaskError=OSError)

    def get_runtime_context(self):
        from types import SimpleNamespace

        return SimpleNamespace(get_node_id=lambda: "here")

    def nodes(self):
        return [{"NodeID": "here", "Alive": True}]

    def cluster_resources(self):
        return {"CPU": 1.0}

    def remote(self, **_):
        from types import SimpleNamespace

        def start(cls):
            def make(settings):
                worker = cls(settings)
                call = SimpleNamespace(remote=lambda *args: lambda: worker.score_batch(*args))
                ready = SimpleNamespace(remote=lambda: lambda: "here")
                return SimpleNamespace(score_batch=call, ready=ready)

            return SimpleNamespace(remote=make)

        return start

    def put(self, value):
        return value

    def wait(self, handles, num_returns, timeout):
        return handles[:num_returns], handles[num_returns:]

    def get(self, handle):
        return handle()


def test_on_a_cluster_a_cell_of_a_later_batch_that_does_not_fit_is_refused_first(
    sib200, narrow_checkpoint, folder
):
    """Eight cells fit the window of 48 tokens; those of Hindi, in the second batch, do not."""
    from mlbench.runner import executors

    settings = Settings(device="cpu", dtype="float32", limit=2)
    fits = ("cldr_calendar",)
    plan = plan_of(folder, narrow_checkpoint, settings, ("en", *LATIN), fits)
    assert len(plan.cells) == 8
    too_long = plan_of(folder, narrow_checkpoint, settings, ("hi",), ("sib200_topic",))
    both = replace(plan, cells=plan.cells + too_long.cells)
    with pytest.raises(ContextOverflow, match="1 of 9 cells do not fit"):
        list(executors._drain(InProcessRay(), both, settings))
    assert not list(folder.rglob("*.parquet"))


LATIN = ("de", "fr", "es", "it", "pt", "nl", "sv")


def test_a_family_takes_at_most_its_own_number_of_examples(sib200, checkpoint, folder):
    settings = Settings(shots=(0, 5), device="cpu", dtype="float32", limit=2)
    plan = plan_of(folder, checkpoint, settings, ("en",), ("sib200_lm", "sib200_topic"))
    assert [(p.cell.family, p.cell.shots) for p in plan.cells] == [
        ("sib200_lm", 0),
        ("sib200_topic", 0),
        ("sib200_topic", 5),
    ]


def test_a_language_without_data_is_in_the_manifest_with_its_reason(checkpoint, folder):
    plan = plan_of(folder, checkpoint, tags=("en", "arz"), families=("cldr_calendar",))
    assert [planned.cell.language for planned in plan.cells] == ["en"]
    assert "arz" in read_manifest(folder)["no_data"]["cldr_calendar"]


def test_a_later_command_adds_to_the_manifest(sib200, checkpoint, folder):
    plan_of(folder, checkpoint, tags=("en",))
    plan_of(folder, checkpoint, tags=("ar",))
    assert [cell.language for cell in read_run(folder).planned] == ["en", "ar"]


@pytest.mark.slow
def test_a_context_beyond_the_window_is_refused_before_anything_is_scored(
    sib200, narrow_checkpoint, folder
):
    plan = plan_of(folder, narrow_checkpoint, tags=tuple(SCRIPTS), families=("sib200_topic",))
    with pytest.raises(ContextOverflow, match="of 6 cells do not fit the window of 48 tokens"):
        list(run(plan, SETTINGS))
    assert not list(folder.rglob("*.parquet"))


def test_a_context_beyond_the_window_is_cut_and_counted_if_the_user_says_so(
    sib200, narrow_checkpoint, folder
):
    settings = Settings(shots=(3,), device="cpu", dtype="float32", limit=2, overflow="truncate")
    plan = plan_of(folder, narrow_checkpoint, settings, ("th",), ("sib200_topic",))
    (_, done) = list(run(plan, settings))
    assert done.result.usage["n_truncated"] == done.result.usage["n_requests"] == 2 * 14 + 14 * 7


def test_a_long_text_is_scored_in_windows_not_cut(sib200, narrow_checkpoint, folder):
    plan = plan_of(folder, narrow_checkpoint, tags=("th",))
    (_, done) = list(run(plan, SETTINGS))
    assert done.result.usage["n_truncated"] == 0
    assert all(sample.loglikelihood < 0 for sample in done.result.samples)


def test_a_model_that_does_not_load_is_one_message(sib200, checkpoint, folder, tmp_path):

    broken = tmp_path / "broken"
    shutil.copytree(checkpoint, broken)
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot load model") as error:
        list(run(plan_of(folder, broken), SETTINGS))
    assert "\n" not in str(error.value)


def test_another_backend_of_lm_eval_runs_too(sib200, folder):
    model = find_model("dummy:")
    prepared = [prepare(FAMILIES["sib200_topic"], LANGUAGES["en"])]
    plan = make_plan(folder, [model], prepared, SETTINGS)
    write_manifest(plan, [LANGUAGES["en"]])
    (_, done) = list(run(plan, SETTINGS))
    assert done.result.signature["engine"] == "dummy"
    assert done.result.usage["n_tokens"] is None


def test_the_manifest_says_what_it_is(sib200, checkpoint, folder):
    plan_of(folder, checkpoint)
    content = json.loads((folder / store.MANIFEST).read_text(encoding="utf-8"))
    assert content["families"]["sib200_lm"]["licence"] == "CC-BY-SA-4.0"
    assert content["languages"]["ar"]["endonym"] == LANGUAGES["ar"].endonym


def test_nothing_to_run_is_an_error_with_the_reason(checkpoint):
    selection = select([str(checkpoint)], ["cldr_calendar"], ["arz"], None)
    from mlbench.errors import SelectionError

    with pytest.raises(SelectionError, match="nothing to run: "):
        runs.run("r", selection, SETTINGS)


@pytest.mark.parametrize("engine", ["packed", "hf"])
@pytest.mark.parametrize("family", ["sib200_topic", "sib200_lm"])
def test_a_model_that_answers_nan_has_failed_cells_and_no_score(
    sib200, checkpoint, monkeypatch, engine, family
):
    """Weights and a first look are sound, and every sentence of the docs overflows."""

    def load_overflowing(*arguments):
        model = load_model(*arguments)
        spoil_tokens(model.lm.model, model.lm.tok_encode('0 1 2 3 4 5 6 7 8 9 "1'))
        return model

    monkeypatch.setattr("mlbench.runner.local.load_model", load_overflowing)
    selection = select([str(checkpoint)], [family], ["en,ar"], None)
    settings = Settings(engine=engine, device="cpu")
    assert runs.run("nan", selection, settings) == 1
    found = read_run("nan")
    assert not found.done and len(found.failed) == 2
    for cell in found.failed.values():
        assert "the model gave no number in 9 of 9 docs" in cell.reason
        assert "try --dtype float32" in cell.reason


@pytest.mark.parametrize(
    ("values", "is_refused"),
    [
        ((-1.0, -2.0), False),
        ((-1.0, -math.inf), False),
        ((-math.inf, -math.inf), True),
        ((-1.0, math.nan), True),
        ((-1.0, math.inf), True),
    ],
)
def test_a_choice_that_is_ruled_out_is_a_number_and_nan_is_none(values, is_refused):
    samples = [ChoiceSample("1", "1", 0, ("a", "b"), values)]
    if is_refused:
        with pytest.raises(NoNumber, match="in 1 of 1 docs; the first is '1'"):
            refuse_no_numbers(samples)
    else:
        refuse_no_numbers(samples)
