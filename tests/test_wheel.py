"""The built wheel works outside the checkout: it carries all that is read at run time."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """Return the bin folder of an environment with the wheel and this one's dependencies.

    The dependencies are lent by a path file. It does not lend this checkout: an editable install is
    found through a path file of its own, and those are read only in a site folder.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin"


def call(environment: Path, folder: Path, *arguments: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLBENCH_DATA"))}
    command = [str(environment / "python"), "-m", "mlbench", *arguments]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_the_wheel_carries_what_is_read_at_run_time(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "mlbench/languages.yaml",
        "mlbench/models.yaml",
        "mlbench/licences.yaml",
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
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


def test_the_installed_wheel_runs_and_reports_outside_the_checkout(environment, tmp_path):
    out = call(environment, tmp_path, "tasks", "path")
    assert str(ROOT) not in out and out.strip().endswith("mlbench/tasks")
    arguments = ("--families", "cldr_calendar", "--languages", "en,th", "--limit", "4")
    out = call(environment, tmp_path, "run", *arguments, "--run", "w")
    assert "Done: 4 cells, 16 docs" in out
    out = call(environment, tmp_path, "report", "w")
    assert (tmp_path / "reports" / "w" / "index.html").is_file()
