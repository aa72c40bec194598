"""The site has every command, as its --help says, and loads nothing from elsewhere."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
mkdocs_build = pytest.importorskip("mkdocs.commands.build", reason="mkdocs is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        patch.setattr(sys, "dont_write_bytecode", True)
        config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
        mkdocs_build.build(config)
    return folder


def test_every_command_has_its_heading_usage_and_examples(site):
    import typer

    from mlbench.cli import app

    page = (site / "commands" / "index.html").read_text(encoding="utf-8")
    for name in typer.main.get_command(app).commands:
        assert f'id="mlbench-{name}"' in page, name
    text = re.sub(r"<[^>]*>", "", page)
    assert "[bold]" not in text and "mlbench import lighteval evals/ --run others" in text


def test_home_is_the_readme_and_no_link_of_it_is_broken(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "make bench" in page and 'src="report-light.png"' in page
    for target in re.findall(r'(?:href|src)="([^"#?:]+)["#?]', page):
        assert (site / target).exists(), target


def test_the_pages_load_nothing_from_elsewhere(site):
    loaded = re.compile(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(https?:[^"]+)')
    for path in site.rglob("*.html"):
        found = [
            t for t in loaded.findall(path.read_text(encoding="utf-8")) if "canonical" not in t
        ]
        assert not found, path
