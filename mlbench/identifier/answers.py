"""In which language is a text, and is it in the one that was asked for?

Script first: a text is only ever held against languages that are written as it is. Then the
n-gram model, and from its probability the calibration says what may be named: one language, the few
that cannot be told apart, or none.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mlbench.data.languages import read_controls, read_languages, select_languages
from mlbench.errors import SelectionError
from mlbench.identifier.calibration import Calibration, Trust, probabilities, read_calibration
from mlbench.identifier.letters import block_of, read_letters
from mlbench.identifier.model import fit, read_tables
from mlbench.records import Language

LEAST_LETTERS = 6
LEAST_CHARACTERS = 3
"""Letters below which nothing is said; Chinese, Japanese and Korean write a syllable in each."""

LEAST_SHARE = 0.7
"""The share of letters in one script below which a text is mixed."""

WRONG_SHARE = 0.3
"""A reply with a smaller share of letters in the script asked for is in another script."""

RIGHT_SHARE = 0.5
"""A reply with this share is in it: names and quotations are written as they are elsewhere."""

YES_FROM, NO_UP_TO = 0.9, 0.05
"""The probabilities of the language asked for from which on a reply is in it, or is not."""

LEAST_OF_REPLY = 15
LEAST_CHARACTERS_OF_REPLY = 6
"""Letters below which only the script of a reply is told: a name is in no language."""

_SYLLABIC = frozenset({"Hani", "Hang"})
_LEAST_SHOWN = 0.01


@dataclass(frozen=True, slots=True)
class Identification:
    """What can be said of a text: `languages` is one tag, or several, the most probable first.

    Several are languages that this text does not tell apart; none comes with the `reason`. The
    `probability` is that the text is in one of them, if it is in a language that is known at all.
    """

    languages: tuple[str, ...]
    probability: float | None = None
    script: str | None = None
    reason: str = ""

    @property
    def language(self) -> str | None:
        """Return the tag of the one language, None where there is not one alone."""
        return self.languages[0] if len(self.languages) == 1 else None


class Fidelity(StrEnum):
    """Whether a reply is in the language that was asked for."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


class _Script(NamedTuple):
    """The block that most letters of a text belong to, their number, and that of all letters."""

    block: str | None
    n_letters: int
    n_all: int


def identify(text: str, candidates: Sequence[Language] | None = None) -> Identification:
    """Return the language of a text, of the candidates if there are some: `identify_all` of one."""
    return identify_all([text], candidates)[0]


def identify_all(
    texts: Sequence[str], candidates: Sequence[Language] | None = None
) -> list[Identification]:
    """Return the language of each text; `candidates` are the languages that it can be in at all.

    Names no language for a text without letters, that is too short or mixes scripts, that is as
    likely in another language, or that is unlike all of them.
    """
    known = known_languages() if candidates is None else candidates
    tags_by_block: dict[str, list[str]] = defaultdict(list)
    for language in known:
        tags_by_block[block_of(language.script)].append(language.tag)
    answers: dict[int, Identification] = {}
    open_by_block: dict[str, list[int]] = defaultdict(list)
    for i, script in enumerate(_scripts(texts)):
        refusal = _refuse(script, tags_by_block)
        if refusal:
            answers[i] = refusal
        elif script.block:
            open_by_block[script.block].append(i)
    for block, indices in open_by_block.items():
        chosen = [texts[i] for i in indices]
        answers |= zip(indices, _name(chosen, block, tags_by_block[block]), strict=True)
    return [answers[i] for i in range(len(texts))]


def known_languages() -> list[Language]:
    """Return the languages of the languages file that the model knows."""
    known = read_calibration().languages
    return [language for tag, language in read_languages().items() if tag in known]


def choose_candidates(selection: str | Sequence[str]) -> list[Language]:
    """Return the languages that a text may be in, of those that a selection means.

    Raises SelectionError for one that the model does not know.
    """
    listed = read_languages()
    known = {language.tag for language in known_languages()}
    chosen = select_languages(selection, listed, read_controls(listed))
    strange = [language for language in chosen if language.tag not in known]
    if strange and selection != "all":
        names = ", ".join(f"{language.tag!r} ({language.name})" for language in strange[:3])
        names += f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        raise SelectionError(
            f"mlbench identify does not know {names}; it knows the {len(known)} languages of the "
            "built-in list. Leave it out of --languages, or see: mlbench list languages"
        )
    return [language for language in chosen if language.tag in known]


def fidelity(reply: str, language: Language) -> Fidelity:
    """Return whether a reply is in the language that was asked for: `fidelity_all` of one."""
    return fidelity_all([reply], [language])[0]


def fidelity_all(replies: Sequence[str], languages: Sequence[Language]) -> list[Fidelity]:
    """Return for each reply whether it is in the language of the same index.

    A language that cannot be told from the one asked for (`indistinguishable`) is as good. A reply
    in another script is a no whatever the language; one that is empty, short, mixed, as likely in
    another language, or unlike any is undecided: count these apart, and give beside a rate that of
    the references, whose own sentences do not reach 1 either.
    """
    answers = [Fidelity.CANNOT_TELL] * len(replies)
    open_by_block: dict[str, list[int]] = defaultdict(list)
    for i, script in enumerate(_scripts(replies, languages)):
        block = block_of(languages[i].script)
        share = script.n_letters / script.n_all if script.n_all else 0.0
        least = _least(block)
        if block in read_tables():
            least = LEAST_CHARACTERS_OF_REPLY if block in _SYLLABIC else LEAST_OF_REPLY
        if share < WRONG_SHARE and script.n_all >= LEAST_LETTERS:
            answers[i] = Fidelity.NO
        elif share >= RIGHT_SHARE and script.n_letters >= least:
            open_by_block[block].append(i)
    for block, indices in open_by_block.items():
        tags = [languages[i].tag for i in indices]
        found = _weigh([replies[i] for i in indices], block, tags)
        for i, answer in zip(indices, found, strict=True):
            answers[i] = answer
    return answers


def indistinguishable(tag: str) -> Mapping[str, float]:
    """Return the languages that a text of a language may as well be in, with their confusion."""
    return read_calibration().languages.get(tag, Trust()).mistaken


def _scripts(
    texts: Sequence[str], languages: Sequence[Language] | None = None
) -> Iterator[_Script]:
    """Yield the commonest script of each text, or that of the language that is asked for."""
    for start in range(0, len(texts), 256):
        for i, counts in enumerate(read_letters(texts[start : start + 256]).scripts, start=start):
            block = None if languages is None else block_of(languages[i].script)
            if block is None and counts:
                block = min(counts, key=lambda name: (-counts[name], name))
            yield _Script(block, counts[block or ""], counts.total())


def _least(block: str | None) -> int:
    return LEAST_CHARACTERS if block in _SYLLABIC else LEAST_LETTERS


def _refuse(script: _Script, tags_by_block: Mapping[str, Sequence[str]]) -> Identification | None:
    """Return why nothing is said of a text by its letters alone, None if the model is asked."""
    if script.block is None:
        return Identification((), reason="no letters")
    if script.n_letters < LEAST_SHARE * script.n_all:
        return Identification((), reason="letters of several scripts, and no script has most")
    if script.n_letters < _least(script.block):
        return Identification((), None, script.block, "too short")
    if script.block not in tags_by_block:
        return Identification((), None, script.block, "no candidate is written in this script")
    return None


def _name(texts: Sequence[str], block: str, tags: Sequence[str]) -> Iterator[Identification]:
    """Yield what may be named for texts of one block."""
    calibration = read_calibration()
    table = read_tables().get(block)
    unknown = [tag for tag in tags if tag not in calibration.languages]
    if unknown:
        reason = f"the model does not know {', '.join(unknown)}, which has this script"
        yield from [Identification((), None, block, reason)] * len(texts)
        return
    if table is None or len(tags) == 1:
        yield from [Identification((tags[0],), 1.0, block)] * len(texts)
        return
    chosen = np.isin(table.languages, tags)
    found = fit(texts, block)
    chances = probabilities(found, calibration.scale, calibration.power, chosen)
    for i, row in enumerate(chances):
        best = int(row.argmax())
        trust = calibration.languages[table.languages[best]]
        if trust.is_like(found.evidence[i, best], found.n_grams[i]):
            yield _answer(row, table.languages, block, calibration)
        else:
            yield Identification((), None, block, "like no language that is known here")


def _answer(
    row: npt.NDArray[np.float64], tags: Sequence[str], block: str, calibration: Calibration
) -> Identification:
    best = int(row.argmax())
    trust = calibration.languages[tags[best]]
    if row[best] >= trust.alone:
        return Identification((tags[best],), float(row[best]), block)
    members = calibration.group_of(tags[best])
    group = [i for i, tag in enumerate(tags) if tag in members]
    total = float(row[group].sum())
    if len(group) > 1 and total >= trust.group:
        shown = sorted((i for i in group if row[i] >= _LEAST_SHOWN), key=lambda i: -row[i])
        if len(shown) > 1:
            return Identification(tuple(tags[i] for i in shown), total, block)
    nearest = sorted(range(len(tags)), key=lambda i: -row[i])[:2]
    reason = f"as likely {' or '.join(tags[i] for i in nearest)}"
    return Identification((), None, block, reason)


def _weigh(replies: Sequence[str], block: str, asked: Sequence[str]) -> list[Fidelity]:
    """Return whether replies in the right script are in the languages asked for."""
    calibration = read_calibration()
    table = read_tables().get(block)
    if table is None:
        return [Fidelity.YES if t in calibration.languages else Fidelity.CANNOT_TELL for t in asked]
    column = {tag: i for i, tag in enumerate(table.languages)}
    found = fit(replies, block)
    rows = probabilities(found, calibration.scale, calibration.power)
    answers = [Fidelity.CANNOT_TELL] * len(asked)
    for i, tag in enumerate(asked):
        if tag not in column:
            continue
        accepted = [column[name] for name in (tag, *indistinguishable(tag))]
        chance = float(rows[i, accepted].sum())
        best = accepted[int(rows[i, accepted].argmax())]
        trust = calibration.languages[table.languages[best]]
        if chance <= NO_UP_TO:
            answers[i] = Fidelity.NO
        elif chance >= YES_FROM and trust.is_like(found.evidence[i, best], found.n_grams[i]):
            answers[i] = Fidelity.YES
    return answers
