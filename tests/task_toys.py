"""Rows of our own with the fields that lm-eval's tasks read, as a mirror of their data sets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conftest import SENTENCES

N_ROWS = 9
Rows = Sequence[Mapping[str, Any]]


def write_mirror(root: Path, hub_id: str, configs: Mapping[str, Mapping[str, Rows]]) -> Path:
    """Write rows by configuration and split in the layout of a hub repository."""
    folder, listed = root / hub_id, []
    for code, splits in configs.items():
        files = []
        for split, rows in splits.items():
            path = folder / "data" / code / f"{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            path.write_text("".join(lines), encoding="utf-8")
            files.append({"split": split, "path": str(path.relative_to(folder))})
        listed.append({"config_name": code, "data_files": files})
    (folder / "README.md").write_text(f"---\n{json.dumps({'configs': listed})}\n---\n")
    return folder


def sentence(code: str, number: int) -> str:
    """Return a sentence of a language, another one for each number."""
    texts = SENTENCES[code]
    return f"{texts[number % len(texts)]} {number}."


def belebele_rows(code: str) -> list[dict[str, Any]]:
    """Return questions of which two share a passage."""
    return [
        {
            "link": f"https://a.example/{i // 2}",
            "question_number": i % 2 + 1,
            "flores_passage": sentence(code, i // 2),
            "question": f" {sentence(code, i + 1)}? ",
            **{f"mc_answer{j + 1}": sentence(code, i + j) for j in range(4)},
            "correct_answer_num": str(i % 4 + 1),
        }
        for i in range(N_ROWS)
    ]


def xcopa_rows(code: str, first: int) -> list[dict[str, Any]]:
    """Return premises with two sentences each."""
    return [
        {
            "premise": sentence(code, i),
            "choice1": sentence(code, i + 1),
            "choice2": sentence(code, i + 2),
            "question": ("cause", "effect")[i % 2],
            "label": i % 2,
            "idx": i,
        }
        for i in range(first, first + N_ROWS)
    ]


def write_tasks(root: Path) -> Path:
    """Write all data sets of these rows; return the folder for MLBENCH_DATA."""
    belebele = {code: {"test": belebele_rows(code)} for code in SENTENCES}
    write_mirror(root, "facebook/belebele", belebele)
    xcopa = {"th": "tha_Thai", "zh": "zho_Hans"}
    splits = {
        short: {"validation": xcopa_rows(code, 20), "test": xcopa_rows(code, 0)}
        for short, code in xcopa.items()
    }
    write_mirror(root, "cambridgeltl/xcopa", splits)
    return root
