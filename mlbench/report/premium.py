"""How many tokens did the parallel texts of a run take? mlbench.tokens.premium has the formulas."""

from mlbench.report.tables import ReportTable
from mlbench.store.samples import text_sizes
from mlbench.tokens.premium import DocKey, Size


def sizes_of(table: ReportTable, model: str) -> dict[str, dict[DocKey, Size]]:
    """Return the sizes of a model's parallel texts by tag; empty where tokens are not known."""
    keys = {(b.family, b.shots) for b in table.blocks if b.measure.is_amount and b.is_parallel}
    found: dict[str, dict[DocKey, Size]] = {}
    for cell, result in table.run.done.items():
        if cell.model != model or (cell.family, cell.shots) not in keys:
            continue
        sizes = found.setdefault(cell.language, {})
        for doc_id, n_tokens, n_bytes in text_sizes(result.samples):
            sizes[cell.family, cell.shots, doc_id] = Size(n_tokens, n_bytes)
    return {tag: sizes for tag, sizes in found.items() if sizes}
