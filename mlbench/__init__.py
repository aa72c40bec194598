"""mlbench: is a language model as good in your language as in English?

`run`, `read_run`, `verdict`, `scores` and `identify` are for notebooks (mlbench/api.py). They are
imported when asked for, so that `mlbench --help` does not wait for them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlbench.api import identify, run, scores, verdict
    from mlbench.store.read import read_run

__version__ = "0.1.0"
__all__ = ["__version__", "identify", "read_run", "run", "scores", "verdict"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlbench import api

    return getattr(api, name)
