"""Do scores follow language families? Those of a pair by family and branch, one dot per language.

Only a description. Family, script and resources go together, and languages of one branch are not
independent, so no test is made: the sentence says how much of the variation goes with the family,
and how much would do so by the number of families alone.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mlbench.data.languages import REFERENCE
from mlbench.records import Cell, Language
from mlbench.report.columns import adjust
from mlbench.report.compare import Pair
from mlbench.report.dots import diamond_path, stacked_path
from mlbench.report.strips import nice_limit
from mlbench.report.tables import ReportTable
from mlbench.report.text import number, percent, short_names, show_line, signed

HALF, FLOOR, DOT = 90.0, 22.0, 4.0
"""Half the width of a strip, its floor and the pitch of its dots, in units of the drawing."""

LONGEST_NAME = 60


class Both(NamedTuple):
    """The mean adjusted scores of A and B in one language, over the families that both have."""

    a: float
    b: float

    @property
    def lead(self) -> float:
        """Return A - B."""
        return self.a - self.b


@dataclass(frozen=True, slots=True)
class Group:
    """A family or a branch: one row. `key` begins its slots; `tags` are its languages."""

    key: str
    title: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LanguageFamily:
    """A family of two languages or more, with its branches where there are at least two."""

    group: Group
    branches: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The section; without `has_scores` there is only its sentence.

    `slots` are those of the first pair, or of the one model of the run.
    """

    families: tuple[LanguageFamily, ...]
    singles: tuple[Group, ...]
    has_pair: bool
    has_scores: bool
    slots: Mapping[str, str] = field(default_factory=dict)


def tree_of(table: ReportTable, pair: Pair | None) -> Tree:
    """Prepare the section; families have most languages first, those with one come last."""
    by_family: dict[str, list[Language]] = {}
    for language in table.languages:
        by_family.setdefault(language.family, []).append(language)
    ordered = sorted(by_family.items(), key=lambda item: (-len(item[1]), item[0]))
    families = tuple(
        _family(f"tree-{i}", name, languages)
        for i, (name, languages) in enumerate(ordered)
        if len(languages) > 1
    )
    singles = tuple(
        _group(f"tree-{i}", f"{name}: {languages[0].name}", languages)
        for i, (name, languages) in enumerate(ordered)
        if len(languages) == 1
    )
    tree = Tree(families, singles, pair is not None, _has_scores(table, 2 if pair else 1))
    slots = tree_slots(table, tree, pair) if pair else _one_model(table, tree)
    return replace(tree, slots=slots)


def _has_scores(table: ReportTable, n_models: int) -> bool:
    """Return whether any row can hold a number of so many models."""
    scored = {b.family for b in table.blocks if b.chance is not None}
    counts = Counter(
        cell._replace(model="")
        for cell, view in table.cells.items()
        if view.state == "value" and cell.family in scored
    )
    return any(n >= n_models for n in counts.values())


def _family(key: str, name: str, languages: Sequence[Language]) -> LanguageFamily:
    by_branch: dict[str, list[Language]] = {}
    for language in languages:
        by_branch.setdefault(language.branch or "no branch given", []).append(language)
    ordered = sorted(by_branch.items(), key=lambda item: (-len(item[1]), item[0]))
    branches = [_group(f"{key}-{i}", branch, its) for i, (branch, its) in enumerate(ordered)]
    return LanguageFamily(
        _group(key, name, languages), tuple(branches) if len(branches) > 1 else ()
    )


def _group(key: str, title: str, languages: Sequence[Language]) -> Group:
    tags = tuple(language.tag for language in languages)
    return Group(key, show_line(title, LONGEST_NAME), tags)


def groups_of(tree: Tree) -> list[Group]:
    """List every row of the section from top to bottom."""
    rows = [group for family in tree.families for group in (family.group, *family.branches)]
    return [*rows, *tree.singles]


def pair_scores(table: ReportTable, pair: Pair) -> dict[str, Both]:
    """Return the mean adjusted scores of a pair by tag, over the families that both have there.

    The table's means are over the families that every model has; with two models they are equal.
    """
    blocks = [
        block
        for block in table.blocks
        if block.shots == pair.shots and block.chance is not None
        if {pair.a, pair.b} <= {*block.models}
    ]
    found = {}
    for language in table.languages:
        scores = []
        for block in blocks:
            cells = [Cell(m, block.family, language.tag, block.shots) for m in (pair.a, pair.b)]
            views = [table.cells[cell] for cell in cells]
            if all(view.state == "value" for view in views):
                scores.append([adjust(view.shown, block.chance) for view in views])
        if scores:
            found[language.tag] = Both(*(_mean(column) for column in zip(*scores, strict=True)))
    return found


def tree_slots(table: ReportTable, tree: Tree, pair: Pair) -> dict[str, str]:
    """Return what the page shows of a pair: the sentence, the ends of the axis, and by row
    -n languages, -a, -b and -d scores and difference, -r its range, -p dots, -e English."""
    scores = pair_scores(table, pair)
    leads = {tag: 100 * both.lead for tag, both in scores.items()}
    limit = nice_limit([abs(lead) for lead in leads.values()])
    names = short_names(list(table.run.models))
    others = {tag: lead for tag, lead in leads.items() if tag != REFERENCE}
    what = f"the lead of {names[pair.a]} over {names[pair.b]}"
    slots = {
        "tree-sentence": _sentence(tree, others, what),
        "tree-low": signed(float(-limit), 0),
        "tree-high": signed(float(limit), 0),
    }
    for group in groups_of(tree):
        slots |= _row_slots(group, scores, leads, limit)
    return slots


def _row_slots(
    group: Group, scores: Mapping[str, Both], leads: Mapping[str, float], limit: int
) -> dict[str, str]:
    others = [tag for tag in group.tags if tag != REFERENCE]
    known = [tag for tag in others if tag in scores]
    english = [tag for tag in group.tags if tag == REFERENCE and tag in leads]
    dots = [_x(leads[tag], limit) for tag in known]
    slots = {
        "n": _count_words(len(known), len(others)),
        "a": percent(_mean([scores[tag].a for tag in known])),
        "b": percent(_mean([scores[tag].b for tag in known])),
        "d": signed(_mean([leads[tag] for tag in known])),
        "r": _range_words([leads[tag] for tag in known]),
        "p": stacked_path(dots, floor=FLOOR, room=FLOOR, dot=DOT),
        "e": "".join(diamond_path(_x(leads[t], limit), floor=FLOOR, size=5) for t in english),
    }
    return {f"{group.key}-{name}": text for name, text in slots.items()}


def _one_model(table: ReportTable, tree: Tree) -> dict[str, str]:
    """Fill the rows with the scores of the first model that has any."""
    model, shots = next(((m, shots) for m, shots, _ in table.adjusted), ("", 0))
    scores = {
        tag: 100 * mean.value
        for (m, its, tag), mean in table.adjusted.items()
        if (m, its) == (model, shots) and mean.n and tag != REFERENCE
    }
    name = short_names(list(table.run.models)).get(model, "a model")
    slots = {"tree-sentence": _sentence(tree, scores, f"the mean adjusted score of {name}")}
    for group in groups_of(tree):
        others = [tag for tag in group.tags if tag != REFERENCE]
        known = [scores[tag] for tag in others if tag in scores]
        slots[f"{group.key}-n"] = _count_words(len(known), len(others))
        slots[f"{group.key}-a"] = number(_mean(known))
    return slots


def _x(lead: float, limit: int) -> float:
    return HALF + (HALF - DOT) * lead / limit


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _count_words(n: int, n_all: int) -> str:
    return f"{n}" if n == n_all else f"{n} of {n_all}"


def _range_words(leads: Sequence[float]) -> str:
    return f"{signed(min(leads))} to {signed(max(leads))}" if len(leads) > 1 else ""


def family_share(groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the share of the variation that goes with the groups, and that expected of no tie.

    The first is eta squared, the sum of squares between groups over all; the second (k - 1) /
    (n - 1) for k groups of n values, its mean over all ways to deal the values to the groups. Both
    are nan where there are fewer than two groups, or no variation.
    """
    every = [value for group in groups for value in group]
    n, k, mean = len(every), len(groups), _mean(every)
    total = math.fsum((value - mean) ** 2 for value in every)
    if k < 2 or n <= k or total == 0:
        return math.nan, math.nan
    between = math.fsum(len(group) * (_mean(group) - mean) ** 2 for group in groups)
    return between / total, (k - 1) / (n - 1)


def _sentence(tree: Tree, values: Mapping[str, float], what: str) -> str:
    """Return as text how far values in points follow the family; without English and lone ones."""
    found = [
        (family.group.title, [values[t] for t in family.group.tags if t in values])
        for family in tree.families
    ]
    found = [(title, its) for title, its in found if len(its) > 1]
    share, expected = family_share([its for _, its in found])
    if math.isnan(share):
        return (
            f"This run cannot say whether {what} goes with language family: it takes two families "
            "with two scored languages each, and some variation."
        )
    means = sorted((_mean(its), title) for title, its in found)
    (low, lowest), (high, highest) = means[0], means[-1]
    n = sum(len(its) for _, its in found)
    return (
        f"Over {n} languages of {len(found)} families, {percent(share, 0)} % of the variation of "
        f"{what} goes with the family, where {percent(expected, 0)} % would do so without any tie. "
        f"The means of the families run from {number(low)} ({lowest}) to {number(high)} "
        f"({highest}). This describes and tests nothing: script and resources go together with "
        "family, and scores carry noise."
    )
