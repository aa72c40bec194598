"""Which colour does a value get, and is the ink on it readable? Three ramps as fixed steps.

Scores: viridis, anchored at chance (even for every kind of colour vision; monotone in lightness).
Differences: orange-white-blue around zero. Parity: one hue, so that it cannot be taken for a
score. Steps, not a continuous ramp: the page's security policy forbids inline styles, so each step
is a class.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

STEPS = 40
"""A ramp has STEPS + 1 colours; a step is 2.5 points of an adjusted score."""

CLIP_POINTS = 20.0
"""Differences are coloured up to this many points in every view, so that views compare."""

# Lightness 47-96-36 in CAM02-UCS; the ends stay 45 apart for every kind of colour vision.
_DIFFERENCE = ("#b35806", "#e08a2e", "#f6c68b", "#f7f7f7", "#9fc5e8", "#4a8cc7", "#1f4e8c")
_PARITY = ("#f4f1f8", "#d5cbe6", "#ab9bcf", "#7d65b2", "#4f2d84")


class Colour(NamedTuple):
    """A fill and the ink (black or white) that contrasts more with it."""

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
    black, white = "#000000", "#ffffff"
    return Colour(fill, max((black, white), key=lambda ink: contrast(ink, fill)))


def _between(stops: Sequence[str], share: float) -> str:
    place = share * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    weight = place - left
    pairs = [
        (int(stops[left][i : i + 2], 16), int(stops[left + 1][i : i + 2], 16)) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{round(a + weight * (b - a)):02x}" for a, b in pairs)


@cache
def score_ramp() -> tuple[Colour, ...]:
    """Return the ramp of scores, from chance (first) to 100 % (last)."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    viridis = colormaps["viridis"]
    return tuple(_with_ink(to_hex(viridis(step / STEPS))) for step in range(STEPS + 1))


@cache
def difference_ramp() -> tuple[Colour, ...]:
    """Return the ramp of differences, from -CLIP_POINTS to +CLIP_POINTS."""
    return tuple(_with_ink(_between(_DIFFERENCE, step / STEPS)) for step in range(STEPS + 1))


@cache
def parity_ramp() -> tuple[Colour, ...]:
    """Return the ramp of information parity, from 0 to 1."""
    return tuple(_with_ink(_between(_PARITY, step / STEPS)) for step in range(STEPS + 1))


def step_of(share: float) -> int:
    """Return the step of a share of the ramp; what lies outside takes the end."""
    return round(min(max(share, 0.0), 1.0) * STEPS)


def difference_step(points: float) -> int:
    """Return the step of a difference in points."""
    return step_of((points / CLIP_POINTS + 1) / 2)


def ramp_css() -> str:
    """Write the ramps as classes (s0, d0, p0 and up) and the bars of mean scores (b0 and up)."""
    ramps = {"s": score_ramp(), "d": difference_ramp(), "p": parity_ramp()}
    bars = [
        f".b{step}{{background:linear-gradient(90deg,var(--bar) {100 * step / STEPS:g}%,"
        f"transparent 0)}}"
        for step in range(STEPS + 1)
    ]
    fills = [
        f".{letter}{step}{{background:{colour.fill};fill:{colour.fill};color:{colour.ink}}}"
        for letter, ramp in ramps.items()
        for step, colour in enumerate(ramp)
    ]
    return "\n".join(fills + bars)
