"""Work that many tests would do again: files of figures, docs of the CLDR, imports of libraries."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from warm_python import WarmPython


@pytest.fixture(autouse=True, scope="session")
def figures_without_files() -> Iterator[None]:
    """Draw the figures of every report, but leave their files empty: these take 2 s a report."""
    from mlbench.report.figures.drawing import FORMATS

    def empty_files(axes: object, folder: Path, name: str) -> dict[Path, bytes]:
        return {folder / f"{name}.{form}": b"" for form in FORMATS}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlbench.report.write.figure_files", empty_files)
        yield


@contextmanager
def figures_with_files() -> Iterator[None]:
    """Write the files of figures as well, where they are looked at."""
    from mlbench.report.figures.drawing import figure_files

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlbench.report.write.figure_files", figure_files)
        yield


@pytest.fixture
def figure_files() -> Iterator[None]:
    with figures_with_files():
        yield


@pytest.fixture(scope="session")
def docs_of_the_cldr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the docs that the CLDR gives, which all test processes share."""
    from filelock import FileLock

    from mlbench.data.languages import read_languages
    from mlbench.data.prepare import covers
    from mlbench.families import read_families
    from mlbench.records import CldrSource

    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cldr"
    with FileLock(f"{root}.lock"), pytest.MonkeyPatch.context() as patch:
        if not root.is_dir():
            patch.setenv("MLBENCH_CACHE", str(root))
            for family in read_families().values():
                if isinstance(family.source, CldrSource):
                    for language in read_languages().values():
                        covers(family, language)
    return root / "docs"


@pytest.fixture
def ready_docs(docs_of_the_cldr: Path, tmp_path: Path) -> None:
    """Have the docs of the CLDR in the cache of a test: those of all languages take 5 s to make."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "docs").symlink_to(docs_of_the_cldr)


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmPython]:
    """Return a Python that has imported the libraries, to fork processes from."""
    # Not in pytest's folder: the name of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        python = WarmPython(Path(folder))
        yield python
        python.end()


@pytest.fixture
def typed_mlbench(
    warm: WarmPython, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a shell find `mlbench`, which is then forked."""
    folder = tmp_path_factory.mktemp("bin")
    warm.put_mlbench(folder)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
