"""The architecture of docs/ARCHITECTURE.md holds: imports only go down its floors."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mlbench"
ROW = re.compile(r"^\| (\d+) \| (`.*?`) \|", re.MULTILINE)
HEAVY = {"torch", "lm_eval", "matplotlib", "transformers"}
# Up to this floor nothing needs torch, lm-eval or matplotlib.
LIGHT = 7


@cache
def floors() -> dict[str, int]:
    """Read the floor of each folder and top module from the table of the document."""
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = ROW.findall(text)
    return {name: int(floor) for floor, names in rows for name in re.findall(r"`(.+?)`", names)}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {f"mlbench.{alias.name}" for alias in node.names}
            found |= names if node.module == "mlbench" else {node.module}
    return found - {"mlbench.__version__"}


MODULES = {
    name_of(path): imports(path)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}


def test_every_folder_is_on_a_floor():
    assert {name.split(".")[0] for name in MODULES} == set(floors())


def test_imports_go_down():
    climbing = []
    for name, imported in MODULES.items():
        own = name.split(".")[0]
        for module in imported:
            other = module.removeprefix("mlbench.").split(".")[0]
            if module.startswith("mlbench.") and other != own and floors()[other] >= floors()[own]:
                climbing.append(f"{name} imports {module}")
    assert not climbing


def test_the_parts_of_the_report_use_what_is_shared_and_not_each_other():
    """Figures, checks and page stand on the shared modules; only the page puts them together.

    Tables and badge for other pages (publish) take captions and widths of text from the figures.
    """
    allowed = {"figures": {"figures"}, "checks": {"checks"}, "page": {"page", "checks", "figures"}}
    allowed["publish"] = {"figures"}
    shared_users = {"report", "report.write"}
    for name, imported in MODULES.items():
        if not name.startswith("report") or name in shared_users:
            continue
        part = name.split(".")[1]
        parts = {m.split(".")[2] for m in imported if m.startswith("mlbench.report.")}
        assert parts & set(allowed) <= allowed.get(part, set()), name


def test_only_harness_and_engine_know_lm_eval():
    users = {n for n, found in MODULES.items() if any(m.split(".")[0] == "lm_eval" for m in found)}
    assert {name.split(".")[0] for name in users} == {"harness", "engine"}


def test_no_module_is_longer_than_400_lines():
    sizes = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in PACKAGE.rglob("*.py")}
    assert not {path.name: size for path, size in sizes.items() if size > 400}


def test_the_light_floors_import_nothing_heavy():
    light = [
        f"mlbench.{name}"
        for name in MODULES
        if floors()[name.split(".")[0]] <= LIGHT and not name.startswith("demo_models")
    ]
    code = f"import sys, {', '.join(light)}; print(*sys.modules)"
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


def test_each_change_that_tests_must_notice_is_in_its_file_once():
    changes = yaml.safe_load((ROOT / "tests" / "mutations.yaml").read_text(encoding="utf-8"))
    counts = {
        change["name"]: (PACKAGE / change["file"]).read_text(encoding="utf-8").count(change["find"])
        for change in changes
    }
    assert {name: n for name, n in counts.items() if n != 1} == {}
