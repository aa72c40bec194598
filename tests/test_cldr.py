"""Own data only: what CLDR gives a language, and what it must not be given."""

from dataclasses import replace

import pytest
from babel import Locale

from mlbench.data import cldr
from mlbench.data.languages import read_languages
from mlbench.data.territories import read_cldr, region_of
from mlbench.errors import DataError, NoData

LANGUAGES = read_languages()


@pytest.mark.parametrize(
    ("tag", "territory", "name"),
    [
        ("sw", "DE", "Ujerumani"),
        ("ar", "DE", "ألمانيا"),
        ("hi", "DE", "जर्मनी"),
        ("th", "DE", "เยอรมนี"),
        ("zh-Hans", "DE", "德国"),
        ("zh-Hant", "DE", "德國"),
        ("ru", "DE", "Германия"),
        ("nb", "DE", "Tyskland"),
    ],
)
def test_a_language_has_its_own_names(tag: str, territory: str, name: str) -> None:
    rows = cldr.read_rows(LANGUAGES[tag])
    assert cldr.own_names(rows, "territories")[territory] == name


def test_rows_carry_id_own_and_english_in_order() -> None:
    rows = cldr.read_rows(LANGUAGES["ru"])
    assert rows["months"][0] == {"id": "01", "own": "январь", "english": "January"}
    assert {"id": "day:past:few", "own": "{0} дня назад", "english": "{0} days ago"} in rows[
        "spans"
    ]
    for table in rows.values():
        ids = [row["id"] for row in table]
        assert ids == sorted(ids) and len(ids) == len(set(ids))


def test_haitian_is_not_given_the_french_it_inherits() -> None:
    assert Locale("ht").territories["DE"] == "Allemagne"
    with pytest.raises(NoData, match=r"'ht' holds next to nothing of its own .* from 'fr_HT'"):
        cldr.read_rows(LANGUAGES["ht"])


def test_rows_do_not_depend_on_what_babel_has_merged_before() -> None:
    before = cldr.read_rows(LANGUAGES["nn"])
    assert len(Locale("nn").territories) > 250  # inherits Bokmål and fills babel's cache
    assert cldr.read_rows(LANGUAGES["nn"]) == before
    assert len(before["territories"]) < 50


@pytest.mark.parametrize("tag", ["arz", "ars", "ary", "acm", "acq", "aeb", "war", "li"])
def test_a_language_without_a_locale_has_no_data(tag: str) -> None:
    with pytest.raises(NoData, match="has no locale of its own"):
        cldr.read_rows(LANGUAGES[tag])


def test_a_locale_that_only_falls_back_has_no_data() -> None:
    egyptian = replace(LANGUAGES["arz"], codes={"babel": "ar_EG"})
    with pytest.raises(NoData, match="inherited from 'ar'"):
        cldr.read_rows(egyptian)


def test_an_unknown_locale_is_an_error_in_the_languages_file() -> None:
    with pytest.raises(DataError, match="no locale 'xx' in babel .* leave it out"):
        cldr.read_rows(replace(LANGUAGES["sw"], codes={"babel": "xx"}))


def test_levantine_has_calendar_names_and_no_territories() -> None:
    rows = cldr.read_rows(LANGUAGES["apc"])
    assert len(rows["days"]) == 7 and not rows["territories"]


def test_a_unit_without_a_long_form_has_the_short_one_cldr_aliases_it_to() -> None:
    units = cldr.own_names(cldr.read_rows(LANGUAGES["ar"]), "units")
    assert units["duration-day:two"] == "يومان"


@pytest.mark.parametrize(
    ("own", "english", "near"),
    [
        ("Argentiina", "Argentina", True),
        ("Südafrika", "South Africa", False),
        ("Oktober", "October", True),
        ("März", "March", False),
        ("România", "Romania", True),
        ("Япония", "Japan", False),
        ("日本", "Japan", False),
    ],
)
def test_near_english(own: str, english: str, *, near: bool) -> None:
    assert cldr.is_near_english(own, english) is near


@pytest.mark.parametrize(
    ("tag", "region"),
    [
        ("en", "Northern America"),
        ("id", "Southeast Asia"),
        ("sw", "Eastern Africa"),
        ("pt", "South America"),
        ("nb", "Northern Europe"),
        ("zh-Hant", "Eastern Asia"),
        ("fa", "Southern Asia"),
        ("arz", "Northern Africa"),
    ],
)
def test_a_language_is_at_home_where_its_main_territory_lies(tag: str, region: str) -> None:
    assert region_of(LANGUAGES[tag]) == region


def test_every_language_has_a_region_and_the_territory_of_a_tag_goes_before() -> None:
    assert {tag for tag, language in LANGUAGES.items() if region_of(language) is None} == set()
    portugal = replace(LANGUAGES["pt"], tag="pt-PT")
    assert region_of(portugal) == "Southern Europe"
    assert region_of(replace(LANGUAGES["es"], tag="es-419")) is None
    assert region_of(replace(LANGUAGES["es"], tag="qzz")) is None


def test_no_country_is_left_without_a_region() -> None:
    uninhabited = {"AC", "AQ", "CP", "DG", "TA", "ZZ"}
    shares = read_cldr().shares
    tags = {code: replace(LANGUAGES["en"], tag=f"en-{code}") for code in shares}
    assert {code for code, one in tags.items() if region_of(one) is None} == uninhabited
