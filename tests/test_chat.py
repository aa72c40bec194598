"""With --chat a doc is put as lm-eval's --apply_chat_template puts it, or it is said why not."""

import numpy as np
import pytest
from conftest import SCRIPTS
from gate_toys import copy, put_around
from lm_eval_toys import score_in_lm_eval, tasks_of
from test_cli import refused, run_cli

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare, turns_of
from mlbench.errors import ContextOverflow, ModelError
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.harness.evaluate import evaluate
from mlbench.judge.pairing import why_not_paired
from mlbench.models import find_model
from mlbench.runner.plan import sign_cells
from mlbench.runner.window import refuse_overflow
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.task_files import task_name

LANGUAGES, FAMILIES = read_languages(), read_families()
# As in Qwen3: a system message of its own, and a way to switch thinking off.
TEMPLATE = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}<|end|>system\nBe kind."
    "{% endif %}<|end|>{{ m.role }}\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|end|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)
CHAT = Settings(device="cpu", chat=True)


def taught(checkpoint, folder, template=TEMPLATE):
    changed = copy(checkpoint, folder)
    (changed / "chat_template.jinja").write_text(template, encoding="utf-8")
    return changed


@pytest.fixture(scope="module")
def instruct(checkpoint, tmp_path_factory):
    return taught(checkpoint, tmp_path_factory.mktemp("chat") / "instruct")


@pytest.fixture(scope="module", params=["packed", "hf"])
def model(request, instruct):
    settings = Settings(device="cpu", engine=request.param, chat=True)
    return load_model(find_model(str(instruct)), settings)


@pytest.fixture(scope="module")
def of_lm_eval(instruct, sib200_root):
    """Return the samples of lm-eval's own hf by task, with examples as turns, as its CLI has it."""
    from lm_eval.models.huggingface import HFLM

    hf = HFLM(str(instruct), device="cpu", dtype="float32", enable_thinking=False, batch_size=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLBENCH_DATA", str(sib200_root))
        results = score_in_lm_eval(
            model=hf,
            tasks=[task_name("sib200_topic", tag) for tag in SCRIPTS],
            num_fewshot=2,
            limit=1,
            task_manager=tasks_of("sib200_topic"),
            apply_chat_template=True,
            fewshot_as_multiturn=True,
        )
    return results["samples"]


def test_scores_are_those_of_apply_chat_template(sib200, model, of_lm_eval):
    """In six scripts, with calibration docs."""
    for tag in SCRIPTS:
        prepared = prepare(FAMILIES["sib200_topic"], LANGUAGES[tag])
        samples, _ = evaluate(model, prepared, shots=2, limit=1)
        theirs = of_lm_eval[task_name("sib200_topic", tag)]
        for number, (sample, their) in enumerate(zip(samples, theirs, strict=True)):
            values = [reply[0] for reply in their["filtered_resps"]]
            ours = [*sample.loglikelihoods, *sample.calibration]
            assert ours == pytest.approx(values[: len(ours)], abs=1e-4)
            if number == 0 and sample.label_means:
                n = len(sample.label_means)
                rest = np.reshape(values[len(ours) :], (-1, n)).mean(axis=0)
                assert sample.label_means == pytest.approx(rest, abs=1e-4)


def test_a_query_is_a_turn_and_a_choice_begins_the_answer(sib200, model):
    prepared = prepare(FAMILIES["sib200_topic"], LANGUAGES["th"])
    doc = prepared.docs.scored[0]
    text = model.chat(turns_of(prepared, doc, 1))
    query = prepared.family.prompt(doc).context
    assert text.startswith("<|end|>system\nBe kind.<|end|>user\n")
    assert text.count("<|end|>assistant\n") == 2 and f"<|end|>user\n{query}<|end|>" in text
    assert text.endswith("<|end|>assistant\n<think>\n\n</think>\n\n")


def test_special_tokens_of_a_template_are_not_doubled(checkpoint, tmp_path):
    """The template begins with what the tokenizer puts before every text, of two tokens here."""
    folder = taught(checkpoint, tmp_path / "twice", "<|end|>" + TEMPLATE)
    put_around(folder, 2, 0)
    for engine in ("packed", "hf"):
        found = load_model(
            find_model(str(folder)), Settings(device="cpu", engine=engine, chat=True)
        )
        ids = found.lm.tok_encode(found.chat([{"role": "user", "content": "มา"}]))
        assert list(ids[:2]) == [0, 0] and ids[2] != 0
        if engine == "packed":
            pair = found.lm.encoder.pairs([(found.chat([{"role": "user", "content": "มา"}]), "a")])
            assert pair[0].context[:3].tolist() == list(ids[:3])


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("", "has no chat template, so it may be a base model. Leave out --chat"),
        ("{{ raise_exception('roles must alternate') }}", "template fails: roles must alternate"),
        ("{% for m in messages %}{{ m.role", "template fails: unexpected end of template"),
        ("{{ messages[9].content.strip() }}", "template fails: "),
        ("{{ messages | length }}", "does not write what was said: 'first question 1'"),
    ],
)
def test_a_chat_template_that_fails_is_one_sentence(checkpoint, tmp_path, template, says):
    folder = taught(checkpoint, tmp_path / "bad", template)
    if not template:
        (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match=says) as error:
        load_model(find_model(str(folder)), CHAT)
    assert "\n" not in str(error.value)


def test_a_conversation_beyond_the_window_is_found_before_the_first_cell(
    sib200, model, instruct, tmp_path
):
    """What a template adds counts: the same docs fit as plain text."""
    prepared = prepare(FAMILIES["sib200_topic"], LANGUAGES["en"])
    plan = sign_cells(tmp_path / "r", [find_model(str(instruct))], [prepared], CHAT)
    plain = load_model(find_model(str(instruct)), Settings(device="cpu"))
    docs = [*prepared.docs.scored, *prepared.docs.calibration]
    most = {
        chat: max(
            len(model.lm.tok_encode(render(doc) + choice))
            for doc in docs
            for choice in prepared.family.prompt(doc).choices
        )
        for chat, render in (
            (False, lambda doc: prepared.family.prompt(doc).context + " "),
            (True, lambda doc: model.chat(turns_of(prepared, doc, 0))),
        )
    }
    assert most[False] + 10 < most[True]
    before, model.window = model.window, most[True] - 2
    plain.window = most[False] - 1
    refuse_overflow(plain, list(plan.cells), None)
    with pytest.raises(ContextOverflow, match=f"has {most[True]} tokens"):
        refuse_overflow(model, list(plan.cells), None)
    model.window = before


def test_chat_is_signed_and_never_compared_with_plain_text(sib200, checkpoint, instruct, capsys):
    where = ("--families", "sib200_topic", "sib200_lm", "--languages", "en", "th", "--limit", "7")
    assert run_cli(capsys, "run", "--models", f"a={checkpoint}", *where, "--run", "r")[0] == 0
    assert (
        run_cli(capsys, "run", "--models", f"b={instruct}", *where, "--run", "r", "--chat")[0] == 0
    )
    done = {(c.model, c.family): result for c, result in read_run("r").done.items()}
    topics = [done[model, "sib200_topic"] for model in "ab"]
    assert topics[0].signature.chat is None
    assert topics[1].signature.chat == "own template, no system message, thinking off"
    assert why_not_paired(*topics) == "the models were scored under different conditions (chat)"
    texts = [done[model, "sib200_lm"] for model in "ab"]
    assert texts[1].signature.chat is None and not why_not_paired(*texts)
    message = refused(capsys, "run", "--models", f"b={instruct}", *where, "--run", "r")
    assert "chat" in message and "--replace" in message


def test_other_backends_are_refused(capsys):
    model = "local-completions:model=m,base_url=http://localhost:1/v1"
    for option in (("--chat",), ("--bos", "yes")):
        where = ("--families", "cldr_calendar", "--languages", "en", "--run", "r")
        message = refused(capsys, "run", "--models", model, *where, *option)
        assert f"{' '.join(option)} is for models that mlbench loads itself" in message
