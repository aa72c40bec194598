"""Rows like those of SIB-200 with two sentences in a row of each article, in six scripts."""

from pathlib import Path

from conftest import SENTENCES, TOPICS, first_ids_of_articles, write_sib200

ARTICLES = {"train": 60, "validation": 4, "test": 28}


def make_paired_rows(code: str) -> dict[str, list[tuple[int, str, str]]]:
    """Return (index_id, category, text) by split: two sentences an article, topics in turn."""
    first_ids = iter(first_ids_of_articles())
    rows: dict[str, list[tuple[int, str, str]]] = {}
    for split, n_articles in ARTICLES.items():
        rows[split] = []
        for number in range(n_articles):
            topic, first = number % len(TOPICS), next(first_ids)
            for index_id in (first, first + 1):
                text = f'{SENTENCES[code][topic]} "{index_id:04}".'
                rows[split].append((index_id, TOPICS[topic], text))
    return rows


def write_paired(root: Path) -> Path:
    """Write a mirror with these rows in six scripts; return the folder for MLBENCH_DATA."""
    write_sib200(root, {code: make_paired_rows(code) for code in SENTENCES})
    return root
