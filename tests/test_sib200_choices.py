"""Which docs have the families of next sentences and of translations? Which are left out?"""

import unicodedata
from collections import Counter, defaultdict

import pytest
from conftest import HAS_REAL_DATA, NEEDS_REAL_DATA, REAL_DATA, SCRIPTS, SPLIT_FILES, write_sib200
from sib200_toys import make_paired_rows, write_paired

from mlbench.data import sources
from mlbench.data.languages import read_languages
from mlbench.data.prepare import covers, prepare, render_contexts
from mlbench.errors import DataError
from mlbench.families import read_families
from mlbench.families._sib200 import Sentence
from mlbench.families._sib200_articles import read_articles
from mlbench.families._sib200_choices import _borrowed_ids, find_fours
from mlbench.harness.task import build_task

LANGUAGES, FAMILIES = read_languages(), read_families()
NEXT = FAMILIES["sib200_next"]
FROM_EN, INTO_EN = FAMILIES["sib200_bitext_from_en"], FAMILIES["sib200_bitext_into_en"]
NEW = (NEXT, FROM_EN, INTO_EN)
ARTICLES = read_articles()
REAL = pytest.mark.skipif(not HAS_REAL_DATA, reason=NEEDS_REAL_DATA)


@pytest.fixture
def paired(tmp_path, monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", str(write_paired(tmp_path)))
    return tmp_path


def write(tmp_path, monkeypatch, **rows_by_code):
    write_sib200(tmp_path, {"eng_Latn": make_paired_rows("eng_Latn"), **rows_by_code})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))


def texts_of(code: str) -> dict[str, str]:
    rows = make_paired_rows(code)
    return {str(index_id): text for split in rows.values() for index_id, _, text in split}


def outlines(docs) -> list[tuple[str, str, int]]:
    return [(doc.doc_id, doc.cluster_id, doc.target) for doc in docs]


@pytest.mark.parametrize("family", NEW, ids=lambda family: family.name)
def test_docs_examples_and_choices_are_the_same_in_every_language(paired, family):
    tags = [tag for tag in SCRIPTS if tag != family.pivot]
    docs = [prepare(family, LANGUAGES[tag]).docs for tag in tags]
    assert len(docs[0].scored) >= 40
    for other in docs[1:]:
        assert outlines(other.scored) == outlines(docs[0].scored)
        assert outlines(other.fewshot) == outlines(docs[0].fewshot)
    ids = [{t: i for i, t in texts_of(SCRIPTS[tag]).items()} for tag in tags]
    if family != INTO_EN:
        chosen = [
            [[of[c] for c in doc.choices] for doc in d.scored]
            for d, of in zip(docs, ids, strict=True)
        ]
        assert all(other == chosen[0] for other in chosen)


@pytest.mark.parametrize("family", NEW, ids=lambda family: family.name)
def test_each_choice_is_right_once_and_wrong_thrice(paired, family):
    docs = prepare(family, LANGUAGES["th"]).docs.scored
    right = Counter(doc.choices[doc.target] for doc in docs)
    there = Counter(choice for doc in docs for choice in doc.choices)
    assert set(right.values()) == {1} and set(there.values()) == {4}
    assert set(Counter(doc.target for doc in docs).values()) == {len(docs) // 4}


def test_a_next_sentence_follows_in_the_article_and_the_others_are_of_other_articles(paired):
    id_of = {text: int(i) for i, text in texts_of("hin_Deva").items()}
    rows = make_paired_rows("hin_Deva")
    topic_of = {text: topic for split in rows.values() for _, topic, text in split}
    for doc in prepare(NEXT, LANGUAGES["hi"]).docs.scored:
        first, second = map(int, doc.doc_id.split("-"))
        assert id_of[doc.query] == first == second - 1
        assert id_of[doc.choices[doc.target]] == second
        assert len({ARTICLES[id_of[choice]] for choice in doc.choices}) == 4
        assert len({topic_of[choice] for choice in doc.choices}) == 1
        assert doc.cluster_id == ARTICLES[first] == ARTICLES[second]


def test_next_sentences_are_asked_of_all_splits_and_without_examples(paired):
    docs = prepare(NEXT, LANGUAGES["en"]).docs
    rows = make_paired_rows("eng_Latn")
    split_of = {str(i): split for split, table in rows.items() for i, *_ in table}
    assert {split_of[doc.doc_id.split("-")[0]] for doc in docs.scored} == set(rows)
    assert NEXT.max_shots == 0 and docs.fewshot == ()


@pytest.mark.parametrize(
    ("family", "query", "choices"),
    [(FROM_EN, "eng_Latn", "tha_Thai"), (INTO_EN, "tha_Thai", "eng_Latn")],
    ids=["from", "into"],
)
def test_the_right_choice_translates_the_query(paired, family, query, choices):
    queries, targets = texts_of(query), texts_of(choices)
    docs = prepare(family, LANGUAGES["th"]).docs
    for doc in (*docs.scored, *docs.fewshot):
        assert doc.query == queries[doc.doc_id]
        assert doc.choices[doc.target] == targets[doc.doc_id]
        assert set(doc.choices) <= set(targets.values())


def test_bitext_is_asked_of_test_and_shows_other_articles_of_train(paired):
    docs = prepare(FROM_EN, LANGUAGES["ar"]).docs
    rows = make_paired_rows("arb_Arab")
    ids = {split: {str(i) for i, *_ in table} for split, table in rows.items()}
    assert {doc.doc_id for doc in docs.scored} <= ids["test"]
    assert {doc.doc_id for doc in docs.fewshot} <= ids["train"]
    assert len(docs.fewshot) == FROM_EN.max_shots
    assert not {d.cluster_id for d in docs.scored} & {d.cluster_id for d in docs.fewshot}


def test_both_directions_ask_of_the_same_sentences(paired):
    there, back = (prepare(family, LANGUAGES["ru"]).docs for family in (FROM_EN, INTO_EN))
    assert outlines(there.scored) == outlines(back.scored)
    assert outlines(there.fewshot) == outlines(back.fewshot)
    assert FROM_EN.doc_set == INTO_EN.doc_set


@pytest.mark.parametrize("family", (FROM_EN, INTO_EN), ids=lambda family: family.name)
def test_english_is_paired_with_the_others_and_has_no_docs(paired, family):
    prepared = prepare(family, LANGUAGES["en"])
    assert prepared.reason == f"{family.title} pairs every other language with English"
    assert not covers(family, LANGUAGES["en"]) and covers(family, LANGUAGES["sw"])
    assert covers(NEXT, LANGUAGES["en"])


def test_prompts(paired):
    prepared = prepare(INTO_EN, LANGUAGES["ar"])
    shown, doc = prepared.docs.fewshot[0], prepared.docs.scored[0]
    assert render_contexts(prepared, 1, 1) == [
        f"{shown.query}\nTranslation: {shown.choices[shown.target]}\n\n{doc.query}\nTranslation:"
    ]
    prepared = prepare(NEXT, LANGUAGES["zh-Hans"])
    assert render_contexts(prepared, 0, 1) == [prepared.docs.scored[0].query]


@pytest.mark.parametrize("family", NEW, ids=lambda family: family.name)
@pytest.mark.parametrize("tag", ["hi", "th"])
def test_lm_eval_builds_the_same_contexts(paired, family, tag):
    prepared = prepare(family, LANGUAGES[tag])
    for shots in {0, family.max_shots}:
        task = build_task(prepared, shots)
        built = [task.fewshot_context(d, num_fewshot=shots) for _, d in task.doc_iterator(limit=3)]
        assert built == render_contexts(prepared, shots, 3)


def test_a_text_that_stands_twice_makes_no_docs_in_its_language(tmp_path, monkeypatch):
    rows = make_paired_rows("tha_Thai")
    twice, topic, _ = rows["test"][0]
    rows["test"][0] = (twice, topic, rows["test"][5][2])
    write(tmp_path, monkeypatch, tha_Thai=rows, hin_Deva=make_paired_rows("hin_Deva"))
    thai, hindi = (prepare(FROM_EN, LANGUAGES[tag]).docs.scored for tag in ("th", "hi"))
    gone = {d.doc_id for d in hindi} - {d.doc_id for d in thai}
    assert str(twice) in gone
    assert not {rows["test"][5][2]} & {choice for doc in thai for choice in doc.choices}


def test_a_text_borrowed_of_another_language_is_no_doc(tmp_path, monkeypatch):
    write(tmp_path, monkeypatch, ars_Arab=make_paired_rows("arb_Arab"))
    borrowed = _borrowed_ids()["ars_Arab"]
    docs = prepare(INTO_EN, LANGUAGES["ars"]).docs
    asked = {int(doc.doc_id) for doc in (*docs.scored, *docs.fewshot)}
    assert asked and not asked & borrowed
    pairs = [
        tuple(map(int, d.doc_id.split("-"))) for d in prepare(NEXT, LANGUAGES["ars"]).docs.scored
    ]
    assert not {i for pair in pairs for i in pair} & borrowed


def test_a_mirror_that_lacks_a_sentence_is_told_its_id(tmp_path, monkeypatch):
    rows = make_paired_rows("tha_Thai")
    gone, *_ = rows["test"].pop()
    write(tmp_path, monkeypatch, tha_Thai=rows)
    with pytest.raises(DataError, match=f"tha_Thai has no row with index_id {gone}, but eng_Latn"):
        prepare(FROM_EN, LANGUAGES["th"])


def test_a_broken_row_of_english_is_named_as_english(tmp_path, monkeypatch):
    rows = make_paired_rows("eng_Latn")
    rows["test"][2] = (rows["test"][2][0], "weather", "It rains.")
    write(tmp_path, monkeypatch, eng_Latn=rows, tha_Thai=make_paired_rows("tha_Thai"))
    with pytest.raises(DataError, match="eng_Latn, split test, row 3: unknown label 'weather'"):
        prepare(NEXT, LANGUAGES["th"])


def test_changed_english_is_prepared_again_in_every_language(paired):
    first = prepare(INTO_EN, LANGUAGES["th"])
    path = paired / "Davlan/sib200/data/eng_Latn" / SPLIT_FILES["test"]
    path.write_text(path.read_text("utf-8").replace("old star", "new star"), "utf-8")
    sources._mirror_state.cache_clear()
    again = prepare(INTO_EN, LANGUAGES["th"])
    assert again.sha256 != first.sha256
    assert any("new star" in choice for doc in again.docs.scored for choice in doc.choices)


def test_a_fingerprint_names_both_languages(paired):
    alone = sources.fingerprint(FAMILIES["sib200_lm"].source, LANGUAGES["th"])
    both = sources.fingerprint(NEXT.source, LANGUAGES["th"])
    assert "eng_Latn" in both and "eng_Latn" not in alone


def test_fours_are_near_in_length_and_of_four_articles():
    lengths = [40, 41, 41, 42, 42, 60, 61, 62, 63, 90]
    sentences = [
        Sentence(i, "sports", "x" * n, f"a{0 if i in (0, 1) else i}") for i, n in enumerate(lengths)
    ]
    fours = find_fours(sentences, 1.05)
    assert sorted(map(sorted, fours)) == [[0, 2, 3, 4], [5, 6, 7, 8]]
    assert find_fours(sentences, 1.01) == []


@REAL
def test_the_real_pairs_are_those_that_the_articles_prove(monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", REAL_DATA)
    rows = sources.read_rows(NEXT.source, LANGUAGES["en"])
    ids = {int(row["index_id"]) for split in SPLIT_FILES for row in rows[split]}
    pairs = [i for i in ids if i in ARTICLES and ARTICLES.get(i + 1) == ARTICLES[i]]
    assert len(pairs) == 501
    docs = prepare(NEXT, LANGUAGES["en"]).docs.scored
    assert len(docs) == 468 and len({doc.cluster_id for doc in docs}) == 243
    assert len(prepare(FROM_EN, LANGUAGES["sw"]).docs.scored) == 196


@REAL
def test_the_table_of_borrowed_texts_is_what_the_data_say(monkeypatch):
    """Read for a few languages; the standard ones keep what their dialects have too."""
    monkeypatch.setenv("MLBENCH_DATA", REAL_DATA)
    tags = ("ar", "ars", "acq", "acm", "aeb", "ary", "arz", "apc", "zh-Hant", "yue", "bs", "hr")
    codes_by_text = defaultdict(set)
    for tag in tags:
        rows = sources.read_rows(FAMILIES["sib200_lm"].source, LANGUAGES[tag])
        for row in (row for split in SPLIT_FILES for row in rows[split]):
            text = unicodedata.normalize("NFC", row["text"].strip())
            codes_by_text[int(row["index_id"]), text].add(LANGUAGES[tag].codes["sib200"])
    found = defaultdict(set)
    for (index_id, _), codes in codes_by_text.items():
        for code in codes if len(codes) > 1 else ():
            found[code].add(index_id)
    for tag in set(tags) - {"ar", "zh-Hant"}:
        code = LANGUAGES[tag].codes["sib200"]
        assert found[code] <= _borrowed_ids()[code], tag
    assert found["ars_Arab"] == _borrowed_ids()["ars_Arab"]
    assert not {"arb_Arab", "zho_Hant"} & set(_borrowed_ids())
