"""Are levels drawn where class, speakers and weights say, and is reach counted right?"""

import re
from pathlib import Path

import pytest
from report_toys import ToyRun, choices, exact

from mlbench.records import Cell, Language
from mlbench.report.compare import Pair
from mlbench.report.resources import HEIGHT, WIDTH, Panel, Resources, resources_of
from mlbench.report.tables import ReportTable, table_from_run
from mlbench.store.read import read_run

A, B = "strong", "weak"


def language(tag: str, resource_class: int | None, speakers: int | None, **more: str) -> Language:
    facts = {"resource_class": resource_class, "speakers": speakers, **more}
    return Language(tag, tag, tag, "Latn", "ltr", "Family", **facts)  # type: ignore[arg-type]  (by name)


ENGLISH = language("en", 5, 1_200_000_000)
ONE_PEOPLE = {"speakers_shared_with": "zh"}
LANGUAGES = {
    "en": (ENGLISH, 8, 8),
    "ru": (language("ru", 4, 200_000_000), 8, 5),
    "zh": (language("zh", 4, 900_000_000), 5, 2),
    "zt": (language("zt", 4, 900_000_000, **ONE_PEOPLE), 5, 2),
    "yo": (language("yo", 1, 40_000_000), 5, 2),
    "xx": (language("xx", None, None), 2, 1),
}


def table_of(folder: Path, sizes: tuple[float | None, float | None] = (4.0, 0.5)) -> ReportTable:
    """Make a run where 8 docs right are a level of 1, 5 are one half and 2 are chance."""
    run = ToyRun(folder, languages=tuple(one for one, _, _ in LANGUAGES.values()))
    for tag, (_, right_a, right_b) in LANGUAGES.items():
        run.put(Cell(A, "topic", tag, 0), exact(right_a))
        run.put(Cell(B, "topic", tag, 0), exact(right_b))
    for model, size in zip((A, B), sizes, strict=True):
        run.models[model] |= {"parameters": size} if size else {}
    return table_from_run(read_run(run.write()))


def drawn(table: ReportTable) -> Resources:
    found = resources_of(table, Pair(A, B, 0))
    assert found is not None
    return found


@pytest.fixture
def panels(tmp_path: Path) -> tuple[Panel, ...]:
    return drawn(table_of(tmp_path / "r")).panels


def points(outline: str) -> list[tuple[int, int]]:
    """Read the dots back from their outline, whose steps are relative."""
    steps = re.findall(r"[Mm](-?\d+) ?(-?\d+)h0", outline)
    found = [(0, 0)]
    for x, y in steps:
        found.append((found[-1][0] + int(x), found[-1][1] + int(y)))
    return found[1:]


def heights(outline: str) -> list[float]:
    return [1 - y / HEIGHT for _, y in points(outline)]


def test_a_dot_a_language_of_known_class_with_the_median_of_each(panels: tuple[Panel, ...]) -> None:
    by_class = panels[0]
    assert [tick.text for tick in by_class.ticks] == ["1", "4"]
    assert sorted(heights(by_class.a)) == [0.5, 0.5, 0.5, 1.0]
    assert sorted(heights(by_class.b)) == [0.0, 0.0, 0.0, 0.5]
    assert by_class.lines_a.count("M") == by_class.lines_b.count("M") == 2
    left, right = points(by_class.a)[-1][0], points(by_class.b)[-1][0]
    assert left < by_class.ticks[1].x < right
    assert "in class 4 (3 languages) 50.0 and 0.0; in class 1 (1 language) 50.0" in by_class.words


def test_more_speakers_are_further_right_and_half_of_english_is_a_line(
    panels: tuple[Panel, ...],
) -> None:
    speakers = panels[1]
    by_tag = dict(zip(["yo", "ru", "zh", "zt"], sorted(points(speakers.a)), strict=True))
    assert by_tag["yo"][0] < by_tag["ru"][0] < by_tag["zh"][0] == by_tag["zt"][0] < WIDTH
    ticks = {tick.text: tick.x for tick in speakers.ticks}
    assert ticks["100 m"] < by_tag["ru"][0] < by_tag["zh"][0] < ticks["1 bn"]
    assert speakers.lines_a == f"M0 {HEIGHT // 2}h{WIDTH}"


def test_reach_counts_the_same_people_once(panels: tuple[Panel, ...]) -> None:
    words = panels[1].words
    assert f"{A} in 4 languages with 1.1 bn speakers; {B} in 1 language with 0.2 bn" in words
    assert "Of 5 languages with 1.1 bn speakers" in words


def test_nobody_keeps_half_of_a_level_that_is_chance(tmp_path: Path) -> None:
    run = ToyRun(tmp_path / "r", languages=(ENGLISH, LANGUAGES["ru"][0]))
    for tag in ("en", "ru"):
        run.put(Cell(A, "topic", tag, 0), choices(0.9, n=100))
        run.put(Cell(B, "topic", tag, 0), choices(0.25, n=100, seed=4))
    found = drawn(table_from_run(read_run(run.write()))).panels[0]
    assert found.title == "By speakers"
    assert f"{A} in 1 language" in found.words
    assert f"unknown for {B}, not above chance in English" in found.words


def test_the_larger_model_is_further_right_and_named(panels: tuple[Panel, ...]) -> None:
    sizes = panels[2]
    assert [tick.text for tick in sizes.ticks] == ["1 GB", "10 GB"]
    assert [(name.text, name.css) for name in sizes.names] == [(A, "last"), (B, "")]
    (small, _), (large, _) = points(sizes.a)
    assert small == 0 and large == round(WIDTH * 0.903)  # 1 GB and 8 GB: 10 ** 0.903


def test_a_size_that_nobody_knows_is_counted_or_leaves_no_drawing(tmp_path: Path) -> None:
    titles = [p.title for p in drawn(table_of(tmp_path / "r", (4.0, None))).panels]
    assert titles == ["By resource class, 5 has most", "By speakers"]


def test_one_model_is_drawn_alone_and_no_level_draws_nothing(tmp_path: Path) -> None:
    found = resources_of(table_of(tmp_path / "r"), None)
    assert found is not None and found.models == (A,) and found.panels[0].b == ""
    run = ToyRun(tmp_path / "empty")
    run.plan(Cell(A, "topic", "en", 0))
    assert resources_of(table_from_run(read_run(run.write())), None) is None
