"""Reading, causes and knowledge: the docs of both wordings, as the data sets have them."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jinja2
import pytest
import yaml
from conftest import SCRIPTS
from reading_toys import (
    N_PASSAGES,
    N_QUESTIONS,
    belebele_rows,
    global_mmlu_rows,
    write_mirror,
    write_reading,
    xcopa_rows,
)

from mlbench.data import sources
from mlbench.data.languages import read_languages
from mlbench.data.prepare import Prepared, prepare, render_contexts
from mlbench.errors import DataError
from mlbench.families import read_families
from mlbench.families._belebele import MAX_SHOTS, SHOWN
from mlbench.families._xcopa import Connectors

FAMILIES, LANGUAGES = read_families(), read_languages()
TWINS = [
    ("belebele_cloze", "belebele_letter"),
    ("global_mmlu_cloze", "global_mmlu_letter"),
    ("sib200_topic", "sib200_topic_letter"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_reading(tmp_path_factory.mktemp("reading"))


@pytest.fixture
def docs_of(root, monkeypatch):
    """Return the docs of a family in a language."""
    monkeypatch.setenv("MLBENCH_DATA", str(root))

    def find(name: str, tag: str) -> Prepared:
        return prepare(FAMILIES[name], LANGUAGES[tag])

    return find


@pytest.mark.parametrize(("cloze", "letter"), TWINS)
def test_twins_have_one_doc_set_and_the_same_docs(docs_of, sib200_root, monkeypatch, cloze, letter):
    assert FAMILIES[cloze].doc_set == FAMILIES[letter].doc_set is not None
    if cloze.startswith("sib200"):
        monkeypatch.setenv("MLBENCH_DATA", str(sib200_root))
    one, other = docs_of(cloze, "hi"), docs_of(letter, "hi")
    assert one.docs == other.docs and one.sha256 == other.sha256 != ""
    assert one.family.prompt and other.family.prompt
    doc = one.docs.scored[0]
    asked = other.family.prompt(doc)
    assert asked.choices == tuple("ABCDEFG"[: len(doc.choices)])
    assert all(text in asked.context for text in doc.choices)
    assert one.family.prompt(doc).choices == doc.choices


@pytest.mark.parametrize("tag", SCRIPTS)
def test_no_passage_that_is_shown_is_scored(docs_of, tag):
    prepared = docs_of("belebele_cloze", tag)
    scored = {doc.cluster_id for doc in prepared.docs.scored}
    assert [doc.cluster_id for doc in prepared.docs.fewshot] == list(SHOWN)
    assert not scored & set(SHOWN)
    assert len(scored) == N_PASSAGES and len(prepared.docs.scored) == 2 * N_PASSAGES
    assert {doc.doc_id for doc in prepared.docs.fewshot} == {f"{link}/1" for link in SHOWN}


def test_the_letters_are_asked_in_lm_evals_wording(docs_of):
    prepared = docs_of("belebele_letter", "ru")
    doc = prepared.docs.scored[0]
    passage, question = doc.query.split("\n")
    a, b, c, d = doc.choices
    zero = f"P: {passage}\nQ: {question}\nA: {a}\nB: {b}\nC: {c}\nD: {d}\nAnswer:"
    assert render_contexts(prepared, 0, 1) == [zero]
    (five,) = render_contexts(prepared, MAX_SHOTS, 1)
    shots = five.removesuffix(zero).split("\n\n")
    assert len(shots) == MAX_SHOTS + 1 and all(s[-10:-2] == "\nAnswer:" for s in shots[:-1])


@pytest.mark.parametrize(
    ("family", "template", "rows"),
    [
        ("belebele_letter", "belebele/_default_template_yaml", belebele_rows("tha_Thai")),
        (
            "global_mmlu_letter",
            "global_mmlu/default/en/_en_template_yaml",
            global_mmlu_rows("arb_Arab", "test", 8),
        ),
    ],
)
def test_the_wording_is_that_of_the_installed_lm_eval(docs_of, family, template, rows):
    folder = Path(str(files("lm_eval"))) / "tasks"
    config = yaml.safe_load((folder / template).read_text(encoding="utf-8"))
    theirs = {jinja2.Template(config["doc_to_text"]).render(row) for row in rows}
    prepared = docs_of(family, {"belebele_letter": "th"}.get(family, "ar"))
    ours = {prepared.family.prompt(doc) for doc in prepared.docs.scored}
    assert len({context for context, _ in ours} & theirs) >= 8
    assert {choices for _, choices in ours} == {tuple(config["doc_to_choice"])}


def test_a_belebele_without_a_passage_of_the_examples_is_refused(tmp_path, monkeypatch):
    rows = [row for row in belebele_rows("eng_Latn") if row["link"] != SHOWN[2]]
    with pytest.raises(DataError, match=f"has no passage {SHOWN[2]}, which is an example"):
        made_of(tmp_path, monkeypatch, "facebook/belebele", "eng_Latn", test=rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"correct_answer_num": "5"}, "row 3: correct_answer_num '5'; allowed are 1, 2, 3, 4"),
        ({"question": " "}, "eng_Latn, split test, row 3: question is empty: ' '"),
        ({"mc_answer2": None}, "row 3: mc_answer2 is empty: None"),
        ({"link": "https://example.org/0", "question_number": 1}, "doc id .* is there twice"),
    ],
)
def test_a_wrong_row_is_told_with_its_place(tmp_path, monkeypatch, change, message):
    rows = belebele_rows("eng_Latn")
    rows[2] = rows[2] | change
    with pytest.raises(DataError, match=message):
        made_of(tmp_path, monkeypatch, "facebook/belebele", "eng_Latn", test=rows)


def test_another_split_or_field_is_told_with_what_is_there(tmp_path, monkeypatch):
    rows = belebele_rows("eng_Latn")
    with pytest.raises(DataError, match="eng_Latn has no split 'test', but 'train'"):
        made_of(tmp_path / "a", monkeypatch, "facebook/belebele", "eng_Latn", train=rows)
    rows = [{k: v for k, v in row.items() if k != "flores_passage"} for row in rows]
    with pytest.raises(DataError, match="no field 'flores_passage'; it has 'link', 'question_num"):
        made_of(tmp_path / "b", monkeypatch, "facebook/belebele", "eng_Latn", test=rows)


def test_a_question_with_two_choices_alike_has_no_docs(tmp_path, monkeypatch):
    rows = belebele_rows("eng_Latn")
    rows[0]["mc_answer3"] = rows[0]["mc_answer1"]
    prepared = made_of(tmp_path, monkeypatch, "facebook/belebele", "eng_Latn", test=rows)
    assert len(prepared.docs.scored) == 2 * N_PASSAGES - 1
    questions = global_mmlu_rows("eng_Latn", "test", 4)
    questions[1]["option_a"] = questions[1]["option_d"]
    dev = global_mmlu_rows("eng_Latn", "dev", 9)
    prepared = made_of(
        tmp_path, monkeypatch, "CohereForAI/Global-MMLU", "en", test=questions, dev=dev
    )
    assert [d.doc_id for d in prepared.docs.scored if d.doc_id.endswith("/1")] == []
    assert [doc.target for doc in prepared.docs.fewshot] == [0, 1, 2, 3, 0, 1, 2, 3]


def made_of(root, monkeypatch, hub_id: str, code: str, **splits) -> Prepared:
    """Prepare English docs of a mirror of these rows."""
    write_mirror(root, hub_id, {code: splits})
    monkeypatch.setenv("MLBENCH_DATA", str(root))
    sources._mirror_state.cache_clear()
    name = {"facebook/belebele": "belebele_cloze"}.get(hub_id, "global_mmlu_cloze")
    return prepare(FAMILIES[name], LANGUAGES["en"])


def test_a_premise_loses_its_full_stop_and_nothing_else(docs_of):
    def first(tag: str) -> str:
        docs = docs_of("xcopa_cloze", tag).docs.scored
        return next(doc for doc in docs if doc.doc_id == "0").query

    thai = xcopa_rows("th", 1)[0]["premise"]
    assert first("th") == f"{thai} เพราะ"
    chinese = xcopa_rows("zh", 1)[0]["premise"].removesuffix("。")
    assert first("zh-Hans") == f"{chinese}，因为"
    assert first("it").endswith("star perché") and first("ta").endswith("star ஏனெனில்")


def test_cause_or_effect_is_what_the_data_have_right(docs_of):
    """The rows of the toy have the other kind in every language but zh."""
    queries = {d.doc_id: d.query for d in docs_of("xcopa_cloze", "th").docs.scored}
    kinds = {str(row["idx"]): row["question"] for row in xcopa_rows("zh", N_QUESTIONS)}
    words = {"cause": "เพราะ", "effect": "ดังนั้น"}
    assert all(queries[i].endswith(words[kind]) for i, kind in kinds.items())
    assert len(queries) == N_QUESTIONS


def test_labels_that_differ_between_languages_are_refused(tmp_path, monkeypatch):
    other = [row | {"label": 1 - row["label"]} for row in xcopa_rows("it", 4)]
    tables = {
        "it": {"validation": xcopa_rows("it", 4), "test": other},
        "zh": {"validation": xcopa_rows("zh", 4), "test": xcopa_rows("zh", 4)},
    }
    write_mirror(tmp_path, "cambridgeltl/xcopa", tables)
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError, match="it, split test: idx 0 has label 1, and 0 in zh; labels"):
        prepare(FAMILIES["xcopa_cloze"], LANGUAGES["it"])


def test_a_choice_begins_small_as_its_language_has_it():
    plain, turkish = Connectors(" ", "c", "e", ""), Connectors(" ", "c", "e", "İi Iı")
    assert plain.begin_small("Élan") == "élan" and plain.begin_small("Ирина") == "ирина"
    assert plain.begin_small("它很小") == "它很小" and plain.begin_small("ἄλφα") == "ἄλφα"
    assert turkish.begin_small("İşe gitti") == "işe gitti"
    assert turkish.begin_small("Işık") == "ışık" and turkish.begin_small("Ev") == "ev"


def test_a_language_without_connectors_has_no_data_with_the_reason(docs_of):
    assert docs_of("xcopa_cloze", "it").reason is None
    quechua = replace(LANGUAGES["it"], tag="qu", name="Quechua", codes={"xcopa": "qu"})
    reason = prepare(FAMILIES["xcopa_cloze"], quechua).reason
    assert reason == "no connectors for Quechua are known (xcopa_connectors.tsv)"


def test_examples_take_labels_in_turn_and_are_none_of_the_scored(docs_of):
    prepared = docs_of("xcopa_cloze", "tr")
    assert [doc.target for doc in prepared.docs.fewshot] == [0, 1] * 5
    assert all(doc.doc_id.startswith("validation-") for doc in prepared.docs.fewshot)
