"""What task_map.yaml says of lm-eval's tasks is what their installed files say."""

import pytest

from mlbench.data.languages import read_languages
from mlbench.data.prepare import covers
from mlbench.errors import NoData, SelectionError
from mlbench.families import select_families
from mlbench.families.lm_eval_tasks import UNKNOWN, family_of_tasks, read_task_families
from mlbench.families.task_map import METRICS, read_shipped
from mlbench.harness.lm_eval_tasks import find_tasks
from mlbench.measures import measure_of
from mlbench.records import OutputType

LANGUAGES, FAMILIES = read_languages(), read_task_families()
ENTRIES = {entry.family: entry for entry in read_shipped().values()}
MOVED = {"CohereForAI/Global-MMLU-Lite": "CohereLabs/Global-MMLU-Lite"}
"""Names of data sets that the hub answers by another one."""


def configs_of(family):
    """Return the files of a family's tasks, one a language."""
    found = {}
    for language in LANGUAGES.values():
        try:
            found[language.tag] = find_tasks(family.source, language)[0].config
        except NoData:
            continue
    return found


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_the_table_says_what_the_installed_tasks_say(family):
    configs = configs_of(family)
    assert configs
    for config in configs.values():
        path = config["dataset_path"]
        assert MOVED.get(path, path) == family.source.hub_id
        assert config["output_type"] == family.output_type
        assert str(config["metadata"]["version"]) == family.version
        known = METRICS[family.output_type]
        listed = [known.get(each["metric"]) for each in config["metric_list"]]
        assert set(family.metrics) <= set(listed)
        assert family.max_shots == 0 or config.get("num_fewshot") != 0
        is_choice = config["output_type"] == OutputType.CHOICES
        assert not (is_choice and "process_results" in config)
        assert not config.get("generation_kwargs", {}).get("do_sample")
        filters = [each["name"] for each in config.get("filter_list", ())]
        assert len(filters) < 2 or family.source.filter in filters
    assert family.question and all(measure_of(metric) for metric in family.metrics)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_language_that_is_listed_has_a_task(family):
    """Several languages that a data set takes for one have none, and a reason."""
    listed = {tag for tag, language in LANGUAGES.items() if covers(family, language)}
    missing = listed - set(configs_of(family))
    for tag in missing:
        with pytest.raises(NoData, match="has one set"):
            find_tasks(family.source, LANGUAGES[tag])
    assert len(missing) <= 3


def test_a_fault_is_a_sentence_and_an_origin_has_its_source():
    for entry in ENTRIES.values():
        assert all(each[0].isupper() and each.endswith(".") for each in entry.caveats)
        assert bool(entry.origin) == bool(entry.origin_source)
        assert entry.folder is None or entry.caveats


def test_three_languages_with_one_set_have_none():
    with pytest.raises(NoData, match="'hbs' for Croatian, Serbian, Bosnian|has one set 'hbs'"):
        find_tasks(FAMILIES["multiblimp_lmeval"].source, LANGUAGES["hr"])


def test_families_and_suites_of_lm_eval_are_chosen_by_name():
    assert [f.name for f in select_families("xcopa_lmeval,belebele_lmeval")] == [
        "xcopa_lmeval",
        "belebele_lmeval",
    ]
    assert {f.name for f in select_families("lmeval")} == set(FAMILIES)
    assert not {f.name for f in select_families("all")} & set(FAMILIES)


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("lm_eval:belebele_{code}", "belebele_lmeval"),
        ("lm_eval:global_mmlu_full_{code}_{part}", "global_mmlu_lmeval"),
        ("lm_eval:sib_{code}_prompt_1", "afrobench_sib_lmeval"),
        ("lm_eval:mlqa_{code}_{code}", "lm_eval_mlqa"),
        ("lm_eval:belebele_{code}_prompt_3", "lm_eval_belebele_prompt_3"),
    ],
)
def test_any_tasks_are_a_family(text, family):
    (found,) = select_families(text)
    assert found.name == family
    assert (found.version == UNKNOWN) == family.startswith("lm_eval_")


@pytest.mark.parametrize("text", ["lm_eval:xnli", "lm_eval:{part}", "lm_eval:../{code}"])
def test_tasks_without_a_place_for_the_language_are_refused(text):
    with pytest.raises(SelectionError, match="has no place for the language"):
        family_of_tasks(text)
