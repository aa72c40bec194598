"""What does a language need that a user adds to the built-in list? What the CLDR does not know.

Name, endonym, script, direction, ISO 639-3 code and locale; a key that is given stays as it is.
"""

from collections.abc import Mapping
from typing import Any

_RIGHT_TO_LEFT = frozenset({"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr"})
UNSTATED = "not stated"


def with_defaults(block: Any) -> Any:
    """Return a block with what the CLDR knows of its tag; a tag alone will do.

    >>> with_defaults("ha")["name"], with_defaults("ha")["codes"]
    ('Hausa', {'iso639_3': 'hau', 'babel': 'ha'})
    """
    block = {"tag": block} if isinstance(block, str) else block
    if not isinstance(block, Mapping) or not isinstance(block.get("tag"), str):
        return block
    known = {key: value for key, value in _known_of(block["tag"]).items() if value}
    given = block.get("codes")
    codes = {**known["codes"], **given} if isinstance(given, Mapping) else known["codes"]
    filled = {**known, **block}
    if given is None or isinstance(given, Mapping):
        filled["codes"] = codes
    script = filled.get("script")
    return {"direction": "rtl" if script in _RIGHT_TO_LEFT else "ltr", **filled}


def _known_of(tag: str) -> dict[str, Any]:
    from babel.core import Locale, get_global
    from babel.localedata import exists

    language, *rest = tag.split("-")
    likely = str(get_global("likely_subtags").get(language, "")).split("_")
    script = next((part for part in rest if len(part) == 4 and part.isalpha()), None)
    name = Locale("en").languages.get(language)
    locale = tag.replace("-", "_")
    endonym = Locale(language).languages.get(language) if exists(language) else None
    aliases = get_global("language_aliases")
    long = next((code for code, to in aliases.items() if to == language and len(code) == 3), None)
    codes = {"iso639_3": language if len(language) == 3 else long}
    codes |= {"babel": locale} if exists(locale) else {}
    return {
        "name": name,
        "endonym": endonym or name,
        "script": script or (likely[1] if len(likely) > 1 else None),
        "family": UNSTATED,
        "codes": {key: code for key, code in codes.items() if code},
    }
