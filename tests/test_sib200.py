from importlib.resources import files

import pytest
from conftest import (
    HAS_REAL_DATA,
    NEEDS_REAL_DATA,
    REAL_DATA,
    SENTENCES,
    TOPICS,
    first_ids_of_articles,
    make_rows,
    write_sib200,
)

from mlbench.data import sources
from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare, render_contexts
from mlbench.errors import DataError
from mlbench.families import read_families
from mlbench.families._sib200_articles import FILE, article_of, read_articles
from mlbench.families.sib200_topic import LABELS, N_CALIBRATION

LANGUAGES = read_languages()
TOPIC = read_families()["sib200_topic"]
LM = read_families()["sib200_lm"]


def test_the_quotes_of_the_file_are_not_part_of_the_text(sib200):
    docs = {doc.doc_id: doc for doc in prepare(TOPIC, LANGUAGES["th"]).docs.scored}
    assert docs[str(first_ids_of_articles()[53])].query == f'{SENTENCES["tha_Thai"][4]} "53".'


def test_a_limited_run_is_a_fair_sample_though_the_data_are_sorted(tmp_path, monkeypatch):
    rows = make_rows("eng_Latn")
    rows["test"] = [(1000 + i, TOPICS[i // 10], f"Sentence {i}.") for i in range(70)]
    write_sib200(tmp_path, {"eng_Latn": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    first = prepare(TOPIC, LANGUAGES["en"]).docs.scored[:20]
    assert len({doc.target for doc in first}) >= 5


def test_ids_and_targets_are_the_same_in_every_language(sib200):
    prepared = [prepare(TOPIC, LANGUAGES[tag]).docs for tag in ("en", "ar", "zh-Hans")]
    ids = [[(doc.doc_id, doc.cluster_id, doc.target) for doc in d.scored] for d in prepared]
    examples = [[doc.doc_id for doc in d.fewshot] for d in prepared]
    assert ids[0] == ids[1] == ids[2] and len(ids[0]) == 9
    assert examples[0] == examples[1] == examples[2]


def test_seven_examples_hold_all_seven_labels(sib200):
    docs = prepare(TOPIC, LANGUAGES["hi"]).docs
    assert {doc.target for doc in docs.fewshot[:7]} == set(range(len(TOPICS)))


def test_examples_are_never_scored(sib200):
    docs = prepare(TOPIC, LANGUAGES["ru"]).docs
    assert not {doc.doc_id for doc in docs.fewshot} & {doc.doc_id for doc in docs.scored}


def test_calibration_docs_are_neither_scored_nor_shown(sib200):
    docs = prepare(TOPIC, LANGUAGES["ru"]).docs
    calibration = {doc.doc_id for doc in docs.calibration}
    assert calibration and not calibration & {d.doc_id for d in (*docs.scored, *docs.fewshot)}
    assert calibration == {d.doc_id for d in prepare(TOPIC, LANGUAGES["th"]).docs.calibration}


def test_no_example_or_calibration_doc_is_of_an_article_that_is_scored(tmp_path, monkeypatch):
    rows = make_rows("eng_Latn")
    first = rows["test"][0]
    rows["train"].append((first[0] + 1, first[1], "The next sentence of a scored article."))
    write_sib200(tmp_path, {"eng_Latn": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    docs = prepare(TOPIC, LANGUAGES["en"]).docs
    assert str(first[0] + 1) not in {d.doc_id for d in (*docs.fewshot, *docs.calibration)}


def test_six_calibration_docs_of_each_topic():
    assert N_CALIBRATION == 6 * len(TOPICS)


def test_a_mirror_with_too_few_rows_to_calibrate_is_refused(tmp_path, monkeypatch):
    rows = make_rows("eng_Latn")
    rows["train"] = rows["train"][:14]
    write_sib200(tmp_path, {"eng_Latn": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError, match="no doc is left to calibrate the labels with"):
        prepare(TOPIC, LANGUAGES["en"])


def test_twins_share_their_docs(sib200):
    topic, lm = prepare(TOPIC, LANGUAGES["ar"]).docs, prepare(LM, LANGUAGES["ar"]).docs
    texts = {doc.doc_id: doc.text for doc in lm.scored}
    assert {doc.doc_id: doc.query for doc in topic.scored} == texts


def test_prompt(sib200):
    prepared = prepare(TOPIC, LANGUAGES["ar"])
    example, doc = prepared.docs.fewshot[0], prepared.docs.scored[0]
    assert render_contexts(prepared, 1, 1) == [
        f"{example.query}\nTopic: {LABELS[example.target]}\n\n{doc.query}\nTopic:"
    ]


def test_no_example_or_calibration_doc_is_of_an_article_that_is_not_known(tmp_path, monkeypatch):
    rows = make_rows("eng_Latn")
    rows["train"] += [(2, "geography", "Of which article is this?"), (1003, "geography", "And?")]
    write_sib200(tmp_path, {"eng_Latn": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    docs = prepare(TOPIC, LANGUAGES["en"]).docs
    apart = {d.doc_id for d in (*docs.fewshot, *docs.calibration)}
    assert "2" not in apart and "1003" in apart


def test_each_sentence_is_of_one_article_at_most():
    table = (files("mlbench.families") / FILE).read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if not line.startswith("#")]
    ids = [index_id for row in rows for index_id in row.partition("\t")[0].split()]
    assert len(ids) == len(set(ids)) == len(read_articles()) == 905
    assert len(rows) == len(set(read_articles().values())) == 348
    assert all(0 <= int(index_id) <= 2004 for index_id in ids)


def test_articles_are_those_that_the_links_name_not_neighbours_of_one_topic():
    # A film and a president follow one another; the four of the march are one article.
    assert article_of(1020) != article_of(1021)
    assert {article_of(index_id) for index_id in range(7, 11)} == {"flores:7"}


def test_a_sentence_of_no_known_article_is_a_cluster_of_its_own():
    assert 2 not in read_articles() and 3 not in read_articles()
    assert article_of(2) == "flores:2" and article_of(3) == "flores:3"


@pytest.mark.skipif(not HAS_REAL_DATA, reason=NEEDS_REAL_DATA)
def test_clusters_and_examples_of_the_real_sentences(monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", REAL_DATA)
    docs = prepare(TOPIC, LANGUAGES["en"]).docs
    scored = {doc.cluster_id for doc in docs.scored}
    shown = {doc.cluster_id for doc in (*docs.fewshot, *docs.calibration)}
    assert len(docs.scored) == 204 and len(scored) == 171
    assert not scored & shown and len(docs.fewshot) == 35 and len(docs.calibration) == 42


def broken(tmp_path, monkeypatch, split, row):
    rows = make_rows("swh_Latn" if "swh_Latn" in SENTENCES else "eng_Latn")
    rows[split][2] = row
    write_sib200(tmp_path, {"eng_Latn": rows})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError) as error:
        prepare(TOPIC, LANGUAGES["en"])
    return str(error.value)


def test_an_unknown_label_is_refused_with_its_row(tmp_path, monkeypatch):
    message = broken(tmp_path, monkeypatch, "test", (4, "weather", "It rains."))
    assert "Davlan/sib200 eng_Latn, split test, row 3: unknown label 'weather'" in message
    assert "science/technology" in message


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_text_is_refused_with_its_row(tmp_path, monkeypatch, text):
    message = broken(tmp_path, monkeypatch, "train", (4, "sports", text))
    assert "split train, row 3: empty text" in message


def test_a_repeated_id_is_refused(tmp_path, monkeypatch):
    first = make_rows("eng_Latn")["test"][0]
    assert "is there twice" in broken(tmp_path, monkeypatch, "test", first)


def test_a_text_that_pandas_takes_for_missing_is_told(tmp_path, monkeypatch):
    assert "empty text" in broken(tmp_path, monkeypatch, "test", (4, "sports", "NA"))


def test_a_language_without_code_has_no_data_and_a_reason(sib200):
    from dataclasses import replace

    language = replace(LANGUAGES["sw"], codes={"iso639_3": "swh"})
    assert prepare(TOPIC, language).reason == "Davlan/sib200 does not cover Swahili"


def test_a_mirror_without_the_data_set_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError, match="has no folder Davlan/sib200"):
        prepare(TOPIC, LANGUAGES["en"])


def test_an_unreachable_hub_is_one_message():
    with pytest.raises(DataError, match="cannot read data set Davlan/sib200") as error:
        prepare(TOPIC, LANGUAGES["en"])
    assert "\n" not in str(error.value)


def test_prepared_docs_are_read_again_without_the_source(sib200, monkeypatch):
    first = prepare(TOPIC, LANGUAGES["zh-Hans"])

    def fail(*_):
        raise AssertionError("the source was read again")

    monkeypatch.setattr(sources, "read_rows", fail)
    assert prepare(TOPIC, LANGUAGES["zh-Hans"]) == first


def test_a_damaged_prepared_file_is_made_again(sib200, tmp_path):
    first = prepare(TOPIC, LANGUAGES["ru"])
    (path,) = (tmp_path / "cache" / "docs").rglob("ru-*.json")
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    assert prepare(TOPIC, LANGUAGES["ru"]) == first


def test_changed_data_are_prepared_again(tmp_path, monkeypatch):
    folder = write_sib200(tmp_path, {"eng_Latn": make_rows("eng_Latn")})
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    first = prepare(TOPIC, LANGUAGES["en"])
    path = folder / "data" / "eng_Latn" / "test.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("old star", "new star"), "utf-8")
    sources._mirror_state.cache_clear()
    assert prepare(TOPIC, LANGUAGES["en"]).sha256 != first.sha256


def test_the_digest_is_over_the_docs_not_over_where_they_came_from(tmp_path, monkeypatch):
    digests = set()
    for name in ("one", "two"):
        write_sib200(tmp_path / name, {"eng_Latn": make_rows("eng_Latn")})
        monkeypatch.setenv("MLBENCH_DATA", str(tmp_path / name))
        monkeypatch.setenv("MLBENCH_CACHE", str(tmp_path / f"cache-{name}"))
        digests.add(prepare(TOPIC, LANGUAGES["en"]).sha256)
    assert len(digests) == 1
