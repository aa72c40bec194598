"""Which docs does a family have in a language? Rows become docs once and are kept on disk.

A prepared file is keyed by family, its version, its language, the fingerprint of its source and the
code that makes docs, so a change of any makes a new file. It is sealed and says whose it is: what
is not as it was written is made again. The sha256 is over the docs themselves: the same data give
the same value from the hub and from a mirror.
"""

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import files
from mlbench.data import sources
from mlbench.data.family_code import digest_maker, told_in_one_line
from mlbench.errors import DataError, NoData
from mlbench.records import (
    AskedDoc,
    ChoiceDoc,
    Doc,
    Family,
    FamilyDocs,
    HubSource,
    Language,
    ReplyDoc,
    Rows,
    Source,
    TaskDoc,
    TaskReplyDoc,
    TaskSource,
    TextDoc,
    row_of,
)

FEWSHOT_DELIMITER = "\n\n"
TARGET_DELIMITER = " "
# What the files that make docs end with: code, and tables that it reads.
CODE = (".py", ".tsv", ".yaml")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The docs of one family in one language, or the `reason` why there are none."""

    family: Family
    language: Language
    docs: FamilyDocs
    sha256: str
    revision: str
    reason: str | None = None


class Reader(NamedTuple):
    """How rows are read: what `sources` has of this name, or another module for other sources."""

    fingerprint: Callable[[Source, Language], str]
    read_rows: Callable[[Source, Language], Rows]
    revision: Callable[[Source], str]


HUB = Reader(sources.fingerprint, sources.read_rows, sources.revision)


def prepare(family: Family, language: Language, reader: Reader = HUB) -> Prepared:
    """Return the docs of a family in a language, from the cache where it has them.

    Tasks of lm-eval are read by harness.docs. Raises DataError for rows that are not as the family
    expects.
    """
    try:
        _refuse_pivot(family, language)
        state = reader.fingerprint(family.source, language) + _digest_code()
        state += digest_maker(family.docs)
        key = hashlib.sha256(state.encode()).hexdigest()
    except NoData as absent:
        return Prepared(family, language, FamilyDocs(()), "", "", reason=str(absent))
    folder = sources.find_cache() / "docs" / f"{family.name}-v{family.version}"
    path = folder / f"{language.tag}-{key[:16]}.json"
    owner = f"{family.name} {language.tag} {key}"
    content = _read(path, owner)
    if content is None:
        content = {**_make(family, language, reader), "owner": owner}
        _write(path, content)
    return Prepared(
        family,
        language,
        FamilyDocs(
            tuple(map(doc_from_dict, content["scored"])),
            tuple(map(asked_from_dict, content["fewshot"])),
            tuple(map(choices_from_dict, content.get("calibration", ()))),
            tuple(content.get("examples", ())),
        ),
        content["sha256"],
        content["revision"],
        content["reason"],
    )


@cache
def _digest_code() -> str:
    """Digest the files that make docs, so that a change of code never meets docs of before it.

    The tables beside the families are read by their code, and count as it does.
    """
    here = Path(__file__).parent
    families = sorted(f for f in (here.parent / "families").iterdir() if f.suffix in CODE)
    files = [*families, here / "cldr.py", Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def covers(family: Family, language: Language) -> bool:
    """Return whether a family has docs in a language, without any download."""
    if isinstance(family.source, TaskSource):
        return family.source.covers(language)
    if not isinstance(family.source, HubSource):
        return prepare(family, language).reason is None
    return bool(language.code(family.source.code_key)) and language.tag != family.pivot


def _refuse_pivot(family: Family, language: Language) -> None:
    if language.tag == family.pivot:
        raise NoData(f"{family.title} pairs every other language with {language.name}")


def render_contexts(prepared: Prepared, shots: int, limit: int | None) -> list[str]:
    """Return the full context of each scored doc, examples included, as lm-eval will build it.

    A text doc has no context but itself. No lm-eval is needed here: `plan` hashes these to know
    whether a prompt changed.
    """
    return _render(prepared, prepared.docs.scored[:limit], shots)


def render_calibration(prepared: Prepared, shots: int) -> list[str]:
    """Return the full context of each calibration doc; none where the family has no such docs."""
    return _render(prepared, prepared.docs.calibration, shots)


def _render(prepared: Prepared, docs: Sequence[Doc], shots: int) -> list[str]:
    prompt = prepared.family.prompt
    if prompt is None:
        return [doc.text for doc in docs if isinstance(doc, TextDoc)]
    examples = ""
    for doc in prepared.docs.fewshot[:shots]:
        context, choices = prompt(doc)
        answer = doc.reference if isinstance(doc, ReplyDoc) else choices[doc.target]
        examples += f"{context}{TARGET_DELIMITER}{answer}{FEWSHOT_DELIMITER}"
    return [
        render_task(prepared, doc, shots)
        if isinstance(doc, TaskDoc | TaskReplyDoc)
        else examples + prompt(doc).context
        for doc in docs
    ]


def render_task(prepared: Prepared, doc: TaskDoc | TaskReplyDoc, shots: int) -> str:
    """Return the context of a doc of a task of lm-eval; without the query where choices have it.

    Raises DataError where the task has not so many examples for it.
    """
    if shots > len(doc.examples):
        raise DataError(
            f"{prepared.family.name} in {prepared.language.tag!r} has no {shots} examples: "
            f"type --shots {len(doc.examples)}, or get the split of the data set that they are of"
        )
    places = doc.examples[shots - 1] if shots else ()
    return doc.head + "".join(prepared.docs.examples[place] for place in places) + doc.query


def list_pairs(
    prepared: Prepared, doc: AskedDoc, context: str, *, delimiter: str = TARGET_DELIMITER
) -> list[tuple[str, str]]:
    """Return what is scored of a doc: each continuation after its context; none of a reply."""
    assert prepared.family.prompt is not None, "only a text family has no prompt"
    choices = prepared.family.prompt(doc).choices
    if not isinstance(doc, TaskDoc):
        return [(context, delimiter + choice) for choice in choices]
    if doc.ending is None:
        return [(context, doc.delimiter + choice) for choice in choices]
    return [(context + choice, doc.delimiter + doc.ending) for choice in choices]


def turns_of(prepared: Prepared, doc: AskedDoc, shots: int) -> list[dict[str, str]]:
    """Return a doc as turns of a conversation, each example as two, as lm-eval will build it."""
    prompt = prepared.family.prompt
    assert prompt is not None, "a text is no conversation"
    turns = []
    for example in prepared.docs.fewshot[:shots]:
        context, choices = prompt(example)
        answer = example.reference if isinstance(example, ReplyDoc) else choices[example.target]
        turns += [{"role": "user", "content": context}, {"role": "assistant", "content": answer}]
    return [*turns, {"role": "user", "content": prompt(doc).context}]


def hash_prompts(prepared: Prepared, shots: int, limit: int | None) -> str:
    """Return a digest of what a cell asks and takes for right: contexts, choices, targets,
    references, calibration, and how a reply is written."""
    docs, family = prepared.docs.scored[:limit], prepared.family
    digest = hashlib.sha256(str(family.calibration_context).encode())
    for doc, context in zip(docs, render_contexts(prepared, shots, limit), strict=True):
        choices = family.prompt(doc).choices if family.prompt else ()
        target: list[Any] = [doc.target] if isinstance(doc, ChoiceDoc) else []
        target += [doc.delimiter, doc.ending] if isinstance(doc, TaskDoc) else []
        if isinstance(doc, ReplyDoc):
            target = [doc.reference, doc.wrong, family.reply]
        digest.update(json.dumps([context, *choices, *target]).encode())
    for context in render_calibration(prepared, shots):
        digest.update(json.dumps(["calibration", context]).encode())
    return digest.hexdigest()[:16]


def _make(family: Family, language: Language, reader: Reader) -> dict[str, Any]:
    revision = reader.revision(family.source)
    try:
        rows = reader.read_rows(family.source, language)
        with told_in_one_line(family.docs, f"{family.name} in {language.tag!r}"):
            docs = family.docs(rows, language)
    except NoData as absent:
        return _content(FamilyDocs(()), revision, reason=str(absent))
    _check(family, language, docs)
    mixed = tuple(order_docs(docs.scored))
    return _content(replace(docs, scored=mixed), revision, reason=None)


def order_docs(docs: Sequence[Doc]) -> list[Doc]:
    """Order docs so that the first few are a fair sample, whatever --limit is.

    Data sets are sorted: the test split of SIB-200 begins with 51 sentences of one topic, and a
    trial would score nothing else. Docs of one target, and texts, are in the order of the hash of
    their id. Targets take turns as seats are given to parties after Sainte-Lague: the j-th from 0
    of n docs stands at (j + 1/2)/n, and a tie goes to the target that has had fewer. The order is
    that of ids and targets alone, so the same in every language that has the same docs.
    """
    by_target: dict[int | None, list[Doc]] = {}
    for doc in sorted(docs, key=lambda doc: _digest(doc.doc_id)):
        target = doc.target if isinstance(doc, ChoiceDoc) else None
        by_target.setdefault(target, []).append(doc)
    places = [
        ((j + 0.5) / len(group), j, _digest(str(target)), doc)
        for target, group in by_target.items()
        for j, doc in enumerate(group)
    ]
    return [doc for *_, doc in sorted(places, key=lambda place: place[:3])]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _content(docs: FamilyDocs, revision: str, *, reason: str | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "scored": [row_of(doc) for doc in docs.scored],
        "fewshot": [row_of(doc) for doc in docs.fewshot],
    }
    if docs.calibration:
        body["calibration"] = [row_of(doc) for doc in docs.calibration]
    if docs.examples:
        body["examples"] = list(docs.examples)
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {**body, "sha256": digest, "revision": revision, "reason": reason}


def _check(family: Family, language: Language, docs: FamilyDocs) -> None:
    """Refuse docs that would give a silent wrong score, whatever family made them."""
    where = f"{family.name} in {language.tag!r}"
    every = (*docs.scored, *docs.fewshot, *docs.calibration)
    ids = [doc.doc_id for doc in every]
    repeated = [doc_id for doc_id, count in Counter(ids).items() if count > 1]
    if repeated:
        raise DataError(f"{where}: doc id {repeated[0]!r} is there twice; each must be unique")
    if family.is_calibrated and not docs.calibration:
        raise DataError(f"{where}: no doc is left to calibrate the labels with")
    for doc in every:
        if not all(text.strip() for text in _texts(doc)):
            raise DataError(f"{where}: doc {doc.doc_id!r} has an empty text")
        if isinstance(doc, ChoiceDoc) and not 0 <= doc.target < len(doc.choices):
            raise DataError(
                f"{where}: doc {doc.doc_id!r} has target {doc.target}, "
                f"allowed are 0 to {len(doc.choices) - 1}"
            )
        if isinstance(doc, ChoiceDoc) and not isinstance(doc, TaskDoc):
            _check_prompt(family, doc, where)


def _check_prompt(family: Family, doc: ChoiceDoc, where: str) -> None:
    assert family.prompt is not None
    with told_in_one_line(family.prompt, f"{where}, doc {doc.doc_id!r}"):
        context, choices = family.prompt(doc)
        if len(choices) != len(doc.choices) or not all(choices):
            raise DataError(f"{where}: the prompt of doc {doc.doc_id!r} has other choices than it")
        if context != context.rstrip():
            raise DataError(
                f"{where}: the prompt of doc {doc.doc_id!r} ends in a blank, and one more comes "
                f"before a choice. Leave it out"
            )


def _texts(doc: Doc) -> tuple[str, ...]:
    """Return the texts of a doc that must say something."""
    if isinstance(doc, ReplyDoc):
        return (doc.query, doc.reference)
    return doc.choices if isinstance(doc, ChoiceDoc) else (doc.text,)


def doc_from_dict(doc: Mapping[str, Any]) -> Doc:
    """Return the doc whose fields these are, lists where it has tuples."""
    return TextDoc(**doc) if "text" in doc else asked_from_dict(doc)


def asked_from_dict(doc: Mapping[str, Any]) -> AskedDoc:
    """Return a doc that is put to a model as a prompt."""
    if "row" in doc:
        lists = {"names": tuple(doc["names"]), "examples": tuple(map(tuple, doc["examples"]))}
        return TaskReplyDoc(**{**doc, **lists})
    if "reference" in doc:
        return ReplyDoc(**{**doc, "names": tuple(doc["names"])})
    return choices_from_dict(doc)


def choices_from_dict(doc: Mapping[str, Any]) -> ChoiceDoc:
    """Return a doc with choices."""
    if "delimiter" in doc:
        lists = {"choices": tuple(doc["choices"]), "examples": tuple(map(tuple, doc["examples"]))}
        return TaskDoc(**{**doc, **lists})
    return ChoiceDoc(**{**doc, "choices": tuple(doc["choices"])})


def _read(path: Path, owner: str) -> dict[str, Any] | None:
    """Return a prepared file; None where there is none, or it is not what was written for this."""
    try:
        text = path.read_bytes()
    except OSError:
        return None
    content: dict[str, Any] = json.loads(text) if files.is_whole(text) else {}
    return content if content.get("owner") == owner else None


def _write(path: Path, content: dict[str, Any]) -> None:
    """Keep prepared docs. A cache that cannot be written costs time, never a run."""
    ordered = {key: content[key] for key in sorted(content)} | {"seal": files.UNSEALED}
    text = json.dumps(ordered, ensure_ascii=False).encode("utf-8")
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, never a run
        files.write_bytes(path, files.seal(text))
