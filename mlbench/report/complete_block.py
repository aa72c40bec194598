"""Which cells do all models share, and in which order does that put the models?

Ranks are made from a complete block: the same languages, families and docs for every ranked model.
What cannot be in it is left out with a reason, so that two places never rest on different sets.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mlbench.data.languages import REFERENCE
from mlbench.errors import DataError
from mlbench.families.doc_sets import doc_set_of
from mlbench.judge.pairing import why_not_paired
from mlbench.measures import Measure, statistics_of
from mlbench.records import Cell
from mlbench.report.columns import Block
from mlbench.report.tables import CellView, ReportTable
from mlbench.report.text import show_line
from mlbench.stats import (
    CellScores,
    Ranking,
    Resampling,
    ScoreTable,
    add_means,
    drawn_alike,
    macro_means,
    rank_models,
    table_from_cells,
)
from mlbench.store.cells import CellResult
from mlbench.store.samples import cluster_ids_of, doc_ids_of
from mlbench.wording import plural

ENOUGH = 0.5
"""A model with fewer than this share of the cells of the fullest model is not ranked: it would
take its missing cells away from all others, whose complete block is shared."""


class RankQuestion(NamedTuple):
    """What is ranked: the families at a number of shots, by adjusted score or, without, by one."""

    table: ReportTable
    shots: int
    blocks: tuple[Block, ...]
    models: tuple[str, ...]

    @property
    def joint(self) -> tuple[Block, ...]:
        """Return the families that make the level; bits of two families cannot be averaged."""
        scored = [b for b in self.blocks if b.chance is not None and b.is_pooled]
        rest = [block for block in self.blocks if not block.measure.has_chance]
        return tuple(scored or rest[:1])

    @property
    def measure(self) -> Measure | None:
        """Return the measure of the levels, None for adjusted scores."""
        first = self.joint[0]
        return None if first.chance is not None else first.measure


class Part(NamedTuple):
    """A family in the languages that all ranked models have."""

    block: Block
    scores: ScoreTable


class Found(NamedTuple):
    """The joint ranking, and the ranking of each family alone."""

    parts: list[Part]
    inside: list[Part]
    joint: Ranking
    alone: list[Ranking]


def too_few_cells(question: RankQuestion) -> dict[str, str]:
    """Return as text of which models too little is there to share a complete block with."""
    counts = {
        model: sum(
            view.state == "value"
            for view in _views(question.table, question.joint, model, question.table.run.languages)
        )
        for model in question.models
    }
    most = max(counts.values())
    return {
        model: f"it has {n:,} of the {most:,} cells of the fullest model; "
        f"at least {100 * ENOUGH:.0f} % are needed"
        for model, n in counts.items()
        if n < ENOUGH * most
    }


def _views(
    table: ReportTable, blocks: Iterable[Block], model: str, tags: Iterable[str]
) -> Iterator[CellView]:
    for block in blocks:
        if model in block.models:
            for tag in tags:
                yield table.cells[Cell(model, block.family, tag, block.shots)]


def part_of(
    table: ReportTable, block: Block, ranked: Sequence[str], tags: Sequence[str] | None = None
) -> tuple[Part | None, list[str]]:
    """Collect the languages of a family that all ranked models have, and what is left out.

    Only `tags` are looked at; without, all languages but English, and English where it is alone.
    """
    lacking = [model for model in ranked if model not in block.models]
    if lacking:
        return None, [f"{block.title}: not run for {plural(len(lacking), 'ranked model')}"]
    if tags is None:
        tags = [tag for tag in table.run.languages if tag != REFERENCE] or [REFERENCE]
    kept, different = [], 0
    for tag in tags:
        views = [table.cells[Cell(model, block.family, tag, block.shots)] for model in ranked]
        results = [view.result for view in views if view.result is not None]
        if len(results) < len(ranked):
            continue
        if any(why_not_paired(results[0], result) for result in results[1:]):
            different += 1
            continue
        kept += results
    left_out = (
        [f"{block.title}: different docs or conditions in {plural(different, 'language')}"]
        if different
        else []
    )
    if not kept:
        return None, left_out or [f"{block.title}: no language that all ranked models have"]
    cells = [_cell_scores(result, block) for result in kept]
    try:
        scores = table_from_cells(
            block.family,
            cells,
            measure=block.measure,
            is_parallel=block.is_parallel,
            doc_set=doc_set_of(block.family, table.run.families[block.family]),
        )
    except DataError as error:
        return None, [*left_out, f"{block.title}: {show_line(error)}"]
    return Part(block, scores), left_out


def alike(parts: Sequence[Part]) -> list[Part]:
    """Let the families of one doc set be drawn alike."""
    scores = drawn_alike(part.scores for part in parts)
    return [Part(part.block, table) for part, table in zip(parts, scores, strict=True)]


def _cell_scores(result: CellResult, block: Block) -> CellScores:
    return CellScores(
        result.cell.model,
        result.cell.language,
        doc_ids_of(result.samples),
        statistics_of(result.samples, block.metric),
        cluster_ids_of(result.samples),
        block.chance or 0.0,
    )


def rank_parts(
    parts: list[Part], inside: list[Part], models: Sequence[str], resampling: Resampling
) -> Found:
    """Rank by all families together, each counting once, and by each alone, from the same draws."""
    shares, alone = [], []
    for part in parts:
        tags = part.scores.languages
        weights = np.full((1, len(tags)), 1 / len(tags))
        if part in inside:
            weights = np.concatenate([weights, weights / len(inside)])
        own, *rest = macro_means(part.scores, models, weights, resampling)
        alone.append(rank_models(models, own, resampling))
        shares += rest
    joint = rank_models(models, add_means(shares), resampling)
    return Found(parts, inside, joint, alone)
