"""From which probability on is a language named? Chosen on sentences that the model has not seen.

Each sentence is asked whole and cut to 60, 30 and 15 code points, so that a probability means the
same for a long text and for a short one.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mlbench.identifier.calibration import NEVER, Calibration, Trust, probabilities
from mlbench.identifier.model import Fit, fit, read_tables

LENGTHS = (None, 60, 30, 15)
LEAST_RIGHT = 0.98
"""Of the texts for which a language is named, the share that must be in it."""

LEAST_MISTAKEN = 0.05
"""The share of whole sentences taken for another language from which on the two are a group."""

LIKE_SHARE = 0.99
"""The share of a language's own texts that are like it; the others are not named."""

_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999)
_SCALES = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5)
_POWERS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5)
_FEWEST = 20


class _Asked(NamedTuple):
    """The fits of a block's sentences at one length, and the column of the right language."""

    truth: npt.NDArray[np.int64]
    found: Fit


def calibrate(texts: Mapping[str, Sequence[str]]) -> Calibration:
    """Return what the sentences of each language show; those without a table need nothing."""
    asked = {block: _ask(texts, block) for block in read_tables()}
    scale, power = _find_temperature([one for lengths in asked.values() for one in lengths])
    languages = {tag: Trust() for tag in texts}
    for lengths in asked.values():
        languages |= _judge(lengths, scale, power)
    return Calibration(scale, power, languages)


def _ask(texts: Mapping[str, Sequence[str]], block: str) -> list[_Asked]:
    tags = read_tables()[block].languages
    truth = np.repeat(np.arange(len(tags)), [len(texts[tag]) for tag in tags])
    return [
        _Asked(truth, fit([text[:length] for tag in tags for text in texts[tag]], block))
        for length in LENGTHS
    ]


def _find_temperature(asked: Sequence[_Asked]) -> tuple[float, float]:
    """Return scale and power under which the right languages are the most probable."""

    def surprise(pair: tuple[float, float]) -> float:
        right = [
            probabilities(one.found, *pair)[np.arange(len(one.truth)), one.truth] for one in asked
        ]
        return float(-np.log(np.maximum(np.concatenate(right), 1e-9)).mean())

    return min(itertools.product(_SCALES, _POWERS), key=surprise)


def _judge(asked: Sequence[_Asked], scale: float, power: float) -> dict[str, Trust]:
    tags = asked[0].found.languages
    mistaken = _find_mistaken(asked[0])
    chances = np.concatenate([probabilities(one.found, scale, power) for one in asked])
    truth = np.concatenate([one.truth for one in asked])
    best = chances.argmax(axis=1)
    trusted = {tag: Trust(mistaken=mistaken[tag]) for tag in tags}
    result = {}
    for column, tag in enumerate(tags):
        members = Calibration(scale, power, trusted).group_of(tag)
        group = [i for i, other in enumerate(tags) if other in members]
        is_best = best == column
        alone = _find_threshold(chances[is_best, column], truth[is_best] == column)
        inside = np.isin(truth[is_best], group)
        within = _find_threshold(chances[is_best][:, group].sum(axis=1), inside)
        result[tag] = Trust(alone, within, *_find_typical(asked, column), mistaken[tag])
    return result


def _find_mistaken(whole: _Asked) -> dict[str, dict[str, float]]:
    """Return which languages are taken for which, with the larger share of both directions."""
    tags = whole.found.languages
    table = np.zeros((len(tags), len(tags)))
    np.add.at(table, (whole.truth, whole.found.scores.argmax(axis=1)), 1)
    shares = table / table.sum(axis=1, keepdims=True)
    np.fill_diagonal(shares, 0)
    larger = np.maximum(shares, shares.T)
    return {
        tag: {
            other: round(float(share), 3)
            for other, share in zip(tags, row, strict=True)
            if share >= LEAST_MISTAKEN
        }
        for tag, row in zip(tags, larger, strict=True)
    }


def _find_typical(asked: Sequence[_Asked], column: int) -> tuple[float, float]:
    """Return the mean evidence of whole sentences, and how far nearly all texts come up to it."""
    evidence = [one.found.evidence[one.truth == column, column] for one in asked]
    typical = float(evidence[0].mean())
    roots = [np.sqrt(np.maximum(one.found.n_grams[one.truth == column], 1)) for one in asked]
    short = np.concatenate([(typical - e) * root for e, root in zip(evidence, roots, strict=True)])
    return round(typical, 4), round(float(np.quantile(short, LIKE_SHARE)), 4)


def _find_threshold(chances: npt.NDArray[np.float64], is_right: npt.NDArray[np.bool_]) -> float:
    """Return the lowest threshold above which enough are right, NEVER where there is none."""
    for threshold in _THRESHOLDS:
        above = is_right[chances >= threshold]
        if len(above) < _FEWEST:
            break
        if above.mean() >= LEAST_RIGHT:
            return threshold
    return NEVER
