"""How is foreign text shown so that it stays text? And how are numbers worded?

Names, reasons and tracebacks come from users and models. Jinja escapes markup; what it does not
touch are control characters, bidirectional overrides that reorder the page around them, and
megabytes. Those are dealt with here, once, for page, figure and CSV.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

MINUS = "\N{MINUS SIGN}"
LONGEST = 400
"""Characters of a name or reason that are shown; the rest is counted, not shown."""

# ZWJ and ZWNJ are needed by Persian and Sinhala names, the marks U+200E and U+200F do no harm.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def show(text: object, longest: int = LONGEST) -> str:
    """Make text safe to place: control and override characters are named, the length is bounded.

    >>> show("a\\u202eb\\0")
    'a[U+202E]b[U+0000]'
    """
    whole = str(text)
    kept = unicodedata.normalize("NFC", whole[:longest])
    safe = _UNSAFE.sub(lambda found: f"[U+{ord(found[0]):04X}]", kept.replace("\r\n", "\n"))
    left_out = len(whole) - longest
    return f"{safe} … [{left_out:,} more characters]" if left_out > 0 else safe


def show_line(text: object, longest: int = LONGEST) -> str:
    """Make text safe and put it on one line."""
    return " ".join(show(text, longest).split())


def number(value: float | None, digits: int = 1) -> str:
    """Format a number for the page; unknown is an en dash, a negative has a real minus.

    >>> number(-1.26), number(float("nan")), number(-0.01)
    ('−1.3', '–', '0.0')
    """
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float | None, digits: int = 1) -> str:
    """Format a difference: always with its sign, except zero."""
    text = number(value, digits)
    is_positive = value is not None and value > 0 and float(f"{value:.{digits}f}") > 0
    return f"+{text}" if is_positive else text


def p_value(p: float) -> str:
    """Format a p-value; a very small one is bounded, never zero.

    >>> p_value(0.01234), p_value(1e-9)
    ('0.012', '<0.0001')
    """
    if math.isnan(p):
        return "–"
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def percent(value: float | None, digits: int = 1) -> str:
    """Format a share of one as percent, without the sign."""
    return number(None if value is None else 100 * value, digits)


def interval(low: float, high: float, digits: int = 1) -> str:
    """Format an interval in the unit of its ends; empty when it is unknown."""
    if math.isnan(low) or math.isnan(high):
        return "interval unknown"
    return f"[{number(low, digits)}, {number(high, digits)}]"


def join(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def short_names(names: Sequence[str], longest: int = 40) -> dict[str, str]:
    """Return each model a short name: the last part of a path or hub id where that is unique.

    >>> short_names(["org/a", "other/b"])
    {'org/a': 'a', 'other/b': 'b'}
    """
    last = {name: show_line(PurePath(name).name or name) for name in names}
    taken = list(last.values())
    whole = {n: s if taken.count(s) == 1 else show_line(n) for n, s in last.items()}
    cut = {n: s if len(s) <= longest else f"{s[: longest - 1]}…" for n, s in whole.items()}
    seen: dict[str, int] = {}
    for name, shown in cut.items():
        seen[shown] = seen.get(shown, 0) + 1
        if seen[shown] > 1:
            cut[name] = f"{shown} ({seen[shown]})"
    return cut
