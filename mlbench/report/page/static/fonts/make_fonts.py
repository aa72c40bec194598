"""Cut the Noto fonts down to the letters of the endonyms in languages.yaml; for a developer.

    apt-get install fonts-noto-core fonts-noto-cjk && pip install fonttools brotli
    python -m mlbench.report.static.fonts.make_fonts

Run it again when an endonym changes that is not Latin, Cyrillic or Greek; a test says so.
"""

import importlib
import json
from pathlib import Path
from typing import Any

from mlbench.data.languages import read_languages

HERE = Path(__file__).parent
NOTO = Path("/usr/share/fonts")
CJK = "opentype/noto/NotoSansCJK-Regular.ttc"
EVERYWHERE = {"Latn", "Cyrl", "Grek"}
"""Scripts that every system has a font for."""

NAMES = {
    "Arab": "Arabic",
    "Armn": "Armenian",
    "Beng": "Bengali",
    "Deva": "Devanagari",
    "Geor": "Georgian",
    "Gujr": "Gujarati",
    "Guru": "Gurmukhi",
    "Hebr": "Hebrew",
    "Khmr": "Khmer",
    "Knda": "Kannada",
    "Laoo": "Lao",
    "Mlym": "Malayalam",
    "Mymr": "Myanmar",
    "Orya": "Oriya",
    "Sinh": "Sinhala",
    "Taml": "Tamil",
    "Telu": "Telugu",
    "Thai": "Thai",
}
# Places of the regional faces in the collection.
FACES = {"Jpan": 0, "Hang": 1, "Hans": 2, "Hant": 3}


def main() -> None:
    """Write one woff2 a script, and index.json with the letters in each."""
    letters: dict[str, set[str]] = {}
    for language in read_languages().values():
        foreign = {letter for letter in language.endonym if ord(letter) > 0x24F}
        letters.setdefault(language.script, set()).update(foreign)
    index = {}
    for script in sorted(letters.keys() - EVERYWHERE):
        index[script] = "".join(sorted(letters[script]))
        _cut(script, index[script])
    text = json.dumps(index, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (HERE / "index.json").write_text(text, encoding="utf-8")


def _cut(script: str, letters: str) -> None:
    subset: Any = importlib.import_module("fontTools.subset")
    options = subset.Options(flavor="woff2", hinting=False, layout_features=["*"])
    if script in FACES:
        options.font_number = FACES[script]
        font = subset.load_font(str(NOTO / CJK), options)
    else:
        path = NOTO / f"truetype/noto/NotoSans{NAMES[script]}-Regular.ttf"
        font = subset.load_font(str(path), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(font)
    # A fixed date, so that the same fonts give the same bytes.
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    subset.save_font(font, str(HERE / f"{script}.woff2"), options)


if __name__ == "__main__":
    main()
