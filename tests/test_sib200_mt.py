"""Translations are asked of clean docs, with any pivot, and scored as sacrebleu scores them."""

import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from conftest import SCRIPTS, SENTENCES, write_sib200
from report_toys import ARABIC, HINDI, TOPIC, ToyRun
from sib200_toys import make_paired_rows
from test_cli import refused, run_cli

from mlbench.data.languages import read_languages
from mlbench.data.prepare import covers, hash_prompts, prepare, render_contexts
from mlbench.errors import DataError
from mlbench.families import find_family, pair_with, read_families, select_families
from mlbench.families._sib200_articles import read_articles
from mlbench.harness.backend import load_model
from mlbench.harness.evaluate import evaluate
from mlbench.harness.task import FamilyTask, build_task
from mlbench.measures import ACC, CHRF_FITTED, ReplySample, cell_score, words_beside
from mlbench.models import find_model
from mlbench.records import Cell, ReplyDoc, ReplyLimits, Score
from mlbench.report import grid
from mlbench.report.checks.written import check_replies
from mlbench.report.grid import macro_cell
from mlbench.report.tables import table_from_run
from mlbench.settings import Settings
from mlbench.store.read import read_run
from mlbench.task_files import render_stubs

LANGUAGES, FAMILIES = read_languages(), read_families()
FROM_EN, INTO_EN = FAMILIES["sib200_mt_from_en"], FAMILIES["sib200_mt_into_en"]
OTHERS = [tag for tag in SCRIPTS if tag != "en"]


def docs_of(family, tag) -> tuple[ReplyDoc, ...]:
    docs = prepare(family, LANGUAGES[tag]).docs.scored
    assert all(isinstance(doc, ReplyDoc) for doc in docs)
    return docs


def test_both_directions_have_the_same_docs_the_other_way_round(paired):
    for tag in OTHERS:
        out, back = ({d.doc_id: d for d in docs_of(f, tag)} for f in (FROM_EN, INTO_EN))
        assert out.keys() == back.keys() == {d.doc_id for d in docs_of(FROM_EN, "ru")}
        for doc_id, doc in out.items():
            other = back[doc_id]
            assert (doc.query, doc.reference) == (other.reference, other.query)
            assert (doc.language, other.language) == (tag, "en")
            assert doc.names == tuple(reversed(other.names)) == ("English", LANGUAGES[tag].name)


def test_a_wrong_sentence_is_the_reference_of_another_article(paired):
    docs = {d.reference: d for d in docs_of(FROM_EN, "hi")}
    assert all(docs[doc.wrong].cluster_id != doc.cluster_id for doc in docs.values())


def test_examples_are_the_same_in_every_language_and_of_no_article_that_is_scored(paired):
    shown = {
        tuple(d.doc_id for d in prepare(f, LANGUAGES[tag]).docs.fewshot)
        for f in (FROM_EN, INTO_EN)
        for tag in OTHERS
    }
    (ids,) = shown
    articles = read_articles()
    scored = {doc.cluster_id for doc in docs_of(FROM_EN, "th")}
    assert len(ids) == FROM_EN.max_shots and not {articles[int(i)] for i in ids} & scored


@pytest.mark.parametrize("tag", OTHERS)
def test_a_prompt_names_both_languages_and_ends_where_the_reply_begins(paired, tag):
    prepared = prepare(FROM_EN, LANGUAGES[tag])
    (context,) = render_contexts(prepared, 1, 1)
    example, doc = prepared.docs.fewshot[0], prepared.docs.scored[0]
    name = LANGUAGES[tag].name
    assert context == (
        f"English: {example.query}\n{name}: {example.reference}\n\nEnglish: {doc.query}\n{name}:"
    )
    task = build_task(prepared, 1)
    (first,) = [task.fewshot_context(d, num_fewshot=1) for _, d in task.doc_iterator(limit=1)]
    assert first == context
    options = task.config.generation_kwargs
    assert options == {"until": ["\n"], "max_gen_toks": 512, "do_sample": False}


def test_where_a_reply_ends_is_part_of_what_was_asked(paired):
    prepared = prepare(FROM_EN, LANGUAGES["ru"])
    shorter = replace(prepared, family=replace(FROM_EN, reply=ReplyLimits(64)))
    assert hash_prompts(prepared, 0, 3) != hash_prompts(shorter, 0, 3)


def test_texts_that_stand_twice_or_are_another_languages_make_no_docs(tmp_path, monkeypatch):
    rows = {code: make_paired_rows(code) for code in SENTENCES}
    test = rows["tha_Thai"]["test"]
    test[1] = (*test[1][:2], test[0][2])
    write_sib200(tmp_path, rows)
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    ids = {doc.doc_id for doc in docs_of(FROM_EN, "ru")}
    assert ids - {doc.doc_id for doc in docs_of(INTO_EN, "th")} == {str(test[i][0]) for i in (0, 1)}


def test_a_mirror_without_a_sentence_of_the_pivot_is_told(tmp_path, monkeypatch):
    rows = {code: make_paired_rows(code) for code in SENTENCES}
    (lost, *_), *rows["hin_Deva"]["test"] = rows["hin_Deva"]["test"]
    write_sib200(tmp_path, rows)
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"hin_Deva has no row with index_id {lost}"):
        prepare(FROM_EN, LANGUAGES["hi"])


def test_any_language_can_be_the_pivot_and_its_cells_have_another_name(paired, tmp_path, capsys):
    hindi = LANGUAGES["hi"]
    names = pair_with("translation,sib200_lm", hindi)
    assert names == ["sib200_mt_from_hi", "sib200_mt_into_hi", "sib200_lm"]
    family = find_family("sib200_mt_from_hi")
    assert select_families("sib200_mt_from_hi") == [family] and family.pivot == "hi"
    assert (family.title, family.doc_set) == ("Translation from Hindi", "sib200/mt/hi")
    assert prepare(family, hindi).reason and not covers(family, hindi)
    for tag in ("en", "th"):
        (doc, *_), (twin, *_) = docs_of(family, tag), docs_of(find_family("sib200_mt_into_hi"), tag)
        assert doc.names == ("Hindi", LANGUAGES[tag].name) and doc.reference == twin.query
    stub = FamilyTask({"task": "x", "family": "sib200_mt_into_hi", "language": "th"})
    assert stub.task_name == "x" and stub.prepared.family.pivot == "hi"
    options = ("--models", "demo-polyglot", "--languages", "en,th", "--run", str(tmp_path / "r"))
    code, said, _ = run_cli(
        capsys, "plan", "--families", "translation", "--pivot", "Hindi", *options
    )
    assert code == 0 and "sib200_mt_from_hi" in said and "sib200_mt_into_hi" in said
    assert "_en" not in said


@pytest.mark.parametrize(
    ("pivot", "family", "says"),
    [
        ("vi", "sib200_topic", "--pivot vi: no family of sib200_topic translates. Those that do: "),
        ("family:Turkic", "translation", r"--pivot 'family:Turkic' means \d+ languages \(tr, az, "),
        ("xx", "translation", "no language 'xx'"),
    ],
)
def test_a_pivot_that_cannot_be_is_told_in_one_line(pivot, family, says, capsys):
    assert re.search(says, refused(capsys, "plan", "--families", family, "--pivot", pivot))


def test_levels_of_different_languages_are_not_averaged(tmp_path):
    written = TOPIC | {"title": "Translation", "metrics": ["chrf++"], "chance": None}
    run = ToyRun(tmp_path / "r", languages=(HINDI, ARABIC), families={"mt": written})
    for language in (HINDI, ARABIC):
        samples = tuple(ReplySample(f"{i}", f"{i}", "abcd", f"abc{i}") for i in range(4))
        run.put(Cell("m", "mt", language.tag, 0), samples)
    table = table_from_run(read_run(run.write()))
    mean = macro_cell(table, table.blocks[0], "m", ("hi", "ar"))
    assert mean.title == "not averaged: chrF++ of different languages has no common unit"
    assert [grid.score_cell(v, table.blocks[0]).css for v in table.cells.values()] == ["plain"] * 2
    for family in (FROM_EN, INTO_EN):
        group = render_stubs([family], {"hi": LANGUAGES["hi"]})[f"{family.name}/_group.yaml"]
        assert "chrf" not in group and "metric: fidelity," in group


@pytest.mark.parametrize(
    ("right", "copied", "state"),
    [(0.9, 0.1, "OK"), (0.8, 0.0, "check this"), (1.0, 0.2, "check this"), (None, None, None)],
)
def test_replies_astray_are_told(tmp_path, right, copied, state):
    rates = {"fidelity": right, "fidelity_of_references": 1.0, "copied": copied, "empty": 0.0}
    names = ["chrf++", *(rates if state else ())]
    written = TOPIC | {"title": "Translation", "metrics": names, "chance": None}
    run = ToyRun(tmp_path / "r", languages=(HINDI,), families={"mt": written})
    samples = tuple(
        ReplySample(f"{i}", f"{i}", "a", "b", {m: (float(i < 10 * rates[m]),) for m in names[1:]})
        for i in range(10)
    )
    run.put(Cell("m", "mt", "hi", 0), samples)
    found = check_replies(table_from_run(read_run(run.write())), {"m": "m"})
    assert [check.state for check in found] == ([state] if state else [])
    assert state != "check this" or found[0].details[0].languages == "Hindi"


def test_a_score_is_listed_beside_its_floors_and_what_is_wrong_with_the_replies():
    found = {m: Score(m, v, 8, 1.0) for m, v in (("chrf_of_copy", 3.14), ("fidelity", 0.875))}
    assert words_beside(CHRF_FITTED, found) == [
        "copying the source 3.1",
        "in the right language 87.5 %",
    ]
    assert words_beside(ACC, found) == []


def scores_of(family, tag, answer):
    docs = docs_of(family, tag)
    task = build_task(prepare(family, LANGUAGES[tag]), 0)
    rows = [{**vars_of(doc)} for doc in docs]
    samples = task.reply_samples(rows, [answer(doc) for doc in docs])
    return {m: cell_score(samples, m).value for m in family.metrics}, docs


def vars_of(doc: ReplyDoc):
    return {name: getattr(doc, name) for name in doc.__dataclass_fields__}


def spoil(doc: ReplyDoc) -> str:
    """Keep three of four characters, in another normal form."""
    rng = np.random.default_rng(int(doc.doc_id))
    kept = "".join(c for c in doc.reference if rng.random() < 0.75)
    return unicodedata.normalize("NFD", kept)


@pytest.mark.parametrize("tag", OTHERS)
def test_scores_are_sacrebleus_in_nfc_and_by_characters_where_words_are_not_spaced(paired, tag):
    from sacrebleu.metrics import CHRF

    score, docs = scores_of(FROM_EN, tag, spoil)
    hypotheses = [unicodedata.normalize("NFC", spoil(doc)) for doc in docs]
    references = [[doc.reference for doc in docs]]
    plain, words = (CHRF(word_order=n).corpus_score(hypotheses, references).score for n in (0, 2))
    assert score["chrf"] == pytest.approx(plain, abs=1e-9) and score["chrf"] != score["chrf++"]
    assert score["chrf++"] == pytest.approx(words, abs=1e-9)
    fitted = plain if tag in ("th", "zh-Hans") else words
    assert score["chrf_fitted"] == pytest.approx(fitted, abs=1e-9)
    copied = CHRF(word_order=0 if tag in ("th", "zh-Hans") else 2)
    floor = copied.corpus_score([doc.query for doc in docs], references).score
    assert score["chrf_of_copy"] == pytest.approx(floor, abs=1e-9)


def test_replies_are_told_apart_by_what_is_wrong_with_them(paired):
    fates = ("right", "", "Да", "copy", "The river flows from the mountains to the sea, she said.")

    def answer(doc):
        fate = fates[int(doc.doc_id) % len(fates)]
        return {"right": doc.reference, "copy": doc.query.upper() + " "}.get(fate, fate)

    score, docs = scores_of(FROM_EN, "ru", answer)
    n = [sum(int(d.doc_id) % len(fates) == i for d in docs) / len(docs) for i in range(len(fates))]
    assert score["empty"] == pytest.approx(n[1]) and score["undecided"] == pytest.approx(n[2])
    assert score["copied"] == pytest.approx(n[3])
    assert score["other_language"] == pytest.approx(n[3] + n[4])
    assert score["fidelity"] == pytest.approx(n[0]) and score["fidelity_of_references"] == 1


def test_the_examples_before_the_docs_of_a_cell_are_fed_once(paired, checkpoint):
    """Tokens fed: those of the examples once, the rest of each prompt, and what is written."""
    short = prepare(replace(INTO_EN, reply=ReplyLimits(max_tokens=4)), LANGUAGES["ru"])
    model = load_model(find_model(str(checkpoint)), Settings(device="cpu", dtype="float32"))
    _, alone = evaluate(model, short, shots=0, limit=16)
    before = model.lm.tokens_fed
    _, usage = evaluate(model, short, shots=5, limit=16)
    n_examples = (usage.n_tokens - alone.n_tokens) / 16
    assert model.lm.tokens_fed - before < n_examples + 1.1 * (alone.n_tokens + 16 * 4)
    assert model.lm.tokens_fed - before < 0.2 * usage.n_tokens
