"""Are the docs that the report shows chosen as it says, whole, and inert?"""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from report_toys import ARABIC, ENGLISH, TOPIC, ToyRun, choices, texts, unpacked

from mlbench.measures import ChoiceSample, ReplySample, ScoreSample
from mlbench.records import Cell, TextDoc
from mlbench.report import ShownDocs, write_report
from mlbench.report.page.docs import choose, pack_docs
from mlbench.report.tables import table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run

FAST = Resampling(replicates=500)
SCRIPT = "</script><img src=x onerror=window.hacked=1>"


def answers(right: str) -> tuple[ChoiceSample, ...]:
    """Make docs d0, d1 … of which those marked 1 are right."""
    return tuple(
        ChoiceSample(f"d{i}", f"d{i}", 0, ("x", "y"), (-1.0, -2.0 if r == "1" else -0.5))
        for i, r in enumerate(right)
    )


def docs_of(run: ToyRun, per_family: int = 20) -> dict[str, Any]:
    """Return the docs of each language by tag."""
    table = table_from_run(read_run(run.write()))
    packed = pack_docs(table, per_family)
    read = [unpacked(one) if one else None for one in packed]
    return dict(zip((language.tag for language in table.languages), read, strict=True))


def test_docs_are_chosen_for_disagreement() -> None:
    pair = [answers("1" * 30 + "0" * 30 + "1" * 30 + "0" * 30), answers("1" * 60 + "0" * 60)]
    chosen = choose(pair, "acc", 20)
    groups = [group for _, group in chosen]
    assert {name: groups.count(name) for name in groups} == {"a": 8, "b": 8, "none": 4}
    assert all(60 <= int(doc[1:]) < 90 for doc, group in chosen if group == "a")
    assert all(30 <= int(doc[1:]) < 60 for doc, group in chosen if group == "b")


def test_models_that_agree_fill_up_with_what_there_is() -> None:
    chosen = choose([answers("1" * 5 + "0" * 5), answers("1" * 5 + "0" * 5)], "acc", 8)
    assert [group for _, group in chosen].count("none") == 5
    assert [group for _, group in chosen].count("both") == 3
    assert len(choose([answers("10"), answers("10")], "acc", 8)) == 2


def test_texts_come_with_the_greatest_difference_first() -> None:
    ours, theirs = texts(100, n=30, seed=1), texts(130, n=30, seed=2)
    pairs = zip(ours, theirs, strict=True)
    bits = {a.doc_id: b.loglikelihood - a.loglikelihood for a, b in pairs}
    chosen = choose([ours, theirs], "bits", 10)
    assert chosen[0][0] == min(bits, key=lambda d: bits[d]) and chosen[0][1] == "a"


def test_one_model_shows_right_and_wrong_docs() -> None:
    assert choose([answers("0101")], "acc", 4) == [
        ("d1", "a"),
        ("d3", "a"),
        ("d0", "none"),
        ("d2", "none"),
    ]


def test_an_item_holds_the_text_once_and_every_reply(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, ARABIC))
    for rank, model in enumerate(("a", "b", "c")):
        for tag in ("en", "ar"):
            run.put(Cell(model, "topic", tag, 0), choices(0.9 - 0.3 * rank))
    run.put_texts(
        Cell("a", "topic", "ar", 0), [TextDoc(f"d{i}", "c", f"نص {i}") for i in range(60)]
    )
    found = docs_of(run)
    (family,) = found["ar"]
    assert family["n"] == 60 and len(family["docs"]) == 20 and not family["problem"]
    for doc in family["docs"]:
        assert doc["text"] == f"نص {doc['id'][1:]}"
        assert set(doc["out"]) == {"0", "1", "2"}
        for choice, words in doc["out"].values():
            assert words == (
                "the right answer leads by 2.00 nats"
                if choice == doc["target"]
                else "the right answer is behind by 2.00 nats"
            )
    assert "does not hold the texts" in found["en"][0]["problem"]
    assert found["en"][0]["docs"][0]["text"] == ""


def test_scores_from_elsewhere_are_shown_as_they_are(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.families["topic"] = run.families["topic"] | {"metrics": ["score"]}
    run.put(Cell("m", "topic", "en", 0), (ScoreSample("1", "1", 0.25), ScoreSample("2", "2", 0.75)))
    (family,) = docs_of(run)["en"]
    assert [doc["out"]["0"] for doc in family["docs"]] == [
        [None, "75.0 %"],
        [None, "25.0 %"],
    ]


@pytest.mark.slow
def test_no_docs_asked_for_are_none(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    run.put(Cell("m", "topic", "en", 0), choices(0.5))
    assert docs_of(run, 0) == {"en": None}
    path = write_report(run.folder, tmp_path / "out", docs=ShownDocs(0), resampling=FAST)
    assert 'id="docs-' not in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_page_that_would_be_too_large_has_its_docs_beside_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, ARABIC))
    for tag in ("en", "ar"):
        run.put(Cell("m", "topic", tag, 0), choices(0.5))
    out = tmp_path / "out"
    with caplog.at_level(logging.WARNING):
        path = write_report(run.write(), out, docs=ShownDocs(20, 0.0), resampling=FAST)
    assert "shown-docs" in caplog.text
    assert sorted(p.name for p in (out / "shown-docs").iterdir()) == ["0.js", "1.js"]
    html = path.read_text(encoding="utf-8")
    assert 'id="docs-' not in html and "&#39;self&#39;" in html
    assert re.fullmatch(
        r'mlbenchDocs\(1,"[^"\\<>&\s]+"\)\n', (out / "shown-docs" / "1.js").read_text()
    )
    write_report(run.folder, out, resampling=FAST)
    assert not (out / "shown-docs").exists()


@pytest.mark.slow
def test_hostile_texts_are_named_and_cut(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,))
    sample = ChoiceSample("d\0", "c", 0, (SCRIPT, "\u202eb", "z" * 10**6), (-1.0, -2.0, -3.0))
    run.put(
        Cell("m", "topic", "en", 0), (sample, ChoiceSample("e", "c", 0, ("a", "b"), (-1.0, -2.0)))
    )
    run.put_texts(Cell("m", "topic", "en", 0), [TextDoc("d\0", "c", "x" * 10**6 + "\u2066")])
    path = write_report(run.write(), tmp_path / "out", resampling=FAST)
    assert path.stat().st_size < 300_000
    doc = docs_of(run)["en"][0]["docs"][0]
    assert doc["id"] == "d[U+0000]" and doc["choices"][:2] == [SCRIPT, "[U+202E]b"]
    assert "more characters" in doc["text"] and "more characters" in doc["choices"][2]


def test_what_a_model_wrote_stands_beside_the_reference(tmp_path) -> None:
    written = TOPIC | {"metrics": ["chrf++"], "chance": None}
    run = ToyRun(tmp_path / "r", languages=(ENGLISH,), families={"topic": written})
    samples = (ReplySample("d", "c", f" แม่{SCRIPT}", "แม่น้ำ"), ReplySample("e", "c", "", "ทะเล"))
    run.put(Cell("m", "topic", "en", 0), samples)
    run.put_texts(
        Cell("m", "topic", "en", 0), [TextDoc("d", "c", "river"), TextDoc("e", "c", "sea")]
    )
    docs = {doc["id"]: doc for doc in docs_of(run)["en"][0]["docs"]}
    assert [docs[i]["reference"] for i in "de"] == ["แม่น้ำ", "ทะเล"]
    assert docs["e"]["out"] == {"0": [None, "0.0 chrF++", ""]}
    none, words, reply = docs["d"]["out"]["0"]
    assert none is None and words.endswith(" chrF++") and reply == f"แม่{SCRIPT}"


def test_a_single_model_shows_its_worst_replies_first() -> None:
    replies = [ReplySample(f"{i}", f"{i}", "abcdefgh"[: i + 1], "abcdefgh") for i in range(8)]
    chosen = choose([replies], "chrf++", 3)
    assert chosen == [("0", "none"), ("1", "none"), ("2", "none")]
