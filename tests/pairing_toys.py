"""A run of two models, imported from a table, that holds every reason to leave a cell out."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mlbench import store
from mlbench.data.languages import read_languages
from mlbench.imports import import_results
from mlbench.records import Cell
from mlbench.store.manifest import Contents, add_to_manifest, read_manifest, save_manifest
from mlbench.store.read import read_run

N_DOCS = 40
HEADER = (
    "model,family,language,doc_id,score,cluster_id,shots,is_parallel,loglikelihood,n_bytes,n_tokens"
)

REASONS = {
    ("topic", "ar"): "the models were scored under different conditions (prompts)",
    ("topic", "my"): "the models were scored on different docs",
    ("topic", "tr"): "the docs are in other clusters for one model than for the other",
    ("topic", "de"): "no doc of this run is shared with en",
    ("topic", "th"): "not run for 'b'",
    ("topic", "ru"): "failed for 'b'",
    ("topic", "ja"): "it failed for both models",
    ("topic", "ko"): "it was not run for either model",
    ("topic", "fi"): "the family has no data there",
    ("topic", "vi"): "failed for 'a'; not run for 'b'",
    ("topic", "pt"): "scored under an earlier plan for 'b'",
    ("topic", "es"): "its file is damaged for 'b'",
    ("solo", "en"): "the family was not run for 'b'",
    ("shots", "en"): "run at other shots: 'a' at 0 and 'b' at 5",
    ("broken", "en"): "family 'broken' is parallel, but doc 'd0' is in cluster 'd0' in 'sw' and in "
    "'other' before",
}
"""A reason of each kind, by family and language."""

COMPARED = {"en", "sw", "hi"}
"""Languages of the family `topic` in which a and b can be compared."""


def lines_of(  # noqa: PLR0913  (a line of the table has so many fields)
    model: str,
    family: str,
    tag: str,
    *,
    share: float = 0.6,
    n: int = N_DOCS,
    shots: int = 0,
    prefix: str = "d",
    cluster: Callable[[int], str] = lambda i: f"d{i}",
    parallel: str = "true",
) -> Iterator[str]:
    """Write the lines of a cell of which about this share is right."""
    for i in range(n):
        score = int((7 * i + len(tag) + ord(tag[0])) % N_DOCS < share * N_DOCS)
        yield f"{model},{family},{tag},{prefix}{i},{score},{cluster(i)},{shots},{parallel},,,"


def text_lines(model: str, family: str, tag: str, *, prefix: str, parallel: str) -> Iterator[str]:
    """Write the lines of a cell of texts, with bits and tokens."""
    for i in range(N_DOCS):
        bits = 60 + i % 7 + (5 if model == "b" else 0)
        doc = f"{prefix}{i}"
        yield f"{model},{family},{tag},{doc},,{doc},0,{parallel},-{bits},90,{20 + i % 5}"


def import_lines(name: str, lines: list[str]) -> Path:
    """Import a table and return the folder of its run."""
    table = Path(f"{name}.csv")
    table.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
    import_results("csv", table, name)
    return store.RUNS / name


def sign(folder: Path, cell: Cell, *, is_planned: bool = True, **parts: Any) -> None:
    """Write other parts into the signature of a stored cell, as if it was planned so or not."""
    run = read_run(folder)
    signature = dataclasses.replace(run.done[cell].signature, **parts)
    path = store.cell_path(folder, run.models[cell.model]["slug"], cell)
    store.put(path, dataclasses.replace(run.done[cell], signature=signature))
    if is_planned:
        digests = {cell: signature.digest}
        add_to_manifest(folder, Contents({}, {}, [cell], [], digests=digests))


def make_run(name: str = "r") -> Path:
    """Make the run of REASONS."""
    lines: list[str] = []
    for model, share in (("a", 0.8), ("b", 0.5)):
        for tag in ("en", "sw", "hi", "ar", "ru", "pt", "es"):
            lines += lines_of(model, "topic", tag, share=share)
        lines += lines_of(model, "topic", "my", share=share, n=N_DOCS - (model == "b"))
        lines += lines_of(model, "topic", "de", share=share, prefix="own")
        own = (lambda i: f"d{i // 2}") if model == "b" else (lambda i: f"d{i}")
        lines += lines_of(model, "topic", "tr", share=share, cluster=own)
        lines += lines_of(model, "shots", "en", share=share, shots=0 if model == "a" else 5)
        lines += lines_of(model, "broken", "sw", share=share)
        lines += lines_of(model, "broken", "en", share=share, cluster=lambda i: "other")
    lines += lines_of("a", "topic", "th", share=0.8)
    lines += lines_of("a", "solo", "en", share=0.8)
    folder = import_lines(name, lines)
    sign(folder, Cell("b", "topic", "ar", 0), prompts="others")
    sign(folder, Cell("b", "topic", "hi", 0), data_revision="a newer commit")
    sign(folder, Cell("b", "topic", "pt", 0), is_planned=False, weights="older ones")
    damaged = Cell("b", "topic", "es", 0)
    store.cell_path(folder, read_run(folder).models["b"]["slug"], damaged).write_bytes(b"PAR1")
    _edit_plan(folder)
    return folder


def _edit_plan(folder: Path) -> None:
    """Plan cells that failed or were never run, and languages without data."""
    manifest = read_manifest(folder)
    known = read_languages()
    for tag in ("ja", "ko", "fi", "vi"):
        manifest["languages"][tag] = dataclasses.asdict(known[tag])
    for model in "ab":
        manifest["cells"][model]["topic"]["0"] += ["ja", "ko"]
    manifest["cells"]["a"]["topic"]["0"].append("vi")
    manifest["no_data"]["topic"] = {"fi": "no rows"}
    save_manifest(folder, manifest)
    for model, tag in (("b", "ru"), ("a", "ja"), ("b", "ja"), ("a", "vi")):
        cell = Cell(model, "topic", tag, 0)
        where = store.cell_path(folder, manifest["models"][model]["slug"], cell)
        where.unlink(missing_ok=True)
        store.put_failed(where, store.FailedCell(cell, "it broke", "", {}))
