"""Which families are there, and what is a reader to know of each? `mlbench list families`.

The table of docs/families.md is made of the same facts by python -m mlbench.terminal.family_list.
"""

import json
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from mlbench.data.languages import read_controls, read_languages
from mlbench.data.prepare import Prepared, covers, prepare
from mlbench.data.tables import with_tags
from mlbench.errors import SelectionError, unknown
from mlbench.families import read_families
from mlbench.families.lm_eval_tasks import read_task_families
from mlbench.families.origins import origin_words
from mlbench.records import (
    ChoiceDoc,
    CldrSource,
    Doc,
    Family,
    Language,
    ReplyDoc,
    Size,
    TextDoc,
)
from mlbench.terminal.lists import print_table

Facts = Mapping[str, Any]

AT_CHANCE = "small real models guess here, so it stays out of the numbers over several families"
SCRIPTS = ("en", "ru", "ar", "hi", "th", "zh-Hans")
"""In these the docs of docs/families.md are shown: six scripts."""

BEGIN, END = "<!-- families: made by python -m mlbench.terminal.family_list -->", "<!-- end -->"
_REFERENCE = "en"
_LABEL = 14
_WIDTH = 80
_DOC_WIDTH = 100


def show(name: str | None, languages_file: Path | None, *, as_json: bool) -> None:
    """Print all families in a line each, or all that is known of one.

    Raises SelectionError for a family that does not exist.
    """
    families = {**read_families(), **read_task_families()}
    if name is not None and name not in families:
        raise SelectionError(unknown("family", name, families, "mlbench list families"))
    chosen = families.values() if name is None else [families[name]]
    facts = [facts_of(family, languages_file) for family in chosen]
    if as_json:
        print(json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True))
    elif name is None:
        _print_lines(facts)
    else:
        print("\n".join(_details(facts[0])))


def facts_of(family: Family, languages_file: Path | None = None) -> dict[str, Any]:
    """Return what a reader must be able to check of a family; null is unknown."""
    known = read_languages(languages_file)
    controls = read_controls(known)
    bound = with_tags(family, {**known, **controls})
    size = _size_of(family, known)
    return {
        "family": family.name,
        "title": family.title,
        "question": family.question,
        "suite": family.suite,
        "data_set": family.source.name,
        "languages": sum(covers(bound, language) for language in known.values()),
        "controls": sum(covers(bound, language) for language in controls.values()),
        "docs": size.docs if size else None,
        "clusters": size.clusters if size else None,
        "chance": family.chance,
        "measures": list(family.metrics),
        "shots": family.max_shots,
        "is_parallel": family.is_parallel,
        "doc_set": family.doc_set,
        "origin": family.origin or None,
        "licence": family.licence,
        "is_gated": family.is_gated,
        "citation": family.citation,
        "faults": [*family.caveats, *([AT_CHANCE] if family.is_demonstration else [])],
    }


def _size_of(family: Family, known: Mapping[str, Language]) -> Size | None:
    """Return how many docs there are: as stated, or of English where they are always at hand."""
    if family.size or not isinstance(family.source, CldrSource) or _REFERENCE not in known:
        return family.size
    docs = prepare(family, known[_REFERENCE]).docs.scored
    return Size(len(docs), len({doc.cluster_id for doc in docs}))


def _print_lines(facts: Iterable[Facts]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("family", "suite", "languages", "chance", "text"):
        table.add_column(heading, overflow="fold")
    for one in facts:
        shown = f"{one['languages']}+{one['controls']}" if one["controls"] else one["languages"]
        row = (one["family"], one["suite"], str(shown), _percent(one["chance"]))
        table.add_row(*row, one["origin"] or "unknown")
    print_table(table)
    print("83+34: of the list and beyond it. More of one: mlbench list families NAME")


def _details(facts: Facts) -> list[str]:
    """Return the facts of one family as lines of at most 80 characters."""
    lines = [f"{facts['family']}: {facts['title']}"]
    for label, text in _labelled(facts).items():
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  {label:{_LABEL}}",
            subsequent_indent=" " * (_LABEL + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _labelled(facts: Facts) -> dict[str, str]:
    docs = _or_unknown(facts["docs"])
    clusters = _or_unknown(facts["clusters"])
    return {
        "question": facts["question"],
        "suite": facts["suite"],
        "data set": facts["data_set"],
        "languages": f"{facts['languages']}, and {facts['controls']} controls",
        "docs": f"{docs} in {clusters} clusters; some languages may have fewer",
        "chance": _percent(facts["chance"]),
        "measures": ", ".join(facts["measures"]) + " (the first is judged)",
        "shots": f"0 to {facts['shots']}" if facts["shots"] else "0",
        "parallel": "the same docs in every language" if facts["is_parallel"] else "other docs",
        "doc set": facts["doc_set"] or "of its own",
        "text": origin_words(facts["origin"]),
        "licence": facts["licence"],
        "gated": {True: "yes: log in and accept terms", False: "no"}.get(
            facts["is_gated"], "unknown"
        ),
        "citation": facts["citation"],
        "known faults": " ".join(facts["faults"]) or "none is known here",
    }


def _percent(chance: float | None) -> str:
    return "-" if chance is None else f"{chance:.1%}"


def _or_unknown(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def table_lines(facts: Iterable[Facts]) -> list[str]:
    """Return the facts as a table of Markdown, a row for each family."""
    names = ("languages", "controls", "docs", "clusters", "chance", "measures", "shots", "text")
    lines = [f"| family | {' | '.join(names)} | licence | gated |", "|---" * (len(names) + 3) + "|"]
    for one in facts:
        gated = {True: "yes", False: "no"}.get(one["is_gated"], "?")
        cells = [
            f"`{one['family']}`",
            *(str(one[name]) for name in ("languages", "controls")),
            *("?" if one[name] is None else str(one[name]) for name in ("docs", "clusters")),
            _percent(one["chance"]),
            ", ".join(f"`{name}`" for name in one["measures"]),
            f"0-{one['shots']}" if one["shots"] else "0",
            one["origin"] or "?",
            one["licence"],
            gated,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def example_lines(families: Iterable[Family]) -> list[str]:
    """Return a doc of each family as a model sees it, in Markdown.

    Where the text comes with mlbench it is shown in six scripts; else the frame of the prompt, the
    same in every language, with the id of a text in its place.
    """
    lines: list[str] = []
    for family in families:
        lines += ["", f"**`{family.name}`**: {family.question}", "", "```text"]
        shown = _embedded(family) if isinstance(family.source, CldrSource) else [_frame(family)]
        lines += [*shown, "```"]
    return lines


def _embedded(family: Family) -> list[str]:
    languages = read_languages()
    prepared = [prepare(family, languages[tag]) for tag in SCRIPTS]
    return [
        f"{one.language.tag:8}{_first(one)}" if one.docs.scored else f"{one.language.tag:8}no data"
        for one in prepared
    ]


def _first(prepared: Prepared) -> str:
    doc = prepared.docs.scored[0]
    return _rendered(prepared.family, doc)


def _rendered(family: Family, doc: Doc) -> str:
    if isinstance(doc, TextDoc):
        return doc.text
    assert family.prompt is not None
    context, choices = family.prompt(doc)
    answers = f"  →  {' | '.join(choices)}" if choices else "  →  (the reply)"
    return context.replace("\n", "⏎ ") + answers


def _frame(family: Family) -> str:
    """Return the prompt of a doc whose texts are named, not given."""
    text = "⟨the text⟩"
    n_choices = round(1 / family.chance) if family.chance else 0
    choices = tuple(f"⟨choice {i + 1}⟩" for i in range(n_choices))
    if family.prompt is None:
        return text
    if family.reply is not None:
        names = ("⟨its language⟩", "⟨the other⟩")
        return _rendered(family, ReplyDoc("1", "1", text, "", _REFERENCE, names=names))
    return _rendered(family, ChoiceDoc("1", "1", text, choices, 0))


def write_docs(path: Path) -> None:
    """Write the table and the docs between the marks of a page."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    path.write_text(f"{before}{BEGIN}\n{made_text()}\n{rest[rest.index(END) :]}", encoding="utf-8")


def made_text() -> str:
    """Return what stands between the marks of docs/families.md."""
    own = list(read_families().values())
    tasks = list(read_task_families().values())
    lines = [*table_lines(facts_of(family) for family in (*own, *tasks)), *example_lines(own)]
    return "\n".join(lines)


if __name__ == "__main__":
    write_docs(Path(sys.argv[1]))
