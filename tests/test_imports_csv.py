"""A table of scores becomes a run; the first wrong line is named and nothing is written."""

from pathlib import Path

import pytest
from test_cli import refused, run_cli

from mlbench.store.read import read_run

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
