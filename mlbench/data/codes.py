"""Which language does a code or a name mean? People and data sets call one language many things.

sw is swa, swh, swh_Latn, Swahili and Kiswahili. Looked up before spelling is guessed are the values
of `codes:`, ISO 639 (deprecated and bibliographic codes too, by the aliases of the CLDR), tags with
script and region, English names, aliases and endonyms. What means several languages is never
chosen for you.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from mlbench.errors import SelectionError, unknown
from mlbench.records import Language

SEE = "mlbench list languages"

# Languages of the CLDR or of ISO 639 that are several here: every text is in one of them.
_SERBO_CROATIAN = ("bs", "hr", "sr")
_MACRO = {"no": ("nb", "nn"), "sh": _SERBO_CROATIAN, "hbs": _SERBO_CROATIAN}
# The CLDR writes Korean in Kore, which holds Hang.
_SAME_SCRIPT = {"Kore": "Hang"}
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
)
_SHORTEST_NAME = 4
# Each language has its own code of these; others may call two languages the same.
_OWN_KEYS = ("iso639_3", "flores200", "sib200")
KEPT = 8192
"""Words whose form is kept: each look-up compares with every code and name there is."""


class _Subtags(NamedTuple):
    """A tag taken apart; the language is CLDR's."""

    language: str
    script: str | None = None
    region: str | None = None


@dataclass(frozen=True)
class Words:
    """What the codes and names of some languages mean, each put in one form when first needed."""

    languages: Mapping[str, Language]

    @cached_property
    def tags(self) -> Mapping[str, set[str]]:
        return _meanings(((tag, [tag]) for tag in self.languages), _fold)

    @cached_property
    def own_codes(self) -> Mapping[str, set[str]]:
        each = self.languages.items()
        return _meanings(((tag, (x.codes.get(k, "") for k in _OWN_KEYS)) for tag, x in each), _fold)

    @cached_property
    def codes(self) -> Mapping[str, set[str]]:
        return _meanings(((tag, x.codes.values()) for tag, x in self.languages.items()), _fold)

    @cached_property
    def names(self) -> Mapping[str, set[str]]:
        return _meanings(((tag, [x.name]) for tag, x in self.languages.items()), _fold_name)

    @cached_property
    def other_names(self) -> Mapping[str, set[str]]:
        each = self.languages.items()
        return _meanings(((tag, [x.endonym, *x.aliases]) for tag, x in each), _fold_name)

    @cached_property
    def parts(self) -> Mapping[str, _Subtags]:
        return {tag: parts for tag in self.languages if (parts := _parse(_fold(tag)))}


def _meanings(
    words: Iterable[tuple[str, Iterable[str]]], fold: Callable[[str], str]
) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for tag, its in words:
        for word in its:
            found[fold(word)].add(tag)
    return dict(found)


def find_tag(text: str, languages: Mapping[str, Language], others: Iterable[str] = ()) -> str:
    """Return the tag of the one language that a code or a name means.

    `others` are further words that may have been meant. Raises SelectionError for what means
    several languages or none.
    """
    tags = look_up(text, languages)
    if len(tags) == 1:
        return tags[0]
    if tags:
        choice = f"{', '.join(map(repr, tags[:-1]))} or {tags[-1]!r}"
        raise SelectionError(f"no language {text!r}: choose {choice}. See: {SEE}")
    raise SelectionError(_unknown(text, languages, others))


def is_other_word(text: str, tag: str) -> bool:
    """Return whether a text that means a tag is more than the tag in another form."""
    return _fold(text) != _fold(tag)


def look_up(text: str, languages: Mapping[str, Language]) -> tuple[str, ...]:
    """Return the tags of all languages that a code or a name means, in the order of the file."""
    words = Words(languages)
    if found := look_up_english(text, words):
        return found
    meant = _cldr_endonyms(tuple(languages)).get(_fold_name(text), ())
    return _usual({tag for subtags in meant for tag in _matching(subtags, words)}, languages)


def look_up_english(text: str, words: Words) -> tuple[str, ...]:
    """Return what look_up does, without what languages call themselves in the CLDR alone.

    For that the CLDR's files of all languages have to be read, which takes seconds.
    """
    code = _fold(text)
    exact = {text} & words.languages.keys() or words.tags.get(code)
    found = exact or words.own_codes.get(code)
    if not found:
        name = _fold_name(text)
        found = words.codes.get(code, set()) | (
            words.names.get(name) or words.other_names.get(name) or _in_the_cldr(name, words)
        )
        if subtags := _parse(code):
            found |= _matching(subtags, words)
    return _usual(found, words.languages)


def _in_the_cldr(name: str, words: Words) -> set[str]:
    meant = _cldr_names().get(name, ())
    return {tag for subtags in meant for tag in _matching(subtags, words)}


def _usual(found: set[str], languages: Mapping[str, Language]) -> tuple[str, ...]:
    """Put tags in the order of the file; of a language in several scripts the usual one."""
    usual = {tag for tag in found if not _has_script(tag)}
    return tuple(tag for tag in languages if tag in (usual or found))


def _has_script(tag: str) -> bool:
    """Return whether a tag names its script: the language in another one than the usual."""
    parts = _parse(_fold(tag))
    return parts is not None and parts.script is not None


def _unknown(text: str, languages: Mapping[str, Language], others: Iterable[str]) -> str:
    subtags = _parse(_fold(text)) or next(iter(_cldr_names().get(_fold_name(text), ())), None)
    name = _english_names().get(subtags.language) if subtags else None
    if subtags is None or name is None:
        names = [language.name for language in languages.values()]
        known = [*languages, *others, *(names if len(text) >= _SHORTEST_NAME else ())]
        return unknown("language", text, known, SEE)
    here = sorted(_matching(_Subtags(subtags.language), Words(languages)))
    ways = " and ".join(f"{tag!r} in {languages[tag].script}" for tag in here)
    script = _script_of(subtags)
    what = f"{name} in {script}" if here and script else name
    way = "; a file of yours can add it (--languages-file)"
    there = f"; here is {ways}" if here else f", which is not in the languages file{way}"
    return f"no language {text!r}: that is {what}{there}. See: {SEE}"


@lru_cache(maxsize=KEPT)
def _fold(text: str) -> str:
    """Return a code without regard to case and to how its parts are joined."""
    return text.strip().casefold().replace("_", "-")


@lru_cache(maxsize=KEPT)
def _fold_name(text: str) -> str:
    """Return a name without regard to case, accents and points."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())


@lru_cache(maxsize=KEPT)
def _parse(code: str) -> _Subtags | None:
    """Take a folded code apart, in the words of the CLDR: iw is he, prs is fa in AF."""
    match = _TAG.fullmatch(code)
    if not match:
        return None
    script, region = match["script"], match["region"]
    language = match["language"]
    alias = (
        language if language in _MACRO else str(_cldr("language_aliases").get(language, language))
    )
    own = _TAG.fullmatch(_fold(alias))
    if own is None:
        return None
    script, region = script or own["script"], region or own["region"]
    return _Subtags(
        own["language"], script.title() if script else None, region.upper() if region else None
    )


def _matching(wanted: _Subtags, words: Words) -> set[str]:
    """Return the tags of a language, as far as script and region allow."""
    names = _MACRO.get(wanted.language, (wanted.language,))
    found = {tag for tag, parts in words.parts.items() if parts.language in names}
    script = _script_of(wanted)
    if script:
        found = {tag for tag in found if words.languages[tag].script == script}
    same = {tag for tag in found if words.parts[tag].region == wanted.region}
    return same or {tag for tag in found if words.parts[tag].region is None} or found


def _script_of(wanted: _Subtags) -> str | None:
    """Return the script that is asked for, also by a region in which it is usual."""
    script = wanted.script
    if script is None and wanted.region is not None:
        likely = _cldr("likely_subtags")
        usual = str(likely.get(f"{wanted.language}_{wanted.region}", ""))
        whole = usual or str(likely.get(wanted.language, ""))
        if usual or whole.endswith(f"_{wanted.region}"):
            script = whole.split("_")[1]
    return _SAME_SCRIPT.get(script or "", script)


def _cldr(name: str) -> Mapping[str, Any]:
    from babel.core import get_global

    found: Mapping[str, Any] = get_global(name)
    return found


@lru_cache(maxsize=1)
def _english_names() -> Mapping[str, str]:
    from babel.core import Locale

    return dict(Locale("en").languages)


@lru_cache(maxsize=1)
def _cldr_names() -> Mapping[str, tuple[_Subtags, ...]]:
    """Return what the English names of the CLDR mean."""
    return _by_name((name, code) for code, name in _english_names().items())


@lru_cache(maxsize=4)
def _cldr_endonyms(tags: tuple[str, ...]) -> Mapping[str, tuple[_Subtags, ...]]:
    """Return what languages call themselves in the CLDR, and what holds several of them."""
    from babel.core import Locale, UnknownLocaleError

    found = []
    for code in dict.fromkeys([*_MACRO, *(tag.split("-")[0] for tag in tags)]):
        try:
            names = Locale(code).languages
        except UnknownLocaleError:
            continue
        if code in names:
            found.append((str(names[code]), code))
    return _by_name(found)


def _by_name(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[_Subtags, ...]]:
    found: dict[str, tuple[_Subtags, ...]] = defaultdict(tuple)
    for name, code in pairs:
        if subtags := _parse(_fold(code)):
            found[_fold_name(name)] += (subtags,)
    return dict(found)
