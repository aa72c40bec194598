"""From which model of a run was another one made, and for which languages?

A base is a fact of a model (models.yaml, its model card, an adapter), or asked for with --base.
"""

from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError
from mlbench.models.claimed import claimed_by
from mlbench.models.presets import read_presets
from mlbench.store.read import Run


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
