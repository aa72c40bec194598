"""A constant answer has nothing to gain."""

from mlbench.judge.chance import cell_chance, pooled_chance
from mlbench.measures import ChoiceSample, ScoreSample


def sample(target: int, n: int = 7) -> ChoiceSample:
    return ChoiceSample(str(target), "c", target, tuple("abcdefg"[:n]), (0.0,) * n)


def test_chance_is_the_share_of_the_commonest_target_where_that_is_more_than_guessing():
    docs = [sample(0)] * 51 + [sample(i) for i in range(1, 7) for _ in range(25)] + [sample(1)] * 3
    assert len(docs) == 204
    assert cell_chance(docs, 1 / 7) == 0.25


def test_chance_is_one_over_the_choices_where_targets_are_even():
    assert cell_chance([sample(i) for i in range(7)], 1 / 7) == 1 / 7


def test_chance_is_the_nominal_one_where_no_target_is_known():
    assert cell_chance([ScoreSample("a", "a", 1.0)], 0.25) == 0.25
    assert cell_chance([sample(0)], None) is None


def test_the_place_of_choices_of_the_docs_own_is_no_answer():
    docs = [ChoiceSample(str(i), "c", 0, (f"good {i}", f"bad {i}"), (0.0, 0.0)) for i in range(5)]
    assert cell_chance(docs, 0.5) == 0.5


def test_docs_of_one_target_say_nothing_of_the_spread():
    assert cell_chance([sample(3)], 1 / 7) == 1 / 7
    assert cell_chance([sample(3), sample(3)], 1 / 7) == 1 / 7


def test_the_chance_of_a_family_is_over_the_docs_of_all_its_cells():
    assert pooled_chance([[sample(0, 2)], [sample(1, 2)]], 0.5) == 0.5
    assert pooled_chance([[sample(0, 2)], [sample(0, 2), sample(1, 2)]], 0.5) == 2 / 3
    assert pooled_chance([], 0.5) == 0.5
