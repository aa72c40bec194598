"""What did tuning give a model, and what did it cost? A derivative against its base.

The lead of the derivative over the model it was made from: in its own languages, in all others, and
in English, where a negative lead is what it forgot. The numbers are those of a verdict on the two;
only the languages are put together in another way.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlbench.data.languages import REFERENCE
from mlbench.judge.bases import find_bases, own_languages
from mlbench.judge.claims import ClaimsFile
from mlbench.judge.effects import Effect
from mlbench.judge.evidence import Analysis, analyse
from mlbench.judge.findings import language_rows, only, over_families, with_reference
from mlbench.judge.pairing import Pairing, pair
from mlbench.judge.sentences import lead_sentence
from mlbench.judge.verdict import clean
from mlbench.stats import Resampling
from mlbench.store.read import Run

OWN, ELSEWHERE, ENGLISH = "own", "elsewhere", "english"


@dataclass(frozen=True, slots=True)
class Derivative:
    """A model against its base: `scale` and `level` of the effects, by part of the languages.

    `own` are its own languages among those compared; None where nobody says which they are: then
    all languages but English are `elsewhere`. `rows` has the lead in each language.
    """

    model: str
    base: str
    scale: str
    level: float
    own: tuple[str, ...] | None
    effects: Mapping[str, Effect]
    rows: Sequence[Mapping[str, Any]]


def against_base(
    run: Run, model: str, base: str, *, claims: ClaimsFile, resampling: Resampling
) -> Derivative | str:
    """Judge a model against its base; a sentence where nothing can be compared."""
    pairing = pair(run, model, base)
    if not pairing.compared:
        return _why_nothing(pairing)
    analysis = analyse(pairing.evidence, model, base, resampling)
    compared = analysis.delta.languages if analysis.delta else ()
    said = own_languages(run, model)
    own = None if said is None else tuple(tag for tag in compared if tag in said)
    parts: dict[str, Collection[str]] = {
        OWN: own or (),
        ELSEWHERE: [t for t in compared if t != REFERENCE and t not in (own or ())],
        ENGLISH: [REFERENCE],
    }
    margins = claims.margins[analysis.scale.name]
    effects = part_effects(analysis, parts, margins.pooled, resampling)
    rows = []
    if analysis.delta is not None:
        rows = language_rows(analysis.delta, None, margins.language, resampling)
    return Derivative(model, base, analysis.scale.name, resampling.level, own, effects, rows)


def part_effects(
    analysis: Analysis,
    parts: Mapping[str, Collection[str]],
    margin: float,
    resampling: Resampling,
) -> dict[str, Effect]:
    """Return the lead in each part of the languages, by the part's name.

    What is lost in English is of the same families as what is gained elsewhere.
    """
    both = with_reference(analysis.pooled)
    return {
        part: over_families(
            [only(family.delta, set(tags)) for family in both], margin, resampling=resampling
        )
        for part, tags in parts.items()
    }


def as_json(
    run: Run, a: str, b: str, *, claims: ClaimsFile, resampling: Resampling
) -> dict[str, Any] | None:
    """Return A against its base B for a program; None where B is not the base of A."""
    if find_bases(run).get(a) != b:
        return None
    found = against_base(run, a, b, claims=claims, resampling=resampling)
    if isinstance(found, str):
        return None
    own = None if found.own is None else list(found.own)
    effects = {part: asdict(effect) for part, effect in found.effects.items()}
    told: dict[str, Any] = clean({"own_languages": own, "scale": found.scale, **effects})
    return told


def sentences(found: Derivative, names: Mapping[str, str]) -> list[str]:
    """Return what tuning gave and what it cost, a sentence each."""
    pair_of, how = (names[found.model], names[found.base]), (found.scale, found.level)
    own = found.effects[OWN]
    if found.own is None:
        first = f"Which languages {pair_of[0]} was made for is not known here."
    elif not found.own:
        first = f"None of the languages that {pair_of[0]} was made for is compared here."
    else:
        first = lead_sentence(own, pair_of, f"its own languages ({own.n_languages})", how)
    elsewhere = found.effects[ELSEWHERE]
    where = f"{elsewhere.n_languages} other languages"
    return [
        first,
        lead_sentence(elsewhere, pair_of, where, how),
        lead_sentence(found.effects[ENGLISH], pair_of, "English", how),
    ]


def _why_nothing(pairing: Pairing) -> str:
    reasons = sorted({gone.reason for gone in pairing.left_out})
    why = f": {'; '.join(reasons[:2])}" if reasons else ""
    return f"{pairing.a} and its base {pairing.b} cannot be compared{why}."
