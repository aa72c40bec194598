"""A model for my languages: are weights what was typed, and is what is not known said?"""

import json
from pathlib import Path

import numpy as np
import pytest
from report_toys import (
    ARABIC,
    ENGLISH,
    LANGUAGES,
    SWAHILI,
    TEXT,
    ToyRun,
    choices,
    exact,
    texts,
    two_models,
)
from typer.testing import CliRunner

from mlbench.cli import app
from mlbench.data.languages import read_languages
from mlbench.data.territories import Cldr, find_territory, read_cldr
from mlbench.data.weights import audience_of_country, audience_of_languages
from mlbench.errors import SelectionError
from mlbench.records import Cell
from mlbench.report.choosing import Chosen, Conditions, choose, doubt_sentence, sentence
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.stats import Resampling
from mlbench.store.read import read_run
from mlbench.terminal.choosing import read_memory

KNOWN = {language.tag: language for language in LANGUAGES}
QUICK = Resampling(replicates=300)
NO_CONDITION = Conditions()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> ReportTable:
    run = two_models(tmp_path_factory.mktemp("run") / "toy", tokens=True)
    run.models["many"] |= {"licence": "Apache-2.0", "parameters": 8.0}
    run.models["few"] |= {"licence": "My own"}
    return table_from_run(read_run(run.write()))


def chosen(table: ReportTable, typed: str, conditions: Conditions = NO_CONDITION) -> Chosen:
    return choose(table, audience_of_languages([typed], KNOWN), conditions, QUICK)


def refusal(typed: str) -> str:
    with pytest.raises(SelectionError) as error:
        audience_of_languages([typed], read_languages())
    return str(error.value)


def test_weights_are_shares_of_what_was_typed() -> None:
    audience = audience_of_languages(["id:5,jv:2", "su"], read_languages())
    assert [(x.tag, x.share) for x in audience.languages] == [
        ("id", 0.625),
        ("jv", 0.25),
        ("su", 0.125),
    ]


def test_a_selection_counts_each_of_its_languages_once() -> None:
    audience = audience_of_languages(["family:Indo-European", "sw:2"], KNOWN)
    assert {x.tag: x.share for x in audience.languages} == {"sw": 0.5, "en": 0.25, "hi": 0.25}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("xx:1", "no language 'xx'"),
        ("Hausa:2", "that is Hausa, which is not in the languages file"),
        ("jv:0", "weight '0' of 'jv' is not a number above 0"),
        ("jv:-1", "weight '-1' of 'jv'"),
        ("jv:nan", "weight 'nan' of 'jv'"),
        ("jv:inf", "weight 'inf' of 'jv'"),
        ("中文:x", "weight 'x' of '中文'"),
        ("id:5,ind:1", "'id' is there twice, as 'id:5' and as 'ind:1'"),
        ("family:Turkic,tr:2", "'tr' is there twice"),
        ("-id", "leave it out"),
        (" , ", "no language is given"),
    ],
)
def test_a_weight_that_is_none_is_refused_in_one_line(typed: str, words: str) -> None:
    message = refusal(typed)
    assert words in message and "\n" not in message


def test_the_level_is_the_weighted_mean_of_the_mean_adjusted_scores(table: ReportTable) -> None:
    found = chosen(table, "sw:3,hi:1")
    for candidate in found.candidates:
        model = candidate.rank.model
        levels = [table.adjusted[model, 0, tag].value for tag in ("sw", "hi")]
        assert candidate.rank.score == pytest.approx((3 * levels[0] + levels[1]) / 4)
    assert [candidate.rank.model for candidate in found.candidates] == ["many", "few"]
    assert found.candidates[0].probability > 0.95
    assert sum(candidate.probability for candidate in found.candidates) == pytest.approx(1)


def test_a_language_without_all_families_is_the_mean_of_those_it_has(table: ReportTable) -> None:
    # Yoruba has no terms: its level is that of the topic alone.
    (found,) = [c for c in chosen(table, "yo").candidates if c.rank.model == "many"]
    assert found.rank.score == pytest.approx(table.adjusted["many", 0, "yo"].value)


def test_what_was_not_tested_is_named_and_the_rest_counts_whole(table: ReportTable) -> None:
    known = {**KNOWN, "jv": read_languages()["jv"]}
    audience = audience_of_languages(["sw:3,jv:1"], known)
    found = choose(table, audience, NO_CONDITION, QUICK)
    assert found.tested_share == 0.75
    assert [x.tag for x in found.untested] == ["jv"]
    assert found.candidates[0].rank.score == pytest.approx(table.adjusted["many", 0, "sw"].value)
    assert "Not tested with all models: Javanese (25 %)" in doubt_sentence(found)


def test_nothing_is_chosen_by_less_than_half_of_what_counts(table: ReportTable) -> None:
    audience = audience_of_languages(["sw:1,jv:3"], {**KNOWN, "jv": read_languages()["jv"]})
    with pytest.raises(SelectionError, match=r"of the weight 25 % was tested.*Test Javanese"):
        choose(table, audience, NO_CONDITION, QUICK)


def test_a_country_is_not_chosen_for_by_english_alone(table: ReportTable) -> None:
    cldr = Cldr({"JM": {"en": 90.0, "jam": 10.0}}, {"JM": "Jamaica"}, {"jam": "Patois"}, {}, "")
    audience = audience_of_country("jm", KNOWN, cldr)
    with pytest.raises(SelectionError, match=r"Jamaica.*90 % was tested.*English alone.*Patois"):
        choose(table, audience, NO_CONDITION, QUICK)


def test_a_country_without_tested_languages_is_refused(table: ReportTable) -> None:
    cldr = read_cldr()
    audience = audience_of_country("Japan", {**KNOWN, "ja": read_languages()["ja"]}, cldr)
    with pytest.raises(SelectionError, match=r"Japan: of its language use 0 % was tested"):
        choose(table, audience, NO_CONDITION, QUICK)


@pytest.mark.parametrize("text", ["NG", "ng", "Nigeria", " nigeria "])
def test_a_country_has_a_code_and_a_name(text: str) -> None:
    assert find_territory(text, read_cldr()) == "NG"


@pytest.mark.parametrize(("text", "code"), [("UK", "GB"), ("Cote d’Ivoire", "CI")])
def test_another_name_of_a_country_finds_it_too(text: str, code: str) -> None:
    assert find_territory(text, read_cldr()) == code


def test_an_unknown_country_is_refused_with_the_nearest() -> None:
    with pytest.raises(SelectionError, match="no country 'Nigera'. Did you mean 'Nigeria'"):
        find_territory("Nigera", read_cldr())


def test_who_is_ruled_out_is_named_and_who_is_unknown_stays(table: ReportTable) -> None:
    found = chosen(table, "sw", Conditions(is_commercial=True, memory=10e9))
    assert found.left_out == {"many": "its weights take 16 GB in bfloat16, more than 10 GB"}
    (left,) = found.candidates
    assert left.rank.model == "few"
    assert left.unknown == (
        "whether its licence allows commercial use",
        "how much memory it takes",
    )
    assert found.candidates[0].facts.commercial == ""
    assert sentence(found) == "few is the only model left; nothing stands beside it."


def test_a_licence_that_forbids_commercial_use_rules_out(tmp_path: Path) -> None:
    run = two_models(tmp_path / "r")
    run.models["many"] |= {"licence": "Qwen Research License"}
    run.models["few"] |= {"licence": "Llama 3.1 Community License"}
    found = chosen(table_from_run(read_run(run.write())), "sw", Conditions(is_commercial=True))
    assert list(found.left_out) == ["many"] and "commercial use: no" in found.left_out["many"]
    assert found.candidates[0].facts.commercial.startswith("yes, up to")


def test_a_preset_is_known_by_its_hub_id_too(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI))
    for model in ("Qwen/Qwen3-8B-Base", "somebody/else"):
        run.put(Cell(model, "topic", "sw", 0), exact(6))
    found = chosen(table_from_run(read_run(run.write())), "sw")
    by_model = {candidate.rank.model: candidate.facts for candidate in found.candidates}
    assert by_model["Qwen/Qwen3-8B-Base"].licence == "Apache-2.0"
    assert by_model["Qwen/Qwen3-8B-Base"].memory == pytest.approx(16.4e9)
    assert by_model["somebody/else"].licence == ""


def test_the_premium_is_that_of_the_languages_by_their_weight(table: ReportTable) -> None:
    # Sentences take 11 tokens in English, 10 in Swahili, 12 in Hindi.
    found = chosen(table, "sw:1,hi:3", Conditions(max_premium=1.1))
    assert [c.premium for c in found.candidates] == [pytest.approx((10 + 3 * 12) / 44)] * 2
    with pytest.raises(SelectionError, match=r"no model fulfils.*1.09 times the tokens.*than 1"):
        chosen(table, "hi", Conditions(max_premium=1.0))


def test_one_model_is_no_choice(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "one", languages=(ENGLISH, SWAHILI))
    run.put(Cell("m", "topic", "sw", 0), exact(6))
    with pytest.raises(SelectionError, match="has one model; a choice needs two"):
        chosen(table_from_run(read_run(run.write())), "sw")


def test_a_run_of_bits_is_ranked_by_bits(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "bits", families={"text": TEXT}, languages=(ENGLISH, SWAHILI))
    for model, bits in (("good", 90.0), ("bad", 120.0)):
        for tag in ("en", "sw"):
            run.put(Cell(model, "text", tag, 0), texts(bits, seed=len(model)))
    found = chosen(table_from_run(read_run(run.write())), "sw:2,en")
    assert found.measure is not None and found.measure.name == "bits"
    assert [c.rank.model for c in found.candidates] == ["good", "bad"]
    assert found.candidates[0].probability > 0.99


def test_who_has_too_little_is_left_out_and_said(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, ARABIC))
    for model, tags in (("a", ("sw", "ar")), ("b", ("sw", "ar")), ("c", ("ar",))):
        for tag in tags:
            run.put(Cell(model, "topic", tag, 0), choices(0.6, seed=len(tag)))
    found = chosen(table_from_run(read_run(run.write())), "sw:3,ar:1")
    assert found.left_out == {"c": "it has scores for 25 % of the weight only"}


def test_the_language_with_the_most_doubt_is_the_one_to_test(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, SWAHILI, ARABIC))
    for seed, model in enumerate(("a", "b")):
        run.put(Cell(model, "topic", "sw", 0), choices(0.6, seed=seed))
        run.put(Cell(model, "topic", "ar", 0), choices(0.6, seed=seed + 5))
    found = chosen(table_from_run(read_run(run.write())), "sw:9,ar:1")
    assert [doubt.language.tag for doubt in found.doubts] == ["sw", "ar"]
    assert sum(doubt.share for doubt in found.doubts) == pytest.approx(1)
    assert found.doubts[0].share > 0.8
    assert "test more docs or families in Swahili" in doubt_sentence(found)


@pytest.mark.parametrize("text", ["16", "16 apples", "-1GB", "0GB", "GB", "nan GB"])
def test_memory_needs_a_unit(text: str) -> None:
    with pytest.raises(SelectionError, match="is not a size with a unit"):
        read_memory(text)


@pytest.mark.parametrize(("text", "value"), [("16GB", 16e9), ("1.5gib", 1.5 * 2**30)])
def test_memory_is_read_with_its_unit(text: str, value: float) -> None:
    assert read_memory(text) == value


def test_the_command_prints_a_table_and_json(table: ReportTable) -> None:
    folder = str(table.run.folder)
    result = CliRunner().invoke(app, ["choose", folder, "--languages", "sw:2", "hi"])
    assert result.exit_code == 0, result.output
    assert "many is most likely the best" in result.output
    result = CliRunner().invoke(app, ["choose", folder, "--languages", "sw:2,hi", "--json"])
    found = json.loads(result.output)
    assert [one["model"] for one in found["candidates"]] == ["many", "few"]
    assert found["candidates"][1]["memory_bytes"] is None
    assert np.isclose(found["tested_share"], 1)


@pytest.mark.parametrize(
    "given", [[], ["--country", "NG", "--languages", "sw"], ["--licence", "mit", "--country", "NG"]]
)
def test_options_that_do_not_fit_are_refused_before_anything_is_read(given: list[str]) -> None:
    result = CliRunner().invoke(app, ["choose", "/nowhere", *given])
    assert isinstance(result.exception, SelectionError)
    assert "/nowhere" not in str(result.exception)
