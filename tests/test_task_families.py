"""lm-eval's own tasks as families: asked and scored as lm-eval does, doc by doc."""

import pytest
from task_toys import write_tasks

from mlbench.data.languages import read_languages
from mlbench.families.lm_eval_tasks import read_task_families
from mlbench.harness.backend import load_model
from mlbench.harness.docs import prepare
from mlbench.harness.evaluate import evaluate
from mlbench.harness.lm_eval_tasks import TASKS, find_tasks
from mlbench.measures import cell_score
from mlbench.models import find_model
from mlbench.settings import Settings

LANGUAGES, FAMILIES = read_languages(), read_task_families()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_tasks(tmp_path_factory.mktemp("tasks"))


@pytest.fixture
def data(root, monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", str(root))


@pytest.fixture(scope="module")
def packed(checkpoint):
    return load_model(find_model(str(checkpoint)), Settings(engine="packed", device="cpu"))


@pytest.fixture(scope="module")
def hf(checkpoint):
    return load_model(find_model(str(checkpoint)), Settings(engine="hf", device="cpu"))


IN_TOYS = [
    ("belebele_lmeval", "en"),
    ("belebele_lmeval", "ar"),
    ("belebele_lmeval", "hi"),
    ("xcopa_lmeval", "th"),
    ("xcopa_lmeval", "zh-Hans"),
]


def evaluate_in_lm_eval(lm, cells, root, *, shots, limit=None):
    """Return the samples of lm-eval itself for the tasks of cells, which read the same files."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    members = [
        {
            "task": found.name,
            "dataset_path": str(root / found.hub_id),
        }
        for family, tag in cells
        for found in find_tasks(FAMILIES[family].source, LANGUAGES[tag])
    ]
    folders = sorted({str(TASKS / FAMILIES[family].source.folder) for family, _ in cells})
    results = simple_evaluate(
        model=lm,
        tasks=[{"group": "theirs", "task": members}],
        num_fewshot=shots,
        limit=limit,
        task_manager=TaskManager(include_path=folders, include_defaults=False),
        bootstrap_iters=0,
    )
    return results["samples"]


def check_equal(model, prepared, theirs, *, shots):
    """Hold every doc that lm-eval scored against ours; return how many they were."""
    samples, _ = evaluate(model, prepared, shots=shots, limit=None)
    by_id = {sample.doc_id: sample for sample in samples}
    source = prepared.family.source
    n = 0
    for found in find_tasks(source, prepared.language):
        for row in theirs[found.name]:
            ids = [str(row["doc"][key]) for key in source.doc_id]
            place = [found.part, str(row["doc_id"])] if found.part else [str(row["doc_id"])]
            doc_id = "/".join(ids or place)
            values = [reply[0] for reply in row["filtered_resps"]]
            assert list(by_id[doc_id].loglikelihoods) == pytest.approx(values, abs=1e-4)
            for metric in prepared.family.metrics:
                assert cell_score([by_id[doc_id]], metric).value == row[metric]
            n += 1
    return n


@pytest.fixture(scope="module", params=[0, 3])
def by_lm_eval(request, hf, root):
    """Return a number of shots and what lm-eval makes of all tasks with it."""
    return request.param, evaluate_in_lm_eval(hf.lm, IN_TOYS, root, shots=request.param)


@pytest.mark.parametrize(("family", "tag"), IN_TOYS)
def test_docs_are_asked_and_scored_as_in_lm_eval(data, packed, by_lm_eval, family, tag):
    shots, theirs = by_lm_eval
    prepared = prepare(FAMILIES[family], LANGUAGES[tag])
    shots = min(shots, prepared.family.max_shots)
    assert check_equal(packed, prepared, theirs, shots=shots) == len(prepared.docs.scored)
