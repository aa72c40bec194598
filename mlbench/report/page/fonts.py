"""Do the names of all languages show, on a system without fonts for them? Endonyms never as boxes.

A system's own fonts come first; for the letters that it lacks the page brings subsets of Noto, only
those of the scripts in the run. Sample text of any length would need whole fonts, and is not here.
"""

import base64
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from mlbench.records import Language

FAMILY = "mlbench-names"
FOLDER = files("mlbench.report.page").joinpath("static", "fonts")


@cache
def letters_by_script() -> dict[str, str]:
    """Return the letters that each shipped font has."""
    index: dict[str, str] = json.loads(FOLDER.joinpath("index.json").read_text(encoding="utf-8"))
    return index


def font_css(languages: Iterable[Language]) -> str:
    """Write the @font-face rules for the scripts of these languages."""
    scripts = sorted({language.script for language in languages} & letters_by_script().keys())
    return "\n".join(_face(script) for script in scripts)


def _face(script: str) -> str:
    data = base64.b64encode(FOLDER.joinpath(f"{script}.woff2").read_bytes()).decode()
    letters = ",".join(f"U+{ord(letter):X}" for letter in letters_by_script()[script])
    return (
        f"@font-face{{font-family:{FAMILY};src:url(data:font/woff2;base64,{data}) "
        f'format("woff2");unicode-range:{letters}}}'
    )
