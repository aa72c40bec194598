"""What does a user read when a library cannot load a model? One line, whatever was raised.

A backend is the code of others, and so is the code that comes with a checkpoint: anything may come.
What a wrong model or argument ends in says enough; of the rest the traceback is kept in a file.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from mlbench.errors import BackendError, MlbenchError, ModelError
from mlbench.harness.files import find_broken_file, find_folder
from mlbench.models import Model
from mlbench.models.weights import how_to_get
from mlbench.redaction import redact

_FORESEEN = (OSError, ValueError, ImportError, TypeError, KeyError, SafetensorError)
_SPEAKING = (OSError, ValueError, ImportError, RuntimeError)
"""Errors whose message is a sentence, also without the name of its class."""


@contextmanager
def told_in_one_line(what: str, model: Model) -> Iterator[None]:
    """Make a ModelError or BackendError of whatever is raised while `what` is loaded."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{what} {model.name!r}: {error}") from error
    except MlbenchError:
        raise
    except (Exception, SystemExit) as error:
        if (folder := find_folder(model)) and (fault := find_broken_file(folder)):
            raise ModelError(f"cannot load {what} {model.name!r}: {fault}") from error
        if hint := how_to_get(error, model.path):
            raise ModelError(f"cannot load {what} {model.name!r}: {hint}") from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        if lines and lines[0].endswith(":"):
            lines[0] = " ".join(lines[:2])
        reason = ": ".join([type(error).__name__, *lines[:1]])
        if lines and type(error) in _SPEAKING:
            reason = lines[0]
        # A RecursionError is a RuntimeError, and no model's message.
        is_foreseen = isinstance(error, _FORESEEN) or type(error) is RuntimeError
        kind = ModelError if is_foreseen else BackendError
        shown = redact(reason, model.arguments)
        raise kind(f"cannot load {what} {model.name!r}: {shown}") from error
