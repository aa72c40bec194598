"""Which languages do the people of a country use? Estimates of the Unicode CLDR, from babel.

A country may be named by its ISO 3166 code or by its English name. CLDR calls some languages
otherwise than languages.yaml; `tags_by_code` says which is which. In which region of the world a
language is at home follows from its main territory and regions.yaml.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mlbench.data.cldr import read_locale
from mlbench.errors import SelectionError, unknown
from mlbench.records import Language
from mlbench.yaml_text import parse_yaml

REGIONS_FILE = Path(__file__).with_name("regions.yaml")

_NO_LANGUAGE = "und"
# CLDR lists Norwegian as itself and as Bokmal, with the same people.
_SAME_PEOPLE = {"no": "nb"}
_SEE = "the ISO 3166 codes, such as NG or ID"


class Cldr(NamedTuple):
    """What CLDR says: `shares` holds territory -> language code -> percent of its people."""

    shares: Mapping[str, Mapping[str, float]]
    territory_names: Mapping[str, str]
    language_names: Mapping[str, str]
    script_names: Mapping[str, str]
    version: str


class Use(NamedTuple):
    """A language of a country: CLDR's code, percent of its people, and the tag it has here."""

    code: str
    percent: float
    tag: str | None


def read_cldr() -> Cldr:
    """Read the shares of languages by territory and the English names from babel."""
    from babel.core import get_cldr_version, get_global

    english = read_locale("en")
    shares = {
        territory: {code: float(facts["population_percent"]) for code, facts in codes.items()}
        for territory, codes in get_global("territory_languages").items()
    }
    names = (english["territories"], english["languages"], english["scripts"])
    return Cldr(shares, *names, get_cldr_version())


def find_territory(text: str, cldr: Cldr) -> str:
    """Return the code of the country that a code or an English name means.

    Raises SelectionError for what means none.
    """
    from babel.core import get_global

    code = text.strip().upper()
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    code = code if code in cldr.shares else next(iter(aliases.get(code, [])), code)
    if code in cldr.shares:
        return code
    named = {fold(cldr.territory_names.get(code, code)): code for code in cldr.shares}
    if found := named.get(fold(text)):
        return found
    names = [cldr.territory_names.get(code, code) for code in cldr.shares]
    raise SelectionError(unknown("country", text, [*names, *cldr.shares], _SEE))


def fold(name: str) -> str:
    """Return a name for comparing and sorting, without regard to case and accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip().casefold()


def tags_by_code(languages: Iterable[Language]) -> dict[str, str]:
    """Map CLDR's codes to tags.

    A tag stands for itself, for the locale that `codes: babel` names, and without its script where
    CLDR takes that script for granted: zh-Hans for zh, tl for fil, nb for no.
    """
    from babel.core import get_global

    likely = get_global("likely_subtags")
    found: dict[str, str] = {}
    for language in languages:
        code = language.tag.replace("-", "_")
        bare, _, script = code.partition("_")
        candidates = [code, language.codes.get("babel", code)]
        if len(script) == 4 and likely.get(bare, "").split("_")[1:2] == [script]:
            candidates.append(bare)
        for candidate in candidates:
            found.setdefault(canonical(candidate), language.tag)
    return found


def canonical(code: str) -> str:
    """Return the code under which CLDR's aliases meet.

    >>> canonical("tl"), canonical("no"), canonical("zh_Hant")
    ('fil', 'nb', 'zh_Hant')
    """
    from babel.core import get_global

    aliases: Mapping[str, str] = get_global("language_aliases")
    bare, separator, rest = code.partition("_")
    bare = aliases.get(bare, bare)
    return f"{_SAME_PEOPLE.get(bare, bare)}{separator}{rest}"


def uses_of(cldr: Cldr, territory: str, tag_by_code: Mapping[str, str]) -> list[Use]:
    """List a territory's languages, the most used first, each once."""
    shares: dict[str, float] = {}
    for code, share in cldr.shares[territory].items():
        key = canonical(code)
        if key != _NO_LANGUAGE:
            shares[key] = max(share, shares.get(key, 0.0))
    found: dict[str, Use] = {}
    for code, share in shares.items():
        tag = tag_by_code.get(f"{code}_{territory}") or tag_by_code.get(code)
        if tag is None and _is_second_script(code, shares):
            continue
        kept = found.get(tag or code)
        if kept is None or kept.percent < share:
            found[tag or code] = Use(code, share, tag)
    return sorted(found.values(), key=lambda use: -use.percent)


def _is_second_script(code: str, shares: Mapping[str, float]) -> bool:
    """Return whether a code is a script of a language listed with as many people or more."""
    bare, _, script = code.partition("_")
    return bool(script) and shares.get(bare, -1.0) >= shares[code]


def language_name(cldr: Cldr, code: str) -> str:
    """Return the English name of a language by CLDR's code."""
    if code in cldr.language_names:
        return cldr.language_names[code]
    bare, _, script = code.partition("_")
    name = cldr.language_names.get(bare, bare)
    return f"{name} in {cldr.script_names.get(script, script)} script" if script else name


def region_of(language: Language) -> str | None:
    """Return the English name of the region of a language's main territory, or None.

    The main territory is the one of its tag, or that of CLDR's likely subtags: Indonesia for id.
    """
    from babel.core import get_global

    likely: Mapping[str, str] = get_global("likely_subtags")
    code = language.tag.replace("-", "_")
    bare, *rest = code.split("_")
    named = [part for part in rest if len(part) == 2 or part.isdigit()]
    full = likely.get(code) or likely.get(bare, "")
    return _regions().get(named[0] if named else full.rpartition("_")[2])


@cache
def _regions() -> Mapping[str, str]:
    """Return the name of the region of each territory."""
    names = read_locale("en")["territories"]
    regions = parse_yaml(REGIONS_FILE.read_text(encoding="utf-8"))
    return {code: names[region] for region, codes in regions.items() for code in codes.split()}
