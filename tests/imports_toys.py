"""Real results of lm-eval, made in the tests: our own tasks, and tasks named as lm-eval's own.

The rows are ours, a few in each of three scripts; lm-eval builds the requests, scores them with a
tiny random checkpoint, and its EvaluationTracker writes the files.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

BELEBELE = {
    "eng_Latn": [
        ("The river is wide. Boats cross it by day.", "When do boats cross?", "By day"),
        ("The river is wide. Boats cross it by day.", "What is wide?", "The river"),
        ("The shop sells bread and salt.", "What is sold?", "Bread"),
    ],
    "arb_Arab": [
        ("النهر واسع. تعبره القوارب نهارا.", "متى تعبر القوارب؟", "نهارا"),
        ("النهر واسع. تعبره القوارب نهارا.", "ما هو الواسع؟", "النهر"),
        ("يبيع المتجر الخبز والملح.", "ماذا يباع؟", "الخبز"),
    ],
    "tha_Thai": [
        ("แม่น้ำกว้าง เรือข้ามในเวลากลางวัน", "เรือข้ามเมื่อใด", "กลางวัน"),
        ("แม่น้ำกว้าง เรือข้ามในเวลากลางวัน", "อะไรกว้าง", "แม่น้ำ"),
        ("ร้านขายขนมปังและเกลือ", "ขายอะไร", "ขนมปัง"),
    ],
}
QUESTIONS = {
    "en": ("Two and two are", "four"),
    "ar": ("اثنان واثنان", "أربعة"),
    "zh": ("二加二等于", "四"),
}


def belebele_rows(code: str) -> list[dict[str, Any]]:
    """Return docs with the fields of the data set; the first two share a passage."""
    links = ["https://a.example/river", "https://a.example/river", "https://a.example/shop"]
    return [
        {
            "link": links[i],
            "question_number": i + 1,
            "flores_passage": passage,
            "question": question,
            "mc_answer1": "-",
            "mc_answer2": answer,
            "mc_answer3": "?",
            "mc_answer4": passage[:5],
            "correct_answer_num": "2",
        }
        for i, (passage, question, answer) in enumerate(BELEBELE[code])
    ]


def choice_config(rows: list[dict[str, Any]], **keys: Any) -> dict[str, Any]:
    """Return the config of a multiple-choice task over rows of our own."""
    return {
        "output_type": "multiple_choice",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
        **_own_rows(rows),
        **keys,
    }


def _own_rows(rows: list[dict[str, Any]]) -> dict[str, Any]:
    import datasets

    def read(**_: Any) -> dict[str, Any]:
        return {"test": datasets.Dataset.from_list(rows)}

    return {"custom_dataset": read, "test_split": "test", "metadata": {"version": 1.0}}


def belebele_config(code: str) -> dict[str, Any]:
    """Return lm-eval's belebele of a language: letters, the target an index."""
    text = "P: {{flores_passage}}\nQ: {{question}}\nA: {{mc_answer1}}\nB: {{mc_answer2}}\nAnswer:"
    return choice_config(
        belebele_rows(code),
        task=f"belebele_{code}",
        doc_to_text=text,
        doc_to_choice=["A", "B", "C", "D"],
        doc_to_target="{{['1', '2', '3', '4'].index(correct_answer_num)}}",
    )


def global_mmlu_config(code: str, subject: str) -> dict[str, Any]:
    """Return lm-eval's global_mmlu of a subject: letters, the target a letter."""
    question, answer = QUESTIONS[code]
    rows = [
        {"sample_id": f"{subject}/test/{i}", "question": f"{question} ({i})", "answer": letter}
        for i, letter in enumerate("BDA")
    ]
    return choice_config(
        rows,
        task=f"global_mmlu_full_{code}_{subject}",
        metric_list=[{"metric": "acc"}],
        doc_to_text="{{question}} A. 1 B. " + answer + "\nAnswer:",
        doc_to_choice=["A", "B", "C", "D"],
        doc_to_target="answer",
    )


def xcopa_config(code: str) -> dict[str, Any]:
    """Return a cloze task of two choices with priors, the target an index."""
    question, answer = QUESTIONS[code]
    rows = [{"q": f"{question} {i}", "choices": [answer, f"{i}"], "label": i % 2} for i in range(4)]
    return choice_config(
        rows,
        task=f"xcopa_{code}",
        metric_list=[{"metric": "acc"}, {"metric": "acc_mutual_info"}],
        doc_to_text="q",
        doc_to_choice="choices",
        doc_to_target="label",
    )


def xwinograd_config(code: str) -> dict[str, Any]:
    """Return a task whose choices are contexts before one continuation: "multiple input"."""
    question, answer = QUESTIONS[code]
    rows = [{"a": f"{question} {i}", "b": f"{answer} {i}", "y": i % 2} for i in range(4)]
    return choice_config(
        rows,
        task=f"xwinograd_{code}",
        metric_list=[{"metric": "acc"}],
        doc_to_text=lambda doc: doc["y"],
        doc_to_choice=lambda doc: [doc["a"], doc["b"]],
        doc_to_target=lambda doc: "!",
    )


def mgsm_config(code: str) -> dict[str, Any]:
    """Return a task that generates, with two filters."""
    question, answer = QUESTIONS[code]
    rows = [{"question": f"{question} {i}", "answer": answer} for i in range(3)]
    return {
        "task": f"mgsm_direct_{code}",
        "output_type": "generate_until",
        "doc_to_text": "question",
        "doc_to_target": "answer",
        "generation_kwargs": {"until": ["\n"], "do_sample": False, "max_gen_toks": 4},
        "metric_list": [{"metric": "exact_match", "ignore_case": True}],
        "filter_list": [
            {"name": "remove_whitespace", "filter": [{"function": "take_first"}]},
            {"name": "flexible-extract", "filter": [{"function": "take_first"}]},
        ],
        **_own_rows(rows),
    }


def run_lm_eval(checkpoint: Path, tasks: list[Any], out: Path, **options: Any) -> dict[str, Any]:
    """Score tasks with lm-eval itself and write its files; return its results."""
    import torch
    from lm_eval.loggers import EvaluationTracker
    from lm_eval_toys import score_in_lm_eval, tasks_of

    # On a shared machine two threads wait for each other longer than one works.
    torch.set_num_threads(1)
    tracker = EvaluationTracker(output_path=str(out))
    results = score_in_lm_eval(
        model="hf",
        model_args=f"pretrained={checkpoint},dtype=float32",
        device="cpu",
        tasks=tasks,
        task_manager=tasks_of("sib200_topic", "sib200_lm"),
        evaluation_tracker=tracker,
        **{"batch_size": 16, **options},
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples=samples)
    for name, rows in samples.items():
        tracker.save_results_samples(name, rows)
    return results


def xcopa_rows(n: int = 4) -> list[dict[str, Any]]:
    """Return samples as lm-eval logs them of xcopa: two choices, all but the first doc right."""
    rows = []
    for i in range(n):
        values = [-1.0, -2.0] if (i % 2 == 0) == (i > 0) else [-2.0, -1.0]
        requests = {f"gen_args_{j}": {"arg_0": f"p{i}", "arg_1": f" c{j} {i}"} for j in (0, 1)}
        rows.append(
            {
                "doc_id": i,
                "doc": {"premise": f"p{i}", "label": i % 2},
                "target": i % 2,
                "arguments": requests,
                "filtered_resps": [[value, False] for value in values],
                "filter": "none",
                "metrics": ["acc"],
                "acc": float(i > 0),
            }
        )
    return rows


def write_results(  # noqa: PLR0913  (the parts of a results file, by name)
    folder: str = "results",
    *,
    tasks: Mapping[str, Any],
    time: int = 1,
    config: Mapping[str, Any] = MappingProxyType({}),
    n_docs: int | None = None,
    change: Callable[[dict[str, Any]], object] = lambda content: None,
    **top: Any,
) -> None:
    """Write the files of one run of lm-eval by hand: rows, or any text, by task."""
    stamp = f"2026-01-0{time}T03-04-05.678901"
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    metric = {"metric": "acc", "aggregation": "mean", "higher_is_better": True}
    content: dict[str, Any] = {
        "results": {},
        "configs": {
            task: {
                "task": task,
                "output_type": "multiple_choice",
                "num_fewshot": 0,
                "target_delimiter": " ",
                "metric_list": [metric],
                "metadata": {"version": 1.0},
            }
            for task in tasks
        },
        "n-shot": dict.fromkeys(tasks, 0),
        "n-samples": {
            task: {"original": 500, "effective": n_docs or len(rows)}
            for task, rows in tasks.items()
        },
        "config": {
            "model": "hf",
            "model_args": {"pretrained": "org/base", "dtype": "bfloat16"},
            "batch_size": "8",
            "device": "cuda:0",
            "limit": None,
            **config,
        },
        "model_name": "org/base",
        "lm_eval_version": "0.4.13",
        **top,
    }
    change(content)
    (place / f"results_{stamp}.json").write_text(json.dumps(content), encoding="utf-8")
    for task, rows in tasks.items():
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        (place / f"samples_{task}_{stamp}.jsonl").write_text(text, encoding="utf-8")
