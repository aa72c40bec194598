"""Can these scores show a difference at all, and on what text? Chance, ceiling, text, docs."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.judge.pairing import why_not_paired
from mlbench.judge.verdict import CEILING
from mlbench.records import Cell, Language
from mlbench.report.checks.check import Check, Detail, block_title, columns, language_names, share
from mlbench.report.columns import Block
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, number, percent, show_line, signed
from mlbench.stats import detectable_effect
from mlbench.stats.cells import clustered_stderrs
from mlbench.store.cells import CellResult
from mlbench.store.samples import cluster_ids_of, doc_ids_of, scores_of
from mlbench.wording import plural

SOME = 0.10
"""More than this share of cells at chance, or at the ceiling, is worth a look: of cells that only
guess, 2.5 % are above chance by luck, and of good ones hardly any is not."""

LUCK = 0.025
"""Share of the cells of a guesser whose 95 % interval lies below chance."""

NEARLY_ALL = 0.80
"""A family with this share of its cells at chance says next to nothing about these models."""

COARSE = 0.10
"""A family whose median language can only show differences of more than this is coarse: ten points
are twice what mlbench takes as the largest irrelevant difference in one language."""


def check_chance(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if more than 10 % of all cells, or 80 % of a family's, are not above chance."""
    details = []
    at_chance: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for block, model, views in columns(table):
        guesses = [view.cell.language for view in views if view.against_chance == "at"]
        title = block_title(block)
        totals[title] += sum(view.against_chance is not None for view in views)
        at_chance[title] += len(guesses)
        if guesses:
            where = language_names(table, guesses)
            says = share(len(guesses), len(views))
            details.append(Detail(f"{title}, {names[model]}", says, where))
    empty = [title for title, n in totals.items() if n and at_chance[title] >= NEARLY_ALL * n]
    n, total = at_chance.total(), totals.total()
    finding = f"{share(n, total)} cannot be told from chance."
    if empty:
        finding += f" {join(empty)}: nearly all at chance, which says next to nothing here."
    return Check(
        "chance",
        "Guessing",
        "unknown" if not total else "check this" if empty or n > SOME * total else "OK",
        finding if total else "No family of this run has a known chance level.",
        f"The interval of such a cell includes the chance level: one over the number of choices, "
        f"or the share of the commonest answer if that is more. Check this: more than "
        f"{100 * SOME:.0f} % of all cells, or {100 * NEARLY_ALL:.0f} % of a family's.",
        tuple(details),
    )


def check_below_chance(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if any cell lies wholly below chance: its model is drawn to wrong choices."""
    details, n, total = [], 0, 0
    for block, model, views in columns(table):
        below = [view.cell.language for view in views if view.against_chance == "below"]
        n, total = n + len(below), total + sum(v.against_chance is not None for v in views)
        if below:
            says = share(len(below), len(views))
            where = language_names(table, below)
            details.append(Detail(f"{block_title(block)}, {names[model]}", says, where))
    return Check(
        "below-chance",
        "Below chance",
        "unknown" if not total else "check this" if n > LUCK * total else "OK",
        f"{share(n, total)} lie wholly below chance."
        if total
        else "No family of this run has a known chance level.",
        f"Such a model does not guess, it is drawn to wrong choices, and a lead over it is larger "
        f"than one over a guesser. Check this: more than {100 * LUCK:g} % of the cells, which is "
        f"what luck makes of guessing.",
        tuple(details),
    )


def check_ceiling(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if English is at 95 % or more anywhere, or more than 10 % of the other cells are."""
    details, n_english, n_others, total = [], 0, 0, 0
    for block, model, views in columns(table):
        high = [view.cell.language for view in views if view.shown >= CEILING]
        n_english += REFERENCE in high
        n_others += len(high) - (REFERENCE in high)
        total += sum(view.cell.language != REFERENCE for view in views)
        if high:
            says = share(len(high), len(views))
            what = f"{block_title(block)}, {names[model]}"
            details.append(Detail(what, says, language_names(table, high)))
    is_high = n_english > 0 or n_others > SOME * total
    return Check(
        "ceiling",
        "Ceiling",
        "check this" if is_high else "OK" if details or total else "unknown",
        f"English is at {percent(CEILING, 0)} % or above in {plural(n_english, 'cell')}, other "
        f"languages in {share(n_others, total)}."
        + (" There a lead has no room to show." if is_high else ""),
        f"Check this: any English cell from {percent(CEILING, 0)} % on, because a gap to English "
        f"is then too small and a lead beyond English too large; or more than {100 * SOME:.0f} % "
        "of the other cells.",
        tuple(details),
    )


def check_text(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if a language has a caveat or (nearly) the text of another; give both means."""
    odd = [lang for lang in table.languages if lang.caveats or lang.is_duplicate]
    copies = {lang.tag for lang in odd if lang.is_duplicate}
    details = [_text_detail(table, lang) for lang in odd]
    moves = []
    for model, shots in dict.fromkeys((m, shots) for m, shots, _ in table.adjusted):
        every, without = (_mean(table, model, shots, left_out=tags) for tags in (set(), copies))
        if copies and every is not None and without is not None:
            moves.append(abs(without - every))
            says = f"{percent(every)} over all, {percent(without)} without near-copies"
            what = f"Mean adjusted score, {names[model]}"
            details.append(
                Detail(what, f"{says} ({signed(100 * (without - every), 2)})", _shots(shots))
            )
    finding = (
        f"{plural(len(odd), 'language')} of {len(table.languages)} with a known problem of the "
        f"text or a near-copy of another ({len(copies)})."
    )
    if moves:
        finding += (
            f" Without near-copies no mean moves by more than {number(100 * max(moves), 2)} points."
        )
    return Check(
        "text",
        "Text of the languages",
        "check this" if odd else "OK",
        finding,
        "Check this: any caveat or near-copy in languages.yaml that is about the data of this run. "
        "Means are over the languages but "
        "English of the column “Mean adjusted score”, with and without near-copies, which would "
        "count one text twice.",
        tuple(details),
    )


def _text_detail(table: ReportTable, language: Language) -> Detail:
    caveats, of = show_line(language.warning), _name(table, language.same_text_as)
    if not caveats:
        return Detail(show_line(language.name, 60), f"same text as {of}")
    copy = f"nearly the text of {of}" if language.is_duplicate else ""
    return Detail(show_line(language.name, 60), caveats, copy)


def _shots(shots: int) -> str:
    return f"{shots}-shot" if shots else ""


def _name(table: ReportTable, tag: str | None) -> str:
    language = table.run.languages.get(tag or "")
    return show_line(language.name if language else tag, 60)


def _mean(table: ReportTable, model: str, shots: int, *, left_out: set[str]) -> float | None:
    tags = [tag for tag in table.run.languages if tag != REFERENCE and tag not in left_out]
    means = [table.adjusted[model, shots, tag] for tag in tags]
    known = [mean.value for mean in means if mean.n]
    return sum(known) / len(known) if known else None


def check_docs(table: ReportTable, names: Mapping[str, str]) -> Check:
    """Check if the median language of a family only shows differences above ten points."""
    details, coarse, is_known = [], [], False
    for block in table.blocks:
        counts = _docs_of(table, block)
        if not block.measure.has_chance or not counts:
            continue
        few, many = f"{min(counts):,}", f"{max(counts):,}"
        title, says = (
            block_title(block),
            f"{f'{few} to {many}' if few != many else few} docs per cell",
        )
        pair = [model for model in table.run.models if model in block.models][:2]
        seen = _detectable(table, block, pair)
        if not math.isnan(seen):
            is_known = True
            coarse += [title] if seen > COARSE else []
            says += f"; {percent(seen)} points between {' and '.join(names[m] for m in pair)}"
            says += " in the median language" if len(pair) > 1 else " and a model like it"
        details.append(Detail(title, says))
    finding = "No family tells how small a difference it could show."
    if is_known:
        finding = (
            f"One language on its own shows only differences of more than {percent(COARSE, 0)} "
            f"points in {join(coarse)}."
            if coarse
            else f"In every family one language can show {percent(COARSE, 0)} points or less."
        )
    return Check(
        "docs",
        "Number of docs",
        "check this" if coarse else "OK" if is_known else "unknown",
        finding,
        "The difference that a paired comparison of the first two models finds in four of five "
        "runs (80 % power), from the spread over the docs of this run, at 95 % and before any "
        f"correction for many languages. Check this: more than {percent(COARSE, 0)} points.",
        tuple(details),
    )


def _docs_of(table: ReportTable, block: Block) -> list[int]:
    cells = (
        Cell(m, block.family, lang.tag, block.shots)
        for m in block.models
        for lang in table.languages
    )
    results = (table.cells[cell].result for cell in cells)
    return [len(result.samples) for result in results if result is not None]


def _detectable(table: ReportTable, block: Block, pair: Sequence[str]) -> float:
    """Return the detectable difference in the median language; of one model: with one like it."""
    stderrs = []
    for lang in table.languages:
        cells = [Cell(model, block.family, lang.tag, block.shots) for model in pair]
        views = [table.cells[cell] for cell in cells]
        results = [view.result for view in views if view.result is not None]
        if len(pair) == 1 and (level := views[0].level):
            stderrs.append(math.sqrt(2) * level.stderr)
        elif len(results) == 2 and not why_not_paired(*results):
            stderrs.append(_paired_stderr(results[0], results[1], block.metric))
    known = [stderr for stderr in stderrs if not math.isnan(stderr)]
    if not known:
        return math.nan
    return float(detectable_effect(np.array(np.median(known))))


def _paired_stderr(a: CellResult, b: CellResult, metric: str) -> float:
    scores = [
        dict(zip(doc_ids_of(r.samples), scores_of(r.samples, metric), strict=True)) for r in (a, b)
    ]
    difference = np.array([value - scores[1][doc_id] for doc_id, value in scores[0].items()])
    codes = np.unique(cluster_ids_of(a.samples), return_inverse=True)[1]
    return float(clustered_stderrs(difference[np.newaxis], codes.astype(np.int64))[0])
