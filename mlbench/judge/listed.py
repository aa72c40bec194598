"""Is the lead where the maker says? The lead in the languages it lists against that in controls.

A control is a language that is not on the list, and only its like counts: of the same language
family and resource class. Where neither side of such a group is empty, the groups are averaged with
the weight n m/(n + m) of n listed languages and m controls, which is least squares with a level for
each group. A lead that is everywhere, or that follows resources, makes no difference here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlbench.judge.effects import Effect, effect_of, undefined
from mlbench.records import Language
from mlbench.stats.aggregates import FEWEST_LANGUAGE_FAMILIES, mean_of_families
from mlbench.stats.bootstrap import Resampling, equal_draws, rng_of
from mlbench.stats.contrast import Contrast
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats
from mlbench.stats.unseen import mean_floor, vary

FEWEST_CONTROLS = 5
"""Fewer languages beyond the list are a story about these few."""

_STREAM = "listed languages and controls"


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Listed languages and controls that have their like on the other side.

    `strata` numbers the pairs of family and class, `families` the families, of each language.
    """

    tags: tuple[str, ...]
    is_listed: NDArray[np.bool_]
    strata: NDArray[np.int64]
    families: NDArray[np.int64]

    def difference(self, values: Floats, weights: Floats) -> Floats:
        """Return listed less control for each row of values and of weights of the languages."""
        listed, control, share = self._sides(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = self._sums(weights * values, self.is_listed) / listed
            gap -= self._sums(weights * values, ~self.is_listed) / control
            total = np.where(share > 0, share * gap, 0.0).sum(axis=1) / share.sum(axis=1)
        return np.asarray(total)

    def shares(self) -> Floats:
        """Return what each language is multiplied by in the difference."""
        ones = np.ones((1, len(self.tags)))
        listed, control, share = (side[0][self.strata] for side in self._sides(ones))
        total = self._sides(ones)[2].sum()
        return np.asarray(np.where(self.is_listed, share / listed, -share / control) / total)

    def draws(self) -> float:
        """Return how many equal language families these are worth, by their part in the mean."""
        parts = np.bincount(self.families, np.abs(self.shares())).astype(np.float64)[:, np.newaxis]
        return float(equal_draws(parts, parts)[0])

    def _sides(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        listed, control = (self._sums(weights, side) for side in (self.is_listed, ~self.is_listed))
        both = listed + control
        share = np.divide(listed * control, both, out=np.zeros_like(both), where=both > 0)
        return listed, control, share

    def _sums(self, values: Floats, chosen: NDArray[np.bool_]) -> Floats:
        columns = np.eye(self.strata.max() + 1)[self.strata] * chosen[:, np.newaxis]
        return np.asarray(values @ columns)


def match(
    tags: Sequence[str], facts: Mapping[str, Language], listed: Sequence[str]
) -> Matched | None:
    """Return the languages that have their like on the other side; None if there are none.

    English is the reference and no part. Neither listed nor a control is a language without a
    class, one whose text is another's, and one that the list holds in another script or dialect.
    """
    known = [facts[tag] for tag in tags if tag in facts and tag != REFERENCE_LANGUAGE]
    usable = [x for x in known if _is_told(x, listed) and x.resource_class is not None]
    side_by_group: dict[tuple[str, int | None], set[bool]] = {}
    for x in usable:
        side_by_group.setdefault((x.family, x.resource_class), set()).add(x.tag in listed)
    groups = sorted(group for group, sides in side_by_group.items() if len(sides) > 1)
    kept = [x for x in usable if (x.family, x.resource_class) in groups]
    if not kept:
        return None
    families = sorted({family for family, _ in groups})
    return Matched(
        tuple(x.tag for x in kept),
        np.array([x.tag in listed for x in kept]),
        np.array([groups.index((x.family, x.resource_class)) for x in kept]),
        np.array([families.index(x.family) for x in kept]),
    )


def _is_told(language: Language, listed: Sequence[str]) -> bool:
    """Return whether a language is clearly on the list or off it, with a text of its own."""
    others = (language.speakers_shared_with, language.dialect_of, language.same_text_as)
    is_off = not any(other in listed for other in others)
    return not language.is_duplicate and (language.tag in listed or is_off)


@dataclass(frozen=True, slots=True)
class ListedLead:
    """The difference, both leads that it is between, and how many languages each is over."""

    effect: Effect
    listed: float = 0.0
    controls: float = 0.0
    n_listed: int = 0
    n_controls: int = 0


def listed_lead(
    contrasts: Sequence[Contrast],
    facts: Mapping[str, Language],
    listed: Sequence[str],
    *,
    margin: float,
    resampling: Resampling,
) -> ListedLead:
    """Compare the lead in listed languages with that in controls, over families of docs.

    Replicates draw docs and language families, as neighbours share both resources and results.
    """
    found = [(c, match(c.languages, facts, listed)) for c in contrasts]
    pairs = [(contrast, matched) for contrast, matched in found if matched is not None]
    used = [(c, m) for c, m in pairs if m.families.max() + 1 >= FEWEST_LANGUAGE_FAMILIES]
    on_list = {t for _, m in used for t in np.array(m.tags)[m.is_listed].tolist()}
    off_list = {t for _, m in used for t in np.array(m.tags)[~m.is_listed].tolist()}
    if len(off_list) < FEWEST_CONTROLS:
        n = max((int((~m.is_listed).sum()) for _, m in pairs), default=0)
        return ListedLead(undefined(_too_few(n), margin))
    columns = [_column(contrast, matched, resampling) for contrast, matched in used]
    together = mean_of_families(columns)
    assert together is not None
    effect = effect_of(
        together,
        margin,
        resampling=resampling,
        n_languages=len(on_list | off_list),
        method="matched by language family and resource class, language families as a sample",
    )
    levels = np.mean([_levels(contrast, matched) for contrast, matched in used], axis=0)
    return ListedLead(effect, float(levels[0]), float(levels[1]), len(on_list), len(off_list))


def _too_few(n: int) -> str:
    return (
        f"{n} languages that are not on the list have their like on it, of {FEWEST_CONTROLS} "
        f"needed in {FEWEST_LANGUAGE_FAMILIES} language families; run --languages all+controls"
    )


def _levels(contrast: Contrast, matched: Matched) -> tuple[float, float]:
    values, share = _of(contrast, matched).estimate, matched.shares()
    side = matched.is_listed
    return float(values[side] @ share[side]), float(-values[~side] @ share[~side])


def _of(contrast: Contrast, matched: Matched) -> Contrast:
    return contrast.take([contrast.languages.index(tag) for tag in matched.tags])


@lru_cache(maxsize=4)
def _draw_families(codes: tuple[int, ...], resampling: Resampling) -> Floats:
    """Count how often each language is drawn in each replicate: as often as its family.

    Languages are not drawn in their family besides, as in an average over languages: what sets two
    languages of a family apart is in the differences of the families already.
    """
    n = max(codes) + 1
    rng = rng_of(resampling.seed, "language families as a sample")
    times = rng.multinomial(n, np.full(n, 1 / n), size=resampling.replicates)
    return np.asarray(times[:, codes], dtype=np.float64)


def _column(contrast: Contrast, matched: Matched, resampling: Resampling) -> Contrast:
    """Return the difference as an effect of one column, the language families a sample."""
    own = _of(contrast, matched)
    weights = _draw_families(tuple(matched.families.tolist()), resampling)
    replicates = matched.difference(own.replicates, weights)[:, np.newaxis]
    estimate = matched.difference(own.estimate[np.newaxis], np.ones((1, len(matched.tags))))
    n = np.full(1, matched.families.max() + 1, dtype=np.int64)
    share = matched.shares()
    floor = own.floor
    if floor is not None:
        floor = mean_floor(floor, share, varies=bool(vary(replicates)[0]))
    return replace(
        own,
        languages=("",),
        estimate=estimate,
        replicates=replicates,
        n_docs=own.n_docs.max(keepdims=True),
        n_clusters=n,
        n_unequal=np.minimum(own.n_unequal.max(keepdims=True), n),
        n_seen=own.n_seen.max(keepdims=True),
        doc_reach=own.doc_reach * float(np.abs(share).sum()),
        floor=floor,
        # The same language families in every family of docs: these are no more of them.
        stream=_STREAM,
        n_draws=np.minimum(matched.draws(), own.draws.min(keepdims=True)),
    )
