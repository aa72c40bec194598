"""Every class of models.yaml scores topics, texts and translations as docs/models.md says."""

import pytest
import transformers
from models_page import PAGE, architectures, line, save_tiny, see, stated
from sib200_toys import write_paired

from mlbench.engine.architectures import MODES


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return write_paired(tmp_path_factory.mktemp("paired"))


@pytest.mark.parametrize("architecture", architectures())
def test_a_class_scores_as_in_hf_in_the_mode_that_the_page_says(
    architecture, rows, checkpoint, tmp_path, monkeypatch
):
    if not hasattr(transformers, architecture):
        assert "not in transformers" in stated(architecture)[0]
        return
    monkeypatch.setenv("MLBENCH_DATA", str(rows))
    row = see(architecture, save_tiny(architecture, checkpoint, tmp_path / "tiny"))
    text, apart = stated(architecture)
    assert row.mode in MODES and row.apart <= max(apart, 1e-4)
    its = line(row)
    assert its.replace(f" {its.split('|')[4].strip()} ", " ") == text


def test_the_page_has_no_class_that_nobody_names():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert [row.split("`")[1] for row in rows] == list(architectures())
