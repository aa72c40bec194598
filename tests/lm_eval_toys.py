"""lm-eval's own loop over the generated tasks, without what it asks the machine about itself."""

from functools import cache
from typing import Any
from unittest.mock import patch

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from mlbench.task_files import find_tasks_folder


@cache
def tasks_of(*families: str) -> TaskManager:
    """Return an index of the generated tasks of some families: that of all reads 14,000 files."""
    folders = [str(find_tasks_folder() / family) for family in families]
    return TaskManager(include_path=folders, include_defaults=False)


def score_in_lm_eval(**arguments: Any) -> dict[str, Any]:
    """Return the results of simple_evaluate; its table of the machine takes seven programs."""
    with patch("torch.utils.collect_env.get_pretty_env_info", lambda: "not asked"):
        return simple_evaluate(bootstrap_iters=0, **arguments)
