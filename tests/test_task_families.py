"""lm-eval's own tasks as families: asked and scored as lm-eval does, doc by doc."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import REAL_DATA
from exam_toys import CASES as OTHERS
from exam_toys import write_exams
from lm_eval_toys import score_in_lm_eval
from task_toys import sum_rows, write_lambada, write_mirror, write_tasks

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.data.prepare import render_contexts
from mlbench.errors import DataError
from mlbench.families import select_families
from mlbench.families.lm_eval_tasks import read_task_families
from mlbench.harness import docs
from mlbench.harness.backend import load_model
from mlbench.harness.docs import prepare
from mlbench.harness.evaluate import evaluate
from mlbench.harness.lm_eval_tasks import TASKS, find_tasks
from mlbench.measures import ReplySample, TargetSample, cell_score
from mlbench.models import find_model
from mlbench.records import Cell
from mlbench.settings import Settings

LANGUAGES, FAMILIES = read_languages(), read_task_families()
N_PARTS, N_DOCS = 2, 4
"""Of an exam and of a task: the others are asked by the same code."""

N_TOKENS = 12
"""Of a reply here: on a shared machine a token takes long, and the first ones tell."""


@pytest.fixture(scope="module")
def root(tmp_path_factory, checkpoint):
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_lambada(folder, checkpoint)
    write_exams(folder)
    return folder


@pytest.fixture
def data(root, monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", str(root))
    monkeypatch.setattr(docs, "MOST_TOKENS", N_TOKENS)


@pytest.fixture(scope="module")
def packed(checkpoint):
    return load_model(find_model(str(checkpoint)), Settings(engine="packed", device="cpu"))


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
    ("mgsm_direct_lmeval", "th"),
    ("mgsm_direct_lmeval", "zh-Hans"),
    ("mgsm_native_cot_lmeval", "ru"),
    ("tydiqa_goldp_lmeval", "ar"),
    ("tydiqa_goldp_lmeval", "ru"),
    *(("lambada_mt_lmeval", tag) for tag in ("en", "de", "es", "fr")),
    *OTHERS,
]


THEIRS = {"acc_greedy": "acc"}
"""lm-eval's name of a measure, where it is another."""

REAL = [
    *(("belebele_lmeval", tag) for tag in ("en", "de")),
    *(("xcopa_lmeval", tag) for tag in ("et", "ht", "id", "it", "sw", "ta", "th", "tr", "vi")),
]
HAS_REAL = bool(REAL_DATA) and (Path(REAL_DATA) / "cambridgeltl" / "xcopa").is_dir()


@pytest.mark.skipif(not HAS_REAL, reason="needs XCOPA and Belebele: set MLBENCH_DATA")
def test_docs_of_the_real_data_sets_are_those_of_lm_eval(packed, checkpoint, monkeypatch):
    """The first two docs of each language; the others are asked by the same code."""
    monkeypatch.setenv("MLBENCH_DATA", REAL_DATA)
    theirs = evaluate_in_lm_eval(checkpoint, REAL, Path(REAL_DATA), shots=0, limit=2)
    for family, tag in REAL:
        whole = prepare(FAMILIES[family], LANGUAGES[tag])
        assert len(whole.docs.scored) == {"belebele_lmeval": 900, "xcopa_lmeval": 500}[family]
        assert check_equal(packed, whole, theirs, shots=0) == 2


def _shorter(generation):
    return {"generation_kwargs": {**generation, "max_gen_toks": N_TOKENS}} if generation else {}


def evaluate_in_lm_eval(checkpoint, cells, root, *, shots, limit=None):
    """Return the samples of lm-eval itself for the tasks of cells, which read the same files."""
    from lm_eval.tasks import TaskManager

    members = [
        {
            "task": found.name,
            "dataset_path": str(root / found.hub_id),
            **_shorter(found.config.get("generation_kwargs")),
        }
        for family, tag in cells
        for found in find_tasks(FAMILIES[family].source, LANGUAGES[tag])[:N_PARTS]
    ]
    folders = sorted({str(TASKS / FAMILIES[family].source.folder) for family, _ in cells})
    results = score_in_lm_eval(
        model="hf",
        model_args=f"pretrained={checkpoint},dtype=float32",
        device="cpu",
        batch_size=1,
        tasks=[{"group": "theirs", "task": members}],
        num_fewshot=shots,
        limit=limit,
        task_manager=TaskManager(include_path=folders, include_defaults=False),
    )
    return results["samples"]


def check_equal(model, prepared, theirs, *, shots):
    """Hold every doc that lm-eval scored against ours; return how many they were."""
    source = prepared.family.source
    rows = {
        "/".join([str(row["doc"][key]) for key in source.doc_id] or _place(found, row)): row
        for found in find_tasks(source, prepared.language)[:N_PARTS]
        for row in theirs[found.name]
        if not source.filter or row["filter"] in (source.filter, "none")
    }
    docs = tuple(doc for doc in prepared.docs.scored if doc.doc_id in rows)
    reply = prepared.family.reply
    family = replace(prepared.family, reply=reply and reply._replace(max_tokens=N_TOKENS))
    few = replace(prepared, family=family, docs=replace(prepared.docs, scored=docs))
    samples, _ = evaluate(model, few, shots=shots, limit=None)
    for sample in samples:
        _check_one(sample, rows[sample.doc_id], prepared.family.metrics)
    return len(samples)


def _place(found, row):
    return [found.part, str(row["doc_id"])] if found.part else [str(row["doc_id"])]


def _check_one(sample, row, metrics):
    if isinstance(sample, ReplySample):
        assert sample.reply == row["resps"][0][0]
    elif isinstance(sample, TargetSample):
        ((value, is_greedy),) = row["filtered_resps"]
        assert sample.loglikelihood == pytest.approx(value, rel=1e-6, abs=1e-4)
        assert sample.is_greedy == is_greedy == row["acc"]
    else:
        values = [reply[0] for reply in row["filtered_resps"]]
        assert list(sample.loglikelihoods) == pytest.approx(values, rel=1e-6, abs=1e-4)
    for metric in metrics:
        assert cell_score([sample], metric).value == row[THEIRS.get(metric, metric)]


CASES = [
    (shots, family, tag)
    for shots in (0, 3)
    for family, tag in IN_TOYS
    if shots <= FAMILIES[family].max_shots
]


@pytest.fixture(scope="module")
def by_lm_eval(checkpoint, root):
    """Return what lm-eval makes of all tasks, by number of shots."""
    cells = {n: [(family, tag) for shots, family, tag in CASES if shots == n] for n in (0, 3)}
    how = {"limit": N_DOCS}
    return {n: evaluate_in_lm_eval(checkpoint, cells[n], root, shots=n, **how) for n in cells}


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(("shots", "family", "tag"), CASES)
def test_docs_are_asked_and_scored_as_in_lm_eval(packed, by_lm_eval, shots, family, tag):
    prepared = prepare(FAMILIES[family], LANGUAGES[tag])
    n_tasks = len(find_tasks(prepared.family.source, prepared.language)[:N_PARTS])
    n_equal = check_equal(packed, prepared, by_lm_eval[shots], shots=shots)
    assert n_tasks * 3 <= n_equal <= n_tasks * N_DOCS


@pytest.mark.usefixtures("data")
def test_one_right_text_is_kept_with_whether_the_model_would_write_it(packed, tmp_path):
    """Some of them are: else equality with lm-eval would say nothing of it."""
    prepared = prepare(FAMILIES["lambada_mt_lmeval"], LANGUAGES["en"])
    samples, _ = evaluate(packed, prepared, shots=0, limit=None)
    greedy = [sample.is_greedy for sample in samples]
    assert any(greedy) and not all(greedy)
    assert cell_score(samples, "acc_greedy").value == sum(greedy) / len(greedy)
    cell, path = Cell("m", prepared.family.name, "en", 0), tmp_path / "cell.parquet"
    signature = store.Signature(**cell._asdict())
    store.put(path, store.CellResult(cell, signature, {}, {}, tuple(samples)))
    found = store.get(path)
    assert isinstance(found, store.CellResult) and found.samples == tuple(samples)
    assert cell_score(found.samples, "acc_greedy") == cell_score(samples, "acc_greedy")


def test_a_doc_with_an_empty_choice_is_left_out_and_told(data, caplog):
    prepared = prepare(FAMILIES["m_hellaswag_lmeval"], LANGUAGES["ru"])
    assert len(prepared.docs.scored) == 8
    assert "hellaswag_ru: doc 8 is left out" in caplog.text


@pytest.mark.usefixtures("data")
def test_known_faults_stand_beside_the_score(checkpoint, other_checkpoint, tmp_path):
    """In the verdict, in the facts of the run, and on the page."""
    import mlbench
    from mlbench.judge.run import judge_run
    from mlbench.report import write_report
    from mlbench.stats.bootstrap import Resampling
    from mlbench.store.read import read_run

    models = [f"a={checkpoint}", f"b={other_checkpoint}"]
    mlbench.run("faults", models=models, families="xcopa_lmeval", languages="th,zh-Hans", limit=8)
    run = read_run("faults")
    sentence = "In Thai and Tamil the premise loses its last letter"
    assert any(sentence in caveat for caveat in judge_run(run, "a", "b")["caveats"])
    facts = run.families["xcopa_lmeval"]
    assert facts["origin"] == "translated" and any(sentence in c for c in facts["caveats"])
    page = write_report(run, tmp_path / "out", resampling=Resampling(replicates=200))
    assert sentence in page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("family", "tag", "message"),
    [
        ("lm_eval:mlqa_{code}_{code}", "de", "has no folder facebook/mlqa. Put a copy"),
        (
            "xquad_lmeval",
            "ar",
            r"xquad_ar cannot be loaded here: No module named.*lm_eval run --ta",
        ),
        ("lm_eval:global_piqa_parallel_generation_{code}", "en", "draws its replies at random"),
        ("lm_eval:spanish_bench_flores_es-{code}", "de", "is generate_until by bleu, ter, chrf"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(family, tag, message):
    (found,) = select_families(family)
    with pytest.raises(DataError, match=message):
        prepare(found, LANGUAGES[tag])


@pytest.mark.usefixtures("data")
def test_a_language_that_a_mirror_lacks_has_no_data_and_a_reason():
    assert "names no configuration" in str(
        prepare(FAMILIES["xcopa_lmeval"], LANGUAGES["it"]).reason
    )


def test_a_task_without_the_split_of_its_examples_is_asked_without_any(tmp_path, monkeypatch):
    rows = {"test": sum_rows("tha_Thai", 0, None)}
    write_mirror(tmp_path, "juletxara/mgsm", {"th": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    prepared = prepare(FAMILIES["mgsm_direct_lmeval"], LANGUAGES["th"])
    assert len(render_contexts(prepared, 0, None)) == 4
    with pytest.raises(DataError, match="'th' has no 5 examples: type --shots 0, or get the split"):
        render_contexts(prepared, 5, None)


@pytest.mark.usefixtures("data")
def test_tasks_that_no_table_knows_say_themselves_what_they_are():
    (family,) = select_families("lm_eval:belebele_{code}_prompt_3")
    prepared = prepare(family, LANGUAGES["en"])
    assert prepared.family.metrics == ("acc", "acc_norm") and prepared.family.chance == 0.25
    assert prepared.family.version == "1.0" and prepared.family.source.hub_id == "facebook/belebele"
    ours = prepare(FAMILIES["belebele_lmeval"], LANGUAGES["en"])
    assert prepared.family.doc_set == ours.family.doc_set == "belebele/test"
    ids, same = ([(d.doc_id, d.cluster_id) for d in p.docs.scored] for p in (prepared, ours))
    assert ids == same
    assert prepare(family, LANGUAGES["ja"]).reason


def test_a_reply_has_the_room_that_lm_eval_gives_it_where_the_task_says_nothing():
    from lm_eval.models.huggingface import HFLM

    assert docs.MOST_TOKENS == HFLM.max_gen_toks.fget(None)
