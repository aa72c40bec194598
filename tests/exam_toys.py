"""Rows of our own in the schemas of further data sets of lm-eval's tasks: exams, pairs, ways."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conftest import TOPICS
from task_toys import exam_rows, inference_rows, sentence, write_mirror

from mlbench.harness.lm_eval_tasks import TASKS

N = 5
Row = dict[str, Any]
LETTERS = "ABCD"


def write_exams(root: Path) -> None:
    """Write one configuration of each data set, in scripts in turn."""
    subjects = list(json.loads((TASKS / "openai-mmmlu" / "subjects.json").read_text()))
    exam = exam_rows("hin_Deva", "subject", subjects)
    _write(root, "CohereForAI/Global-MMLU", "hi", {"test": exam, "dev": exam})
    more = [row | {"question": f"{row['question']}!"} for row in exam]
    _write(root, "openai/MMMLU", "ZH_CN", {"test": [_mmmlu(row) for row in exam + more]})
    for name in ("MMLU-ProX", "MMLU-ProX-Lite"):
        rows = prox_rows("tha_Thai")
        _write(root, f"li-lab/{name}", "th", {"test": rows, "validation": rows})
    rows = okapi_rows("rus_Cyrl")
    _write(root, "alexandrainst/m_mmlu", "ru", {"train": rows, "test": rows})
    _write(root, "alexandrainst/m_arc", "ar", dict.fromkeys(SPLITS, okapi_rows("arb_Arab")))
    _write(root, "alexandrainst/m_truthfulqa", "hi", {"val": truth_rows("hin_Deva")})
    spanish = truth_rows("eng_Latn")
    _write(root, "HiTZ/truthfulqa-multi", "es", dict.fromkeys(("train", "validation"), spanish))
    _write(root, "LumiOpen/arc_challenge_mt", "el", dict.fromkeys(SPLITS, arc_rows("rus_Cyrl")))
    pairs = same_rows("zho_Hans")
    _write(root, "google-research-datasets/paws-x", "zh", dict.fromkeys(SPLITS, pairs))
    for name in ("parallel", "nonparallel"):
        ways = {"test": way_rows("tha_Thai")}
        _write(root, f"mrlbenchmarks/global-piqa-{name}", "tha_thai", ways)
    _write(root, "Davlan/sib200", "eng_Latn", dict.fromkeys(SPLITS, topic_rows("eng_Latn")))
    african = afri_rows("eng_Latn")
    _write(root, "masakhane/afrimmlu", "eng", dict.fromkeys(("validation", "test"), african))
    inferred = inference_rows("eng_Latn", 0)
    _write(root, "masakhane/afrixnli", "eng", dict.fromkeys(("validation", "test"), inferred))
    _write(root, "masakhane/afrimgsm", "eng", dict.fromkeys(("train", "test"), number_rows()))
    texts = [{"text": f"{sentence('rus_Cyrl', i)} {sentence('rus_Cyrl', i + 1)}"} for i in range(N)]
    _write(root, "EleutherAI/lambada_multilingual_stablelm", "pt", {"test": texts})


SPLITS = ("train", "validation", "test")
CASES = (
    *(("global_mmlu_lmeval", "hi"), ("mmmlu_lmeval", "zh-Hans"), ("m_mmlu_lmeval", "ru")),
    *(("mmlu_prox_lmeval", "th"), ("mmlu_prox_lite_lmeval", "th"), ("m_arc_lmeval", "ar")),
    *(("include_few_shot_en_lmeval", "ru"), ("paws_x_lmeval", "zh-Hans")),
    *(("global_piqa_parallel_lmeval", "th"), ("global_piqa_nonparallel_lmeval", "th")),
    *(("mgsm_en_cot_lmeval", "ru"), ("m_truthfulqa_mc1_lmeval", "hi")),
    *(("truthfulqa_multi_mc1_lmeval", "es"), ("arc_challenge_mt_lmeval", "el")),
    *(("afrobench_sib_lmeval", "en"), ("afrobench_belebele_lmeval", "en")),
    *(("afrimmlu_lmeval", "en"), ("afrixnli_lmeval", "en"), ("afrimgsm_lmeval", "en")),
    ("lambada_mt_stablelm_lmeval", "pt"),
)
"""Of each further group of tasks one language that these rows have."""


def _write(root: Path, hub_id: str, config: str, splits: Mapping[str, Sequence[Row]]) -> None:
    write_mirror(root, hub_id, {config: splits})


def _answers(code: str, i: int, n: int = 4) -> list[str]:
    return [sentence(code, i + j) for j in range(n)]


def _mmmlu(row: Mapping[str, Any]) -> Row:
    options = {letter: row[f"option_{letter.lower()}"] for letter in LETTERS}
    return {
        "Question": row["question"],
        **options,
        "Answer": row["answer"],
        "Subject": row["subject"],
    }


def prox_rows(code: str) -> list[Row]:
    """Return questions with ten answers, two for each of 14 subjects, with worked steps."""
    categories = "biology business chemistry economics engineering health history law math other"
    listed = [*categories.split(), "computer science", "philosophy", "physics", "psychology"]
    return [
        {
            "question": f"{sentence(code, i)} {category}?",
            **{f"option_{j}": sentence(code, i + j) if j < 9 else None for j in range(10)},
            "answer": "ABCDEFGHI"[i],
            "category": category,
            "cot_content": f"A: Let's think step by step. {sentence(code, i)}",
        }
        for category in listed
        for i in range(6)
    ]


def okapi_rows(code: str) -> list[Row]:
    """Return exam questions of four or five answers."""
    return [
        {
            "id": f"q{i}",
            "instruction": f"{sentence(code, i)}?",
            **dict(zip((f"option_{x}" for x in "abcd"), _answers(code, i), strict=True)),
            "option_e": sentence(code, i + 4) if i % 2 else None,
            "answer": LETTERS[i % 4],
        }
        for i in range(N + 2)
    ]


def truth_rows(code: str) -> list[Row]:
    """Return questions with answers of which the first is right, three or four of them."""
    rows: list[Row] = []
    for i in range(N + 2):
        answers = _answers(code, i, 3 + i % 2)
        labels = [1] + [0] * (len(answers) - 1)
        both = {"choices": answers, "labels": labels}
        rows.append({"question": f"{sentence(code, i)}?", "mc1_targets": both, "mc2_targets": both})
        for kind in ("mc1", "mc2"):
            rows[-1] |= {f"{kind}_targets_choices": answers, f"{kind}_targets_labels": labels}
    return rows


def arc_rows(code: str) -> list[Row]:
    """Return questions of a science exam, with choices as a table."""
    return [
        {
            "id": f"q{i}",
            "question": f"{sentence(code, i)}?",
            "choices": {"text": _answers(code, i), "label": list(LETTERS)},
            "answerKey": LETTERS[i % 4],
        }
        for i in range(N + 2)
    ]


def same_rows(code: str) -> list[Row]:
    """Return pairs of sentences that say the same, or not."""
    return [
        {"sentence1": sentence(code, i), "sentence2": sentence(code, i + i % 2), "label": i % 2}
        for i in range(N + 2)
    ]


def way_rows(code: str) -> list[Row]:
    """Return something to get done, and four ways; two of them where that is asked."""
    return [
        {
            "prompt": sentence(code, i),
            **{f"solution{j}": sentence(code, i + j) for j in range(4)},
            "label": i % 2,
        }
        for i in range(N)
    ]


def topic_rows(code: str) -> list[Row]:
    """Return sentences with a topic."""
    return [
        {"index_id": i, "category": TOPICS[i % 7], "text": sentence(code, i)} for i in range(N + 2)
    ]


def afri_rows(code: str) -> list[Row]:
    """Return exam questions whose choices are a list written as text."""
    return [
        {
            "subject": "history",
            "question": f"{sentence(code, i)}?",
            "choices": repr(_answers(code, i)),
            "answer": LETTERS[i % 4],
        }
        for i in range(N + 2)
    ]


def number_rows() -> list[Row]:
    """Return word problems whose answer is a number."""
    return [
        {"question": f"{sentence('eng_Latn', i)}?", "answer": None, "answer_number": i}
        for i in range(N)
    ]
