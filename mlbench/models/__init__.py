"""Which models are there? Their names, the facts of models.yaml, and the weights behind them."""

from mlbench.models.find import find_model, find_models, split_names, with_options
from mlbench.models.model import Model
from mlbench.models.presets import read_pairs, read_presets
from mlbench.models.weights import find_revision, fingerprint, own_dtype

__all__ = [
    "Model",
    "find_model",
    "find_models",
    "find_revision",
    "fingerprint",
    "own_dtype",
    "read_pairs",
    "read_presets",
    "split_names",
    "with_options",
]
