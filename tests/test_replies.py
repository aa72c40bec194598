"""Replies of which no score can be made are refused, in every backend."""

import math

import pytest
from conftest import make_rows  # noqa: F401  rows of our own come with the fixture sib200
from engine_toys import assert_same_scores, instances, spoil_tokens
from gate_toys import copy, load

from mlbench.errors import CellRefused, NoNumber
from mlbench.harness.replies import refuse_no_scores
from mlbench.measures import ChoiceSample, ReplySample, TextSample


def docs(n: int, values: tuple[float, ...]) -> list[ChoiceSample]:
    return [ChoiceSample(str(i), str(i), 0, ("a", "b", "c"), values) for i in range(n)]


TIED, APART = (-2.5, -2.5, -2.5), (-2.5, -2.5, -3.0)


@pytest.mark.parametrize(
    ("n_tied", "n_apart", "is_refused"),
    [(18, 2, True), (17, 3, False), (9, 0, True), (8, 1, False), (2, 0, False)],
)
def test_nearly_all_docs_tied_is_no_score(n_tied, n_apart, is_refused):
    samples = docs(n_tied, TIED) + docs(n_apart, APART)
    if is_refused:
        with pytest.raises(NoNumber, match=f"in {n_tied} of {n_tied + n_apart} docs all choices"):
            refuse_no_scores(samples)
    else:
        refuse_no_scores(samples)


def test_choices_of_the_same_tokens_are_told_as_that():
    with pytest.raises(CellRefused, match="choices of 12 of 12 docs become the same tokens"):
        refuse_no_scores(docs(12, TIED), n_same_tokens=12)


def test_replies_that_are_all_empty_or_all_the_same_are_no_scores():
    def replies(*texts: str) -> list[ReplySample]:
        return [ReplySample(str(i), str(i), text, "b") for i, text in enumerate(texts)]

    with pytest.raises(CellRefused, match=r"all 3 replies are empty.* try examples, --shots 5"):
        refuse_no_scores(replies("", " ", "\n"))
    with pytest.raises(NoNumber, match=r"all 10 replies are the same \('काका'\): nothing was told"):
        refuse_no_scores(replies(*["काका"] * 10))
    # A trial of a few docs, and a model that falls into one loop nearly always, have a score.
    refuse_no_scores(replies(*["काका"] * 9))
    refuse_no_scores(replies(*["काका"] * 99, "का"))
    refuse_no_scores(replies(*[""] * 99, "a"))


def test_texts_that_all_have_one_likelihood_are_no_scores():
    same = [TextSample(str(i), str(i), 0.0, 10 + i) for i in range(12)]
    with pytest.raises(NoNumber, match="12 of 12 texts have the same log-likelihood"):
        refuse_no_scores(same)
    refuse_no_scores([TextSample(str(i), str(i), -1.0 - i, 10) for i in range(12)])


def test_a_log_likelihood_above_zero_is_none():
    with pytest.raises(NoNumber, match="above 0"):
        refuse_no_scores(docs(1, (3.0, -1.0, -math.inf)))
    refuse_no_scores(docs(1, (1e-6, -1.0, -math.inf)))


@pytest.mark.parametrize("mode", ["packed", "kv2", "plain"])
def test_a_doc_that_overflows_does_not_spoil_those_that_share_its_pass(checkpoint, mode):
    words = ["the river flows", "the doctor told", "the team won", "our train leaves"]
    pairs = [(word, choice) for word in words for choice in (" now", " to the sea", " a law")]
    models = [load(checkpoint, engine) for engine in ("packed", "hf")]
    models[0].lm.mode = mode
    (bad,) = {*models[0].lm.tok_encode(" doctor")[:1]}
    scores = []
    for model in models:
        spoil_tokens(model.lm.model, [bad])
        scores.append(list(model.lm.loglikelihood(instances(pairs), disable_tqdm=True)))
    is_bad = ["doctor" in context for context, _ in pairs]
    for found in scores:
        assert [math.isnan(value) for value, _ in found] == is_bad
    ours, theirs = ([s for s, b in zip(x, is_bad, strict=True) if not b] for x in scores)
    assert_same_scores(ours, theirs)


def test_a_tokenizer_that_makes_one_token_of_all_choices_fails_the_cell(checkpoint, tmp_path):
    from gate_toys import change_json
    from tokenizers import Tokenizer, models, pre_tokenizers

    from mlbench.data.languages import read_languages
    from mlbench.data.prepare import prepare
    from mlbench.families import read_families
    from mlbench.harness.evaluate import evaluate

    folder = copy(checkpoint, tmp_path / "unk")
    blind = Tokenizer(models.WordLevel({"<|end|>": 0, "<unk>": 1}, unk_token="<unk>"))
    blind.pre_tokenizer = pre_tokenizers.Split("\n", "isolated")
    blind.save(str(folder / "tokenizer.json"))
    change_json(folder / "tokenizer_config.json", unk_token="<unk>")
    prepared = prepare(read_families()["cldr_calendar"], read_languages()["th"])
    with pytest.raises(CellRefused, match="become the same tokens"):
        evaluate(load(folder), prepared, shots=0, limit=12)
