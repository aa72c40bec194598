"""How is a run cited? One line, and one BibTeX entry, with what its numbers rest on."""

import re
from dataclasses import dataclass

from mlbench import __version__
from mlbench.report.tables import ReportTable
from mlbench.report.text import join, show_line
from mlbench.wording import plural

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # BibTeX counts braces even after a backslash.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
} | {letter: f"\\{letter}" for letter in "$&#_%"}


@dataclass(frozen=True, slots=True)
class Citation:
    """The same facts as a line to read and as an entry for a bibliography."""

    line: str
    bibtex: str


def citation(table: ReportTable) -> Citation:
    """Cite a run: its name, date, version, and each family with its own citation."""
    name = show_line(table.name, 80)
    day = table.run.created[:10]
    is_date = re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)
    date = day if is_date else show_line(table.run.created, 40)
    what = f"{plural(len(table.run.models), 'model')} in {plural(len(table.languages), 'language')}"
    titles: dict[str, list[str]] = {}
    for facts in table.run.families.values():
        titles.setdefault(show_line(facts["citation"]), []).append(show_line(facts["title"], 60))
    families = "; ".join(f"{join(named)} ({source})" for source, named in titles.items())
    fields = {
        "title": f"mlbench run {name}: {what}",
        "year": day[:4] if is_date else "",
        "howpublished": f"mlbench {__version__}, run started {date}",
        "note": f"Families: {families}",
    }
    slug = re.sub(r"[^A-Za-z0-9]+", "-", f"mlbench-{table.name[:60]}-{day[:4]}").strip("-")
    body = "".join(f"  {key} = {{{escape(text)}}},\n" for key, text in fields.items() if text)
    return Citation(
        f"mlbench {__version__}, run {name} of {date}: {what}. Families: {families}.",
        f"@misc{{{slug},\n{body}}}",
    )


def escape(text: str) -> str:
    """Write text so that BibTeX and LaTeX print it as it is.

    >>> print(escape("50 % of a_b"))
    50 \\% of a\\_b
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in text)
