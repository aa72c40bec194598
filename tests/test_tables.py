"""What is in a table of somebody's own is told with line and column, or is text and stays it."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import SENTENCES

from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.data.tables import with_tags
from mlbench.errors import DataError
from mlbench.families import Columns, family_from_table
from mlbench.records import ChoiceDoc, Family, HubSource, Language, TextDoc

HEAD = ("language", "id", "question", "a", "b", "answer")
COLUMNS = Columns(
    language="language", doc_id="id", query="question", choices=("a", "b"), target="answer"
)
ROW = ("en", "1", "Two and two are", "four", "five", "A")
LANGUAGES = read_languages()


def as_csv(*rows: tuple[str, ...], separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows([HEAD, *rows])
    return text.getvalue()


def family_of(
    text: str | bytes, name: str = "t.csv", columns: Columns = COLUMNS, **facts
) -> Family:
    content = text if isinstance(text, bytes) else text.encode()
    Path(name).write_bytes(content)
    return with_tags(family_from_table(name, columns, name="mine", **facts), LANGUAGES)


def docs_of(family: Family, tag: str = "en") -> list[ChoiceDoc | TextDoc]:
    prepared = prepare(family, LANGUAGES[tag])
    return sorted(prepared.docs.scored, key=lambda doc: doc.doc_id)


def fault_of(text: str | bytes, name: str = "t.csv", columns: Columns = COLUMNS, **facts) -> str:
    with pytest.raises(DataError) as raised:
        docs_of(family_of(text, name, columns, **facts))
    return str(raised.value)


def test_the_same_rows_are_the_same_docs_in_every_format():
    codes = {"eng_Latn": "en", "arb_Arab": "ar", "hin_Deva": "hi", "tha_Thai": "th"}
    codes |= {"zho_Hans": "zh-Hans", "rus_Cyrl": "ru"}
    rows = [
        (code, str(i), text, f'{text[:4]}, "{i}"', text[4:], "AB"[i % 2])
        for code in codes
        for i, text in enumerate(SENTENCES[code])
    ]
    as_dicts = [dict(zip(HEAD, row, strict=True)) for row in rows]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in as_dicts)
    pq.write_table(pa.Table.from_pylist(as_dicts), "t.parquet")
    tables = {
        "t.csv": as_csv(*rows).encode("utf-8-sig"),
        "t.tsv": as_csv(*rows, separator="\t"),
        "t.jsonl": lines,
        "t.parquet": Path("t.parquet").read_bytes(),
    }
    digests = {
        name: [prepare(family_of(text, name), LANGUAGES[tag]).sha256 for tag in codes.values()]
        for name, text in tables.items()
    }
    assert len(set(digests["t.csv"])) == len(codes)
    assert all(found == digests["t.csv"] for found in digests.values())
    first = docs_of(family_of(tables["t.csv"]), "th")[0]
    assert isinstance(first, ChoiceDoc) and first.query == SENTENCES["tha_Thai"][0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("en", "2", " ", "x", "y", "A"), "t.csv:3, column 'question': empty"),
        (("en", "2", "q", "x", "", "A"), "t.csv:3, column 'b': empty"),
        (
            ("en", "2", "q", "x", "y", "C"),
            "column 'answer': 'C' is not one answer. Allowed: A to B",
        ),
        (("en", "2", "q", "x", "y", "1"), "is 1 counted from 0 or from 1? Say first_target=0 or"),
        (("en", "2", "q", "B", "y", "B"), "column 'answer': 'B' is not one answer"),
        (("en", "2", "q", "x", "x", "x"), "column 'answer': 'x' is not one answer"),
        (("xx", "2", "q", "x", "y", "A"), "t.csv:3, column 'language': no language 'xx'"),
        (("zh", "2", "q", "x", "y", "A"), "no language 'zh': choose 'zh-Hans' or 'zh-Hant'"),
        (("", "2", "q", "x", "y", "A"), "t.csv:3, column 'language': no language, but ''"),
        (("en", "1", "q", "x", "y", "A"), "doc id '1' is there twice"),
        (("en", "2", "a\0b", "x", "y", "A"), "t.csv:3, column 'question': a NUL or half"),
    ],
)
def test_a_wrong_cell_is_told_with_line_and_column(row, message):
    assert message in fault_of(as_csv(ROW, row))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (as_csv(ROW).replace("question", "query"), "t.csv:2: no column 'question'. The columns"),
        (as_csv(ROW).replace("language", "lang"), "t.csv:2: no column 'language'. The columns are"),
        (as_csv(ROW).replace("id,", "a,"), "t.csv:1: each column needs a name of its own"),
        (as_csv(ROW) + "en,2,q,x\n", "t.csv:3: 4 fields, and the header has 6"),
        (as_csv(ROW) + 'en,2,"q,x,y,A\nen,3,q,x,y,A\n', "t.csv:3: unexpected end of data; a quote"),
        (as_csv(ROW) + 'en,2,"q" x,x,y,A\n', "t.csv:3: ',' expected after '\"'; a quote is not"),
        (as_csv(ROW) + "en,2," + "q" * 140_000 + ",x,y,A\n", "a text has more than 131,072"),
        (as_csv(ROW).encode("utf-16"), "t.csv is not in UTF-8"),
        (b"version https://git-lfs.github.com/spec/v1\n", "t.csv is a Git LFS pointer"),
    ],
)
def test_what_is_not_to_the_letter_of_csv_is_refused_with_its_line(text, message):
    assert message in fault_of(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "t.jsonl:2: not JSON: "),
        ("[1]", "t.jsonl:2: one object a line is allowed, got [1]"),
        ('{"language": "en", "question": null}', "t.jsonl:2, column 'id'"),
        ('{"language": "en", "id": 2, "question": 1.5}', "column 'question': 1.5 is not a text"),
        ('{"language": "en", "id": 2, "question": "\\ud800"}', "a NUL or half a character"),
        ('{"language": ["en"], "id": 2}', "t.jsonl:2, column 'language': no language, but"),
    ],
)
def test_a_wrong_line_of_json_is_told(line, message):
    good = json.dumps(dict(zip(HEAD, ROW, strict=True)))
    line = line.replace('"en", "question": null', '"en", "id": null')
    if line.startswith('{"language": "en"') and '"question"' in line:
        line = line.removesuffix("}") + ', "a": "x", "b": "y", "answer": "A"}'
    assert message in fault_of(f"{good}\n{line}\n", "t.jsonl")


def test_hostile_texts_stay_what_they_are():
    texts = {
        "1": "\u202eturned\u202c \u2066inside\u2069",
        "2": "<script>alert(1)</script>",
        "3": "two\nlines, and a \u2028 separator",
        "4": 'a "quoted" word',
        "5": "=cmd|' /C calc'!A0",
        "6": "long " * 20_000,
    }
    rows = [("en", i, text, "\u200fright\u200f", "left", "B") for i, text in texts.items()]
    docs = docs_of(family_of(as_csv(*rows)))
    assert {d.doc_id: d.query for d in docs if isinstance(d, ChoiceDoc)} == {
        i: text.strip() for i, text in texts.items()
    }
    lines = "\n".join(json.dumps(dict(zip(HEAD, row, strict=True))) for row in rows)
    assert docs_of(family_of(lines, "t.jsonl")) == docs


def test_an_answer_is_a_letter_a_text_or_a_number_counted_as_is_said():
    rows = [("en", str(i), "q", "x", "y", answer) for i, answer in enumerate(("a", "B", "y", "x"))]
    assert [d.target for d in docs_of(family_of(as_csv(*rows)))] == [0, 1, 1, 0]
    numbers = as_csv(("en", "1", "q", "x", "y", "1"))
    counted = [
        docs_of(family_of(numbers, columns=Columns(**{**as_facts(COLUMNS), "first_target": first})))
        for first in (0, 1)
    ]
    assert [docs[0].target for docs in counted] == [1, 0]
    columns = Columns(**{**as_facts(COLUMNS), "first_target": 1})
    assert "Allowed: 1 to 2" in fault_of(as_csv(("en", "1", "q", "x", "y", "0")), columns=columns)


def as_facts(columns: Columns) -> dict:
    return {name: getattr(columns, name) for name in Columns.__dataclass_fields__}


def test_a_file_a_language_and_lists_of_choices():
    columns = Columns(query="q", choices="options", target="right", first_target=0)
    for code in ("eng_Latn", "rus_Cyrl"):
        line = {"q": code, "options": ["x", "y", "z"], "right": 2}
        Path(f"e_{code}.jsonl").write_text(json.dumps(line), encoding="utf-8")
    family = family_from_table("e_{flores200}.jsonl", columns, name="mine", chance=1 / 3)
    assert [docs_of(family, tag)[0].query for tag in ("en", "ru")] == ["eng_Latn", "rus_Cyrl"]
    assert "there is no e_swh_Latn.jsonl" in str(prepare(family, LANGUAGES["sw"]).reason)
    Path("e_eng_Latn.jsonl").write_text('{"q": "x", "options": "xy", "right": 0}')
    with pytest.raises(DataError, match="e_eng_Latn.jsonl:1, column 'options': 'xy' is not a list"):
        docs_of(family)


def test_a_table_that_does_not_say_its_language_is_refused():
    columns = Columns(query="question", choices=("a", "b"), target="answer")
    assert "t.csv: of which language are its rows?" in fault_of(as_csv(ROW), columns=columns)


def test_texts_to_be_predicted_and_a_word_that_the_languages_file_adds(tmp_path):
    columns = Columns(text="question", language="language")
    family = family_of(as_csv(ROW), columns=columns)
    assert docs_of(family) == [TextDoc("1", "1", "Two and two are")]
    assert family.metrics == ("bits", "bits_per_byte") and family.chance is None
    Path("t.csv").write_text(as_csv(ROW, ("yo", *ROW[1:])), encoding="utf-8")
    with pytest.raises(DataError, match="'yo': that is Yoruba, which is not in the languages file"):
        with_tags(family_from_table("t.csv", columns, name="mine"), LANGUAGES)
    yoruba = Language("yo", "Yoruba", "Yorùbá", "Latn", "ltr", "Atlantic-Congo")
    added = with_tags(family_from_table("t.csv", columns, name="mine"), {**LANGUAGES, "yo": yoruba})
    assert len(prepare(added, yoruba).docs.scored) == 1


def test_examples_are_a_file_of_their_own_and_fewer_than_asked_for_are_refused():
    Path("shots.csv").write_text(as_csv(("en", "s", "shown", "x", "y", "A")), encoding="utf-8")
    family = family_of(as_csv(ROW), examples="shots.csv", max_shots=1)
    prepared = prepare(family, LANGUAGES["en"])
    assert [doc.query for doc in prepared.docs.fewshot] == ["shown"] and family.max_shots == 1
    assert "English has 1 examples, and max_shots is 5" in fault_of(
        as_csv(ROW), examples="shots.csv"
    )


def test_a_data_set_of_the_hub_is_read_by_the_same_columns(monkeypatch, tmp_path):
    folder = tmp_path / "data/my-org/exam"
    folder.mkdir(parents=True)
    row = {"question": "q", "a": "x", "b": "y", "answer": "b"}
    (folder / "en.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    config = {"config_name": "en", "data_files": [{"split": "test", "path": "en.jsonl"}]}
    (folder / "README.md").write_text(f"---\n{json.dumps({'configs': [config]})}\n---\n")
    monkeypatch.setenv("MLBENCH_DATA", str(tmp_path / "data"))
    columns = Columns(query="question", choices=("a", "b"), target="answer")
    family = family_from_table(HubSource("my-org/exam", "tag"), columns, name="mine")
    assert docs_of(family) == [ChoiceDoc("1", "1", "q", ("x", "y"), 1)]
    (folder / "en.jsonl").write_text(json.dumps(row | {"answer": "E"}) + "\n", encoding="utf-8")
    from mlbench.data import sources

    sources._mirror_state.cache_clear()
    with pytest.raises(DataError, match="split test, row 1, column 'answer': 'E' is not one"):
        docs_of(family)
