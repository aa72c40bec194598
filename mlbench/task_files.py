"""The door for lm-eval's own command line: one small YAML a family and language, and its group.

They hold no prompt and no data, only which family and language FamilyTask should be. They are
generated, committed, and checked against the generator; nobody edits them.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlbench.data.languages import read_languages
from mlbench.data.prepare import covers
from mlbench.errors import StoreError
from mlbench.families import file_of, read_families
from mlbench.measures import measure_of
from mlbench.records import Family, Language

HEADER = "# Made by `mlbench tasks generate`; do not edit.\n"


def find_tasks_folder() -> Path:
    """Return the folder for `lm_eval --include_path`: the installed one, else the checkout's."""
    installed = Path(__file__).with_name("tasks")
    return installed if installed.is_dir() else Path(__file__).parent.parent / "tasks"


def render_stubs(families: Iterable[Family], languages: Mapping[str, Language]) -> dict[str, str]:
    """Return the text of every stub by its path below the tasks folder."""
    stubs: dict[str, str] = {}
    for family in families:
        covered = [language for language in languages.values() if covers(family, language)]
        for language in covered:
            stubs[f"{family.name}/{language.tag}.yaml"] = _render_stub(family, language)
        stubs[f"{family.name}/_group.yaml"] = _render_group(family, covered)
    return stubs


def render_all() -> dict[str, str]:
    """Return the stubs of every family over the languages file in force."""
    return render_stubs(read_families().values(), read_languages())


def check_stubs(folder: Path, stubs: Mapping[str, str]) -> list[str]:
    """Return what differs between a folder and what the generator makes, a line each."""
    there = {str(path.relative_to(folder)) for path in folder.glob("*/*.yaml")}
    problems = [f"not generated any more: {name}" for name in sorted(there - set(stubs))]
    for name, text in sorted(stubs.items()):
        path = folder / name
        if name not in there:
            problems.append(f"missing: {name}")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"changed: {name}")
    return problems


def add_stubs(folder: Path, stubs: Mapping[str, str]) -> None:
    """Write stubs into a folder, whatever else is in it.

    Raises StoreError if the folder cannot be written.
    """
    try:
        for name, text in stubs.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StoreError(f"cannot write task stubs to {folder}: {error.strerror}") from error


def write_stubs(folder: Path, stubs: Mapping[str, str]) -> None:
    """Write all stubs and delete the ones that the generator no longer makes.

    Raises StoreError if the folder cannot be written.
    """
    try:
        for path in folder.glob("*/*.yaml"):
            if str(path.relative_to(folder)) not in stubs:
                path.unlink()
    except OSError as error:
        raise StoreError(f"cannot write task stubs to {folder}: {error.strerror}") from error
    add_stubs(folder, stubs)


def task_name(family: str, tag: str) -> str:
    """Return lm-eval's name of a family in a language.

    >>> task_name("sib200_topic", "zh-Hans")
    'mlbench_sib200_topic_zh_Hans'
    """
    return f"mlbench_{family}_{tag.replace('-', '_')}"


def _render_stub(family: Family, language: Language) -> str:
    selectors = [f"mlbench_lang_{language.tag.replace('-', '_')}"]
    selectors.append(f"mlbench_script_{language.script}")
    selectors.append("mlbench_family_" + language.family.replace("-", "_").replace(" ", "_"))
    file = file_of(family)
    of_file = f"family_file: {json.dumps(str(file))}\n" if file else ""
    return (
        f"{HEADER}"
        f"task: {task_name(family.name, language.tag)}\n"
        f"class: !function mlbench.harness.task.FamilyTask\n"
        f"family: {family.name}\n"
        f"{of_file}"
        f'language: "{language.tag}"\n'
        f"tag: [{', '.join(selectors)}]\n"
    )


def _render_group(family: Family, covered: Iterable[Language]) -> str:
    tasks = "".join(f"  - {task_name(family.name, language.tag)}\n" for language in covered)
    metrics = "".join(
        f"  - {{metric: {metric}, aggregation: mean, weight_by_size: false}}\n"
        for metric in family.metrics
        if not measure_of(metric).is_of_language
    )
    return (
        f"{HEADER}"
        f"group: mlbench_{family.name}\n"
        f"task:\n{tasks}"
        f"aggregate_metric_list:\n{metrics}"
        f"metadata: {{version: {family.version}}}\n"
    )
