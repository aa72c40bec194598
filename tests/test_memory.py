"""Where memory runs out, less is done at once, and the scores are the same."""

import pytest
import torch
from conftest import SENTENCES
from engine_toys import instances
from gate_toys import load

PAIRS = [(text[:9], text[9:14]) for texts in SENTENCES.values() for text in texts[:2]]


def full_above(lm, n_rows, monkeypatch):
    """Let a model's device be full where it is fed more rows at once."""
    call, fed = lm._model_call, []

    def model_call(inps, *arguments, **options):
        fed.append(len(inps))
        if len(inps) > n_rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return call(inps, *arguments, **options)

    monkeypatch.setattr(lm, "_model_call", model_call)
    return fed


@pytest.mark.parametrize("batch_size", ["8", "auto"])
def test_hf_halves_its_batch_and_goes_on(checkpoint, batch_size, monkeypatch, caplog):
    sound = load(checkpoint, "hf", batch_size="1").lm.loglikelihood(instances(PAIRS), True)
    lm = load(checkpoint, "hf", batch_size=batch_size).lm
    fed = full_above(lm, 2, monkeypatch)
    for _ in range(2):
        found = lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
        assert [v for v, _ in found] == pytest.approx([v for v, _ in sound], abs=1e-4)
    assert "out of memory: going on with 2 requests at once" in caplog.text
    too_many = [n for n in fed if n > 2]
    assert len(too_many) <= 3, "what was learnt is not forgotten with the next call"


def test_hf_gives_up_where_not_even_one_request_fits(checkpoint, monkeypatch):
    lm = load(checkpoint, "hf", batch_size="4").lm
    full_above(lm, 0, monkeypatch)
    with pytest.raises(torch.OutOfMemoryError):
        lm.loglikelihood(instances(PAIRS), disable_tqdm=True)


def test_another_error_is_not_taken_for_a_full_memory(checkpoint, monkeypatch):
    lm = load(checkpoint, "hf", batch_size="4").lm

    def broken(*_, **__):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(lm, "_model_call", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        lm.loglikelihood(instances(PAIRS), disable_tqdm=True)
