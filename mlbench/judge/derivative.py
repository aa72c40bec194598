"""What did tuning give a model, and what did it cost? A derivative against its base.

The lead of the derivative over the model it was made from: in its own languages, in all others, and
in English, where a negative lead is what it forgot. The numbers are those of a verdict on the two;
only the languages are put together in another way.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError
from mlbench.judge.claims import ClaimsFile
from mlbench.judge.effects import Effect
from mlbench.judge.evidence import Analysis, analyse
from mlbench.judge.findings import language_rows, only, over_families
from mlbench.judge.pairing import Pairing, pair
from mlbench.judge.sentences import lead_sentence
from mlbench.models.claimed import claimed_by
from mlbench.models.presets import read_presets
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


def find_bases(run: Run, asked: str | None = None) -> dict[str, str]:
    """Return the base of each model of a run that was made from another one of it.

    A base is a fact of a model (models.yaml, its model card, an adapter), or asked for as
    `MODEL=BASE`, or as BASE for every other model without one. Raises SelectionError for a model
    that the run does not have.
    """
    found = {}
    for model, facts in run.models.items():
        base = _in_run(run, str(facts.get("base") or ""))
        if base and base != model:
            found[model] = base
    if asked is None:
        return found
    left, _, right = asked.rpartition("=")
    base = _known(run, right or left)
    others = [_known(run, left)] if left else [m for m in run.models if m not in {*found, base}]
    return found | {model: base for model in others if model != base}


def _known(run: Run, name: str) -> str:
    found = _in_run(run, name)
    if found is None:
        raise SelectionError(
            f"--base {name!r} is not in the run, so nothing can be compared with it. Run it too: "
            f"mlbench run --run {run.typed} --models {name}. Models here: {', '.join(run.models)}"
        )
    return found


def _in_run(run: Run, name: str) -> str | None:
    """Return what the run calls a model: a preset and its hub id are the same model."""
    if name in run.models:
        return name
    hub = _hub_id(name)
    return next((model for model in run.models if hub and _hub_id(model) == hub), None)


def _hub_id(name: str) -> str:
    plain = name.partition("@")[0]
    return str(read_presets().get(plain, {}).get("hub", plain))


def own_languages(run: Run, model: str) -> tuple[str, ...] | None:
    """Return the languages that a model was made for, but English; None where nobody says."""
    facts = run.models[model]
    claimed = claimed_by(model, facts)
    tags = claimed.tags if claimed else facts.get("own_languages")
    return None if tags is None else tuple(tag for tag in tags if tag != REFERENCE)


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
    both = [f for f in analysis.pooled if REFERENCE in f.delta.languages] or analysis.pooled
    return {
        part: over_families(
            [only(family.delta, set(tags)) for family in both], margin, resampling=resampling
        )
        for part, tags in parts.items()
    }


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
