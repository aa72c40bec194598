"""The built wheel works outside the checkout: it carries all that is read at run time."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (path,) = out.glob("*.whl")
    return path


def requirements_of(metadata: Message, extras: frozenset[str]) -> Iterator[Requirement]:
    """Yield what a distribution needs here, with some of its extras."""
    for text in metadata.get_all("Requires-Dist") or ():
        wanted = Requirement(text)
        marker = wanted.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield wanted


def needed_by(wheel: Path, extras: frozenset[str]) -> set[str]:
    """Return the names of all distributions that pip would install with the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        own = message_from_bytes(archive.read(name))
    found: dict[str, frozenset[str]] = {"mlbench": frozenset()}
    todo = [Requirement(f"mlbench[{','.join(extras)}]" if extras else "mlbench")]
    while todo:
        wanted = todo.pop()
        key = canonicalize_name(wanted.name)
        asked = found.get(key, frozenset()) | wanted.extras
        if found.get(key) == asked and key != "mlbench":
            continue
        found[key] = asked
        metadata = own if key == "mlbench" else distribution(wanted.name).metadata
        todo += [w for w in requirements_of(metadata, asked) if canonicalize_name(w.name) != key]
    return set(found) - {"mlbench"}


def make_environment(folder: Path, wheel: Path, extras: frozenset[str]) -> Path:
    """Return the bin folder of an environment with the wheel, and of this one what it asks for.

    Packages are lent by links, those that nothing declares are not there.
    """
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in needed_by(wheel, extras):
        here = distribution(name)
        tops = {path.parts[0] for path in here.files or () if path.parts[0] != ".."}
        for top in tops - {"__pycache__", *os.listdir(site)}:
            (site / top).symlink_to(Path(str(here.locate_file(top))))
    return folder / "bin"


@pytest.fixture(scope="module")
def base(wheel, tmp_path_factory) -> Path:
    return make_environment(tmp_path_factory.mktemp("base"), wheel, frozenset())


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    return make_environment(tmp_path_factory.mktemp("run"), wheel, frozenset({"run"}))


def call(environment: Path, folder: Path, *arguments: str, code: int = 0) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(environment / "python"), "-m", "mlbench", *arguments]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout if code == 0 else done.stderr


def test_the_wheel_carries_what_is_read_at_run_time(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "mlbench/languages.yaml",
        "mlbench/models.yaml",
        "mlbench/licences.yaml",
        "mlbench/claimed_languages.yaml",
        "mlbench/data/controls.yaml",
        "mlbench/data/regions.yaml",
        "mlbench/identifier/grams.npz",
        "mlbench/identifier/calibration.json",
        "mlbench/identifier/README.md",
        "mlbench/py.typed",
        "mlbench/judge/claims.yaml",
        "mlbench/tasks/sib200_topic/sw.yaml",
        "mlbench/demo_models/demo-polyglot/model.safetensors",
        "mlbench/demo_models/demo-anglo/model.safetensors",
        "mlbench/report/page/static/app.css",
    } <= names
    licences = {name.rpartition("/")[2] for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "LICENSE.unicode", "OFL.txt"}
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "mlbench").rglob("*.py")}
    assert modules <= names


@pytest.fixture(scope="module")
def place(environment, tmp_path_factory) -> Path:
    """Return a folder outside the checkout in which the installed wheel has run both models."""
    folder = tmp_path_factory.mktemp("place")
    arguments = ("--families", "cldr_calendar", "--languages", "en,th,ru", "--limit", "8")
    out = call(environment, folder, "run", *arguments, "--run", "w")
    assert "Done: 6 cells, 48 docs" in out
    return folder


def test_the_installed_wheel_runs_and_reports_outside_the_checkout(environment, place):
    out = call(environment, place, "tasks", "path")
    assert str(ROOT) not in out and out.strip().endswith("mlbench/tasks")
    out = call(environment, place, "report", "w")
    assert (place / "reports" / "w" / "index.html").is_file()


def test_the_base_judges_what_others_scored_without_torch(base, environment, place, tmp_path):
    """Results of lm-eval become a verdict, a page and figures where nothing can run a model."""
    call(
        environment, place, "export", "w", "--format", "lm-eval", "--out", str(tmp_path / "results")
    )

    assert "6 new cells" in call(base, tmp_path, "import", "lm-eval", "results", "--run", "theirs")
    pair = ("--a", "demo-polyglot", "--b", "demo-anglo")
    assert "demo-polyglot against demo-anglo" in call(base, tmp_path, "verdict", "theirs", *pair)
    call(base, tmp_path, "report", "theirs")
    assert (tmp_path / "reports" / "theirs" / "index.html").is_file()
    call(base, tmp_path, "figure", "forest", "--run", "theirs", "--out", "forest.pdf", *pair)
    assert (tmp_path / "forest.pdf").is_file()
    call(base, tmp_path, "export", "theirs", "--format", "parquet", "--out", "docs.parquet")
    assert "Croatian" in call(base, tmp_path, "identify", "Gdje se nalazi glavni kolodvor u gradu?")


def test_the_base_counts_tokens_and_finds_nothing_wrong(base, tmp_path, sib200, checkpoint):
    arguments = ("--models", str(checkpoint), "--languages", "en,ru,th", "--limit", "4", "--json")
    out = json.loads(call(base, tmp_path, "tokenizers", *arguments))
    assert out["models"][0]["languages"]["th"]["premium"] > 1
    # A newer babel knows a language that the wheel has no task for: said, and no failure.
    (site,) = base.parent.glob("lib/*/site-packages/mlbench/tasks/cldr_terms")
    (site / "ru.yaml").unlink()
    said = call(base, tmp_path, "doctor")
    assert "0 failed" in said and "1 files differ from what the CLDR of this babel makes" in said
    assert "torch            not installed; `mlbench run` needs it" in said


@pytest.mark.parametrize("command", ["run", "plan"])
def test_the_base_says_what_to_type_where_a_model_is_asked_for(base, tmp_path, command):
    said = call(base, tmp_path, command, code=2)
    expected = "needs torch, which is not installed. Type: pip install 'mlbench[run]'"
    assert said.strip() == f"mlbench: to run or plan {expected}"
    assert os.listdir(tmp_path) == []
