"""What cannot be read is left out with its reason, and everything else is imported."""

import json
from pathlib import Path

import pytest
from imports_toys import write_results, xcopa_rows
from test_cli import refused, run_cli

from mlbench.records import Cell
from mlbench.store.read import read_run

INF = float("inf")


def import_folder(capsys, folder: Path | str = "results") -> str:
    """Import a folder into the run r; return what is told."""
    code, out, err = run_cli(capsys, "import", "lm-eval", str(folder), "--run", "r")
    assert code == 0, err
    return out


def cells() -> set[tuple[str, str]]:
    return {(cell.model, cell.language) for cell in read_run("r").done}


def edit_first(change):
    """Return rows of which the first is changed."""
    rows = xcopa_rows()
    change(rows[0])
    return rows


BAD = {
    "a NaN": (
        edit_first(lambda row: row.update(filtered_resps=[["nan", False], [-1.0, False]])),
        "doc '0': a log-likelihood is not a number",
    ),
    "plus infinity": (
        edit_first(lambda row: row.update(filtered_resps=[[INF, False], [-1.0, False]])),
        "doc '0': a log-likelihood is not a number",
    ),
    "a text for a number": (
        edit_first(lambda row: row.update(filtered_resps=[["x", False], [-1.0, False]])),
        "no log-likelihoods",
    ),
    "no doc": (edit_first(lambda row: row.pop("doc")), "not lm-eval's sample: no 'doc'"),
    "no arguments": (edit_first(lambda row: row.pop("arguments")), ":1: no `arguments`"),
    "arguments of another kind": (
        edit_first(lambda row: row.update(arguments=7)),
        "not as lm-eval writes it",
    ),
    "one reply too few": (
        edit_first(lambda row: row["filtered_resps"].pop()),
        ":1: 2 requests, but 1 replies",
    ),
    "replies of another kind": (
        edit_first(lambda row: row.update(filtered_resps=3)),
        "no log-likelihoods, but 3",
    ),
    "no metric": (edit_first(lambda row: row.pop("acc")), "no metric of a single doc"),
    "a score that is no number": (edit_first(lambda row: row.update(acc="yes")), "not a number"),
    "a score out of range": (edit_first(lambda row: row.update(acc=75.0)), "not a score in [0, 1]"),
    "a score that is NaN": (edit_first(lambda row: row.update(acc=float("nan"))), "not a number"),
    "docs twice": ([*xcopa_rows(), *xcopa_rows()], "is there twice; each doc needs an id"),
    "no docs": ([], "holds no samples"),
    "fewer docs than were scored": (xcopa_rows()[:3], "holds 3 docs, its results say 4"),
    "a line that is no object": (["x", *xcopa_rows()], "expected an object"),
    "a line that is no JSON": ("{", "not lm-eval's samples"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_task_stops_no_good_one(capsys, name):
    rows, message = BAD[name]
    write_results(tasks={"xcopa_id": xcopa_rows(), "xcopa_sw": rows}, n_docs=4)
    out = import_folder(capsys)
    assert cells() == {("org/base", "id")} and message in out


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["n-shot"].update(xcopa_sw="five"),
        lambda content: content["configs"].update(xcopa_sw=None),
        lambda content: content["configs"]["xcopa_sw"].update(metric_list=3),
        lambda content: content["configs"]["xcopa_sw"].update(metric_list=[3]),
        lambda content: content["configs"]["xcopa_sw"].pop("metric_list"),
    ],
)
def test_a_task_with_a_bad_config_stops_no_good_one(capsys, change):
    write_results(tasks={"xcopa_id": xcopa_rows(), "xcopa_sw": xcopa_rows()}, change=change)
    assert "not imported" in import_folder(capsys) and cells() == {("org/base", "id")}


@pytest.mark.parametrize("text", ["{", "[]", '{"config": 1, "configs": {}}', "{}"])
def test_a_bad_results_file_stops_no_good_one(capsys, text):
    write_results(tasks={"xcopa_id": xcopa_rows()})
    write_results("results/b", time=2, tasks={"xcopa_sw": xcopa_rows()})
    path = next(Path("results/b").glob("results_*"))
    path.write_text(text, encoding="utf-8")
    out = import_folder(capsys)
    assert cells() == {("org/base", "id")} and f"{path.name}: not lm-eval's results" in out
    assert "not lm-eval's results" in refused(
        capsys, "import", "lm-eval", "results/b", "--run", "r2"
    )


def test_where_nothing_can_be_read_the_reason_is_the_message(capsys):
    write_results(tasks={"xcopa_sw": BAD["a NaN"][0]})
    message = refused(capsys, "import", "lm-eval", "results", "--run", "r")
    assert "nothing to import from results" in message and "is not a number" in message


@pytest.mark.parametrize("value", [-INF, "-inf", "-Infinity"])
def test_a_choice_that_cannot_be_is_a_choice_not_taken(capsys, value):
    rows = edit_first(
        lambda row: row.update(filtered_resps=[[-1.0, False], [value, False]], acc=1.0)
    )
    write_results(tasks={"xcopa_sw": rows})
    import_folder(capsys)
    found = read_run("r").done[Cell("org/base", "xcopa_lmeval", "sw", 0)]
    assert found.samples[0].loglikelihoods == (-1.0, -INF)
    assert found.scores["acc"].value == 1.0
    assert run_cli(capsys, "report", "r")[0] == 0


def test_a_text_that_cannot_be_is_left_out(capsys):
    row = {"doc_id": 0, "doc": {}, "target": "", "arguments": [["a text"]]}
    texts = [row | {"doc_id": i, "filtered_resps": [-INF if i else -9.0]} for i in range(3)]
    config = {"output_type": "loglikelihood_rolling"}
    write_results(
        tasks={"xcopa_id": xcopa_rows(), "xcopa_sw": texts},
        change=lambda content: content["configs"]["xcopa_sw"].update(config),
    )
    assert "doc '1' has no bits: -inf" in import_folder(capsys)
    assert cells() == {("org/base", "id")}


def test_a_later_trial_hides_no_full_run(capsys):
    write_results(tasks={"xcopa_sw": xcopa_rows(12)})
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows(2)}, config={"limit": 2.0})
    out = import_folder(capsys)
    assert "2 docs with --limit 2, left out for the earlier result with 12 docs" in out
    (found,) = read_run("r").done.values()
    assert len(found.samples) == 12 and found.signature.limit is None


def test_a_full_run_after_a_trial_counts(capsys):
    write_results(tasks={"xcopa_sw": xcopa_rows(2)}, config={"limit": 2.0})
    assert "1 new" in import_folder(capsys)
    write_results("results/b", time=2, tasks={"xcopa_sw": xcopa_rows(12)})
    out = import_folder(capsys)
    assert "1 changed" in out and "left out for the later result with 12 docs" in out
    assert [len(found.samples) for found in read_run("r").done.values()] == [12]


def test_of_as_many_docs_the_result_without_a_limit_counts(capsys):
    write_results(tasks={"xcopa_sw": xcopa_rows(4)})
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows(4)}, config={"limit": 4.0})
    import_folder(capsys)
    assert [found.signature.limit for found in read_run("r").done.values()] == [None]


def test_a_trial_replaces_nothing_that_the_run_holds(capsys):
    write_results("full", tasks={"xcopa_sw": xcopa_rows(12)})
    write_results("trial", time=2, tasks={"xcopa_sw": xcopa_rows(2)}, config={"limit": 2.0})
    import_folder(capsys, "full")
    out = import_folder(capsys, "trial")
    assert "2 docs with --limit 2, left out for the 12 docs that the run has" in out
    assert [len(found.samples) for found in read_run("r").done.values()] == [12]


def test_where_the_full_run_is_damaged_the_trial_counts_and_both_are_told(capsys):
    write_results(tasks={"xcopa_sw": [*xcopa_rows(11), {}]})
    write_results(time=2, tasks={"xcopa_sw": xcopa_rows(2)}, config={"limit": 2.0})
    assert "not lm-eval's sample" in import_folder(capsys)
    assert [len(found.samples) for found in read_run("r").done.values()] == [2]


def test_one_subject_does_not_replace_an_exam(capsys):
    entry = "exam_(?P<part>.+): {family: exam, language: sw, is_parallel: true}\n"
    Path("map.yaml").write_text(entry, encoding="utf-8")
    for subject, n in (("law", 3), ("maths", 4)):
        write_results(subject, tasks={f"exam_{subject}": xcopa_rows(n)})
        command = ("import", "lm-eval", subject, "--run", "r", "--map", "map.yaml")
        _, out, _ = run_cli(capsys, *command)
    assert "left out for the 3 docs, also of exam_law that the run has" in out


@pytest.mark.parametrize("form", ["list", "lines"])
def test_samples_that_end_in_json_are_read(capsys, form):
    write_results(tasks={"xcopa_sw": xcopa_rows()})
    path = next(Path("results").glob("samples_*"))
    text = path.read_text(encoding="utf-8")
    if form == "list":
        text = json.dumps([json.loads(line) for line in text.splitlines()], indent=1)
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    path.unlink()
    assert "1 new cells" in import_folder(capsys) and cells() == {("org/base", "sw")}


@pytest.mark.parametrize("name", ["pretrained=org__base,dtype=float16", "pretrained__org__base"])
def test_results_of_the_first_versions_are_read(capsys, name):
    write_results(
        tasks={"xcopa_id": xcopa_rows(), "xcopa_sw": xcopa_rows()},
        config={"model_args": "pretrained=org/base,revision=step9"},
    )
    folder = Path("results")
    path = next(folder.glob("results_*"))
    content = json.loads(path.read_text(encoding="utf-8"))
    for key in ("n-samples", "model_name", "lm_eval_version"):
        del content[key]
    for config in content["configs"].values():
        config["metadata"] = [{"version": 1.0}]
    (folder / "results.json").write_text(json.dumps(content), encoding="utf-8")
    path.unlink()
    for samples in list(folder.glob("samples_*")):
        rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
        task = samples.name.split("_20")[0].removeprefix("samples_")
        (folder / f"{name}_{task}.jsonl").write_text(json.dumps(rows, indent=2), encoding="utf-8")
        samples.unlink()
    import_folder(capsys)
    assert cells() == {("org/base@step9", "id"), ("org/base@step9", "sw")}
