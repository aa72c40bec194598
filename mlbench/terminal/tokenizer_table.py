"""How does a person, or a program, read what tokenizers cost? A table or JSON."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mlbench.data.languages import REFERENCE, read_controls, read_languages, select_languages
from mlbench.errors import SelectionError
from mlbench.models import Model
from mlbench.records import Language
from mlbench.runner.command import Selection
from mlbench.settings import Settings
from mlbench.terminal.lists import print_table
from mlbench.terminal.runs import prepare_docs
from mlbench.tokens.prices import Prices
from mlbench.tokens.tokenizers import (
    LanguageCost,
    ModelCost,
    find_family,
    find_models,
    measure_tokenizer,
    with_english,
)

HALF = 0.5
WIDTH_IN_PIPE = 10_000
"""Columns: ten models with all measures keep their lines whole."""


class ShownNumber(NamedTuple):
    """A number per language: its heading, the digits shown, and how to read it."""

    heading: str
    digits: int
    value: Callable[[LanguageCost], float]


MEASURES = (
    ShownNumber("premium", 2, lambda cost: cost.premium),
    ShownNumber("tokens/sentence", 1, lambda cost: cost.tokens_per_doc),
    ShownNumber("bytes/token", 2, lambda cost: cost.bytes_per_token),
    ShownNumber("characters/token", 2, lambda cost: cost.chars_per_token),
)
"""From the one that is shown in any case to the first one to go where a terminal is narrow."""


def _priced(heading: str, of: Callable[[float], float]) -> ShownNumber:
    return ShownNumber(heading, 3, lambda cost: of(cost.tokens_per_doc))


def measures_of(prices: Prices) -> tuple[ShownNumber, ...]:
    """Return what is shown; with a price, what a thousand sentences cost is beside the premium."""
    priced = (
        (prices.per_million_in, "read/1000", prices.to_read),
        (prices.per_million_out, "write/1000", prices.to_write),
        (prices.per_hour, "machine/1000", prices.of_machine),
    )
    costs = [_priced(heading, of) for price, heading, of in priced if price is not None]
    return (MEASURES[0], *costs, *MEASURES[1:])


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything that is shown. `is_english_added`: it was not asked for."""

    models: tuple[ModelCost, ...]
    languages: Mapping[str, Language]
    no_data: Mapping[str, str]
    revision: str
    limit: int | None
    is_english_added: bool
    prices: Prices = Prices()


class Way(NamedTuple):
    """How costs are shown: at which prices, and for a program or a person."""

    prices: Prices
    as_json: bool


def show(
    models: Sequence[str],
    languages: Sequence[str],
    languages_file: Path | None,
    settings: Settings,
    way: Way,
) -> None:
    """Count the tokenizers of models and print what they cost.

    Raises SelectionError, ModelError or DataError for what cannot be read.
    """
    known = read_languages(languages_file)
    chosen = select_languages(languages, known, read_controls(known))
    costs = _measure_all(find_models(models), chosen, with_english(chosen, known), settings)
    costs = replace(costs, prices=way.prices)
    if way.as_json:
        print(json.dumps(to_json(costs), ensure_ascii=False, indent=1, sort_keys=True))
    else:
        _print_costs(costs)


def _measure_all(
    models: Sequence[Model],
    chosen: Sequence[Language],
    languages: Sequence[Language],
    settings: Settings,
) -> Costs:
    # Imported late: a wrong name is told at once, transformers takes seconds.
    from mlbench.harness.tokenizer import load_tokenizer

    trust = settings.trust_remote_code
    loaded = [(model.name, load_tokenizer(model, trust_remote_code=trust)) for model in models]
    # Progress goes to stderr: stdout is a table or JSON.
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    prepared = prepare_docs(Selection(models, [find_family()], languages), console)
    no_data = {one.language.tag: one.reason for one in prepared if one.reason}
    if REFERENCE in no_data:
        raise SelectionError(f"no premium without English: {no_data[REFERENCE]}")
    return Costs(
        tuple(measure_tokenizer(*named, prepared, settings.limit) for named in loaded),
        {language.tag: language for language in languages if language.tag not in no_data},
        no_data,
        prepared[0].revision,
        settings.limit,
        is_english_added=REFERENCE not in {language.tag for language in chosen},
    )


def to_json(costs: Costs) -> dict[str, Any]:
    """Return the costs for a program; docs/report.md describes the keys, null is unknown."""
    return {
        "english_added": costs.is_english_added,
        "family": find_family().name,
        "fewer": [
            {"model": one.model, "than": other.model, **one.against(other)._asdict()}
            for one, other in permutations(costs.models, 2)
        ],
        "limit": costs.limit,
        "models": [_model_json(model, costs.prices) for model in costs.models],
        "no_data": dict(costs.no_data),
        "reference": REFERENCE,
        "revision": costs.revision,
    }


def _model_json(model: ModelCost, prices: Prices) -> dict[str, Any]:
    return {
        "languages": {
            tag: {key: _known(value) for key, value in _language_json(model, tag, prices).items()}
            for tag in model.languages
        },
        "mean_premium": _known(model.mean_premium),
        "median_premium": _known(model.median_premium),
        "model": model.model,
        "special_tokens": model.special_tokens,
        "vocabulary": model.vocabulary,
        "window": model.window,
        "worst": model.worst,
    }


def _language_json(model: ModelCost, tag: str, prices: Prices) -> dict[str, float]:
    cost = model.languages[tag]
    return asdict(cost) | {
        "sentences_in_window": model.fits(tag),
        "cost_to_read": prices.to_read(cost.tokens_per_doc),
        "cost_to_write": prices.to_write(cost.tokens_per_doc),
        "cost_of_machine": prices.of_machine(cost.tokens_per_doc),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _print_costs(costs: Costs) -> None:
    console = Console(highlight=False)
    is_terminal = console.is_terminal

    def say(text: str) -> None:
        console.print(Text(text), soft_wrap=not is_terminal)

    english = costs.models[0].languages[REFERENCE]
    say(
        f"Tokens of {english.n_docs} parallel sentences ({find_family().name}, revision "
        f"{costs.revision}). premium: tokens over those of the same sentences in English."
    )
    if costs.is_english_added:
        say("English is not in --languages; it is read as the reference.")
    if len(costs.models) > 1:
        names = ", ".join(f"{_label(i)} {m.model}" for i, m in enumerate(costs.models))
        say(f"{names}. Sorted by the premium of {_label(0)}.")
    measures = measures_of(costs.prices)
    n_shown = _count_fitting(costs, console) if is_terminal else len(measures)
    print_table(
        _table(costs, measures[:n_shown], is_narrow=is_terminal), width_in_pipe=WIDTH_IN_PIPE
    )
    if n_shown < len(measures):
        left_out = ", ".join(measure.heading for measure in measures[n_shown:])
        say(f"Not shown, the terminal is too narrow: {left_out}. All: add --json, or | less -S")
    for reason in dict.fromkeys(costs.no_data.values()):
        say(f"No data: {reason}")
    for index, model in enumerate(costs.models):
        label = f"{_label(index)} " if len(costs.models) > 1 else ""
        say(f"{label}{_sum_up(model, costs.languages)}")
    for text in _compare(costs.models):
        say(text)


def _compare(models: Sequence[ModelCost]) -> list[str]:
    """Return for each two models in how many languages which one needs fewer tokens."""
    pairs = [
        (_label(i), _label(j), one.against(other))
        for (i, one), (j, other) in combinations(enumerate(models), 2)
    ]
    return [
        f"{a} needs fewer tokens than {b} in {fewer.n_ours} of {fewer.n_languages} languages, and "
        f"more in {fewer.n_theirs}"
        for a, b, fewer in pairs
        if fewer.n_languages
    ]


def _label(index: int) -> str:
    return f"M{index + 1}"


def _count_fitting(costs: Costs, console: Console) -> int:
    """Return how many measures a terminal has room for, at least one."""
    measures = measures_of(costs.prices)
    options = console.options.update(max_width=WIDTH_IN_PIPE)
    for n in range(len(measures), 1, -1):
        table = _table(costs, measures[:n], is_narrow=True)
        if Measurement.get(console, options, table).maximum <= console.width:
            return n
    return 1


def _table(costs: Costs, measures: Sequence[ShownNumber], *, is_narrow: bool) -> Table:
    """Lay out the costs, the worst language of the first model first; narrow: headings in lines."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for heading in ("tag", "language", "script"):
        table.add_column(heading, overflow="fold")
    columns = [(measure, i) for measure in measures for i in range(len(costs.models))]
    for measure, i in columns:
        labels = [_label(i)] if len(costs.models) > 1 else []
        parts = [measure.heading.replace("/", "/\n") if is_narrow else measure.heading, *labels]
        table.add_column(("\n" if is_narrow else " ").join(parts), justify="right", no_wrap=True)
    for tag in costs.models[0].by_premium():
        language = costs.languages[tag]
        numbers = [
            _number(measure.value(costs.models[i].languages[tag]), measure.digits)
            for measure, i in columns
        ]
        table.add_row(tag, Text(language.name), language.script, *numbers)
    return table


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _sum_up(model: ModelCost, languages: Mapping[str, Language]) -> str:
    """Return as text in one line what a tokenizer costs, and where that is understated."""
    worst = ", ".join(
        f"{languages[tag].name} {model.languages[tag].premium:.2f}" for tag in model.worst
    )
    text = f"{model.model}: vocabulary {model.vocabulary:,}"
    if worst:
        text += f"; mean premium {model.mean_premium:.2f}, median {model.median_premium:.2f}"
        text += f"; worst {worst}"
    if model.special_tokens:
        tokens = "token" if model.special_tokens == 1 else "tokens"
        text += f"; {model.special_tokens} special {tokens} beside each sentence, not counted"
    if model.window and worst and not math.isnan(model.fits(model.worst[0])):
        dearest = model.worst[0]
        text += (
            f"; a window of {model.window:,} tokens holds {model.fits(REFERENCE):,.0f} sentences "
            f"of English, {model.fits(dearest):,.0f} of {languages[dearest].name}"
        )
    bytes_only = sorted(
        (tag for tag, cost in model.languages.items() if cost.byte_share > HALF),
        key=lambda tag: -model.languages[tag].byte_share,
    )
    if bytes_only:
        text += f"; over half of the tokens are parts of characters in {', '.join(bytes_only)}"
    blind = [tag for tag, cost in model.languages.items() if cost.n_unknown or cost.n_lost > 0]
    if blind:
        text += f"; it cannot write all text, so cost understated, in {', '.join(blind)}"
    return text
