"""What will a plan cost, and what could it see? Tokens, time, minimal detectable effects.

Tokens are those of all requests as they are sent, context and continuation, which is what a run
counts. The model's own tokenizer reads a few docs of each cell; the others are taken to have as
many tokens a character. Time comes from the speed that is given, or that the same model has in the
finished cells of this run or of another. Where there is no tokenizer or no speed the answer is `?`,
not a guess.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mlbench import store
from mlbench.data.languages import REFERENCE
from mlbench.data.prepare import (
    TARGET_DELIMITER,
    Prepared,
    list_pairs,
    render_calibration,
    render_contexts,
)
from mlbench.errors import ModelError, StoreError
from mlbench.judge import read_claims
from mlbench.judge.sentences import FewDocs, few_docs_sentence
from mlbench.measures import ADJUSTED
from mlbench.models import Model
from mlbench.records import OutputType, ReplyDoc, TextDoc
from mlbench.runner.plan import Plan, PlannedCell
from mlbench.stats import power
from mlbench.store.read import Run

logger = logging.getLogger(__name__)

SAMPLED_DOCS = 8
"""Docs tokenised a cell, at least: enough for the tokens a character within some percent."""

_BEFORE = "a"
"""A context of one letter, after which a continuation is encoded to count its tokens."""


class Row(NamedTuple):
    """What the pending cells of a column ask for, tokens by language too; None is unknown."""

    model: str
    family: str
    shots: int
    cells: int
    docs: int
    tokens: int | None
    seconds: float | None
    by_language: Mapping[str, int]


Speeds = Mapping[tuple[str, bool], float]
"""Tokens a second by model; apart where it writes, as each token then costs a pass of its own."""


def estimate(
    plan: Plan, limit: int | None, *, given: float | None = None, earlier: Speeds | None = None
) -> Iterator[Row]:
    """Yield a row a model, family and shots: pending cells, docs, tokens asked for, time.

    `given` is a speed for all models, in tokens a second; `earlier` are those of another run, for
    models that have none in this one.
    """
    groups: dict[tuple[str, str, int], list[PlannedCell]] = defaultdict(list)
    for planned in plan.pending:
        cell = planned.cell
        groups[cell.model, cell.family, cell.shots].append(planned)
    speeds = {**(earlier or {}), **_read_speeds(plan)}
    tokenizers: dict[str, Any] = {}
    for (name, family, shots), cells in groups.items():
        if name not in tokenizers:
            tokenizers[name] = _read_tokenizer(cells[0].model)
        n_docs = sum(len(c.prepared.docs.scored[:limit]) for c in cells)
        tokens = _count_tokens(cells, tokenizers[name], limit)
        total = sum(tokens.values())
        speed = given or speeds.get((name, _writes(cells[0])))
        seconds = total / speed if total and speed else None
        by_language = {tag: round(n) for tag, n in tokens.items()}
        asked = round(total) or None
        yield Row(name, family, shots, len(cells), n_docs, asked, seconds, by_language)


class Sight(NamedTuple):
    """What a comparison of two models in one language could see, in points of adjusted score.

    `lead` and `moat` are found in 80 % of runs if they are that large; `docs_needed` is for a lead
    of `wanted` points. Two models are assumed to differ on a fifth of the docs. `too_few` says that
    so few docs can tell nothing, or no single language; then there is nothing to foresee.
    """

    family: str
    n_docs: int
    lead: float
    moat: float
    wanted: float
    docs_needed: int
    too_few: str

    def __str__(self) -> str:
        """Say it in a line."""
        if self.too_few:
            return f"{self.family}: {self.too_few}"
        return (
            f"{self.family}, {self.n_docs} docs: a lead of {self.lead:.1f} points, a moat of "
            f"{self.moat:.1f}; a lead of {self.wanted:.0f} points needs {self.docs_needed} docs"
        )


def foresee(plan: Plan, limit: int | None) -> Iterator[Sight]:
    """Yield what each family of choices could see in its language of fewest docs."""
    by_family: dict[str, list[Prepared]] = defaultdict(list)
    for planned in plan.cells:
        if planned.prepared.family.chance is not None:
            by_family[planned.cell.family].append(planned.prepared)
    wanted = read_claims().margins[ADJUSTED.name].language
    for name, items in by_family.items():
        docs = min((item.docs.scored[:limit] for item in items), key=len)
        n_clusters = len({doc.cluster_id for doc in docs})
        sample = power.Plan(len(docs), n_clusters, chance=items[0].family.chance or 0.0)
        n_others = len({item.language.tag for item in items} - {REFERENCE})
        needed = (power.fewest_docs(), power.fewest_docs(n_tests=n_others))
        yield Sight(
            name,
            len(docs),
            100 * power.predicted_effect(sample),
            100 * power.predicted_effect(sample, is_moat=True),
            100 * wanted,
            power.docs_needed(sample, wanted),
            few_docs_sentence(FewDocs(n_clusters, *needed, n_others)),
        )


class _Request(NamedTuple):
    """What a model is asked once: a continuation after its context, or a text without any."""

    context: str
    continuation: str

    @property
    def n_chars(self) -> int:
        return len(self.context) + len(self.continuation)


def _count_tokens(cells: list[PlannedCell], tokenizer: Any, limit: int | None) -> dict[str, float]:
    """Return the tokens of cells by language; none where there is no tokenizer."""
    found: dict[str, float] = {}
    if tokenizer is None:
        return found
    for planned in cells:
        by_doc = _requests_by_doc(planned, limit)
        step = max(1, len(by_doc) // SAMPLED_DOCS)
        sampled = [request for requests in by_doc[::step] for request in requests]
        n_chars = sum(request.n_chars for requests in by_doc for request in requests)
        n_tokens = _count_exactly(sampled, tokenizer)
        share = n_chars / sum(request.n_chars for request in sampled)
        found[planned.cell.language] = n_tokens * share
    return found


def _requests_by_doc(planned: PlannedCell, limit: int | None) -> list[list[_Request]]:
    """Return what harness.task asks for each doc, without lm-eval."""
    family = planned.prepared.family
    contexts = render_contexts(planned.prepared, planned.cell.shots, limit)
    found = []
    for doc, context in zip(planned.prepared.docs.scored[:limit], contexts, strict=True):
        if family.prompt is None or isinstance(doc, TextDoc):
            found.append([_Request("", context)])
            continue
        if isinstance(doc, ReplyDoc):
            # What a model will write is not known; a good reply is as long as the reference.
            found.append([_Request(context, TARGET_DELIMITER + doc.reference)])
            continue
        prompt = family.prompt(doc)
        asked = [context]
        if family.calibration_context is not None:
            asked.append(context.removesuffix(prompt.context) + family.calibration_context)
        if not found:
            # The calibration docs go with the first doc (harness.task).
            asked += render_calibration(planned.prepared, planned.cell.shots)
        pairs = (pair for its in asked for pair in list_pairs(planned.prepared, doc, its))
        found.append([_Request(*pair) for pair in pairs])
    return found


def _count_exactly(requests: Sequence[_Request], tokenizer: Any) -> int:
    """Count the tokens of requests; each distinct text is encoded once."""
    from mlbench.harness.tokenizer import encode

    wanted = {text for request in requests for text in _texts_to_encode(request)}
    texts = sorted({_BEFORE, *wanted})
    size = {text: len(ids) for text, ids in zip(texts, encode(tokenizer, texts), strict=True)}
    total = 0
    for request in requests:
        first, *rest = _texts_to_encode(request)
        # A text without a context is predicted from one token that stands before it.
        total += size[first] + (size[rest[0]] - size[_BEFORE] if rest else 1)
    return total


def _texts_to_encode(request: _Request) -> list[str]:
    if not request.context:
        return [request.continuation]
    return [request.context, _BEFORE + request.continuation]


def _read_tokenizer(model: Model) -> Any:
    """Return the model's tokenizer, None where it is the backend's own or cannot be loaded."""
    if model.backend != "hf":
        return None
    # Imported late: transformers takes seconds.
    from mlbench.harness.tokenizer import load_tokenizer

    try:
        return load_tokenizer(model, trust_remote_code=False)
    except ModelError as error:
        logger.warning("%s", error)
        return None


def _writes(planned: PlannedCell) -> bool:
    return planned.prepared.family.reply is not None


def speeds_of(run: Run) -> Speeds:
    """Return the speeds of the models of a run, over its finished cells."""
    writes = {f: facts["output_type"] == OutputType.REPLY for f, facts in run.families.items()}
    return _speeds(((c.model, writes[c.family]), done.usage) for c, done in run.done.items())


def _read_speeds(plan: Plan) -> Speeds:
    return _speeds(_usages(plan))


def _usages(plan: Plan) -> Iterator[tuple[tuple[str, bool], Mapping[str, Any]]]:
    for planned in plan.cells:
        try:
            found = store.get(planned.path, planned.cell)
        except StoreError:
            continue  # a damaged cell has no speed; the plan has already reported it
        if isinstance(found, store.CellResult):
            yield (planned.cell.model, _writes(planned)), found.usage


def _speeds(usages: Iterable[tuple[tuple[str, bool], Mapping[str, Any]]]) -> Speeds:
    tokens: dict[tuple[str, bool], float] = defaultdict(float)
    seconds: dict[tuple[str, bool], float] = defaultdict(float)
    for kind, usage in usages:
        if usage.get("n_tokens"):
            tokens[kind] += float(usage["n_tokens"])
            seconds[kind] += float(usage["seconds"] or 0)
    return {kind: tokens[kind] / seconds[kind] for kind in tokens if seconds[kind]}
