"""How many tokens did the parallel texts of a run take? mlbench.tokens.premium has the formulas."""

from mlbench.measures import TextSample
from mlbench.report.tables import ReportTable
from mlbench.tokens.premium import DocKey, Size


def sizes_of(table: ReportTable, model: str) -> dict[str, dict[DocKey, Size]]:
    """Return the sizes of a model's parallel texts by tag; empty where tokens are not known."""
    keys = {(b.family, b.shots) for b in table.blocks if b.measure.is_amount and b.is_parallel}
    found: dict[str, dict[DocKey, Size]] = {}
    for cell, result in table.run.done.items():
        if cell.model != model or (cell.family, cell.shots) not in keys:
            continue
        texts = [sample for sample in result.samples if isinstance(sample, TextSample)]
        sizes = found.setdefault(cell.language, {})
        for text in texts:
            if text.n_tokens:
                key = (cell.family, cell.shots, text.doc_id)
                sizes[key] = Size(text.n_tokens, text.n_bytes)
    return {tag: sizes for tag, sizes in found.items() if sizes}
