"""Which families are tasks of lm-eval itself, asked as lm-eval asks them? Those of task_map.yaml.

Any other tasks with a language in their name are a family too, named by `lm_eval:TASK_{code}`. Only
harness/ can load them: its rows are docs that are finished but for their form. One family stands
for the tasks of all languages, and for all subjects of an exam.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from mlbench.data.languages import read_languages
from mlbench.data.prepare import doc_from_dict
from mlbench.errors import NoData, SelectionError
from mlbench.families._sib200 import DOC_SET as SIB200
from mlbench.families.task_map import Entry, cluster_of, find_data_set, read_shipped
from mlbench.names import fault_of_name
from mlbench.records import (
    AskedDoc,
    ChoiceDoc,
    Family,
    FamilyDocs,
    Language,
    Prompt,
    Rows,
    TaskSource,
)

PREFIX = "lm_eval:"
CODE, PART = "{code}", "{part}"
MOST_SHOTS = 5
"""The most examples of tasks that the table does not know."""

UNKNOWN = "unknown"
"""A version that harness.docs reads of the tasks, with what else is not known before."""


@cache
def read_task_families() -> Mapping[str, Family]:
    """Return the families of lm-eval's own tasks that can be run, by name."""
    entries = read_shipped().items()
    return MappingProxyType({e.family: _make_family(p, e) for p, e in entries if e.folder})


def family_of_tasks(text: str) -> Family:
    """Return the family that `lm_eval:TASK_{code}` names; that of the table where it is there.

    `{part}` stands for the subjects of an exam. Raises SelectionError for a text without a place
    for the language.
    """
    template = text.removeprefix(PREFIX)
    name = "lm_eval_" + re.sub(r"_?\{(code|part)\}", "", template).strip("_")
    if CODE not in template or template.count(PART) > 1 or fault_of_name(name):
        raise SelectionError(
            f"{text!r} has no place for the language. Write {CODE} there, and {PART} for the "
            f"subjects of an exam: {PREFIX}xnli_{CODE}. Names of tasks: lm_eval ls tasks"
        )
    known = _find_in_table(template)
    if known is not None:
        return known
    pattern = re.escape(template).replace(re.escape(PART), "(?P<part>.+)")
    pattern = pattern.replace(re.escape(CODE), "(?P<code>.+)", 1)
    pattern = pattern.replace(re.escape(CODE), "(?P=code)")
    entry = Entry(family=name, title=f"{template} (lm-eval)", version=UNKNOWN, shots=MOST_SHOTS)
    return _make_family(pattern, entry)


def docs_of_sib200(rows: Rows, language: Language) -> FamilyDocs:
    """Put docs into their form that are sentences of articles."""
    docs = docs_from_rows(rows, language)
    scored = [replace(d, cluster_id=cluster_of(d.doc_id, SIB200)) for d in docs.scored]
    return replace(docs, scored=tuple(scored))


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Put docs that harness/ finished into their form."""
    if not rows["scored"]:
        raise NoData(f"its tasks have no docs in {language.name}")
    scored = tuple(doc_from_dict(row) for row in rows["scored"])
    return FamilyDocs(scored, examples=tuple(row["text"] for row in rows["examples"]))


def with_data_set(family: Family, hub_id: str, split: str) -> Family:
    """Return a family whose tasks turn out to be on this data set, with what is known of its rows.

    Then another prompt for Belebele is no new evidence beside the tasks of the table.
    """
    assert isinstance(family.source, TaskSource)
    known = find_data_set(hub_id, split) or Entry(family=family.name)
    source = replace(family.source, hub_id=hub_id, doc_id=known.doc_id, cluster=known.cluster)
    return replace(
        family,
        source=source,
        docs=_maker_of(known.doc_set),
        doc_set=known.doc_set,
        is_parallel=known.is_parallel,
    )


def prompt_from_doc(doc: AskedDoc) -> Prompt:
    """Return the finished question; what stands around it is the doc's (TaskDoc)."""
    return Prompt(doc.query, doc.choices if isinstance(doc, ChoiceDoc) else ())


def _maker_of(doc_set: str | None) -> Callable[[Rows, Language], FamilyDocs]:
    return docs_of_sib200 if doc_set == SIB200 else docs_from_rows


def _find_in_table(template: str) -> Family | None:
    """Return the family of the table whose tasks have names of this form."""
    tasks = template.replace(PART, "part")
    for pattern, entry in read_shipped().items():
        codes = {
            code
            for tag, language in read_languages().items()
            for key, code in language.codes.items()
            if key == entry.codes or (entry.codes is None and tag in entry.languages)
        }
        names = (tasks.replace(CODE, code) for code in codes)
        if entry.folder and any(re.fullmatch(pattern, name) for name in names):
            return read_task_families()[entry.family]
    return None


def _make_family(pattern: str, entry: Entry) -> Family:
    source = TaskSource(
        pattern=pattern,
        folder=entry.folder or "",
        hub_id=entry.source,
        code_key=entry.codes,
        languages=entry.languages,
        shots=entry.shots,
        doc_id=entry.doc_id,
        cluster=entry.cluster,
        filter=entry.filter,
    )
    return Family(
        name=entry.family,
        version=entry.version,
        title=entry.title,
        question=entry.question or f"As asked by lm-eval's tasks {pattern}",
        suite="lmeval",
        output_type=entry.output,
        source=source,
        licence=entry.licence,
        citation=entry.citation,
        chance=entry.chance,
        metrics=entry.metrics,
        docs=_maker_of(entry.doc_set),
        prompt=prompt_from_doc,
        is_parallel=entry.is_parallel,
        doc_set=entry.doc_set,
        max_shots=entry.shots,
        origin=entry.origin,
        caveats=entry.caveats,
    )
