"""Bad input ends with one clear message and exit code 2; good input does what its help says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SCRIPTS

from mlbench.cli import main
from mlbench.store import LOCK


def run_cli(capsys, *arguments: str) -> tuple[int, str, str]:
    """Call the command line as the console script does; return exit code, stdout, stderr."""
    argv, sys.argv = sys.argv, ["mlbench", *arguments]
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = argv
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys, *arguments: str) -> str:
    """Return the message of a command that must fail with exit code 2 and write nothing.

    The lock of a run stays: to take it away while another command waits at it would let in two.
    """
    before = sorted(Path().rglob("*"))
    code, out, err = run_cli(capsys, *arguments)
    assert code == 2, (code, out, err)
    assert "Traceback" not in out + err
    written = [p for p in sorted(Path().rglob("*")) if p not in before and "cache" not in p.parts]
    assert [p for p in written if p.is_file() and p.name != LOCK] == []
    lines = err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("mlbench: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--languages", "swx"), "no language 'swx'. Did you mean 'sw'"),
        (("--languages", "class:9"), "no resource class '9'"),
        (("--families", "sib200_topik"), "no family 'sib200_topik'. Did you mean 'sib200_topic'"),
        (("--models", "demo-polyglott"), "no model 'demo-polyglott'. Did you mean 'demo-polyglot'"),
        (("--shots", "five"), "--shots 'five' is not a number"),
        (("--languages-file", "none.yaml"), "cannot read languages file none.yaml"),
        (("--languages", "arz", "--families", "cldr_terms"), "nothing to run: "),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_wrong_selection_is_refused(capsys, checkpoint, command, arguments, message):
    models = () if "--models" in arguments else ("--models", str(checkpoint))
    assert message in refused(capsys, command, *models, *arguments)


def test_an_unknown_option_value_is_refused(capsys, checkpoint):
    code, _, err = run_cli(capsys, "run", "--models", str(checkpoint), "--overflow", "ignore")
    assert code == 2 and "'refuse', 'truncate'" in err


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("tokenizer*", "has no tokenizer, expected one of tokenizer.json"),
        ("model.safetensors", "has no weights (*.safetensors or *.bin)"),
        ("config.json", "has no config.json"),
    ],
)
def test_an_incomplete_model_folder_is_refused(capsys, checkpoint, tmp_path, missing, message):
    folder = tmp_path / "cache" / "model"
    shutil.copytree(checkpoint, folder)
    for path in folder.glob(missing):
        path.unlink()
    assert message in refused(capsys, "run", "--models", str(folder), "--families", "cldr_terms")


def test_a_hub_model_that_cannot_be_reached_is_refused(capsys):
    message = refused(capsys, "run", "--models", "nobody/nothing", "--languages", "en")
    assert "cannot find model 'nobody/nothing' on the hub" in message


@pytest.mark.slow
def test_an_unknown_backend_is_refused(capsys):
    arguments = ("--families", "cldr_calendar", "--languages", "en")
    message = refused(capsys, "run", "--models", "vlm:x=1", *arguments)
    assert "cannot load model 'vlm:x=1'" in message


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_leaves_a_run_as_it_was(capsys, checkpoint):
    arguments = ("--families", "cldr_calendar", "--languages", "en", "--limit", "2", "--run", "r")
    run_cli(capsys, "run", "--models", str(checkpoint), *arguments)
    before = Path("runs/r/run.json").read_bytes()
    refused(capsys, "run", "--models", "vlm:x=1", *arguments)
    assert Path("runs/r/run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--device", "cuda:77"), "no device 'cuda:77' on this machine. Here: cpu"),
        (("--device", "gpu"), "no device 'gpu' on this machine"),
        (("--batch-size", "many"), "--batch-size 'many' is not known. Allowed: auto"),
        (("--batch-size", "0"), "--batch-size '0' is not known"),
    ],
)
def test_a_wrong_way_to_load_is_refused(capsys, checkpoint, arguments, message):
    selection = ("--models", str(checkpoint), "--families", "cldr_calendar", "--languages", "en")
    assert message in refused(capsys, "run", *selection, *arguments)


def test_an_unknown_dtype_is_refused(capsys, checkpoint):
    code, out, err = run_cli(capsys, "run", "--models", str(checkpoint), "--dtype", "float99")
    assert code == 2 and "'bfloat16'" in err and "Traceback" not in out + err


def test_a_wrong_data_row_is_refused(capsys, checkpoint, tmp_path, monkeypatch):
    from conftest import make_rows, write_sib200

    rows = make_rows("eng_Latn")
    rows["test"][1] = (rows["test"][1][0], "weather", "It rains.")
    write_sib200(tmp_path / "cache" / "data", {"eng_Latn": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path / "cache" / "data"))
    arguments = ("--models", str(checkpoint), "--families", "sib200_lm", "--languages", "en")
    assert "split test, row 2: unknown label 'weather'" in refused(capsys, "run", *arguments)


def test_a_run_folder_that_cannot_be_written_is_refused(capsys, checkpoint, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "file").write_text("", encoding="utf-8")
    place = str(tmp_path / "cache" / "file" / "run")
    arguments = ("--models", str(checkpoint), "--families", "cldr_calendar", "--languages", "en")
    assert "cannot write" in refused(capsys, "run", *arguments, "--run", place)


@pytest.mark.slow
def test_a_window_too_short_is_refused_with_the_way_out(capsys, sib200, narrow_checkpoint):
    arguments = ("--models", str(narrow_checkpoint), "--families", "sib200_topic")
    message = refused(capsys, "run", *arguments, "--languages", "en,th", "--shots", "5")
    assert "--overflow truncate" in message and "en, th" in message


@pytest.mark.slow
def test_run_then_again_then_plan_then_list(capsys, sib200, checkpoint):
    selection = ("--models", str(checkpoint), "--families", "sib200_topic,sib200_lm")
    selection += ("--languages", "en", "ru", "--limit", "3", "--run", "trial")
    code, out, err = run_cli(capsys, "run", *selection)
    assert (code, err) == (0, "") and "Done: 4 cells, 12 docs" in out
    code, out, _ = run_cli(capsys, "run", *selection)
    assert code == 0 and "Nothing pending: all 4 cells" in out
    code, out, _ = run_cli(capsys, "plan", *selection, "--shots", "0,2")
    assert code == 0 and "4 done, 2 missing" in out
    code, out, _ = run_cli(capsys, "list", "cells", "trial", "--json")
    cells = json.loads(out)
    assert len(cells) == 4 and {cell["state"] for cell in cells} == {"done"}


@pytest.mark.slow
def test_a_run_says_which_choices_are_never_taken(capsys, sib200, checkpoint):
    selection = ("--models", str(checkpoint), "--families", "sib200_topic", "--run", "never")
    code, out, _ = run_cli(capsys, "run", *selection, "--languages", ",".join(SCRIPTS))
    assert code == 0 and f"Check this: {checkpoint} never takes " in out


@pytest.mark.slow
def test_plan_tells_tokens_time_and_what_could_be_seen(capsys, sib200, checkpoint):
    selection = ("--models", str(checkpoint), "--families", "sib200_topic", "--limit", "3")
    _, out, _ = run_cli(capsys, "plan", *selection, "--languages", "en,hi")
    row = next(line for line in out.splitlines() if " sib200_topic " in line).split()
    assert row[-1] == "?" and int(row[-2].replace(",", "")) > 100
    assert "3 docs: nothing can be told; 6 are needed" in out
    run_cli(capsys, "run", *selection, "--languages", "en")
    _, out, _ = run_cli(capsys, "plan", *selection, "--languages", "en,hi")
    row = next(line for line in out.splitlines() if " sib200_topic " in line)
    assert row.rstrip().endswith(" s")


@pytest.mark.slow
def test_a_model_has_no_moat_over_itself(capsys, sib200, checkpoint):
    """The same weights under two names: never supported, never refuted."""
    twin = Path("twin")
    shutil.copytree(checkpoint, twin)
    arguments = ("--families", "sib200_topic,sib200_lm", "--languages", "en,ar,ru,th")
    run_cli(capsys, "run", "--models", str(checkpoint), str(twin), *arguments, "--run", "aa")
    names = ("--a", str(checkpoint), "--b", str(twin))
    code, out, _ = run_cli(capsys, "verdict", "aa", *names, "--json")
    verdict = json.loads(out)
    assert code == 0 and verdict["moat"]["verdict"] in ("equivalent", "undetermined")
    assert all(row["delta"] == 0 for row in verdict["per_language"])
    code, out, _ = run_cli(capsys, "verdict", "aa", *names)
    assert code == 0 and "has a multilingual moat over" in out
    code, out, _ = run_cli(capsys, "verdict", "aa", *names, "--explain", "ar")
    assert code == 0 and "sib200_topic, 0 shots, acc_calibrated of 9 docs" in out
    assert "no model 'x'" in refused(capsys, "verdict", "aa", "--a", "x", "--b", "y")
    message = refused(capsys, "verdict", "aa", *names, "--explain", "sw")
    assert "in language 'sw'" in message
    assert "no run 'bb'" in refused(capsys, "verdict", "bb", *names)


def test_a_failed_cell_gives_exit_code_1_and_keeps_the_rest(
    capsys, sib200, checkpoint, monkeypatch
):
    from mlbench.runner import local

    evaluate = local.evaluate

    def break_english(model, prepared, **options):
        if prepared.language.tag == "en":
            raise RuntimeError("the planned fault")
        return evaluate(model, prepared, **options)

    monkeypatch.setattr(local, "evaluate", break_english)
    arguments = ("--models", str(checkpoint), "--families", "sib200_lm", "--languages", "en,ru")
    code, out, _ = run_cli(capsys, "run", *arguments)
    assert code == 1 and "FAILED" in out and "the planned fault" in out and "Done: 1 cell," in out


@pytest.mark.slow
def test_a_model_given_up_is_told_with_what_is_left(capsys, sib200, checkpoint, monkeypatch):
    from mlbench.runner import local

    def fill_memory(*_, **__):
        raise RuntimeError("out of memory\nand more")

    monkeypatch.setattr(local, "evaluate", fill_memory)
    arguments = ("--models", str(checkpoint), "--families", "sib200_topic", "--shots", "0,1")
    code, out, _ = run_cli(capsys, "run", *arguments, "--languages", ",".join(SCRIPTS))
    assert code == 1 and "No cell was done." in out and "Done: 0 cells" not in out
    said = "after 8 equal failures in a row (RuntimeError: out of memory). 4 of its cells stay"
    assert said in out


def test_ctrl_c_ends_cleanly(capsys, sib200, checkpoint, monkeypatch):
    from mlbench.runner import local

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "evaluate", interrupt)
    arguments = ("--models", str(checkpoint), "--families", "sib200_lm", "--languages", "en")
    code, out, err = run_cli(capsys, "run", *arguments)
    assert code == 130 and "Stopped. 0 cells are kept" in out and "Traceback" not in err


@pytest.mark.slow
def test_lists(capsys, ready_docs):
    code, out, _ = run_cli(capsys, "list", "languages", "--json")
    assert code == 0 and len(json.loads(out)) == 119
    _, out, _ = run_cli(capsys, "list", "families")
    assert "sib200_topic" in out and "119" in out
    _, out, _ = run_cli(capsys, "list", "models")
    assert "llama-3.2-1b" in out
    assert "no list 'langauges'" in refused(capsys, "list", "langauges")
    assert "which run?" in refused(capsys, "list", "cells")


def test_fetch_says_what_is_here(capsys, sib200):
    code, out, _ = run_cli(capsys, "fetch", "--families", "sib200_lm", "--languages", "en,ar")
    assert code == 0 and "sib200_lm: 2 languages, 18 docs, revision local" in out


def test_help_has_examples_and_version_is_told(capsys):
    code, out, _ = run_cli(capsys, "--help")
    assert code == 0 and "mlbench run" in out
    code, out, _ = run_cli(capsys, "run", "--help")
    assert code == 0 and "Examples" in out and "--languages" in out
    code, out, _ = run_cli(capsys, "--version")
    assert code == 0 and out.startswith("mlbench ")


@pytest.mark.slow
def test_doctor_examines_this_machine(capsys, ready_docs):
    code, out, _ = run_cli(capsys, "doctor")
    assert code == 0 and "0 failed" in out and "119 in" in out


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of 96 KB, and remount it read-only when asked."""
    folder = tmp_path / "cache" / "disk"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_ends_with_one_message_and_loses_nothing(
    capsys, sib200, checkpoint, small_disk
):
    run = str(small_disk / "run")
    arguments = ("--models", str(checkpoint), "--families", "sib200_topic,sib200_lm")
    arguments += ("--languages", ",".join(SCRIPTS), "--shots", "0,1,2", "--run", run)
    code, out, err = run_cli(capsys, "run", *arguments)
    assert code == 2 and "No space left on device. Finished cells are kept" in err
    assert "Traceback" not in out + err
    code, out, _ = run_cli(capsys, "list", "cells", run, "--json")
    states = [cell["state"] for cell in json.loads(out)]
    assert states.count("done") >= 1 and set(states) == {"done", "missing"}
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    code, out, _ = run_cli(capsys, "run", *arguments)
    assert code == 0 and f"{states.count('done')} done" in out


def test_a_read_only_run_folder_is_one_message(capsys, sib200, checkpoint, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    arguments = ("--models", str(checkpoint), "--families", "sib200_lm", "--languages", "en")
    message = refused(capsys, "run", *arguments, "--run", str(small_disk / "run"))
    assert "Read-only file system" in message


def test_a_list_of_cells_shows_the_judged_metric(capsys, sib200, checkpoint):
    arguments = ("--models", str(checkpoint), "--families", "sib200_topic", "--languages", "en")
    assert run_cli(capsys, "run", *arguments)[0] == 0
    _, out, _ = run_cli(capsys, "list", "cells", "bench", "--json")
    rows = json.loads(out)
    assert [row["metric"] for row in rows] == ["acc_calibrated"]
