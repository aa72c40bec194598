"""What is exported can be imported again: the same verdict from a table, the same samples else."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cli import refused, run_cli

from mlbench import store
from mlbench.exports import export_run
from mlbench.imports.imported import Imported, ImportedCell, add_to_run
from mlbench.imports.lm_eval import read_lm_eval
from mlbench.languages import read_languages
from mlbench.metrics import ChoiceSample, Sample, ScoreSample, TextSample
from mlbench.models import Model
from mlbench.records import Cell
from mlbench.results import read_run

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
        ImportedCell(cell, {"source": "toys", "arguments": ""}, tuple(samples))
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
    assert verdicts[0] == verdicts[1]


def test_the_csv_and_the_parquet_file_say_the_same(toy_run):
    import pyarrow.parquet as pq

    for kind in ("csv", "parquet"):
        export_run(toy_run, kind, Path(f"t.{kind}"))
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
        export_run(toy_run, "lm-eval", Path(name))
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
    export_run("trip", "lm-eval", Path("out"))
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
    line = export_run(toy_run, "csv", None)
    assert line == "exports/toys/scores.csv: 23 cells, 920 docs; 1 cells are not finished"


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


HEADER = "model,family,language,doc_id,score"


def import_table(capsys, text: str, *, encoding: str = "utf-8") -> str:
    """Return the message with which a table is refused."""
    Path("cache").mkdir(exist_ok=True)
    Path("cache/t.csv").write_text(text, encoding=encoding)
    return refused(capsys, "import", "csv", "cache/t.csv", "--run", "r")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv:1: the header has no column 'model', only nothing"),
        ("model,family,lang,doc_id,score\n", "t.csv:1: the header has no column 'language'"),
        (f"{HEADER},score\n", "t.csv:1: the column 'score' is there twice"),
        (f"{HEADER}\n", "t.csv has a header and no scores"),
        (f"{HEADER}\nm,f,swa,1,1\n", "t.csv:2: no language 'swa'. Did you mean 'sw'"),
        (f"{HEADER}\nm,f,sw,1,1\nm,f,sw,2,yes\n", "t.csv:3: score 'yes' is not a number"),
        (f"{HEADER}\nm,f,sw,1,nan\n", "t.csv:2: score 'nan' is not a finite number"),
        (f"{HEADER}\nm,f,sw,1,\n", "t.csv:2: score is empty"),
        (f"{HEADER}\nm,f,sw,1,57.5\n", "t.csv:2: score '57.5' is not in [0, 1]. A percentage"),
        (f"{HEADER}\nm,f,sw,1,1\nm,f,sw,1,0\n", "t.csv:3: doc '1' of this model"),
        (f"{HEADER}\nm,f,sw,1\n", "t.csv:2: expected 5 fields"),
        (f"{HEADER}\nm,f,sw,1,1,1\n", "t.csv:2: expected 5 fields"),
        (f"{HEADER}\n,f,sw,1,1\n", "t.csv:2: model is empty"),
        (f"{HEADER}\nm,../f,sw,1,1\n", "t.csv:2: family '../f' is no name"),
        (f"{HEADER},chance\nm,f,sw,1,1,1.5\n", "t.csv:2: chance '1.5' is not in [0, 1)"),
        (f"{HEADER},chance\nm,f,sw,1,1,.2\nm,f,en,1,1,.3\n", "t.csv:3: chance of family 'f' is"),
        (f"{HEADER},shots\nm,f,sw,1,1,-1\n", "t.csv:2: shots '-1' is not 0, 1, 2"),
        (f"{HEADER},is_parallel\nm,f,sw,1,1,no\n", "t.csv:2: is_parallel 'no' is not true"),
        (f"{HEADER},loglikelihood\nm,f,sw,1,9,-6\n", "t.csv:2: n_bytes is needed"),
        (f'{HEADER}\nm,f,sw,"1,1\n', "t.csv is not a CSV file in UTF-8"),
    ],
)
def test_a_wrong_table_is_refused(capsys, text, message):
    assert message in import_table(capsys, text)


def test_a_table_in_another_encoding_is_refused(capsys):
    assert "not a CSV file in UTF-8" in import_table(
        capsys, HEADER + "\nö,f,sw,1,1\n", encoding="latin-1"
    )


def test_a_missing_table_and_a_needless_map_are_refused(capsys):
    assert "cannot read none.csv" in refused(capsys, "import", "csv", "none.csv", "--run", "r")
    options = ("none.csv", "--run", "r", "--map", "m.yaml")
    assert "--map is for lm-eval" in refused(capsys, "import", "csv", *options)


def test_a_byte_order_mark_is_no_part_of_the_header(capsys):
    Path("t.csv").write_text(f"\ufeff{HEADER}\nm,f,sw,1,1\n", encoding="utf-8")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "r")[0] == 0


def test_docs_are_parallel_if_the_languages_share_ids(capsys):
    rows = {"shared": "m,f,sw,1,1\nm,f,en,1,0\n", "own": "m,g,sw,s1,1\nm,g,en,e1,0\n"}
    Path("t.csv").write_text(f"{HEADER}\n{rows['shared']}{rows['own']}", encoding="utf-8")
    run_cli(capsys, "import", "csv", "t.csv", "--run", "r")
    families = read_run("r").families
    assert families["f"]["is_parallel"] and not families["g"]["is_parallel"]


def test_a_table_that_grew_by_a_model_adds_only_its_cells(capsys):
    lines = f"{HEADER}\nm,f,sw,1,1\nm,f,en,1,0\n"
    Path("t.csv").write_text(lines, encoding="utf-8")
    run_cli(capsys, "import", "csv", "t.csv", "--run", "r")
    Path("t.csv").write_text(f"{lines}new,f,sw,1,0\nnew,f,en,1,0\n", encoding="utf-8")
    _, out, _ = run_cli(capsys, "import", "csv", "t.csv", "--run", "r")
    assert "2 new cells, 0 changed, 2 known" in out


def test_a_family_that_does_not_fit_the_run_is_refused(toy_run, capsys):
    line = f"{HEADER},chance\nm,quiz,sw,1,1,0.5\n"
    Path("cache").mkdir(exist_ok=True)
    Path("cache/t.csv").write_text(line, encoding="utf-8")
    message = refused(capsys, "import", "csv", "cache/t.csv", "--run", toy_run)
    assert (
        "family 'quiz' has metrics ['acc', 'acc_norm'] in runs/toys, but ['score'] here" in message
    )
