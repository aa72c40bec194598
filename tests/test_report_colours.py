"""Is every text readable? Contrast by the formula of WCAG 2.2, in both themes."""

import re
from importlib.resources import files

import pytest

from mlbench.report.colours import (
    STEPS,
    Theme,
    contrast,
    difference_ramp,
    difference_step,
    luminance,
    parity_ramp,
    ramp_css,
    score_ramp,
)

TEXT, GRAPHIC = 4.5, 3.0
"""WCAG 2.2, success criteria 1.4.3 (level AA) and 1.4.11."""

ON_TEXT = {
    "bg": ("fg", "soft", "link", "warn"),
    "panel": ("fg", "soft"),
    "english": ("fg", "soft", "warn"),
    "warn-bg": ("warn",),
    "fg": ("bg",),
}
"""Text colours by the ground they stand on in app.css."""


def themes() -> dict[str, dict[str, str]]:
    """Read the custom properties of each theme out of app.css."""
    css = files("mlbench.report.page").joinpath("static", "app.css").read_text(encoding="utf-8")
    found = re.findall(r"(:root[^{]*)\{(--[^}]*)\}", css)
    assert len(found) == 4
    values = [dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", block)) for _, block in found]
    return {"light": values[0], "dark by system": values[1], "dark by choice": values[2]} | {
        "print": values[3]
    }


def whole(colour: str) -> str:
    """Write #rgb as #rrggbb."""
    return "#" + "".join(2 * digit for digit in colour[1:]) if len(colour) == 4 else colour


def test_the_formula_is_that_of_wcag() -> None:
    # Black on white is 21 to 1; #777777 on white is 4.48 to 1 (WebAIM's contrast checker).
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert luminance("#ffffff") == pytest.approx(1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ramp", [score_ramp, difference_ramp, parity_ramp])
def test_ink_is_readable_on_every_step_of_a_ramp(ramp, theme: Theme) -> None:
    assert min(contrast(colour.fill, colour.ink) for colour in ramp(theme)) >= TEXT


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ramp", [score_ramp, parity_ramp])
def test_what_says_nothing_recedes_and_more_is_further_from_the_page(ramp, theme: Theme) -> None:
    page = whole(themes()["light" if theme == "light" else "dark by choice"]["bg"])
    distances = [contrast(colour.fill, page) for colour in ramp(theme)]
    assert distances[0] < 1.2 and distances == sorted(distances) and distances[-1] > 9


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_difference_recedes_and_both_sides_grow_alike(theme: Theme) -> None:
    page = whole(themes()["light" if theme == "light" else "dark by choice"]["bg"])
    distances = [contrast(colour.fill, page) for colour in difference_ramp(theme)]
    b_ahead, a_ahead = distances[STEPS // 2 :: -1], distances[STEPS // 2 :]
    assert b_ahead == sorted(b_ahead) and a_ahead == sorted(a_ahead)
    assert distances[STEPS // 2] < 1.2 and min(distances[0], distances[-1]) > 4.5


def test_differences_of_thirty_and_of_seventy_points_look_apart() -> None:
    # The differences of a run of two demo models reach 80 points; most are above 20.
    steps = [difference_step(points) for points in (2, 10, 30, 50, 70, 90)]
    assert len({*steps}) == 6 and steps == sorted(steps)
    assert difference_step(-30) == STEPS - difference_step(30)
    assert [difference_step(points) for points in (5, 20, 45, 80)] == [25, 30, 35, 40]


def test_each_step_has_its_colours_of_both_themes_in_the_style() -> None:
    light, dark = score_ramp("light")[7], score_ramp("dark")[7]
    either = f"light-dark({light.fill},{dark.fill})"
    assert f".s7{{background:{light.fill};" in ramp_css()
    assert f".s7{{background:{either};fill:{either};" in ramp_css()


@pytest.mark.parametrize("theme", ["light", "dark by system", "dark by choice"])
@pytest.mark.parametrize(("ground", "text"), [(g, t) for g, ts in ON_TEXT.items() for t in ts])
def test_text_is_readable_on_its_ground(theme: str, ground: str, text: str) -> None:
    values = themes()[theme]
    assert contrast(whole(values[text]), whole(values[ground])) >= TEXT


def mixed(colour: str, ground: str, share: float) -> str:
    """Lay a colour over a ground, as color-mix with transparent does."""
    pairs = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", ["light", "dark by system", "dark by choice"])
def test_text_is_readable_on_the_lines_of_a_hatched_cell(theme: str) -> None:
    values = {name: whole(value) for name, value in themes()[theme].items()}
    line = mixed(values["hatch"], values["bg"], 0.35)
    assert min(contrast(values[text], line) for text in ("soft", "warn")) >= TEXT


@pytest.mark.parametrize("theme", ["light", "dark by system", "dark by choice"])
def test_dots_stand_out_from_the_page(theme: str) -> None:
    values = themes()[theme]
    assert contrast(whole(values["dot"]), whole(values["bg"])) >= GRAPHIC


def test_both_ways_to_the_dark_theme_are_one_and_print_is_light() -> None:
    assert themes()["dark by system"] == themes()["dark by choice"]
    assert themes()["print"] == themes()["light"]
