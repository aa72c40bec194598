"""The scripts of docs/scale.md score their parts and make one run of them, with a stub of srun."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from mlbench.store.read import read_run

DOCS = Path(__file__).parent.parent / "docs" / "scale.md"
FILES = dict(
    re.findall(
        r"^```bash file=(\S+)\n(.*?)^```$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
)
SELECTION = {"MODELS": "demo-anglo", "FAMILIES": "cldr_terms", "LANGUAGES": "en,th,ar"}


def call(warm, script: str, **variables: str) -> str:
    """Run a script with our mlbench and a stub of srun, which calls what it is given."""
    tools = Path("tools")
    tools.mkdir(exist_ok=True)
    (tools / "srun").write_text('#!/bin/bash\nexec "$@"\n')
    (tools / "srun").chmod(0o755)
    warm.put_mlbench(tools)
    Path(script).write_text(FILES[script])
    project = str(DOCS.parent.parent)
    path = f"{tools.resolve()}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **variables, "PATH": path, "PYTHONPATH": project}
    done = subprocess.run(["bash", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_parts_of_a_job_array_become_one_packed_run(warm):
    array = re.search(r"#SBATCH --array=1-(\d+)", FILES["score.sh"])
    assert array, "the script has no array"
    for part in range(1, int(array[1]) + 1):
        task = {"SLURM_ARRAY_TASK_ID": str(part), "SLURM_ARRAY_TASK_COUNT": array[1]}
        assert "Done: " in call(warm, "score.sh", **task, **SELECTION)
    said = call(warm, "merge.sh")
    assert "3 cells from 2 runs" in said and "3 cells moved; 1 packs hold" in said
    assert {cell.language for cell in read_run("campaign").done} == {"en", "th", "ar"}
    assert Path("reports/campaign/index.html").is_file()
