"""Which cells of two models are compared: one answer for verdict, page, figures and CSV."""

import csv
import json
import re
from pathlib import Path

import pytest
from pairing_toys import (
    COMPARED,
    N_DOCS,
    REASONS,
    import_lines,
    lines_of,
    make_run,
    sign,
    text_lines,
)
from report_toys import ENGLISH, SWAHILI, TOPIC, ToyRun, choices
from test_cli import refused, run_cli

from mlbench.errors import DataError
from mlbench.judge.pairing import pair
from mlbench.judge.run import judge_run
from mlbench.measures import TOKENS
from mlbench.records import Cell
from mlbench.report.compare import Comparison, Pair, compare
from mlbench.report.figures.difference import difference_claim, difference_grid
from mlbench.report.figures.forest import forest_from_comparison
from mlbench.report.tables import table_from_run
from mlbench.stats import Resampling
from mlbench.store.manifest import read_manifest, save_manifest
from mlbench.store.read import read_run

FAST = Resampling(replicates=500)
NAMES = ("--a", "a", "--b", "b")


def compared_in(folder: Path, shots: int = 0) -> Comparison:
    return compare(table_from_run(read_run(folder)), Pair("a", "b", shots), FAST)


def judged(verdict: dict) -> set[tuple[str, str]]:
    """Return the cells that a verdict compares."""
    families = verdict["by_family"].items()
    return {(name, row["language"]) for name, family in families for row in family["per_language"]}


def excluded(verdict: dict) -> dict[tuple[str, str], str]:
    return {(gone["family"], gone["language"]): gone["reason"] for gone in verdict["excluded"]}


def test_every_cell_is_compared_or_has_its_reason(capsys):
    run = read_run(make_run())
    _, out, _ = run_cli(capsys, "verdict", "r", *NAMES, "--json")
    verdict = json.loads(out)
    assert judged(verdict) == {("topic", tag) for tag in COMPARED}
    reasons = excluded(verdict)
    assert {key: reasons[key] for key in REASONS} == REASONS
    assert not reasons.keys() & judged(verdict)
    families = {"topic", "solo", "shots", "broken"}
    assert reasons.keys() | judged(verdict) == {(f, tag) for f in families for tag in run.languages}


@pytest.mark.slow
def test_verdict_page_figures_and_csv_agree_on_what_is_compared(capsys):
    make_run()
    _, out, _ = run_cli(capsys, "verdict", "r", *NAMES, "--json")
    verdict = json.loads(out)
    table = table_from_run(read_run("r"))
    page = compare(table, Pair("a", "b", 0), Resampling())
    assert page.leads.keys() == judged(verdict) and page.reasons == excluded(verdict)
    assert page.verdict == verdict

    code, _, err = run_cli(capsys, "report", "r", "--docs", "0")
    assert code == 0, err
    with Path("reports/r/differences.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    values = {(line["family"], line["tag"]) for line in lines if line["state"] == "value"}
    others = {(x["family"], x["tag"]): x["reason"] for x in lines if x["state"] != "value"}
    assert values == judged(verdict) and others == excluded(verdict)
    (stored,) = json.loads(Path("reports/r/verdict.json").read_text(encoding="utf-8"))
    assert stored["verdict"] == verdict

    n_others = len(COMPARED - {"en"})
    assert f" of {n_others} languages other than English" in difference_claim(page, "a", "b")
    forest = forest_from_comparison(table, page)
    assert forest is not None and {x.tag for x in forest.languages} == COMPARED
    assert forest.claim.endswith(f"over {n_others} languages other than English")
    rows = zip(table.languages, difference_grid(table, page).rows, strict=True)
    drawn = {
        (family, language.tag)
        for language, cells in rows
        for family, cell in zip(page.blocks, cells, strict=True)
        if cell.state != "missing"
    }
    assert drawn == judged(verdict)


def test_a_table_of_two_models_is_read_with_its_reasons(capsys):
    make_run()
    _, out, _ = run_cli(capsys, "verdict", "r", *NAMES)
    assert f"  topic: {REASONS['topic', 'ar']}: ar\n" in out
    message = refused(capsys, "verdict", "r", *NAMES, "--explain", "ar")
    assert "in language 'ar' can be compared: " in message and "(prompts)" in message


def test_other_prompts_everywhere_leave_nothing_to_compare():
    """B3: the page refused such cells, the command judged them."""
    lines = [x for m in "ab" for tag in ("en", "sw") for x in lines_of(m, "f", tag)]
    folder = import_lines("r", lines)
    for tag in ("en", "sw"):
        sign(folder, Cell("b", "f", tag, 0), prompts="others")
    with pytest.raises(DataError) as raised:
        judge_run(read_run(folder), "a", "b")
    assert str(raised.value) == (
        "no family has a language in which 'a' and 'b' can be compared: f: the models were scored "
        "under different conditions (prompts). See: mlbench list cells r"
    )
    page = compared_in(folder)
    assert page.leads == {} and page.problem == str(raised.value)


@pytest.mark.parametrize("part", ["prompts", "data_sha256", "family_version", "limit"])
def test_the_page_pairs_no_cells_that_were_scored_differently(part):
    lines = [x for m in "ab" for tag in ("en", "sw", "hi") for x in lines_of(m, "f", tag)]
    folder = import_lines("r", lines)
    sign(folder, Cell("b", "f", "sw", 0), **{part: "another"})
    page = compared_in(folder)
    assert {tag for _, tag in page.leads} == {"en", "hi"}
    assert page.reasons == {
        ("f", "sw"): f"the models were scored under different conditions ({part})"
    }


def test_another_commit_of_the_same_docs_is_compared():
    """B14: the content has its own digest."""
    lines = [x for m in "ab" for tag in ("en", "sw") for x in lines_of(m, "f", tag)]
    folder = import_lines("r", lines)
    sign(folder, Cell("b", "f", "sw", 0), data_revision="another")
    assert pair(read_run(folder), "a", "b").left_out == ()


def test_a_family_enters_at_the_fewest_shots_that_both_have():
    """B4: A at 0 and 5, B at 5."""
    lines: list[str] = []
    for tag in ("en", "sw"):
        for shots in (0, 5):
            lines += lines_of("a", "f", tag, share=0.8, shots=shots)
        lines += lines_of("b", "f", tag, share=0.5, shots=5)
    folder = import_lines("r", lines)
    verdict = judge_run(read_run(folder), "a", "b")
    assert judged(verdict) == {("f", "en"), ("f", "sw")} and verdict["excluded"] == []
    page = compare(table_from_run(read_run(folder)), Pair("a", "b", 5), Resampling())
    assert page.verdict == verdict


def test_shots_that_are_finished_for_nobody_hide_no_others():
    lines = [x for m in "ab" for tag in ("en", "sw") for x in lines_of(m, "f", tag, shots=5)]
    folder = import_lines("r", lines)
    manifest = read_manifest(folder)
    for model in "ab":
        manifest["cells"][model]["f"]["0"] = ["en", "sw"]
    save_manifest(folder, manifest)
    found = pair(read_run(folder), "a", "b")
    assert {cell.shots for cell in found.compared} == {5}
    assert pair(read_run(folder), "a", "b", shots=0).compared == ()


def test_examples_are_taken_from_the_most_that_each_model_has():
    lines: list[str] = []
    for tag in ("en", "sw"):
        for model, most in (("a", 5), ("b", 9)):
            lines += lines_of(model, "f", tag, share=0.5)
            lines += lines_of(model, "f", tag, share=0.8, shots=3)
            lines += lines_of(model, "f", tag, share=0.8, shots=most)
    evidence = pair(read_run(import_lines("r", lines)), "a", "b").evidence
    assert [table.models for table in evidence.fewshot] == [("a",), ("b",)]
    assert evidence.shots == 5
    assert evidence.tables[0].models == ("a", "b")


def test_examples_count_where_their_docs_are_those_without_examples():
    lines: list[str] = []
    for tag in ("en", "sw", "hi"):
        for model in "ab":
            lines += lines_of(model, "f", tag)
            lines += lines_of(model, "f", tag, shots=5, n=N_DOCS - (tag == "hi"))
    (many,) = pair(read_run(import_lines("r", lines)), "a", "b").evidence.fewshot
    assert many.languages == ("en", "sw")


def test_texts_that_are_not_parallel_cost_no_verdict():
    """B5: they gave tokens as if they were, and everything was refused."""
    lines: list[str] = []
    for model in "ab":
        for tag in ("en", "sw"):
            lines += lines_of(model, "f", tag, share=0.8 if model == "a" else 0.5)
            lines += text_lines(model, "wiki", tag, prefix=f"{tag}-", parallel="false")
    folder = import_lines("r", lines)
    page = compared_in(folder)
    assert page.problem == "" and page.reasons == {}
    assert page.leads.keys() == {(f, tag) for f in ("f", "wiki") for tag in ("en", "sw")}
    assert pair(read_run(folder), "a", "b").evidence.tokens is None


def test_parallel_texts_give_tokens_at_the_shots_that_are_compared():
    lines: list[str] = []
    for model in "ab":
        for tag in ("en", "sw"):
            lines += text_lines(model, "wiki", tag, prefix="s", parallel="true")
    tokens = pair(read_run(import_lines("r", lines)), "a", "b").evidence.tokens
    assert tokens is not None and tokens.measure is TOKENS and tokens.languages == ("en", "sw")


def test_a_doc_that_one_model_lacks_costs_its_language_and_no_more():
    lines: list[str] = []
    for model in "ab":
        for tag in ("en", "sw", "hi"):
            short = (model, tag) == ("b", "sw")
            lines += lines_of(model, "f", tag, n=N_DOCS - short)
    verdict = judge_run(read_run(import_lines("r", lines)), "a", "b")
    assert verdict["languages"] == ["en", "hi"]
    assert excluded(verdict) == {("f", "sw"): "the models were scored on different docs"}


def test_a_language_of_a_alone_still_counts_for_what_a_covers():
    """Whether A covers a language has nothing to do with B."""
    lines: list[str] = []
    for tag in ("en", "sw", "hi"):
        lines += lines_of("a", "f", tag, share=0.9)
        lines += lines_of("b", "f", tag, share=0.5)
    folder = import_lines("r", lines)
    sign(folder, Cell("b", "f", "sw", 0), prompts="others")
    verdict = judge_run(read_run(folder), "a", "b")
    (covered,) = [claim for claim in verdict["claims"] if claim["kind"] == "coverage"]
    assert verdict["languages"] == ["en", "hi"] and covered["n_languages"] == 3


def test_a_family_whose_score_is_of_the_whole_cell_is_compared_in_its_own_unit(tmp_path):
    families = {"topic": TOPIC, "f1": TOPIC | {"metrics": ["macro_f1", "acc"]}}
    run = ToyRun(tmp_path / "r", families=families, languages=(ENGLISH, SWAHILI))
    for model, share in (("a", 0.8), ("b", 0.5)):
        for family in families:
            for tag in ("en", "sw"):
                run.put(Cell(model, family, tag, 0), choices(share))
    folder = run.write()
    verdict = judge_run(read_run(folder), "a", "b")
    assert verdict["families"] == ["f1", "topic"] and verdict["pooled_families"] == ["topic"]
    assert verdict["by_family"]["f1"]["scale"] == "f1"
    lead = verdict["by_family"]["f1"]["others"]
    assert lead["low"] < lead["estimate"] < lead["high"]
    assert not verdict["excluded"] and not compared_in(folder).reasons


def three_models(share_of_c: float = 0.6) -> Path:
    lines: list[str] = []
    for model, share in (("a", 0.8), ("b", 0.5), ("c", share_of_c)):
        for tag in ("en", "sw", "hi"):
            lines += lines_of(model, "f", tag, share=share)
    return import_lines("r", lines)


@pytest.mark.slow
def first_pair(page: Path) -> tuple[str, str]:
    """Read which two models the page begins with; without a choice the best two."""
    found = re.search(
        r"A is <b><bdi>(.*?)</bdi></b>, B is <b><bdi>(.*?)</bdi></b>", page.read_text()
    )
    return found[1], found[2]


def test_the_report_puts_a_chosen_pair_first(capsys):
    three_models()
    page = Path("reports/r/index.html")
    run_cli(capsys, "report", "r", "--docs", "0")
    assert first_pair(page) == ("a", "b")
    code, _, err = run_cli(capsys, "report", "r", "--docs", "0", "--a", "c", "--b", "a")
    assert code == 0, err
    stored = json.loads(Path("reports/r/verdict.json").read_text(encoding="utf-8"))
    assert [(x["a"], x["b"]) for x in stored] == [("c", "a"), ("a", "b"), ("b", "c")]
    assert first_pair(page) == ("c", "a")


@pytest.mark.slow
def test_a_report_and_a_verdict_of_own_claims_say_the_same(capsys):
    three_models()
    Path("mine.yaml").write_text(
        "margins:\n  adjusted: {pooled: 0.3, language: 0.3}\n"
        'claims:\n  - {id: m, kind: moat, sentence: "{a} over {b}", a: --a, b: --b, '
        "scale: adjusted, margin: 0.3}\n",
        encoding="utf-8",
    )
    names = ("--a", "c", "--b", "a", "--claims", "mine.yaml")
    code, _, err = run_cli(capsys, "report", "r", "--docs", "0", *names)
    assert code == 0, err
    _, out, _ = run_cli(capsys, "verdict", "r", *names, "--json")
    stored = json.loads(Path("reports/r/verdict.json").read_text(encoding="utf-8"))
    assert stored[0]["verdict"] == json.loads(out)
    assert [claim["id"] for claim in stored[0]["verdict"]["claims"]] == ["m"]
    page = Path("reports/r/index.html").read_text(encoding="utf-8")
    assert "Claims and margins are those of <bdi>mine.yaml</bdi>." in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--a", "a"), "only one of --a and --b was given ('a'). Give both of the first pair"),
        (("--a", "a", "--b", "x"), "no model 'x'. See: mlbench list cells r"),
        (("--a", "a", "--b", "a"), "--a and --b are both 'a'. Choose two of: a, b, c"),
        (("--claims", "none.yaml"), "cannot read the claims of 'none.yaml'"),
    ],
)
def test_a_report_of_a_wrong_pair_or_claims_is_refused(capsys, options, message):
    three_models()
    assert message in re.sub(r"\s+", " ", refused(capsys, "report", "r", *options))


@pytest.mark.slow
def test_the_former_name_of_docs_still_works_and_says_so(capsys):
    make_run()
    code, _, err = run_cli(capsys, "report", "r", "--items", "0")
    assert code == 0 and "--items is now called --docs" in err
    assert 'id="docs-' not in Path("reports/r/index.html").read_text(encoding="utf-8")
    code, out, _ = run_cli(capsys, "report", "--help")
    assert code == 0 and "--docs" in out and "--items" not in out
