"""Is it said what bfloat16 would gain on a CPU, and is no number changed by that?"""

import pytest
import torch
from conftest import SCRIPTS
from transformers import AutoModelForCausalLM

from mlbench.engine.precision import bfloat16_gain
from mlbench.runner import precision
from mlbench.runner.command import select
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.terminal import runs


@pytest.fixture
def always(monkeypatch):
    """Have every run look, however short, and tell whatever it finds."""
    monkeypatch.setattr(precision, "SEEN_SECONDS", 0.0)
    monkeypatch.setattr(precision, "WORTH_SECONDS", 0.0)
    monkeypatch.setattr(precision, "WORTH_GAIN", 0.0)


def scores_of(checkpoint, name: str, **settings) -> dict:
    selection = select([str(checkpoint)], ["sib200_topic"], [",".join(SCRIPTS)], None)
    assert runs.run(name, selection, Settings(device="cpu", limit=2, **settings)) == 0
    done = read_run(name).done
    assert {result.signature.dtype for result in done.values()} == {"float32"}
    return {cell: result.samples for cell, result in done.items()}


def test_what_bfloat16_would_gain_is_said_once_and_changes_nothing(
    sib200, checkpoint, always, caplog
):
    left_to_us = scores_of(checkpoint, "auto")
    said = [r.getMessage() for r in caplog.records if "bfloat16" in r.getMessage()]
    assert len(said) == 1 and "times as fast" in said[0] and "--dtype bfloat16" in said[0]
    caplog.clear()
    assert scores_of(checkpoint, "asked", dtype="float32") == left_to_us
    assert "bfloat16" not in caplog.text


def test_a_short_run_says_nothing(sib200, checkpoint, monkeypatch, caplog):
    monkeypatch.setattr(precision, "SEEN_SECONDS", 0.0)
    scores_of(checkpoint, "short")
    assert "bfloat16" not in caplog.text


@pytest.mark.parametrize(
    ("gain", "seconds", "is_said"),
    [(1.19, 600, False), (1.2, 600, True), (4.0, 119, False), (4.0, 120, True)],
)
def test_the_line_is_for_a_gain_that_is_worth_a_second_run(gain, seconds, is_said):
    assert bool(precision.advice("m", gain, seconds)) is is_said


def test_the_gain_is_measured_on_float32_weights_only(checkpoint):
    model = AutoModelForCausalLM.from_pretrained(checkpoint).float().eval()
    before = torch.get_num_threads()
    assert 0.05 < bfloat16_gain(model.base_model) < 50
    assert torch.get_num_threads() == before
    assert bfloat16_gain(model.base_model.to(torch.bfloat16)) is None
