"""Where and in which precision does a model run, if the user did not say?"""

import torch

from mlbench.errors import ModelError
from mlbench.settings import Dtype, Settings


def resolve_device(settings: Settings) -> str:
    """Return the device asked for, else the best one here.

    Raises ModelError for a device that is not here: lm-eval would take the CPU without a word.
    """
    here = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    here += ["mps"] if torch.backends.mps.is_available() else []
    if settings.device is None:
        return "cuda" if torch.cuda.is_available() else here[-1]
    name = "cuda:0" if settings.device == "cuda" else settings.device
    if name not in here:
        raise ModelError(f"no device {settings.device!r} on this machine. Here: {', '.join(here)}")
    return settings.device


def resolve_dtype(settings: Settings) -> Dtype:
    """Return the dtype asked for; auto is float32 on a CPU.

    bfloat16 is emulated on most CPUs: slower and less exact than float32.
    """
    on_cpu = resolve_device(settings) == "cpu"
    return "float32" if settings.dtype == "auto" and on_cpu else settings.dtype
