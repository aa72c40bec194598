"""How is the same asked again? From a file, from what a run has on record, or all of it at once."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from mlbench.errors import SelectionError, unknown, yaml_hint
from mlbench.names import local_path
from mlbench.redaction import HIDDEN
from mlbench.terminal.options import NOT_ASKED, AsJson, RunArgument


def read_config(path: Path, allowed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a file, by the names that the command's parameters have.

    Raises SelectionError for a file that is no mapping of options to values.
    """
    import yaml  # here, for the other commands do not wait for it

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SelectionError(f"cannot read --config {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())
        raise SelectionError(f"--config {path} is not YAML: {first}") from error
    if not isinstance(content, dict):
        raise SelectionError(f"--config {path} has no options. Write a line such as: shots: [0, 5]")
    return {
        _known(key, path, allowed): _checked(key, value, path) for key, value in content.items()
    }


def _known(key: object, path: Path, allowed: Mapping[str, Any]) -> str:
    name = str(key).replace("-", "_").removeprefix("__")
    if name not in allowed or name in ("config", "from_run"):
        options = [one.replace("_", "-") for one in allowed if one not in ("config", "from_run")]
        raise SelectionError(
            f"--config {path}: {unknown('option', str(key), options, 'mlbench run --help')}"
        )
    return name


def _checked(key: object, value: Any, path: Path) -> Any:
    parts = value if isinstance(value, list) else [value]
    if value is None or any(isinstance(part, dict | list) for part in parts):
        raise SelectionError(f"--config {path}: {key} needs a value or a list of values")
    if isinstance(value, list) and (hint := yaml_hint(value)):
        raise SelectionError(f"--config {path}: {key}: {hint}")
    return value


def read_asked(run: str) -> dict[str, Any]:
    """Return what the latest command on record asked of a run, into the same run.

    Raises SelectionError where there is none, or where it had a key that is not kept.
    """
    from mlbench.store import find_run

    folder = find_run(run)
    *_, latest = records_of(folder)
    return {**_asked_of(latest, folder), "run": run}


def records_of(folder: Path) -> list[Mapping[str, Any]]:
    """Return the commands that a run has on record. Raises SelectionError where there is none."""
    from mlbench.store.manifest import read_manifest

    records: list[Mapping[str, Any]] = read_manifest(folder).get("invocations", [])
    if not records:
        raise SelectionError(
            f"{folder} has no command on record: it was imported, or made before mlbench kept "
            f"them. Type the options yourself"
        )
    return records


def _asked_of(record: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    asked = {name: value for name, value in record["asked"].items() if name not in NOT_ASKED}
    hidden = [name for name in asked.get("models", ()) if HIDDEN in name]
    if hidden:
        raise SelectionError(
            f"{folder} was made with a key that is not kept, {hidden[0]!r}. Type --models again, "
            f"or put the key in the environment"
        )
    return asked


def _take(ctx: typer.Context, found: Mapping[str, Any]) -> None:
    """Let options that are not typed have the values found: those that are typed go before."""
    kinds = {param.name: param for param in ctx.command.params}
    values: dict[str, Any] = {}
    for name, value in found.items():
        if name in kinds:
            is_list = getattr(kinds[name], "multiple", False)
            parts = value if isinstance(value, list) else [value]
            values[name] = [str(one) for one in parts] if is_list else _single(value)
    ctx.default_map = {**(ctx.default_map or {}), **values}


def _single(value: Any) -> Any:
    return value if isinstance(value, bool) else str(value)


def _from_config(ctx: typer.Context, path: Path | None) -> Path | None:
    if path and not ctx.resilient_parsing:
        _take(ctx, read_config(path, {str(param.name): param for param in ctx.command.params}))
    return path


def _from_run(ctx: typer.Context, run: str | None) -> str | None:
    if run and not ctx.resilient_parsing:
        _take(ctx, read_asked(run))
    return run


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        is_eager=True,
        callback=_from_config,
        parser=lambda text: local_path(text, "--config"),
        metavar="PATH",
        help="A YAML file of options, such as shots: [0, 5]. Those that are typed go before.",
    ),
]
FromRun = Annotated[
    str | None,
    typer.Option(
        "--from",
        is_eager=True,
        callback=_from_run,
        metavar="RUN",
        help="Ask what the latest command on RUN asked, into the same run or into --run.",
    ),
]


def reproduce(
    run: RunArgument,
    into: Annotated[
        str | None, typer.Option("--run", help="Run for the new cells; default RUN-again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do again all that a run has on record, in a new run, and say which scores moved.

    Ends with exit code 1 if a score, or what was scored, is not the same.

    [bold]Example[/bold]

      mlbench reproduce bench
    """
    from mlbench.store import find_run
    from mlbench.store.moved import find_moved
    from mlbench.store.read import read_run
    from mlbench.terminal.runs import Told, run_asked

    folder = find_run(run)
    name = into or f"{run.rstrip('/')}-again"
    asked = [_asked_of(record, folder) for record in records_of(folder)]
    for number, options in enumerate(asked):
        if options not in asked[:number]:
            run_asked({**options, "run": name}, Told(is_quiet=as_json))
    outcome = find_moved(read_run(folder), read_run(name))
    if as_json:
        print(json.dumps(outcome.as_json(), ensure_ascii=False, indent=1, sort_keys=True))
    else:
        console = Console(soft_wrap=True, highlight=False)
        for line in outcome.lines():
            console.print(line, markup=False)
    raise typer.Exit(1 if outcome.moved else 0)
