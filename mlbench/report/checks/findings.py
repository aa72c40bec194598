"""What was found of the models before their first cells: special tokens, tensors left over."""

from collections.abc import Mapping

from mlbench.report.checks.check import Check, Detail
from mlbench.report.tables import ReportTable
from mlbench.report.text import show_line
from mlbench.store.findings import Findings, findings_of
from mlbench.wording import plural


def check_findings(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if a tokenizer closes texts, or if a checkpoint has more than its model uses."""
    found: dict[str, Findings] = {}
    for cell, result in table.run.done.items():
        if cell.model not in found and "mode" in result.usage:
            found[cell.model] = findings_of(result.usage)
    details = [
        Detail(names[model], show_line("; ".join(_sentences(facts))))
        for model, facts in found.items()
        if _sentences(facts)
    ]
    odd = [
        model
        for model, facts in found.items()
        if facts.after or facts.unexpected or facts.lacking or facts.rounded
    ]
    return Check(
        "findings",
        "Tokenizers and checkpoints",
        "check this" if odd else "OK" if found else "unknown",
        f"{plural(len(odd), 'model')} of {len(found)} with something to know before reading scores."
        if found
        else "No model of this run was looked at by this version of mlbench.",
        "Looked at before the first cell: all tensors in the checkpoint and finite, ids within the "
        "embedding, attention causal; a model that fails is not scored. Check this: tokens that a "
        "tokenizer puts after a text (left out), a BOS token that it should put before one and "
        "does not (--bos), weights that were rounded, or tensors that the model does not use. "
        "Tokens before a text are fed and not scored.",
        tuple(details),
    )


def _sentences(facts: Findings) -> list[str]:
    before = [f"{facts.before} before every text"] if facts.before else []
    after = [f"{facts.after} after every text, left out"] if facts.after else []
    lacking = [f"{facts.lacking} asked for by its config, not put before texts"]
    more = [fact for fact in (facts.unexpected, facts.rounded) if fact]
    return [*before, *after, *(lacking if facts.lacking else []), *more]
