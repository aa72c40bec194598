"""A scorer that is wrong on real docs is found before the first cell, said once, and replaced."""

import random
from collections import Counter
from dataclasses import replace

import pytest
import torch
from conftest import SCRIPTS
from engine_toys import (
    assert_same_scores,
    encode_like_lm_eval,
    instances,
    plain_scores,
    toy_lm,
    toy_model,
    toy_requests,
)
from test_cli import run_cli
from test_runner import SETTINGS, plan_of
from transformers import LlamaConfig

from mlbench import store
from mlbench.engine import PackedLM
from mlbench.engine import lm as lm_module
from mlbench.engine import verify as verify_module
from mlbench.runner.events import CellDone
from mlbench.runner.executors import CellWorker
from mlbench.runner.local import run

LLAMA = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
FAMILIES = ("sib200_lm", "sib200_topic")
CHECKED = replace(SETTINGS, verify=2, shots=(0, 1))


@pytest.fixture
def llama():
    return toy_model(LlamaConfig(**LLAMA))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "r"


@pytest.fixture
def spoil(monkeypatch):
    """Make modes wrong on real docs, not on the probe: by so many nats, or with an error."""
    right = lm_module.score

    def spoil_modes(**faults):
        def wrong(forward, requests, budget, mode):
            fault = faults.get(mode, 0.0)
            if isinstance(fault, Exception):
                raise fault
            return [(a - fault, b) for a, b in right(forward, requests, budget, mode)]

        monkeypatch.setattr(lm_module, "score", wrong)
        monkeypatch.setattr(verify_module, "score", wrong)

    return spoil_modes


def done_cells(folder, checkpoint, settings, families=FAMILIES, tags=tuple(SCRIPTS)):
    events = run(plan_of(folder, checkpoint, settings, tags, families), settings)
    return [event.result for event in events if isinstance(event, CellDone)]


def test_a_wrong_mode_is_given_up_before_the_first_cell_and_said_once(
    sib200, checkpoint, folder, spoil, caplog
):
    expected = done_cells(folder.with_name("hf"), checkpoint, replace(CHECKED, engine="hf"))
    spoil(packed=0.5)
    found = done_cells(folder, checkpoint, CHECKED)
    assert len(found) == len(expected) == 3 * len(SCRIPTS)
    for result, other in zip(found, expected, strict=True):
        assert result.usage["mode"] == result.signature["mode"] == "kv2"
        assert result.scores.keys() == other.scores.keys()
        for name, score in result.scores.items():
            assert score.value == pytest.approx(other.scores[name].value, abs=1e-4)
    assert caplog.text.count("packed differs by") == 1
    (kept,) = {tuple(store.get(p).signature["given_up"]) for p in folder.glob("*/*/*/*.parquet")}
    assert kept[0].startswith("packed differs by 0.")


def test_without_verify_a_wrong_mode_is_not_found(sib200, checkpoint, folder, spoil, caplog):
    spoil(packed=0.5)
    found = done_cells(folder, checkpoint, SETTINGS)
    assert {result.signature["mode"] for result in found} == {"packed"}
    assert "differs" not in caplog.text


def test_a_right_mode_stays(sib200, checkpoint, folder, caplog):
    (result,) = done_cells(folder, checkpoint, replace(SETTINGS, verify=3), tags=("th",))[:1]
    assert result.signature["mode"] == "packed" and result.signature.given_up == ()
    assert "plain" not in caplog.text


@pytest.mark.parametrize("n_docs", [1, 2, 8])
def test_docs_are_of_each_family_and_shots_spread_over_languages(
    sib200, checkpoint, folder, monkeypatch, n_docs
):
    tried = []
    monkeypatch.setattr(PackedLM, "verify_mode", lambda self, requests: tried.append(requests))
    settings = replace(CHECKED, verify=n_docs)
    done_cells(folder, checkpoint, settings)
    before = [requests for requests in tried if requests]
    assert before[0] is tried[0] and len(before) == 1  # once per model, before the first cell
    docs = Counter({(r.task_name, r.doc_id, r.args[0][:10]) for r in before[0] if r.idx == 0})
    tasks = Counter(task for task, _, _ in docs)
    assert len(docs) == n_docs * 3  # sib200_lm at 0 shots, sib200_topic at 0 and 1
    assert len(tasks) == 2 * min(n_docs, len(SCRIPTS))


def test_a_changed_verify_makes_no_cell_pending(sib200, checkpoint, folder):
    done_cells(folder, checkpoint, SETTINGS, tags=("en",))
    assert not plan_of(folder, checkpoint, CHECKED, ("en",), ("sib200_lm",)).pending


def test_a_mode_that_raises_is_given_up(llama, spoil, caplog):
    spoil(packed=RuntimeError("no mask"), kv2=1.0)
    lm = toy_lm(llama, verify=1, engine="packed")
    texts = toy_requests(random.Random(3))
    found = lm.loglikelihood(instances(texts), disable_tqdm=True)
    assert lm.mode == "plain"
    assert lm.given_up[0] == "packed raises RuntimeError"
    assert lm.given_up[1].startswith("kv2 differs by")
    assert len([r for r in caplog.records if r.name.startswith("mlbench")]) == 1
    assert_same_scores(found, plain_scores(llama, encode_like_lm_eval(lm, texts)))


def test_rolling_texts_are_verified_too(llama, spoil):
    spoil(packed=1.0)
    lm = toy_lm(llama, verify=1, engine="packed")
    requests = instances([("the cat sat",), ("on a mat",)], "loglikelihood_rolling")
    found = lm.loglikelihood_rolling(requests, disable_tqdm=True)
    assert lm.mode == "kv2"
    expected = toy_lm(llama, engine="plain").loglikelihood_rolling(requests, disable_tqdm=True)
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_model_of_nan_weights_ends_and_keeps_its_mode(llama):
    llama.lm_head.weight.data.fill_(float("nan"))
    lm = toy_lm(llama, verify=1, engine="packed")
    ((value, _),) = lm.loglikelihood(instances([("a", " b")]), disable_tqdm=True)
    assert value != value and lm.mode == "packed"


def test_half_precision_may_differ_as_much_as_from_itself(llama, spoil):
    spoil(packed=0.02)
    for dtype, mode in ((torch.float32, "kv2"), (torch.bfloat16, "packed")):
        lm = toy_lm(llama.to(dtype), verify=1, engine="packed")
        lm.loglikelihood(instances([("the", " cat")]), disable_tqdm=True)
        assert lm.mode == mode


def test_a_worker_of_a_cluster_tries_each_family_once(
    sib200, checkpoint, folder, spoil, monkeypatch
):
    spoil(packed=0.5)
    tried, right = [], PackedLM.verify_mode

    def count(self, requests):
        tried.append(len(requests))
        right(self, requests)

    monkeypatch.setattr(PackedLM, "verify_mode", count)
    settings = replace(SETTINGS, verify=1)
    cells = plan_of(folder, checkpoint, settings, tuple(SCRIPTS), FAMILIES).pending
    assert [cell.cell.family for cell in cells] == ["sib200_lm"] * 6 + ["sib200_topic"] * 6
    worker = CellWorker(settings)
    batches = [cells[at : at + 3] for at in (0, 3, 6, 9)]
    outcomes = [outcome for batch in batches for outcome in worker.score_batch(batch, cells)]
    assert {outcome.signature["mode"] for outcome in outcomes} == {"kv2"}
    assert [n for n in tried if n] == [15]  # a text, seven choices, and seven without the question


def test_the_command_line_says_it_once(sib200, checkpoint, spoil, capsys, caplog):
    spoil(packed=0.5)
    options = ("--families", "sib200_topic", "--languages", "en,ar", "--limit", "2")
    code, out, _ = run_cli(capsys, "run", "--models", str(checkpoint), *options, "--verify", "1")
    assert code == 0 and "2 cells" in out
    assert caplog.text.count("Going on in mode kv2") == 1
