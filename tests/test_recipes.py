"""The recipes of docs/CONTRIBUTING.md work as they are written there."""

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from run_mutations import copy_project

TEXT = (Path(__file__).parent.parent / "docs/CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (file|append)=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTS = "# prints: "


class Block(NamedTuple):
    """A fenced block: its language, what to do with a file, which one, and its lines."""

    language: str
    action: str
    path: str
    text: str


RECIPES = {
    section.split("\n", 1)[0]: [Block(*found) for found in BLOCK.findall(section)]
    for section in TEXT.split("\n## ")[1:]
}


def apply_diff(folder: Path, text: str) -> None:
    """Apply a diff whose hunks are told by their lines alone, as a reader would."""
    path = folder / re.findall(r"^\+\+\+ b/(\S+)$", text, re.MULTILINE)[0]
    content = path.read_text(encoding="utf-8")
    for hunk in re.split(r"^@@.*\n", text, flags=re.MULTILINE)[1:]:
        lines = hunk.splitlines()
        before = "\n".join(line[1:] for line in lines if line[0] in " -") + "\n"
        after = "\n".join(line[1:] for line in lines if line[0] in " +") + "\n"
        assert content.count(before) == 1, f"{path.name} does not hold once: {before}"
        content = content.replace(before, after)
    path.write_text(content, encoding="utf-8")


def call(folder: Path, command: str) -> str:
    """Run a command of the text with the copy as the installed mlbench."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def run_commands(folder: Path, text: str) -> None:
    """Run the lines of a block; what follows PRINTS is in the output of the command before it."""
    output = ""
    for line in text.splitlines():
        command, _, expected = line.partition(PRINTS)
        if command.strip():
            output = call(folder, command)
        assert expected.strip() in output, f"{command}: {expected!r} is not in {output!r}"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_works_as_it_is_written(name, typed_mlbench, tmp_path):
    folder = copy_project(tmp_path)
    assert any(block.language == "sh" for block in RECIPES[name])
    for block in RECIPES[name]:
        if block.language == "sh":
            run_commands(folder, block.text)
        elif block.language == "diff":
            apply_diff(folder, block.text)
        else:
            path = folder / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if block.action == "append" else ""
            path.write_text(before + block.text, encoding="utf-8")
