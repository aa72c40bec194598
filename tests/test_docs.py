"""Are README and docs true? Their tables, links and command lines against the program itself."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from mlbench import __version__
from mlbench.cli import app
from mlbench.families import read_families
from mlbench.report.checks import trust as trust_module
from mlbench.report.figures.figures import FIGURES
from mlbench.terminal.habits import OF_LM_EVAL

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "mlbench/demo_models/README.md"]
    + list((ROOT / "docs").glob("*.md"))
)
PROGRAM = typer.main.get_command(app)
NUMBERS = {
    "Twelve": 12,
    "Thirteen": 13,
    "Fourteen": 14,
    "Fifteen": 15,
    "Sixteen": 16,
    "Seventeen": 17,
}
# One word for each thing, and "per" for "in each": what a reader must not meet again.
UNWANTED = re.compile(
    r"\b(items?|ladder|rungs?|guessers?|surely|nobody can tell|stands after|take away)\b"
    r"|\b(line|panel|dot|docs|point|row|bars|tokens|seconds|object|once) an? "
    r"(score|family|model|doc|cell|language|country|pair|run|sentence)\b",
    re.IGNORECASE,
)
# Of another program, or of pip: the rest of the options in the pages are looked up in ours.
FOREIGN = {"--include_path", "--log_samples", "--model_args", "--num_fewshot", "--output_path"}
FOREIGN |= {"--tasks", "--model"}
FOREIGN |= {f"--{option[2:].replace('-', '_')}" for option in OF_LM_EVAL}
FOREIGN |= {"--logits_all"}  # of llama-cpp-python's server
FOREIGN |= {"--save-details", "--output-dir", "--max-samples"}  # of lighteval and OLMES
# Taken as --batch-size and the like.
FOREIGN |= {"--batch_size", "--trust_remote_code"}
# Still taken, and hidden: docs/decisions.md says what each is called now.
FORMER = {"--items"}


class Line(NamedTuple):
    """A command line of a page: `is_whole` if it stands in a code block, not in a sentence."""

    page: str
    text: str
    is_whole: bool


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks_of(text: str) -> Iterator[str]:
    """Yield the lines of code blocks, continued ones as one, without comments."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    fenced = [block for language, block in found if language in ("", "console", "sh")]
    indented = re.findall(r"^\n((?: {4}\S.*\n)+)", text, re.MULTILINE)
    for block in (*fenced, *indented):
        yield from block.replace("\\\n", " ").splitlines()


def lines_of(path: Path) -> Iterator[Line]:
    text, name = text_of(path), str(path.relative_to(ROOT))
    for line in blocks_of(text):
        if "→" not in line:
            yield Line(name, re.sub(r"\s+#.*", "", line).strip(), is_whole=True)
    for code in re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text)):
        yield Line(name, code.strip(), is_whole=False)


LINES = [line for path in PAGES for line in lines_of(path)]


def lines_with(start: str, *, is_whole: bool | None = None) -> list[Line]:
    found = [x for x in LINES if x.text.startswith(start) and is_whole in (None, x.is_whole)]
    assert found, f"no page has a line that begins with {start!r}"
    return list(dict.fromkeys(found))


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words begin with, and what follows; KeyError if there is none."""
    command: Any = PROGRAM
    while hasattr(command, "commands") and words:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def without_files(words: list[str]) -> list[str]:
    """Return words without the options that read a run or a file while they are parsed."""
    return [
        w
        for i, w in enumerate(words)
        if not {w, *words[max(i, 1) - 1 : i]} & {"--from", "--config"}
    ]


def options_of(command: Any) -> set[str]:
    params = [param for param in command.params if param.param_type_name == "option"]
    return {name for param in params if not param.hidden for name in param.opts} | {"--help"}


def every_command(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for word, part in command.commands.items():
            yield from every_command(part, f"{name} {word}".strip())
    else:
        yield name, command


def rows_of(path: Path, head: str) -> list[list[str]]:
    """Return the cells of the table whose first line begins with `head`."""
    lines = text_of(path).splitlines()
    (start,) = [i for i, line in enumerate(lines) if line.startswith(head)]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@pytest.mark.parametrize(
    "line", lines_with("mlbench ", is_whole=True), ids=lambda line: f"{line.page}: {line.text}"
)
def test_a_command_line_of_a_code_block_parses(line: Line) -> None:
    words = shlex.split(line.text)[1:]
    command, rest = command_of(words)
    command.make_context(command.name, without_files(rest))  # converts; runs nothing
    hidden = {word for word in rest if word.startswith("--")} - options_of(command)
    assert not hidden, f"{sorted(hidden)} are not shown by --help"


def test_the_examples_of_help_parse() -> None:
    helps = [command.help or "" for _, command in every_command(PROGRAM)]
    examples = [line.strip() for text in (*helps, PROGRAM.help) for line in text.splitlines()]
    examples = [line for line in examples if re.match(r"mlbench [a-z-]+( |$)", line)]
    assert len(examples) > 10
    for line in examples:
        if not line.startswith("mlbench scores "):  # a sentence
            command, rest = command_of(shlex.split(line)[1:])
            command.make_context(command.name, without_files(rest))


@pytest.mark.parametrize(
    "line", lines_with("mlbench ", is_whole=False), ids=lambda line: f"{line.page}: {line.text}"
)
def test_a_command_in_a_sentence_exists_with_its_options(line: Line) -> None:
    command, rest = command_of(shlex.split(line.text)[1:])
    asked = {word for word in rest if word.startswith("--")}
    assert asked <= options_of(command)


def test_every_option_that_a_page_names_exists() -> None:
    known = {name for _, command in every_command(PROGRAM) for name in options_of(command)}
    known |= options_of(PROGRAM) | FOREIGN | FORMER
    benchmarks = "".join(text_of(path) for path in sorted((ROOT / "benchmarks").glob("*.py")))
    for line in LINES:
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", line.text):
            is_known = option in known or f'"{option}"' in benchmarks
            assert is_known, f"{line.page}: {option}"


def test_every_command_is_in_a_page() -> None:
    words = [shlex.split(line.text)[1:] for line in lines_with("mlbench ")]
    named = {id(command_of(list(rest))[0]) for rest in words}
    developer = {"tasks generate", "tasks check"}
    changes = text_of(ROOT / "CHANGELOG.md")
    for name, command in every_command(PROGRAM):
        is_named = id(command) in named or f"`{name}`" in changes
        assert is_named or name in developer, f"no page says what `mlbench {name}` is for"


def test_make_lines_name_targets_and_variables_of_the_makefile() -> None:
    makefile = text_of(ROOT / "Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) [?:]?=", makefile, re.MULTILINE))
    for line in lines_with("make "):
        words = shlex.split(line.text)[1:]
        assert {word for word in words if "=" not in word} <= targets, line
        assert {word.split("=")[0] for word in words if "=" in word} <= variables, line


def test_python_lines_name_programs_that_are_there() -> None:
    for line in lines_with("python "):
        words = shlex.split(line.text)
        if words[1] != "-m":
            program = ROOT / words[1]
            assert program.is_file(), line
        elif words[2].startswith("mlbench"):
            path = ROOT / words[2].replace(".", "/")
            assert path.with_suffix(".py").is_file() or path.is_dir(), line


def anchors_of(path: Path) -> set[str]:
    """Return the anchors of headings, made as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"(?ms)^```.*?^```", "", text_of(path)), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
    return set(plain)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_lead_somewhere(path: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```", "", text_of(path))
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    for link in links:
        if re.match(r"https?:|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{path.name}: {link}"
        if anchor:
            assert anchor in anchors_of(target), f"{path.name}: {link}"


def test_the_families_of_the_readme_are_those_that_are_run() -> None:
    families = read_families()
    rows = {row[0]: row for row in rows_of(ROOT / "README.md", "| family | languages |")}
    starred = {f"`{name}`{' *' if f.is_demonstration else ''}" for name, f in families.items()}
    assert rows.keys() == starred
    for name, family in families.items():
        _, n_languages, _, chance = rows[f"`{name}`{' *' if family.is_demonstration else ''}"]
        tasks = [path for path in (ROOT / "tasks" / name).glob("*.yaml") if path.stem[0] != "_"]
        assert int(n_languages) == len(tasks), name
        if family.chance is None:
            assert chance == "–"
        elif "(" not in chance:
            assert chance == f"{100 * family.chance:g} %", name
        else:  # by the labels of the data, which a constant answer can use
            assert float(chance.split()[0]) >= 100 * family.chance, name


def test_the_changelog_names_every_family() -> None:
    for name in read_families():
        assert f"`{name}`" in text_of(ROOT / "CHANGELOG.md"), name


def test_the_families_of_the_embedded_page_are_the_embedded_ones() -> None:
    rows = rows_of(ROOT / "docs/embedded.md", "| family | a prompt")
    embedded = {f"`{name}`" for name, f in read_families().items() if f.suite == "embedded"}
    assert {row[0] for row in rows} == embedded


def test_the_figures_of_the_report_page_are_those_there_are() -> None:
    rows = rows_of(ROOT / "docs/report.md", "| name | what it shows |")
    assert [row[0].strip("`") for row in rows] == list(FIGURES)
    command, _ = command_of(["figure"])
    for row in rows:
        assert set(re.findall(r"--[\w-]+", row[2])) <= options_of(command), row
    (name,) = [param for param in command.params if param.name == "name"]
    told = getattr(name, "help", "")
    assert re.split(r", | or ", told) == list(FIGURES)


def test_the_checks_of_the_report_page_are_those_there_are() -> None:
    text = text_of(ROOT / "docs/report.md")
    rows = rows_of(ROOT / "docs/report.md", "| check | check this if |")
    n_checks = len(
        re.findall(r"^        check_\w+\(", Path(trust_module.__file__).read_text(), re.M)
    )
    assert len(rows) == n_checks
    (said,) = re.findall(r"^(\w+) checks, each stated", text, re.MULTILINE)
    assert NUMBERS[said] == n_checks


def test_pages_and_templates_keep_to_the_vocabulary() -> None:
    templates = sorted((ROOT / "mlbench/report/page/templates").glob("*.j2"))
    for path in (*PAGES, *templates):
        # An option may have its former name, and a template its own code.
        text = re.sub(r"^```.*?^```$", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"`[^`\n]*`|\{%.*?%\}|\{\{.*?\}\}", "", text)
        found = [match[0] for match in UNWANTED.finditer(text)]
        assert not found, f"{path.name}: {found}"


def test_each_decision_has_a_question_and_a_date() -> None:
    text = text_of(ROOT / "docs/decisions.md")
    entries = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    areas = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert areas == ["Data", "Scoring and engine", "Runs", "Statistics", "Report", "Tools"]
    for entry in entries:
        title, _, body = entry.partition("\n")
        assert "?" in title or ":" in title, title
        assert re.match(r"\*\d{4}-\d\d-\d\d(, changed \d{4}-\d\d-\d\d)?\.\* ", body), title


def test_the_tests_that_the_page_on_robustness_names_are_there() -> None:
    """Each row under a table's head ends in the test of its fault."""
    text = text_of(ROOT / "docs/robustness.md")
    rows = re.findall(r"^\| (?!what goes wrong|---).*\|$", text, re.MULTILINE)
    assert rows
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", row.rsplit("|", 2)[1])
        assert named, f"no test is named in: {row}"
        for file, test in named:
            assert f"\ndef {test}" in text_of(ROOT / "tests" / file), (file, test)


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {__version__}\n" in text_of(ROOT / "docs/CITATION.cff")
