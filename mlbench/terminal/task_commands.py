"""What do `mlbench tasks generate`, `check` and `path` do with the task files of lm-eval?"""

from pathlib import Path

import typer

from mlbench.errors import SelectionError
from mlbench.terminal.options import FamilyFiles, TasksOut

NO_FILES: list[Path] = []

tasks_app = typer.Typer(no_args_is_help=True, help="The task files for lm-eval's own commands.")


@tasks_app.command("generate")
def tasks_generate(family_file: FamilyFiles = NO_FILES, out: TasksOut = None) -> None:
    """Write the task files again, for a developer who changed a family or languages.yaml.

    Those of families of your own go to a folder of yours.

    [bold]Example[/bold]

      mlbench tasks generate --family-file my_family.py --out my_tasks
    """
    from mlbench import task_files
    from mlbench.data.languages import read_languages
    from mlbench.families import add_family_files

    if bool(family_file) != (out is not None):
        raise SelectionError("--family-file and --out go together: --out my_tasks")
    if out is not None:
        made = task_files.render_stubs(add_family_files(family_file), read_languages())
        task_files.add_stubs(out, made)
        typer.echo(f"{len(made)} task files in {out}: lm_eval run --include_path {out} --tasks ...")
        return
    made = task_files.render_all()
    task_files.write_stubs(task_files.find_tasks_folder(), made)
    typer.echo(f"{len(made)} task files in {task_files.find_tasks_folder()}")


@tasks_app.command("check")
def tasks_check() -> None:
    """Check that the task files are what the generator makes; exit code 1 if not."""
    from mlbench import task_files

    made = task_files.render_all()
    problems = task_files.check_stubs(task_files.find_tasks_folder(), made)
    for problem in problems:
        typer.echo(problem)
    typer.echo(f"{len(made)} task files, {len(problems)} differ")
    raise typer.Exit(1 if problems else 0)


@tasks_app.command("path")
def tasks_path() -> None:
    """Print the folder for `lm_eval run --include_path`."""
    from mlbench import task_files

    typer.echo(task_files.find_tasks_folder())
