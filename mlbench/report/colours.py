"""Which colour does a value get, and is the ink on it readable? Three ramps as fixed steps.

What says nothing recedes: chance, no difference and no parity have nearly the colour of the page,
and more is further from it, darker on white and brighter on black. Page and figures share the light
ramps. Steps, not a continuous ramp: the page's security policy forbids inline styles, so each step
is a class.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

Theme = Literal["light", "dark"]

READABLE = 4.5
"""Contrast of text on its ground (WCAG 2.2, level AA); one of black and white always has it."""

STEPS = 40
"""A ramp has STEPS + 1 colours; a step is 2.5 points of an adjusted score."""

FULL_POINTS = 80.0
"""Differences have their last colour from here on, in every view and run, so that they compare.

Colour grows with the square root: 5, 20 and 45 points are a quarter, half and three quarters."""

# Blue-green, one hue family in both themes; lightness is even in OKLab (steps vary by 7 and 5 %).
_SCORE = {
    "light": ("#f5f7f5", "#badac0", "#76bd9e", "#379a8a", "#007575", "#004f5b", "#032c3a"),
    "dark": ("#141c21", "#173e4c", "#0f656d", "#2b8d83", "#54b68f", "#92dc94", "#e1fab7"),
}
# Orange and blue; the light ends stay 45 apart in CAM02-UCS for every kind of colour vision.
_DIFFERENCE = {
    "light": ("#b35806", "#e08a2e", "#f6c68b", "#f7f7f7", "#9fc5e8", "#4a8cc7", "#1f4e8c"),
    "dark": ("#fdc495", "#df8f48", "#925a25", "#1b2128", "#2a669f", "#5b9ddf", "#a3cffd"),
}
# One hue, so that parity cannot be taken for a score.
_PARITY = {
    "light": ("#f4f1f8", "#d5cbe6", "#ab9bcf", "#7d65b2", "#4f2d84"),
    "dark": ("#201d28", "#4e4171", "#7f6cb4", "#b2a3e1", "#e6e0fd"),
}


class Colour(NamedTuple):
    """A fill and the ink, black or white, that is readable on it."""

    fill: str
    ink: str


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb (WCAG 2.2)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _with_ink(fill: str) -> Colour:
    # White wherever it is enough: on a middle tone small black digits read badly at any contrast.
    is_white = contrast("#ffffff", fill) >= READABLE
    return Colour(fill, "#ffffff" if is_white else "#000000")


def _between(stops: Sequence[str], share: float) -> str:
    place = share * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    weight = place - left
    pairs = [
        (int(stops[left][i : i + 2], 16), int(stops[left + 1][i : i + 2], 16)) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{round(a + weight * (b - a)):02x}" for a, b in pairs)


def _ramp(stops: Sequence[str]) -> tuple[Colour, ...]:
    return tuple(_with_ink(_between(stops, step / STEPS)) for step in range(STEPS + 1))


@cache
def score_ramp(theme: Theme = "light") -> tuple[Colour, ...]:
    """Return the ramp of scores, from chance (first) to 100 % (last)."""
    return _ramp(_SCORE[theme])


@cache
def difference_ramp(theme: Theme = "light") -> tuple[Colour, ...]:
    """Return the ramp of differences, from -FULL_POINTS to +FULL_POINTS (`difference_step`)."""
    return _ramp(_DIFFERENCE[theme])


@cache
def parity_ramp(theme: Theme = "light") -> tuple[Colour, ...]:
    """Return the ramp of information parity, from 0 to 1."""
    return _ramp(_PARITY[theme])


def step_of(share: float) -> int:
    """Return the step of a share of the ramp; what lies outside takes the end."""
    return round(min(max(share, 0.0), 1.0) * STEPS)


def difference_step(points: float) -> int:
    """Return the step of a difference in points.

    >>> [difference_step(points) for points in (-80, -5, 0, 20, 200)]
    [0, 15, 20, 30, 40]
    """
    return step_of((math.copysign(math.sqrt(abs(points) / FULL_POINTS), points) + 1) / 2)


def ramp_css() -> str:
    """Write the ramps as classes (s0, d0, p0 and up), each with its colours in both themes."""
    ramps = {"s": score_ramp, "d": difference_ramp, "p": parity_ramp}
    themes = [
        (f"{letter}{step}", light, dark)
        for letter, ramp in ramps.items()
        for step, (light, dark) in enumerate(zip(ramp("light"), ramp("dark"), strict=True))
    ]
    # A browser without light-dark() has the light ramps in the dark theme: readable, not lost.
    plain = [f".{css}{{{_rules(light.fill, light.ink)}}}" for css, light, _ in themes]
    both = [
        f".{css}{{{_rules(_either(light.fill, dark.fill), _either(light.ink, dark.ink))}}}"
        for css, light, dark in themes
    ]
    return "\n".join([*plain, "@supports (color:light-dark(red,red)){", *both, "}"])


def _rules(fill: str, ink: str) -> str:
    return f"background:{fill};fill:{fill};color:{ink}"


def _either(light: str, dark: str) -> str:
    return f"light-dark({light},{dark})"
