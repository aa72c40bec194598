"""The scores of both engines are those of `lm_eval run`, in six scripts, at 0 and 5 shots."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conftest import SCRIPTS
from lm_eval_toys import score_in_lm_eval, tasks_of

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare, render_contexts
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.harness.evaluate import evaluate
from mlbench.harness.task import FamilyTask, build_task
from mlbench.measures import cell_score
from mlbench.models import find_model
from mlbench.records import OutputType, ReplyLimits
from mlbench.settings import Settings
from mlbench.task_files import find_tasks_folder, task_name

LANGUAGES = read_languages()
FAMILIES = read_families()
TOLERANCE = 1e-4


def task_family(task: str) -> str:
    """Return the family in the name of a task."""
    return next(name for name in FAMILIES if task.startswith(f"mlbench_{name}_"))


@pytest.fixture(scope="module")
def without_examples(tmp_path_factory, checkpoint, sib200_root):
    """Run `lm_eval run` in a plain shell; return its scores and samples by task."""
    out = tmp_path_factory.mktemp("lm-eval")
    tasks = [task_name(family, tag) for family in ("sib200_topic", "sib200_lm") for tag in SCRIPTS]
    arguments = {
        "--model": "hf",
        "--model_args": f"pretrained={checkpoint},dtype=float32",
        "--include_path": str(find_tasks_folder()),
        "--tasks": ",".join(tasks),
        "--num_fewshot": "0",
        "--batch_size": "4",
        "--device": "cpu",
        "--output_path": str(out),
    }
    command = [str(Path(sys.executable).with_name("lm_eval")), "run", "--log_samples"]
    command += [part for pair in arguments.items() for part in pair]
    environment = {**os.environ, "MLBENCH_DATA": str(sib200_root), "MLBENCH_CACHE": str(out)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    (summary,) = out.rglob("results_*.json")
    content = json.loads(summary.read_text(encoding="utf-8"))
    assert content["versions"] == {t: FAMILIES[task_family(t)].version for t in tasks}
    results = {}
    for task in tasks:
        (path,) = out.rglob(f"samples_{task}_*.jsonl")
        lines = path.read_text(encoding="utf-8").splitlines()
        results[task] = content["results"][task], [json.loads(line) for line in lines]
    return results


@pytest.fixture(scope="module")
def with_examples(hf, sib200_root):
    """Do the same at 5 shots in this process: a second index of lm-eval's tasks takes 10 s."""
    tasks = [task_name("sib200_topic", tag) for tag in SCRIPTS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLBENCH_DATA", str(sib200_root))
        content = score_in_lm_eval(
            model=hf.lm, tasks=tasks, num_fewshot=5, task_manager=tasks_of("sib200_topic")
        )
    assert content["versions"] == dict.fromkeys(tasks, FAMILIES["sib200_topic"].version)
    return {task: (content["results"][task], content["samples"][task]) for task in tasks}


@pytest.fixture(scope="module")
def of_lm_eval(without_examples, with_examples):
    return {0: without_examples, 5: with_examples}


@pytest.fixture(scope="module", params=["hf", "packed"])
def model(request, checkpoint):
    loaded = load_model(find_model(str(checkpoint)), Settings(engine=request.param, device="cpu"))
    assert loaded.mode == {"hf": None, "packed": "packed"}[request.param]
    return loaded


@pytest.fixture(scope="module")
def hf(checkpoint):
    return load_model(find_model(str(checkpoint)), Settings(engine="hf", device="cpu"))


@pytest.mark.parametrize("shots", [0, 5])
@pytest.mark.parametrize("tag", SCRIPTS)
def test_choices_have_the_likelihoods_of_lm_eval(sib200, model, of_lm_eval, tag, shots):
    prepared = prepare(FAMILIES["sib200_topic"], LANGUAGES[tag])
    samples, usage = evaluate(model, prepared, shots=shots, limit=None)
    scores, theirs = of_lm_eval[shots][task_name("sib200_topic", tag)]
    assert len(samples) == len(theirs) == 9
    for sample, their in zip(samples, theirs, strict=True):
        assert sample.doc_id == their["doc"]["doc_id"]
        values = [float(reply[0]) for reply in their["filtered_resps"]]
        ours = [*sample.loglikelihoods, *sample.calibration]
        assert ours == pytest.approx(values[: len(ours)], abs=TOLERANCE)
    n_calibration = len(prepared.docs.calibration)
    of_labels = [float(reply[0]) for reply in theirs[0]["filtered_resps"]][14:]
    means = np.reshape(of_labels, (n_calibration, 7)).mean(axis=0)
    assert n_calibration and all(s.label_means == samples[0].label_means for s in samples)
    assert samples[0].label_means == pytest.approx(means, abs=TOLERANCE)
    for metric in ("acc_calibrated", "acc", "acc_pmi", "macro_f1"):
        assert cell_score(samples, metric).value == pytest.approx(scores[f"{metric},none"])
    assert usage.n_requests == 9 * 14 + 7 * n_calibration and usage.n_truncated == 0


@pytest.mark.parametrize("tag", SCRIPTS)
def test_texts_have_the_likelihoods_of_lm_eval(sib200, model, of_lm_eval, tag):
    prepared = prepare(FAMILIES["sib200_lm"], LANGUAGES[tag])
    samples, _ = evaluate(model, prepared, shots=0, limit=None)
    scores, theirs = of_lm_eval[0][task_name("sib200_lm", tag)]
    values = [float(their["filtered_resps"][0]) for their in theirs]
    assert [s.loglikelihood for s in samples] == pytest.approx(values, abs=TOLERANCE)
    for metric in ("bits", "bits_per_byte"):
        assert cell_score(samples, metric).value == pytest.approx(scores[f"{metric},none"])


N_WRITTEN = 16
WRITTEN = [
    replace(family, reply=ReplyLimits(max_tokens=N_WRITTEN))
    for family in FAMILIES.values()
    if family.output_type == OutputType.REPLY
]


@pytest.fixture(scope="module")
def evaluated_by_lm_eval(hf):
    """Return a function from families to the results of lm-eval's own loop, scored once for all."""

    @cache
    def results_of(family, shots):
        items = [p for p in (prepare(family, LANGUAGES[t]) for t in SCRIPTS) if not p.reason]
        results = score_in_lm_eval(
            model=hf.lm,
            tasks=[task_name(p.family.name, p.language.tag) for p in items],
            num_fewshot=shots,
            limit=4,
            task_manager=tasks_of(family.name),
            **({"gen_kwargs": {"max_gen_toks": N_WRITTEN}} if family in WRITTEN else {}),
        )
        return items, results

    return results_of


IN_PROCESS = [
    family
    for family in FAMILIES.values()
    if family.name not in ("sib200_topic", "sib200_lm", *(f.name for f in WRITTEN))
]


@pytest.mark.parametrize("family", IN_PROCESS, ids=lambda family: family.name)
@pytest.mark.parametrize("shots", [0, 5])
def test_other_families_score_as_in_lm_eval(paired, model, evaluated_by_lm_eval, family, shots):
    """The same through lm-eval's simple_evaluate, with its own hf object."""
    shots = min(shots, family.max_shots)
    items, results = evaluated_by_lm_eval(family, shots)
    for prepared in items:
        samples, _ = evaluate(model, prepared, shots=shots, limit=4)
        their = results["samples"][task_name(family.name, prepared.language.tag)]
        for sample, one in zip(samples, their, strict=True):
            values = [reply[0] for reply in one["filtered_resps"]]
            ours = [*sample.loglikelihoods, *sample.calibration]
            # With the first doc of a task go the calibration docs of its labels.
            n_asked = len(ours) if sample.label_means else len(values)
            assert ours == pytest.approx(values[:n_asked], abs=TOLERANCE)


@pytest.mark.parametrize("family", WRITTEN, ids=lambda family: family.name)
@pytest.mark.parametrize("shots", [0, 5])
def test_replies_and_their_scores_are_those_of_lm_eval(
    paired, model, evaluated_by_lm_eval, family, shots
):
    items, results = evaluated_by_lm_eval(family, shots)
    written = set()
    for prepared in items:
        task = task_name(family.name, prepared.language.tag)
        samples, usage = evaluate(model, prepared, shots=shots, limit=4)
        assert [s.reply for s in samples] == [
            d["filtered_resps"][0] for d in results["samples"][task]
        ]
        for metric in family.metrics:
            theirs = results["results"][task][f"{metric},none"]
            assert cell_score(samples, metric).value == pytest.approx(theirs, abs=1e-9), metric
        assert usage.n_requests == 4 and usage.n_tokens > 4 * N_WRITTEN and usage.n_truncated == 0
        written |= {s.reply for s in samples}
    assert len(written) > 2 * len(items)


@pytest.mark.parametrize("shots", [0, 3, 7])
@pytest.mark.parametrize("tag", SCRIPTS)
def test_the_plan_renders_the_contexts_that_lm_eval_builds(sib200, tag, shots):
    prepared = prepare(FAMILIES["sib200_topic"], LANGUAGES[tag])
    task = build_task(prepared, shots)
    built = [task.fewshot_context(doc, num_fewshot=shots) for _, doc in task.doc_iterator(limit=3)]
    assert built == render_contexts(prepared, shots, 3)


def test_a_task_without_data_says_why():
    from mlbench.errors import DataError

    with pytest.raises(DataError, match="no data: "):
        FamilyTask({"task": "x", "family": "cldr_calendar", "language": "arz"})


def test_an_unknown_language_or_family_of_a_stub_is_told():
    from mlbench.errors import SelectionError

    with pytest.raises(SelectionError, match="no language 'xx'"):
        FamilyTask({"task": "x", "family": "cldr_calendar", "language": "xx"})
    with pytest.raises(SelectionError, match="no family 'cldr_kalendar'"):
        FamilyTask({"task": "x", "family": "cldr_kalendar", "language": "sw"})
