"""Make the demo models: `python -m mlbench.demo_models.train [demo-polyglot] [demo-anglo]`.

Both have the same size, steps, seed and share of English; they differ in what else they read.
demo-polyglot reads every language with CLDR data, demo-anglo those of western Europe which text
written for an English-first model holds most of. Some eight minutes each on two cores; snapshots
go to build/demo-models/, so that a broken run leaves something to look at.
"""

import json
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mlbench.demo_models import FOLDER, NAMES
from mlbench.demo_models.corpus import SHARES, Reader, open_reader
from mlbench.languages import read_languages

logger = logging.getLogger(__name__)

ENGLISH = "en"
# The Germanic and Romance languages with the most text on the web after English.
ANGLO = ("en", "de", "es", "fr", "it", "nl", "pt")
ENGLISH_SHARE = 0.15
SEED = 20261124
END = "<|endoftext|>"
VOCABULARY = 4096
# Letters with their marks, so that no Indic or Thai syllable is cut; digits one by one, so that a
# number can be copied.
PIECES = r" ?[\p{L}\p{M}\u200c\u200d]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"
TOKENIZER_LINES = 60_000
STEPS = 600
BATCH_TOKENS = 4096
# Mostly short sequences, for speed; every eighth batch is long, for few-shot prompts.
WIDTHS = (128, 128, 128, 128, 128, 128, 128, 512)
MUON_RATE = 6e-3
ADAMW_RATE = 4e-3
WARMUP_STEPS = 30
SNAPSHOT_STEPS = 100


class Batch(NamedTuple):
    """Token ids, sequences x width."""

    ids: torch.Tensor


def main(names: list[str]) -> None:
    """Train the models named, or both."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for name in names or NAMES:
        tags = None if name == "demo-polyglot" else ANGLO
        languages = read_languages()
        chosen = [languages[t] for t in tags or languages]
        readers = [reader for language in chosen if (reader := open_reader(language))]
        logger.info("%s reads %d languages", name, len(readers))
        train(name, readers)


def train(name: str, readers: list[Reader]) -> None:
    """Train one model from scratch and put it into its folder."""
    torch.manual_seed(SEED)
    tokenizer = train_tokenizer(readers)
    model = LlamaForCausalLM(model_config())
    n_parameters = sum(p.numel() for p in model.parameters())
    logger.info("%s has %d parameters", name, n_parameters)
    batches = read_batches(readers, tokenizer)
    optimizers = make_optimizers(model)
    schedules = [torch.optim.lr_scheduler.LambdaLR(o, _rate) for o in optimizers]
    start = time.process_time()
    for step, batch in zip(range(1, STEPS + 1), batches, strict=False):
        loss = _step(model, batch, optimizers)
        for schedule in schedules:
            schedule.step()
        if step % 50 == 0:
            seconds = time.process_time() - start
            logger.info("%s step %d loss %.3f cpu %.0f s", name, step, loss, seconds)
        if step % SNAPSHOT_STEPS == 0:
            save(model, tokenizer, Path("build/demo-models") / name)
    save(model, tokenizer, FOLDER / name)


def model_config() -> LlamaConfig:
    """Return the architecture: 1.8 million parameters, 3.7 MB at two bytes each.

    Llama and not Qwen2, whose AutoTokenizer puts its own splitting of words for the file's.
    """
    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=160,
        intermediate_size=448,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )


def make_optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside and AdamW for the rest.

    Measured on the English-first mix: the loss of AdamW alone after 100 steps, 2.82, is reached
    after 75, and after 100 it is 2.42, in the same time. Needs torch 2.9.
    """
    embedding = [model.get_input_embeddings().weight]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    matrices = [p for p in model.parameters() if p.ndim == 2 and p is not embedding[0]]
    groups: list[dict[str, Any]] = [{"params": embedding}, {"params": vectors, "weight_decay": 0.0}]
    return [
        torch.optim.Muon(matrices, lr=MUON_RATE, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(groups, lr=ADAMW_RATE, betas=(0.9, 0.95), weight_decay=0.1),
    ]


def train_tokenizer(readers: list[Reader]) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer on lines as the model will read them."""
    rng = np.random.default_rng(SEED)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    lines = (_draw_line(readers, rng)[1] for _ in range(TOKENIZER_LINES))
    tokenizer.train_from_iterator(lines, trainer, length=TOKENIZER_LINES)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END,
        eos_token=END,
        pad_token=END,
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
    )


def read_batches(readers: list[Reader], tokenizer: PreTrainedTokenizerFast) -> Iterator[Batch]:
    """Yield batches for ever: texts of one to eight lines of one language, packed."""
    rng = np.random.default_rng(SEED + 1)
    buffer: list[int] = []
    step = 0
    while True:
        width = WIDTHS[step % len(WIDTHS)]
        count = BATCH_TOKENS // width
        rows = []
        for _ in range(count):
            while len(buffer) < width:
                buffer += _draw_text(readers, tokenizer, rng)
            rows.append(buffer[:width])
            # A sequence begins with a text, as a prompt does.
            buffer = []
        step += 1
        yield Batch(torch.tensor(rows))


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a checkpoint of two-byte weights that loads as float32."""
    staging = folder.with_name(folder.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)
    copy = LlamaForCausalLM(model.config)
    copy.load_state_dict(model.state_dict())
    copy.half().save_pretrained(staging)
    copy.config.dtype = "float32"
    copy.config.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    _name_tokenizer_for_older_releases(staging / "tokenizer_config.json")
    shutil.rmtree(folder, ignore_errors=True)
    staging.rename(folder)


def _name_tokenizer_for_older_releases(path: Path) -> None:
    """Transformers 5 writes a class that 4 does not know; both know the older name."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _draw_reader(readers: list[Reader], rng: np.random.Generator) -> Reader:
    others = [r for r in readers if r.language.tag != ENGLISH]
    if rng.random() < ENGLISH_SHARE:
        return next(r for r in readers if r.language.tag == ENGLISH)
    return others[rng.integers(len(others))]


def _draw_kind(reader: Reader, rng: np.random.Generator) -> str:
    kinds = [k for k in SHARES if k in reader.lessons or k == "prose"]
    shares = np.array([SHARES[k] for k in kinds])
    return str(rng.choice(kinds, p=shares / shares.sum()))


def _draw_line(readers: list[Reader], rng: np.random.Generator) -> tuple[str, str]:
    reader = _draw_reader(readers, rng)
    kind = _draw_kind(reader, rng)
    return kind, reader.read(kind, rng)


def _draw_text(
    readers: list[Reader], tokenizer: PreTrainedTokenizerFast, rng: np.random.Generator
) -> list[int]:
    """Return a text of one language: lines of one kind as in a few-shot prompt, or of any."""
    reader = _draw_reader(readers, rng)
    kind = _draw_kind(reader, rng)
    is_mixed = rng.random() < 0.5
    lines = []
    for _ in range(rng.integers(1, 9)):
        lines.append(reader.read(_draw_kind(reader, rng) if is_mixed else kind, rng))
    ids: list[int] = tokenizer("\n\n".join(lines))["input_ids"]
    # The end mark stands before a text as well: a sentence without context is scored after it.
    mark = [0] if rng.random() < 0.5 else []
    return [*mark, *ids, 0]


def _step(model: LlamaForCausalLM, batch: Batch, optimizers: list[torch.optim.Optimizer]) -> float:
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(input_ids=batch.ids, labels=batch.ids, use_cache=False).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    model.zero_grad()
    return float(loss.detach())


def _rate(step: int) -> float:
    """Warm up, then fall linearly to nothing."""
    return min((step + 1) / WARMUP_STEPS, max(0.0, (STEPS - step) / (STEPS - WARMUP_STEPS)))


if __name__ == "__main__":
    main(sys.argv[1:])
