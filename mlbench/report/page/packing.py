"""How does much data fit into a page of one file? As gzip in base85, with sentences taken apart.

A page of ten models has some ten thousand tooltips that differ only in their numbers. Written one
after another they compress badly; the few distinct sentences apart from the columns of their
numbers take a third. Base85 without what is markup in HTML can never end its script element.
"""

import base64
import gzip
import json
import re
from collections.abc import Iterable
from typing import Any

HOLE = "\x1f"
"""Stands for a number in a sentence; `text.show` lets no such character through."""

IN_PAGE = str.maketrans("<>&", ",.:")
"""What stands in the page for the three of Python's base85 that are markup; dom.js has the same."""

_NUMBER = re.compile(r"[+−]?\d+(?:\.\d+)?")


def packed(value: Any) -> str:
    """Pack data for the script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    content = gzip.compress(text.encode(), mtime=0)
    return base64.b85encode(content).decode().translate(IN_PAGE)


def pack_sentences(sentences: Iterable[str]) -> dict[str, list[Any]]:
    """Take sentences apart: the distinct ones with holes, which one each is, and the numbers.

    `numbers[k]` holds, in order, number k of every sentence that has one; packed.js puts them back.

    >>> pack_sentences(["n 5, p 0.1", "n 7, p 0.2", "none"]) == {
    ...     "distinct": ["n \\x1f, p \\x1f", "none"],
    ...     "which": [0, 0, 1],
    ...     "numbers": [["5", "7"], ["0.1", "0.2"]],
    ... }
    True
    """
    distinct: dict[str, int] = {}
    which: list[int] = []
    numbers: list[list[str]] = []
    for sentence in sentences:
        which.append(distinct.setdefault(_NUMBER.sub(HOLE, sentence), len(distinct)))
        for place, number in enumerate(_NUMBER.findall(sentence)):
            if place == len(numbers):
                numbers.append([])
            numbers[place].append(number)
    return {"distinct": list(distinct), "which": which, "numbers": numbers}
