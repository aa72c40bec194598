"""What is exported can be imported again: the same verdict from a table, the same samples else."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import refused, run_cli

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.exports import export_run
from mlbench.imports.imported import Imported, ImportedCell, add_to_run
from mlbench.imports.lm_eval_files import read_lm_eval
from mlbench.measures import ChoiceSample, Sample, ScoreSample, TextSample
from mlbench.models import Model
from mlbench.records import Cell
from mlbench.store.read import read_run
from mlbench.store.signature import Signature

LANGUAGES = read_languages()
TAGS = ("en", "ar", "hi", "th")
N_DOCS = 40
FACTS = {
    "title": "Toy",
    "question": "?",
    "suite": "core",
    "version": 1,
    "is_parallel": True,
    "licence": "CC0",
    "citation": "none",
    "source": "toys",
}
CHOICE = {**FACTS, "output_type": "multiple_choice", "chance": 0.5, "metrics": ["acc", "acc_norm"]}
TEXT = {**FACTS, "output_type": "loglikelihood_rolling", "chance": None, "metrics": ["bits"]}
SCORE = {**FACTS, "output_type": "score", "chance": None, "metrics": ["score"]}


def write_run(name: str, cells: dict[Cell, list[Sample]], families: dict[str, dict]) -> None:
    """Store cells as a run."""
    made = [
        ImportedCell(cell, Signature(source="toys", arguments=""), tuple(samples))
        for cell, samples in cells.items()
    ]
    models = {cell.model: {"slug": Model(cell.model, "toy").slug} for cell in cells}
    add_to_run(name, Imported(models, families, tuple(made)), LANGUAGES)


@pytest.fixture
def toy_run(rng) -> str:
    """Return a run of two models in four languages: choices, texts and bare scores."""
    cells: dict[Cell, list[Sample]] = {}
    for model, lead in (("org/good", 0.9), ("plain", 0.75)):
        for tag in TAGS:
            ids = [(f"d{i}", f"c{i // 2}") for i in range(N_DOCS)]
            rates = rng.random(N_DOCS)
            cells[Cell(model, "quiz", tag, 0)] = [
                ChoiceSample(*pair, 0, ("yes", "no"), (-1.0, -0.5 if rate > lead else -2.0))
                for pair, rate in zip(ids, rates, strict=True)
            ]
            cells[Cell(model, "text", tag, 0)] = [
                TextSample(*pair, -100 * (1 + rate / lead), 120, 30 + int(9 * rate))
                for pair, rate in zip(ids, rates, strict=True)
            ]
            cells[Cell(model, "told", tag, 2)] = [
                ScoreSample(*pair, float(rate)) for pair, rate in zip(ids, rates, strict=True)
            ]
    write_run("toys", cells, {"quiz": CHOICE, "text": TEXT, "told": SCORE})
    return "toys"


@pytest.fixture
def rng():
    import numpy as np

    return np.random.default_rng(3)


def test_a_table_gives_the_same_verdict_again(toy_run, capsys):
    for kind in ("csv", "parquet"):
        code, out, err = run_cli(capsys, "export", toy_run, "--format", kind)
        assert code == 0 and f"exports/toys/scores.{kind}: 24 cells, 960 docs" in out, err
    code, out, err = run_cli(capsys, "import", "csv", "exports/toys/scores.csv", "--run", "again")
    assert code == 0 and "24 new cells" in out, err
    models = ("--a", "org/good", "--b", "plain", "--json")
    verdicts = [run_cli(capsys, "verdict", run, *models)[1] for run in ("toys", "again")]
    families = json.loads(verdicts[0])["by_family"]
    assert families.keys() >= {"quiz", "told"}, families.keys()
    assert families["quiz"]["moat"]["estimate"] is not None
    # A table holds the judged scores only: no other rule, and nothing about choices.
    of_choices = ("rules", "rules_agree", "caveats")
    first, again = (
        {key: value for key, value in json.loads(text).items() if key not in of_choices}
        for text in verdicts
    )
    for verdict in (first, again):
        for family in verdict["by_family"].values():
            del family["measure"]
    assert first == again


def test_the_csv_and_the_parquet_file_say_the_same(toy_run):
    import pyarrow.parquet as pq

    for kind in ("csv", "parquet"):
        export_run(read_run(toy_run), kind, Path(f"t.{kind}"))
    with Path("t.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = pq.read_table("t.parquet").to_pylist()
    assert len(lines) == len(rows) == 960
    for line, row in zip(lines, rows, strict=True):
        assert line["doc_id"] == row["doc_id"] and float(line["score"]) == row["score"]
        assert line["n_tokens"] == ("" if row["n_tokens"] is None else str(row["n_tokens"]))


def test_an_export_is_the_same_bytes_twice(toy_run):
    contents = []
    for name in ("one", "two"):
        export_run(read_run(toy_run), "lm-eval", Path(name))
        files = sorted(p for p in Path(name).rglob("*") if p.is_file())
        contents.append([(str(p)[3:], p.read_bytes()) for p in files])
    assert len(contents[0]) == 2 * (4 * 3 + 2) and contents[0] == contents[1]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = words.filter(str.strip)
logs = st.floats(-1e6, 0, allow_nan=False)
scores = st.floats(0, 1, allow_nan=False)


def pairs_of(draw_sample):
    """Draw up to five samples with distinct ids."""
    ids = st.lists(st.tuples(names, names), min_size=1, max_size=5, unique_by=lambda pair: pair[0])
    return ids.flatmap(lambda found: st.tuples(*(draw_sample(pair) for pair in found)))


@st.composite
def choice_samples(draw):
    n, has_prior = draw(st.integers(2, 4)), draw(st.booleans())
    values = st.tuples(*[logs] * n)
    return draw(
        pairs_of(
            lambda pair: st.builds(
                ChoiceSample,
                st.just(pair[0]),
                st.just(pair[1]),
                st.integers(0, n - 1),
                st.tuples(*[words.filter(bool)] * n),
                values,
                values if has_prior else st.just(()),
                st.just(()) | st.tuples(*[st.integers(1, 9)] * n),
            )
        )
    )


texts = pairs_of(
    lambda pair: st.builds(
        TextSample,
        st.just(pair[0]),
        st.just(pair[1]),
        logs,
        st.integers(1, 999),
        st.none() | st.integers(1, 99),
    )
)
told = pairs_of(lambda pair: st.builds(ScoreSample, st.just(pair[0]), st.just(pair[1]), scores))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choices=choice_samples(), texts=texts, told=told)
def test_lm_eval_s_files_give_identical_samples_again(
    choices, texts, told, tmp_path_factory, monkeypatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("trip"))
    metrics = ["acc", "acc_norm", *(["acc_pmi"] if choices[0].calibration else [])]
    families = {"quiz": {**CHOICE, "metrics": metrics}, "text": TEXT, "told": SCORE}
    cells = {
        Cell("org/model", "quiz", "th", 0): choices,
        Cell("org/model", "quiz", "zh-Hans", 5): choices,
        Cell("other", "text", "ar", 0): texts,
        Cell("other", "told", "en", 0): told,
    }
    write_run("trip", cells, families)
    export_run(read_run("trip"), "lm-eval", Path("out"))
    found = read_lm_eval(Path("out"), LANGUAGES)
    assert {item.cell: item.samples for item in found.cells} == cells
    assert found.families == read_run("trip").families and found.skipped == ()
    add_to_run("again", found, LANGUAGES)
    for cell, result in read_run("trip").done.items():
        assert read_run("again").done[cell].scores == result.scores


def test_a_failed_cell_is_left_out_and_told(toy_run):
    run = read_run(toy_run)
    cell = run.planned[0]
    path = store.cell_path(run.folder, run.models[cell.model]["slug"], cell)
    path.unlink()
    line = export_run(read_run(toy_run), "csv", None)
    assert line == (
        "exports/toys/scores.csv: 23 cells, 920 docs; of 24 planned cells: 23 done, 0 changed, "
        "0 failed, 0 damaged, 1 missing"
    )


def test_wrong_exports_are_refused(toy_run, capsys):
    assert "no run 'nobody'" in refused(capsys, "export", "nobody", "--format", "csv")
    assert "is a folder" in refused(capsys, "export", "toys", "--format", "csv", "--out", "runs")
    Path("file").write_text("", encoding="utf-8")
    message = refused(capsys, "export", "toys", "--format", "lm-eval", "--out", "file")
    assert "'file' is a file; name a folder" in message
    code, _, err = run_cli(capsys, "export", "toys", "--format", "xml")
    assert code == 2 and "xml" in err
    for path in Path("runs").rglob("*.parquet"):
        path.unlink()
    assert "has no finished cell" in refused(capsys, "export", "toys", "--format", "csv")


def test_a_family_that_does_not_fit_the_run_is_refused(toy_run, capsys):
    line = "model,family,language,doc_id,score,chance\nm,quiz,sw,1,1,0.5\n"
    Path("cache").mkdir(exist_ok=True)
    Path("cache/t.csv").write_text(line, encoding="utf-8")
    message = refused(capsys, "import", "csv", "cache/t.csv", "--run", toy_run)
    assert (
        "family 'quiz' has metrics ['acc', 'acc_norm'] in runs/toys, but ['score'] here" in message
    )
