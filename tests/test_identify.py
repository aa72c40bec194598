"""The identifier names what its calibration allows, and nothing where nobody could tell."""

import itertools
import json
import os
import random
import subprocess
import sys
from collections import Counter
from functools import cache
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import pytest
from conftest import SCRIPTS, SENTENCES
from hypothesis import given
from hypothesis import strategies as st
from test_cli import refused, run_cli

import mlbench
from mlbench.data.languages import read_languages
from mlbench.identifier import (
    Fidelity,
    fidelity,
    fidelity_all,
    identify,
    identify_all,
    indistinguishable,
    known_languages,
)
from mlbench.identifier.calibration import NEVER, read_calibration
from mlbench.identifier.grams import read_grams
from mlbench.identifier.letters import read_letters
from mlbench.identifier.model import MODEL_PATH, Table, read_tables, write_tables
from mlbench.identifier.second import second_opinion
from mlbench.identifier.train import train

ROOT = Path(__file__).parent.parent
LANGUAGES = read_languages()
# Read at import: the fixture that keeps tests off the user's data takes the variable away.
DATA = os.environ.get("MLBENCH_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="needs MLBENCH_DATA")

PAIRS = [(tag, text) for tag, code in SCRIPTS.items() for text in SENTENCES[code]]


@pytest.mark.parametrize(("tag", "text"), PAIRS)
def test_a_sentence_is_in_its_language_or_in_one_that_is_not_told_from_it(tag: str, text: str):
    found = identify(text)
    assert tag in found.languages or not found.languages
    assert set(found.languages) <= read_calibration().group_of(tag)


def test_most_of_our_sentences_are_named():
    named = Counter(tag for tag, text in PAIRS if tag in identify(text).languages)
    # Short Hindi sentences are as likely Awadhi or Magahi.
    assert named == dict.fromkeys(SCRIPTS, 7) | {"hi": 3}


@pytest.mark.parametrize("tag", SCRIPTS)
def test_fidelity_tells_the_right_language_from_all_others(tag: str):
    texts = [text for _, text in PAIRS]
    answers = fidelity_all(texts, [LANGUAGES[tag]] * len(texts))
    own = [a for (other, _), a in zip(PAIRS, answers, strict=True) if other == tag]
    others = {a for (other, _), a in zip(PAIRS, answers, strict=True) if other != tag}
    assert Fidelity.NO not in own and own.count(Fidelity.YES) >= {"ar": 1, "hi": 2}.get(tag, 5)
    assert others == {Fidelity.NO}


def test_no_language_with_another_script_is_named():
    """Also where the script has languages that the text could be in by nothing else."""
    candidates = [language for language in LANGUAGES.values() if language.script != "Latn"]
    for _, text in itertools.islice(PAIRS, len(SENTENCES["eng_Latn"])):
        found = identify(text, candidates)
        assert not found.languages and found.script == "Latn"
        assert "no candidate" in found.reason


HOSTILE = {
    "empty": "",
    "blanks": " \t\n\u00a0\u200b",
    "NUL": "\0\0\0",
    "digits": "1 234 567,89",
    "Arabic digits": "١٢٣٤٥٦٧٨٩٠",
    "punctuation": "«…» — ?! ( ) । 。",
    "emoji": "😀👍🏽👨‍👩‍👧 🇹🇭",
    "bidi controls": "\u202e\u202d\u2066\u2069\u200f\u061c",
    "lone surrogates": "\ud800\udfff\ud83d",
    "unassigned": "\U0003fffe\u0378\uffff\U0010ffff",
    "private use": "\ue000\uf8ff\U000f0000",
    "marks alone": "\u0301\u0e31\u094d",
    "one letter": "a",
    "two words": "ok no",
    "one Thai letter": "ก",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_that_nobody_can_tell_has_no_language(text: str):
    found = identify(text)
    assert found.languages == () and found.language is None and found.probability is None
    assert found.reason
    for tag in ("en", "th", "zh-Hant", "ar"):
        assert fidelity(text, LANGUAGES[tag]) is Fidelity.CANNOT_TELL


def test_mixed_scripts_are_not_named():
    text = f"{SENTENCES['eng_Latn'][0]} {SENTENCES['rus_Cyrl'][0]}"
    assert not identify(text).languages and "several scripts" in identify(text).reason
    assert fidelity(text, LANGUAGES["hi"]) is Fidelity.NO


@pytest.mark.parametrize("tag", ["en", "ru", "th"])
def test_noise_around_words_changes_nothing(tag: str):
    words = SENTENCES[SCRIPTS[tag]][0].split()
    clean = identify(" ".join(words))
    noise = ["\0", "\u202e", "\ud800", "123", "😀", "\U0003fffe", "\n\n"]
    noisy = "".join(word + noise[i % len(noise)] for i, word in enumerate(words))
    assert identify(noisy).languages == clean.languages != ()


def test_a_text_of_100_kb_is_read_by_its_beginning():
    text = " ".join(SENTENCES["eng_Latn"])
    assert identify((text + " ") * 400).language == "en"
    assert identify("x" * 100_000).language is None


def test_letters_at_random_are_like_no_language():
    rng = random.Random(1)
    alphabet = "abcdefghijklmnopqrstuvwxyz    "
    texts = ["".join(rng.choices(alphabet, k=80)) for _ in range(50)]
    assert sum(bool(found.languages) for found in identify_all(texts)) <= 1


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_any_text_has_an_answer_and_no_other_script(text: str):
    found = identify(text)
    scripts = read_letters([text]).scripts[0]
    assert bool(found.reason) != bool(found.languages)
    for tag in found.languages:
        assert tag in read_calibration().languages and scripts[found.script] > 0
    assert fidelity(text, LANGUAGES["sw"]) in Fidelity


def test_many_at_once_have_the_answers_of_one_by_one():
    texts = [*HOSTILE.values(), *(text for _, text in PAIRS)]
    languages = [language for language, _ in zip(itertools.cycle(LANGUAGES.values()), texts)]
    assert identify_all(texts) == [identify(text) for text in texts]
    pairs = zip(texts, languages, strict=True)
    assert fidelity_all(texts, languages) == [fidelity(*pair) for pair in pairs]
    assert identify_all([]) == [] and fidelity_all([], []) == []


def test_candidates_restrict_what_is_named():
    text = SENTENCES["eng_Latn"][0]
    assert identify(text).language == "en"
    assert "en" not in identify(text, [LANGUAGES["de"], LANGUAGES["nl"]]).languages


def test_a_language_that_is_never_named_alone_is_named_with_others():
    never = [tag for tag, trust in read_calibration().languages.items() if trust.alone == NEVER]
    assert never and all(indistinguishable(tag) for tag in never)


def test_groups_name_each_other():
    for tag in LANGUAGES:
        for other, share in indistinguishable(tag).items():
            assert indistinguishable(other)[tag] == share >= 0.05
            assert LANGUAGES[tag].script[:2] == LANGUAGES[other].script[:2]


def test_the_model_knows_all_languages_and_is_small():
    assert [language.tag for language in known_languages()] == list(LANGUAGES)
    assert MODEL_PATH.stat().st_size < 2_000_000
    shared = {tag for table in read_tables().values() for tag in table.languages}
    alone = Counter(language.script for tag, language in LANGUAGES.items() if tag not in shared)
    assert set(alone.values()) == {1}
    readme = (MODEL_PATH.parent / "README.md").read_text(encoding="utf-8")
    assert f"for the {len(shared)}\nlanguages that share a script" in readme
    page = (ROOT / "docs/identify.md").read_text(encoding="utf-8")
    assert f"for {len(alone)} of the {len(LANGUAGES)} that settles it" in page


def test_a_gram_is_within_a_word():
    """Of "ab c": a, b, c; _a, ab, b_, _c, c_; _ab, ab_, _c_; _ab_."""
    apart = read_grams(read_letters(["ab c"])).hashes
    assert len(apart) == len(set(apart.tolist())) == 12
    assert not len(read_grams(read_letters(["", " "])).hashes)
    both = read_grams(read_letters(["ab", "c"]))
    assert sorted(both.hashes) == sorted(apart) and Counter(both.owners.tolist()) == {0: 8, 1: 4}


def test_training_is_deterministic_and_keeps_no_gram_of_one_sentence(tmp_path):
    sentences = ["the old man", "the old sea", "unrepeatable"]
    texts = {"en": sentences, "de": ["der alte Mann", "der alte See", "das"]}
    table = train(texts)["Latn"]
    again = train(texts)["Latn"]
    for name, made in (("a.npz", table), ("b.npz", again)):
        write_tables({"Latn": made}, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    read = read_tables(tmp_path / "a.npz")["Latn"]
    assert isinstance(read, Table) and read.languages == ("en", "de")
    assert np.array_equal(read.hashes, table.hashes) and np.array_equal(read.levels, table.levels)
    rare = read_grams(read_letters(["unrepeatable"])).hashes[-1]
    assert rare not in table.hashes and read_grams(read_letters(["old"])).hashes[-1] in table.hashes


def test_langdetect_has_the_same_answer_each_time():
    texts = [text for _, text in PAIRS]
    first = [second_opinion(text) for text in texts]
    assert first == [second_opinion(text) for text in texts]
    right = [found == tag for (tag, _), found in zip(PAIRS, first, strict=True)]
    assert sum(right) >= 0.8 * len(PAIRS)
    assert [second_opinion(text) for text in ("", "\ud800", "123")] == [None] * 3


def test_the_command_prints_a_table_and_json(capsys, monkeypatch):
    code, out, _ = run_cli(capsys, "identify", SENTENCES["eng_Latn"][0], "12\u202e3")
    assert code == 0 and "English" in out and "cannot tell: no letters" in out
    assert "\u202e" not in out
    lines = "\n".join([SENTENCES["tha_Thai"][0], "", "caf\udce9"]) + "\n"
    stdin = TextIOWrapper(BytesIO(lines.encode("utf-8", "surrogateescape")))
    monkeypatch.setattr(sys, "stdin", stdin)
    _, out, _ = run_cli(capsys, "identify", "--json", "--langdetect", "-")
    rows = json.loads(out)
    assert [row["language"] for row in rows] == ["th", None, None]
    assert rows[0]["langdetect"] == "th" and rows[1]["reason"] == "no letters"
    keys = {"text", "language", "languages", "probability", "script", "reason"}
    assert set(rows[0]) == keys | {"langdetect"}


def test_the_command_restricts_languages_and_refuses_unknown_ones(capsys, tmp_path):
    text = SENTENCES["eng_Latn"][0]
    _, out, _ = run_cli(capsys, "identify", "--json", "--languages", "de,nl", text)
    assert "en" not in json.loads(out)[0]["languages"]
    assert "no language 'klingon'" in refused(capsys, "identify", "--languages", "klingon", text)
    more = tmp_path / "more.yaml"
    more.write_text("add:\n- yo\n", encoding="utf-8")
    os.environ["MLBENCH_LANGUAGES"] = str(more)
    try:
        message = refused(capsys, "identify", "--languages", "yo", text)
    finally:
        del os.environ["MLBENCH_LANGUAGES"]
    assert "does not know 'yo' (Yoruba)" in message and "Leave it out" in message


def test_a_notebook_asks_the_same():
    text = SENTENCES["rus_Cyrl"][0]
    assert mlbench.identify(text) == identify(text)
    assert mlbench.identify(text, languages="script:Latn").languages == ()


def test_fidelity_of_a_language_that_the_model_does_not_know_rests_on_its_script():
    amharic = type(LANGUAGES["en"])("am", "Amharic", "አማርኛ", "Ethi", "ltr", "Afro-Asiatic")
    assert fidelity(SENTENCES["eng_Latn"][0], amharic) is Fidelity.NO
    assert fidelity("ሰላም ለሁሉም ይሁን ወዳጆቼ", amharic) is Fidelity.CANNOT_TELL


def test_identifying_imports_nothing_heavy():
    code = "import sys, mlbench.identifier as i; i.identify('Good morning'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not {"torch", "lm_eval", "datasets", "scipy", "pandas", "langdetect"} & loaded


@cache
def held_out(split: str = "test") -> dict[str, list[str]]:
    from mlbench.identifier.train import read_texts

    return {tag: list(read_texts(language)[split]) for tag, language in LANGUAGES.items()}


@pytest.fixture
def sentences(monkeypatch) -> dict[str, list[str]]:
    monkeypatch.setenv("MLBENCH_DATA", str(DATA))
    return held_out()


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "floors"),
    [
        (None, (0.87, 0.995, 0.95, 0.002)),
        (60, (0.83, 0.99, 0.90, 0.006)),
        (30, (0.75, 0.98, 0.70, 0.015)),
    ],
)
def test_what_is_named_is_right_in_real_sentences(sentences, length, floors):
    named, right, yes, no = floors
    pairs = [(tag, text[:length]) for tag, texts in sentences.items() for text in texts]
    found = identify_all([text for _, text in pairs])
    one = [f.language == tag for f, (tag, _) in zip(found, pairs, strict=True) if f.language]
    several = [tag in f.languages for f, (tag, _) in zip(found, pairs, strict=True) if f.languages]
    assert len(one) >= named * len(pairs)
    assert np.mean(one) >= right and np.mean(several) >= right - 0.005
    answers = Counter(fidelity_all([t for _, t in pairs], [LANGUAGES[tag] for tag, _ in pairs]))
    assert answers[Fidelity.YES] >= yes * len(pairs) and answers[Fidelity.NO] <= no * len(pairs)


@needs_data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "asked"),
    [("es", "ast"), ("hi", "mag"), ("it", "lmo"), ("id", "ban"), ("hr", "sr"), ("nb", "nn")],
)
def test_a_reply_in_the_large_neighbour_is_not_taken_for_the_small_one(sentences, reply, asked):
    n = len(sentences[reply])
    answers = Counter(fidelity_all(sentences[reply], [LANGUAGES[asked]] * n))
    assert answers[Fidelity.NO] >= 0.8 * n and answers[Fidelity.YES] <= 0.02 * n


@needs_data
@pytest.mark.slow
def test_no_sentence_of_the_data_is_in_the_project(sentences):
    shipped = b"".join(p.read_bytes() for p in MODEL_PATH.parent.iterdir() if p.is_file())
    page = (ROOT / "docs/identify.md").read_bytes()
    for texts in sentences.values():
        for text in texts[:20]:
            assert text[:40].encode() not in shipped and text[:40].encode() not in page
