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
    ("global_mmlu_lite_lmeval", "ar"),
    ("include_lmeval", "ru"),
    ("include_few_shot_og_lmeval", "ru"),
    ("xstorycloze_lmeval", "ru"),
    ("xstorycloze_lmeval", "zh-Hans"),
    ("xnli_lmeval", "hi"),
    ("xnli_lmeval", "th"),
    ("xwinograd_lmeval", "en"),
    ("xwinograd_lmeval", "zh-Hans"),
    ("multiblimp_lmeval", "ar"),
    ("multiblimp_lmeval", "hi"),
    ("m_hellaswag_lmeval", "hi"),
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
            assert list(by_id[doc_id].loglikelihoods) == pytest.approx(values, rel=1e-6, abs=1e-4)
            for metric in prepared.family.metrics:
                assert cell_score([by_id[doc_id]], metric).value == row[metric]
            n += 1
    return n


CASES = [
    (shots, family, tag)
    for shots in (0, 3)
    for family, tag in IN_TOYS
    if shots <= FAMILIES[family].max_shots
]


@pytest.fixture(scope="module")
def by_lm_eval(hf, root):
    """Return what lm-eval makes of all tasks, by number of shots."""
    cells = {n: [(family, tag) for shots, family, tag in CASES if shots == n] for n in (0, 3)}
    return {n: evaluate_in_lm_eval(hf.lm, cells[n], root, shots=n) for n in cells}


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(("shots", "family", "tag"), CASES)
def test_docs_are_asked_and_scored_as_in_lm_eval(packed, by_lm_eval, shots, family, tag):
    prepared = prepare(FAMILIES[family], LANGUAGES[tag])
    n_equal = check_equal(packed, prepared, by_lm_eval[shots], shots=shots)
    assert n_equal == len(prepared.docs.scored)


def test_a_doc_with_an_empty_choice_is_left_out_and_told(data, caplog):
    prepared = prepare(FAMILIES["m_hellaswag_lmeval"], LANGUAGES["ru"])
    assert len(prepared.docs.scored) == 8
    assert "hellaswag_ru: doc 8 is left out" in caplog.text


@pytest.mark.usefixtures("data")
def test_known_faults_stand_beside_the_score(checkpoint, other_checkpoint, tmp_path):
    """In the verdict, in the facts of the run, and on the page."""
    import mlbench
    from mlbench.report import write_report
    from mlbench.stats.bootstrap import Resampling

    models = [f"a={checkpoint}", f"b={other_checkpoint}"]
    run = mlbench.run(
        "faults", models=models, families="xcopa_lmeval", languages="th,zh-Hans", limit=8
    )
    sentence = "In Thai and Tamil the premise loses its last letter"
    assert any(sentence in caveat for caveat in mlbench.verdict(run, "a", "b")["caveats"])
    facts = run.families["xcopa_lmeval"]
    assert facts["origin"] == "translated" and any(sentence in c for c in facts["caveats"])
    page = write_report(run, tmp_path / "out", resampling=Resampling(replicates=200))
    assert sentence in page.read_text(encoding="utf-8")
