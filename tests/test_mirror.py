"""A mirror with some of the languages is read; a broken file is refused with its place."""

import gc
import os
from pathlib import Path

import pytest
from conftest import SENTENCES, make_rows, write_sib200
from test_cli import run_cli
from test_lfs import POINTER

from mlbench.data import sources
from mlbench.data.languages import read_languages
from mlbench.data.mirror import lay_out
from mlbench.data.prepare import prepare
from mlbench.errors import DataError, NoData
from mlbench.families import read_families
from mlbench.store.read import read_run

LANGUAGES = read_languages()
TOPIC = read_families()["sib200_topic"]
CODES = ("eng_Latn", "tha_Thai", "rus_Cyrl")


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Path:
    """Return the folder of a mirror with three languages."""
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    return write_sib200(tmp_path, {code: make_rows(code) for code in CODES})


def edit(folder: Path, code: str, change, file: str = "test.tsv") -> None:
    """Change the lines of a file; the first is the header."""
    path = folder / "data" / code / file
    lines = path.read_text(encoding="utf-8").splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def refused(tag: str) -> str:
    sources._mirror_state.cache_clear()
    with pytest.raises(DataError) as error:
        prepare(TOPIC, LANGUAGES[tag])
    message = str(error.value)
    assert "\n" not in message and "connection" not in message and len(message) < 600
    return message


def test_languages_that_are_there_are_read_and_the_others_have_no_data(mirror, capsys):
    for path in (mirror / "data" / "rus_Cyrl").iterdir():
        path.unlink()
    assert len(prepare(TOPIC, LANGUAGES["en"]).docs.scored) == 9
    assert (
        prepare(TOPIC, LANGUAGES["ru"]).reason
        == f"the mirror {mirror} has no data/rus_Cyrl/train.tsv"
    )
    assert (
        prepare(TOPIC, LANGUAGES["sw"]).reason
        == f"{mirror}/README.md names no configuration 'swh_Latn'"
    )
    options = ("--languages", "en,th,ru,sw", "--families", "sib200_topic", "--run", "r")
    assert run_cli(capsys, "run", "--models", "demo-polyglot", *options, "--limit", "4")[0] == 0
    run = read_run("r")
    assert {cell.language for cell in run.done} == {"en", "th"}
    assert set(run.no_data["sib200_topic"]) == {"ru", "sw"}


def test_fetch_says_which_languages_have_no_data(mirror, capsys):
    options = ("--families", "sib200_topic", "--languages", "en,th,sw")
    code, out, _ = run_cli(capsys, "fetch", *options)
    assert code == 0 and "sib200_topic: 2 languages, 18 docs" in out
    assert f"no data for sw: {mirror}/README.md names no configuration 'swh_Latn'" in out


@pytest.mark.parametrize("file", ["train.tsv", "dev.tsv", "test.tsv"])
def test_a_language_with_a_missing_file_has_no_data(mirror, file):
    (mirror / "data" / "tha_Thai" / file).unlink()
    assert f"has no data/tha_Thai/{file}" in str(prepare(TOPIC, LANGUAGES["th"]).reason)


@pytest.mark.parametrize("last", [4, 5, 8])
def test_a_quote_that_does_not_close_swallows_nothing(mirror, last):
    def change(lines):
        for i in range(3, last + 1):
            head, _ = lines[i].rsplit("\t", 1)
            marks = ('"' if i == 3 else "", '"' if i == last else "")
            lines[i] = f"{head}\t{marks[0]}text {i}{marks[1]}"

    edit(mirror, "tha_Thai", change)
    message = refused("th")
    assert "tha_Thai, split test, row 3" in message and "not balanced" in message


def test_a_quote_that_closes_nowhere_is_refused(mirror):
    edit(mirror, "tha_Thai", lambda lines: lines.append('900\tsports\t"no end'))
    assert "split test, row 10" in refused("th")


def test_a_quote_around_the_first_word_is_refused(mirror):
    """pandas takes such quotes away and tells nobody."""
    edit(mirror, "tha_Thai", lambda lines: lines.append('900\tsports\t"Go" they said'))
    assert "split test, row 10" in refused("th")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("118\tsports", "2 fields, the header has 3"),
        ("118\tsports\ta\tb", "4 fields, the header has 3"),
        ('118\tsports\t"a\tb"', "not balanced"),
        ('118\tsports\t"a\nb"', "not balanced"),
        ("118\tsports\t", "empty text"),
        ("118\tsports\tNA", "empty text None (NA and empty fields are read as missing)"),
        ("\tsports\ta", "index_id"),
        ("118\tSports\ta", "unknown label 'Sports'"),
        ("FIRST\tsports\ta", "is there twice, also in split test, row 1"),
        ("0\tsports\ta", "id 0 is there twice, also in split train, row 1"),
        ("119\tsports\ta", "id 119 is 'sports' here and 'no such id' in the same split in English"),
    ],
)
def test_a_wrong_row_is_refused_with_split_and_row(mirror, line, message):
    def change(lines):
        lines[8] = line.replace("FIRST", lines[1].split("\t")[0])

    edit(mirror, "tha_Thai", change)
    found = refused("th")
    assert message in found and "tha_Thai, split test, row 8" in found


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_datasets_says_of_a_cause_is_told(mirror):
    """pandas leaves the file open that it could not read."""
    edit(mirror, "tha_Thai", lambda lines: lines.__setitem__(8, "x\tsports\ta"))
    assert "Failed to parse string: 'x' as a scalar of type int64" in refused("th")
    gc.collect()


def test_a_label_that_english_has_not_is_refused(mirror):
    def change(lines):
        number, topic, text = lines[2].split("\t")
        lines[2] = f"{number}\t{'travel' if topic == 'sports' else 'sports'}\t{text}"

    edit(mirror, "tha_Thai", change)
    assert "split test, row 2: id " in refused("th")


def test_a_short_split_is_read(mirror):
    edit(mirror, "tha_Thai", lambda lines: lines.pop())
    assert len(prepare(TOPIC, LANGUAGES["th"]).docs.scored) == 8


def test_a_broken_english_is_not_told_of_another_language(mirror):
    edit(mirror, "eng_Latn", lambda lines: lines.append("900"))
    assert len(prepare(TOPIC, LANGUAGES["th"]).docs.scored) == 9
    assert "eng_Latn, split test, row 10" in refused("en")


@pytest.mark.parametrize("file", ["train.tsv", "test.tsv"])
def test_a_git_lfs_pointer_is_named(mirror, file):
    path = mirror / "data" / "tha_Thai" / file
    path.write_text(POINTER, encoding="utf-8")
    assert refused("th") == f"{path} is a Git LFS pointer ({len(POINTER)} bytes): git lfs pull"
    assert len(prepare(TOPIC, LANGUAGES["en"]).docs.scored) == 9


def test_a_file_in_another_encoding_is_named(mirror):
    path = mirror / "data" / "rus_Cyrl" / "test.tsv"
    path.write_text(path.read_text(encoding="utf-8"), encoding="cp1251")
    assert f"{path} is not in UTF-8" in refused("ru")


def test_a_mirror_that_names_no_configurations_is_left_to_datasets(tmp_path, monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    folder = write_sib200(tmp_path, {"eng_Latn": make_rows("eng_Latn")})
    (folder / "README.md").write_text("no header", encoding="utf-8")
    assert "cannot read data set Davlan/sib200 eng_Latn from" in refused("en")


def test_the_toys_are_in_the_mirror():
    assert set(CODES) <= set(SENTENCES)


def test_a_head_that_was_changed_is_read_again(mirror, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert lay_out(mirror, "tha_Thai", first) == first
    head = mirror / "README.md"
    head.write_text(head.read_text(encoding="utf-8").replace("tha_Thai", "tha_Gone"), "utf-8")
    os.utime(head, ns=(1, 1))
    with pytest.raises(NoData, match="no configuration 'tha_Thai'"):
        lay_out(mirror, "tha_Thai", second)
