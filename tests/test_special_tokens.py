"""What a tokenizer puts around a text changes no score of the text, and costs it nothing."""

from pathlib import Path

import pytest
from conftest import SENTENCES
from engine_toys import assert_same_scores, instances
from gate_toys import (
    END,
    LLAMA,
    change_json,
    copy,
    load,
    put_around,
    without_special_tokens,
)

from mlbench.engine import PackedLM
from mlbench.engine.affixes import Affixes, find_affixes
from mlbench.errors import CellRefused, ModelError
from mlbench.harness.backend import CountingModel

TEXTS = [text for sentences in SENTENCES.values() for text in sentences[:2]]
PAIRS = [(text[:9], choice) for text in TEXTS for choice in (text[9:12], text[9:30])]
ENGINES = pytest.mark.parametrize("engine", ["packed", "hf"])
KINDS = {"before": (1, 0), "after": (0, 1), "both": (1, 1), "twice": (1, 2)}


def bits(model: CountingModel) -> list[float]:
    requests = instances([(text,) for text in TEXTS], "loglikelihood_rolling")
    return list(model.lm.loglikelihood_rolling(requests, disable_tqdm=True))


def choices(model: CountingModel, pairs: list[tuple[str, str]]) -> list[tuple[float, bool]]:
    return list(model.lm.loglikelihood(instances(pairs), disable_tqdm=True))


def with_tokens_around(checkpoint: Path, folder: Path, kind: str) -> Path:
    changed = copy(checkpoint, folder / kind)
    put_around(changed, *KINDS[kind])
    return changed


@ENGINES
@pytest.mark.parametrize("kind", KINDS)
def test_whole_texts_have_the_scores_and_tokens_of_a_tokenizer_that_adds_nothing(
    checkpoint, tmp_path, engine, kind
):
    sound = load(checkpoint, engine)
    changed = load(with_tokens_around(checkpoint, tmp_path, kind), engine)
    assert bits(changed) == pytest.approx(bits(sound), abs=1e-4)
    lengths = [[model.count_tokens((text,)) for text in TEXTS] for model in (changed, sound)]
    assert lengths[0] == lengths[1]
    assert changed.take_usage(1).n_tokens == sound.take_usage(1).n_tokens


@ENGINES
def test_texts_longer_than_the_window_are_cut_in_the_same_places(
    narrow_checkpoint, tmp_path, engine
):
    models = [
        load(with_tokens_around(narrow_checkpoint, tmp_path, "both"), engine),
        load(narrow_checkpoint, engine),
    ]
    texts = instances([(" ".join(TEXTS),)], "loglikelihood_rolling")
    assert models[1].count_tokens(texts[0].args) > 3 * models[1].window
    found, expected = (model.lm.loglikelihood_rolling(texts) for model in models)
    assert found == pytest.approx(expected, abs=1e-3)


@ENGINES
@pytest.mark.parametrize("kind", KINDS)
def test_choices_follow_the_context_and_not_what_closes_it(checkpoint, tmp_path, engine, kind):
    changed = load(with_tokens_around(checkpoint, tmp_path, kind), engine)
    n_before, _ = KINDS[kind]
    beginning = END * n_before
    expected = choices(load(checkpoint, engine), [(beginning + a, b) for a, b in PAIRS])
    assert_same_scores(choices(changed, PAIRS), expected)


@ENGINES
def test_a_text_that_spells_out_the_beginning_is_begun_once(checkpoint, tmp_path, engine):
    changed = load(with_tokens_around(checkpoint, tmp_path, "before"), engine)
    spelled = instances([(END + text,) for text in TEXTS], "loglikelihood_rolling")
    found = list(changed.lm.loglikelihood_rolling(spelled, disable_tqdm=True))
    assert found == pytest.approx(bits(changed), abs=1e-4)


@ENGINES
def test_without_bos_and_eos_choices_are_scored_and_texts_are_refused(tmp_path, engine):
    folder = copy(LLAMA, tmp_path / "none")
    without_special_tokens(folder)
    model = load(folder, engine)
    assert_same_scores(choices(model, PAIRS), choices(load(LLAMA, engine), PAIRS))
    with pytest.raises(CellRefused, match="neither BOS nor EOS"):
        bits(model)
    with pytest.raises(CellRefused, match="neither BOS nor EOS"):
        choices(model, [("", "the")])


def test_without_bos_and_eos_only_what_can_be_scored_is_verified(tmp_path):
    folder = copy(LLAMA, tmp_path / "none")
    without_special_tokens(folder)
    lm = load(folder, "packed").lm
    lm.verify_mode(instances([*PAIRS, ("", "the")]))
    lm.verify_mode(instances([(text,) for text in TEXTS], "loglikelihood_rolling"))
    assert (lm.mode, lm.given_up) == ("packed", ())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_around_a_text_is_told(checkpoint, tmp_path, kind):
    found = load(with_tokens_around(checkpoint, tmp_path, kind)).findings
    n_before, n_after = KINDS[kind]
    assert (found.before or "") == " ".join([END] * n_before)
    assert (found.after or "") == " ".join([END] * n_after)


@pytest.mark.parametrize("kind", ["before", "both"])
def test_under_lm_eval_the_packed_engine_keeps_the_numbers_of_hf(checkpoint, tmp_path, kind):
    from lm_eval.api.registry import get_model

    folder = str(with_tokens_around(checkpoint, tmp_path, kind))
    ours = PackedLM(folder, device="cpu")
    theirs = get_model("hf")(folder, device="cpu", dtype="float32")
    found, expected = (
        lm.loglikelihood(instances(PAIRS), disable_tqdm=True) for lm in (ours, theirs)
    )
    assert_same_scores(found, expected)
    rolling = instances([(text,) for text in TEXTS], "loglikelihood_rolling")
    found, expected = (lm.loglikelihood_rolling(rolling) for lm in (ours, theirs))
    assert found == pytest.approx(expected, abs=1e-4)


class OddTokenizer:
    """Encodes texts by a function of (text, with special tokens)."""

    def __init__(self, encode) -> None:
        self.encode = encode

    def __call__(self, texts, add_special_tokens=True, **_):
        return {"input_ids": [self.encode(text, add_special_tokens) for text in texts]}

    def convert_ids_to_tokens(self, ids):
        return [f"<{token}>" for token in ids]


def test_several_tokens_on_both_sides_are_found():
    odd = OddTokenizer(lambda t, s: [7, 8, *map(ord, t), 9] if s else [*map(ord, t)])
    assert find_affixes(odd) == Affixes((7, 8), (9,))
    assert find_affixes(odd, add_bos=False) == Affixes()


def test_a_tokenizer_whose_additions_depend_on_the_text_is_refused():
    by_text = OddTokenizer(lambda t, s: [7] * (s and t[0] == "a") + [*map(ord, t)])
    with pytest.raises(ModelError, match="puts <7> and nothing around 'a' and nothing and nothing"):
        find_affixes(by_text)
    other = OddTokenizer(lambda t, s: [1, 2] if s else [*map(ord, t)])
    with pytest.raises(ModelError, match="which tokens are the text's cannot be told"):
        find_affixes(other)


def test_a_tokenizer_saved_with_truncation_and_padding_is_read_whole(checkpoint, tmp_path):
    folder = copy(checkpoint, tmp_path / "cut")
    change_json(
        folder / "tokenizer.json",
        truncation={"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
    )
    assert bits(load(folder)) == pytest.approx(bits(load(checkpoint)), abs=1e-4)
