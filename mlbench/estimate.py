"""What will a plan cost, and what could it see? Tokens, time, minimal detectable effects.

Tokens come from the model's own tokenizer on a few docs of each cell, time from the speed of the
same model in the finished cells of this run. Where there is no tokenizer or no finished cell the
answer is `?`, not a guess.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mlbench import store
from mlbench.errors import StoreError
from mlbench.models import Model
from mlbench.plan import Plan, PlannedCell
from mlbench.prepare import Prepared, render_contexts
from mlbench.records import ChoiceDoc
from mlbench.stats import power, read_claims

SAMPLED_DOCS = 8
"""Docs tokenised a cell: enough for the mean length within some percent."""

Row = tuple[str, str, str, str, str, str, str]


def estimate(plan: Plan, limit: int | None) -> Iterator[Row]:
    """Yield a row a model, family and shots: pending cells, docs, tokens asked for, time."""
    groups: dict[tuple[str, str, int], list[PlannedCell]] = defaultdict(list)
    for planned in plan.pending:
        cell = planned.cell
        groups[cell.model, cell.family, cell.shots].append(planned)
    speeds = _read_speeds(plan)
    tokenizers: dict[str, Any] = {}
    for (name, family, shots), cells in groups.items():
        if name not in tokenizers:
            tokenizers[name] = _read_tokenizer(cells[0].model)
        n_docs = sum(len(c.prepared.docs.scored[:limit]) for c in cells)
        tokens = _count_tokens(cells, tokenizers[name], limit)
        speed = speeds.get(name)
        time = _format_time(tokens / speed) if tokens and speed else "?"
        asked = f"{tokens:,.0f}" if tokens else "?"
        yield name, family, str(shots), str(len(cells)), f"{n_docs:,}", asked, time


class Sight(NamedTuple):
    """What a comparison of two models in one language could see, in points of adjusted score.

    `lead` and `moat` are found in 80 % of runs if they are that large; `docs_needed` is for a lead
    of `wanted` points. Two models are assumed to differ on a fifth of the docs.
    """

    family: str
    n_docs: int
    lead: float
    moat: float
    wanted: float
    docs_needed: int


def foresee(plan: Plan, limit: int | None) -> Iterator[Sight]:
    """Yield what each family of choices could see in its language of fewest docs."""
    by_family: dict[str, list[Prepared]] = defaultdict(list)
    for planned in plan.cells:
        if planned.prepared.family.chance is not None:
            by_family[planned.cell.family].append(planned.prepared)
    wanted = read_claims().margins["adjusted"].language
    for name, items in by_family.items():
        docs = min((item.docs.scored[:limit] for item in items), key=len)
        n_clusters = len({doc.cluster_id for doc in docs})
        sample = power.Plan(len(docs), n_clusters, chance=items[0].family.chance or 0.0)
        yield Sight(
            name,
            len(docs),
            100 * power.predicted_effect(sample),
            100 * power.predicted_effect(sample, is_moat=True),
            100 * wanted,
            power.docs_needed(sample, wanted),
        )


def _count_tokens(cells: list[PlannedCell], tokenizer: Any, limit: int | None) -> float | None:
    if tokenizer is None:
        return None
    total = 0.0
    for planned in cells:
        docs = planned.prepared.docs.scored[:limit]
        contexts = render_contexts(planned.prepared, planned.cell.shots, limit)
        step = max(1, len(docs) // SAMPLED_DOCS)
        sampled = range(0, len(docs), step)
        lengths = [len(encoded) for encoded in tokenizer([contexts[i] for i in sampled])]
        sizes = [_n_requests(docs[i]) for i in sampled]
        mean = sum(n * size for n, size in zip(lengths, sizes, strict=True)) / len(lengths)
        total += mean * len(docs)
    return total


def _n_requests(doc: object) -> int:
    return len(doc.choices) if isinstance(doc, ChoiceDoc) else 1


def _read_tokenizer(model: Model) -> Any:
    """Return a function from texts to token lists for a folder with a tokenizer.json, else None."""
    file = Path(model.path) / "tokenizer.json"
    if model.backend != "hf" or not file.is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    return lambda texts: [encoded.ids for encoded in tokenizer.encode_batch(texts)]


def _read_speeds(plan: Plan) -> dict[str, float]:
    """Return tokens a second by model, over the finished cells of the run."""
    tokens: dict[str, float] = defaultdict(float)
    seconds: dict[str, float] = defaultdict(float)
    for planned in plan.cells:
        try:
            found = store.get(planned.path)
        except StoreError:
            continue  # a damaged cell has no speed; the plan has already reported it
        if isinstance(found, store.CellResult) and found.usage["n_tokens"]:
            tokens[planned.cell.model] += float(found.usage["n_tokens"])
            seconds[planned.cell.model] += float(found.usage["seconds"] or 0)
    return {name: tokens[name] / seconds[name] for name in tokens if seconds[name]}


def _format_time(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {left:02d} s"
