"""What does `mlbench tasks` do? Write, check and find the task files for lm-eval's own commands."""

import typer

from mlbench import task_files

tasks_app = typer.Typer(no_args_is_help=True, help="The task files for lm-eval's own commands.")


@tasks_app.command("generate")
def generate() -> None:
    """Write the task files again, for a developer who changed a family or languages.yaml."""
    made = task_files.render_all()
    task_files.write_stubs(task_files.find_tasks_folder(), made)
    typer.echo(f"{len(made)} task files in {task_files.find_tasks_folder()}")


@tasks_app.command("check")
def check() -> None:
    """Check that the task files are what the generator makes; exit code 1 if not."""
    made = task_files.render_all()
    problems = task_files.check_stubs(task_files.find_tasks_folder(), made)
    for problem in problems:
        typer.echo(problem)
    typer.echo(f"{len(made)} task files, {len(problems)} differ")
    raise typer.Exit(1 if problems else 0)


@tasks_app.command("path")
def path() -> None:
    """Print the folder for `lm_eval run --include_path`."""
    typer.echo(task_files.find_tasks_folder())
