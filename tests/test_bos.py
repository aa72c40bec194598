"""Whether a context begins with BOS: as the tokenizer has it, or as `--bos` says."""

import json
from pathlib import Path

import pytest
from engine_toys import instances
from gate_toys import END, change_json, copy, load, without_special_tokens
from test_cli import run_cli

from mlbench.errors import ModelError
from mlbench.store.read import read_run

PAIRS = [("น้ำ", "ไหล"), ("The river", " flows"), ("النهر", " يجري")]
ENGINES = pytest.mark.parametrize("engine", ["packed", "hf"])


def asking(checkpoint: Path, folder: Path) -> Path:
    """Return a checkpoint whose config asks for BOS, while its tokenizer.json puts none."""
    changed = copy(checkpoint, folder)
    change_json(changed / "tokenizer_config.json", bos_token=END, add_bos_token=True)
    return changed


def contexts(lm):
    return [lm._encode_pair(*pair)[0] for pair in PAIRS]


@ENGINES
def test_bos_is_put_before_a_context_or_not_as_asked(checkpoint, tmp_path, engine):
    folder = asking(checkpoint, tmp_path / "asking")
    found = {bos: load(folder, engine, bos=bos) for bos in ("yes", "no")}
    with_bos, without = (contexts(found[bos].lm) for bos in ("yes", "no"))
    assert with_bos == [[0, *ids] for ids in without] and all(ids[0] for ids in without)
    scores = {
        bos: [v for v, _ in m.lm.loglikelihood(instances(PAIRS), disable_tqdm=True)]
        for bos, m in found.items()
    }
    assert scores["yes"] != pytest.approx(scores["no"], abs=1e-3)
    texts = instances([(text,) for text, _ in PAIRS], "loglikelihood_rolling")
    bits = [m.lm.loglikelihood_rolling(texts, True) for m in found.values()]
    assert bits[0] == pytest.approx(bits[1], abs=1e-4)


def test_a_lacking_bos_is_told_and_kept_with_the_cells(checkpoint, tmp_path, capsys, caplog):
    folder = asking(checkpoint, tmp_path / "asking")
    where = ("--families", "cldr_calendar", "--languages", "en", "--limit", "8", "--run", "r")
    assert run_cli(capsys, "run", "--models", f"m={folder}", *where)[0] == 0
    assert f"asks for {END} before every text" in caplog.text and "--bos yes" in caplog.text
    caplog.clear()
    (result,) = read_run("r").done.values()
    assert result.usage["found_lacking"] == END and result.signature.bos is None
    code, *_ = run_cli(
        capsys, "run", "--models", f"m={folder}", *where, "--bos", "yes", "--replace"
    )
    (result,) = read_run("r").done.values()
    assert code == 0 and "asks for" not in caplog.text
    assert "found_lacking" not in result.usage and result.signature.bos == "yes"
    assert json.loads((folder / "tokenizer_config.json").read_text())["add_bos_token"] is True


def test_a_tokenizer_without_bos_cannot_put_it(checkpoint, tmp_path):
    folder = copy(checkpoint, tmp_path / "bare")
    without_special_tokens(folder)
    with pytest.raises(ModelError, match="--bos yes: the tokenizer names no BOS token"):
        load(folder, bos="yes")
