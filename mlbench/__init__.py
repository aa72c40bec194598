"""mlbench: is a language model as good in your language as in English?

`run`, `load`, `Run` and `identify` are for notebooks (mlbench/api.py). They are imported when asked
for, so that `mlbench --help` does not wait for them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlbench.api import Run, identify, load, run

__version__ = "0.1.0"
__all__ = ["Run", "__version__", "identify", "load", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlbench import api

    return getattr(api, name)
