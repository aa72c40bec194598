"""Which of four sentences of this language translates the English one? On SIB-200.

The query is the same in every language, and the model has to tell sentences of this language apart.
"""

from mlbench.families._sib200_bitext import make_family, make_family_docs, read_pair
from mlbench.records import FamilyDocs, Language, Rows


def docs_from_rows(rows: Rows, language: Language) -> FamilyDocs:
    """Make docs whose choices are of this language."""
    pair = read_pair(rows, language)
    return make_family_docs(pair, pair.english, pair.own.by_id)


FAMILY = make_family(
    "from", "Which sentence of this language translates the English one?", docs_from_rows
)
