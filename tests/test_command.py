"""Two commands on one run, and what is signed is what is loaded."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.errors import MlbenchError, ModelError, StoreError
from mlbench.families import read_families
from mlbench.harness import backend, device
from mlbench.models import Model, find_model, own_dtype
from mlbench.runner import executors, local
from mlbench.runner.command import do_work, prepare_work
from mlbench.runner.events import CellDone, ModelLoaded, Planned
from mlbench.runner.plan import sign_cells
from mlbench.settings import Settings
from mlbench.store.read import read_run

SETTINGS = Settings(device="cpu", limit=2)


def work_of(model, settings=SETTINGS, tags=("en", "ar"), run="race"):
    family = read_families()["sib200_lm"]
    prepared = [prepare(family, read_languages()[tag]) for tag in tags]
    return prepare_work(run, [find_model(str(model))], prepared, settings)


@pytest.mark.slow
def test_a_notebook_runs_what_the_command_runs(sib200, checkpoint):
    events = list(do_work(work_of(checkpoint)))
    assert [type(event) for event in events] == [Planned, ModelLoaded, CellDone, CellDone]
    (again,) = do_work(work_of(checkpoint))
    assert isinstance(again, Planned) and not again.plan.pending


@pytest.mark.slow
def test_the_second_of_two_commands_on_a_new_run_is_refused_and_takes_nothing(sib200, checkpoint):
    first, second = do_work(work_of(checkpoint)), do_work(work_of(checkpoint, tags=("th",)))
    next(first)
    with pytest.raises(StoreError, match="another mlbench is writing to runs/race. Wait for it"):
        next(second)
    rest = list(first)
    assert [type(event) for event in rest] == [ModelLoaded, CellDone, CellDone]
    found = read_run("race")
    assert len(found.done) == len(found.planned) == 2
    assert [type(event) for event in do_work(work_of(checkpoint, tags=("th",)))][-1] == CellDone


@pytest.mark.slow
def test_a_run_given_up_half_way_can_be_gone_on_with(sib200, checkpoint):
    events = do_work(work_of(checkpoint))
    while not isinstance(next(events), CellDone):
        pass
    events.close()
    assert [type(e) for e in do_work(work_of(checkpoint))] == [Planned, ModelLoaded, CellDone]


def test_a_new_run_that_comes_to_nothing_keeps_no_manifest_and_its_lock(sib200):
    with pytest.raises(MlbenchError, match="cannot load model"):
        list(do_work(work_of("vlm:x=1")))
    assert [path.name for path in Path("runs/race").iterdir()] == [store.LOCK]


HOLD = """
import sys, time
from pathlib import Path
from mlbench import store
with store.lock_run(Path("runs/race")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_that_writes_to_the_run_is_respected(sib200, checkpoint):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        inode = Path("runs/race", store.LOCK).stat().st_ino
        for _ in range(2):
            with pytest.raises(StoreError, match="another mlbench is writing"):
                list(do_work(work_of(checkpoint)))
        assert [path.name for path in Path("runs/race").iterdir()] == [store.LOCK]
        holder.stdin.close()
        deadline = time.monotonic() + 60
        while holder.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(list(do_work(work_of(checkpoint)))) == 4
    assert Path("runs/race", store.LOCK).stat().st_ino == inode


def make_copy(checkpoint, tmp_path, **config):
    """Copy a checkpoint and change its config.json; None takes a key away."""
    place = tmp_path / "copy"
    shutil.copytree(checkpoint, place)
    path = place / "config.json"
    content = {**json.loads(path.read_text(encoding="utf-8")), **config}
    stated = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(stated), encoding="utf-8")
    return place


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        ({"dtype": "bfloat16"}, "bfloat16"),
        ({"dtype": None, "torch_dtype": "float16"}, "float16"),
        ({"dtype": None, "torch_dtype": None}, "auto"),
        ({"dtype": "float64"}, "auto"),
    ],
)
def test_on_a_gpu_auto_is_the_checkpoint_s_own_dtype(
    checkpoint, tmp_path, monkeypatch, config, dtype
):
    monkeypatch.setattr(device, "resolve_device", lambda settings: "cuda")
    model = make_copy(checkpoint, tmp_path, **config)
    assert own_dtype(find_model(str(model)), "") == dtype
    prepared = [prepare(read_families()["cldr_calendar"], read_languages()["en"])]
    work = prepare_work("r", [find_model(str(model))], prepared, Settings())
    assert {planned.signature.dtype for planned in work.plan.cells} == {dtype}


def test_a_hub_model_s_dtype_is_read_at_the_commit_that_is_signed(monkeypatch, checkpoint):
    asked = []

    def download(repository, name, revision):
        asked.append((repository, name, revision))
        return str(checkpoint / "config.json")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert own_dtype(Model("org/m", "hf", "org/m"), "commit1") == "float32"
    assert asked == [("org/m", "config.json", "commit1")]


@pytest.fixture
def loaded(monkeypatch):
    """Return what the packed engine was told to load."""
    seen = []

    def note(**options):
        seen.append(options)
        raise OSError("not loaded")

    monkeypatch.setattr(backend, "PackedLM", note)
    return seen


@pytest.mark.parametrize("executor", ["local", "worker"])
def test_the_commit_and_the_dtype_that_were_signed_are_loaded(
    sib200, monkeypatch, loaded, executor, tmp_path
):
    """The hub has a newer commit meanwhile, and the worker has a GPU that the head has not."""
    commits = iter(["commit1", "commit2"])
    monkeypatch.setattr("mlbench.models.weights._hub_commit", lambda model: next(commits))
    family, language = read_families()["sib200_lm"], read_languages()["en"]
    model = Model("org/m", "hf", "org/m")
    work = prepare_work("hub", [model], [prepare(family, language)], replace(SETTINGS, device=None))
    (planned,) = work.plan.cells
    assert (planned.signature.weights, planned.signature.dtype) == ("commit1", "float32")
    monkeypatch.setattr(backend, "resolve_device", lambda settings: "cuda")
    monkeypatch.setattr(device, "resolve_device", lambda settings: "cuda")
    with pytest.raises(ModelError, match="not loaded"):
        if executor == "local":
            list(local.run(work.plan, work.settings))
        else:
            executors.CellWorker(Settings(limit=2)).score_batch([planned])
    assert (loaded[0]["revision"], loaded[0]["dtype"]) == ("commit1", "float32")


def test_a_dtype_for_another_backend_is_not_signed_and_that_is_said(sib200, caplog):
    settings = replace(SETTINGS, dtype="float16", trust_remote_code=True)
    work = work_of("dummy:pretrained=x", settings)
    assert {planned.signature.dtype for planned in work.plan.cells} == {None}
    assert (
        "--dtype float16 and --trust-remote-code: not passed to the backend 'dummy'" in caplog.text
    )
    assert "dummy:pretrained=x,dtype=" in caplog.text
    caplog.clear()
    work_of("dummy:pretrained=x")
    assert not caplog.text


def test_signing_looks_at_no_run_folder(sib200, checkpoint, tmp_path):
    prepared = [prepare(read_families()["sib200_lm"], read_languages()["en"])]
    plan = sign_cells(tmp_path / "none", [find_model(str(checkpoint))], prepared, SETTINGS)
    assert plan.cells[0].state == "missing" and not (tmp_path / "none").exists()


def test_what_an_lm_eval_user_types_first_names_the_same_model(checkpoint):
    for name in ("hf", "hf-auto", "huggingface"):
        assert find_model(f"{name}:pretrained={checkpoint}") == find_model(str(checkpoint))
    found = find_model("hf:pretrained=org/name,revision=v1")
    assert (found.backend, found.path, found.revision) == ("hf", "org/name", "v1")
