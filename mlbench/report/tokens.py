"""What does the same text cost? Tokens, time and memory of each model, language by language.

Tokens are paid for and fill the context, so the same sentence costs more in one language than in
another. Where a backend does not show its tokens the section says so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

import numpy as np

from mlbench.data.cldr import read_locale
from mlbench.data.languages import REFERENCE
from mlbench.records import Cell
from mlbench.report.compare import Pair
from mlbench.report.dots import crosses_path, points_path, stacked_path
from mlbench.report.premium import sizes_of
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, number, short_names, show_line
from mlbench.tokens.premium import DocKey, Size, bytes_per_token, premiums_of, tokens_per_doc
from mlbench.wording import plural

N_WORST = 5
MIN_SCRIPT = 3
"""Languages that a script needs for a strip of its own; the others share one."""

LOWEST, HIGHEST, DOUBLING = 0.5, 16.0, 48.0
"""The ends of the axis of premiums, and its units of the drawing for each doubling."""

ROOM, GAP, DOT, CROSS = 18.0, 2.0, 4.0, 5.0
"""Height for the dots of one model, between A and B, of a dot, and the width of a cross."""

PLOT_HEIGHT, HIGHEST_PARITY = 160.0, 1.25
LONGEST_NAME = 40


class Premium(NamedTuple):
    """A language with its token premium."""

    language: str
    value: float


@dataclass(frozen=True, slots=True)
class Cost:
    """One model: premiums are ratios, time in seconds per doc, weights and peak memory
    in bytes; nan is unknown."""

    model: str
    has_tokens: bool
    median_premium: float
    worst: tuple[Premium, ...]
    english_tokens: float
    english_bytes_per_token: float
    bytes_per_token: float
    seconds: float
    devices: tuple[str, ...]
    weights: float
    peak: float = math.nan


class Script(NamedTuple):
    """A row of the strip: languages but English that are written alike. `key` begins its slots."""

    key: str
    title: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The section. `premiums` and `parities` are by model and tag; slots those of the first pair.

    `scripts` is empty where no premium is known. `has_pair`: B is shown beside A.
    """

    costs: tuple[Cost, ...]
    scripts: tuple[Script, ...]
    premiums: Mapping[str, Mapping[str, float]]
    parities: Mapping[str, Mapping[str, float]]
    sentence: str
    has_pair: bool
    slots: Mapping[str, str]


def tokens_of(table: ReportTable, pair: Pair | None) -> Tokens:
    """Prepare the section; without a pair the drawings show the first model alone."""
    models = list(table.run.models)
    sizes = {model: sizes_of(table, model) for model in models}
    premiums = {model: premiums_of(its) for model, its in sizes.items()}
    seconds = _seconds(table)
    costs = tuple(_cost(table, m, sizes[m], premiums[m], seconds) for m in models)
    tokens = Tokens(
        costs,
        _scripts(table) if any(premiums.values()) else (),
        premiums,
        {model: _parities(table, model) for model in models},
        _sentence(table, costs),
        pair is not None,
        {},
    )
    shown = pair or Pair(models[0], "", 0)
    return replace(tokens, slots=tokens_slots(tokens, shown))


def tokens_slots(tokens: Tokens, pair: Pair) -> dict[str, str]:
    """Return what the page shows of a pair: the sentence on parity, the dots of the scatter, and by
    script -ma and -mb medians, -a and -b dots."""
    slots = {"tokens-rank": _rank_sentence(tokens, pair)}
    for side, model, floor in (("a", pair.a, ROOM), ("b", pair.b, 2 * ROOM + GAP)):
        premiums = tokens.premiums.get(model, {})
        parities = tokens.parities.get(model, {})
        points = [(_x(premiums[tag]), _y(parities[tag])) for tag in premiums if tag in parities]
        drawn = points_path(points) if side == "a" else crosses_path(points, size=CROSS)
        slots[f"tokens-scatter-{side}"] = drawn
        for script in tokens.scripts:
            its = [premiums[tag] for tag in script.tags if tag in premiums]
            dots = [_x(premium) for premium in its]
            slots[f"{script.key}-{side}"] = stacked_path(dots, floor=floor, room=ROOM, dot=DOT)
            slots[f"{script.key}-m{side}"] = number(median(its) if its else math.nan, 2)
    return slots


def _cost(
    table: ReportTable,
    model: str,
    sizes: Mapping[str, Mapping[DocKey, Size]],
    premiums: Mapping[str, float],
    seconds: Mapping[str, float],
) -> Cost:
    worst = sorted(premiums, key=lambda tag: -premiums[tag])[:N_WORST]
    names = {tag: show_line(table.run.languages[tag].name, LONGEST_NAME) for tag in worst}
    others = [bytes_per_token(its) for tag, its in sizes.items() if tag != REFERENCE]
    usages = [result.usage for cell, result in table.run.done.items() if cell.model == model]
    devices = dict.fromkeys(str(usage["device"]) for usage in usages if usage.get("device"))
    weights = [float(usage.get("model_bytes") or math.nan) for usage in usages]
    english = sizes.get(REFERENCE, {})
    return Cost(
        model=model,
        has_tokens=bool(sizes),
        median_premium=median(premiums.values()) if premiums else math.nan,
        worst=tuple(Premium(names[tag], premiums[tag]) for tag in worst),
        english_tokens=tokens_per_doc(english),
        english_bytes_per_token=bytes_per_token(english),
        bytes_per_token=median(others) if others else math.nan,
        seconds=seconds.get(model, math.nan),
        devices=tuple(devices),
        weights=max((w for w in weights if not math.isnan(w)), default=math.nan),
        peak=max((float(use.get("peak_bytes") or 0) for use in usages), default=0.0) or math.nan,
    )


def _seconds(table: ReportTable) -> dict[str, float]:
    """Return the seconds per doc of each timed model, over the cells that all timed models have."""
    timed: dict[str, dict[Cell, tuple[float, int]]] = {}
    for cell, result in table.run.done.items():
        if result.usage.get("seconds") is not None:
            spent = float(result.usage["seconds"] or 0)
            timed.setdefault(cell.model, {})[cell._replace(model="")] = (
                spent,
                len(result.samples),
            )
    common = set.intersection(*(set(its) for its in timed.values())) if timed else set()
    return {
        model: math.fsum(its[cell][0] for cell in common) / sum(its[cell][1] for cell in common)
        for model, its in timed.items()
        if common
    }


def _parities(table: ReportTable, model: str) -> dict[str, float]:
    """Return the information parity by tag in the first family that has it, English apart."""
    found: dict[str, float] = {}
    for cell, view in table.cells.items():
        is_known = view.quantity.is_parity and not math.isnan(view.shown)
        if cell.model == model and is_known and cell.language != REFERENCE:
            found.setdefault(cell.language, view.shown)
    return found


def _scripts(table: ReportTable) -> tuple[Script, ...]:
    by_script: dict[str, list[str]] = {}
    for language in table.languages:
        if language.tag != REFERENCE:
            by_script.setdefault(language.script, []).append(language.tag)
    names = read_locale("en")["scripts"]
    large = sorted(
        (code for code, tags in by_script.items() if len(tags) >= MIN_SCRIPT),
        key=lambda code: -len(by_script[code]),
    )
    rest = [tag for code, tags in by_script.items() if code not in large for tag in tags]
    n_rest = len(by_script) - len(large)
    rows = [(names.get(code, code), by_script[code]) for code in large]
    rows += [(plural(n_rest, "other script"), rest)] if rest else []
    return tuple(
        Script(f"tokens-{i}", show_line(title, LONGEST_NAME), tuple(tags))
        for i, (title, tags) in enumerate(rows)
    )


def _x(premium: float) -> float:
    """Place a premium on the logarithmic axis; what lies outside takes the end."""
    return DOUBLING * math.log2(min(max(premium, LOWEST), HIGHEST) / LOWEST)


def _y(parity: float) -> float:
    return PLOT_HEIGHT * (1 - min(parity, HIGHEST_PARITY) / HIGHEST_PARITY)


def _rank_sentence(tokens: Tokens, pair: Pair) -> str:
    words = [
        f"{_rank_words(tokens.premiums.get(model, {}), tokens.parities.get(model, {}))} for {side}"
        for side, model in (("A", pair.a), ("B", pair.b))
        if model
    ]
    return (
        f"Rank correlation of token premium and information parity: {join(words)}. A strong "
        "negative one says that languages cut into more tokens are also the ones this model "
        "predicts worst; it does not say which causes which."
    )


def _rank_words(premiums: Mapping[str, float], parities: Mapping[str, float]) -> str:
    """Return Spearman's correlation in words (scipy.stats has it, and takes 0.6 s to import)."""
    tags = [tag for tag in premiums if tag in parities]
    xs, ys = [premiums[tag] for tag in tags], [parities[tag] for tag in tags]
    if len(tags) < 3 or len(set(xs)) == 1 or len(set(ys)) == 1:
        return "unknown"
    return (
        f"{number(float(np.corrcoef(_ranks(xs), _ranks(ys))[0, 1]), 2)} over {len(tags)} languages"
    )


def _ranks(values: Sequence[float]) -> np.ndarray:
    """Rank values; equal ones share the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[which])


def _sentence(table: ReportTable, costs: Sequence[Cost]) -> str:
    """Return as text the range of the median premium, the worst case, and what is unknown."""
    names = short_names(list(table.run.models))
    known = [cost for cost in costs if cost.worst]
    hidden = [names[cost.model] for cost in costs if not cost.has_tokens]
    unknown = (
        f" Tokens are not known for {join(hidden)}: the backend does not show them, or there is no "
        "parallel text."
        if 0 < len(hidden) < len(costs)
        else ""
    )
    if not known:
        why = "no parallel text of this run has known tokens in English and another language"
        return f"What the same meaning costs in tokens is unknown: {why}.{unknown}"
    low = min(known, key=lambda cost: cost.median_premium)
    high = max(known, key=lambda cost: cost.median_premium)
    worst = max(known, key=lambda cost: cost.worst[0].value)
    middle = f"{number(low.median_premium, 2)} times ({names[low.model]})"
    if high is not low:
        middle = (
            f"between {middle} and {number(high.median_premium, 2)} times ({names[high.model]})"
        )
    return (
        f"In the median language the same sentences take {middle} the tokens of English; the most "
        f"expensive is {worst.worst[0].language} with {number(worst.worst[0].value, 1)} times "
        f"({names[worst.model]}). This holds for the texts of this run.{unknown}"
    )
