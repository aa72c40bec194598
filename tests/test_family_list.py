"""What is said of each family, in the terminal, as JSON and in docs/families.md."""

import json
from pathlib import Path

import pytest
from conftest import NEEDS_REAL_DATA, REAL_DATA
from test_cli import refused, run_cli

from mlbench.data.languages import read_languages
from mlbench.families import read_families
from mlbench.families.origins import WORDS, origin_of, origin_words
from mlbench.harness.docs import prepare
from mlbench.records import CldrSource
from mlbench.terminal.family_list import BEGIN, END, facts_of, made_text

FAMILIES = read_families()
pytestmark = pytest.mark.usefixtures("ready_docs")
DOCS = Path(__file__).parent.parent / "docs" / "families.md"


def test_the_table_and_the_docs_of_the_page_are_those_of_the_families():
    text = DOCS.read_text(encoding="utf-8")
    between = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()
    assert between == made_text().strip(), f"python -m mlbench.terminal.family_list {DOCS}"
    for letters in ("январь", "يناير", "जनवरी", "มกราคม", "一月"):
        assert letters in between


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_family_says_whence_its_text_is_and_who_may_have_it(family):
    facts = facts_of(family)
    assert facts["origin"] in WORDS or facts["faults"], "say whence the text is, or why not"
    assert facts["is_gated"] is not None
    assert facts["licence"] and facts["citation"] and facts["data_set"] and facts["measures"]
    assert (facts["clusters"] or 0) <= (facts["docs"] or 0)


def test_details_of_a_family_fit_in_80_columns(capsys):
    for name in FAMILIES:
        code, out, _ = run_cli(capsys, "list", "families", name)
        assert code == 0 and max(map(len, out.splitlines())) <= 80, name
    _, out, _ = run_cli(capsys, "list", "families", "sib200_topic")
    for words in ("Davlan/sib200", "119, and 86 controls", "204 in 171 clusters", "14.3%"):
        assert words in out
    assert "translated by people" in out and "CC-BY-SA-4.0" in out and "sib200/test" in out
    message = refused(capsys, "list", "families", "sib200_topc")
    assert "no family 'sib200_topc'. Did you mean 'sib200_topic'" in message


def test_the_list_is_json_for_a_program(capsys):
    _, out, _ = run_cli(capsys, "list", "families", "--json")
    found = {one["family"]: one for one in json.loads(out)}
    assert set(FAMILIES) < set(found) and found["sib200_lm"]["chance"] is None
    assert found["cldr_terms"]["origin"] == "localised" and found["cldr_terms"]["faults"]
    _, out, _ = run_cli(capsys, "list", "families", "sib200_lm", "--json")
    assert json.loads(out) == [found["sib200_lm"]]


def test_an_unknown_origin_is_said_to_be_unknown():
    assert origin_words("") == origin_words(None) == origin_words("dreamt") == "of unknown origin"


@pytest.mark.parametrize("name", [n for n, f in FAMILIES.items() if f.size])
def test_the_stated_size_is_that_of_the_data(name, monkeypatch):
    family = FAMILIES[name]
    if not REAL_DATA or not (Path(REAL_DATA) / str(family.source.name)).is_dir():
        pytest.skip(NEEDS_REAL_DATA)
    monkeypatch.setenv("MLBENCH_DATA", REAL_DATA)
    tag = "it" if "xcopa" in name else "de"
    docs = prepare(family, read_languages()[tag]).docs.scored
    assert family.size == (len(docs), len({doc.cluster_id for doc in docs}))


def test_docs_of_the_cldr_are_counted_not_stated():
    assert all(f.size is None for f in FAMILIES.values() if isinstance(f.source, CldrSource))
    assert facts_of(FAMILIES["cldr_calendar"])["docs"] == 76


def test_the_origin_of_a_run_of_an_earlier_version_is_that_of_its_family():
    facts = {"source": "Davlan/sib200"}
    assert origin_of("sib200_topic", facts) == "translated"
    assert origin_of("sib200_topic", {**facts, "origin": "machine"}) == "machine"
    assert origin_of("sib200_topic", {"source": "mine.csv"}) == origin_of("mine", facts) == ""
