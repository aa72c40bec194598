"""How is one cell scored? Build the requests with lm-eval's own task code, ask, read the replies.

This is the inner part of lm_eval.evaluator.evaluate for a single task, without its progress bars,
hashes and bootstrap: same contexts, same requests, same order of choices.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from os.path import commonprefix
from typing import Any

from lm_eval.api.instance import Instance

from mlbench.data.prepare import Prepared
from mlbench.errors import ContextOverflow, TextLost
from mlbench.harness.backend import CountingModel, Usage
from mlbench.harness.chat import Chat
from mlbench.harness.replies import refuse_no_scores
from mlbench.harness.round_trip import find_lost, write_back
from mlbench.harness.task import FamilyTask, build_task, with_label_means
from mlbench.measures import ChoiceSample, Sample
from mlbench.records import OutputType

MOST_LOST = 0.01
"""Share of a cell's texts that a tokenizer may lose something of: a rare sign in one of a hundred
sentences moves their bits by less than the smallest difference that counts (2 log points)."""

SHOWN = 40
"""Characters of a text in a message."""


def evaluate(
    model: CountingModel, prepared: Prepared, *, shots: int, limit: int | None, start: int = 0
) -> tuple[list[Sample], Usage]:
    """Return the samples of a cell in the order of its docs, and what they took.

    `start`: so many docs are scored already, and with them those that calibrate the labels.
    Raises ContextOverflow for a request beyond the window where truncation was not allowed,
    TextLost where whole texts are to be scored that the tokenizer cannot write, and what replies.py
    does for replies of which no score can be made.
    """
    task = build_task(prepared, shots)
    task.is_to_calibrate &= not start
    requests_by_doc = build_requests(task, shots, range(start, _end(prepared, limit)), model.chat)
    n_lost = _count_lost(model, task, [doc for doc, _ in requests_by_doc])
    requests = [request for _, group in requests_by_doc for request in group]
    responses = _ask(model, requests)
    if task.family.output_type == OutputType.REPLY:
        written = task.reply_samples([doc for doc, _ in requests_by_doc], responses)
        usage = model.take_usage(len(requests))
        refuse_no_scores(written)
        return list(written), usage._replace(n_lost=n_lost)
    samples, start, n_same_tokens = [], 0, 0
    for doc, group in requests_by_doc:
        replies = responses[start : start + len(group)]
        n_tokens = [model.count_tokens(request.args) for request in group]
        sample = task.sample_from_results(doc, replies, n_tokens)
        if isinstance(sample, ChoiceSample):
            asked = [request.args for request in group[: len(sample.choices)]]
            n_same_tokens += model.are_same_tokens(asked)
        samples.append(sample)
        start += len(group)
    usage = model.take_usage(len(requests))
    labelled = with_label_means(samples)
    refuse_no_scores(labelled, n_same_tokens)
    return labelled, usage._replace(n_lost=n_lost)


def _count_lost(
    model: CountingModel, task: FamilyTask, docs: Sequence[Mapping[str, Any]]
) -> int | None:
    """Count the docs that the tokenizer cannot write; None where that cannot be told.

    A choice among texts that were read in part is still the model's choice. The bits of a text
    that was read in part are those of another text: raises TextLost for them.
    """
    tokenizer = model.tokenizer
    lost = find_lost(tokenizer, [task.own_texts(doc) for doc in docs])
    if lost is None:
        return None
    if task.family.output_type == OutputType.TEXT and len(lost) > MOST_LOST * len(docs):
        text = docs[lost[0]]["text"]
        back = write_back(tokenizer, [text])[0]
        at = len(commonprefix([text, back]))
        raise TextLost(
            f"the tokenizer cannot write {len(lost)} of {len(docs)} texts: unknown tokens, or "
            f"characters that it drops or changes. In {docs[lost[0]]['doc_id']!r}, "
            f"{text[at : at + SHOWN]!r} becomes {back[at : at + SHOWN]!r}. Bits and tokens of such "
            f"texts are too few to be compared with any"
        )
    return len(lost)


def verify(
    model: CountingModel,
    cells: Iterable[tuple[Prepared, int]],
    *,
    n_docs: int,
    limit: int | None,
) -> None:
    """Let the packed engine try its mode on some docs of each family and number of shots.

    `cells` are docs with their number of shots. A family's docs are spread evenly over its
    languages. What was tried before on this model is not tried again.
    """
    if not n_docs or model.mode is None:
        return
    families: dict[tuple[str, int], list[Prepared]] = {}
    for prepared, shots in cells:
        families.setdefault((prepared.family.name, shots), []).append(prepared)
    requests: list[Instance] = []
    for (name, shots), items in families.items():
        if (name, shots) in model.verified:
            continue
        model.verified.add((name, shots))
        for at, n in Counter(i * len(items) // n_docs for i in range(n_docs)).items():
            task = build_task(items[at], shots)
            task.is_to_calibrate = False
            docs = range(min(n, _end(items[at], limit)))
            built = build_requests(task, shots, docs, model.chat)
            requests += [request for _, group in built for request in group]
    model.lm.verify_mode(requests)


def _end(prepared: Prepared, limit: int | None) -> int:
    return len(prepared.docs.scored[:limit])


def build_requests(
    task: FamilyTask, shots: int, docs: range, chat: Chat | None
) -> list[tuple[dict[str, Any], list[Instance]]]:
    """Return each doc of a task in a range, with what is asked of it as lm-eval would ask."""
    groups = []
    how = {"apply_chat_template": chat is not None, "chat_template": chat}
    for doc_id, doc in islice(task.doc_iterator(limit=docs.stop), docs.start, None):
        context = task.fewshot_context(doc, shots, **how, fewshot_as_multiturn=chat is not None)
        metadata = (task.task_name, doc_id, 1)
        made = task.construct_requests(doc=doc, ctx=context, metadata=metadata, **how)
        groups.append((doc, made if isinstance(made, list) else [made]))
    return groups


def _ask(model: CountingModel, requests: Sequence[Instance]) -> list[Any]:
    """Send the requests, the longest first: backends batch in this order and pad to the longest."""
    order = sorted(range(len(requests)), key=lambda i: -len(requests[i].args[0]))
    method = getattr(model.lm, requests[0].request_type)
    try:
        replies = method([requests[i] for i in order], disable_tqdm=True)
    except ContextOverflow:
        model.take_usage(0)
        raise
    responses: list[Any] = [None] * len(requests)
    for index, reply in zip(order, replies, strict=True):
        responses[index] = reply
    return responses
