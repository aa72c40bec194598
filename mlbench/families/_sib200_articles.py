"""Which sentences of SIB-200 are of one article? The facts of sib200_articles.tsv.

SIB-200 names no articles. Each passage of Belebele is a run of the same sentences of FLORES-200,
and names the article that it is from (the head of the table has source and licence).
"""

from functools import cache
from importlib.resources import files

FILE = "sib200_articles.tsv"


@cache
def read_articles() -> dict[int, str]:
    """Return the article of each sentence, `flores:` and its first id, where one is known."""
    article_by_id: dict[int, str] = {}
    text = (files(__package__) / FILE).read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            ids = [int(index_id) for index_id in line.partition("\t")[0].split()]
            article_by_id.update(dict.fromkeys(ids, _name(min(ids))))
    return article_by_id


def article_of(index_id: int) -> str:
    """Return the cluster of a sentence: its article, or itself where the article is not known."""
    return read_articles().get(index_id, _name(index_id))


def is_apart(index_id: int, articles: set[str]) -> bool:
    """Return whether a sentence is known to be of none of these articles."""
    article = read_articles().get(index_id)
    return article is not None and article not in articles


def _name(first_id: int) -> str:
    return f"flores:{first_id}"
