"""Does every request fit the model's window? Found out before the first cell is scored.

What counts is context and continuation, for the longest continuation of each context, or context
and all tokens that may be written. lm-eval feeds all tokens of a continuation but the last, which
is only predicted, so such a request may have one more than the window.
"""

import os
from collections import defaultdict
from collections.abc import Callable

from mlbench.data.prepare import (
    TARGET_DELIMITER,
    list_pairs,
    render_calibration,
    render_contexts,
    turns_of,
)
from mlbench.errors import ContextOverflow
from mlbench.harness.backend import CountingModel
from mlbench.harness.chat import Chat
from mlbench.records import OutputType, TextDoc
from mlbench.runner.plan import PlannedCell

CUT = 8
"""Tokens that a text cut in two may have more than whole, at most: only the word at the cut is
encoded otherwise."""

Encode = Callable[[str], list[int]]
Asked = list[tuple[str, tuple[str, ...]]]


def refuse_overflow(model: CountingModel, cells: list[PlannedCell], limit: int | None) -> None:
    """Refuse before any scoring if a request of a cell is beyond the window.

    Raises ContextOverflow with how many cells, which languages, and the worst case.
    """
    encode: Encode | None = getattr(model.lm, "tok_encode", None)
    if model.window is None or model.overflow != "refuse" or encode is None:
        return
    found = ((_find_too_long(encode, model, p, limit), p.cell) for p in cells)
    too_long = [(n_tokens, cell) for n_tokens, cell in found if n_tokens]
    if too_long:
        n_tokens, worst = max(too_long)
        tags = ", ".join(sorted({cell.language for _, cell in too_long}))
        raise ContextOverflow(
            f"{len(too_long)} of {len(cells)} cells do not fit the window of {model.window} tokens "
            f"of {worst.model!r}: {tags}. One request, context and continuation, has {n_tokens} "
            f"tokens ({worst.family}, {worst.language!r}, {worst.shots} shots), allowed are "
            f"{model.window + 1}. Use fewer --shots, leave these languages out, or cut contexts on "
            f"the left with --overflow truncate"
        )


def _find_too_long(
    encode: Encode, model: CountingModel, planned: PlannedCell, limit: int | None
) -> int:
    """Return the tokens of the longest request by bytes that is beyond the window; 0 for none.

    A byte makes at most one token and the examples are the same before every doc, so few contexts
    are encoded, and with their continuations only those that nearly fill the window.
    """
    if planned.prepared.family.output_type == OutputType.TEXT:
        return 0  # a long text is scored in windows, not cut
    assert model.window is not None
    reply = planned.prepared.family.reply
    # All that may be written has its place in the window.
    n_written = reply.max_tokens if reply else 0
    room = model.window - n_written if reply else model.window + 1
    asked = _list_requests(planned, limit, model.chat)
    examples = os.path.commonprefix([context for context, _ in asked])
    n_before = len(encode(examples)) + CUT
    for context, continuations in sorted(asked, key=lambda its: -_n_bytes(its[0])):
        longest = max(map(_n_bytes, continuations))
        if n_before + _n_bytes(context.removeprefix(examples)) + longest <= room:
            continue
        if len(encode(context)) + longest + CUT <= room:
            continue
        n_tokens = max(len(encode(context + its)) for its in continuations)
        if n_tokens > room:
            return n_tokens + n_written
    return 0


def _list_requests(planned: PlannedCell, limit: int | None, chat: Chat | None) -> Asked:
    """Return each context of a cell, of calibration docs too, with its continuations."""
    prepared, shots = planned.prepared, planned.cell.shots
    asked: Asked = []
    docs = [*prepared.docs.scored[:limit], *prepared.docs.calibration]
    if chat is None:
        contexts = [*render_contexts(prepared, shots, limit), *render_calibration(prepared, shots)]
    else:
        contexts = [
            chat(turns_of(prepared, doc, shots)) for doc in docs if not isinstance(doc, TextDoc)
        ]
    for doc, context in zip(docs, contexts, strict=True):
        assert not isinstance(doc, TextDoc)
        by_context: dict[str, list[str]] = defaultdict(list)
        pairs = list_pairs(
            prepared, doc, context, delimiter=TARGET_DELIMITER if chat is None else ""
        )
        for before, continuation in pairs or [(context, "")]:
            by_context[before].append(continuation)
        asked += [(before, tuple(after)) for before, after in by_context.items()]
    return asked


def _n_bytes(text: str) -> int:
    return len(text.encode())
