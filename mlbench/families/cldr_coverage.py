"""Which languages take part in the CLDR families, and why do the others not?

`python -m mlbench.families.cldr_coverage` writes the tables of docs/embedded.md, which a test
compares with what the installed babel gives.
"""

import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

from mlbench.data import cldr
from mlbench.data.languages import read_languages
from mlbench.errors import NoData
from mlbench.families import cldr_calendar, cldr_plural, cldr_terms, cldr_timespan
from mlbench.records import Family, Language

FAMILIES = (cldr_terms.FAMILY, cldr_calendar.FAMILY, cldr_timespan.FAMILY, cldr_plural.FAMILY)


def count_docs(family: Family, language: Language) -> int | NoData:
    """Return the number of scored docs of a language, or the reason why there is none."""
    try:
        return len(family.docs(cldr.read_rows(language), language).scored)
    except NoData as reason:
        return reason


def write_tables(languages: Iterable[Language]) -> Iterator[str]:
    """Yield the lines of two Markdown tables: docs by family, reasons by family."""
    chosen = list(languages)
    found = {f.name: {lang.tag: count_docs(f, lang) for lang in chosen} for f in FAMILIES}
    yield "| family | languages | docs in English | docs per language: fewest, median, most |"
    yield "|---|---|---|---|"
    for name, by_tag in found.items():
        counts = [n for n in by_tag.values() if isinstance(n, int)]
        spread = f"{min(counts)}, {statistics.median(counts):g}, {max(counts)}"
        yield f"| {name} | {len(counts)} of {len(chosen)} | {by_tag.get('en')} | {spread} |"
    yield ""
    yield "| family | no docs in | because |"
    yield "|---|---|---|"
    for name, by_tag in found.items():
        tags_by_reason: dict[str, list[str]] = defaultdict(list)
        for tag, reason in by_tag.items():
            if isinstance(reason, NoData):
                tags_by_reason[_general(str(reason))].append(tag)
        for reason_text, tags in sorted(tags_by_reason.items()):
            yield f"| {name} | {' '.join(tags)} | {reason_text} |"


def _general(reason: str) -> str:
    """Return the reason without what is particular to one language."""
    general = (
        "no locale of its own",
        "next to nothing of its own",
        "no full names of units",
        "no plural rule",
        "one form of a unit for all numbers",
        "few-shot docs",
    )
    phrase = next((text for text in general if text in reason), None)
    counts = re.findall(r"(\d+) (lack a name|have [a-zA-Z ]+)", reason)
    if phrase or not counts:
        return phrase or reason
    most = max(counts, key=lambda count: int(count[0]))
    return f"too few docs; most of the others {most[1]}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(write_tables(read_languages().values())) + "\n")
