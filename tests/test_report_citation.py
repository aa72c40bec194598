"""Does a citation of a report say what was run, and stay one entry whatever a name holds?"""

from pathlib import Path

import pytest
from report_toys import two_models

from mlbench.report.page.citation import citation, escape
from mlbench.report.tables import table_from_run
from mlbench.store.read import read_run


def test_a_citation_names_run_date_version_and_families(tmp_path: Path) -> None:
    run = two_models(tmp_path / "my_run")
    found = citation(table_from_run(read_run(run.write())))
    assert "run my_run of 2026-01-02: 2 models in 5 languages" in found.line
    assert "Topic, Terms and Text (A paper)" in found.line
    assert found.bibtex.startswith("@misc{mlbench-my-run-2026,\n  title = {mlbench run my\\_run: 2")
    assert "  year = {2026},\n" in found.bibtex


@pytest.mark.parametrize("bad", ["a}b", "}, note = {x", "{", "\\input{x}", "50 % of _#$&~^"])
def test_a_citation_stays_one_entry(bad: str) -> None:
    text = escape(bad)
    depth = 0
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    assert depth == 0
    assert "\\input" not in text.replace("\\textbackslash{}", "")
