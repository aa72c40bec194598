"""What does a family score? Right answers 1, wrong ones in proportion, guesses at chance.

Asked of every family there is, in six scripts, through the requests of its own task: no model.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
import pytest
from conftest import SCRIPTS

from mlbench.data.languages import read_languages
from mlbench.data.prepare import Prepared, covers, prepare
from mlbench.families import read_families
from mlbench.harness.task import build_task, with_label_means
from mlbench.measures import Sample, cell_score
from mlbench.records import ChoiceDoc, OutputType, ReplyDoc

LANGUAGES, FAMILIES = read_languages(), read_families()
CHOICE_FAMILIES = [f for f in FAMILIES.values() if f.output_type == OutputType.CHOICES]
PAIRS = [
    pytest.param(family, tag, id=f"{family.name}-{tag}")
    for family in CHOICE_FAMILIES
    for tag in SCRIPTS
    if covers(family, LANGUAGES[tag])
]
WRITTEN = [
    pytest.param(family, tag, id=f"{family.name}-{tag}")
    for family in FAMILIES.values()
    for tag in SCRIPTS
    if family.output_type == OutputType.REPLY and covers(family, LANGUAGES[tag])
]
Answers = Callable[[ChoiceDoc], Sequence[float]]


@pytest.fixture
def docs_of(paired):
    """Return the docs of a family in a language."""
    return lambda family, tag: prepare(family, LANGUAGES[tag])


def answered(prepared: Prepared, answers: Answers) -> list[Sample]:
    """Return the samples of a model whose log-likelihoods of the choices are these.

    To all else that is asked of it (choices without the query, calibration docs) it gives -1.
    """
    task = build_task(prepared, 0)
    samples = []
    for doc, (_, shown) in zip(prepared.docs.scored, task.doc_iterator(), strict=True):
        assert isinstance(doc, ChoiceDoc)
        context = task.doc_to_text(shown)
        requests = task.construct_requests(shown, context, metadata=(task.task_name, 0, 1))
        values = [-1.0] * len(requests)
        values[: len(doc.choices)] = answers(doc)
        samples.append(task.sample_from_results(shown, [(value, False) for value in values]))
    return with_label_means(samples)


def take(choice: int, doc: ChoiceDoc) -> list[float]:
    # Far below the others by any count of bytes or letters.
    return [0.0 if index == choice else -1e6 for index in range(len(doc.choices))]


@pytest.mark.parametrize(("family", "tag"), PAIRS)
class TestChoices:
    def test_an_oracle_scores_one_by_every_measure(self, docs_of, family, tag):
        samples = answered(docs_of(family, tag), lambda doc: take(doc.target, doc))
        for metric in family.metrics:
            assert cell_score(samples, metric).value == 1, metric

    def test_wrong_answers_cost_their_share(self, docs_of, family, tag):
        prepared = docs_of(family, tag)
        wrong = {doc.doc_id for doc in prepared.docs.scored[::3]}

        def mostly_right(doc: ChoiceDoc) -> list[float]:
            spoilt = doc.doc_id in wrong
            return take((doc.target + spoilt) % len(doc.choices), doc)

        samples = answered(prepared, mostly_right)
        share = 1 - len(wrong) / len(samples)
        assert cell_score(samples, family.metrics[0]).value == pytest.approx(share)

    def test_one_choice_always_is_right_as_often_as_chance_over_the_choices(
        self, docs_of, family, tag
    ):
        prepared = docs_of(family, tag)
        n = len(prepared.docs.scored[0].choices)
        scores = [
            cell_score(answered(prepared, lambda d, k=k: take(k, d)), family.metrics[0]).value
            for k in range(n)
        ]
        assert math.fsum(scores) == pytest.approx(1)
        assert family.chance == pytest.approx(1 / n)

    def test_random_answers_are_at_chance(self, docs_of, family, tag):
        prepared, rng = docs_of(family, tag), np.random.default_rng(1)
        values = [
            cell_score(
                answered(prepared, lambda d: take(int(rng.integers(len(d.choices))), d)),
                family.metrics[0],
            ).value
            for _ in range(8)
        ]
        n = 8 * len(prepared.docs.scored)
        stderr = math.sqrt(family.chance * (1 - family.chance) / n)
        assert abs(np.mean(values) - family.chance) < 4 * stderr


@pytest.mark.parametrize("tag", SCRIPTS)
def test_bits_rise_in_proportion_to_what_a_text_costs(docs_of, tag):
    prepared = docs_of(FAMILIES["sib200_lm"], tag)
    task = build_task(prepared, 0)

    def score(nats: float) -> float:
        docs = [doc for _, doc in task.doc_iterator()]
        return cell_score([task.sample_from_results(d, [-nats]) for d in docs], "bits").value

    assert score(0.0) == 0
    assert score(2 * math.log(2)) == pytest.approx(2) and score(6.0) == pytest.approx(
        3 * score(2.0)
    )


def written(prepared: Prepared, answers: Callable[[ReplyDoc], str]) -> list[Sample]:
    """Return the samples of a model that writes these replies."""
    docs = [doc for doc in prepared.docs.scored if isinstance(doc, ReplyDoc)]
    task = build_task(prepared, 0)
    return list(task.reply_samples([asdict(doc) for doc in docs], [answers(doc) for doc in docs]))


@pytest.mark.parametrize(("family", "tag"), WRITTEN)
class TestReplies:
    """A reply has no chance level; what needs no translation is the floor."""

    def test_an_oracle_has_the_best_value_of_every_measure(self, docs_of, family, tag):
        samples = written(docs_of(family, tag), lambda doc: doc.reference)
        score = {metric: cell_score(samples, metric).value for metric in family.metrics}
        assert score["chrf_fitted"] == score["chrf++"] == score["chrf"] == pytest.approx(100)
        # Some of our short sentences are as likely in a sister language.
        assert score["fidelity"] == score["fidelity_of_references"] >= score["other_language"]
        assert score["copied"] == score["empty"] == 0

    def test_wrong_answers_cost_their_share(self, docs_of, family, tag):
        prepared = docs_of(family, tag)
        n = len(prepared.docs.scored)

        def value(n_wrong: int) -> float:
            wrong = {doc.doc_id for doc in prepared.docs.scored[:n_wrong]}
            samples = written(prepared, lambda d: d.wrong if d.doc_id in wrong else d.reference)
            return cell_score(samples, family.metrics[0]).value

        values = [value(n_wrong) for n_wrong in (0, n // 4, n // 2, n)]
        assert values == sorted(values, reverse=True)
        floor = cell_score(written(prepared, lambda d: "x"), "chrf_of_wrong").value
        assert values[-1] == pytest.approx(floor)
        assert values[2] == pytest.approx((values[0] + values[-1]) / 2, abs=12)

    def test_who_copies_or_says_one_thing_is_at_the_floors(self, docs_of, family, tag):
        prepared = docs_of(family, tag)
        copied = written(prepared, lambda doc: doc.query)
        score = {metric: cell_score(copied, metric).value for metric in family.metrics}
        assert score["copied"] == 1 and score["fidelity"] == 0
        assert score["chrf_fitted"] == pytest.approx(score["chrf_of_copy"]) and score["chrf"] < 40
        constant = written(prepared, lambda _: prepared.docs.scored[0].reference)
        found = cell_score(constant, "chrf_fitted").value
        assert found == pytest.approx(score["chrf_of_wrong"], abs=20)
        empty = written(prepared, lambda _: " ")
        assert cell_score(empty, "chrf_fitted").value == 0 == cell_score(empty, "fidelity").value
        assert cell_score(empty, "empty").value == 1 and cell_score(empty, "undecided").value == 0


def test_every_family_has_a_contract_here():
    texts = {f.name for f in FAMILIES.values() if f.output_type == OutputType.TEXT}
    replies = {f.name for f in FAMILIES.values() if f.output_type == OutputType.REPLY}
    assert texts == {"sib200_lm"} and replies == {p.values[0].name for p in WRITTEN}
    assert len(CHOICE_FAMILIES) + len(texts) + len(replies) == len(FAMILIES)
    assert {p.values[0].name for p in PAIRS} == {f.name for f in CHOICE_FAMILIES}
