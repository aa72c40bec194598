"""Real results of lm-eval, made in the tests: our own tasks, and tasks named as lm-eval's own.

The rows are ours, a few in each of three scripts; lm-eval builds the requests, scores them with a
tiny random checkpoint, and its EvaluationTracker writes the files.
"""

from pathlib import Path
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
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    from mlbench.task_files import find_tasks_folder

    # On a shared machine two threads wait for each other longer than one works.
    torch.set_num_threads(1)
    tracker = EvaluationTracker(output_path=str(out))
    results = simple_evaluate(
        model="hf",
        model_args=f"pretrained={checkpoint},dtype=float32",
        device="cpu",
        tasks=tasks,
        bootstrap_iters=0,
        task_manager=TaskManager(include_path=str(find_tasks_folder()), include_defaults=False),
        evaluation_tracker=tracker,
        **{"batch_size": 16, **options},
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results, samples=samples)
    for name, rows in samples.items():
        tracker.save_results_samples(name, rows)
    return results
