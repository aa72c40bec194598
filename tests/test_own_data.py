"""A family of somebody's own: the page about it is true, and the run outlives its files."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from lm_eval.tasks import TaskManager
from test_cli import refused, run_cli

from mlbench import families
from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.families import add_family_files
from mlbench.store.read import read_run
from mlbench.terminal import family_list

TEXT = (Path(__file__).parent.parent / "docs/own_data.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[0].splitlines()
MESSAGE = re.findall(r"^```text\n(.*?)\n^```$", TEXT, re.MULTILINE | re.DOTALL)[0]


@pytest.fixture(autouse=True)
def no_family_stays(monkeypatch):
    monkeypatch.setattr(families, "_ADDED", {})
    monkeypatch.setattr(families, "_FILES", {})
    families.read_families.cache_clear()
    yield
    families.read_families.cache_clear()


@pytest.fixture
def here() -> Path:
    """Write the files of the page into the current folder."""
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    return Path()


@pytest.fixture
def listed_alone(monkeypatch):
    """List no family but those of files: the others take a while to be made in 119 languages."""
    monkeypatch.setattr(family_list, "read_families", lambda: families._ADDED)


def test_the_page_works_as_it_is_written_and_its_run_outlives_the_files(here, capsys, listed_alone):
    outputs = []
    for command in COMMANDS:
        code, out, err = run_cli(capsys, *shlex.split(command)[1:])
        assert code == 0, (command, out, err)
        outputs.append(out)
        if "run" in command.split():
            for name in FILES:
                (here / name).unlink()
    listed, ran, reported, judged = outputs
    assert re.search(r"harbour +extension +3 +33.3% +unknown", listed)
    assert "Done: 6 cells, 12 docs" in ran
    assert "reports/trial/index.html" in reported and "2 docs: nothing can be told" in judged
    facts = read_run("trial").families["harbour"]
    assert facts["source"] == "harbour.csv" and facts["licence"] == "CC0-1.0"


def test_the_message_on_the_page_is_what_is_said(here, capsys):
    table = FILES["harbour.csv"].replace("harbour,B", "harbour,D", 1)
    (here / "harbour.csv").write_text(table, encoding="utf-8")
    assert refused(capsys, "plan", "--family-file", "harbour.py") == MESSAGE


def test_where_the_files_lie_and_what_they_are_called_is_no_part_of_the_signature(here, capsys):
    def signatures(folder: Path, run: str) -> list[str]:
        arguments = ("--family-file", str(folder / "harbour.py"), "--languages", "en,th")
        code, _, err = run_cli(
            capsys, "run", *arguments, "--models", "demo-anglo", "--limit", "1", "--run", run
        )
        assert code == 0, err
        return [str(done.signature) for done in read_run(run).done.values()]

    first = signatures(here, "here")
    other = here / "there"
    other.mkdir()
    (here / "harbour.csv").rename(other / "other.csv")
    moved = FILES["harbour.py"].replace("harbour.csv", "other.csv")
    (other / "harbour.py").write_text(moved, encoding="utf-8")
    (here / "harbour.py").unlink()
    families._ADDED.clear()
    families.read_families.cache_clear()
    assert signatures(other, "there") == first
    assert not [part for part in first if "harbour.csv" in part or "other" in part]


def test_a_changed_question_and_a_changed_function_are_not_met_by_docs_of_before(here):
    def queries() -> list[str]:
        (family,) = add_family_files([here / "harbour.py"])
        docs = prepare(family, read_languages()["en"]).docs
        return sorted(doc.query[:6] for doc in docs.scored)

    assert queries() == ["A boat", "A tall"]
    table = (here / "harbour.csv").read_text(encoding="utf-8")
    (here / "harbour.csv").write_text(table.replace("A tall", "A high"), encoding="utf-8")
    assert queries() == ["A boat", "A high"]
    own = FILES["harbour.py"] + (
        "from dataclasses import replace\n"
        "MAKE = FAMILY.docs\n"
        "def docs(rows, language):\n"
        "    return MAKE({'test': [r | {'question': 'Q'} for r in rows['test']]}, language)\n"
        "FAMILY = replace(FAMILY, docs=docs)\n"
    )
    (here / "harbour.py").write_text(own, encoding="utf-8")
    assert queries() == ["Q", "Q"]
    (here / "harbour.py").write_text(own.replace("'Q'", "'R'"), encoding="utf-8")
    assert queries() == ["R", "R"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FAMILY = (", r"family file mine.py: line 1: '\(' was never closed"),
        ("import nothing_there", r"cannot be run: mine.py:1: ModuleNotFoundError: No module named"),
        ("x = 1\nFAMILY = {}['a']", r"cannot be run: mine.py:2: KeyError: 'a'"),
        ("FAMILLY = 1", r"has no FAMILY\. It ends with FAMILY = "),
        ("FAMILY = 'harbour'", r"has a FAMILY that is 'harbour'\."),
    ],
)
def test_a_broken_family_file_is_told_in_one_line(capsys, text, message):
    Path("mine.py").write_text(text, encoding="utf-8")
    assert re.search(message, refused(capsys, "plan", "--family-file", "mine.py"))


def test_a_family_file_that_is_not_there_is_told_in_one_line(capsys):
    line = refused(capsys, "plan", "--family-file", "none.py")
    assert "there is no family file 'none.py'. Give a Python file (.py)" in line


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"harbour",', '"sib200_topic",', "there is a family 'sib200_topic' already; choose ano"),
        ('"harbour",', '"xcopa_lmeval",', "there is a family 'xcopa_lmeval' already; choose an"),
        ('"harbour",', '"a/b",', "'a/b' is no name; '/', "),
        ('"harbour",', '"core",', "'core' is no name of a family; no comma, blank or suite"),
        ("target=", "first_target=2, target=", "first_target 2: allowed are 0 and 1"),
        ('("a", "b", "c")', '"a"', "column 'a' holds lists of choices, so say what guessing gives"),
        ('target="answer"', 'target=""', "is neither a choice family nor one of texts. Name query"),
        ("licence", "licens", "family_from_table takes no 'licens'. Allowed: title, question, "),
        ("is_parallel", "template='Q:', is_parallel", "template 'Q:' has no {query}"),
    ],
)
def test_facts_that_do_not_go_together_are_told_in_one_line(here, capsys, old, new, message):
    assert FILES["harbour.py"].count(old) == 1
    (here / "mine.py").write_text(FILES["harbour.py"].replace(old, new), encoding="utf-8")
    line = refused(capsys, "plan", "--family-file", "mine.py")
    assert line.startswith("mlbench: family file mine.py: ") and message in line


def test_what_breaks_in_somebodys_own_functions_is_told_with_its_line(here, capsys):
    own = FILES["harbour.py"] + (
        "from dataclasses import replace\n"
        "def prompt(doc):\n"
        "    return doc.qwery, doc.choices\n"
        "FAMILY = replace(FAMILY, prompt=prompt)\n"
    )
    Path("mine.py").write_text(own, encoding="utf-8")
    line = refused(capsys, "plan", "--family-file", "mine.py")
    n = own.count("\n") - 1
    assert f"harbour in 'en', doc '1': mine.py:{n}: AttributeError: " in line
    Path("mine.py").write_text(own.replace("doc.qwery", "doc.query + ' '"), encoding="utf-8")
    assert "the prompt of doc '1' ends in a blank" in refused(
        capsys, "plan", "--family-file", "mine.py"
    )


def test_a_worker_of_ray_gets_the_functions_themselves(here, tmp_path):
    """The file is no module that another process could import."""
    cloudpickle = pytest.importorskip("cloudpickle", reason="comes with Ray")
    own = FILES["harbour.py"] + (
        "from dataclasses import replace\n"
        "from mlbench.records import Prompt\n"
        "def prompt(doc):\n"
        "    return Prompt(f'Q: {doc.query}', doc.choices)\n"
        "FAMILY = replace(FAMILY, prompt=prompt)\n"
    )
    Path("mine.py").write_text(own, encoding="utf-8")
    (family,) = add_family_files([Path("mine.py")])
    (tmp_path / "family").write_bytes(cloudpickle.dumps(family))
    code = (
        "import pickle, sys; from mlbench.records import ChoiceDoc\n"
        "family = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(family.prompt(ChoiceDoc('1', '1', 'x', ('a', 'b'), 0)).context)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "family")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "Q: x\n"


def test_lm_eval_finds_the_tasks_of_a_file_from_anywhere(here, capsys, monkeypatch, tmp_path):
    arguments = ("tasks", "generate", "--family-file", "harbour.py")
    assert "--family-file and --out go together" in refused(capsys, *arguments)
    Path("mine/other").mkdir(parents=True)
    Path("mine/other/kept.yaml").write_text("task: kept\n", encoding="utf-8")
    code, out, err = run_cli(capsys, *arguments, "--out", "mine")
    assert (code, err) == (0, "") and out.startswith("4 task files in mine: lm_eval run ")
    assert Path("mine/other/kept.yaml").is_file()
    families._ADDED.clear()
    families._FILES.clear()
    families.read_families.cache_clear()
    manager = TaskManager(include_path=str(Path("mine").absolute()), include_defaults=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    task = manager.load(["mlbench_harbour_th"])["tasks"]["mlbench_harbour_th"]
    assert [doc["doc_id"] for doc in task.test_docs()] == ["1", "2"]


def test_two_files_and_a_named_family_are_scored_together(here, capsys):
    other = FILES["harbour.py"].replace('name="harbour"', 'name="quay"')
    Path("quay.py").write_text(other, encoding="utf-8")
    both = ("--family-file", "harbour.py", "--family-file", "quay.py", "--languages", "en")
    code, out, _ = run_cli(capsys, "plan", *both, "--families", "cldr_calendar")
    assert code == 0 and {"harbour", "quay", "cldr_calendar"} <= set(out.split())
    _, out, _ = run_cli(capsys, "fetch", *both)
    assert "harbour: 1 language, 2 docs, revision local" in out and "cldr" not in out
    code, _, err = run_cli(capsys, "run", *both, "--models", "demo-anglo", "--run", "two")
    assert code == 0, err
    cells = json.loads(run_cli(capsys, "list", "cells", "two", "--json")[1])
    assert [(cell["family"], cell["state"]) for cell in cells] == [
        ("harbour", "done"),
        ("quay", "done"),
    ]
