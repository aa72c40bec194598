"""Weights & Biases: a run there for a run here; WANDB_MODE=offline keeps it in runs/RUN/log/wandb.

What W&B collects by itself is turned off: the command line may hold a key.
"""

from pathlib import Path

import wandb

from mlbench.loggers import Logged


class _Log:
    def __init__(self, folder: Path) -> None:
        (folder / "log").mkdir(parents=True, exist_ok=True)
        silent = wandb.Settings(
            console="off", disable_git=True, disable_code=True, x_disable_meta=True, silent=True
        )
        self._run = wandb.init(
            project="mlbench", name=folder.name, dir=str(folder / "log"), settings=silent
        )

    def log(self, logged: Logged) -> None:
        """Send scores and progress."""
        own = {f"{logged.cell.model}/{name}": v for name, v in logged.named_scores().items()}
        self._run.log({**own, **{f"progress/{n}": v for n, v in logged.progress.items()}})

    def close(self) -> None:
        """End the run."""
        self._run.finish()


open_log = _Log
