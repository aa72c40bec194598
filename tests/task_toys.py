"""Rows of our own with the fields that lm-eval's tasks read, as a mirror of their data sets."""

import json
from collections.abc import Callable, Mapping, Sequence
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


def exam_rows(code: str, field: str, parts: Sequence[str]) -> list[dict[str, Any]]:
    """Return questions with four answers, three a part of an exam."""
    return [
        {
            "sample_id": f"{part}/{i}",
            "question": f"{sentence(code, i)} {part}?",
            **{f"option_{letter}": sentence(code, i + j) for j, letter in enumerate("abcd")},
            "answer": "ABCD"[i % 4],
            field: part,
        }
        for part in parts
        for i in range(3)
    ]


LITE = ("Business", "Humanities", "Medical", "Other", "STEM", "Social Sciences")
INCLUDE = (
    *("Applied Science", "Arts & Humanities", "Business & Commerce", "Driving License"),
    *("General knowledge", "Health oriented education", "Marine License", "Medical License"),
    *("Professional certification", "STEM", "Social Science"),
)


def story_rows(code: str, first: int) -> list[dict[str, Any]]:
    """Return stories of four sentences with two endings."""
    return [
        {
            **{f"input_sentence_{j + 1}": sentence(code, i + j) for j in range(4)},
            "sentence_quiz1": sentence(code, i + 5),
            "sentence_quiz2": sentence(code, i + 6),
            "answer_right_ending": i % 2 + 1,
        }
        for i in range(first, first + N_ROWS)
    ]


def inference_rows(code: str, first: int) -> list[dict[str, Any]]:
    """Return pairs of sentences with a label of three."""
    numbers = range(first, first + N_ROWS)
    return [
        {"premise": sentence(code, i), "hypothesis": sentence(code, i + 3), "label": i % 3}
        for i in numbers
    ]


def winograd_rows(code: str) -> list[dict[str, Any]]:
    """Return sentences with a gap and two words for it."""
    return [
        {
            "sentence": f"{sentence(code, i)} _ {sentence(code, i + 1)}",
            "option1": sentence(code, i)[:5],
            "option2": sentence(code, i + 2)[:5],
            "answer": str(i % 2 + 1),
        }
        for i in range(N_ROWS)
    ]


def pair_rows(code: str) -> list[dict[str, Any]]:
    """Return a right sentence and a wrong one."""
    texts = [(sentence(code, i), sentence(code, i + 1)) for i in range(N_ROWS)]
    return [{"sen": right, "wrong_sen": wrong} for right, wrong in texts]


def ending_rows(code: str) -> list[dict[str, Any]]:
    """Return activities with four endings; the task empties one of the last Russian row."""
    return [
        {
            "activity_label": sentence(code, i),
            "ctx_a": sentence(code, i + 1),
            "ctx_b": sentence(code, i + 2),
            "endings": [sentence(code, i + j) for j in range(3)]
            + ["[x]" if (code, i) == ("rus_Cyrl", 8) else sentence(code, i + 4)],
            "label": str(i % 4),
        }
        for i in range(N_ROWS)
    ]


def sum_rows(code: str, first: int, answer: str | None) -> list[dict[str, Any]]:
    """Return word problems; those of examples have an answer in words."""
    return [
        {
            "question": f"{sentence(code, i)}?",
            "answer": answer and f"{answer} {sentence(code, i)}",
            "answer_number": i,
            "equation_solution": None,
        }
        for i in range(first, first + 4)
    ]


def passage_rows() -> list[dict[str, Any]]:
    """Return passages of several languages with a question that words of them answer."""
    codes = {"arabic": "arb_Arab", "russian": "rus_Cyrl", "english": "eng_Latn"}
    return [
        {
            "id": f"{language}-{i}",
            "title": "",
            "context": f"{sentence(code, i)} {sentence(code, i + 1)}",
            "question": f"{sentence(code, i)}?",
            "answers": {"text": [sentence(code, i + 1)[:9]], "answer_start": [0]},
        }
        for language, code in codes.items()
        for i in range(5)
    ]


LAMBADA = {"en": "eng_Latn", "de": "rus_Cyrl", "es": "tha_Thai", "fr": "hin_Deva"}
"""Rows need no more than blanks between words, so other scripts are tried under these names too."""


def write_lambada(root: Path, checkpoint: Path) -> None:
    """Write passages whose last words are ours, and others that end as the model would write."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForCausalLM.from_pretrained(checkpoint)

    def written_after(context: str) -> str:
        with torch.inference_mode():
            logits = model(tokenizer(context, return_tensors="pt").input_ids).logits
        text: str = tokenizer.decode(logits[0, -1].argmax())
        return text

    configs = {}
    for name, code in LAMBADA.items():
        words = " ".join(SENTENCES[code]).split(" ")
        begun = [" ".join(words[:n]) for n in range(1, len(words))]
        whole = [text + end for text in begun if is_word(end := written_after(text))]
        # Begun as no other task's texts: of requests whose tokens but the last are the same lm-eval
        # feeds one, and takes its split of context and continuation for all.
        texts = [f"{i}) {sentence(code, i)} {sentence(code, i + 1)}" for i in range(3)] + whole[:3]
        configs[name] = {"test": [{"text": text} for text in texts]}
    write_mirror(root, "EleutherAI/lambada_openai", configs)


def is_word(text: str) -> bool:
    """Return whether a text is a blank and a word."""
    return text[:1] == " " and text[1:].isprintable() and text[1:].strip() == text[1:] != ""


def write_tasks(root: Path) -> Path:
    """Write all data sets of these rows; return the folder for MLBENCH_DATA."""
    belebele = {code: {"test": belebele_rows(code)} for code in SENTENCES}
    write_mirror(root, "facebook/belebele", belebele)
    _write(root, "cambridgeltl/xcopa", {"th": "tha_Thai", "zh": "zho_Hans"}, _splits(xcopa_rows))
    write_mirror(
        root,
        "CohereLabs/Global-MMLU-Lite",
        {
            "ar": {
                "test": exam_rows("arb_Arab", "subject_category", LITE),
                "dev": exam_rows("arb_Arab", "subject_category", LITE * 2),
            }
        },
    )
    exam = exam_rows("rus_Cyrl", "domain", INCLUDE)
    for row in exam:
        row["answer"] = "ABCD".index(row["answer"])
    write_mirror(root, "CohereForAI/include-base-44", {"Russian": {"test": exam}})
    stories = {"ru": "rus_Cyrl", "zh": "zho_Hans"}
    _write(root, "juletxara/xstory_cloze", stories, _splits(story_rows, "train", "eval"))
    xnli = {"hi": "hin_Deva", "th": "tha_Thai"}
    _write(root, "facebook/xnli", xnli, _splits(inference_rows, "train", "validation"))
    winograd = {"en": "eng_Latn", "zh": "zho_Hans"}
    _write(root, "Muennighoff/xwinograd", winograd, lambda code: {"test": winograd_rows(code)})
    pairs = {"hin": "hin_Deva", "arb": "arb_Arab"}
    _write(root, "jumelet/multiblimp", pairs, lambda code: {"train": pair_rows(code)})
    endings = {"hi": "hin_Deva", "ru": "rus_Cyrl"}
    _write(root, "alexandrainst/m_hellaswag", endings, lambda code: {"val": ending_rows(code)})
    sums = {"th": "tha_Thai", "ru": "rus_Cyrl", "zh": "zho_Hans"}
    _write(
        root,
        "juletxara/mgsm",
        sums,
        lambda code: {
            "train": sum_rows(code, 20, "Step-by-Step Answer:"),
            "test": sum_rows(code, 0, None),
        },
    )
    splits = {"train": passage_rows(), "validation": passage_rows()}
    write_mirror(root, "google-research-datasets/tydiqa", {"secondary_task": splits})
    write_mirror(root, "google/xquad", {"xquad.ar": {"validation": passage_rows()}})
    return root


Splits = Callable[[str], Mapping[str, Rows]]


def _splits(
    rows: Callable[[str, int], Rows], examples: str = "validation", scored: str = "test"
) -> Splits:
    return lambda code: {examples: rows(code, 20), scored: rows(code, 0)}


def _write(root: Path, hub_id: str, codes: Mapping[str, str], splits: Splits) -> None:
    write_mirror(root, hub_id, {name: splits(code) for name, code in codes.items()})
