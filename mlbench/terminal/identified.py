"""How does a person, or a program, read in which language texts are? A table or JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from mlbench.data.languages import read_languages
from mlbench.identifier import Identification, choose_candidates, identify_all
from mlbench.identifier.second import second_opinion
from mlbench.records import Language
from mlbench.terminal.lists import print_table

STDIN = "-"
LONGEST_SHOWN = 60
"""Characters of a text that stand in its row."""

JOINERS = "\u200c\u200d"
"""Persian and Sinhala are written with them."""


def show(texts: Sequence[str], selection: str, *, as_json: bool, with_langdetect: bool) -> None:
    """Print the language of each text; `-` stands for the lines of stdin.

    Raises SelectionError for a language that the model does not know.
    """
    candidates = choose_candidates(selection)
    read = [line for text in texts for line in (_read_lines() if text == STDIN else [text])]
    answers = identify_all(read, candidates)
    others = [second_opinion(text) for text in read] if with_langdetect else []
    if as_json:
        # In ASCII: half of a surrogate pair is text here, and no output could write it.
        print(json.dumps(_to_json(read, answers, others), indent=1, sort_keys=True))
    else:
        _print(read, answers, others)


def _to_json(
    texts: Sequence[str], answers: Sequence[Identification], others: Sequence[str | None]
) -> list[dict[str, Any]]:
    """Return the answers for a program; docs/identify.md has the keys, null is unknown."""
    rows = []
    for i, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        second = {"langdetect": others[i]} if others else {}
        rows.append({"text": text, "language": answer.language, **asdict(answer), **second})
    return rows


def _read_lines() -> list[str]:
    # Bytes that are no UTF-8 are no letters of any language; they must not stop the other lines.
    lines = sys.stdin.buffer.read().decode("utf-8", "replace").split("\n")
    return [line.rstrip("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]


def _print(
    texts: Sequence[str], answers: Sequence[Identification], others: Sequence[str | None]
) -> None:
    table = Table(box=None, pad_edge=False)
    headings = ["language", "name", "probability", *(["langdetect"] if others else []), "text"]
    for heading in headings:
        table.add_column(heading, overflow="fold")
    languages = read_languages()
    for i, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        row = _row(answer, languages)
        if others:
            row.append(others[i] or "–")
        table.add_row(*map(Text, row), Text(_one_line(text)))
    print_table(table)


def _one_line(text: str) -> str:
    """Return the beginning of a text without what would move or hide what stands around it."""
    kept = " ".join(text[:LONGEST_SHOWN].split())
    safe = "".join(
        c if c.isprintable() or c in JOINERS else "\N{REPLACEMENT CHARACTER}" for c in kept
    )
    return safe + (" …" if len(text) > LONGEST_SHOWN else "")


def _row(answer: Identification, languages: Mapping[str, Language]) -> list[str]:
    if not answer.languages:
        return ["–", f"cannot tell: {answer.reason}", "–"]
    names = " or ".join(languages[tag].name for tag in answer.languages)
    chance: Any = answer.probability
    return [" or ".join(answer.languages), names, f"{chance:.2f}"]
