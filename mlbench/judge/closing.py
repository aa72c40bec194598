"""Do the numbers add up as they are printed? Elsewhere less English is the lead beyond English.

The three are rounded for a reader, and three roundings can be a tenth apart: +2.24 and +40.26 print
as +2.2 and +40.3, and their difference, +38.02, as +38.0. So the lead beyond English is printed as
the difference of the other two as printed, at most one unit of the last digit from its own
rounding. The other two stand elsewhere too, and so never give way.
"""

import math
from collections.abc import Mapping
from typing import Any

from mlbench.measures import scale_of

# Numbers of a verdict have nine significant digits; what is farther apart is no such difference.
SAME = 1e-7


def closed_moat(english: float, others: float, moat: float, scale: str) -> float:
    """Move a lead beyond English to where it closes when printed; others are left as they are.

    >>> round(closed_moat(0.0224, 0.4026, 0.3802, "adjusted"), 4)
    0.381
    >>> closed_moat(0.1, 0.3, 0.1, "bits")
    0.1
    """
    if not abs(others - english - moat) <= SAME:
        return moat
    known = scale_of(scale)
    return (float(known.format(others)) - float(known.format(english))) / known.factor


def closed(sides: Mapping[str, Any], scale: str, name: str = "moat") -> dict[str, Any]:
    """Close `english`, `others` and an effect of this name; the rest of a verdict stays."""
    estimates = [(sides.get(part) or {}).get("estimate") for part in ("english", "others", name)]
    english, others, moat = (math.nan if x is None else float(x) for x in estimates)
    if math.isnan(moat):
        return dict(sides)
    estimate = closed_moat(english, others, moat, scale)
    return {**sides, name: {**sides[name], "estimate": estimate}}


def printed(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Close every three numbers of a verdict that stand together, for readers; JSON stays exact."""
    scale = verdict["scale"]
    sides = {part: verdict[part] for part in ("english", "others")}

    def close_each(effects: Mapping[str, Any]) -> dict[str, Any]:
        return {name: closed({**sides, **effects}, scale, name)[name] for name in effects}

    found = closed(verdict, scale)
    for part in ("targets", "totals"):
        found[part] = close_each(verdict[part])
    found["rules"] = {rule: closed(one, scale) for rule, one in verdict["rules"].items()}
    for part in ("floored", "without_ceiling"):
        found[part] = closed(verdict[part], scale) if verdict[part] else verdict[part]
    found["by_family"] = {
        family: closed(one, one["scale"]) for family, one in verdict["by_family"].items()
    }
    return found
