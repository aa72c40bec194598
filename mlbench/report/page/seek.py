"""What may a reader type to find a language or a country? What data/codes.py knows, for the page.

A language that the run does not have is known by name too, so that the page can say that it is not
covered instead of showing nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlbench.data.codes import Words, look_up_english
from mlbench.data.languages import read_languages
from mlbench.data.territories import Cldr, Use, language_name, read_cldr, tags_by_code, uses_of
from mlbench.records import Language
from mlbench.report.markets import Markets
from mlbench.report.tables import ReportTable
from mlbench.report.text import show_line

SHORTEST = 2
N_USED = 3
"""Languages named for a country of which none was tested."""


def seek_data(table: ReportTable, markets: Markets) -> dict[str, Any]:
    """Return what finds each language by tag, the languages that are not here, and countries.

    `words` find a language as a whole only; `others` holds name, codes, and the tag if mlbench can
    test it.
    """
    run = table.run.languages
    words: dict[str, set[str]] = {
        tag: set(language.codes.values()) for tag, language in run.items()
    }
    others: list[list[str]] = []
    shipped = read_languages()
    here = Words(run)
    elsewhere = Words({tag: language for tag, language in shipped.items() if tag not in run})
    for name, codes in _named_codes().items():
        found = {tag for word in (name, *codes) for tag in look_up_english(word, here)}
        for tag in found:
            words[tag] |= {name, *codes}
        if not found:
            known = look_up_english(codes[0], elsewhere)
            others.append([name, " ".join(codes), known[0] if len(known) == 1 else ""])
    return {
        "words": {tag: sorted(_without_own(its, run[tag])) for tag, its in words.items()},
        "aliases": {tag: list(_aliases(tag, run, shipped)) for tag in run},
        "others": others,
        "countries": _countries(run, markets),
    }


def _aliases(
    tag: str, run: Mapping[str, Language], shipped: Mapping[str, Language]
) -> Iterable[str]:
    """Return the aliases of a language, those of today for a run that was made before them."""
    known = (*run[tag].aliases, *(shipped[tag].aliases if tag in shipped else ()))
    return dict.fromkeys(show_line(alias) for alias in known)


def _without_own(words: set[str], language: Language) -> set[str]:
    """Drop what is in the table already, and what is too short or the same in small letters."""
    own = {language.tag.casefold(), language.name.casefold(), language.endonym.casefold()}
    kept = {show_line(word).casefold().replace("_", "-") for word in words}
    return {word for word in kept - own if len(word) >= SHORTEST}


def _named_codes() -> dict[str, list[str]]:
    """Return the codes of each language that the CLDR names in English, also the former ones."""
    from babel.core import get_global

    codes: dict[str, list[str]] = {}
    names: Mapping[str, str] = {
        code: str(name)
        for code, name in read_cldr().language_names.items()
        if isinstance(name, str)
    }
    for code, name in names.items():
        codes.setdefault(name, []).append(code)
    aliases: Mapping[str, str] = get_global("language_aliases")
    for code, to in aliases.items():
        if to in names and len(code) < 4:
            codes[names[to]].append(code)
    return codes


def _countries(run: Mapping[str, Language], markets: Markets) -> list[list[str]]:
    """Return code and name of every country of the CLDR, and why it has no level."""
    cldr, tags = read_cldr(), tags_by_code(run.values())
    why = {market.code: market.no_level for market in (*markets.shown, *markets.others)}
    return [
        [
            code,
            show_line(cldr.territory_names.get(code, code)),
            why[code] if code in why else _untested(cldr, uses_of(cldr, code, tags)),
        ]
        for code in sorted(cldr.shares)
    ]


def _untested(cldr: Cldr, uses: Sequence[Use]) -> str:
    named = [f"{language_name(cldr, use.code)} {use.percent:.0f}" for use in uses[:N_USED]]
    return f"not tested: no level; to test: {', '.join(named)}" if named else "not tested: no level"
