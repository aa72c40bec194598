"""What can go wrong for a user, as types.

Each message says what is wrong, the value, what is allowed and what to type next; cli.py prints it
without a stack trace and exits with the code of the class.
"""

import difflib
from collections.abc import Iterable


class MlbenchError(Exception):
    """A user's mistake or a broken file: one message, exit code 2, nothing lost."""

    exit_code = 2


class SelectionError(MlbenchError):
    """An unknown language, family, model, metric or run was asked for."""


class LanguageFileError(MlbenchError):
    """A languages file that does not follow the form of languages.yaml."""


class DataError(MlbenchError):
    """A data set, or one row of it, that is not as its family expects."""


class ModelError(MlbenchError):
    """A model that cannot be found, read or loaded."""


class BackendError(ModelError):
    """A backend that broke in its own way while it loaded: its traceback is kept in a file."""


class ContextOverflow(MlbenchError):
    """A request longer than the model's window, where truncation was not allowed."""


class CellRefused(MlbenchError):
    """A cell that a model cannot be scored on, which says nothing about its other cells."""


class NoNumber(MlbenchError):
    """Replies of which no score can be made: NaN, infinity, or the same to everything."""


class TextLost(MlbenchError):
    """A tokenizer cannot write the texts of a cell, so that their bits are those of other texts."""


class StoreError(MlbenchError):
    """A run folder that cannot be read or written."""


class ClusterError(MlbenchError):
    """A cluster on which nothing can run any more; what was finished is kept."""


class NewerStoreError(MlbenchError):
    """A cell that a newer mlbench wrote: not damaged, and not ours to replace."""


class Stopped(BaseException):
    """A signal ends the command: nothing on the way may take it for an error of its own."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class NoData(Exception):
    """A language takes no part in a family; the text is the reason shown to the reader."""


def unknown(what: str, value: str, allowed: Iterable[str], see: str) -> str:
    """Return the message for an unknown name, with the nearest allowed ones.

    >>> unknown("family", "sib200_topik", ["sib200_topic", "cldr_terms"], "mlbench list families")
    "no family 'sib200_topik'. Did you mean 'sib200_topic'? See: mlbench list families"
    """
    nearest = difflib.get_close_matches(value, list(allowed), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
    return f"no {what} {value!r}.{hint} See: {see}"


def yaml_hint(value: object) -> str:
    """Return what to write where YAML made something else of a word; "" where it did not.

    >>> yaml_hint(False)
    "YAML reads no as false; write 'no' in quotes"
    """
    if value is False:
        return "YAML reads no as false; write 'no' in quotes"
    if value is True:
        return "YAML reads yes and on as true; write the word in quotes"
    if isinstance(value, list | tuple):
        return next(filter(None, map(yaml_hint, value)), "")
    return ""
