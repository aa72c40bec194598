"""Rows of our own in the schemas of Belebele, XCOPA and Global-MMLU, in six scripts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conftest import SCRIPTS, SENTENCES

from mlbench.data.languages import read_languages
from mlbench.families._belebele import SHOWN

Row = Mapping[str, Any]
Splits = Mapping[str, Sequence[Row]]

N_PASSAGES = 28
N_QUESTIONS = 48


def write_mirror(root: Path, hub_id: str, tables: Mapping[str, Splits]) -> None:
    """Write JSON lines in the layout of a hub repository: a configuration a code."""
    folder = root / hub_id
    configs = []
    for code, splits in tables.items():
        files = []
        for split, rows in splits.items():
            path = folder / "data" / code / f"{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = (json.dumps(row, ensure_ascii=False) for row in rows)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            files.append({"split": split, "path": str(path.relative_to(folder))})
        configs.append({"config_name": code, "data_files": files})
    header = json.dumps({"configs": configs})
    (folder / "README.md").write_text(f"---\n{header}\n---\n", encoding="utf-8")


def belebele_rows(code: str) -> list[dict[str, Any]]:
    """Return two questions a passage; those of the examples come last, as in no order."""
    links = [*(f"https://example.org/{i}" for i in range(N_PASSAGES)), *SHOWN]
    texts = SENTENCES[code]
    return [
        {
            "link": link,
            "question_number": number,
            "flores_passage": f"{texts[i % 7]}. {texts[(i + 1) % 7]} ({i}).",
            "question": f"{texts[(i + number) % 7][:12]}?",
            **{f"mc_answer{k}": f"{texts[(i + k) % 7][:20]} {k}" for k in range(1, 5)},
            "correct_answer_num": str((i + number) % 4 + 1),
            "dialect": code,
        }
        for i, link in enumerate(links)
        for number in (1, 2)
    ]


def xcopa_rows(code: str, n: int) -> list[dict[str, Any]]:
    """Return rows whose kind of question is right in zh alone, as it is wrong in th."""
    texts = SENTENCES[{"th": "tha_Thai", "zh": "zho_Hans"}.get(code, "eng_Latn")]
    stop = {"th": "", "ta": "", "zh": "。"}.get(code, ".")
    kinds = ("cause", "effect") if code == "zh" else ("effect", "cause")
    return [
        {
            "premise": f"{texts[i % 7]}{stop}",
            "choice1": f"{texts[(i + 1) % 7]} {i}{stop}",
            "choice2": f"{texts[(i + 2) % 7]} {i}{stop}",
            "question": kinds[i // 2 % 2],
            "label": i % 2,
            "idx": i,
            "changed": False,
        }
        for i in range(n)
    ]


def global_mmlu_rows(code: str, split: str, n: int) -> list[dict[str, Any]]:
    """Return questions of one subject."""
    texts = SENTENCES[code]
    return [
        {
            "sample_id": f"sailing/{split}/{i}",
            "subject": "sailing",
            "question": f"{texts[i % 7]} {i}?",
            **{f"option_{x}": f"{texts[(i + k) % 7][:15]} {x}" for k, x in enumerate("abcd")},
            "answer": "ABCD"[i % 4],
        }
        for i in range(n)
    ]


def write_reading(root: Path) -> Path:
    """Write all three mirrors; return the folder for MLBENCH_DATA."""
    languages = read_languages()
    belebele = {code: {"test": belebele_rows(code)} for code in SCRIPTS.values()}
    write_mirror(root, "facebook/belebele", belebele)
    xcopa = {
        code: {"validation": xcopa_rows(code, 12), "test": xcopa_rows(code, N_QUESTIONS)}
        for code in ("th", "zh", "tr", "it", "ta", "qu")
    }
    write_mirror(root, "cambridgeltl/xcopa", xcopa)
    mmlu = {
        own: {
            "test": global_mmlu_rows(code, "test", N_QUESTIONS),
            "dev": global_mmlu_rows(code, "dev", 12),
        }
        for tag, code in SCRIPTS.items()
        if (own := languages[tag].code("global_mmlu"))
    }
    write_mirror(root, "CohereForAI/Global-MMLU", mmlu)
    return root
