"""Which families are tasks of lm-eval itself, asked as lm-eval asks them? Those of task_map.yaml.

Only harness/ can load them: its rows are docs that are finished but for their form. One family
stands for the tasks of all languages, and for all subjects of an exam.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from mlbench.data.prepare import doc_from_dict
from mlbench.errors import NoData
from mlbench.families.task_map import Entry, read_shipped
from mlbench.records import (
    ChoiceDoc,
    Family,
    FamilyDocs,
    Language,
    OutputType,
    Prompt,
    Rows,
    TaskSource,
)


@cache
def read_task_families() -> Mapping[str, Family]:
    """Return the families of lm-eval's own tasks that can be run, by name."""
    entries = read_shipped().items()
    return MappingProxyType({e.family: _make_family(p, e) for p, e in entries if e.folder})


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Put docs that harness/ finished into their form."""
    if not rows["scored"]:
        raise NoData(f"its tasks have no docs in {language.name}")
    scored = tuple(doc_from_dict(row) for row in rows["scored"])
    return FamilyDocs(scored, examples=tuple(row["text"] for row in rows["examples"]))


def prompt_from_doc(doc: ChoiceDoc) -> Prompt:
    """Return the finished question; what stands around it is the doc's (TaskDoc)."""
    return Prompt(doc.query, doc.choices)


def _make_family(pattern: str, entry: Entry) -> Family:
    source = TaskSource(
        pattern=pattern,
        folder=str(entry.folder),
        hub_id=entry.source,
        code_key=str(entry.codes),
        shots=entry.shots,
        doc_id=entry.doc_id,
        cluster=entry.cluster,
    )
    return Family(
        name=entry.family,
        version=entry.version,
        title=entry.title,
        question=entry.question,
        suite="lmeval",
        output_type=OutputType.CHOICES,
        source=source,
        licence=entry.licence,
        citation=entry.citation,
        chance=entry.chance,
        metrics=entry.metrics,
        docs=docs_from_rows,
        prompt=prompt_from_doc,
        is_parallel=entry.is_parallel,
        max_shots=entry.shots,
    )
