"""The architecture of docs/ARCHITECTURE.md holds: imports only go down."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mlbench"

# The first that matches names the layer of a module.
LAYERS = [
    ("errors", 0),
    ("records", 0),
    ("settings", 0),
    ("families", 2),
    ("cldr", 1),
    ("languages", 1),
    ("models", 1),
    ("sources", 1),
    ("metrics", 2),
    ("premium", 2),
    ("samples", 2),
    ("chance", 2),
    ("answers", 2),
    ("choice_bias", 2),
    ("stats", 2),
    ("prepare", 2),
    ("stubs", 2),
    ("demo_models", 2),
    ("harness", 3),
    ("engine", 3),
    ("store", 3),
    ("texts", 3),
    ("plan", 4),
    ("manifest", 4),
    ("results", 4),
    ("events", 4),
    ("estimate", 4),
    ("runner", 4),
    ("executors", 4),
    ("imports", 4),
    ("exports", 4),
    ("verdict", 4),
    ("family_check", 4),
    ("tokenizers", 4),
    ("report", 5),
    ("progress", 6),
    ("bench", 6),
    ("listing", 6),
    ("doctor", 6),
    ("judgement", 6),
    ("family_table", 6),
    ("tokenizer_table", 6),
    ("options", 6),
    ("cli", 6),
    ("__main__", 6),
]
HEAVY = {"torch", "lm_eval", "matplotlib", "transformers"}


def layer(module: str) -> int:
    name = module.removeprefix("mlbench.").split(".")[0]
    return dict(LAYERS)[name]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "mlbench":
                found |= {f"mlbench.{alias.name}" for alias in node.names}
            else:
                found.add(node.module)
    return found - {"mlbench.__version__"}


MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = layer("mlbench." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    for module in imports(path):
        if module.startswith("mlbench."):
            assert layer(module) <= own, f"{path.name} (layer {own}) imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_harness_and_engine_know_lm_eval(path):
    top = path.relative_to(PACKAGE).parts[0]
    if top not in ("harness", "engine"):
        assert not {m for m in imports(path) if m.split(".")[0] == "lm_eval"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_light_layers_import_nothing_heavy():
    light = [
        ".".join(("mlbench", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in MODULES
        if layer("mlbench." + path.relative_to(PACKAGE).with_suffix("").parts[0]) <= 2
        and "demo_models" not in path.parts
    ]
    code = f"import sys, {', '.join(light)}; print(*sys.modules)".replace(".__init__", "")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & {name.split(".")[0] for name in done.stdout.split()}


def test_list_imports_nothing_heavy():
    code = (
        "import sys; from mlbench.cli import main\n"
        "sys.argv = ['mlbench', 'list', 'languages']\n"
        "try:\n main()\nexcept SystemExit:\n pass\n"
        "print('MODULES', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split("MODULES")[1].split()}
    assert not (HEAVY | {"datasets", "pyarrow", "pandas", "scipy"}) & loaded


def test_no_language_name_is_in_the_code():
    """A family knows languages only through languages.yaml."""
    from mlbench.data.languages import read_languages

    names = {language.name for language in read_languages().values()} - {"English"}
    for path in (PACKAGE / "families").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {ast.get_docstring(n) for n in ast.walk(tree) if isinstance(n, ast.Module)}
        strings = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not {text for text in strings - docstrings if text in names}
