"""Are the texts of docs kept with the run, and never taken for those of other data?"""

from dataclasses import replace

import pytest

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.data.prepare import prepare
from mlbench.errors import StoreError
from mlbench.families import read_families
from mlbench.measures import TextSample, cell_score
from mlbench.records import Cell
from mlbench.store.texts import FOLDER, keep_texts, read_texts


def result_of(prepared):
    cell = Cell("m", prepared.family.name, prepared.language.tag, 0)
    samples = (TextSample("1", "1", -1.0, 10),)
    scores = {"bits": cell_score(samples, "bits")}
    return store.CellResult(cell, store.Signature(data_sha256=prepared.sha256), scores, {}, samples)


@pytest.mark.parametrize("tag", ["en", "ar", "hi", "th", "zh-Hans", "ru"])
@pytest.mark.parametrize("name", ["sib200_topic", "sib200_lm"])
def test_texts_come_back_as_the_model_saw_them(sib200, tmp_path, name, tag):
    prepared = prepare(read_families()[name], read_languages()[tag])
    keep_texts(tmp_path, prepared)
    texts = read_texts(tmp_path, result_of(prepared))
    assert list(texts) == [doc.doc_id for doc in prepared.docs.scored]
    for doc in prepared.docs.scored:
        shown = doc.text if name == "sib200_lm" else prepared.family.prompt(doc).context
        assert texts[doc.doc_id] == shown


def test_a_cell_of_other_data_has_no_texts(sib200, tmp_path):
    prepared = prepare(read_families()["sib200_lm"], read_languages()["ar"])
    keep_texts(tmp_path, prepared)
    assert read_texts(tmp_path, result_of(replace(prepared, sha256="f" * 64))) == {}
    imported = replace(result_of(prepared), signature=store.Signature(source="lm-eval"))
    assert read_texts(tmp_path, imported) == {}


def test_damaged_texts_are_refused_by_name(sib200, tmp_path):
    prepared = prepare(read_families()["sib200_lm"], read_languages()["ar"])
    keep_texts(tmp_path, prepared)
    (path,) = (tmp_path / FOLDER).rglob("*.texts")
    path.write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="is damaged.*writes it again"):
        read_texts(tmp_path, result_of(prepared))
