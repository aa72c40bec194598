"""Where and in which precision does a model run, if the user did not say?"""

import torch

from mlbench.settings import Settings


def resolve_device(settings: Settings) -> str:
    """Return the device asked for, else the best one here."""
    if settings.device:
        return settings.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def resolve_dtype(settings: Settings) -> str:
    """Return the dtype asked for; auto is float32 on a CPU.

    bfloat16 is emulated on most CPUs: slower and less exact than float32.
    """
    on_cpu = resolve_device(settings) == "cpu"
    return "float32" if settings.dtype == "auto" and on_cpu else settings.dtype
