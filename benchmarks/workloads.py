"""What do the benchmarks of the engine score? Models of random weights, a tokenizer, and texts.

`MLBENCH_DATA` names a folder with Davlan/sib200 in it; without it the text is seeded random letters
of several scripts. Random weights cost what trained ones cost.
"""

import csv
import os
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lm_eval.api.instance import Instance
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

SHAPES = {
    "0.5b": {
        "vocab_size": 151_936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "small": {
        "vocab_size": 32_000,
        "hidden_size": 256,
        "intermediate_size": 1024,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
    },
    "7b": {
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    },
}
LANGUAGES = ("eng_Latn", "hin_Deva", "swh_Latn", "ary_Arab")
CATEGORIES = (
    *("science/technology", "travel", "politics", "sports", "health", "entertainment"),
    "geography",
)
ALPHABETS = ("etaoinshrdlu", "कखगघचछजझटठ", "eaiounmkwlts", "ابتثجحخدذر")
GENERATED_TOKENS = 32


class Work(NamedTuple):
    """Arguments of lm-eval requests of one kind, in whole docs; `n_choices` requests per doc."""

    requests: list[tuple[Any, ...]]
    n_choices: int
    kind: str = "loglikelihood"

    def first(self, n_docs: int) -> "Work":
        """Keep the first docs."""
        return self._replace(requests=self.requests[: n_docs * self.n_choices])

    def average(self, n_docs: int) -> list[int]:
        """Number the requests of the docs whose length is nearest to that of all on average.

        A few of several lengths would cost more: batches of all docs are of one length each.
        """
        n = self.n_choices
        length = np.array([sum(map(len, map(str, request))) for request in self.requests])
        length = length.reshape(-1, n).sum(axis=1)
        nearest = np.argsort(np.abs(length - length.mean()), kind="stable")
        return [int(doc) * n + i for doc in sorted(nearest[:n_docs]) for i in range(n)]

    def instances(self) -> list[Instance]:
        """Wrap the arguments for lm-eval."""
        return [Instance(self.kind, {}, request, i) for i, request in enumerate(self.requests)]


def device_name(device: str) -> str:
    """Name the GPU that a torch device is, or return the device."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def read_sentences(language: int, n: int) -> list[tuple[str, str]]:
    """Read (text, category) pairs of SIB-200, or draw random ones of a similar length."""
    root = data_folder()
    if root:
        return read_rows(root / LANGUAGES[language])[:n]
    rng = random.Random(language)
    letters = ALPHABETS[language]
    vocabulary = ["".join(rng.choices(letters, k=rng.randint(2, 8))) for _ in range(2000)]
    return [
        (" ".join(rng.choices(vocabulary, k=rng.randint(12, 32))), rng.choice(CATEGORIES))
        for _ in range(n)
    ]


def data_folder() -> Path | None:
    """Find the folders of SIB-200's languages."""
    root = os.environ.get("MLBENCH_DATA")
    return Path(root, "Davlan/sib200/data") if root else None


def read_rows(folder: Path) -> list[tuple[str, str]]:
    """Read the (text, category) pairs of a language."""
    rows = []
    for split in ("test", "train"):
        with (folder / f"{split}.tsv").open(encoding="utf-8", newline="") as lines:
            rows += [(r["text"], r["category"]) for r in csv.DictReader(lines, delimiter="\t")]
    return rows


def sib(n_docs: int, shots: int, n_languages: int, n_choices: int = len(CATEGORIES)) -> Work:
    """Make topic questions: a sentence, seven topics."""
    requests: list[tuple[Any, ...]] = []
    for language in range(n_languages):
        rows = read_sentences(language, n_docs + shots)
        prefix = "".join(f"{text}\nTopic: {topic}\n\n" for text, topic in rows[n_docs:])
        for text, _ in rows[:n_docs]:
            requests += [(f"{prefix}{text}\nTopic:", f" {c}") for c in CATEGORIES[:n_choices]]
    return Work(requests, n_choices)


def belebele(n_docs: int, shots: int, n_languages: int) -> Work:
    """Make reading questions: four sentences, a question of their words, four spans of them."""
    requests: list[tuple[Any, ...]] = []
    for language in range(n_languages):
        rng = random.Random(language)
        rows = read_sentences(language, 4 * (n_docs + shots))
        docs = []
        for at in range(0, len(rows) - 3, 4):
            passage = " ".join(text for text, _ in rows[at : at + 4])
            words = passage.split()
            question = " ".join(rng.sample(words, min(10, len(words))))
            starts = [rng.randrange(max(1, len(words) - 5)) for _ in range(4)]
            spans = [" ".join(words[s : s + rng.randint(2, 5)]) for s in starts]
            docs.append((f"{passage}\nQ: {question}?\nA:", spans))
        n_scored = max(1, len(docs) - shots)
        prefix = "".join(f"{text} {spans[0]}\n\n" for text, spans in docs[n_scored:])
        for text, spans in docs[:n_scored]:
            requests += [(prefix + text, f" {span}") for span in spans]
    return Work(requests, 4)


def rolling(n_docs: int, n_languages: int) -> Work:
    """Make whole texts: a sentence per doc."""
    rows = [row for language in range(n_languages) for row in read_sentences(language, n_docs)]
    return Work([(text,) for text, _ in rows], 1, "loglikelihood_rolling")


def translation(n_docs: int, shots: int, n_languages: int) -> Work:
    """Make prompts like those for translation: pairs of sentences, then one without its other."""
    requests: list[tuple[Any, ...]] = []
    options = {"until": ["\n\n"], "max_gen_toks": GENERATED_TOKENS, "do_sample": False}
    for language in range(1, n_languages + 1):
        sides = [read_sentences(i % len(LANGUAGES), n_docs + shots) for i in (0, language)]
        pairs = list(zip(*sides, strict=True))[n_docs:]
        prefix = "".join(f"English: {a}\nTranslation: {b}\n\n" for (a, _), (b, _) in pairs)
        sources = [text for text, _ in sides[0][:n_docs]]
        requests += [(f"{prefix}English: {text}\nTranslation:", options) for text in sources]
    return Work(requests, 1, "generate_until")


WORKLOADS: dict[str, Callable[[int, int], Work]] = {
    "sib-0": lambda n, languages: sib(n, 0, languages),
    "sib-5": lambda n, languages: sib(n, 5, languages),
    "belebele-5": lambda n, languages: belebele(n, 5, languages),
    "rolling": rolling,
    "generate": lambda n, languages: translation(n, 5, languages),
}


def all_sentences() -> list[str]:
    """Read the text of all languages, for a tokenizer."""
    languages = range(len(LANGUAGES))
    return [text for language in languages for text, _ in read_sentences(language, 600)]


def sentences_of_every_language() -> list[str]:
    """Read the text of all languages of SIB-200, for a tokenizer that has little room for each."""
    root = data_folder()
    if root is None:
        raise SystemExit("only SIB-200 has every language: set MLBENCH_DATA to a folder with it")
    return [text for folder in sorted(root.iterdir()) for text, _ in read_rows(folder)]


def sentences_and_labels() -> list[str]:
    """Add the labels so often that each of their words is a token, as in a large vocabulary."""
    return all_sentences() + 1000 * [f" {category}" for category in CATEGORIES]


# What a tokenizer is trained on, and its size, decide how many of the labels are a token.
VOCABULARY = 16_000
TOKENIZERS: dict[str, tuple[Callable[[], list[str]], int]] = {
    "four": (all_sentences, VOCABULARY),
    "half": (all_sentences, VOCABULARY // 2),
    "labels": (sentences_and_labels, VOCABULARY),
    "every": (sentences_of_every_language, VOCABULARY),
}


def make_tokenizer(texts: Iterable[str], size: int = VOCABULARY) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE on the text itself, some seconds."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def make_model(shape: str, device: str, dtype: torch.dtype) -> Any:
    """Build a Qwen2 of a shape with random weights."""
    torch.manual_seed(0)
    config = Qwen2Config(**SHAPES[shape], max_position_embeddings=8192)
    with torch.device(device):
        return Qwen2ForCausalLM(config).to(dtype).eval()
