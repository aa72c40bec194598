"""A language is found by any of its codes and names before its spelling is guessed."""

import logging

import pytest

from mlbench.data.codes import find_tag, look_up
from mlbench.data.languages import read_controls, read_languages, select_languages
from mlbench.errors import SelectionError

LANGUAGES = read_languages()
CONTROLS = read_controls(LANGUAGES)
BOTH = {**LANGUAGES, **CONTROLS}


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.tag)
def test_every_code_and_name_of_a_language_finds_it(language):
    tag, folded = language.tag, language.tag.lower().replace("-", "_")
    for word in (tag, folded, tag.upper(), language.name, language.endonym.upper()):
        assert find_tag(word, LANGUAGES) == tag
    for code in language.codes.values():
        assert tag in look_up(code, LANGUAGES) or code in LANGUAGES
        assert tag in look_up(code.upper().replace("_", "-"), LANGUAGES) or code in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES.values(), ids=lambda language: language.tag)
def test_an_alias_means_the_languages_that_have_it_and_no_other(language):
    for alias in language.aliases:
        having = tuple(tag for tag, x in LANGUAGES.items() if alias in x.aliases)
        assert look_up(alias.lower(), LANGUAGES) == having


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("iw", "he"),
        ("in", "id"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("fil", "tl"),
        ("tgl", "tl"),
        ("swh_Latn", "sw"),
        ("SWH-latn", "sw"),
        ("swa", "sw"),
        ("EN", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("fre", "fr"),
        ("arb_Arab", "ar"),
        ("ara", "ar"),
        ("zsm", "ms"),
        ("est", "et"),
        ("prs", "fa-AF"),
        ("pes", "fa"),
        ("zh-TW", "zh-Hant"),
        ("zh_CN", "zh-Hans"),
        ("zho_Hant", "zh-Hant"),
        ("pt-BR", "pt"),
        ("es-419", "es"),
        ("srp_Cyrl", "sr"),
        ("kor_Kore", "ko"),
        ("German", "de"),
        ("deutsch", "de"),
        ("Turkce", "tr"),
        ("עברית", "he"),
        ("Filipino", "tl"),
        ("Simplified Chinese", "zh-Hans"),
        ("farsi", "fa"),
        ("Castilian", "es"),
        ("Pilipino", "tl"),
        ("Ilocano", "ilo"),
        (" sw ", "sw"),
    ],
)
def test_a_code_or_a_name_is_looked_up(word, tag):
    assert find_tag(word, LANGUAGES) == tag


@pytest.mark.parametrize(
    ("word", "choice"),
    [
        *((word, "choose 'zh-Hans' or 'zh-Hant'") for word in ("zh", "zho", "chi", "cmn")),
        *((word, "choose 'zh-Hans' or 'zh-Hant'") for word in ("Chinese", "中文", "Mandarin")),
        *((word, "choose 'nb' or 'nn'") for word in ("no", "nor", "NO", "Norwegian", "norsk")),
        ("hbs", "choose 'hr', 'sr' or 'bs'"),
        ("sh", "choose 'hr', 'sr' or 'bs'"),
    ],
)
def test_what_means_several_is_never_chosen(word, choice):
    with pytest.raises(SelectionError, match=f"no language '{word}': {choice}"):
        find_tag(word, LANGUAGES)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("ace", "that is Acehnese, which is not in the languages file"),
        ("Hausa", "that is Hausa, which is not in the languages file"),
        ("srp_Latn", "that is Serbian in Latn; here is 'sr' in Cyrl"),
        ("pa-PK", "that is Punjabi in Arab; here is 'pa' in Guru"),
        ("Swahilli", "Did you mean 'Swahili'"),
    ],
)
def test_another_language_is_named_and_not_suggested(word, message):
    with pytest.raises(SelectionError) as error:
        find_tag(word, LANGUAGES)
    assert message in str(error.value)


def test_a_selection_says_which_tag_was_taken(caplog):
    with caplog.at_level(logging.WARNING):
        found = select_languages("swh_Latn,EN,-Thai,all,-iw", LANGUAGES)
    assert {"sw", "en"} <= {language.tag for language in found} and len(found) == 118
    assert "'swh_Latn' is the language 'sw'" in caplog.text and "'EN'" not in caplog.text


@pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda control: control.tag)
def test_every_code_and_name_of_a_control_finds_it(control):
    for word in (control.tag, control.tag.upper().replace("-", "_"), control.codes["sib200"]):
        assert find_tag(word, BOTH) == control.tag
    assert find_tag(control.name.lower(), BOTH) == control.tag
    for word in (control.endonym, *control.codes.values()):
        meant = {word, *look_up(word, CONTROLS)}
        assert meant & {control.tag, control.speakers_shared_with}


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("hau", "ha"),
        ("gaz", "om"),
        ("khk_Cyrl", "mn"),
        ("plt", "mg"),
        ("pbt_Arab", "ps"),
        ("kmr", "ku"),
        ("twi", "tw"),
        ("kon", "kg"),
        ("ajp_Arab", "ajp"),
        ("arb_Latn", "ar-Latn"),
        ("isixhosa", "xh"),
        ("አማርኛ", "am"),
        ("кыргызча", "ky"),
        ("ئۇيغۇر تىلى", "ug"),
        ("Kanuri", "kr"),
        ("kanuri (arabic script)", "kr-Arab"),
        ("Quechua (Ayacucho)", None),
    ],
)
def test_a_word_for_a_control_is_looked_up(word, tag):
    if tag is None:
        with pytest.raises(SelectionError, match="no language"):
            find_tag(word, BOTH)
    else:
        assert find_tag(word, BOTH) == tag


def test_no_word_of_the_list_means_a_control():
    for tag, language in LANGUAGES.items():
        for word in (tag, language.name, language.endonym, *language.codes.values()):
            found = look_up(word, LANGUAGES)
            if len(found) == 1:
                assert find_tag(word, BOTH) == found[0]
    for word in ("ara", "Arabic", "arb", "msa", "fas"):
        assert find_tag(word, BOTH) == find_tag(word, LANGUAGES)


def test_a_language_in_two_scripts_is_the_one_in_its_usual_script():
    assert [find_tag(word, BOTH) for word in ("knc", "ara", "arb", "kas")] == [
        "kr",
        "ar",
        "ar",
        "ks",
    ]
    assert [find_tag(word, BOTH) for word in ("knc_Arab", "ks-deva")] == ["kr-Arab", "ks-Deva"]
    with pytest.raises(SelectionError, match="no language 'zho': choose 'zh-Hans' or 'zh-Hant'"):
        find_tag("zho", BOTH)
