"""What do many languages say together? Blocks, groups, weights, the sample of languages.

Every mean is over a stated, fixed set of languages, and what is left out is listed with a reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mlbench.errors import DataError
from mlbench.records import Language
from mlbench.stats.bootstrap import Resampling, rng_of
from mlbench.stats.cells import are_above_chance
from mlbench.stats.contrast import Contrast, mean_contrast
from mlbench.stats.sequential import Looks, strictest
from mlbench.stats.table import Floats, Ints, ScoreTable

# Below this many language families their spread is not known, and languages are not a sample.
FEWEST_LANGUAGE_FAMILIES = 3
UNKNOWN = "unknown"


class Excluded(NamedTuple):
    """A language that takes no part in a family, and why; sorts by language."""

    language: str
    family: str
    reason: str


class Block(NamedTuple):
    """Languages in which all compared models were scored, and those left out."""

    languages: tuple[str, ...]
    left_out: tuple[Excluded, ...]


def complete_block(table: ScoreTable, models: Sequence[str]) -> Block:
    """Find the languages that every one of these models has; the others get a reason."""
    kept, left_out = [], []
    by_model = {model: table.covers((model,)) for model in models}
    for row, language in enumerate(table.languages):
        lacking = [model for model in models if not by_model[model][row]]
        if lacking:
            reason = f"not run for {' and '.join(map(repr, lacking))}"
            left_out.append(Excluded(language, table.family, reason))
        else:
            kept.append(language)
    return Block(tuple(kept), tuple(left_out))


def languages_at_chance(table: ScoreTable, models: Sequence[str]) -> tuple[str, ...]:
    """List the languages in which no compared model can be told from chance; none for bits.

    They are counted beside the numbers and stay in them: to leave them out because of the scores
    that give the lead makes the lead too large (crossfit.py).
    """
    if not table.measure.has_chance or not table.languages:
        return ()
    n = len(table.languages)
    chance = table.chance_by_language()
    parts = [slice(0, n)] if table.is_parallel else [slice(i, i + 1) for i in range(n)]
    is_above = np.zeros((len(models), n), dtype=bool)
    for part in parts:
        codes = table.clusters[part].max(axis=0)
        for place, model in enumerate(models):
            values = table.values[table.model_index(model), part]
            is_above[place, part] = are_above_chance(values, codes, chance[part])
    at_chance = np.flatnonzero(~is_above.any(axis=0))
    return tuple(table.languages[i] for i in at_chance)


GROUP_OF: dict[str, Callable[[Language], str]] = {
    "family": lambda language: language.family,
    "script": lambda language: language.script,
    "class": lambda language: (
        UNKNOWN if language.resource_class is None else str(language.resource_class)
    ),
}


def group_names(tags: Sequence[str], facts: Mapping[str, Language], by: str) -> list[str]:
    """Name the language family, script or resource class of each language."""
    if by not in GROUP_OF:
        raise DataError(f"no grouping {by!r}; allowed: {', '.join(GROUP_OF)}")
    return [GROUP_OF[by](facts[tag]) if tag in facts else UNKNOWN for tag in tags]


def population_weights(tags: Sequence[str], facts: Mapping[str, Language], tau: float) -> Floats:
    """Weigh languages by speakers^tau (Blasi et al., ACL 2022, section 3): sum 1, tau 0 all equal.

    A language whose speakers are unknown has weight 0, unless tau is 0. Those of `tags` that share
    one number of speakers split it evenly, so that nobody is counted twice.
    """
    owners = [_owner_of_speakers(tag, facts) for tag in tags]
    speakers = [
        (_speakers(tag, facts) or 0) / owners.count(owner)
        for tag, owner in zip(tags, owners, strict=True)
    ]
    raw = np.array([1.0 if tau == 0 else n**tau for n in speakers])
    total = raw.sum()
    return np.asarray(raw / total if total > 0 else raw)


def without_weight(tags: Sequence[str], facts: Mapping[str, Language]) -> tuple[str, ...]:
    """Return the languages whose speakers are unknown: a mean weighted by speakers lacks them."""
    return tuple(tag for tag in tags if not _speakers(tag, facts))


def _speakers(tag: str, facts: Mapping[str, Language]) -> int | None:
    return facts[tag].speakers if tag in facts else None


def _owner_of_speakers(tag: str, facts: Mapping[str, Language]) -> str:
    """Return the language under which the speakers of this one are counted."""
    return (facts[tag].speakers_shared_with if tag in facts else None) or tag


def combine_families(
    contrasts: Sequence[Contrast], weights: Sequence[Floats] | None = None
) -> Contrast | None:
    """Average an effect in each language over the families that have the language.

    Families of the same docs are drawn alike and others independently, so their replicates average
    like the estimates and carry what they share. Docs of two streams count as more docs, those of
    one stream once. `weights` gives, by family, what each of its languages is multiplied by
    instead, and nothing is divided.
    """
    if not contrasts or (len(contrasts) == 1 and weights is None):
        return contrasts[0] if contrasts else None
    tags = sorted({tag for contrast in contrasts for tag in contrast.languages})
    places = [[tags.index(tag) for tag in contrast.languages] for contrast in contrasts]
    if weights is None:
        n_families = np.bincount(np.concatenate(places), minlength=len(tags))
        weights = [1 / n_families[at] for at in places]
    shape = (len(contrasts[0].replicates), len(tags))
    estimate, replicates = np.zeros(shape[1]), np.zeros(shape)
    counts: dict[str, Ints] = {}
    floors: dict[str, Floats] = {}
    draws: dict[str, Floats] = {}
    for i, (contrast, at, share) in enumerate(zip(contrasts, places, weights, strict=True)):
        estimate[at] += contrast.estimate * share
        # By runs of neighbours, which are slices: many times faster than scattered columns.
        for run in np.split(np.arange(len(at)), np.flatnonzero(np.diff(at) != 1) + 1):
            start, end = int(run[0]), int(run[-1]) + 1
            part = contrast.replicates[:, start:end] * share[start:end]
            replicates[:, at[start] : at[end - 1] + 1] += part
        name = contrast.stream or str(i)
        own = counts.setdefault(name, np.zeros((4, len(tags)), dtype=np.int64))
        parts = (contrast.n_docs, contrast.n_clusters, contrast.n_unequal, contrast.n_seen)
        own[:, at] = np.maximum(own[:, at], np.stack(parts))
        worth = draws.setdefault(name, np.zeros(len(tags)))
        worth[at] = np.maximum(worth[at], contrast.draws)
        floor = floors.setdefault(name, np.zeros(len(tags)))
        if contrast.floor is not None:
            floor[at] += contrast.floor * share
    together = sum(counts.values(), np.zeros((4, len(tags)), dtype=np.int64))
    return Contrast(
        tuple(tags),
        estimate,
        replicates,
        n_docs=together[0],
        n_clusters=together[1],
        n_unequal=together[2],
        n_seen=together[3],
        doc_reach=max(contrast.doc_reach for contrast in contrasts),
        # What is hidden from one formulation of a doc is hidden from the others.
        floor=np.sqrt(sum((floor**2 for floor in floors.values()), np.zeros(len(tags)))),
        stream=next(iter(counts)) if len(counts) == 1 else "",
        n_draws=sum(draws.values(), np.zeros(len(tags))),
        looks=_looks_of(contrasts, tags),
    )


def _looks_of(
    contrasts: Sequence[Contrast], tags: Sequence[str]
) -> tuple[Looks | None, ...] | None:
    """Return the strictest look of each language over families; None where all docs were fixed."""
    found: dict[str, list[Looks | None]] = {tag: [] for tag in tags}
    for contrast in contrasts:
        for tag, look in zip(contrast.languages, contrast.looks or (), strict=False):
            found[tag].append(look)
    looks = tuple(strictest(of_tag) for of_tag in found.values())
    return looks if any(looks) else None


def each_family_once(contrasts: Sequence[Contrast]) -> Contrast | None:
    """Weigh an effect by language so that the plain mean over languages counts each family once.

    A family of few languages then counts as much as one of many, as in the headline.
    """
    if len(contrasts) < 2:
        return contrasts[0] if contrasts else None
    n = len({tag for contrast in contrasts for tag in contrast.languages})
    sizes = [len(contrast.languages) for contrast in contrasts]
    weights = [np.full(size, n / (len(contrasts) * size)) for size in sizes]
    return combine_families(contrasts, weights)


def mean_of_families(means: Sequence[Contrast]) -> Contrast | None:
    """Average effects of one column each over families, each counting once."""
    if len(means) < 2:
        return means[0] if means else None
    return combine_families([replace(mean, languages=("",)) for mean in means])


def sampled_mean(contrast: Contrast, families: Sequence[str], resampling: Resampling) -> Contrast:
    """Average an effect with the languages as a sample, not as the ones of interest.

    On top of the docs, each replicate draws as many language families as there are, then in each
    as many languages as it has, both with replacement. The units are the families: fewer than
    three give nan. Doc noise of single languages is counted in both stages, so this is wide.
    """
    mean = mean_contrast(contrast)
    names, codes = np.unique(list(families), return_inverse=True)
    n = np.full(1, len(names), dtype=np.int64)
    # Docs that do not vary show no more by being spread over language families.
    unequal = np.minimum(mean.n_unequal, n)
    if len(names) < FEWEST_LANGUAGE_FAMILIES:
        unknown = np.full_like(mean.replicates, np.nan)
        return replace(mean, replicates=unknown, n_clusters=n, n_unequal=unequal, n_draws=None)
    weights = draw_languages(tuple(codes.tolist()), resampling)
    drawn = (weights * contrast.replicates).sum(axis=1) / weights.sum(axis=1)
    columns = drawn[:, np.newaxis]
    # More language families than docs make no docs.
    draws = np.minimum(n, mean.draws)
    return replace(mean, replicates=columns, n_clusters=n, n_unequal=unequal, n_draws=draws)


@lru_cache(maxsize=4)
def draw_languages(codes: tuple[int, ...], resampling: Resampling) -> Floats:
    """Count how often each language is drawn in each replicate, by way of its family.

    Kept for the next pair of models, which mostly has the same languages: 8 bytes a replicate and
    language.
    """
    rng = rng_of(resampling.seed, "languages as a sample")
    members_of = [np.flatnonzero(np.equal(codes, family)) for family in range(max(codes) + 1)]
    even = np.full(len(members_of), 1 / len(members_of))
    times = rng.multinomial(len(members_of), even, size=resampling.replicates)
    weights = np.empty((resampling.replicates, len(codes)))
    for family, members in enumerate(members_of):
        share = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(times[:, family] * len(members), share)
    weights.flags.writeable = False
    return weights
