"""Which of four English sentences translates the one of this language? On SIB-200.

The choices are the same in every language, so their likelihood is that of English: the model has to
understand this language, not to write it.
"""

from mlbench.families._sib200_bitext import make_family, make_family_docs, read_pair
from mlbench.records import FamilyDocs, Language, Rows


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make docs whose query is of this language."""
    pair = read_pair(rows, language)
    return make_family_docs(pair, pair.own.by_id, pair.english)


FAMILY = make_family(
    "into", "Which English sentence translates the one of this language?", docs_from_rows
)
