"""What does the Unicode CLDR say in this language itself, and only in this language?

The data come with the library babel; babel's own Locale is not used, for it answers from a parent
locale without saying so: Haitian gets French country names, Egyptian Arabic the Standard Arabic
ones. Here a language has what its own locale file holds, or NoData with the reason. The file is
read past babel's cache, which does not tell merged data from a locale's own.
"""

import pickle
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlbench.errors import DataError, NoData
from mlbench.records import Language, Rows

Tree = Mapping[Any, Any]
Row = dict[str, str]

# Below four names of one kind not even one question of four choices can be made.
MIN_NAMES = 4
# Plural categories are given for these counts; no family uses a larger number.
MAX_COUNT = 100
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN_UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
# ISO 3166 keeps these for users, or CLDR made them up: they name no country or area.
PSEUDO_TERRITORIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "XK", "ZZ"})
# ISO 639 codes that name no language: multiple, none, uncoded, undetermined.
PSEUDO_LANGUAGES = frozenset({"mul", "zxx", "mis", "und"})
# A name this share of whose letters differ from English still counts as the English name.
NEAR_SHARE = 0.2


def read_rows(language: Language) -> Rows:
    """Return what the language's own CLDR locale holds: table -> rows of id, own and english.

    Tables: territories, languages, months, days, spans (`day:past:one`), units
    (`length-meter:one`) and counts, whose `own` is the plural category of the number `id` and
    which is empty where the locale has no plural rule.
    """
    locale = locale_of(language)
    own, english = read_locale(locale), read_locale("en")
    tables = _tables(own)
    if max(len(rows) for name, rows in tables.items() if name != "counts") < MIN_NAMES:
        raise NoData(
            f"the CLDR locale {locale!r} holds next to nothing of its own for {language.name}; "
            f"what babel answers for it is inherited from {_parent(locale)!r}"
        )
    words = _tables(english)
    return {
        name: [
            {"id": key, "own": tables[name][key], "english": _english(words[name], key)}
            for key in tables[name]
        ]
        for name in sorted(tables)
    }


def locale_of(language: Language) -> str:
    """Return the identifier of the locale that holds the language's own data."""
    locale = language.codes.get("babel")
    if locale is None:
        raise NoData(f"CLDR has no locale of its own for {language.name} ({language.tag})")
    return locale


def babel_version() -> str:
    """Return the version of the library, which decides that of the CLDR it carries."""
    from babel import __version__

    return str(__version__)


def own_names(rows: Rows, table: str) -> dict[str, str]:
    """Return the names of one table by id.

    >>> own_names({"days": [{"id": "mon", "own": "lundi", "english": "Monday"}]}, "days")
    {'mon': 'lundi'}
    """
    return {row["id"]: row["own"] for row in rows[table]}


def is_near_english(own: str, english: str) -> bool:
    """Return whether a name can be known from English alone.

    Both are reduced to their letters, without case and accents; they are near when the edit
    distance is at most one, or at most a fifth of the longer one.

    >>> is_near_english("Irán", "Iran"), is_near_english("Januari", "January")
    (True, True)
    >>> is_near_english("Deutschland", "Germany"), is_near_english("Kina", "China")
    (False, False)
    """
    a, b = _letters(own), _letters(english)
    allowed = max(1, int(NEAR_SHARE * max(len(a), len(b))))
    return bool(a) and abs(len(a) - len(b)) <= allowed and edit_distance(a, b) <= allowed


def edit_distance(a: str, b: str) -> int:
    """Count the insertions, deletions and substitutions from one text to the other.

    >>> edit_distance("kitten", "sitting")
    3
    """
    row = list(range(len(b) + 1))
    for i, char in enumerate(a, start=1):
        corner, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (char != other))
    return row[-1]


def tidy(text: str) -> str:
    """Put plain spaces for the no-break ones of typography, and none at the ends."""
    return " ".join(text.split())


def _letters(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if char.isalpha())


def read_locale(locale: str) -> Tree:
    """Return what babel has in the file of this locale alone."""
    from babel import localedata

    if not localedata.exists(locale):
        raise DataError(
            f"no locale {locale!r} in babel {babel_version()}. "
            "Correct `codes: babel:` in the languages file, or leave it out"
        )
    path = Path(localedata.resolve_locale_filename(locale))
    with path.open("rb") as file:
        tree: Tree = pickle.load(file)
    return tree


def _parent(locale: str) -> str:
    from babel.core import get_global

    parents: Mapping[str, str] = get_global("parent_exceptions")
    return parents.get(locale) or locale.rpartition("_")[0] or "root"


def _tables(tree: Tree) -> dict[str, dict[str, str]]:
    territories = tree.get("territories", {})
    languages = tree.get("languages", {})
    tables = {
        "territories": {
            k: v
            for k, v in territories.items()
            if re.fullmatch("[A-Z]{2}", k) and k not in PSEUDO_TERRITORIES
        },
        "languages": {
            k: v
            for k, v in languages.items()
            if re.fullmatch("[a-z]{2,3}", k) and k not in PSEUDO_LANGUAGES
        },
        "months": {f"{k:02}": v for k, v in _wide_names(tree, "months").items()},
        "days": {DAYS[k]: v for k, v in _wide_names(tree, "days").items()},
        "spans": dict(_spans(tree)),
        "units": dict(_units(tree)),
        "counts": _counts(tree),
    }
    return {name: dict(sorted(table.items())) for name, table in tables.items()}


def _wide_names(tree: Tree, table: str) -> dict[int, str]:
    """Return full names as they stand alone (a nominative), else as they stand in a date."""
    widths = tree.get(table, {})
    for context in ("stand-alone", "format"):
        names = widths.get(context, {}).get("wide")
        if isinstance(names, Mapping) and names:
            return dict(names)
    return {}


def _spans(tree: Tree) -> Iterator[tuple[str, str]]:
    fields = tree.get("date_fields", {})
    for unit in SPAN_UNITS:
        for direction in ("future", "past"):
            for category, pattern in fields.get(unit, {}).get(direction, {}).items():
                yield f"{unit}:{direction}:{category}", pattern


def _units(tree: Tree) -> Iterator[tuple[str, str]]:
    for unit, widths in tree.get("unit_patterns", {}).items():
        # CLDR's root makes `long` an alias of `short`: a locale whose two are alike writes `short`.
        forms = _categories(widths.get("long", {})) or _categories(widths.get("short", {}))
        for category, pattern in forms.items():
            yield f"{unit}:{category}", pattern


def _categories(patterns: Tree) -> dict[str, str]:
    return {category: text for category, text in patterns.items() if category != "per"}


def _counts(tree: Tree) -> dict[str, str]:
    rule = tree.get("plural_form")
    return {} if rule is None else {f"{n}": rule(n) for n in range(MAX_COUNT + 1)}


def _english(names: Mapping[str, str], key: str) -> str:
    # English has two plural categories; where a language has more, its pattern means English's
    # general one.
    unit = key.rpartition(":")[0]
    return names.get(key) or names.get(f"{unit}:other", "")
