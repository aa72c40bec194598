"""By which rule is a choice taken best? Accuracy by every rule that the cells of a run allow.

    python benchmarks/rules.py RUN

One line per model, family, shots and rule: English, the mean of the other languages, and how often
each label of a family with fixed labels is taken in English. docs/families.md holds the result.
"""

import argparse
from collections import Counter
from collections.abc import Sequence

from mlbench.data.languages import REFERENCE
from mlbench.measures import ChoiceSample, Sample, available_rules, predict
from mlbench.store.read import Run, read_run
from mlbench.store.samples import labels_of


def accuracy(samples: Sequence[Sample], rule: str) -> float:
    """Return the share of docs that a rule gets right."""
    return sum(predict(s, rule) == s.target for s in samples if isinstance(s, ChoiceSample)) / len(
        samples
    )


def lines_of(run: Run) -> list[str]:
    """Write the table as Markdown."""
    lines = ["| model | family | shots | languages | rule | English | mean of the others | taken |"]
    lines.append("|---" * 8 + "|")
    for model, family, shots in run.columns:
        cells = {
            cell.language: result.samples
            for cell, result in run.done.items()
            if (cell.model, cell.family, cell.shots) == (model, family, shots)
        }
        first = next(iter(cells.values()), ())
        if not first or not isinstance(first[0], ChoiceSample):
            continue
        for rule in available_rules(first[0]):
            scores = {tag: accuracy(samples, rule) for tag, samples in cells.items()}
            english = scores.pop(REFERENCE, None)
            shown = ["–" if english is None else f"{english:.3f}"]
            shown += [f"{sum(scores.values()) / len(scores):.3f}" if scores else "–"]
            row = [model, family, str(shots), str(len(cells)), rule, *shown]
            lines.append(f"| {' | '.join(row)} | {taken(cells.get(REFERENCE, ()), rule)} |")
    return lines


def taken(samples: Sequence[Sample], rule: str) -> str:
    """Return as text how often each label is taken, empty where each doc has choices of its own."""
    labels = labels_of(samples) if len(samples) else None
    if labels is None:
        return ""
    counts = Counter(predict(s, rule) for s in samples if isinstance(s, ChoiceSample))
    return ", ".join(f"{label} {counts[i]}" for i, label in enumerate(labels))


def main() -> None:
    """Print the table of a run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", help="name or folder of a run")
    print("\n".join(lines_of(read_run(parser.parse_args().run))))


if __name__ == "__main__":
    main()
