"""What needs more than the base install? Said before any work, with what to type.

The base reads, judges, imports, exports and draws what a run holds, and counts tokens. Torch and
lm-eval, gigabytes of them on Linux, come with the extra `run`.
"""

from importlib.util import find_spec

from mlbench.errors import SelectionError

EXTRAS = {"run": ("torch", "lm_eval", "accelerate"), "ray": ("ray",)}
"""The modules that each extra brings, in the order in which a message names the missing one."""


def missing_module(extra: str) -> str:
    """Return the first module of an extra that is not installed; "" if all are."""
    return next((name for name in EXTRAS[extra] if find_spec(name) is None), "")


def require(extra: str, what: str) -> None:
    """Raise SelectionError, with what to type, where `what` needs an extra that is not here."""
    if name := missing_module(extra):
        raise SelectionError(
            f"{what} needs {name}, which is not installed. Type: pip install 'mlbench[{extra}]'"
        )
