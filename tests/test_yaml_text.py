"""A YAML file of a user's that is wrong in whatever way ends in one line that names it."""

from pathlib import Path

import pytest
from test_cli import refused

from mlbench.yaml_text import MAX_DEPTH, parse_yaml

BAD = {
    "flow": "[" * 20_000 + "]" * 20_000,
    "less deep": "[" * 900 + "]" * 900,
    "block": "\n".join(" " * i + "a:" for i in range(900)),
    "month 13": "a: 2026-13-45",
    "bool": "!!bool x",
    "time": "!!timestamp x",
    "float": '!!float ""',
    "object": "!!python/object/apply:os.system [ls]",
    "open": "a: [",
    "alias": "*nowhere",
}
COMMANDS = {
    "languages": ("run", "--languages-file"),
    "claims": ("verdict", "r", "--a", "a", "--b", "b", "--claims"),
    "map": ("import", "lm-eval", "cache", "--run", "x", "--map"),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_file_that_is_no_yaml_is_one_line(capsys, command, text):
    from report_toys import ToyRun, exact

    from mlbench.records import Cell

    toy = ToyRun(Path("runs/r"))
    for model in ("a", "b"):
        toy.put(Cell(model, "topic", "en", 0), exact(5))
    toy.write()
    Path("cache").mkdir()
    Path("cache/x.yaml").write_text(text, encoding="utf-8")
    message = refused(capsys, *command, "cache/x.yaml")
    assert "x.yaml" in message and len(message) < 500


def test_a_text_in_another_encoding_is_one_line(capsys):
    Path("cache").mkdir()
    Path("cache/x.yaml").write_bytes(b"\xff\xfea")
    assert "x.yaml" in refused(capsys, "run", "--languages-file", "cache/x.yaml")


def test_depth_is_counted_once_for_what_stands_in_many_places():
    bomb = "\n".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}1]" for i in range(1, 9))
    parse_yaml(f"a0: &a0 1\n{bomb}")
    parse_yaml("&a [*a]")
    parse_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(ValueError, match="nested deeper than"):
        parse_yaml("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
