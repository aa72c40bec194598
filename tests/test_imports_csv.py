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
        (f"{HEADER}\nm,f,swx,1,1\n", "t.csv:2: no language 'swx'. Did you mean 'sw'"),
        (f"{HEADER}\nm,f,zh,1,1\n", "t.csv:2: no language 'zh': choose 'zh-Hans' or 'zh-Hant'"),
        (f"{HEADER}\nm,f,sw,1,True\n", "'True' is not a number; write 1 for true"),
        (f"{HEADER}\nm,f,sw,1,66.7%\n", "'66.7%' is not a number; divide percentages by 100"),
        (f'{HEADER}\nm,f,sw,1,"0,5"\n', "'0,5' is not a number; numbers need a decimal point"),
        (f"{HEADER}\nm,f,sw,1,NaN\n", "'NaN' is not a finite number; leave a doc"),
        (f"{HEADER}\nm,f,sw,1,NA\n", "'NA' is not a number; leave a doc without a score out"),
        (f"{HEADER}\nm,f,sw,1,inf\n", "'inf' is not a finite number"),
        (
            f"{HEADER}\nm,f,en,1,1\nm,f,en,2,1\nm,f,sw,1.0,1\n",
            "t.csv:4: doc_id '1.0' is written '1' in other lines of family 'f', cache/t.csv:2",
        ),
        (f"{HEADER}\nm,f,en,001,1\nm,f,sw,1,1\n", "doc_id '1' is written '001' in other"),
        (f"{HEADER}\nm,f,en,1,1\nn,f,en,1.0,1\n", "doc_id '1.0' is written '1' in other"),
        (f'{HEADER}\nm,f,sw,"1\nm,f,sw,2",1\n', "a doc_id has a line break"),
        (HEADER.replace(",", ";") + "\nm;f;sw;1;1\n", "separated by ';', a comma is needed"),
        (HEADER.replace(",", "\t") + "\nm\tf\tsw\t1\t1\n", "separated by a tab, a comma"),
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16_is_told(capsys, encoding):
    text = f"{HEADER}\nm,f,sw,1,1\n"
    assert "is in UTF-16; UTF-8 is needed" in import_table(capsys, text, encoding=encoding)


def test_a_table_in_windows_1252_is_told(capsys):
    found = import_table(capsys, f"{HEADER}\nm\u00fc,f,sw,1,1\n", encoding="cp1252")
    assert "byte 0xfc, as in Windows-1252" in found and "CSV UTF-8" in found


def test_a_spreadsheet_is_told(capsys):
    assert "is a spreadsheet or a zip file" in import_table(capsys, "PK\x03\x04" + "x" * 90)


def test_ids_in_both_forms_in_one_cell_are_two_docs(capsys):
    text = f"{HEADER}\nm,f,en,1,1\nm,f,en,1.0,1\nm,f,sw,1,0\nm,f,sw,1.0,0\n"
    Path("t.csv").write_text(text, encoding="utf-8")
    assert run_cli(capsys, "import", "csv", "t.csv", "--run", "r")[0] == 0


def test_a_language_may_have_any_of_its_codes(capsys):
    codes = ["swh_Latn", "EN", "fil", "iw", "Thai", "zh-TW", "hin"]
    lines = "".join(f"m,f,{code},1,1\n" for code in codes)
    Path("t.csv").write_text(f"{HEADER}\n{lines}", encoding="utf-8")
    _, out, _ = run_cli(capsys, "import", "csv", "t.csv", "--run", "r")
    found = {cell.language for cell in read_run("r").done}
    assert found == {"sw", "en", "tl", "he", "th", "zh-Hant", "hi"}
    assert "language 'swh_Latn' is 'sw'" in out and "'EN'" not in out


def test_one_language_under_two_codes_is_one_cell(capsys):
    lines = "m,f,sw,1,1\nm,f,swh_Latn,1,0\n"
    assert "doc '1' of this model" in import_table(capsys, f"{HEADER}\n{lines}")


def test_that_docs_are_not_paired_is_told(capsys):
    Path("t.csv").write_text(f"{HEADER}\nm,f,en,a1,1\nm,f,sw,b1,0\n", encoding="utf-8")
    _, out, _ = run_cli(capsys, "import", "csv", "t.csv", "--run", "r")
    assert "family 'f' is not parallel" in out


def test_a_missing_table_and_a_needless_map_are_refused(capsys):
    assert "cannot read none.csv" in refused(capsys, "import", "csv", "none.csv", "--run", "r")
    options = ("none.csv", "--run", "r", "--map", "m.yaml")
    assert "--map is for tasks of a tool" in refused(capsys, "import", "csv", *options)


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
