"""A request that just fits is scored, one token more is refused before anything is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from conftest import SCRIPTS, make_checkpoint
from test_runner import plan_of

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare, render_contexts
from mlbench.errors import ContextOverflow
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.models import find_model
from mlbench.records import ReplyLimits
from mlbench.runner.events import CellDone
from mlbench.runner.local import run
from mlbench.runner.plan import make_plan, write_manifest
from mlbench.runner.window import refuse_overflow
from mlbench.settings import Settings

SETTINGS = Settings(device="cpu", dtype="float32", limit=4, shots=(1,))
FAMILY = "sib200_topic"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "r"


def longest_request(folder, checkpoint, tags):
    """Return the most tokens, context and continuation, that a request of the plan has."""
    model = load_model(find_model(str(checkpoint)), SETTINGS)
    encode, most = model.lm.tok_encode, 0
    for planned in plan_of(folder, checkpoint, SETTINGS, tags, (FAMILY,)).cells:
        prepared = planned.prepared
        contexts = render_contexts(prepared, 1, 4)
        docs = [*prepared.docs.scored[:4], *prepared.docs.calibration]
        contexts += [c for c in _calibration(planned)]
        for doc, context in zip(docs, contexts, strict=True):
            for choice in prepared.family.prompt(doc).choices:
                most = max(most, len(encode(f"{context} {choice}")))
    return most


def _calibration(planned):
    from mlbench.data.prepare import render_calibration

    return render_calibration(planned.prepared, 1)


@pytest.mark.parametrize("tags", [("th",), tuple(SCRIPTS)])
def test_the_longest_request_may_have_one_token_more_than_the_window(
    sib200, checkpoint, folder, tmp_path, tags
):
    """The last token is predicted and not fed."""
    most = longest_request(folder, checkpoint, tags)
    fits = make_checkpoint(tmp_path / "fits", seed=1, window=most - 1)
    events = list(run(plan_of(folder, fits, SETTINGS, tags, (FAMILY,)), SETTINGS))
    assert [type(event) for event in events[1:]] == [CellDone] * len(tags)
    narrow = make_checkpoint(tmp_path / "narrow", seed=1, window=most - 2)
    plan = plan_of(folder, narrow, SETTINGS, tags, (FAMILY,))
    with pytest.raises(ContextOverflow, match=rf"1 of {len(tags)} cells .* has {most} tokens"):
        list(run(plan, SETTINGS))
    assert not list(folder.glob("narrow*/**/*.parquet"))


def test_a_reply_has_room_for_all_that_may_be_written(paired, checkpoint, folder, tmp_path):
    shots = replace(SETTINGS, limit=2)
    short = replace(read_families()["sib200_mt_from_en"], reply=ReplyLimits(max_tokens=8))
    made = [prepare(short, read_languages()[tag]) for tag in ("ru", "th")]
    encode = load_model(find_model(str(checkpoint)), SETTINGS).lm.tok_encode
    contexts = [context for item in made for context in render_contexts(item, 1, 2)]
    most = max(len(encode(context)) for context in contexts) + 8
    for window, is_refused in ((most, False), (most - 1, True)):
        narrow = make_checkpoint(tmp_path / f"of {window}", seed=1, window=window)
        plan = make_plan(folder, [find_model(str(narrow))], made, shots)
        write_manifest(plan, [item.language for item in made])
        if is_refused:
            with pytest.raises(ContextOverflow, match=rf"1 of 2 cells .* has {most} tokens"):
                list(run(plan, shots))
        else:
            events = list(run(plan, shots))
            assert [type(event) for event in events[1:]] == [CellDone] * 2


def test_the_longest_context_by_tokens_need_not_be_the_longest_by_bytes(sib200, checkpoint, folder):
    """A tokenizer that spends a token a character on one doc only."""
    plan = plan_of(folder, checkpoint, SETTINGS, ("en",), (FAMILY,))
    contexts = render_contexts(plan.cells[0].prepared, 1, 4)
    shortest = min(contexts, key=len)

    def encode(text):
        return list(text) if text.startswith(shortest) else text.split()

    lm = SimpleNamespace(tok_encode=encode)
    model = SimpleNamespace(lm=lm, chat=None, window=60, overflow="refuse")
    with pytest.raises(ContextOverflow, match="1 of 1 cells"):
        refuse_overflow(model, list(plan.cells), 4)


def test_most_contexts_are_not_encoded_one_by_one(sib200, checkpoint, folder):
    plan = plan_of(folder, checkpoint, SETTINGS, ("th",), (FAMILY,))
    model = load_model(find_model(str(checkpoint)), SETTINGS)
    encode, asked = model.lm.tok_encode, []
    model.lm.tok_encode = lambda text: asked.append(text) or encode(text)
    refuse_overflow(model, list(plan.cells), 4)
    assert len(asked) == 1
