"""How long does a report take, stage by stage, and how large is its page?

    python benchmarks/report.py --models 10 [--write docs/benchmarks.md]

Makes a run of random scores with the real store (all languages, the shipped families, 204 docs a
cell, 1 % of the cells failed), then builds its report in this process and times its stages.
"""

import argparse
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlbench import store
from mlbench.data.languages import REFERENCE, read_languages
from mlbench.families import read_families
from mlbench.measures import ChoiceSample, Sample, TextSample, cell_score
from mlbench.records import Cell, Family, OutputType
from mlbench.report import write
from mlbench.store.manifest import Contents, add_to_manifest, family_facts

SUITES = ("core", "extension", "embedded")
"""Whose families are scored: choices and texts."""
N_DOCS, N_CHOICES, DOCS_PER_CLUSTER = 204, 4, 2
FAILED_SHARE = 0.01
MARKS = "<!-- report -->\n", "<!-- /report -->"
STAGES = {
    "read_run": "reading the cells",
    "table_from_run": "intervals of single scores",
    "compare_all": "comparing pairs of models",
    "render_page": "the page",
    "scores_csv": "scores.csv",
    "differences_csv": "differences.csv",
    "verdicts_json": "verdict.json",
    "_figure_files": "figures",
}


def random_samples(rng: np.random.Generator, family: Family, ability: float) -> tuple[Sample, ...]:
    """Draw one cell: ability in [0, 1] is its accuracy, or makes texts shorter."""
    ids = [(f"d{i}", f"c{i // DOCS_PER_CLUSTER}") for i in range(N_DOCS)]
    if family.output_type == OutputType.TEXT:
        bits = (400 - 250 * ability) * rng.normal(1, 0.1, N_DOCS)
        return tuple(TextSample(*ids[i], -float(bits[i]), 120, 40) for i in range(N_DOCS))
    targets = rng.integers(0, N_CHOICES, N_DOCS)
    likely = rng.normal(-3, 0.5, (N_DOCS, N_CHOICES))
    likely[np.arange(N_DOCS), targets] += np.where(rng.random(N_DOCS) < ability, 3, -3)
    names, means = ("alpha", "beta", "gamma", "delta"), (-1.0,) * N_CHOICES
    return tuple(
        ChoiceSample(
            *ids[i], int(targets[i]), names, tuple(likely[i].tolist()), means, label_means=means
        )
        for i in range(N_DOCS)
    )


def make_run(folder: Path, n_models: int, seed: int = 0) -> int:
    """Store a run of random scores and its manifest; return the number of cells."""
    rng = np.random.default_rng(seed)
    families = {f.name: f for f in read_families().values() if f.suite in SUITES}
    languages = tuple(read_languages().values())
    models = {f"org/model-{i}": {"slug": f"model-{i}"} for i in range(n_models)}
    level = rng.uniform(0.3, 0.7, len(languages))
    level[[language.tag == REFERENCE for language in languages]] = 0.8
    cells = []
    for place, model in enumerate(models):
        for family in families.values():
            for language, usual in zip(languages, level, strict=True):
                cell = Cell(model, family.name, language.tag, 0)
                cells.append(cell)
                path = store.cell_path(folder, models[model]["slug"], cell)
                if rng.random() < FAILED_SHARE:
                    store.put_failed(
                        path, store.FailedCell(cell, "out of memory", "trace", store.Signature())
                    )
                    continue
                ability = float(np.clip(usual + rng.normal(0, 0.1) - 0.02 * place, 0.05, 0.95))
                samples = random_samples(rng, family, ability)
                scores = {metric: cell_score(samples, metric) for metric in family.metrics}
                signature = store.Signature(family_version=family.version, model=model, shots=0)
                usage = {"n_requests": N_DOCS * N_CHOICES, "n_truncated": 0}
                store.put(path, store.CellResult(cell, signature, scores, usage, samples))
    facts = {name: family_facts(family) for name, family in families.items()}
    add_to_manifest(folder, Contents(models, facts, cells, languages))
    return len(cells)


def timed(
    name: str, stage: Callable[..., Any], spent: dict[str, list[float]]
) -> Callable[..., Any]:
    """Wrap a stage so that its wall and processor seconds are noted."""

    def run(*args: Any, **kwargs: Any) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        result = stage(*args, **kwargs)
        spent[name] = [time.perf_counter() - wall, time.process_time() - processor]
        return result

    return run


def time_report(run: Path, out: Path) -> dict[str, list[float]]:
    """Build the report; return wall and processor seconds by stage, and of the whole."""
    spent: dict[str, list[float]] = {}
    for name, words in STAGES.items():
        setattr(write, name, timed(words, getattr(write, name), spent))
    timed("everything", write.write_report, spent)(run, out)
    return spent


def main() -> None:
    """Print a Markdown table of the stages and the size of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--write", type=Path, help=f"a page with the marker {MARKS[0].strip()}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        n_cells = make_run(Path(folder) / "run", options.models)
        spent = time_report(Path(folder) / "run", Path(folder) / "report")
        size = (Path(folder) / "report" / "index.html").stat().st_size / 1e6
    lines = ["| stage | wall s | processor s |", "|---|---|---|"]
    lines += [f"| {stage} | {wall:.1f} | {cpu:.1f} |" for stage, (wall, cpu) in spent.items()]
    text = "\n".join(lines) + (
        f"\n\n{n_cells:,} cells of {options.models} models, {n_cells * N_DOCS:,} docs; index.html "
        f"has {size:.1f} MB. {platform.machine()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}. `python benchmarks/report.py --models {options.models}`\n"
    )
    print(text, end="")
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        pattern = re.compile(f"({MARKS[0]}).*?({MARKS[1]})", re.DOTALL)
        page = pattern.sub(lambda found: found[1] + text + found[2], page)
        options.write.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
