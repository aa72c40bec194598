"""What does `mlbench choose` do? A model for my languages: a table, or JSON."""

import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlbench.errors import SelectionError
from mlbench.terminal.options import AsJson, LanguagesFile, RunArguments

if TYPE_CHECKING:
    from rich.table import Table

    from mlbench.report.choosing import Candidate, Chosen
    from mlbench.report.tables import ReportTable

NOTHING: list[str] = []
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]i?B)", re.IGNORECASE)
_POWER = {"k": 1, "m": 2, "g": 3, "t": 4}
LICENCES = ("commercial",)

WeightedLanguages = Annotated[
    list[str],
    typer.Option(
        "--languages",
        metavar="LIST",
        help="Languages with weights, id:5,jv:2,su:1; without a weight 1; family:Turkic too.",
        show_default=False,
    ),
]
Country = Annotated[
    str | None,
    typer.Option(help="A country instead, by code or name: its languages by who uses them."),
]
Licence = Annotated[
    str | None, typer.Option(help="commercial: leave out models that may not earn money.")
]
Memory = Annotated[
    str | None,
    typer.Option(help="Leave out models whose weights take more in bfloat16: 16GB, 500MB."),
]
MaxPremium = Annotated[
    float | None,
    typer.Option(help="Leave out models that take more than so many times the tokens of English."),
]


def choose(
    runs: RunArguments,
    languages: WeightedLanguages = NOTHING,
    country: Country = None,
    licence: Licence = None,
    memory: Memory = None,
    max_premium: MaxPremium = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    languages_file: LanguagesFile = None,
    as_json: AsJson = False,
) -> None:
    """Choose a model for your languages: who is best there, how likely, and what it costs.

    A model of which a fact is not known is kept, and the fact is shown as unknown.

    [bold]Examples[/bold]

      mlbench choose bench --languages id:5,jv:2,su:1

      mlbench choose bench --country Indonesia --licence commercial --memory 16GB --max-premium 2
    """
    # Before the run is read, which takes seconds.
    _refuse(languages, country, licence)
    from mlbench.data.languages import read_languages
    from mlbench.data.territories import read_cldr
    from mlbench.data.weights import audience_of_country, audience_of_languages
    from mlbench.report.choosing import Conditions
    from mlbench.report.choosing import choose as choose_model
    from mlbench.report.tables import table_from_run
    from mlbench.stats import Resampling
    from mlbench.store.join import read_runs

    conditions = Conditions(licence is not None, read_memory(memory), _read_premium(max_premium))
    known = read_languages(languages_file)
    found = read_runs(runs)
    known = {**known, **found.languages}
    if country is None:
        audience = audience_of_languages(languages, known)
    else:
        audience = audience_of_country(country, known, read_cldr())
    table = table_from_run(found)
    chosen = choose_model(table, audience, conditions, Resampling(seed=seed))
    if as_json:
        print(json.dumps(to_json(chosen), ensure_ascii=False, indent=1, sort_keys=True))
    else:
        _print_chosen(chosen, table)


def _refuse(languages: list[str], country: str | None, licence: str | None) -> None:
    if bool(languages) == (country is not None):
        raise SelectionError(
            "for whom? Type either --languages id:5,jv:2,su:1 or --country ID"
            + (", not both" if languages else "")
        )
    if licence not in (None, *LICENCES):
        raise SelectionError(f"--licence {licence!r} is not known. Allowed: commercial")


def read_memory(text: str | None) -> float | None:
    """Return bytes; raises SelectionError for what is no size with a unit.

    >>> read_memory("16GB"), read_memory("1.5 GiB")
    (16000000000.0, 1610612736.0)
    """
    if text is None:
        return None
    match = _MEMORY.fullmatch(text.strip())
    if not match or float(match[1]) == 0:
        is_bare = re.fullmatch(r"\s*[0-9.]+\s*", text)
        hint = f"{text.strip()}GB" if is_bare else "16GB"
        raise SelectionError(
            f"--memory {text!r} is not a size with a unit. Type --memory {hint}; "
            "MB, GB, TB, MiB and GiB are allowed"
        )
    unit = match[2].lower()
    return float(match[1]) * float(1024 if "i" in unit else 1000) ** _POWER[unit[0]]


def _read_premium(value: float | None) -> float | None:
    if value is not None and not 0 < value < math.inf:
        raise SelectionError(
            f"--max-premium {value!r} is not a number above 0. Type --max-premium 2 for at most "
            "twice the tokens of English"
        )
    return value


def to_json(chosen: "Chosen") -> dict[str, Any]:
    """Return the answer for a program; docs/report.md describes the keys, null is unknown."""
    return {
        "candidates": [_candidate_json(candidate) for candidate in chosen.candidates],
        "country": chosen.audience.country or None,
        "doubts": [
            {"language": doubt.language.tag, "share": _known(doubt.share)}
            for doubt in chosen.doubts
        ],
        "families": list(chosen.families),
        "left_out": dict(chosen.left_out),
        "measure": chosen.measure.name if chosen.measure else "adjusted",
        "more_docs": _known(chosen.more_docs),
        "notes": list(chosen.notes),
        "shots": chosen.shots,
        "tested": [language._asdict() for language in chosen.tested],
        "tested_share": chosen.tested_share,
        "ties": [list(tie) for tie in chosen.ties],
        "untested": [language._asdict() for language in chosen.untested],
    }


def _candidate_json(candidate: "Candidate") -> dict[str, Any]:
    rank, facts = candidate.rank, candidate.facts
    return {
        "commercial": facts.commercial or None,
        "level": _known(rank.score),
        "level_high": _known(rank.score_high),
        "level_low": _known(rank.score_low),
        "licence": facts.licence or None,
        "memory_bytes": _known(facts.memory),
        "memory_from": facts.memory_from or None,
        "model": rank.model,
        "premium": _known(candidate.premium),
        "probability_of_best": _known(candidate.probability),
        "rank_high": rank.high,
        "rank_low": rank.low,
        "unknown": list(candidate.unknown),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _print_chosen(chosen: "Chosen", table: "ReportTable") -> None:
    from rich.console import Console
    from rich.text import Text

    from mlbench.report.choosing import sentence
    from mlbench.terminal.lists import print_table

    console = Console(highlight=False)

    def say(text: str) -> None:
        console.print(Text(text), soft_wrap=not console.is_terminal)

    say(sentence(chosen))
    say(_basis(chosen))
    print_table(_table(chosen), width_in_pipe=200)
    for line in _remarks(chosen, table):
        say(line)


def _remarks(chosen: "Chosen", table: "ReportTable") -> Iterator[str]:
    """Yield who was left out, what is not known, and what to test next."""
    from mlbench.report.choosing import doubt_sentence
    from mlbench.report.next_tests import command_for

    for model, why in chosen.left_out.items():
        yield f"Left out: {model}: {why}"
    for candidate in chosen.candidates:
        if candidate.unknown:
            yield f"Kept, though unknown: {candidate.rank.model}: {', '.join(candidate.unknown)}"
        if candidate.facts.commercial not in ("", "yes"):
            yield f"Commercial use of {candidate.rank.model}: {candidate.facts.commercial}"
    yield from (f"Note: {note}" for note in chosen.notes)
    if words := doubt_sentence(chosen):
        yield words
    first = [candidate.rank.model for candidate in chosen.candidates[:2]]
    wanted = chosen.untested or tuple(doubt.language for doubt in chosen.doubts)
    if command := command_for(table, first, wanted):
        yield f"Next: {command}"


def _basis(chosen: "Chosen") -> str:
    from mlbench.report.text import join, percent
    from mlbench.wording import plural

    weights = ", ".join(f"{x.name} {percent(x.share, 0)} %" for x in chosen.tested[:8])
    more = len(chosen.tested) - 8
    rest = f" and {plural(more, 'more')}" if more > 0 else ""
    where = f"{chosen.audience.country}: " if chosen.audience.country else ""
    shots = f", {chosen.shots} shots" if chosen.shots else ""
    return f"{where}{weights}{rest}; {join(chosen.families)}{shots}. Intervals at 95 %."


def _table(chosen: "Chosen") -> "Table":
    from rich.table import Table
    from rich.text import Text

    from mlbench.report.choosing import shown_share
    from mlbench.report.model_facts import memory_words
    from mlbench.report.ranking import shown_level, shown_level_interval, shown_places
    from mlbench.report.text import number

    table = Table(box=None, pad_edge=False)
    table.add_column("place", no_wrap=True)
    table.add_column("model", overflow="fold")
    heads = ("level", "interval", "best", "tokens", "memory")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("licence", overflow="fold")
    for candidate in chosen.candidates:
        rank, facts = candidate.rank, candidate.facts
        premium = "unknown" if math.isnan(candidate.premium) else number(candidate.premium, 2)
        table.add_row(
            shown_places(rank),
            Text(rank.model),
            shown_level(rank.score, chosen.measure),
            shown_level_interval(rank, chosen.measure),
            shown_share(candidate.probability),
            premium,
            memory_words(facts.memory),
            Text(facts.licence or "unknown"),
        )
    return table
