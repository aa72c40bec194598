from functools import cache

import pytest
from lm_eval.tasks import TaskManager

from mlbench.data.languages import read_languages
from mlbench.families import read_families
from mlbench.task_files import check_stubs, find_tasks_folder, render_all, task_name, write_stubs

pytestmark = pytest.mark.usefixtures("ready_docs")
made = cache(render_all)


@pytest.fixture(scope="module")
def manager():
    return TaskManager(include_path=str(find_tasks_folder()), include_defaults=False)


def test_the_committed_files_are_what_the_generator_makes():
    assert check_stubs(find_tasks_folder(), made()) == []


def test_a_change_by_hand_is_found_and_mended(tmp_path):
    stubs = made()
    write_stubs(tmp_path, stubs)
    (tmp_path / "sib200_topic" / "sw.yaml").write_text("task: other\n", encoding="utf-8")
    (tmp_path / "sib200_topic" / "xx.yaml").write_text("task: more\n", encoding="utf-8")
    (tmp_path / "sib200_lm" / "th.yaml").unlink()
    assert check_stubs(tmp_path, stubs) == [
        "not generated any more: sib200_topic/xx.yaml",
        "missing: sib200_lm/th.yaml",
        "changed: sib200_topic/sw.yaml",
    ]
    write_stubs(tmp_path, stubs)
    assert check_stubs(tmp_path, stubs) == []


def test_lm_eval_finds_every_task_group_and_tag(manager):
    for family in read_families().values():
        assert f"mlbench_{family.name}" in manager.all_groups
    tasks = [task_name("sib200_topic", tag) for tag in read_languages()]
    assert len(set(tasks)) == 119 and set(tasks) <= set(manager.all_tasks)
    of_languages = {f"mlbench_lang_{tag.replace('-', '_')}" for tag in read_languages()}
    assert {"mlbench_script_Arab", "mlbench_family_Turkic", *of_languages} <= set(manager.all_tags)


def test_no_name_is_one_of_lm_evals_own(manager):
    from importlib.resources import files

    own = files("lm_eval") / "tasks"
    assert not [path for path in own.iterdir() if path.name.startswith("mlbench")]
    assert all(name.startswith("mlbench_") for name in manager.all_tasks)


def test_a_group_loads_with_its_tasks(sib200, manager):
    loaded = manager.load(["mlbench_cldr_calendar"])
    assert len(loaded["tasks"]) >= 90
    assert {task.OUTPUT_TYPE for task in loaded["tasks"].values()} == {"multiple_choice"}
