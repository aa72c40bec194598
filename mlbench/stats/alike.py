"""Are families of the same docs drawn alike, also where one lacks some of the docs?

A draw is a number for each cluster, in the order of their names. Where one wording holds out docs,
or a language lacks one, the numbers would fall on other clusters than in its twin, and the twins
would vary as if their docs were not the same: their mean would look surer than it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from mlbench.stats.table import ScoreTable

_Docs = tuple[str, str]
"""A doc set, and the language where each has docs of its own."""


def drawn_alike(tables: Iterable[ScoreTable]) -> list[ScoreTable]:
    """Give tables of one doc set the same clusters; one that lacks a cluster has no score in it.

    A table whose doc set no other family has is as it was.
    """
    given = list(tables)
    families: dict[str, set[str]] = {}
    for table in given:
        families.setdefault(table.doc_set or "", set()).add(table.family)
    is_shared = [t.doc_set is not None and len(families[t.doc_set]) > 1 for t in given]
    names: dict[_Docs, set[str]] = {}
    for table, shared in zip(given, is_shared, strict=True):
        if shared:
            for docs, own in zip(_docs_of(table), table.cluster_names, strict=True):
                names.setdefault(docs, set()).update(own)
    ordered = {docs: sorted(found) for docs, found in names.items()}
    return [
        _with_clusters(table, [ordered[docs] for docs in _docs_of(table)]) if shared else table
        for table, shared in zip(given, is_shared, strict=True)
    ]


def _docs_of(table: ScoreTable) -> list[_Docs]:
    """Name the docs of each language: those of a parallel family are the same in all."""
    return [(table.stream, "" if table.is_parallel else tag) for tag in table.languages]


def _with_clusters(table: ScoreTable, names: Sequence[Sequence[str]]) -> ScoreTable:
    """Put codes of these clusters, and one doc without scores for each that the table lacks."""
    shape = table.clusters.shape
    lacking = [
        [name for name in mine if name not in set(own)]
        for mine, own in zip(names, table.cluster_names, strict=True)
    ]
    width = max((len(found) for found in lacking), default=0)
    clusters = np.full((shape[0], shape[1] + width), -1, dtype=np.int64)
    # In a parallel family a doc is of its cluster also in a language that lacks it.
    codes = np.broadcast_to(table.clusters.max(axis=0), shape)
    codes = codes if table.is_parallel else table.clusters
    for row, (mine, own) in enumerate(zip(names, table.cluster_names, strict=True)):
        place = {name: code for code, name in enumerate(mine)}
        # The code -1, of no cluster, takes the last of the list.
        clusters[row, : shape[1]] = np.array([*(place[name] for name in own), -1])[codes[row]]
        clusters[row, shape[1] :][: len(lacking[row])] = [place[name] for name in lacking[row]]
    pad = ((0, 0), (0, width))
    return replace(
        table,
        doc_ids=tuple(
            (*ids, *(f"no doc of {name}" for name in found))
            for ids, found in zip(table.doc_ids, lacking, strict=True)
        ),
        clusters=clusters,
        chance=np.pad(table.chance, pad, constant_values=np.nan),
        statistics=np.pad(table.statistics, ((0, 0), *pad, (0, 0)), constant_values=np.nan),
        cluster_names=tuple(map(tuple, names)),
    )
