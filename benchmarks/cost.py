"""What does scoring cost as docs, shots and choices grow? A figure and a table, hf drawn beside.

    python benchmarks/cost.py --write docs

One of the three is varied at a time, on SIB-200 topic questions in one language and the small model
of workloads.py. The packed scorer should be linear in docs and nearly flat in shots, because what
docs share is fed once; hf feeds the shots again for every choice that it cannot merge.
"""

import argparse
import logging
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from calls import CLOCKS, Counted, Stock, count_fed, start_stock
from matplotlib.figure import Figure
from pages import machine_note, write_section
from workloads import SHAPES, Work, all_sentences, make_model, make_tokenizer, sib

from mlbench.engine import PackedLM
from mlbench.report.figures.drawing import house_style

CASE = {"docs": 50, "shots": 5, "choices": 7}
VARIED = {"docs": (25, 50, 100, 200), "shots": (0, 1, 2, 5, 10), "choices": (2, 3, 5, 7)}
COLORS = {"packed": "#0072B2", "hf": "#D55E00"}
SIZE_INCHES = (6.6, 2.3)


class Point(NamedTuple):
    """Median seconds of one scorer at one case, and the tokens that the model was fed."""

    seconds: float
    n_fed: int


Case = tuple[int, ...]
Points = dict[tuple[str, Case], Point]


def case_of(varied: str, value: int) -> Case:
    """Return docs, shots and choices where one of them is varied."""
    return tuple({**CASE, varied: value}.values())


def measure(scorers: dict[str, Callable[[Work], Counted]], options: argparse.Namespace) -> Points:
    """Time every case with every scorer; all of them again each time, so that noise is shared."""
    cases = dict.fromkeys(case_of(v, value) for v, values in VARIED.items() for value in values)
    times: dict[tuple[str, Case], list[float]] = {}
    fed: dict[tuple[str, Case], int] = {}
    for repeat in range(options.repeats):
        for case in cases:
            work = sib(case[0], case[1], 1, case[2])
            for name, score in scorers.items():
                if name == "hf" and case[0] > options.hf_docs:
                    continue
                counted = score(work)
                fed[name, case] = counted.n_fed
                times.setdefault((name, case), []).append(counted.seconds)
        print(f"{repeat + 1} of {options.repeats}", flush=True)
    return {key: Point(statistics.median(times[key]), fed[key]) for key in times}


def draw(points: Points, path: Path) -> None:
    """Draw seconds against each of the three; seconds and docs on logarithmic axes."""
    with house_style():
        figure = Figure(figsize=SIZE_INCHES, facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(VARIED), sharey=True)
        for axes, (varied, values) in zip(panels, VARIED.items(), strict=True):
            for scorer, color in COLORS.items():
                xs = [value for value in values if (scorer, case_of(varied, value)) in points]
                ys = [points[scorer, case_of(varied, value)].seconds for value in xs]
                axes.plot(xs, ys, "o-", color=color, markersize=3, linewidth=1, label=scorer)
            if varied == "docs":
                axes.set_xscale("log")
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.set_xticks(values, [str(value) for value in values])
            fixed = ", ".join(f"{v} {name}" for name, v in CASE.items() if name != varied)
            axes.set_title(f"{varied} ({fixed})", fontsize="medium")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.grid(color="#dddddd", linewidth=0.4)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("seconds")
        panels[-1].legend(frameon=False, loc="center right")
        figure.savefig(path, metadata={"Date": None})


def make_table(points: Points) -> str:
    """Put the seconds and tokens of both side by side."""
    table = (
        "| varied | | packed, s | hf, s | tokens fed, packed | hf |\n|---|---|---|---|---|---|\n"
    )
    for varied, values in VARIED.items():
        for value in values:
            pair = [points.get((name, case_of(varied, value))) for name in COLORS]
            seconds = [f"{point.seconds:.2f}" if point else "–" for point in pair]
            fed = [f"{point.n_fed:,}" if point else "–" for point in pair]
            table += f"| {varied} | {value} | {' | '.join(seconds)} | {' | '.join(fed)} |\n"
    return table


def main() -> None:
    """Measure, print the table, and write it and the figure where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--hf-docs", type=int, default=50, help="hf is not run on more")
    parser.add_argument("--hf-batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a folder with benchmarks.md, for both")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    model = make_model(options.model, "cpu", torch.float32)
    tokenizer = make_tokenizer(all_sentences())
    packed = PackedLM(model, tokenizer=tokenizer, device="cpu")
    with start_stock(options.model, "cpu", torch.float32) as pool:
        hf = Stock(pool, tokenizer, options.hf_batch)
        scorers = {
            "packed": lambda work: count_fed(packed, work, CLOCKS["wall"]),
            "hf": lambda work: hf.count_fed(work, "wall"),
        }
        points = measure(scorers, options)
    how = f"cpu, {torch.get_num_threads()} threads, float32, model {options.model}, "
    text = make_table(points) + machine_note(f"{how}medians of {options.repeats}")
    print(text)
    if options.write:
        draw(points, options.write / "engine_cost.svg")
        figure = "![Seconds against docs, shots and choices, both scorers](engine_cost.svg)\n\n"
        write_section(options.write / "benchmarks.md", "engine cost", figure + text)


if __name__ == "__main__":
    main()
