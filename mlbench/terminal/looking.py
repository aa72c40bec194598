"""What do the commands that look around do? Lists, tokenizers, languages of texts, this machine."""

from pathlib import Path
from typing import Annotated

import typer

from mlbench.settings import Settings
from mlbench.terminal.options import (
    DEMO_MODELS,
    AsJson,
    FamilyFiles,
    FigureFamilies,
    Languages,
    LanguagesFile,
    Limit,
    Models,
    OfLanguages,
    RunArguments,
    Strict,
    TrustRemoteCode,
    WithLangdetect,
)

ALL = ["all"]
PriceIn = Annotated[float | None, typer.Option(help="Price of a million tokens read.")]
PriceOut = Annotated[float | None, typer.Option(help="Price of a million tokens written.")]
GpuHour = Annotated[float | None, typer.Option(help="Price of a machine's hour; give --speed too.")]
Speed = Annotated[float | None, typer.Option(help="Tokens a second of that machine.")]
NO_CHOICE: list[str] = []
NO_FILES: list[Path] = []


def list_(
    what: Annotated[
        str,
        typer.Argument(help="languages, controls, families, models, pairs, runs, or cells"),
    ],
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME...]",
            help="The run of cells, or several; a model or family; or a selection of languages.",
        ),
    ] = NO_CHOICE,
    as_json: AsJson = False,
    strict: Strict = False,
    languages_file: LanguagesFile = None,
    family_file: FamilyFiles = NO_FILES,
) -> None:
    """List the languages, families, models or runs there are, or the cells of a run.

    [bold]Examples[/bold]

      mlbench list languages

      mlbench list languages family:Turkic

      mlbench list controls

      mlbench list families sib200_topic

      mlbench list models qwen2.5-7b

      mlbench list families --family-file my_family.py

      mlbench list cells bench

      mlbench list cells laptop cluster
    """
    from mlbench.errors import SelectionError
    from mlbench.families import add_family_files
    from mlbench.terminal import family_list, lists, model_table

    add_family_files(family_file)
    if what == "cells":
        raise typer.Exit(lists.show_cells(names, as_json=as_json, is_strict=strict))
    if len(names) > 1:
        raise SelectionError(
            f"list {what} takes one name, not {len(names)}. Type: mlbench list {what} {names[0]}"
        )
    name = names[0] if names else None
    if what == "families":
        family_list.show(name, languages_file, as_json=as_json)
    elif what == "models":
        model_table.show(name, as_json=as_json)
    elif what == "pairs":
        model_table.show_pairs(as_json=as_json)
    else:
        lists.show(what, name, languages_file=languages_file, as_json=as_json)


def tokenizers(
    models: Models = DEMO_MODELS,
    languages: Languages = ALL,
    limit: Limit = None,
    languages_file: LanguagesFile = None,
    trust_remote_code: TrustRemoteCode = False,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    gpu_hour: GpuHour = None,
    speed: Speed = None,
    as_json: AsJson = False,
) -> None:
    """Show what a model's tokenizer costs in each language, against English. Runs no model.

    [bold]Examples[/bold]

      mlbench tokenizers --models qwen2.5-0.5b ./checkpoint --languages family:Turkic

      mlbench tokenizers --models qwen2.5-0.5b --price-in 0.5 --price-out 1.5
    """
    from mlbench.terminal import tokenizer_table
    from mlbench.tokens.prices import Prices

    settings = Settings(limit=limit, trust_remote_code=trust_remote_code)
    prices = Prices(price_in, price_out, gpu_hour, speed)
    way = tokenizer_table.Way(prices, as_json)
    tokenizer_table.show(models, languages, languages_file, settings, way)


def identify(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="- reads lines of stdin.")],
    languages: OfLanguages = "all",
    langdetect: WithLangdetect = False,
    as_json: AsJson = False,
) -> None:
    """Say in which language texts are, or that it cannot be told.

    [bold]Example[/bold]

      mlbench identify --languages hr,bs,sr "Gdje se nalazi kolodvor?"
    """
    from mlbench.terminal import identified

    identified.show(texts, languages, as_json=as_json, with_langdetect=langdetect)


def doctor(as_json: AsJson = False) -> None:
    """Check this machine: versions, memory, device, data, caches, and what to do about it."""
    from mlbench.terminal.doctor import examine

    raise typer.Exit(examine(as_json=as_json))


def check_family(
    runs: RunArguments, family: FigureFamilies = NO_CHOICE, as_json: AsJson = False
) -> None:
    """Check if a family is worth its place: above chance, repeatable, telling models apart.

    [bold]Examples[/bold]

      mlbench check-family bench

      mlbench check-family bench --family cldr_terms cldr_plural
    """
    from mlbench.terminal import family_table

    family_table.show(runs, family, as_json=as_json)
