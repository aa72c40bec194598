"""Which letters does a text have, and of which script? By the properties of Unicode alone.

Digits, punctuation, symbols and emoji say nothing about a language: they become the blank between
two words, whatever they are. Marks stay with their letters, which need them in half of the scripts.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

BLANK = ord(" ")
LONGEST = 2_000
"""Code points that are read of a text: a longer one is clear long before."""

APOSTROPHE = ord("'")
# They spell letters in some languages: o‘ in Uzbek, l’ in Catalan.
_APOSTROPHES = "'ʻʼʽ‘’`´"
_ZERO_WIDTH_NON_JOINER = 0x200C  # splits words in Persian, and hardly in Dari

# A text has Unicode's scripts, a language one of ISO 15924: what is written with several of
# Unicode's, or shares its letters with others, is looked at together under one name.
_BLOCKS = {
    **dict.fromkeys(("Hans", "Hant", "Jpan", "Hira", "Kana", "Bopo"), "Hani"),
    "Kore": "Hang",
}
_NO_SCRIPT = frozenset({"Zyyy", "Zinh", "Zzzz"})


class Letters(NamedTuple):
    """Texts in a row: their code points, the index of the text of each, and the scripts of each."""

    codes: npt.NDArray[np.uint64]
    owners: npt.NDArray[np.int64]
    scripts: list[Counter[str]]


def block_of(script: str) -> str:
    """Return the name under which a script is looked at: zh-Hans, zh-Hant and ja share Hani."""
    return _BLOCKS.get(script, script)


def read_letters(texts: Sequence[str]) -> Letters:
    """Return the letters of texts, lower case; runs of anything else are one blank."""
    folded = [f" {unicodedata.normalize('NFC', text[:LONGEST]).lower()} " for text in texts]
    # A lone surrogate is no letter: it passes here and becomes a blank below.
    raw = np.frombuffer("".join(folded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(text) for text in folded], dtype=np.int64)
    unique, index = np.unique(raw, return_inverse=True)
    known = [_look_up(int(code)) for code in unique]
    codes = np.array([kept for kept, _ in known], dtype=np.uint64)[index]
    owners = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    names = sorted({script for _, script in known if script})
    numbers = np.array([names.index(script) if script else -1 for _, script in known], dtype=int)
    of_letter = numbers[index]
    table = np.zeros((len(texts), len(names)), dtype=np.int64)
    is_letter = of_letter >= 0
    np.add.at(table, (owners[is_letter], of_letter[is_letter]), 1)
    scripts = [Counter({n: int(c) for n, c in zip(names, row, strict=True) if c}) for row in table]
    is_blank = codes == BLANK
    kept = ~is_blank
    kept[1:] |= ~is_blank[:-1]
    kept[:1] = True
    kept[1:] |= owners[1:] != owners[:-1]
    return Letters(codes[kept], owners[kept], scripts)


@lru_cache(maxsize=1 << 16)
def _look_up(code: int) -> tuple[int, str]:
    """Return what a code point is read as, and the block of a letter ("" for all that is none)."""
    # fontTools has Unicode's table of scripts, which Python has not.
    from fontTools import unicodedata as properties

    letter = chr(code)
    if letter in _APOSTROPHES:
        return APOSTROPHE, ""
    if code == _ZERO_WIDTH_NON_JOINER:
        return code, ""
    category = unicodedata.category(letter)
    if category[0] == "M":
        return code, ""
    if category[0] != "L":
        return BLANK, ""
    script = properties.script(letter)
    return code, "" if script in _NO_SCRIPT else block_of(script)
