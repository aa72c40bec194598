"""Results of lighteval and OLMES become a run, with the scores that each tool gives.

golden/lighteval.zip is what lighteval 0.13.0 wrote of the two demo models (`lighteval accelerate
--save-details`, CPU) on a few rows of our own in six scripts. OLMES is on no package index; its
files are written here as its own `Metric.compute_for_docs` and `compute_save_metrics` do.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_cli import refused, run_cli

from mlbench.judge.pairing import pair
from mlbench.measures import ChoiceSample, ScoreSample
from mlbench.records import Cell
from mlbench.store.read import Run, read_run

TEXTS = {
    "en": ["a cat", "a dog", "an owl", "a bee"],
    "ar": ["قط", "كلب", "بومة", "نحلة"],
    "th": ["แมว", "หมา", "นกฮูก", "ผึ้ง"],
}


@pytest.fixture
def lighteval(tmp_path) -> Path:
    with zipfile.ZipFile(Path(__file__).parent / "golden" / "lighteval.zip") as archive:
        archive.extractall(tmp_path / "lighteval")
    return tmp_path / "lighteval"


def imported(capsys, *arguments: str) -> tuple[Run, str]:
    code, out, err = run_cli(capsys, "import", *arguments, "--run", "r")
    assert code == 0, err
    return read_run("r"), out


def test_lighteval_scores_are_those_that_it_gives(lighteval, capsys):
    run, out = imported(capsys, "lighteval", str(lighteval))
    assert "16 new cells" in out and "not imported: exam_sw, two_gold_sw" in out
    n_compared = 0
    for path in lighteval.glob("results/*/*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        for cell, result in run.done.items():
            if cell.model != content["config_general"]["model_name"]:
                continue
            kind = "cf" if "cf_" in cell.family.replace("mcf_", "") else "mcf"
            code = {"en": "eng_Latn", "ar": "arb_Arab", "hi": "hin_Deva", "th": "tha_Thai"}
            code |= {"ru": "rus_Cyrl", "zh-Hans": "zho_Hans"}
            given = content["results"][f"belebele_{code[cell.language]}_{kind}|{cell.shots}"]
            assert {*result.scores} == {*given} & {"acc", "acc_norm"}
            for metric, score in result.scores.items():
                assert score.value == pytest.approx(given[metric], abs=1e-12), (cell, metric)
                n_compared += 1
    assert n_compared == 16


def test_lighteval_keeps_choices_likelihoods_and_place_in_the_split(lighteval, capsys):
    run, _ = imported(capsys, "lighteval", str(lighteval))
    arabic, english = (
        run.done[Cell("demo-anglo", "belebele_cf_lighteval", tag, 0)].samples
        for tag in ("ar", "en")
    )
    assert {s.doc_id for s in arabic} == {s.doc_id for s in english} == {"0", "1", "2"}
    by_id = {s.doc_id: s for s in arabic}
    assert by_id["0"].choices[1] == " نهارا" and by_id["0"].target == 1
    assert len(by_id["0"].loglikelihoods) == 4 and max(by_id["0"].loglikelihoods) < 0
    assert run.families["belebele_cf_lighteval"]["is_parallel"]


def test_models_that_lighteval_asked_the_same_are_compared(lighteval, capsys):
    imported(capsys, "lighteval", str(lighteval))
    code, out, err = run_cli(capsys, "verdict", "r", "--a", "demo-polyglot", "--b", "demo-anglo")
    assert code == 0, err
    assert "not the same" not in out and "belebele_cf_lighteval" in out


def test_other_docs_under_the_same_ids_are_not_compared(lighteval, capsys):
    """lighteval numbers docs by place: rows that changed are other docs under the same ids."""
    (path,) = lighteval.glob("details/demo-anglo/*/details_belebele_arb_Arab_cf*")
    rows = pq.read_table(path).to_pylist()
    rows[0]["doc"]["query"] += " (v2)"
    pq.write_table(pa.Table.from_pylist(rows), path)
    run, _ = imported(capsys, "lighteval", str(lighteval))
    reasons = pair(run, "demo-polyglot", "demo-anglo").reasons
    assert "data" in reasons["belebele_cf_lighteval", "ar"]
    assert ("belebele_cf_lighteval", "hi") not in reasons


def test_replies_and_docs_of_several_right_choices_are_scores(lighteval, capsys, tmp_path):
    own = tmp_path / "map.yaml"
    own.write_text(
        "exam_sw: {family: exam, language: sw, metric: f1}\n"
        "two_gold_sw: {family: two_gold, language: sw}\n"
    )
    run, _ = imported(capsys, "lighteval", str(lighteval), "--map", str(own))
    for family in ("exam", "two_gold"):
        samples = run.done[Cell("demo-anglo", family, "sw", 0)].samples
        assert len(samples) == 3 and all(isinstance(s, ScoreSample) for s in samples)


def test_details_that_are_not_lightevals_are_told(lighteval, capsys):
    assert "lighteval accelerate" in refused(
        capsys, "import", "lighteval", str(lighteval / "results"), "--run", "r"
    )
    for path in lighteval.glob("details/*/*/*"):
        pq.write_table(pa.table({"example": ["a"], "predictions": ["b"]}), path)
    message = refused(capsys, "import", "lighteval", str(lighteval), "--run", "r")
    assert "no columns doc, metric and model_response" in message and "\n" not in message.strip()
    assert "no folder 'nowhere'" in refused(capsys, "import", "lighteval", "nowhere", "--run", "r")


def olmes_outputs(texts: list[str], values: list[float], *, prior: bool) -> list[dict[str, Any]]:
    """Return what OLMES keeps of each choice, as its MCAccuracy computes it."""
    outputs = []
    for text, value in zip(texts, values, strict=True):
        n_chars = max(len(text), 1)
        outputs.append(
            {
                "sum_logits": value,
                "num_tokens": 2,
                "num_tokens_all": 9,
                "is_greedy": False,
                **({"sum_logits_uncond": -2.0 - n_chars / 3} if prior else {}),
                "logits_per_token": value / 2,
                "logits_per_char": value / n_chars,
                "bits_per_byte": -1.44269504089 * value / max(len(text.encode()), 1),
                "num_chars": n_chars,
            }
        )
    return outputs


def olmes_metrics(outputs: list[dict[str, Any]], label: int) -> dict[str, Any]:
    def right(key: str, sign: int = 1) -> int:
        return int(max(range(4), key=lambda i: sign * outputs[i][key]) == label)

    less = [o["sum_logits"] - o.get("sum_logits_uncond", 0) for o in outputs]
    return {
        "correct_choice": label,
        "acc_raw": right("sum_logits"),
        "acc_per_token": right("logits_per_token"),
        "acc_per_char": right("logits_per_char"),
        "acc_per_byte": right("bits_per_byte", -1),
        "acc_uncond": int(less.index(max(less)) == label)
        if "sum_logits_uncond" in outputs[0]
        else None,
        "no_answer": 0,
        "sum_logits_corr": outputs[label]["sum_logits"],
    }


def write_olmes(  # noqa: PLR0913  (the parts of a task, by name)
    folder: Path,
    task: str,
    tag: str,
    *,
    model: str = "org/base",
    primary: str = "acc_per_char",
    requests: bool = True,
    number: int = 0,
    **config: Any,
) -> None:
    """Write the files of one task of OLMES over rows of our own."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions, asked = [], []
    for doc_id in range(6):
        texts = [f" {text}" for text in TEXTS[tag]]
        shift = len(model) + doc_id
        values = [-1.5 * ((shift * (i + 2)) % 7) - 1 - i / 8 for i in range(4)]
        label = doc_id % 4
        outputs = olmes_outputs(texts, values, prior=primary == "acc_uncond")
        predictions.append(
            {
                "doc_id": doc_id,
                "native_id": f"q{doc_id}",
                "metrics": olmes_metrics(outputs, label),
                "model_output": outputs,
                "label": label,
                "task_hash": "1",
                "model_hash": "2",
            }
        )
        for idx, text in enumerate(texts):
            request = {"context": f"Q{doc_id}?", "continuation": text}
            asked.append({"doc_id": doc_id, "native_id": f"q{doc_id}", "idx": idx, "label": label,
                          "doc": {"id": f"q{doc_id}"}, "request": request})  # fmt: skip
    metrics = {
        "task_name": task,
        "task_config": {"task_name": task, "num_shots": 5, "primary_metric": primary, **config},
        "model_config": {"model": model, "model_type": "hf", "max_length": 2048, "dtype": "auto"},
        "current_date": "2026-01-02 03:04:05 UTC",
        "num_instances": len(predictions),
        "metrics": {"primary_score": sum(p["metrics"][primary] for p in predictions) / 6},
    }
    stem = folder / f"task-{number:03d}-{task}"
    Path(f"{stem}-metrics.json").write_text(json.dumps(metrics))
    lines = {"predictions": predictions, "requests": asked if requests else []}
    for kind, rows in lines.items():
        if rows:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            Path(f"{stem}-{kind}.jsonl").write_text(text, encoding="utf-8")


def test_olmes_scores_are_those_that_it_gives(tmp_path, capsys):
    write_olmes(tmp_path / "a", "arc_easy", "en")
    write_olmes(tmp_path / "a", "piqa:mc", "en", primary="acc_raw", number=1)
    write_olmes(tmp_path / "a", "csqa", "en", primary="acc_uncond", number=2)
    run, out = imported(capsys, "olmes", str(tmp_path / "a"))
    assert "3 new cells" in out and "set-ups" not in out
    own = {"acc_norm": "acc_per_char", "acc": "acc_raw", "acc_bytes": "acc_per_byte",
           "acc_pmi": "acc_uncond"}  # fmt: skip
    for family, task, first in (
        ("arc_easy_olmes", "arc_easy", "acc_norm"),
        ("piqa_mc_olmes", "piqa:mc", "acc"),
        ("csqa_olmes", "csqa", "acc_pmi"),
    ):
        result = run.done[Cell("org/base", family, "en", 5)]
        (path,) = (tmp_path / "a").glob(f"*-{task}-predictions.jsonl")
        rows = [json.loads(line)["metrics"] for line in path.read_text().splitlines()]
        assert run.families[family]["metrics"][0] == first
        for metric, score in result.scores.items():
            given = sum(row[own[metric]] for row in rows) / len(rows)
            assert score.value == pytest.approx(given, abs=1e-12), (family, metric)
        assert isinstance(result.samples[0], ChoiceSample) and result.samples[3].doc_id == "q3"


def test_olmes_in_other_languages_is_mapped_and_two_models_are_compared(tmp_path, capsys):
    own = tmp_path / "map.yaml"
    own.write_text("my_exam_(?P<code>[a-z]{2}): {family: my_exam, is_parallel: true}\n")
    for model in ("org/base", "org/other"):
        for number, tag in enumerate(TEXTS):
            write_olmes(tmp_path / model, f"my_exam_{tag}", tag, model=model, number=number)
    run, _ = imported(capsys, "olmes", str(tmp_path / "org"), "--map", str(own))
    assert len(run.done) == 6
    code, out, err = run_cli(capsys, "verdict", "r", "--a", "org/base", "--b", "org/other")
    assert code == 0 and "my_exam" in out, err


def test_olmes_without_requests_gives_its_primary_score(tmp_path, capsys):
    write_olmes(tmp_path / "a", "arc_easy", "en", requests=False)
    run, _ = imported(capsys, "olmes", str(tmp_path / "a"))
    result = run.done[Cell("org/base", "arc_easy_olmes", "en", 5)]
    text = (tmp_path / "a/task-000-arc_easy-predictions.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [s.score for s in result.samples] == [row["metrics"]["acc_per_char"] for row in rows]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("predictions.jsonl", '{"doc_id": 1', "not as OLMES writes it"),
        ("predictions.jsonl", '{"doc_id": 1}\n', "not OLMES's predictions"),
        ("metrics.json", "[]", "cannot be read"),
        ("requests.jsonl", '{"doc_id": 1}\n', "not as olmes writes it"),
    ],
)
def test_files_that_are_not_olmes_are_told_in_a_line(tmp_path, capsys, name, text, told):
    write_olmes(tmp_path / "a", "arc_easy", "en")
    (tmp_path / f"a/task-000-arc_easy-{name}").write_text(text)
    message = refused(capsys, "import", "olmes", str(tmp_path / "a"), "--run", "r")
    assert told in message and "\n" not in message.strip()
