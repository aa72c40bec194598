"""The command line's vocabulary: options shared by several commands."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mlbench.data.languages import read_all_languages, select_languages
from mlbench.errors import SelectionError
from mlbench.names import local_path
from mlbench.settings import Bos, Dtype, Engine, Executor, Overflow


def read_limit(text: str) -> int:
    """Return a number of docs.

    Raises SelectionError for a share, which lm-eval takes, and for anything else.
    """
    if text.isdecimal() and int(text):
        return int(text)
    is_share = re.fullmatch(r"[01]?[.,]\d+", text)
    why = "a share of the docs is not possible, because models must be scored on the same ones. "
    raise SelectionError(
        f"--limit {text!r}: {why if is_share else ''}Give a number of docs, such as --limit 50"
    )


def warn_of_items(value: int | None) -> int | None:
    """Take the former name of --docs, and say which name it has now."""
    if value is not None:
        typer.echo("mlbench: --items is now called --docs; type that instead", err=True)
    return value


DEMO_MODELS = ["demo-polyglot", "demo-anglo"]

NOT_ASKED = ("config", "from_run", "as_json", "quiet", "strict", "replace", "log")
"""Options that say how a command is told and ends, not what it scores."""

SELECTION = "What to score"
LOADING = "How to run it"
WHAT_OF_RUN = "What of the run"

Models = Annotated[
    list[str],
    typer.Option(
        help="Presets, hub ids (org/name, org/name@revision), local folders, or BACKEND:ARGS of "
        "lm-eval; NAME= before one is how it is called.",
        rich_help_panel=SELECTION,
    ),
]

PairOption = Annotated[
    str | None,
    typer.Option(
        "--pair",
        metavar="A/B",
        help="Two models, or a pair by its name (mlbench list pairs): they are run, and the report "
        "begins with them. Other models only if --models names them too.",
        rich_help_panel=SELECTION,
    ),
]


def _families(default: str) -> Any:
    return typer.Option(
        help="Families or suites: core, embedded, extension, translation, reading, lmeval, all; or "
        "'lm_eval:TASK_{code}', any tasks of lm-eval. With a family file: its own.",
        rich_help_panel=SELECTION,
        show_default=default,
    )


Families = Annotated[list[str] | None, _families("embedded")]
FetchedFamilies = Annotated[list[str] | None, _families("core")]
Languages = Annotated[
    list[str],
    typer.Option(
        help="all, sw,jv, family:Turkic, script:Arab, class:0-2, dialects; -x excludes x. "
        "Beyond the list: controls, all+controls, or ha,ig,yo (mlbench list controls).",
        rich_help_panel=SELECTION,
    ),
]
Pivot = Annotated[
    str,
    typer.Option(
        metavar="LANGUAGE",
        help="The language that translation families translate from and into; default en.",
        rich_help_panel=SELECTION,
    ),
]
Shots = Annotated[
    list[str],
    typer.Option(help="Examples before each doc; several: 0,5.", rich_help_panel=SELECTION),
]
Limit = Annotated[
    int | None,
    typer.Option(
        parser=read_limit,
        metavar="N",
        help="Score at most so many docs per cell: for a trial.",
        rich_help_panel=SELECTION,
    ),
]
RunName = Annotated[
    str, typer.Option("--run", help="Name under runs/, or a path, where results are kept.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Name under runs/, or a path.")]
RunArguments = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Name under runs/, or a path. Several are read as one."),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Put new results in the place of finished cells that have more docs, or that were "
        "scored in another way (limit, dtype, engine, overflow). Without it they are kept and the "
        "command is refused.",
    ),
]


def _place(name: str) -> dict[str, Any]:
    """Return how typer reads a path of this machine; any other is refused before any work."""
    return {"parser": lambda text: local_path(text, name), "metavar": "PATH"}


LanguagesFile = Annotated[
    Path | None,
    typer.Option(
        help="Your own languages, in the form of languages.yaml.",
        rich_help_panel=SELECTION,
        **_place("--languages-file"),
    ),
]
FamilyFiles = Annotated[
    list[Path],
    typer.Option(
        "--family-file",
        help="A family of your own: a Python file with FAMILY; may be repeated.",
        rich_help_panel=SELECTION,
        **_place("--family-file"),
    ),
]
ReportOut = Annotated[
    Path | None,
    typer.Option("--out", help="Folder to write to; default reports/RUN.", **_place("--out")),
]
TasksOut = Annotated[
    Path | None,
    typer.Option("--out", help="Folder for the task files of family files.", **_place("--out")),
]
FigureName = Annotated[
    str,
    typer.Argument(help="overview, heatmap, difference, forest, moat, profile, parity or markets"),
]
FigureOut = Annotated[
    Path, typer.Option("--out", help="File to write: .pdf, .svg or .png.", **_place("--out"))
]
ExportOut = Annotated[
    Path | None,
    typer.Option(
        "--out", help="File, or folder for lm-eval; default exports/RUN/.", **_place("--out")
    ),
]
ImportPaths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...",
        help="Results folders of a tool, or CSV files.",
        parser=lambda text: local_path(text, "PATH"),
    ),
]
TaskMapOption = Annotated[
    Path | None,
    typer.Option(
        "--map", help="Your own task names, in the form of task_map.yaml.", **_place("--map")
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="End with exit code 1 unless every planned cell of the run is done."
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        help="packed: each distinct token once, the same scores many times faster; "
        "hf: lm-eval's own backend.",
        rich_help_panel=LOADING,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, cuda:1, mps; default: the best here.", rich_help_panel=LOADING),
]
DtypeOption = Annotated[
    Dtype,
    typer.Option(
        help="auto: float32 on a CPU, else the checkpoint's own. A long run on a CPU says what "
        "bfloat16 would gain and cost.",
        rich_help_panel=LOADING,
    ),
]
BatchSize = Annotated[
    str,
    typer.Option(
        help="Requests at once (hf and others): a number, or auto.", rich_help_panel=LOADING
    ),
]
BatchTokens = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Tokens in a forward pass (packed): less needs less memory; default from free memory.",
        rich_help_panel=LOADING,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only part I of N, for several machines: a --run each, then mlbench merge. Parts cost "
        "about the same and are the same every time.",
    ),
]
Verify = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Score N docs of each family, spread over its languages, also one by one before the "
        "first cell (packed). Where scores differ, the model goes on in the next slower mode that "
        "is right; this is said once and kept with every cell. Only pending cells are tried. "
        "0: off.",
        rich_help_panel=LOADING,
    ),
]
ExecutorOption = Annotated[
    Executor,
    typer.Option(
        help="local, or ray: batches of cells on the cluster of RAY_ADDRESS, else on this machine.",
        rich_help_panel=LOADING,
    ),
]
OverflowOption = Annotated[
    Overflow,
    typer.Option(
        help="A context beyond the model's window: refuse, or truncate it from the left.",
        rich_help_panel=LOADING,
    ),
]
Chat = Annotated[
    bool,
    typer.Option(
        "--chat",
        help="Put each doc to the model through its own chat template, with no system message and "
        "thinking switched off. For instruct models; never compared with scores of plain text.",
        rich_help_panel=LOADING,
    ),
]
BosOption = Annotated[
    Bos,
    typer.Option(
        "--bos",
        help="Begin contexts with the BOS token: yes, no, or auto, as the tokenizer does it.",
        rich_help_panel=LOADING,
    ),
]
TrustRemoteCode = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code",
        help="Run code that comes with a hub model. Off unless you say so.",
        rich_help_panel=LOADING,
    ),
]
FigureModels = Annotated[
    list[str],
    typer.Option(help="Only these models (heatmap, parity, markets).", rich_help_panel=WHAT_OF_RUN),
]
FigureModel = Annotated[
    str | None,
    typer.Option("--model", help="The model of a profile.", rich_help_panel=WHAT_OF_RUN),
]
FigureFamilies = Annotated[
    list[str], typer.Option("--family", help="Only these families.", rich_help_panel=WHAT_OF_RUN)
]
FigureA = Annotated[
    str | None,
    typer.Option("--a", help="A, whose lead over B is drawn.", rich_help_panel=WHAT_OF_RUN),
]
FigureB = Annotated[str | None, typer.Option("--b", help="B.", rich_help_panel=WHAT_OF_RUN)]
ReportBase = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="[MODEL=]BASE",
        help="The model of the run that others were made from, for the section that compares them; "
        "what models.yaml, a model card or an adapter names need not be said.",
    ),
]
RunBase = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="MODEL",
        help="Which of --models the others were made from; the report compares them with it.",
        rich_help_panel=SELECTION,
    ),
]
VerdictA = Annotated[
    str | None,
    typer.Option(
        "--a",
        help="The model that the claims are about; without it and --b the pair of the run.",
    ),
]
VerdictB = Annotated[str | None, typer.Option("--b", help="The model it is compared with.")]
ReportA = Annotated[str | None, typer.Option("--a", help="A of the first pair; give --b too.")]
ReportB = Annotated[str | None, typer.Option("--b", help="B of the first pair.")]
ClaimsOption = Annotated[
    Path | None,
    typer.Option(
        "--claims", help="Your own claims, in the form of claims.yaml.", **_place("--claims")
    ),
]
OldItems = Annotated[
    int | None,
    typer.Option(
        "--items", min=0, hidden=True, callback=warn_of_items, help="The former name of --docs."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but what failed, on stderr.")
]
FailUnless = Annotated[
    Literal["supported", "equivalent", "refuted"] | None,
    typer.Option(
        help="End with exit code 1 unless every claim has this verdict: for CI, beside --claims."
    ),
]
OfLanguages = Annotated[
    str, typer.Option(metavar="LIST", help="The languages it may be: hr,bs or family:Turkic.")
]
WithLangdetect = Annotated[
    bool, typer.Option("--langdetect", help="Show what langdetect says, too (slower).")
]


def families_or(default: str, families: list[str] | None, files: list[Path]) -> list[str]:
    """Return the families that were typed; with none, those of files alone, or the default."""
    return families or ([] if files else [default])


def paired_with(pivot: str, families: list[str], languages_file: Path | None) -> list[str]:
    """Return the families with the pivot that was typed.

    Raises SelectionError for what is not one language, or where no family has a pivot.
    """
    from mlbench.families import pair_with

    if not pivot:
        return families
    found = select_languages(pivot, read_all_languages(languages_file))
    if len(found) > 1:
        tags = ", ".join(language.tag for language in found[:5])
        raise SelectionError(
            f"--pivot {pivot!r} means {len(found)} languages ({tags} ...). Name one"
        )
    return pair_with(families, found[0])


def parse_shots(values: list[str]) -> list[int]:
    """Return the numbers of examples asked for, in order and once each.

    Raises SelectionError for what is not a number from 0.
    """
    parts = [part.strip() for value in values for part in value.split(",") if part.strip()]
    for part in parts:
        if not part.isdecimal():
            raise SelectionError(f"--shots {part!r} is not a number. Allowed: 0, 5, or 0,5")
    if not parts:
        raise SelectionError("--shots is empty. Allowed: 0, 5, or 0,5")
    return sorted({int(part) for part in parts})


def parse_batch_size(value: str) -> str:
    """Return a batch size for the engine hf: `auto`, or a number from 1.

    Raises SelectionError for anything else.
    """
    if value != "auto" and not (value.isdecimal() and int(value)):
        raise SelectionError(f"--batch-size {value!r} is not known. Allowed: auto, or 1, 8, 64 ...")
    return value
