"""What must a text be like in a CSV file, so that no spreadsheet runs it as a formula?

As OWASP advises ("CSV Injection"), a text that begins with = + - @ or a control character has an
apostrophe before it, which spreadsheets do not show. `plain` takes it away again, so that a table
that mlbench wrote is read back as it was.
"""

import re

_RISKY = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n]")


def guarded(text: str) -> str:
    """Return a text as a spreadsheet takes it for text.

    >>> guarded("=cmd|' /C calc'!A0"), guarded("en"), guarded("'=1")
    ("'=cmd|' /C calc'!A0", 'en', "''=1")
    """
    return f"'{text}" if _RISKY.match(text) else text


def plain(text: str) -> str:
    """Return what `guarded` was given.

    >>> plain(guarded("=1")), plain(guarded("'=1")), plain(guarded("it's"))
    ('=1', "'=1", "it's")
    """
    return text[1:] if _GUARDED.match(text) else text
