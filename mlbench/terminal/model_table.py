"""What is known of the models in models.yaml? A table of all of them, and all facts of one."""

import json
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from mlbench.errors import SelectionError, unknown
from mlbench.models.presets import TERMS, facts_of, read_licences, read_pairs, read_presets
from mlbench.terminal.lists import print_table

WIDTH = 80
UNKNOWN = "unknown"

_FACTS = {
    "hub": "hub id",
    "organisation": "maker",
    "series": "series",
    "kind": "kind",
    "base": "made from",
    "parameters": "parameters",
    "memory_gb": "memory in bfloat16",
    "window": "context window",
    "architecture": "architecture",
    "tokenizer": "tokenizer",
    "released": "released",
    "gated": "log in",
    "licence": "licence",
}
"""The facts of a model in the order in which they are shown, with their words."""

_IF_THERE = ("hub", "base", "gated")
"""Facts that many models do not have, so that nothing is unknown where they are not."""

_TERM_WORDS = {
    "commercial": "commercial use",
    "attribution": "attribution",
    "distillation": "distillation",
    "acceptable_use": "acceptable use",
    "link": "licence text",
}


def show(name: str | None, *, as_json: bool) -> None:
    """Print all models, or what is known of one.

    Raises SelectionError for a name that is no preset.
    """
    presets = read_presets()
    if name is not None and name not in presets:
        raise SelectionError(unknown("preset", name, presets, "mlbench list models"))
    shown = [name] if name else list(presets)
    if as_json:
        rows = [_row(each) for each in shown]
        print(json.dumps(rows[0] if name else rows, ensure_ascii=False, indent=1, sort_keys=True))
    elif name:
        _print_facts(name)
    else:
        _print_all()


def show_pairs(*, as_json: bool) -> None:
    """Print the pairs of near size, each with the sizes of its models."""
    pairs = read_pairs()
    if as_json:
        rows = [{"pair": name, "a": a, "b": b} for name, (a, b) in pairs.items()]
        print(json.dumps(rows, indent=1, sort_keys=True))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("pair", "A", "billions", "B", "billions"):
        table.add_column(name, no_wrap=True)
    for name, models in pairs.items():
        cells = [(model, _billions(read_presets()[model])) for model in models]
        table.add_row(*map(Text, (name, *cells[0], *cells[1])))
    print_table(table, width_in_pipe=WIDTH)


def _row(name: str) -> dict[str, Any]:
    """Return a model for a program: every fact, null where it is not known."""
    facts = facts_of(name)
    terms = read_licences().get(facts["licence"], {})
    known = {fact: facts.get(fact) for fact in (*_FACTS, "active", "source")}
    return {"model": name, **known, **facts, "terms": {term: terms.get(term) for term in TERMS}}


def _print_all() -> None:
    caption = (
        f"{len(read_presets())} models; (active billions); GB in bfloat16; ?: unknown\n"
        f"all facts of one: mlbench list models NAME"
    )
    table = Table(box=None, caption=caption, caption_justify="left", pad_edge=False)
    numbers = ("billions", "GB", "window")
    for name in ("model", "kind", *numbers, "month", "commercial"):
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=True)
    for name in read_presets():
        facts = facts_of(name)
        table.add_row(
            *(name, facts["kind"], _billions(facts), f"{facts['memory_gb']:g}"),
            *(_thousands(facts), facts.get("released", "?"), _commercial(facts)),
        )
    print_table(table, width_in_pipe=WIDTH)


def _billions(facts: Mapping[str, Any]) -> str:
    active = f" ({facts['active']:g})" if "active" in facts else ""
    return f"{facts['parameters']:g}{active}"


def _thousands(facts: Mapping[str, Any]) -> str:
    return f"{facts['window'] // 1024}k" if "window" in facts else "?"


def _commercial(facts: Mapping[str, Any]) -> str:
    """Return the first word of what the licence says of commercial use."""
    said = read_licences()[facts["licence"]].get("commercial", "?")
    first, _, more = said.partition(",")
    if first in ("yes", "no", "?"):
        return "terms" if more and first == "yes" else first
    return "terms"


def _print_facts(name: str) -> None:
    facts = facts_of(name)
    terms = read_licences()[facts["licence"]]
    active = f", {facts['active']:g} billion active" if "active" in facts else ""
    words = {
        **facts,
        "parameters": f"{facts['parameters']:g} billion{active}",
        "memory_gb": f"{facts['memory_gb']:g} GB, the weights alone",
        "window": f"{facts['window']:,} tokens" if "window" in facts else UNKNOWN,
        "gated": "the hub asks you to accept terms",
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("model", Text(name))
    for fact, title in _FACTS.items():
        if fact in facts or fact not in _IF_THERE:
            table.add_row(title, Text(str(words.get(fact, UNKNOWN))))
    for term, title in _TERM_WORDS.items():
        table.add_row(title, Text(terms.get(term, UNKNOWN)))
    for fact in ("note", "source"):
        if fact in words:
            table.add_row(fact, Text(str(words[fact])))
    print_table(table, width_in_pipe=WIDTH)
