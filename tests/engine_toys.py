"""Toys for the engine's tests: a byte-level tokenizer, tiny random models, the plain reference."""

import random
from functools import cache
from typing import Any

import torch
from lm_eval.api.instance import Instance
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from mlbench.engine import PackedLM

# The toys are too small to share among threads, and threads wait for each other on a busy machine.
torch.set_num_threads(1)

WINDOW = 128
VOCABULARY = 400
WORDS = (
    "the cat sat on a mat über école привет мир 猫は กขค नमस्ते סלע 👩‍👩‍👧 e\u0301 \n Choices:".split(
        " "
    )
)


@cache
def toy_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE; it encodes any text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )


def toy_model(config: Any, seed: int = 0) -> Any:
    """Build a model whose scores depend on every token: freshly initialised ones hardly do."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.15)
            elif "bias" in name or "sink" in name:
                parameter.normal_(0, 0.1)
    return model


def toy_lm(model: Any, **arguments: Any) -> PackedLM:
    """Wrap a model with the toy tokenizer."""
    arguments = {"batch_tokens": 48, **arguments}
    return PackedLM(model, tokenizer=toy_tokenizer(), **arguments)


def instances(texts: list[tuple[Any, ...]], kind: str = "loglikelihood") -> list[Instance]:
    """Make lm-eval requests of arguments."""
    return [Instance(kind, {}, text, i) for i, text in enumerate(texts)]


def toy_requests(rng: random.Random, n_docs: int = 4, n_shared: int = 30) -> list[tuple[str, str]]:
    """Draw multiple-choice requests with a shared few-shot context."""
    shared = " ".join(rng.choices(WORDS, k=n_shared))
    requests = []
    for _ in range(n_docs):
        context = f"{shared} {' '.join(rng.choices(WORDS, k=rng.randint(1, 8)))}".rstrip()
        choices = [" " + " ".join(rng.choices(WORDS, k=rng.randint(1, 3))) for _ in range(4)]
        requests += [(context, choice) for choice in choices]
    return requests


def plain_scores(
    model: Any, pairs: list[tuple[list[int], list[int]]], window: int = WINDOW
) -> list[tuple[float, bool]]:
    """Score token ids one request at a time, unpadded, uncached: what every mode must equal."""
    scores = []
    for context, continuation in pairs:
        tokens = (context + continuation)[-(window + 1) :]
        with torch.no_grad():
            logits = model(torch.tensor([tokens[:-1]], device=model.device)).logits[0]
        logprobs = logits.float().log_softmax(-1)[-len(continuation) :]
        wanted = torch.tensor(continuation, device=model.device)
        total = float(logprobs[torch.arange(len(wanted)), wanted].sum())
        scores.append((total, bool((logprobs.argmax(-1) == wanted).all())))
    return scores


def encode_like_lm_eval(lm: PackedLM, texts: list[tuple[str, str]]) -> list[Any]:
    """Split requests by lm-eval's own code, one at a time; it fails on contexts of spaces only."""
    pairs = []
    for context, continuation in texts:
        if context == "":
            ids = lm.tok_encode(continuation, add_special_tokens=False)
            is_prefix = ids[0] == lm.prefix_token_id and len(ids) > 1
            pairs.append((ids[:1], ids[1:]) if is_prefix else ([lm.prefix_token_id], ids))
        else:
            ids, continuation_ids = lm._encode_pair(context, continuation)
            pairs.append((ids or [lm.prefix_token_id], continuation_ids))
    return pairs


def assert_same_scores(found: list[Any], expected: list[Any], *, tolerance: float = 1e-4) -> None:
    """Compare (log-likelihood, is greedy) pairs to a relative tolerance."""
    assert len(found) == len(expected)
    for (value, is_greedy), (target, target_is_greedy) in zip(found, expected, strict=True):
        assert abs(value - target) <= tolerance * max(abs(target), 1.0), (value, target)
        assert is_greedy == target_is_greedy


def spoil_tokens(model: Any, ids: list[int]) -> None:
    """Make a model overflow where it reads one of these tokens, as half precision does."""

    def spoil(module: Any, inputs: tuple[Any, ...], states: torch.Tensor) -> torch.Tensor:
        is_spoiled = torch.isin(inputs[0], torch.tensor(ids))[..., None]
        return torch.where(is_spoiled, torch.nan, states)

    model.get_input_embeddings().register_forward_hook(spoil)
