"""Which parts of a model's arguments must never be stored, shown or mailed? Keys and passwords.

They reach the backend and nothing else: names, signatures, files, pages and messages have *** in
their place. Better still they stay in the environment, where lm-eval's backends look for them.
"""

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

Arguments = str | Mapping[str, Any]
"""`name=value,...`, or the mapping of it that newer versions of lm-eval write."""

HIDDEN = "***"
_SECRET_NAME = re.compile(
    r"(?:^|[_:-])(?:api_?key|key|token|auth|authorization|bearer|secret|pass|passphrase|password"
    r"|passwd|pwd|headers?|credentials?|cookie|sig|signature)$",
    re.IGNORECASE,
)
# Tokens of a vocabulary are no secrets.
_OF_A_VOCABULARY = re.compile(r"^(?:add_)?(?:bos|eos|pad|unk|sep|mask|prefix|think_end)_token$")
# A message may hold a key without "Bearer", or a password without its user; shorter parts of a
# value would hide letters of every word.
_PART = re.compile(r"[\w.~+/=-]{4,}")
_SHORTEST_IN_ENVIRONMENT = 8
_USER_OF_URL = re.compile(r"://([^/@\s,]+)@")
_OF_A_QUERY = re.compile(r"[?&]([\w-]+)=([^&#\s,]+)")


def is_secret_name(name: str) -> bool:
    """Return whether an argument of this name holds a key or a password.

    >>> [is_secret_name(name) for name in ("auth_token", "eos_token", "tokenizer")]
    [True, False, False]
    """
    return bool(_SECRET_NAME.search(name)) and not _OF_A_VOCABULARY.match(name)


def secrets_of(arguments: Arguments) -> tuple[str, ...]:
    """Return the values among a model's arguments that must not be shown, the longest first.

    >>> secrets_of("base_url=http://me:pw1234@host/v1?key=k-1,auth_token=sk-SECRET,tokenizer=t")
    ('me:pw1234', 'sk-SECRET', 'pw1234', 'k-1')
    """
    if isinstance(arguments, str):
        named = [part.partition("=")[::2] for part in arguments.split(",")]
    else:
        named = [(name, str(value)) for name, value in arguments.items()]
    text = ",".join(f"{name}={value}" for name, value in named)
    found = [*_USER_OF_URL.findall(text)]
    for name, value in (*named, *_OF_A_QUERY.findall(text)):
        name = name.strip()
        if value and is_secret_name(name):
            found.append(value)
    found += [part for value in found for part in _PART.findall(value)]
    return tuple(sorted(set(found), key=lambda secret: (-len(secret), secret)))


def redact(text: str, arguments: Arguments) -> str:
    """Return a text with *** for each secret of the arguments, and of the environment.

    >>> redact("local-completions:model=m,api_key=sk-1", "model=m,api_key=sk-1")
    'local-completions:model=m,api_key=***'
    """
    for secret in (*secrets_of(arguments), *_secrets_of_environment()):
        text = text.replace(secret, HIDDEN)
    return text


def log_without_secrets(level: int) -> None:
    """Log what libraries say, without the keys that were typed or that the environment holds."""
    handler = logging.StreamHandler()
    handler.setFormatter(_RedactingFormatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, with *** for each secret."""
        return redact(super().format(record), ",".join(sys.argv))


def _secrets_of_environment() -> list[str]:
    """Return the keys that backends find in the environment, which servers repeat in messages."""
    return [
        value
        for name, value in os.environ.items()
        if is_secret_name(name) and len(value) >= _SHORTEST_IN_ENVIRONMENT
    ]
