"""Tables and facts for the tests of mlbench.stats: small, seeded, with a truth that is known."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from mlbench.records import Language
from mlbench.stats import CellScores, Resampling, ScoreTable, table_from_cells

QUICK = Resampling(seed=7, replicates=1000)
TAGS = ("en", "de", "ja", "sw", "ta", "tr", "zu")
LANGUAGE_FAMILIES = ("Indo-European", "Indo-European", "Japonic", "Bantu", "Dravidian", "Turkic")
FACTS = {
    tag: Language(
        tag,
        tag,
        tag,
        "Latn" if i < 4 else "Taml",
        "ltr",
        (*LANGUAGE_FAMILIES, "Bantu")[i],
        resource_class=5 - i % 6,
        speakers=None if tag == "zu" else 1000 * (i + 1),
        same_text_as="de" if tag == "tr" else None,
    )
    for i, tag in enumerate(TAGS)
}


def make_cells(
    rates: dict[str, dict[str, float]], *, n: int = 120, seed: int = 0, chance: float = 0.25
) -> list[CellScores]:
    """Draw 0/1 scores in pairs of docs; rates[model][language] is the accuracy to expect."""
    rng = np.random.default_rng(seed)
    difficulty = rng.random(n)
    ids = [f"d{i:03d}" for i in range(n)]
    clusters = [f"c{i // 2:03d}" for i in range(n)]
    cells = []
    for model, by_language in rates.items():
        for language, rate in by_language.items():
            right = 0.7 * difficulty + 0.3 * rng.random(n) < rate
            cells.append(CellScores(model, language, ids, right.astype(float), clusters, chance))
    return cells


def make_table(
    moat: float = 0.2, *, n: int = 120, seed: int = 0, family: str = "toy", is_parallel: bool = True
) -> ScoreTable:
    """Make models `good` and `plain`, equal in English, `good` ahead by `moat` elsewhere."""
    rates = {
        "good": {tag: 0.8 if tag == "en" else 0.5 + moat for tag in TAGS},
        "plain": {tag: 0.8 if tag == "en" else 0.5 for tag in TAGS},
    }
    return table_from_cells(family, make_cells(rates, n=n, seed=seed), is_parallel=is_parallel)


def load_study(study: str = "validation") -> ModuleType:
    """Load a file of benchmarks/ that draws scores from known truths."""
    name = f"mlbench_{study}_study"
    if name not in sys.modules:
        path = Path(__file__).parent.parent / "benchmarks" / f"{study}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
