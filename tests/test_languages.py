import unicodedata
from pathlib import Path

import pytest
from babel.localedata import exists

from mlbench.data.languages import (
    find_languages_file,
    read_all_languages,
    read_controls,
    read_languages,
    select_languages,
)
from mlbench.errors import LanguageFileError, SelectionError
from mlbench.families import read_families
from mlbench.families.lm_eval_tasks import read_task_families

LANGUAGES = read_languages()
CONTROLS = read_controls(LANGUAGES)

BLOCK = """\
- tag: sw
  name: Swahili
  endonym: Kiswahili
  script: Latn
  direction: ltr
  family: Atlantic-Congo
  codes: {iso639_3: swh, sib200: swh_Latn}
"""


def tags(selection: str) -> list[str]:
    return [language.tag for language in select_languages(selection, LANGUAGES)]


def test_there_are_the_119_of_the_qwen3_list():
    assert len(LANGUAGES) == 119
    assert len({language.script for language in LANGUAGES.values()}) == 25
    assert sum(language.direction == "rtl" for language in LANGUAGES.values()) == 14


def test_every_language_has_its_codes():
    assert all("sib200" in language.codes for language in LANGUAGES.values())
    assert len({language.codes["sib200"] for language in LANGUAGES.values()}) == 119


def test_related_tags_exist():
    for language in LANGUAGES.values():
        assert {language.dialect_of, language.same_text_as} - {None} <= set(LANGUAGES)


def test_one_language_in_two_scripts_shares_its_speakers():
    by_code: dict[str, list[str]] = {}
    for tag, language in LANGUAGES.items():
        by_code.setdefault(language.codes["iso639_3"], []).append(tag)
    twins = [found for found in by_code.values() if len(found) > 1]
    assert twins == [["zh-Hans", "zh-Hant"]]
    shared = {tag: x.speakers_shared_with for tag, x in LANGUAGES.items() if x.speakers_shared_with}
    assert shared == {"zh-Hant": "zh-Hans"}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.tag)
def test_endonym_is_written_in_the_script_of_its_row(language):
    prefix = {
        "Latn": "LATIN",
        "Cyrl": "CYRILLIC",
        "Arab": "ARABIC",
        "Deva": "DEVANAGARI",
        "Beng": "BENGALI",
        "Hebr": "HEBREW",
        "Hans": "CJK",
        "Hant": "CJK",
        "Jpan": "CJK",
        "Hang": "HANGUL",
        "Grek": "GREEK",
        "Gujr": "GUJARATI",
        "Guru": "GURMUKHI",
        "Orya": "ORIYA",
        "Sinh": "SINHALA",
        "Armn": "ARMENIAN",
        "Mymr": "MYANMAR",
        "Taml": "TAMIL",
        "Telu": "TELUGU",
        "Knda": "KANNADA",
        "Mlym": "MALAYALAM",
        "Thai": "THAI",
        "Laoo": "LAO",
        "Khmr": "KHMER",
        "Geor": "GEORGIAN",
    }[language.script]
    letters = [letter for letter in language.endonym if letter.isalpha()]
    assert letters
    assert {unicodedata.name(letter).split()[0] for letter in letters} == {prefix}


def test_endonyms_are_normalised():
    for language in LANGUAGES.values():
        assert unicodedata.is_normalized("NFC", language.endonym)


def test_selection_keeps_the_order_of_the_file():
    assert tags("sw,jv") == ["jv", "sw"]


def test_selectors():
    assert tags("family:Turkic") == ["tr", "az", "uz", "kk", "ba", "tt"]
    assert len(tags("script:Arab")) == 12
    assert set(tags("class:0-1")) == set(tags("class:0,class:1"))
    assert "ary" in tags("dialects") and "en" not in tags("dialects")
    assert len(tags("all")) == 119


def test_minus_takes_away_and_starts_from_all():
    assert len(tags("-dialects")) == 119 - len(tags("dialects"))
    assert tags("family:Turkic,-tr,+sw") == ["az", "uz", "kk", "ba", "tt", "sw"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("swx", "no language 'swx'. Did you mean 'sw'"),
        ("family:Turkik", "no family 'Turkik'. Did you mean 'Turkic'"),
        ("script:arab", "no script 'arab'. Did you mean 'Arab'"),
        ("class:7", "no resource class '7'. Allowed"),
        ("tribe:x", "no selector 'tribe'"),
        ("sw,-sw", "no language is left in 'sw,-sw'"),
        ("", "no language is left in ''"),
    ],
)
def test_unknown_selection_is_refused_with_the_nearest(selection, message):
    with pytest.raises(SelectionError) as error:
        tags(selection)
    assert message in str(error.value)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ones_own_may_hold_one_language(tmp_path):
    assert list(read_languages(write(tmp_path, BLOCK))) == ["sw"]


def test_the_file_in_force_is_the_one_of_the_variable(tmp_path, monkeypatch):
    path = write(tmp_path, BLOCK)
    monkeypatch.setenv("MLBENCH_LANGUAGES", str(path))
    assert find_languages_file() == path


def share(tag: str, shared_with: str, speakers: int = 5) -> str:
    """Write a block of six lines that shares its number of speakers."""
    fields = f"speakers: {speakers}\n  speakers_shared_with: {shared_with}\n  codes"
    return BLOCK.replace("tag: sw", f"tag: {tag}").replace("codes", fields)


def test_the_number_of_speakers_may_be_shared_with_a_later_block(tmp_path):
    text = share("swc", "sw") + BLOCK.replace("codes", "speakers: 5\n  codes")
    assert read_languages(write(tmp_path, text))["swc"].speakers_shared_with == "sw"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BLOCK + share("swc", "swa"),
            "mine.yaml:15: language 'swc', speakers_shared_with 'swa': no language 'swa'. "
            "Did you mean 'sw'? See: the tags of this file",
        ),
        (
            BLOCK + share("swc", "swc"),
            "mine.yaml:15: language 'swc', speakers_shared_with 'swc': that is itself; "
            "name the other language that has these speakers, or leave the key out",
        ),
        (
            share("sw", "swh") + share("swc", "sw") + share("swh", "swb"),
            "mine.yaml:8: language 'sw', speakers_shared_with 'swh': 'swh' shares those of 'swb' "
            "itself; name 'swb' here too",
        ),
        (
            share("sw", "swc") + share("swc", "sw"),
            "mine.yaml:8: language 'sw', speakers_shared_with 'swc': 'swc' shares those of 'sw' "
            "itself; keep the key in one of the two",
        ),
        (
            BLOCK + share("swc", "sw"),
            "mine.yaml:14: language 'swc', speakers 5: 'sw', whose speakers it shares, has None; "
            "give both the same number",
        ),
    ],
)
def test_shared_speakers_that_cannot_be_are_refused(tmp_path, text, message):
    with pytest.raises(LanguageFileError) as error:
        read_languages(write(tmp_path, text))
    assert str(error.value) == f"{tmp_path}/{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BLOCK + BLOCK, "mine.yaml:8: tag 'sw' is there twice"),
        (BLOCK.replace("Latn\n", "Latin\n"), "mine.yaml:4: language 'sw', script 'Latin'"),
        (BLOCK.replace("iso639_3: swh, ", ""), "mine.yaml:7: language 'sw', codes.iso639_3 is mis"),
        (BLOCK.replace("  codes", "  cods"), "mine.yaml:1: language 'sw', codes"),
        (BLOCK.replace("ltr", "down"), "mine.yaml:5: language 'sw', direction 'down'"),
        (BLOCK.replace("tag: sw", "tag: Swahili"), "mine.yaml:1: language 'Swahili', tag"),
        (BLOCK.replace("name: Swahili", "name: 7"), "mine.yaml:2: language 'sw', name 7"),
        ("- 3\n", "mine.yaml:1: language '?'"),
        ("languages: 3\n", "expected a list"),
        ("- [", "is not valid YAML"),
        ("", "expected a list"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(LanguageFileError) as error:
        read_languages(write(tmp_path, text))
    assert message in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(LanguageFileError, match="cannot read languages file"):
        read_languages(tmp_path / "none.yaml")


def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch):
    import os
    import shutil

    import yaml

    from mlbench.data.languages import find_languages_file

    loads, load = [], yaml.load
    monkeypatch.setattr(yaml, "load", lambda *a, **k: loads.append(1) or load(*a, **k))
    path = tmp_path / "languages.yaml"
    shutil.copy(find_languages_file(), path)
    assert all(len(read_languages(path)) == 119 for _ in range(5))
    assert len(loads) == 1
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("- tag:", text.index("- tag:") + 1)], encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert len(read_languages(path)) == 1 and len(loads) == 2


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dialect_of", "xyz", "dialect_of 'xyz': no language 'xyz'"),
        ("same_text_as", "swa", "same_text_as 'swa': no language 'swa'. See: the tags of"),
        ("dialect_of", "sw", "dialect_of 'sw': that is itself"),
        ("same_text_as", "sw", "same_text_as 'sw': that is itself"),
        ("dialect_of", "no", "dialect_of False: YAML reads no as false; write 'no' in quotes"),
        ("same_text_as", "no", "same_text_as False: YAML reads no as false"),
        ("branch", "on", "branch True: YAML reads yes and on as true"),
    ],
)
def test_a_language_that_names_no_other_of_the_file_is_refused(tmp_path, key, value, message):
    text = BLOCK.replace("  codes", f"  {key}: {value}\n  codes")
    with pytest.raises(LanguageFileError) as error:
        read_languages(write(tmp_path, text))
    assert f"mine.yaml:7: language 'sw', {message}" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [("tag: sw", "tag: no", "tag"), ("sib200: swh_Latn", "babel: no", "codes.babel")],
)
def test_norwegian_needs_quotes(tmp_path, old, new, key):
    with pytest.raises(LanguageFileError) as error:
        read_languages(write(tmp_path, BLOCK.replace(old, new)))
    assert f"{key} False: YAML reads no as false; write 'no' in quotes" in str(error.value)


@pytest.mark.parametrize("tag", ["es-419", "ca-valencia", "sr-Latn-RS", "de-1996", "no"])
def test_tags_of_bcp_47_are_tags(tmp_path, tag):
    assert list(read_languages(write(tmp_path, BLOCK.replace("tag: sw", f"tag: '{tag}'")))) == [tag]


@pytest.mark.parametrize("tag", ["ES", "zh-hans", "en-us", "sw_TZ", "x"])
def test_what_is_no_tag_is_refused(tmp_path, tag):
    with pytest.raises(LanguageFileError, match="is not a language tag"):
        read_languages(write(tmp_path, BLOCK.replace("tag: sw", f"tag: {tag}")))


def test_a_file_may_add_to_the_list_with_what_the_cldr_knows(tmp_path):
    text = "add:\n- ha\n- tag: arq\n  dialect_of: ar\n  script: Arab\n- {tag: ckb, name: Sorani}\n"
    found = read_languages(write(tmp_path, text))
    assert list(found)[:119] == list(LANGUAGES) and len(found) == 122
    hausa, algerian, kurdish = list(found.values())[119:]
    assert (hausa.name, hausa.endonym, hausa.script) == ("Hausa", "Hausa", "Latn")
    assert hausa.codes == {"iso639_3": "hau", "babel": "ha"} and hausa.direction == "ltr"
    assert (algerian.name, algerian.direction) == ("Algerian Arabic", "rtl")
    assert (kurdish.name, kurdish.script, kurdish.direction) == ("Sorani", "Arab", "rtl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("add: [ha, sw]\n", "tag 'sw' is there twice"),
        ("add: []\n", "expected a list of languages"),
        ("add: 3\n", "expected a list of languages"),
        ("add:\n- ha\n- tag: qxx\n", "mine.yaml:3: language 'qxx', name: Field required"),
        ("add:\n- ha\n- {tag: ace, dialect_of: xx}\n", "mine.yaml:3: language 'ace', dialect_of"),
    ],
)
def test_a_wrong_addition_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(LanguageFileError) as error:
        read_languages(write(tmp_path, text))
    assert message in str(error.value)


def test_the_controls_are_what_sib200_has_beyond_the_list():
    assert len(CONTROLS) == 86 and not set(CONTROLS) & set(LANGUAGES)
    both = [*LANGUAGES.values(), *CONTROLS.values()]
    assert len({language.codes["sib200"] for language in both}) == 205
    for control in CONTROLS.values():
        iso, script = control.codes["sib200"].split("_")
        assert (control.codes["iso639_3"], control.script) == (iso, script)
        assert control.direction == ("rtl" if script in ("Arab", "Nkoo") else "ltr")
        assert unicodedata.is_normalized("NFC", control.endonym)
        if locale := control.codes.get("babel"):
            assert exists(locale)


def test_all_is_the_list_and_controls_are_asked_for():
    def found(selection: str) -> list[str]:
        return [x.tag for x in select_languages(selection, LANGUAGES, CONTROLS)]

    assert found("all") == list(LANGUAGES)
    assert found("controls") == list(CONTROLS)
    assert found("all+controls") == found("all,controls") == [*LANGUAGES, *CONTROLS]
    assert found("ha,ig,sw") == ["sw", "ha", "ig"]
    assert found("yor_Latn+Zulu") == ["yo", "zu"]
    assert found("script:Ethi") == ["am", "ti"] and found("family:Turkic") == tags("family:Turkic")
    assert len(found("controls,-zu")) == 85 and len(found("-sw")) == 118
    with pytest.raises(SelectionError, match="no script 'Ethy'. Did you mean 'Ethi'"):
        found("script:Ethy")


def test_a_language_of_a_file_of_ones_own_is_no_control(tmp_path):
    mine = read_languages(write(tmp_path, BLOCK.replace("tag: sw", "tag: ha")))
    assert "ha" not in read_controls(mine) and len(read_controls(mine)) == 85
    assert list(read_all_languages(write(tmp_path, BLOCK))) == ["sw", *CONTROLS]


def test_a_caveat_is_about_data_that_a_family_has():
    families = {**read_families(), **read_task_families()}
    known = {family.source.name for family in families.values()} | {"LinguaMeta"}
    for language in [*LANGUAGES.values(), *CONTROLS.values()]:
        about = {source for caveat in language.caveats for source in caveat.about}
        assert about | {*language.same_text_in} <= known, language.tag
        assert bool(language.same_text_as) == bool(language.same_text_in)


def test_a_caveat_of_a_file_of_ones_own_may_be_its_text_alone(tmp_path):
    caveats = "  caveats: [seen, {text: bad, about: [a/b, c]}]\n"
    found = read_languages(write(tmp_path, BLOCK + caveats))["sw"]
    assert found.warning == "seen bad"
    assert found.in_data(["c"]) == found
    assert found.in_data(["d"]).warning == found.in_data([]).warning == "seen"
    with pytest.raises(LanguageFileError, match="caveats"):
        read_languages(write(tmp_path, BLOCK + "  caveats: [{about: [a]}]\n"))
