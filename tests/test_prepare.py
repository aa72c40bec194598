"""In which order are docs kept? Any first few hold the targets as the whole does."""

import hashlib
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import HAS_REAL_DATA, NEEDS_REAL_DATA, REAL_DATA
from hypothesis import given
from hypothesis import strategies as st

import mlbench.families as families_package
from mlbench.data.languages import read_languages
from mlbench.data.prepare import CODE, hash_prompts, order_docs, prepare
from mlbench.families import read_families
from mlbench.records import ChoiceDoc, Prompt, TextDoc


def make_docs(n_by_target: list[int]) -> list[ChoiceDoc]:
    """Make docs sorted by target, as the rows of a data set often are."""
    targets = [target for target, n in enumerate(n_by_target) for _ in range(n)]
    choices = tuple(f"choice {i}" for i in range(len(n_by_target)))
    return [ChoiceDoc(f"d{i}", f"d{i}", "?", choices, t) for i, t in enumerate(targets)]


def farthest_from_proportion(targets: list[int]) -> float:
    """Return how far any target's count in any prefix is from its share of that prefix."""
    total, seen, farthest = Counter(targets), Counter[int](), 0.0
    for size, target in enumerate(targets, 1):
        seen[target] += 1
        gaps = (abs(seen[t] - size * n / len(targets)) for t, n in total.items())
        farthest = max(farthest, *gaps)
    return farthest


def hash_of(doc: ChoiceDoc | TextDoc) -> str:
    return hashlib.sha256(doc.doc_id.encode()).hexdigest()


@pytest.mark.parametrize(
    "n_by_target",
    [
        [51, 40, 30, 25, 22, 19, 17],
        [10, 10, 10, 10],
        [4, 7, 5, 6],
        [30, 10],
        [1, 1, 1],
        [9],
        [0, 5],
    ],
)
def test_every_prefix_is_within_one_of_the_proportional_counts(n_by_target):
    ordered = order_docs(make_docs(n_by_target))
    assert farthest_from_proportion([doc.target for doc in ordered]) < 1


@given(st.lists(st.integers(0, 40), min_size=1, max_size=7))
def test_no_target_is_two_docs_ahead_of_another_in_any_prefix(n_by_target):
    """What Sainte-Lague's order gives for any mix: (a - 1/2)/n is at most (b + 1/2)/m."""
    docs = make_docs(n_by_target)
    ordered, seen = order_docs(docs), Counter[int]()
    assert sorted(ordered, key=hash_of) == sorted(docs, key=hash_of)
    total = Counter(doc.target for doc in docs)
    for doc in ordered:
        seen[doc.target] += 1
        assert (seen[doc.target] - 0.5) / total[doc.target] <= min(
            (seen[t] + 0.5) / n for t, n in total.items()
        )


def test_a_tie_goes_to_the_target_that_has_had_fewer():
    # As in SIB-200: the second of 51 and the first of 17 both stand at 1/34.
    first = order_docs(make_docs([51, 40, 30, 25, 22, 19, 17]))[:7]
    assert {doc.target for doc in first} == set(range(7))


def test_docs_of_one_target_are_in_the_order_of_their_hash():
    ordered = [doc for doc in order_docs(make_docs([6, 9])) if doc.target == 1]
    assert ordered == sorted(ordered, key=hash_of)


def test_the_order_is_of_ids_and_targets_alone():
    docs = make_docs([5, 8, 3])
    other = [ChoiceDoc(d.doc_id, "c", "another text", d.choices, d.target) for d in docs]
    random.Random(0).shuffle(other)
    assert [d.doc_id for d in order_docs(other)] == [d.doc_id for d in order_docs(docs)]


def test_text_docs_are_in_the_order_of_their_hash():
    docs = [TextDoc(f"d{i}", f"d{i}", "text") for i in range(40)]
    assert order_docs(docs) == sorted(docs, key=hash_of)


@pytest.mark.skipif(not HAS_REAL_DATA, reason=NEEDS_REAL_DATA)
def test_the_first_docs_of_sib200_are_of_all_topics(monkeypatch):
    monkeypatch.setenv("MLBENCH_DATA", REAL_DATA)
    family, languages = read_families()["sib200_topic"], read_languages()
    english, swahili = (prepare(family, languages[tag]).docs.scored for tag in ("en", "sw"))
    assert [doc.doc_id for doc in english] == [doc.doc_id for doc in swahili]
    targets = [doc.target for doc in english if isinstance(doc, ChoiceDoc)]
    assert sorted(targets[:7]) == list(range(7)) and len(targets) == 204
    assert farthest_from_proportion(targets) < 1


def test_a_digest_of_prompts_tells_choices_that_are_rendered_otherwise(sib200):
    """Letters in place of words, under the same context."""
    prepared = prepare(read_families()["sib200_topic"], read_languages()["en"])
    prompt = prepared.family.prompt

    def with_letters(doc):
        return Prompt(prompt(doc).context, tuple("ABCDEFG"))

    lettered = replace(prepared, family=replace(prepared.family, prompt=with_letters))
    assert hash_prompts(lettered, 0, None) != hash_prompts(prepared, 0, None)
    assert hash_prompts(prepared, 0, None) == hash_prompts(prepared, 0, None)


def test_every_file_beside_the_families_counts_for_prepared_docs():
    folder = Path(families_package.__file__).parent
    suffixes = {path.suffix for path in folder.iterdir() if path.is_file()}
    assert suffixes == set(CODE)


def test_a_digest_of_prompts_tells_another_calibration(sib200):
    prepared = prepare(read_families()["sib200_topic"], read_languages()["en"])
    docs = replace(prepared.docs, calibration=prepared.docs.calibration[:-1])
    other_docs = replace(prepared, docs=docs)
    other_cue = replace(prepared, family=replace(prepared.family, calibration_context="Subject:"))
    digests = {hash_prompts(p, 0, None) for p in (prepared, other_docs, other_cue)}
    assert len(digests) == 3
