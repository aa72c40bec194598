"""Are a country's languages found under CLDR's names, each once, and weighted as written?"""

from pathlib import Path

import pytest
from report_toys import ARABIC, ENGLISH, TEXT, ToyRun, exact, texts

from mlbench.data.languages import read_languages
from mlbench.data.territories import Cldr, read_cldr, tags_by_code
from mlbench.records import Cell, Language
from mlbench.report import write_report
from mlbench.report.compare import Pair
from mlbench.report.export import markets_csv
from mlbench.report.markets import Market, markets_of, markets_slots
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run

NORWEGIAN = Language(
    "nb", "Norwegian", "norsk", "Latn", "ltr", "Indo-European", codes={"babel": "no"}
)
TAGALOG = Language(
    "tl", "Tagalog", "Tagalog", "Latn", "ltr", "Austronesian", codes={"babel": "fil"}
)
HANS = Language("zh-Hans", "Chinese", "中文", "Hans", "ltr", "Sino-Tibetan")
HANT = Language(
    "zh-Hant", "Chinese (Hant)", "中文", "Hant", "ltr", "Sino-Tibetan", codes={"babel": "zh_Hant"}
)
SERBIAN = Language("sr", "Serbian", "српски", "Cyrl", "ltr", "Indo-European")
DARI = Language("fa-AF", "Dari", "دری", "Arab", "rtl", "Indo-European")

TOYS = (ENGLISH, ARABIC, NORWEGIAN, TAGALOG, HANS, HANT, SERBIAN, DARI)
BY_TAG = {language.tag: language for language in TOYS}


def toy_cldr(**shares: dict[str, float]) -> Cldr:
    return Cldr(shares, {code: f"Land {code}" for code in shares}, {}, {"Arab": "Arabic"}, "toy")


def toy_table(folder: Path, right: dict[str, dict[str, int]]) -> ReportTable:
    """Make a run in which a model has so many of 8 docs right in a language."""
    tags = dict.fromkeys(tag for its in right.values() for tag in its)
    languages = tuple(BY_TAG[tag] for tag in tags)
    run = ToyRun(folder, languages=languages)
    for model, its in right.items():
        for tag, n_right in its.items():
            run.put(Cell(model, "topic", tag, 0), exact(n_right))
    return table_from_run(read_run(run.write()))


def only(table: ReportTable, cldr: Cldr) -> Market:
    markets = markets_of(table, None, cldr)
    (market,) = (*markets.shown, *markets.others)
    return market


def test_level_is_weighted_by_the_people_who_use_each_tested_language(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8, "ar": 5}})
    market = only(table, toy_cldr(AE={"ar": 60.0, "en": 20.0, "ml": 20.0}))
    # Adjusted scores are 1 in English and 0.5 in Arabic: (60 * 0.5 + 20 * 1) / 80.
    assert market.levels["m"] == pytest.approx(0.625)


def test_untested_share_is_of_the_sum_of_percents_not_of_a_hundred(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8}})
    market = only(table, toy_cldr(NG={"en": 50.0, "ha": 60.0, "ig": 40.0}))
    assert market.untested == pytest.approx(100 / 150)
    assert market.languages == "(ha 60), English 50, (ig 40)"


def test_language_without_a_score_of_every_model_counts_as_not_tested(tmp_path: Path) -> None:
    right = {"m": {"en": 8, "ar": 8, "nb": 8}, "other": {"en": 2, "nb": 2}}
    table = toy_table(tmp_path / "r", right)
    market = only(table, toy_cldr(AE={"ar": 25.0, "en": 50.0, "nb": 25.0}))
    assert market.untested == pytest.approx(0.25)
    assert market.levels == {"m": pytest.approx(1.0), "other": pytest.approx(0.0)}
    assert not market.no_level


def test_english_alone_makes_no_level(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8}})
    market = only(table, toy_cldr(NG={"en": 90.0, "ha": 10.0}))
    assert market.levels == {}
    assert market.no_level == "English only: no level; to test: ha 10"


def test_less_than_half_of_the_use_makes_no_level(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8, "ar": 8}})
    cldr = toy_cldr(TD={"ar": 20.0, "en": 29.0, "fr": 40.0, "sba": 11.0})
    assert only(table, cldr).no_level == "under half tested: no level; to test: fr 40, sba 11"
    half = toy_cldr(TD={"ar": 20.0, "en": 30.0, "fr": 40.0, "sba": 10.0})
    assert only(table, half).levels == {"m": pytest.approx(1.0)}


def test_a_country_without_level_is_in_no_count(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8, "ar": 8}, "n": {"en": 5, "ar": 5}})
    cldr = toy_cldr(NG={"en": 50.0, "ha": 60.0}, SA={"ar": 99.0}, BH={"ar": 60.0, "en": 40.0})
    sentence = markets_of(table, None, cldr).sentence
    assert "m in Land SA and Land BH." in sentence and "in 0 of 2 the first two" in sentence
    assert "Land NG: English only: no level; to test: ha 60." in sentence


def test_csv_says_why_a_country_has_no_level(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8}})
    text = markets_csv(markets_of(table, None, toy_cldr(NG={"en": 50.0, "ha": 60.0})))
    assert text.splitlines()[1] == (
        "Land NG,NG,m,0,,0.5454545454545454,English only: no level; to test: ha 60,toy"
    )


@pytest.mark.parametrize(
    ("tag", "code"),
    [("nb", "nb"), ("nb", "no"), ("tl", "fil"), ("zh-Hans", "zh"), ("zh-Hant", "zh_Hant")],
)
def test_language_is_found_under_the_name_that_cldr_gives_it(
    tmp_path: Path, tag: str, code: str
) -> None:
    table = toy_table(tmp_path / "r", {"m": {tag: 8}})
    assert only(table, toy_cldr(XX={code: 90.0})).untested == 0


def test_simplified_text_does_not_stand_for_traditional(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"zh-Hans": 8}})
    market = only(table, toy_cldr(HK={"zh": 5.0, "zh_Hant": 95.0}))
    assert market.untested == pytest.approx(0.95)


def test_norwegian_listed_twice_counts_once(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"nb": 8}})
    market = only(table, toy_cldr(NO={"nb": 100.0, "no": 100.0, "nn": 25.0}))
    assert market.untested == pytest.approx(25 / 125)


def test_norwegian_that_was_not_tested_counts_once_too(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"en": 8}})
    market = only(table, toy_cldr(NO={"nb": 100.0, "no": 100.0, "en": 50.0}))
    assert market.untested == pytest.approx(100 / 150)


def test_second_script_of_a_listed_language_counts_once(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"sr": 8}})
    market = only(table, toy_cldr(RS={"sr": 99.0, "sr_Latn": 99.0, "pa_Arab": 1.0}))
    assert market.languages == "Serbian 99, (pa in Arabic script 1)"


def test_language_of_one_country_only_is_tested_there_alone(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"fa-AF": 8}})
    markets = markets_of(table, None, toy_cldr(AF={"fa": 50.0}, IR={"fa": 75.0}))
    assert [market.code for market in markets.others] == ["AF"]
    assert markets.n_without == 1


def test_standard_arabic_stands_only_for_arabic_as_such(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"ar": 8}})
    market = only(table, toy_cldr(EG={"ar": 94.0, "arz": 64.0}))
    assert market.untested == pytest.approx(64 / 158)


def test_real_languages_reach_the_countries_people_ask_about() -> None:
    tag_by_code = tags_by_code(tuple(read_languages().values()))
    cldr = read_cldr()
    assert cldr.version
    for territory, code in (("ID", "id"), ("BR", "pt"), ("SA", "ar"), ("PH", "fil"), ("NO", "nb")):
        assert code in cldr.shares[territory]
        assert code in tag_by_code
    assert tag_by_code["zh"] == "zh-Hans"
    assert tag_by_code["zh_Hant"] == "zh-Hant"


def test_slots_give_the_difference_of_any_pair_in_points(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"ar": 8}, "n": {"ar": 5}})
    markets = markets_of(table, Pair("m", "n", 0), toy_cldr(NG={"ar": 53.0}, GB={"ar": 99.0}))
    assert markets.slots == {"market-NG": "+50.0"}
    assert markets_slots(markets.shown, Pair("n", "m", 0)) == {"market-NG": "−50.0"}
    assert "m in Land NG" in markets.sentence
    assert "without an interval" in markets.sentence


def test_one_model_has_levels_and_no_difference(tmp_path: Path) -> None:
    table = toy_table(tmp_path / "r", {"m": {"ar": 8}})
    markets = markets_of(table, None, toy_cldr(NG={"ar": 53.0}))
    assert not markets.slots
    assert "m is lowest in Land NG (100.0)" in markets.sentence


def test_run_without_chance_levels_says_that_it_cannot_say(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", families={"text": TEXT}, languages=(ENGLISH,))
    run.put(Cell("m", "text", "en", 0), texts(100))
    run.write()
    page = write_report(tmp_path / "r", tmp_path / "out", resampling=Resampling(replicates=100))
    html = page.read_text(encoding="utf-8")
    assert "This run cannot say for the countries shown first" in html
    assert 'id="market-others"' not in html


@pytest.mark.slow
def test_hostile_language_name_stays_text(tmp_path: Path) -> None:
    evil = Language("en", "</td><script>x\u202e", "x", "Latn", "ltr", "</th><b>")
    run = ToyRun(tmp_path / "r", languages=(evil,))
    run.put(Cell("m", "topic", "en", 0), exact(8))
    run.write()
    page = write_report(tmp_path / "r", tmp_path / "out", resampling=Resampling(replicates=100))
    html = page.read_text(encoding="utf-8")
    section = html[html.index('<section id="markets">') : html.index('<section id="tree">')]
    assert "<script" not in section
    assert "\u202e" not in section
