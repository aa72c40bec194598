"""What tests share: small rows of our own in six scripts, and a tiny random checkpoint."""

import csv
import gc
import json
import os
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ("shared_work",)

# A shared machine is slow at times; no test here is about time.
hypothesis.settings.register_profile("mlbench", deadline=None)
hypothesis.settings.load_profile("mlbench")

# Read before a fixture takes it away from the tests.
REAL_DATA = os.environ.get("MLBENCH_DATA", "")
HAS_REAL_DATA = bool(REAL_DATA) and (Path(REAL_DATA) / "Davlan" / "sib200").is_dir()
NEEDS_REAL_DATA = "needs SIB-200: set MLBENCH_DATA to a folder that holds Davlan/sib200"

# Read by the libraries when they are first imported, so set before any of them is.
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="mlbench-tests-")
os.environ["MLBENCH_CACHE"] = os.environ["HF_HOME"]
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

# Files of tests that take more than some seconds each: `make quick` leaves them out.
SLOW = frozenset(
    {
        "test_cldr_families",
        "test_contracts",
        "test_damage",
        "test_demo_models",
        "test_engine_architectures",
        "test_engine_cpu",
        "test_engine_exact",
        "test_engine_lm",
        "test_engine_verify",
        "test_equals_lm_eval",
        "test_exports",
        "test_faults",
        "test_imports",
        "test_kill",
        "test_known_answer",
        "test_models_page",
        "test_numbers_close",
        "test_own_data",
        "test_recipes",
        "test_report_figures",
        "test_server",
        "test_sib200_choices",
        "test_stats_validation",
        "test_stubs",
        "test_task_contracts",
        "test_task_families",
        "test_wheel",
        "test_window",
    }
)
# What a skipped test needs, by words of its reason.
HOW_TO_GET = {
    "Chromium": "apt-get install chromium",
    "playwright": "pip install playwright axe-playwright-python",
    "MLBENCH_DATA": "MLBENCH_DATA=<folder with Davlan/sib200>",
    "CUDA": "a GPU",
    "Ray": "pip install ray",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow files, and begin with them: a long one at the end runs alone."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.stem not in SLOW)


def pytest_terminal_summary(terminalreporter) -> None:
    """Say in one line which tests were skipped, and what they need."""
    needs: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr)
        known = (how for words, how in HOW_TO_GET.items() if words.lower() in reason.lower())
        needs[next(known, "another system")] += 1
    if needs:
        words = ", ".join(f"{n} for want of {how}" for how, n in needs.most_common())
        terminalreporter.write_line(f"Skipped: {words}.")


TOPICS = (
    "science/technology",
    "travel",
    "politics",
    "sports",
    "health",
    "entertainment",
    "geography",
)
SCRIPTS = {
    "en": "eng_Latn",
    "ar": "arb_Arab",
    "hi": "hin_Deva",
    "th": "tha_Thai",
    "zh-Hans": "zho_Hans",
    "ru": "rus_Cyrl",
}
"""One language a script: Latin, Arabic, Devanagari, Thai, Han, Cyrillic."""

# One sentence a topic, in the order of TOPICS.
SENTENCES = {
    "eng_Latn": (
        "The telescope measured the light of a very old star",
        "Our train to the coast leaves early in the morning",
        "The parliament voted on a new law about taxes",
        "The team won its last match by two goals",
        "The doctor told her to drink more water",
        "The film made the whole audience laugh",
        "The river flows from the mountains to the sea",
    ),
    "arb_Arab": (
        "قاس المنظار ضوء نجم قديم جدا",
        "يغادر قطارنا إلى الساحل في الصباح الباكر",
        "صوت البرلمان على قانون جديد للضرائب",
        "فاز الفريق في مباراته الأخيرة بهدفين",
        "قال لها الطبيب أن تشرب ماء أكثر",
        "أضحك الفيلم الجمهور كله",
        "يجري النهر من الجبال إلى البحر",
    ),
    "hin_Deva": (
        "दूरबीन ने एक बहुत पुराने तारे का प्रकाश मापा",
        "हमारी रेलगाड़ी सुबह जल्दी तट के लिए निकलती है",
        "संसद ने करों के नए कानून पर मतदान किया",
        "टीम ने अपना पिछला मैच दो गोल से जीता",
        "डॉक्टर ने उसे अधिक पानी पीने को कहा",
        "फ़िल्म ने सभी दर्शकों को हँसाया",
        "नदी पहाड़ों से समुद्र तक बहती है",
    ),
    "tha_Thai": (
        "กล้องโทรทรรศน์วัดแสงของดาวที่เก่าแก่มาก",
        "รถไฟไปชายทะเลของเราออกแต่เช้าตรู่",
        "รัฐสภาลงคะแนนเรื่องกฎหมายภาษีฉบับใหม่",
        "ทีมชนะการแข่งขันนัดล่าสุดด้วยสองประตู",
        "หมอบอกให้เธอดื่มน้ำมากขึ้น",
        "ภาพยนตร์ทำให้ผู้ชมทุกคนหัวเราะ",
        "แม่น้ำไหลจากภูเขาลงสู่ทะเล",
    ),
    "zho_Hans": (
        "望远镜测量了一颗非常古老的恒星的光",
        "我们去海边的火车清晨出发",
        "议会就一项新的税法进行了表决",
        "球队以两球优势赢得了上一场比赛",
        "医生让她多喝水",
        "这部电影让全场观众大笑",
        "这条河从山上流向大海",
    ),
    "rus_Cyrl": (
        "Телескоп измерил свет очень старой звезды",
        "Наш поезд к побережью отправляется рано утром",
        "Парламент проголосовал за новый закон о налогах",
        "Команда выиграла последний матч с разницей в два мяча",
        "Врач сказал ей пить больше воды",
        "Фильм рассмешил весь зал",
        "Река течёт с гор к морю",
    ),
}
SPLIT_FILES = {"train": "train.tsv", "validation": "dev.tsv", "test": "test.tsv"}
SPLIT_SIZES = {"train": 49, "validation": 3, "test": 9}


def first_ids_of_articles() -> list[int]:
    """Return the first id of each article of which SIB-200 holds two sentences in a row."""
    from mlbench.families._sib200_articles import read_articles

    articles = read_articles()
    first: dict[str, int] = {}
    for index_id, article in articles.items():
        if articles.get(index_id + 1) == article:
            first.setdefault(article, index_id)
    return sorted(first.values())


def make_rows(code: str) -> dict[str, list[tuple[int, str, str]]]:
    """Return (index_id, category, text) by split: an article each, topics in turn, no twins."""
    ids = first_ids_of_articles()
    rows: dict[str, list[tuple[int, str, str]]] = {}
    number = 0
    for split, size in SPLIT_SIZES.items():
        rows[split] = []
        for _ in range(size):
            topic = number % len(TOPICS)
            text = f'{SENTENCES[code][topic]} "{number}".'
            rows[split].append((ids[number], TOPICS[topic], text))
            number += 1
    return rows


def write_sib200(
    root: Path, rows_by_code: dict[str, dict[str, list[tuple[int, str, str]]]]
) -> Path:
    """Write a mirror of the data set in the layout of its hub repository; return its folder."""
    folder = root / "Davlan" / "sib200"
    configs = []
    for code, rows in rows_by_code.items():
        files = []
        for split, table in rows.items():
            path = folder / "data" / code / SPLIT_FILES[split]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, delimiter="\t", lineterminator="\n")
                writer.writerows([("index_id", "category", "text"), *table])
            relative = str(path.relative_to(folder))
            files.append({"split": split, "path": relative})
        configs.append({"config_name": code, "sep": "\t", "data_files": files})
    header = json.dumps({"license": "cc-by-sa-4.0", "configs": configs}, indent=1)
    (folder / "README.md").write_text(f"---\n{header}\n---\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True, scope="module")
def modules_are_not_garbage():
    """Leave what was imported out of later collections: torch's alone cost each 0.3 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def separate_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test off the user's own caches, data and current folder."""
    from mlbench.data import sources

    monkeypatch.setenv("MLBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLBENCH_DATA", raising=False)
    monkeypatch.delenv("MLBENCH_LANGUAGES", raising=False)
    monkeypatch.chdir(tmp_path)
    sources.revision.cache_clear()
    sources._mirror_state.cache_clear()


@pytest.fixture(scope="session")
def sib200_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for MLBENCH_DATA with SIB-200 rows of our own in six scripts."""
    root = tmp_path_factory.mktemp("data")
    write_sib200(root, {code: make_rows(code) for code in SENTENCES})
    return root


@pytest.fixture
def sib200(sib200_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make mlbench read the rows of `sib200_root`."""
    monkeypatch.setenv("MLBENCH_DATA", str(sib200_root))
    return sib200_root


@pytest.fixture(scope="session")
def paired_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for MLBENCH_DATA with rows of two sentences an article, and of `reading`."""
    from reading_toys import write_reading
    from sib200_toys import write_paired

    return write_reading(write_paired(tmp_path_factory.mktemp("paired")))


@pytest.fixture
def paired(paired_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make mlbench read the rows of `paired_root`."""
    monkeypatch.setenv("MLBENCH_DATA", str(paired_root))
    return paired_root


def make_checkpoint(folder: Path, seed: int, window: int) -> Path:
    """Save a random Qwen2 of 2 layers with a byte-level tokenizer trained on our sentences."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [text for sentences in SENTENCES.values() for text in sentences]
    tokenizer.train_from_iterator([*texts, *TOPICS], trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>")
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=window,
        initializer_range=0.3,
        tie_word_embeddings=True,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny random checkpoint with a window of 2,048 tokens."""
    return make_checkpoint(tmp_path_factory.mktemp("models") / "tiny", seed=1, window=2048)


@pytest.fixture(scope="session")
def other_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a second tiny checkpoint, with other weights."""
    return make_checkpoint(tmp_path_factory.mktemp("models") / "other", seed=2, window=2048)


@pytest.fixture(scope="session")
def narrow_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny checkpoint whose window of 48 tokens is shorter than some contexts."""
    return make_checkpoint(tmp_path_factory.mktemp("models") / "narrow", seed=3, window=48)
