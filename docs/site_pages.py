"""Which pages has the site beyond those in docs/? Home, changelog and commands, made by mkdocs.

Home is README.md, and the commands are what their --help says, so neither is written twice. Links
to files outside docs/ lead to the repository if mkdocs.yml names one, else they are their paths.
"""

import re
from pathlib import Path
from typing import Any

import typer
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

from mlbench.cli import app

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    pages = {"index": _moved("README.md"), "changelog": _moved("CHANGELOG.md")}
    for name, text in {**pages, "commands": commands()}.items():
        files.append(File.generated(config, f"{name}.md", content=text))
    return files


def _moved(name: str) -> str:
    """Return a page of the root as one of docs/."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.sub(r'(?<=["(])docs/', "", text).replace("(CHANGELOG.md)", "(changelog.md)")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Turn links that leave docs/ to where their files are."""
    known = {"../README.md": "index.md", "../CHANGELOG.md": "changelog.md"}

    def turn(match: re.Match[str]) -> str:
        text, target = match.groups()
        path, mark, anchor = target.partition("#")
        if path in known:
            return f"[{text}]({known[path]}{mark}{anchor})"
        place = target.removeprefix("../")
        if config.repo_url:
            return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{place})"
        return f"{text} (`{place}`)"

    return _LINK.sub(turn, markdown)


def commands() -> str:
    """Return every command with its options, as its --help says."""
    command = typer.main.get_command(app)
    context = command.context_class(command, info_name="mlbench")
    text = get_docs_for_click(obj=command, ctx=context, name="mlbench", title="Commands")
    text = re.sub(r"\[/?bold\]", "**", text).replace("[[", "[").replace("]]", "]")
    # Examples stand indented, a line between them.
    examples = re.compile(r"(?:^  mlbench .*\n(?:\n(?=  mlbench ))?)+", re.MULTILINE)
    return examples.sub(_as_block, text)


def _as_block(match: re.Match[str]) -> str:
    lines = [line.strip() for line in match[0].splitlines() if line.strip()]
    return "\n".join(["```sh", *lines, "```", ""])
