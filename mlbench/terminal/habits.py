"""How do people type? Lists of values, `_` for `-`, and the words that lm-eval's users know.

`--models A B C` takes everything up to the next option, which typer does not know; ListCommand
spells it out as `--models A --models B --models C` before typer reads it.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from mlbench.errors import SelectionError

LISTS = ("--models", "--families", "--family-file", "--family", "--languages", "--shots", "--log")

OF_LM_EVAL = {
    "--tasks": "name families instead, --families sib200_topic (mlbench list families); for tasks "
    "by their names: lm_eval run --include_path $(mlbench tasks path) --tasks ...",
    "--model": "name the model itself: --models FOLDER, org/name, or BACKEND:ARGS",
    "--model-args": "give folder or hub id alone, --models org/name; other backends have their "
    "arguments after a colon, --models vllm:pretrained=org/name,dtype=bfloat16",
    "--num-fewshot": "type --shots",
    "--output-path": "type --run NAME; cells are kept in runs/NAME",
    "--log-samples": "leave it out, every sample is kept",
    "--use-cache": "leave it out, every finished cell is kept and not scored again",
    "--cache-requests": "leave it out, docs are prepared once and kept",
    "--verbosity": "type mlbench -v COMMAND",
    "--include-path": "leave it out, families need no folder; a package of yours can bring its own",
    "--apply-chat-template": "type --chat",
    "--system-instruction": "leave it out, --chat sends no system message",
    "--fewshot-as-multiturn": "leave it out, with --chat each example is a turn of its own",
    "--gen-kwargs": "leave it out, a family says itself how replies are generated",
    "--show-config": "see mlbench plan, and the signature of a cell in mlbench list cells RUN",
    "--seed": "leave it out, docs and examples are the same for every model",
}
"""What an lm-eval user types and mlbench has not, with what to do instead."""


class ListCommand(TyperCommand):
    """A command that is read as people type it.

    List options take several values after one name, and `_` is as good as `-` in the name of an
    option. An option of lm-eval that is none of ours is refused with what to type.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the name of a list option before each further value."""
        known = {name for param in self.params for name in param.opts}
        spread: list[str] = []
        name = ""
        for arg in map(_dashed, args):
            option = arg.partition("=")[0]
            if option in OF_LM_EVAL and option not in known:
                raise SelectionError(f"no option {option}: {OF_LM_EVAL[option]}")
            if arg.startswith("--"):
                name = arg if arg in LISTS else ""
            elif name and spread[-1] != name:
                spread.append(name)
            spread.append(arg)
        return super().parse_args(ctx, spread)


def _dashed(arg: str) -> str:
    """Return an argument with dashes for underscores in the name of its option, if it is one."""
    option, equals, value = arg.partition("=")
    return option.replace("_", "-") + equals + value if option.startswith("--") else arg


OTHER_WORDS = {
    "ls": "type mlbench list languages, families, models, runs, or cells RUN; for tasks by their "
    "names: lm_eval ls tasks --include_path $(mlbench tasks path)",
    "eval": "type mlbench run",
    "evaluate": "type mlbench run",
    "score": "type mlbench run",
    "validate": "type mlbench doctor; for the task files: mlbench tasks check",
    "compare": "type mlbench verdict RUN --a MODEL --b MODEL",
    "results": "type mlbench list cells RUN, or mlbench report RUN",
}
"""Commands that people look for, with the one that does it."""


class Commands(TyperGroup):
    """All commands; one that another tool calls differently is refused with what to type."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names."""
        if args and args[0] in OTHER_WORDS and args[0] not in self.commands:
            raise SelectionError(f"no command {args[0]!r}: {OTHER_WORDS[args[0]]}")
        return super().resolve_command(ctx, args)
