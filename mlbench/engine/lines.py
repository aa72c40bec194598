"""Encoding texts line by line, each distinct line once, where that gives the same token ids.

Few-shot contexts repeat the same lines in every request, and encoding them was the slowest step
left beside the model. A byte-level BPE tokenizer cuts text by a regular expression before merging,
and the ones in use all cut at one side of a line break. That is not assumed: each tokenizer is
tried on all kinds of neighbours, and some texts of every call are encoded both ways.
"""

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np

from mlbench.engine.affixes import TokenIds

EncodeBatch = Callable[[list[str], bool | None], list[TokenIds]]

# A line ends where a match does: after the break, before a letter or digit (Qwen, Llama 3, GPT-4),
# or before the break (GPT-2, whose expression looks ahead in spaces).
LINE_ENDS = (re.compile(r"\n(?=[^\W_])"), re.compile(r"\S(?=\n)"))
# One character of each class that the expressions tell apart, before and after the line break.
BEFORE = ("a", "Я", "1", ".", "/", "!", "。", "ি", " ", "\n", "\r", "\t", "'", "(", "😀", "_")
AFTER = ("a", "s", "Я", "中", "क", "م", "1", "٣", "É")
CHECKED_TEXTS = 8


def find_border(tokenizer: Any, encode: EncodeBatch) -> re.Pattern[str] | None:
    """Find where lines can be encoded apart, by the tokenizer's kind and then by all neighbours."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not _is_byte_level(json.loads(backend.to_str())):
        return None
    texts = [f"x{before}\n{after}y" for before, after in product(BEFORE, AFTER)]
    whole = encode(texts, False)
    apart = (b for b in LINE_ENDS if _same(whole, encode_lines(texts, False, encode, b)))
    return next(apart, None)


def encode_lines(
    texts: Sequence[str], special: bool | None, encode: EncodeBatch, border: re.Pattern[str]
) -> list[TokenIds]:
    """Encode texts by their lines; special tokens go before the first line only.

    Fast where a text that begins others comes right before them, as in sorted ones: what they
    share is cut and joined once.
    """
    heads, cut = _cut_all(texts, border)
    lines_of = {head: _cut(head, border) for head in dict.fromkeys(heads) if head}
    whole = [lines for head, lines in zip(heads, cut, strict=True) if not head]
    first = sorted({lines[0] for lines in (*lines_of.values(), *whole)})
    rest = {line for lines in (*lines_of.values(), *whole) for line in lines[1:]}
    rest |= {line for head, lines in zip(heads, cut, strict=True) if head for line in lines}
    ids_of_first = dict(zip(first, encode(first, special), strict=True))
    ids_of_rest = dict(zip(sorted(rest), encode(sorted(rest), False), strict=True))

    def join(lines: Sequence[str]) -> TokenIds:
        following = (ids_of_rest[line] for line in lines[1:])
        return np.concatenate([ids_of_first[lines[0]], *following])

    ids_of_head = {head: join(lines) for head, lines in lines_of.items()}
    return [
        np.concatenate([ids_of_head[head], *(ids_of_rest[line] for line in lines)])
        if head
        else join(lines)
        for head, lines in zip(heads, cut, strict=True)
    ]


def _cut_all(texts: Sequence[str], border: re.Pattern[str]) -> tuple[list[str], list[list[str]]]:
    """Cut each text into a head of whole lines, which neighbours may share, and the lines after."""
    heads, cut, base, head = [], [], "", ""
    for text in texts:
        if not base or not text.startswith(base):
            base, head = text, text[: max((m.end() for m in border.finditer(text)), default=0)]
        heads.append(head)
        cut.append(_cut(text[len(head) :], border))
    return heads, cut


def _cut(text: str, border: re.Pattern[str]) -> list[str]:
    ends = [0, *(match.end() for match in border.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(ends)]


def agrees(
    texts: Sequence[str], found: Sequence[TokenIds], special: bool | None, encode: EncodeBatch
) -> bool:
    """Encode a few of the texts whole, evenly spread and the longest, and compare."""
    chosen = set(range(0, len(texts), max(1, len(texts) // CHECKED_TEXTS)))
    chosen |= {max(range(len(texts)), key=lambda i: len(texts[i]))} if texts else set()
    picked = sorted(chosen)
    return _same(encode([texts[i] for i in picked], special), [found[i] for i in picked])


def _same(first: Sequence[TokenIds], second: Sequence[TokenIds]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def _is_byte_level(description: dict[str, Any]) -> bool:
    """Recognise byte-level BPE with no text normalisation that could reach over a line break."""
    if description["model"].get("type") != "BPE":
        return False
    normalizer = description.get("normalizer") or {}
    changes = normalizer.get("normalizers", [normalizer] if normalizer else [])
    if any(change.get("type") != "NFC" for change in changes):
        return False
    if any(token.get("lstrip") for token in description.get("added_tokens", ())):
        return False
    outer = description.get("pre_tokenizer") or {}
    steps = outer.get("pretokenizers", [outer])
    byte_level = [step for step in steps if step.get("type") == "ByteLevel"]
    return len(byte_level) == 1 and not byte_level[0].get("add_prefix_space")
