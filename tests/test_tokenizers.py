"""Is the cost of a tokenizer counted as defined, and on the tokens that a model is fed?"""

import json
import math
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import SCRIPTS
from rich.console import Console
from test_cli import refused, run_cli
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from mlbench.data.languages import find_languages_file, read_languages
from mlbench.data.prepare import prepare
from mlbench.families import read_families
from mlbench.harness.backend import load_model
from mlbench.models import find_model
from mlbench.settings import Settings

LANGUAGES = read_languages()
FAMILY = read_families()["sib200_lm"]
ALL_SIX = ",".join(SCRIPTS)


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Save a tokenizer of one token a letter of English; others are unknown, <s> goes first."""
    alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ."0123456789'
    vocabulary = {token: i for i, token in enumerate(["<s>", "<unk>", *alphabet])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    folder = tmp_path / "cache" / "letters"
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>")
    fast.save_pretrained(folder)
    return folder


def texts(tag: str, limit: int | None = None) -> list[str]:
    return [doc.text for doc in prepare(FAMILY, LANGUAGES[tag]).docs.scored[:limit]]


def parts_of_characters(tokenizer, sentences: list[str]) -> int:
    ids = [token for text in sentences for token in tokenizer.encode(text)]
    return sum("\N{REPLACEMENT CHARACTER}" in tokenizer.decode([token]) for token in ids)


def costs_of(capsys, *arguments: str) -> dict:
    code, out, err = run_cli(capsys, "tokenizers", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_premium_is_the_ratio_of_the_tokens_of_the_same_sentences(capsys, sib200, checkpoint):
    (model,) = costs_of(capsys, "--models", str(checkpoint), "--languages", ALL_SIX)["models"]
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    english = sum(len(tokenizer.encode(text)) for text in texts("en"))
    for tag in SCRIPTS:
        n_tokens = sum(len(tokenizer.encode(text)) for text in texts(tag))
        whole = "".join(texts(tag))
        assert model["languages"][tag] == {
            "premium": pytest.approx(n_tokens / english),
            "tokens_per_doc": pytest.approx(n_tokens / 9),
            "bytes_per_token": pytest.approx(len(whole.encode()) / n_tokens),
            "chars_per_token": pytest.approx(len(whole) / n_tokens),
            "n_docs": 9,
            "n_unknown": 0,
            "n_lost": 0,
            "byte_share": pytest.approx(parts_of_characters(tokenizer, texts(tag)) / n_tokens),
            "sentences_in_window": pytest.approx(
                model["window"] * 9 // n_tokens if model["window"] else None
            ),
            "cost_to_read": None,
            "cost_to_write": None,
            "cost_of_machine": None,
        }
    assert model["languages"]["en"]["premium"] == 1
    assert model["vocabulary"] == len(tokenizer)


def test_the_tokens_are_those_that_a_run_counts(capsys, sib200, checkpoint):
    (model,) = costs_of(capsys, "--models", str(checkpoint), "--languages", "th")["models"]
    loaded = load_model(find_model(str(checkpoint)), Settings(device="cpu"))
    counted = [loaded.count_tokens((text,)) for text in texts("th")]
    assert model["languages"]["th"]["tokens_per_doc"] == pytest.approx(sum(counted) / 9)


def test_tokens_added_to_every_sentence_are_said_and_not_counted(capsys, sib200, letters):
    (model,) = costs_of(capsys, "--models", str(letters), "--languages", "en")["models"]
    n_letters = [len(text) for text in texts("en")]
    assert model["special_tokens"] == 1
    assert model["languages"]["en"]["tokens_per_doc"] == pytest.approx(sum(n_letters) / 9)
    _, out, _ = run_cli(capsys, "tokenizers", "--models", str(letters), "--languages", "en")
    assert "vocabulary 67; 1 special token beside each sentence, not counted" in out


def test_unknown_text_is_counted_and_its_languages_named(capsys, sib200, letters):
    arguments = ("--models", str(letters), "--languages", "en,ru,th")
    (model,) = costs_of(capsys, *arguments)["models"]
    foreign = sum(1 for text in texts("ru") for letter in text if ord(letter) > 127)
    assert model["languages"]["ru"]["n_unknown"] == foreign > 0
    assert model["languages"]["en"]["n_unknown"] == 0
    _, out, _ = run_cli(capsys, "tokenizers", *arguments)
    assert "; it cannot write all text, so cost understated, in ru, th\n" in out


def test_a_folder_with_a_tokenizer_alone_will_do(capsys, sib200, letters):
    assert not list(letters.glob("*.safetensors"))
    assert costs_of(capsys, "--models", str(letters), "--languages", "ar")["models"]
    assert "no config.json" in refused(capsys, "run", "--models", str(letters))


def test_the_limit_takes_the_same_first_docs_everywhere(capsys, sib200, letters):
    arguments = ("--models", str(letters), "--languages", "en,zh-Hans", "--limit", "2")
    (model,) = costs_of(capsys, *arguments)["models"]
    lengths = {tag: sum(len(text) for text in texts(tag, 2)) for tag in ("en", "zh-Hans")}
    expected = lengths["zh-Hans"] / lengths["en"]
    assert model["languages"]["zh-Hans"]["premium"] == pytest.approx(expected)
    assert model["languages"]["zh-Hans"]["n_docs"] == 2


def test_english_is_read_as_the_reference_and_this_is_said(capsys, sib200, letters):
    found = costs_of(capsys, "--models", str(letters), "--languages", "hi")
    assert found["english_added"] and set(found["models"][0]["languages"]) == {"en", "hi"}
    _, out, _ = run_cli(capsys, "tokenizers", "--models", str(letters), "--languages", "hi")
    assert "English is not in --languages; it is read as the reference." in out
    _, out, _ = run_cli(capsys, "tokenizers", "--models", str(letters), "--languages", "hi,en")
    assert "reference" not in out


def test_json_has_the_documented_keys_and_the_same_bytes(capsys, sib200, checkpoint, letters):
    arguments = ("tokenizers", "--models", str(letters), str(checkpoint), "--languages", ALL_SIX)
    first, second = (run_cli(capsys, *arguments, "--json")[1] for _ in range(2))
    assert first == second
    found = json.loads(first)
    assert [model["model"] for model in found["models"]] == [str(letters), str(checkpoint)]
    keys = {*found, *found["models"][0], *found["models"][0]["languages"]["en"]}
    documented = (Path(__file__).parent.parent / "docs" / "report.md").read_text(encoding="utf-8")
    assert not {key for key in keys if f"`{key}`" not in documented}
    assert json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) == first.strip()


def test_worst_and_median_leave_english_out(capsys, sib200, checkpoint):
    (model,) = costs_of(capsys, "--models", str(checkpoint), "--languages", ALL_SIX)["models"]
    others = {tag: c["premium"] for tag, c in model["languages"].items() if tag != "en"}
    assert model["worst"] == sorted(others, key=lambda tag: -others[tag])
    assert model["median_premium"] == sorted(others.values())[2]


def test_it_is_said_in_how_many_languages_which_model_needs_fewer_tokens(
    capsys, sib200, checkpoint, letters
):
    arguments = ("--models", str(letters), str(checkpoint), "--languages", ALL_SIX)
    found = costs_of(capsys, *arguments)
    tokens = [
        {tag: cost["tokens_per_doc"] for tag, cost in model["languages"].items() if tag != "en"}
        for model in found["models"]
    ]
    n_fewer = sum(tokens[0][tag] < tokens[1][tag] for tag in tokens[0])
    n_more = sum(tokens[0][tag] > tokens[1][tag] for tag in tokens[0])
    first, second = found["fewer"]
    assert (first["model"], first["than"]) == (str(letters), str(checkpoint))
    assert (first["n_ours"], first["n_theirs"], first["n_languages"]) == (n_fewer, n_more, 5)
    assert (second["n_ours"], second["n_theirs"]) == (n_more, n_fewer) and n_more
    premiums = [c["premium"] for tag, c in found["models"][0]["languages"].items() if tag != "en"]
    assert found["models"][0]["mean_premium"] == pytest.approx(sum(premiums) / 5)
    _, out, _ = run_cli(capsys, "tokenizers", *arguments)
    assert f"M1 needs fewer tokens than M2 in {n_fewer} of 5 languages, and more in {n_more}" in out
    assert "mean premium" in out


def test_english_alone_has_no_median(capsys, sib200, checkpoint):
    (model,) = costs_of(capsys, "--models", str(checkpoint), "--languages", "en")["models"]
    assert model["median_premium"] is None and model["worst"] == []


def rows_of(out: str) -> list[list[str]]:
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("tag "))
    return [line.split() for line in lines[start + 1 :] if line.split()[0] in SCRIPTS]


def test_a_pipe_gets_every_measure_worst_language_first(capsys, sib200, checkpoint, letters):
    arguments = ("--models", str(checkpoint), str(letters), "--languages", ALL_SIX)
    _, out, _ = run_cli(capsys, "tokenizers", *arguments)
    assert "M1 " + str(checkpoint) + ", M2 " + str(letters) in out
    assert "premium M1 premium M2 tokens/sentence M1" in out and "characters/token M2" in out
    rows = rows_of(out)
    premiums = [float(row[-8]) for row in rows]
    assert len(rows) == 6 and premiums == sorted(premiums, reverse=True)
    assert all(line == line.rstrip() for line in out.splitlines())


@pytest.mark.parametrize("width", [80, 50])
def test_a_terminal_shows_the_measures_that_fit_and_names_the_others(
    capsys, sib200, checkpoint, monkeypatch, width
):
    monkeypatch.setattr(Console, "is_terminal", property(lambda self: not self.stderr))
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = run_cli(
        capsys, "tokenizers", "--models", str(checkpoint), "--languages", "en,zh-Hans,hi"
    )
    lines = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", out).splitlines()
    assert max(map(len, lines)) <= width
    assert any("premium" in line and "tokens" in line for line in lines) or width == 50
    assert any("characters/token" in line for line in lines) == (width == 50)


def test_a_language_without_a_code_is_listed_with_the_reason(capsys, sib200, letters, tmp_path):
    blocks = yaml.safe_load(find_languages_file().read_text(encoding="utf-8"))
    kept = [block for block in blocks if block["tag"] in ("en", "ru", "sw")]
    next(block for block in kept if block["tag"] == "sw")["codes"].pop("sib200")
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    arguments = ("--models", str(letters), "--languages-file", str(own))
    reason = "Davlan/sib200 does not cover Swahili"
    assert costs_of(capsys, *arguments)["no_data"] == {"sw": reason}
    _, out, _ = run_cli(capsys, "tokenizers", *arguments)
    assert f"No data: {reason}" in out


def test_a_languages_file_without_english_is_refused(capsys, sib200, letters, tmp_path):
    blocks = yaml.safe_load(find_languages_file().read_text(encoding="utf-8"))
    own = tmp_path / "own.yaml"
    kept = [block for block in blocks if block["tag"] == "ru"]
    own.write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    message = refused(capsys, "tokenizers", "--models", str(letters), "--languages-file", str(own))
    assert "the languages file has no 'en': a premium is against English" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--models", "demo-polyglott"), "no model 'demo-polyglott'. Did you mean 'demo-polyglot'"),
        (("--languages", "swx"), "no language 'swx'. Did you mean 'sw'"),
        (
            ("--models", "vllm:pretrained=org/name"),
            "model 'vllm:pretrained=org/name': the tokenizer of backend 'vllm' is not known here. "
            "Give what it loads instead: a preset, a hub id (org/name) or a local folder. "
            "See: mlbench list models",
        ),
        (
            ("--models", "local-completions:model=m,base_url=http://localhost"),
            "the tokenizer of backend 'local-completions' is not known here",
        ),
    ],
)
def test_a_wrong_selection_is_refused(capsys, arguments, message):
    assert message in refused(capsys, "tokenizers", *arguments)


def test_a_damaged_tokenizer_is_refused(capsys, sib200, checkpoint, tmp_path):
    folder = tmp_path / "cache" / "damaged"
    shutil.copytree(checkpoint, folder)
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    message = refused(capsys, "tokenizers", "--models", str(folder), "--languages", "ru")
    assert f"cannot load the tokenizer of model '{folder}': tokenizer.json is cut off" in message


def test_data_that_cannot_be_read_say_what_to_do(capsys, letters):
    code, _, err = run_cli(capsys, "tokenizers", "--models", str(letters), "--languages", "ru")
    assert code == 2
    assert "cannot read data set Davlan/sib200" in err and "or set MLBENCH_DATA to a folder" in err


def test_text_without_any_token_has_no_cost(sib200, letters):
    from mlbench.tokens.tokenizers import measure_tokenizer

    tokenizer = AutoTokenizer.from_pretrained(letters)
    silent = Silent(tokenizer)
    prepared = [prepare(FAMILY, LANGUAGES[tag]) for tag in ("en", "hi")]
    cost = measure_tokenizer("m", silent, prepared, None)
    assert cost.languages["hi"].n_docs == 0 and math.isnan(cost.languages["hi"].premium)
    assert cost.by_premium() == ["en", "hi"] and cost.worst == []


class Silent:
    """A tokenizer that drops what is not ASCII, as BPE without bytes and without unknown does."""

    unk_token_id = None

    def decode(self, ids, **_):
        return "x"

    def __init__(self, tokenizer) -> None:
        self.tokenizer = tokenizer

    def __len__(self) -> int:
        return len(self.tokenizer)

    def __call__(self, texts, **_):
        dropped = [text if text.isascii() else "" for text in texts]
        return self.tokenizer(dropped, add_special_tokens=False)


def test_a_thousand_sentences_have_a_price(capsys, sib200, letters):
    prices = ("--price-in", "2", "--price-out", "6", "--gpu-hour", "3.6", "--speed", "1000")
    arguments = ("--models", str(letters), "--languages", "en,ru", *prices)
    (model,) = costs_of(capsys, *arguments)["models"]
    for cost in model["languages"].values():
        thousand = 1000 * cost["tokens_per_doc"]
        assert cost["cost_to_read"] == pytest.approx(2 * thousand / 1e6)
        assert cost["cost_to_write"] == pytest.approx(6 * thousand / 1e6)
        assert cost["cost_of_machine"] == pytest.approx(3.6 * thousand / 1000 / 3600)
    _, out, _ = run_cli(capsys, "tokenizers", *arguments)
    assert "read/1000" in out and "write/1000" in out and "machine/1000" in out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--price-in", "0"), "--price-in 0.0 is not a number above 0"),
        (("--price-out", "nan"), "--price-out nan is not a number above 0"),
        (("--gpu-hour", "2"), "--gpu-hour says nothing without --speed"),
        (("--speed", "2"), "--speed says nothing without --gpu-hour"),
    ],
)
def test_a_price_that_is_none_is_refused(capsys, given, words):
    assert words in refused(capsys, "tokenizers", *given)


def test_a_window_holds_fewer_sentences_of_an_expensive_language(capsys, sib200, letters):
    config = {"max_position_embeddings": 1000, "model_type": "gpt2"}
    (letters / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (model,) = costs_of(capsys, "--models", str(letters), "--languages", "en,hi")["models"]
    assert model["window"] == 1000
    for cost in model["languages"].values():
        # One special token stands beside the sentences.
        assert cost["sentences_in_window"] == 999 // cost["tokens_per_doc"]
