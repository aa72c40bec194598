"""Results of lm-eval itself and tables of scores become a run; bad ones end with one message."""

import json
import shutil
from pathlib import Path

import pytest
from imports_toys import (
    BELEBELE,
    belebele_config,
    choice_config,
    global_mmlu_config,
    mgsm_config,
    run_lm_eval,
    xcopa_config,
    xwinograd_config,
)
from test_cli import refused, run_cli

from mlbench.data.languages import read_languages
from mlbench.families.task_map import read_task_map
from mlbench.imports.targets import Unmapped, find_target
from mlbench.measures import ChoiceSample, ScoreSample, TextSample
from mlbench.records import Cell
from mlbench.store.read import Run, read_run

OURS = [
    f"mlbench_{family}_{tag}" for family in ("sib200_topic", "sib200_lm") for tag in ("en", "ar")
]
TASK_MAP, LANGUAGES = read_task_map(), read_languages()
SECRET = choice_config(
    [{"q": f"Q{i}", "id": f"n{i}", "passage": "p"} for i in range(3)],
    task="secret_exam_sw",
    doc_to_text="q",
    doc_to_choice=["yes", "no"],
    doc_to_target=lambda doc: 0,
)


@pytest.fixture(scope="module")
def two_models(checkpoint, other_checkpoint, sib200_root, tmp_path_factory) -> Path:
    """Return a folder with the results of lm-eval on two models, the second on fewer tasks."""
    folder = tmp_path_factory.mktemp("results")
    languages = [belebele_config(code) for code in BELEBELE]
    exams = [global_mmlu_config(code, s) for code in ("en", "zh") for s in ("anatomy", "law")]
    rest = [xcopa_config("zh"), xwinograd_config("en"), SECRET]
    unmapped = {**belebele_config("eng_Latn"), "task": "belebele_npi_Latn"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLBENCH_DATA", str(sib200_root))
        patch.setenv("MLBENCH_CACHE", str(folder / "cache"))
        run_lm_eval(checkpoint, [*OURS, *languages, *exams, *rest, unmapped], folder / "a")
        # The tiny tokenizer has no token to pad with.
        run_lm_eval(checkpoint, [mgsm_config("en")], folder / "a", batch_size=1)
        run_lm_eval(other_checkpoint, [*OURS, *languages], folder / "b")
    return folder


@pytest.fixture
def imported(two_models, capsys) -> Run:
    """Return the run that an import of both models makes."""
    code, _, err = run_cli(capsys, "import", "lm-eval", str(two_models), "--run", "r")
    assert code == 0, err
    return read_run("r")


def samples(run: Run, family: str, tag: str) -> tuple:
    """Return the samples of the model that has all families."""
    model = min(run.models, key=lambda name: name.endswith("other"))
    return run.done[Cell(model, family, tag, 0)].samples


def test_scores_are_those_that_lm_eval_gives(two_models, imported):
    own_names = {"acc_pmi": "acc_mutual_info", "score": "exact_match"}
    n_compared = 0
    for path in sorted(two_models.glob("*/*/results_*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for task, values in content["results"].items():
            try:
                metadata = content["configs"][task]["metadata"]
                target = find_target(task, metadata, TASK_MAP, LANGUAGES)
            except Unmapped:
                continue
            cell = Cell(content["model_name"], target.entry.family, target.language, 0)
            if target.part:
                continue  # one of several tasks of a cell
            for metric, score in imported.done[cell].scores.items():
                names = (f"{metric},none", f"{own_names.get(metric)},none")
                names += (f"{own_names.get(metric)},flexible-extract",)
                value = next(values[name] for name in names if name in values)
                assert score.value == pytest.approx(value, abs=1e-12), (cell, metric)
                n_compared += 1
    assert n_compared >= 25


def test_our_own_tasks_keep_ids_clusters_and_priors(imported):
    topic = samples(imported, "sib200_topic", "ar")
    assert {len(s.choices) for s in topic} == {len(s.calibration) for s in topic} == {7}
    assert [s.doc_id for s in topic] == [s.doc_id for s in samples(imported, "sib200_topic", "en")]
    text = samples(imported, "sib200_lm", "ar")
    assert all(isinstance(s, TextSample) and s.cluster_id.startswith("flores:") for s in text)
    metrics = ["acc_calibrated", "acc", "acc_pmi", "macro_f1"]
    assert imported.families["sib200_topic"]["metrics"] == metrics
    assert {len(s.label_means) for s in topic} == {7}


def test_belebele_is_clustered_by_passage_and_parallel(imported):
    ids = {
        tag: [s.doc_id for s in samples(imported, "belebele_lmeval", tag)] for tag in ("th", "en")
    }
    assert ids["th"] == ids["en"]
    first, second, third = samples(imported, "belebele_lmeval", "ar")
    assert first.cluster_id == second.cluster_id != third.cluster_id
    assert first.choices == ("A", "B", "C", "D") and first.target == 1
    assert imported.families["belebele_lmeval"]["chance"] == 0.25
    assert imported.families["belebele_lmeval"]["metrics"] == ["acc", "acc_norm"]


def test_subjects_of_an_exam_are_one_cell(imported):
    docs = samples(imported, "global_mmlu_lmeval", "zh-Hans")
    assert [s.doc_id for s in docs][::3] == ["anatomy/test/0", "law/test/0"]
    assert [s.choices[s.target] for s in docs] == list("BDABDA")


def test_priors_logged_for_mutual_information_are_calibration(imported):
    docs = samples(imported, "xcopa_lmeval", "zh-Hans")
    assert imported.families["xcopa_lmeval"]["metrics"] == ["acc", "acc_pmi"]
    assert all(len(s.calibration) == 2 for s in docs) and docs[1].choices == ("四", "1")


def test_choices_in_the_context_are_read_with_the_target_that_the_score_implies(imported):
    docs = samples(imported, "xwinograd_lmeval", "en")
    assert all(isinstance(s, ChoiceSample) for s in docs) and [s.target for s in docs] == [
        0,
        1,
        0,
        1,
    ]
    assert docs[0].choices == ("Two and two are 0", "four 0")
    assert not imported.families["xwinograd_lmeval"]["is_parallel"]


def test_generated_answers_are_scores_of_the_mapped_filter(imported):
    docs = samples(imported, "mgsm_direct_lmeval", "en")
    assert len(docs) == 3 and all(isinstance(s, ScoreSample) for s in docs)
    assert imported.families["mgsm_direct_lmeval"]["chance"] is None


def test_unknown_tasks_and_languages_are_listed_not_guessed(two_models, capsys):
    _, out, _ = run_cli(capsys, "import", "lm-eval", str(two_models), "--run", "r")
    assert "19 new cells" in out
    assert "not imported: secret_exam_sw: unknown task" in out
    assert "belebele_npi_Latn: no language of languages.yaml is 'npi_Latn' in belebele" in out


def test_importing_the_same_again_says_nothing_new_and_writes_nothing(two_models, capsys):
    run_cli(capsys, "import", "lm-eval", str(two_models / "a"), "--run", "r")
    before = {p: p.stat().st_mtime_ns for p in Path("runs").rglob("*") if p.is_file()}
    code, out, _ = run_cli(capsys, "import", "lm-eval", str(two_models / "a"), "--run", "r")
    assert code == 0 and "runs/r: nothing new, all 12 cells are known" in out
    assert before == {p: p.stat().st_mtime_ns for p in before}
    _, out, _ = run_cli(capsys, "import", "lm-eval", str(two_models), "--run", "r")
    assert "7 new cells, 0 changed, 12 known" in out


def test_an_imported_run_is_listed_judged_and_reported(imported, capsys):
    a, b = imported.models
    code, out, _ = run_cli(capsys, "list", "cells", "r", "--json")
    assert code == 0 and {cell["state"] for cell in json.loads(out)} == {"done"}
    code, out, err = run_cli(capsys, "verdict", "r", "--a", a, "--b", b, "--json")
    assert code == 0, err
    assert "sib200_lm" in json.loads(out)["families"]
    code, _, err = run_cli(capsys, "report", "r")
    assert code == 0 and Path("reports/r/index.html").is_file(), err


def test_an_export_has_the_form_that_lm_eval_writes(two_models, imported, capsys):
    run_cli(capsys, "export", "r", "--format", "lm-eval", "--out", "out")
    for task in ("mlbench_sib200_topic_en", "mlbench_sib200_lm_ar"):
        rows = []
        for folder in (two_models / "b", next(Path("out").glob("*other*"))):
            path = next(folder.rglob(f"samples_{task}_*.jsonl"))
            # lm-eval sends the calibration docs with the first doc; the second is like all others.
            rows.append(json.loads(path.read_text(encoding="utf-8").splitlines()[1]))
        theirs, ours = rows
        aggregated = {"macro_f1"} & set(theirs)
        assert set(theirs) - aggregated == set(ours)
        assert theirs["arguments"].keys() == ours["arguments"].keys()
        for key in ("acc", "acc_pmi", "bits", "bits_per_byte"):
            assert theirs.get(key) == ours.get(key)
        depth = [str(row["resps"]).count("[") for row in rows]
        assert depth[0] == depth[1]
    results = [
        json.loads(next(folder.rglob("results_*.json")).read_text(encoding="utf-8"))
        for folder in (two_models / "b", Path("out"))
    ]
    assert results[1].keys() <= results[0].keys()


def test_a_mapping_file_names_the_rest(two_models, capsys):
    text = "secret_exam_sw: {family: secret, language: sw, doc_id: [id], cluster: passage}\n"
    Path("map.yaml").write_text(text, encoding="utf-8")
    options = ("--run", "r", "--map", "map.yaml")
    code, _, err = run_cli(capsys, "import", "lm-eval", str(two_models / "a"), *options)
    assert code == 0, err
    docs = samples(read_run("r"), "secret", "sw")
    assert [(s.doc_id, s.cluster_id) for s in docs] == [(f"n{i}", "p") for i in range(3)]
    assert read_run("r").families["secret"]["chance"] == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "Input should be a valid dictionary"),
        ("a: [", "map.yaml is not valid YAML"),
        ("'(': {family: x, language: sw}", "'(' is no regular expression"),
        ("a: {family: x, langage: sw}", "a: langage: Extra inputs are not permitted"),
        ("a: {family: ../x, language: sw}", "a: family: String should match"),
        (None, "cannot read mapping file"),
    ],
)
def test_a_wrong_mapping_file_is_refused(two_models, capsys, text, message):
    if text is not None:
        Path("map.yaml").write_text(text, encoding="utf-8")
    options = ("--run", "r", "--map", "map.yaml")
    assert message in refused(capsys, "import", "lm-eval", str(two_models / "a"), *options)


def edit_rows(path: Path, edit) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    edit(rows)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def test_scores_that_the_choices_do_not_give_are_imported_as_scores(two_models, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(two_models / "b", copy)
    edit_rows(
        next(copy.rglob("samples_belebele_eng_Latn_*")),
        lambda rows: rows[0].update(acc=1.0 - rows[0]["acc"]),
    )
    run_cli(capsys, "import", "lm-eval", str(copy), "--run", "r")
    assert read_run("r").families["belebele_lmeval"]["metrics"] == ["score"]
    found = samples(read_run("r"), "belebele_lmeval", "en")
    assert all(isinstance(sample, ScoreSample) for sample in found)


def test_folders_without_results_are_refused(two_models, tmp_path, capsys):
    assert "no folder 'none'" in refused(capsys, "import", "lm-eval", "none", "--run", "r")
    (tmp_path / "cache" / "empty").mkdir(parents=True)
    arguments = ("import", "lm-eval", str(tmp_path / "cache" / "empty"), "--run", "r")
    assert "--log_samples" in refused(capsys, *arguments)
    shutil.copytree(two_models / "b", tmp_path / "cache" / "b")
    for path in (tmp_path / "cache" / "b").rglob("results_*.json"):
        path.write_text("{", encoding="utf-8")
    arguments = ("import", "lm-eval", str(tmp_path / "cache" / "b"), "--run", "r")
    assert "not lm-eval's results" in refused(capsys, *arguments)


def copy_changed(folder: Path, copy: Path, change) -> Path:
    """Copy a results folder and change its results file."""
    shutil.copytree(folder, copy)
    path = next(copy.rglob("results_*.json"))
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return copy


def test_two_versions_of_a_task_are_refused(two_models, tmp_path, capsys):
    def renew(content):
        content["configs"]["belebele_eng_Latn"]["metadata"]["version"] = 2.0

    copy_changed(two_models / "b", tmp_path / "cache" / "both" / "b", renew)
    shutil.copytree(two_models / "a", tmp_path / "cache" / "both" / "a")
    message = refused(capsys, "import", "lm-eval", str(tmp_path / "cache" / "both"), "--run", "r")
    assert "task 'belebele_eng_Latn' was scored in its versions" in message


def test_a_revision_is_part_of_the_model_s_name(two_models, tmp_path, capsys):
    copy = copy_changed(
        two_models / "b", tmp_path / "copy", lambda c: c["config"].update(model_revision="step9")
    )
    run_cli(capsys, "import", "lm-eval", str(copy), "--run", "r")
    assert next(iter(read_run("r").models)).endswith("other@step9")


def test_of_a_task_scored_twice_the_latest_counts(two_models, tmp_path, capsys):
    shutil.copytree(two_models / "b", tmp_path / "copy")
    for path in list((tmp_path / "copy").rglob("*_20*")):
        head, time = path.name.rsplit("_20", 1)
        shutil.copy(path, path.with_name(f"{head}_19{time}"))
    _, out, _ = run_cli(capsys, "import", "lm-eval", str(tmp_path / "copy"), "--run", "r")
    assert "7 new cells" in out and "an older result of the same task" in out


def test_several_folders_make_one_run(two_models, imported, capsys):
    folders = [str(two_models / name) for name in "ab"]
    code, out, err = run_cli(capsys, "import", "lm-eval", *folders, "--run", "s")
    assert code == 0 and out.count("new cells") == 2, err
    assert set(read_run("s").done) == set(imported.done)
