"""TensorBoard: runs/RUN/log/tensorboard, a folder for each model and one for progress."""

from pathlib import Path

from tensorboardX import SummaryWriter

from mlbench.loggers import Logged
from mlbench.models import Model


class _Log:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "log" / "tensorboard"
        self._writers: dict[str, SummaryWriter] = {}

    def log(self, logged: Logged) -> None:
        """Write scores to the model's own folder, progress beside them."""
        own = {"progress": {f"progress/{name}": v for name, v in logged.progress.items()}}
        for name, values in {**own, logged.cell.model: logged.named_scores()}.items():
            if name not in self._writers:
                self._writers[name] = SummaryWriter(str(self._folder / Model(name, "log").slug))
            for tag, value in values.items():
                self._writers[name].add_scalar(tag, value, logged.step)
            self._writers[name].flush()

    def close(self) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()


open_log = _Log
