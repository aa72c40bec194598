"""What does a verdict on A against B say of B against A? The same numbers with the other sign.

Nothing is judged again: a paired lead is the other one negated, and the ends of its interval swap.
Claims stay as they are, because their sentences name the models.
"""

from collections.abc import Mapping
from typing import Any

OPPOSITE = {"supported": "refuted", "refuted": "supported", "better": "worse", "worse": "better"}
_TWINS = (("low", "high"), ("moat_low", "moat_high"), ("better", "worse"))
_PAIRS = (*_TWINS, ("better_holm", "worse_holm"))
_OTHER_KEY = {one: two for pair in _PAIRS for one, two in (pair, pair[::-1])}
_SIGNED = {"estimate", "delta", "moat", "low", "high", "moat_low", "moat_high"}


def mirrored(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict from the side of B.

    >>> mirrored({"a": "x", "b": "y", "moat": {"estimate": 2.0, "low": 1.0, "high": None}})
    {'moat': {'estimate': -2.0, 'low': None, 'high': -1.0}, 'a': 'y', 'b': 'x'}
    """
    named = {"a": verdict["b"], "b": verdict["a"]}
    told = {
        key: verdict[key] for key in ("claims", "predictions", "against_base") if key in verdict
    }
    kept = {key: value for key, value in verdict.items() if key not in {*named, *told}}
    return _turned(kept) | named | told


def _turned(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(key, found[_twin(key, found)]) for key in found}


def _twin(key: str, found: Mapping[str, Any]) -> str:
    other = _OTHER_KEY.get(key, key)
    return other if other in found else key


def _value(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _turned(value)
    if isinstance(value, list):
        return [_value("", one) for one in value]
    if key in _SIGNED and isinstance(value, int | float):
        return 0.0 - value
    return OPPOSITE.get(value, value) if key.endswith("verdict") else value
