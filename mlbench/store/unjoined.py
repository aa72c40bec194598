"""What of several runs cannot be read as one, or not be compared, and why? A sentence each.

join.py puts the runs together; here is only told what a reader must know of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mlbench.store.cells import CellResult
from mlbench.store.read import Run

_WORDS = {
    "family_version": "another version of the family",
    "limit": "another limit",
    "data_sha256": "other docs",
    "prompts": "other prompts",
    "chat": "another chat template",
}
_OF_EXAMPLES = "other few-shot examples or prompts"
_MOST_NAMED = 4


class Left(NamedTuple):
    """A family of a run that is not in the view, because of a fact that differs."""

    part: int
    family: str


class Named(NamedTuple):
    """Models that are told apart: their names by run, and why they are not the same."""

    names: Mapping[tuple[int, str], str]
    whys: Mapping[str, str]

    def of(self, part: int, model: str) -> str:
        """Return what a model of a run is called in the view."""
        return self.names.get((part, model), model)


def notes_of(
    parts: Sequence[Run],
    labels: Sequence[str],
    left: Mapping[Left, tuple[str, int]],
    named: Named,
) -> Iterator[str]:
    """Yield what is not joined or not compared; of families left out by which fact, and whose."""
    for model, why in named.whys.items():
        mine = [i for i, name in named.names if name == model]
        shown = " and ".join(named.of(i, model) for i in mine)
        yield (
            f"{model} is not the same in {' and '.join(labels[i] for i in mine)} ({why}), so it is "
            f"shown as {shown}. To see one of them, leave the other run out"
        )
    for gone, (key, owner) in left.items():
        part, facts = parts[gone.part], [parts[i].families for i in (gone.part, owner)]
        models = dict.fromkeys(cell.model for cell in part.planned if cell.family == gone.family)
        ours, theirs = (known[gone.family].get(key) for known in facts)
        yield (
            f"{gone.family} of {labels[gone.part]} is left out ({_some(list(models))}): its {key} "
            f"is {ours!r} there and {theirs!r} in {labels[owner]}. Run it again there, or name "
            f"{part.typed} first to see it"
        )
    yield from _not_compared(parts, labels, left)


def _not_compared(
    parts: Sequence[Run], labels: Sequence[str], left: Mapping[Left, tuple[str, int]]
) -> Iterator[str]:
    """Yield which columns of a run are not compared with those of an earlier one."""
    held: dict[str, list[int]] = {}
    for i, part in enumerate(parts):
        for family in dict.fromkeys(cell.family for cell in part.done):
            if Left(i, family) not in left:
                held.setdefault(family, []).append(i)
    if not any(len(mine) > 1 for mine in held.values()):
        yield f"no family is finished in more than one of {', '.join(labels)}"
    for family, (first, *others) in held.items():
        for other in others:
            pair = (parts[first], parts[other])
            yield from _of_family(family, pair, (labels[first], labels[other]))


def _of_family(family: str, pair: tuple[Run, Run], labels: tuple[str, str]) -> Iterator[str]:
    shots = [{c.shots for c in part.done if c.family == family} for part in pair]
    if not shots[0] & shots[1]:
        has = (
            f"{label} has it at {', '.join(map(str, sorted(mine)))} shots"
            for label, mine in zip(labels, shots, strict=True)
        )
        yield f"{family} is run at other shots, so it is not compared: {' and '.join(has)}"
    for n in sorted(shots[0] & shots[1]):
        ours, theirs = (_column(part, family, n) for part in pair)
        common = [tag for tag in ours if tag in theirs]
        found = Counter(_words(ours[tag], theirs[tag]) for tag in common)
        del found[""]
        for said, count in found.most_common():
            where = f"all {count}" if count == len(common) else f"{count} of {len(common)}"
            yield (
                f"{family}, {n}-shot: {labels[1]} has {said} than {labels[0]} in {where} common "
                f"languages; there it is shown and not compared"
            )


def _column(part: Run, family: str, shots: int) -> dict[str, CellResult]:
    """Return a finished cell a language: those of one run are scored on the same docs."""
    done = part.done.items()
    return {c.language: r for c, r in done if (c.family, c.shots) == (family, shots)}


def _words(one: CellResult, other: CellResult) -> str:
    parts = one.signature.comparable(other.signature)
    if not parts and len(one.samples) != len(other.samples):
        parts = ("data_sha256",)
    if parts == ("prompts",) and one.cell.shots:
        return _OF_EXAMPLES
    return " and ".join(_WORDS.get(part, f"another {part}") for part in parts)


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
