"""`mlbench figure` draws what was asked for, and refuses a mistake with one exact message."""

from pathlib import Path

import pytest
from report_toys import HINDI, SWAHILI, ToyRun, choices, two_models
from test_cli import refused, run_cli

from mlbench.records import Cell


@pytest.fixture
def run() -> str:
    return str(two_models(Path("runs/r"), tokens=True).write())


@pytest.mark.parametrize("suffix", ["svg", "png", "PDF"])
def test_the_suffix_chooses_the_format(capsys, run, suffix):
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "PDF": b"%PDF"}
    out = f"made/moat.{suffix}"
    code, text, err = run_cli(capsys, "figure", "moat", "--run", run, "--out", out)
    assert (code, err) == (0, "") and text == f"figure: {out}\n"
    assert Path(out).read_bytes().startswith(starts[suffix])


@pytest.mark.parametrize(
    "arguments",
    [
        ("heatmap", "--family", "topic", "--models", "few", "many", "--width", "3.3"),
        ("difference", "--a", "few", "--b", "many"),
        ("forest", "--family", "topic", "text", "--b", "many"),
        ("profile", "--model", "few"),
        ("parity", "--models", "many"),
    ],
)
def test_a_choice_is_drawn(capsys, run, arguments):
    code, _, err = run_cli(capsys, "figure", *arguments, "--run", run, "--out", "x.svg")
    assert (code, err) == (0, "") and Path("x.svg").stat().st_size > 1_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("heatmp",), "no figure 'heatmp'. Did you mean 'heatmap'? See: mlbench figure --help. "),
        (("moat", "--out", "x.jpg"), "--out 'x.jpg' has no known format. It must end in .pdf, "),
        (("moat", "--width", "5"), "--width 5 is not known. Allowed: 3.3 or 6.75 inches"),
        (("moat", "--a", "manny"), "no model 'manny'. Did you mean 'many'? See: mlbench list"),
        (("heatmap", "--family", "topik"), "no family 'topik'. Did you mean 'topic'? See: "),
        (("heatmap", "--family", "topic", "terms"), "a heatmap shows one family or the mean of"),
        (("heatmap", "--family", "text", "--run", "no"), "no run 'no'"),
        (("forest", "--a", "few", "--b", "few"), "--a and --b are both 'few'. Choose two of: "),
        (("profile", "--models", "few", "many"), "a profile shows one model, not 2. Type --model"),
        (("parity", "--family", "topic"), "no model of this run has tokens of the same sentences"),
    ],
)
def test_a_mistake_is_refused(capsys, run, arguments, message):
    rest = {"--out": "x.svg", "--run": run}
    more = [part for key, value in rest.items() if key not in arguments for part in (key, value)]
    assert message in refused(capsys, "figure", *arguments, *more)


@pytest.mark.parametrize("name", ["difference", "forest", "moat"])
def test_one_model_has_no_difference(capsys, name):
    toy = ToyRun(Path("runs/one"))
    toy.put(Cell("many", "topic", "en", 0), choices(0.8))
    toy.write()
    message = refused(capsys, "figure", name, "--run", "one", "--out", "x.svg")
    assert "this run has one model (many), and a difference needs two" in message


def test_models_without_a_common_language_have_no_difference(capsys):
    toy = ToyRun(Path("runs/apart"))
    toy.put(Cell("many", "topic", "en", 0), choices(0.8))
    toy.put(Cell("few", "topic", "sw", 0), choices(0.8))
    toy.write()
    message = refused(capsys, "figure", "forest", "--run", "apart", "--out", "x.svg")
    assert "'many' and 'few' cannot be compared: " in message


def test_without_english_there_is_no_moat(capsys):
    two_models(Path("runs/r"), languages=(SWAHILI, HINDI)).write()
    message = refused(capsys, "figure", "moat", "--run", "r", "--out", "x.svg")
    assert "this run has no English (en), so it has no moat" in message


def test_a_file_that_cannot_be_written_is_refused(capsys, run):
    Path("file").write_text("", encoding="utf-8")
    message = refused(capsys, "figure", "moat", "--run", run, "--out", "file/x.svg")
    assert "cannot write file/x.svg" in message


def test_help_has_examples(capsys):
    code, out, _ = run_cli(capsys, "figure", "--help")
    assert code == 0 and "mlbench figure moat --run bench --out moat.pdf" in out
