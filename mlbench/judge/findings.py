"""Which numbers answer the question? Effects by language, by group and over all of them.

Each is an average of the replicates that evidence.analyse kept; verdict.py and the claims only
choose among them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mlbench.judge.effects import Effect, effect_of, pooled_effect, undefined
from mlbench.judge.evidence import Analysis, FamilyAnalysis
from mlbench.records import Language
from mlbench.stats.aggregates import GROUP_OF, group_names, mean_of_families, sampled_mean
from mlbench.stats.bootstrap import Resampling
from mlbench.stats.contrast import Contrast, mean_contrast, summarise
from mlbench.stats.differences import Headline
from mlbench.stats.equivalence import equal_p_holm, states_of
from mlbench.stats.multiplicity import benjamini_hochberg, holm
from mlbench.stats.power import seen_effect
from mlbench.stats.table import REFERENCE_LANGUAGE, Floats, Ints


def moat_effect(analysis: Analysis, scale: str, *, margin: float, resampling: Resampling) -> Effect:
    """Return M on a scale, named, pooled over the families that have it."""
    families = analysis.on_scale(scale)
    if not families:
        return undefined(analysis.why_no_moat(), margin)
    by_doc_set: dict[str, list[Contrast]] = {}
    for family in families:
        by_doc_set.setdefault(family.doc_set, []).append(family.mean_moats[scale])
    merged = (mean_of_families(twins) for twins in by_doc_set.values())
    means = [mean for mean in merged if mean is not None]
    n_languages = len(languages_of(families))
    return pooled_effect(means, margin, resampling=resampling, n_languages=n_languages)


def languages_of(families: Iterable[FamilyAnalysis]) -> set[str]:
    """Return the languages but English in which any of these families has a moat."""
    return {tag for family in families if family.moat for tag in family.moat.languages}


def headline_effects(
    headlines: Sequence[Headline], margin: float, *, resampling: Resampling, n_languages: int
) -> dict[str, Effect]:
    """Pool the lead in English, in the others, and beyond English: the third is the difference."""
    return {
        name: pooled_effect(
            [getattr(headline, name) for headline in headlines],
            margin,
            resampling=resampling,
            n_languages=1 if name == "english" else n_languages,
        )
        for name in Headline._fields
    }


def over_families(
    contrasts: Iterable[Contrast | None],
    margin: float,
    *,
    resampling: Resampling,
    weights_of: Callable[[Sequence[str]], Floats] | None = None,
) -> Effect:
    """Return an effect over languages, each family counting once, for these very families.

    `weights_of` gives the weights of languages in a family; None: all count alike.
    """
    known = [contrast for contrast in contrasts if contrast is not None and contrast.languages]
    if not known:
        return undefined("no language is left to compare", margin)
    weights = [weights_of(c.languages) if weights_of else np.ones(len(c.languages)) for c in known]
    used = [(c, w) for c, w in zip(known, weights, strict=True) if (w > 0).any()]
    mean = mean_of_families([mean_contrast(contrast, share) for contrast, share in used])
    if mean is None:
        return undefined("no language has a weight", margin)
    tags = {tag for c, w in used for tag, weight in zip(c.languages, w, strict=True) if weight > 0}
    return effect_of(
        mean, margin, resampling=resampling, n_languages=len(tags), method="languages fixed"
    )


def fixed_effect(contrast: Contrast | None, margin: float, *, resampling: Resampling) -> Effect:
    """Return the mean of an effect over these very languages."""
    return over_families([contrast], margin, resampling=resampling)


def sampled_effect(
    contrast: Contrast | None,
    facts: Mapping[str, Language],
    *,
    margin: float,
    resampling: Resampling,
) -> Effect:
    """Return the mean of an effect for languages like these: families of languages are drawn."""
    if contrast is None or not contrast.languages:
        return undefined("no language is left to compare", margin)
    families = group_names(contrast.languages, facts, "family")
    mean = sampled_mean(contrast, families, resampling)
    return effect_of(
        mean,
        margin,
        resampling=resampling,
        n_languages=len(families),
        method="languages as a sample",
    )


def only(contrast: Contrast | None, tags: Sequence[str] | set[str]) -> Contrast | None:
    """Keep some languages of a contrast; None when none is there."""
    if contrast is None:
        return None
    rows = [i for i, tag in enumerate(contrast.languages) if tag in tags]
    return contrast.take(rows) if rows else None


def with_reference(families: Sequence[FamilyAnalysis]) -> Sequence[FamilyAnalysis]:
    """Return the families with English, all if none has: gains and losses are of the same ones."""
    return [f for f in families if REFERENCE_LANGUAGE in f.delta.languages] or families


def others_of(contrast: Contrast | None) -> Contrast | None:
    """Keep every language but English."""
    return only(contrast, set(contrast.languages) - {REFERENCE_LANGUAGE}) if contrast else None


def language_rows(
    delta: Contrast, moat: Contrast | None, margin: float, resampling: Resampling
) -> list[dict[str, Any]]:
    """Return one row per language: Delta and D with intervals, corrected p-values, states and MDE.

    `verdict` is the state of Delta at the level of Benjamini-Hochberg, `moat_verdict` that of D;
    `p_holm` is for sentences that name languages.
    """
    rows = _columns(delta, margin, resampling, prefix="")
    by_tag = {}
    if moat is not None:
        by_tag = {
            row["language"]: row for row in _columns(moat, margin, resampling, prefix="moat_")
        }
    empty = dict.fromkeys(MOAT_COLUMNS)
    return [row | empty | by_tag.get(row["language"], {}) for row in rows]


MOAT_COLUMNS = (
    "moat",
    "moat_low",
    "moat_high",
    "moat_p",
    "moat_q",
    "moat_p_holm",
    "moat_p_equal_holm",
    "moat_stderr",
    "moat_mde",
    "moat_n_docs",
    "moat_verdict",
)


def _columns(
    contrast: Contrast, margin: float, resampling: Resampling, *, prefix: str
) -> list[dict[str, Any]]:
    found = summarise(contrast, resampling)
    q = benjamini_hochberg(found.p)
    states = states_of(contrast, q, margin=margin, alpha=1 - resampling.level)
    columns: dict[str, Sequence[Any] | Floats | Ints] = {
        "moat" if prefix else "delta": found.estimate,
        prefix + "low": found.low,
        prefix + "high": found.high,
        prefix + "p": found.p,
        prefix + "q": q,
        prefix + "p_holm": holm(found.p),
        prefix + "p_equal_holm": equal_p_holm(contrast, margin),
        prefix + "stderr": found.stderr,
        prefix + "mde": seen_effect(found.stderr, contrast.n_clusters, resampling.level),
        prefix + "n_docs": found.n_docs,
        prefix + "verdict": states,
    }
    return [
        {"language": tag} | {name: values[i] for name, values in columns.items()}
        for i, tag in enumerate(contrast.languages)
    ]


def group_effects(
    analysis: Analysis, facts: Mapping[str, Language], margin: float, resampling: Resampling
) -> list[dict[str, Any]]:
    """Return Delta and D by language family, script and resource class, without English."""
    rows = []
    delta = others_of(analysis.delta)
    by_effect: dict[str, list[Contrast | None]] = {
        "delta": [family.delta for family in analysis.pooled],
        "moat": [family.moat for family in analysis.pooled],
    }
    for by in GROUP_OF:
        names = group_names(delta.languages, facts, by) if delta else []
        for name in sorted(set(names)):
            assert delta is not None
            tags = {tag for tag, own in zip(delta.languages, names, strict=True) if own == name}
            effects = {
                key: asdict(
                    over_families(
                        [only(contrast, tags) for contrast in contrasts],
                        margin,
                        resampling=resampling,
                    )
                )
                for key, contrasts in by_effect.items()
            }
            rows.append({"by": by, "group": name, "n_languages": len(tags)} | effects)
    return rows
