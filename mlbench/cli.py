"""The command line: every command in a few lines, each over one function of the package.

Exit codes are in terminal/ending.py. What is heavy is imported inside the command that needs it, so
that `mlbench list` answers at once.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mlbench import __version__
from mlbench.redaction import log_without_secrets
from mlbench.terminal.again import Config, FromRun, reproduce
from mlbench.terminal.campaign import Earlier, Given, StepOption, UntilOption
from mlbench.terminal.changes import SinceOption, find_changes, show_changes
from mlbench.terminal.choosing import choose
from mlbench.terminal.ending import run_to_the_end
from mlbench.terminal.exchange import export, import_
from mlbench.terminal.habits import Commands, ListCommand
from mlbench.terminal.keeping import forget, merge, pack, repair
from mlbench.terminal.looking import check_family, doctor, identify, list_, tokenizers
from mlbench.terminal.options import (
    DEMO_MODELS,
    AsJson,
    BatchSize,
    BatchTokens,
    BosOption,
    Chat,
    ClaimsOption,
    Device,
    DtypeOption,
    EngineOption,
    ExecutorOption,
    FailUnless,
    Families,
    FamilyFiles,
    FetchedFamilies,
    FigureA,
    FigureB,
    FigureFamilies,
    FigureModel,
    FigureModels,
    FigureName,
    FigureOut,
    Languages,
    LanguagesFile,
    Limit,
    Models,
    OldItems,
    OverflowOption,
    PairOption,
    Pivot,
    Quiet,
    Replace,
    ReportA,
    ReportB,
    ReportBase,
    ReportOut,
    RunArguments,
    RunBase,
    RunName,
    ShardOption,
    Shots,
    Strict,
    TrustRemoteCode,
    VerdictA,
    VerdictB,
    Verify,
    families_or,
    paired_with,
)
from mlbench.terminal.task_commands import tasks_app
from mlbench.terminal.watching import NOT_LOGGED, LogTo, watch

app = typer.Typer(
    name="mlbench",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Is a language model as good in your language as in English?\n\n"
    "mlbench scores base models in up to 119 languages and shows where one is better, where two "
    "are equal, and where the data cannot decide. Every finished cell is kept; the same command "
    "again runs only what is missing.\n\n"
    "[bold]First steps[/bold], with no download and no account:\n\n"
    "  mlbench run\n\n"
    "  mlbench report bench",
    epilog="[bold]Exit codes[/bold]: 0 all done, 1 some cells failed (or --strict and not all are "
    "done), 2 the command or a file is wrong, 70 a fault of mlbench, 130 stopped by Ctrl-C (143 by "
    "SIGTERM, 129 by SIGHUP).",
)
app.add_typer(tasks_app, name="tasks", rich_help_panel="Look around")

ALL, ZERO = ["all"], ["0"]
NO_CHOICE: list[str] = []
NO_FILES: list[Path] = []


@app.command(cls=ListCommand, rich_help_panel="Measure")
def run(
    ctx: typer.Context,
    models: Models = DEMO_MODELS,
    pair: PairOption = None,
    base: RunBase = None,
    families: Families = None,
    languages: Languages = ALL,
    pivot: Pivot = "",
    shots: Shots = ZERO,
    limit: Limit = None,
    until: UntilOption = None,
    step: StepOption = 50,
    run: RunName = "bench",
    engine: EngineOption = "packed",
    executor: ExecutorOption = "local",
    device: Device = None,
    dtype: DtypeOption = "auto",
    batch_size: BatchSize = "auto",
    batch_tokens: BatchTokens = None,
    overflow: OverflowOption = "refuse",
    verify: Verify = 0,
    shard: ShardOption = None,
    chat: Chat = False,
    bos: BosOption = "auto",
    replace: Replace = False,
    languages_file: LanguagesFile = None,
    family_file: FamilyFiles = NO_FILES,
    trust_remote_code: TrustRemoteCode = False,
    config: Config = None,
    from_run: FromRun = None,
    log: LogTo = NOT_LOGGED,
    as_json: AsJson = False,
    quiet: Quiet = False,
    strict: Strict = False,
) -> None:
    """Score models, one cell (model x family x language x shots) at a time.

    [bold]Examples[/bold]

      mlbench run

      mlbench run --models qwen2.5-0.5b llama-3.2-1b --families core --shots 5

      mlbench run --models ./checkpoint --languages family:Turkic --limit 50

      mlbench run --models vllm:pretrained=Qwen/Qwen2.5-7B --families core

      mlbench run --models ./checkpoint --family-file my_family.py

      mlbench run --pair qwen2.5-7b-instruct/llama-3.1-8b-instruct --chat --families core

      mlbench run --models ./checkpoint --families translation --pivot vi --shots 5

      mlbench run --models ./a ./b --until settled

      mlbench run --config run.yaml --run trial
    """
    from mlbench.loggers import find_loggers
    from mlbench.terminal import runs

    told = runs.Told(as_json, quiet, find_loggers(log))
    raise typer.Exit(runs.run_asked(ctx.params, told, is_strict=strict))


@app.command(cls=ListCommand, rich_help_panel="Measure")
def plan(
    ctx: typer.Context,
    models: Models = DEMO_MODELS,
    pair: PairOption = None,
    families: Families = None,
    languages: Languages = ALL,
    pivot: Pivot = "",
    shots: Shots = ZERO,
    limit: Limit = None,
    run: RunName = "bench",
    engine: EngineOption = "packed",
    device: Device = None,
    dtype: DtypeOption = "auto",
    overflow: OverflowOption = "refuse",
    shard: ShardOption = None,
    chat: Chat = False,
    bos: BosOption = "auto",
    languages_file: LanguagesFile = None,
    family_file: FamilyFiles = NO_FILES,
    tokens_per_second: Given = None,
    speed_from: Earlier = None,
    config: Config = None,
    from_run: FromRun = None,
    as_json: AsJson = False,
) -> None:
    """Show what the same `run` would do: pending cells, tokens, time, disk. Runs nothing.

    [bold]Examples[/bold]

      mlbench plan --models ./checkpoint --families core --tokens-per-second 20000

      mlbench plan --models ./checkpoint --families core --speed-from trial
    """
    from mlbench.terminal.asked import request_from
    from mlbench.terminal.planning import show_plan

    request = request_from(ctx.params)
    show_plan(request, as_json=as_json, given=tokens_per_second, earlier=speed_from)


@app.command(cls=ListCommand, rich_help_panel="Read")
def report(
    runs: RunArguments,
    out: ReportOut = None,
    docs: Annotated[
        int, typer.Option(min=0, help="Docs of each family and language to show; 0 for none.")
    ] = 20,
    items: OldItems = None,
    max_html_mb: Annotated[
        float, typer.Option(min=0, help="Above this size the docs go to a folder beside the page.")
    ] = 10,
    a: ReportA = None,
    b: ReportB = None,
    claims: ClaimsOption = None,
    base: ReportBase = None,
    since: SinceOption = None,
    strict: Strict = False,
) -> None:
    """Write the page reports/RUN/index.html, its figures (SVG, PNG, PDF) and the scores as CSV.

    Several runs are read as one, and stay as they are: reports/RUN+RUN/index.html.

    [bold]Examples[/bold]

      mlbench report bench

      mlbench report laptop cluster imported

      mlbench report bench --docs 0 --out to_send

      mlbench report bench --a demo-anglo --b demo-polyglot --claims mine.yaml

      mlbench report bench --base demo-anglo=demo-polyglot

      mlbench report this-week --since last-week
    """
    from mlbench.report import Asked, ShownDocs
    from mlbench.terminal import reports

    shown = ShownDocs(docs if items is None else items, max_html_mb)
    raise typer.Exit(
        reports.write(runs, out, shown, Asked(a, b, claims, base, since), is_strict=strict)
    )


@app.command(cls=ListCommand, rich_help_panel="Read")
def figure(
    name: FigureName,
    run: RunName,
    out: FigureOut,
    family: FigureFamilies = NO_CHOICE,
    models: FigureModels = NO_CHOICE,
    model: FigureModel = None,
    a: FigureA = None,
    b: FigureB = None,
    width: Annotated[float, typer.Option(help="Inches: 3.3 or 6.75.")] = 6.75,
) -> None:
    """Draw one figure of a run for a paper; the same run gives the same bytes.

    [bold]Examples[/bold]

      mlbench figure moat --run bench --out moat.pdf

      mlbench figure heatmap --run bench --out heat.svg --family sib200_topic --width 3.3

      mlbench figure forest --run bench --out forest.pdf --a demo-polyglot --b demo-anglo
    """
    from mlbench.report import Choice, write_figure

    chosen = (*models, *([model] if model else []))
    choice = Choice(tuple(family), chosen, a, b, width)
    typer.echo(f"figure: {write_figure(name, run, out, choice)}")


@app.command(cls=ListCommand, rich_help_panel="Read")
def verdict(
    runs: RunArguments,
    a: VerdictA = None,
    b: VerdictB = None,
    claims: ClaimsOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 0,
    since: SinceOption = None,
    fail_unless: FailUnless = None,
    explain: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Show the docs behind a language.")
    ] = None,
    as_json: AsJson = False,
    strict: Strict = False,
) -> None:
    """Judge A against B: where A is better, and whether by more than in English.

    [bold]Example[/bold]

      mlbench verdict bench --a demo-polyglot --b demo-anglo

      mlbench verdict laptop cluster --a ./checkpoint --b qwen2.5-0.5b

      mlbench verdict bench --a demo-polyglot --b demo-anglo --fail-unless supported

      mlbench verdict this-week --since last-week
    """
    from mlbench.store.join import read_runs
    from mlbench.terminal import verdicts
    from mlbench.terminal.counts import exit_code

    if since:
        found = read_runs(runs)
        if not (explain or fail_unless or a or b or found.pair):
            show_changes(find_changes(found, since, None, claims, seed), as_json=as_json)
            raise typer.Exit(exit_code(found, is_strict=strict))
        pair = verdicts.pair_of(found, a, b)
    else:
        found, pair = verdicts.read_pair(runs, a, b)
    is_failed = False
    if explain:
        verdicts.show_docs(found, pair, explain)
    else:
        way = verdicts.Way(claims, seed, since, as_json)
        shown = verdicts.show_verdict(found, pair, way)
        is_failed = verdicts.tell_others(shown, fail_unless)
    raise typer.Exit(is_failed or exit_code(found, is_strict=strict))


@app.command(cls=ListCommand, rich_help_panel="Measure")
def fetch(
    families: FetchedFamilies = None,
    languages: Languages = ALL,
    pivot: Pivot = "",
    languages_file: LanguagesFile = None,
    family_file: FamilyFiles = NO_FILES,
) -> None:
    """Download and prepare the docs of families, for a machine that will be offline.

    [bold]Examples[/bold]

      mlbench fetch

      mlbench fetch --family-file my_family.py
    """
    from mlbench.runner.command import select
    from mlbench.terminal import runs

    named = families_or("core", families, family_file)
    named = paired_with(pivot, named, languages_file)
    runs.fetch(select([], named, languages, languages_file, family_file))


app.command("import", cls=ListCommand, rich_help_panel="Measure")(import_)
app.command(cls=ListCommand, rich_help_panel="Read")(export)
app.command("list", cls=ListCommand, rich_help_panel="Look around")(list_)
app.command(cls=ListCommand, rich_help_panel="Look around")(tokenizers)
app.command(rich_help_panel="Look around")(identify)
app.command(cls=ListCommand, rich_help_panel="Look around")(doctor)
app.command(cls=ListCommand, rich_help_panel="Read")(choose)
app.command("check-family", cls=ListCommand, rich_help_panel="Read")(check_family)
app.command(rich_help_panel="Look around")(repair)
app.command(rich_help_panel="Look around")(pack)
app.command(cls=ListCommand, rich_help_panel="Measure")(forget)
app.command(rich_help_panel="Measure")(merge)
app.command(rich_help_panel="Measure")(reproduce)
app.command(rich_help_panel="Look around")(watch)


@app.command("version", hidden=True)
def _version() -> None:
    """Print the version, as --version does."""
    typer.echo(f"mlbench {__version__}")


@app.callback(invoke_without_command=True)
def _start(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what the libraries log.")
    ] = False,
) -> None:
    if version:
        _version()
        raise typer.Exit
    log_without_secrets(logging.INFO if verbose else logging.ERROR)
    logging.getLogger("mlbench").setLevel(logging.INFO if verbose else logging.WARNING)
    if not verbose:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        os.environ.setdefault("LMEVAL_LOG_LEVEL", "ERROR")
        os.environ.setdefault("TQDM_DISABLE", "1")  # the bars of lm-eval's servers


def main() -> None:
    """Run the command line; terminal/ending.py says how it ends."""
    sys.exit(run_to_the_end(app))
