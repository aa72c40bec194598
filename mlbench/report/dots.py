"""How do many dots become one small drawing? A dot is a stroke of no length with a round end.

Dots that would lie on one another are stacked, closer where there are many, so that a crowd is seen
as one and nothing leaves the drawing.
"""

from collections import defaultdict
from collections.abc import Sequence


def stacked_path(xs: Sequence[float], *, floor: float, room: float, dot: float) -> str:
    """Draw one dot of a height at each x, stacked from the floor upwards within the room over it.

    >>> stacked_path([9, 9.2, 30], floor=12, room=12, dot=4)
    'M9 10h0M9.2 6h0M30 10h0'
    """
    bins: dict[int, list[float]] = defaultdict(list)
    for x in sorted(xs):
        bins[round(x / dot)].append(x)
    tallest = max((len(stack) for stack in bins.values()), default=1)
    step = min(dot, (room - dot) / tallest)
    return points_path(
        [
            (x, floor - dot / 2 - step * level)
            for stack in bins.values()
            for level, x in enumerate(stack)
        ]
    )


def points_path(points: Sequence[tuple[float, float]]) -> str:
    """Draw one dot at each point, rounded to a tenth of a unit."""
    return "".join(f"M{round(x, 1):g} {round(y, 1):g}h0" for x, y in points)


def relative_path(points: Sequence[tuple[int, int]]) -> str:
    """Draw one dot at each point of a grid, each from the one before, which takes least room.

    >>> relative_path([(12, 5), (9, 10), (12, 10)])
    'M9 10h0m3-5h0m0 5h0'
    """
    found, last = "", (0, 0)
    for x, y in sorted(points):
        step = f"{x - last[0]} {y - last[1]}h0".replace(" -", "-")
        found += f"m{step}" if found else f"M{x} {y}h0"
        last = (x, y)
    return found


def diamond_path(x: float, *, floor: float, size: float) -> str:
    """Draw a diamond that stands at x on the floor and is `2 * size` high."""
    return f"M{round(x, 1):g} {floor:g}l{size:g} {-size:g}l{-size:g} {-size:g}l{-size:g} {size:g}z"


def crosses_path(points: Sequence[tuple[float, float]], *, size: float) -> str:
    """Draw a cross of a width at each point: it shows a dot beneath it, and needs no colour."""
    half = size / 2
    return "".join(
        f"M{round(x - half, 1):g} {round(y, 1):g}h{size:g}m{-half:g} {-half:g}v{size:g}"
        for x, y in points
    )
