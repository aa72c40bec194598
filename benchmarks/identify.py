"""How good and how fast is the identifier? On sentences that it has not seen.

    python benchmarks/identify.py [--write docs/identify.md]

Asks for the language of the 204 sentences of SIB-200's test split in each language: whole, and cut
to 60, 30 and 15 code points. Needs SIB-200 (the hub, or MLBENCH_DATA).
"""

import argparse
import os
import platform
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlbench.data.languages import read_languages
from mlbench.identifier import Fidelity, fidelity_all, identify_all, indistinguishable
from mlbench.identifier.letters import block_of, read_letters
from mlbench.identifier.model import fit, read_tables
from mlbench.identifier.second import CODE_KEY, second_opinion
from mlbench.identifier.train import read_texts

LENGTHS = (None, 60, 30, 15)
N_LANGDETECT = 20
MARKS = "<!-- identify -->\n", "<!-- /identify -->"
LANGUAGES = read_languages()
Sentences = Mapping[str, Sequence[str]]


def accuracy(texts: Sentences) -> dict[str, float]:
    """Return by language the share of sentences that the most probable language is right for."""
    shares = {}
    tables = read_tables()
    for tag, sentences in texts.items():
        block = block_of(LANGUAGES[tag].script)
        if block in tables:
            best = fit(sentences, block).scores.argmax(axis=1)
            shares[tag] = float((best == tables[block].languages.index(tag)).mean())
        else:
            scripts = [
                max(c, key=c.__getitem__, default="") for c in read_letters(sentences).scripts
            ]
            shares[tag] = scripts.count(block) / len(scripts)
    return shares


def line_of(texts: Sentences, length: int | None) -> str:
    """Return the row of the table for one length."""
    cut = {tag: [text[:length] for text in sentences] for tag, sentences in texts.items()}
    flat = [text for sentences in cut.values() for text in sentences]
    truth = [tag for tag, sentences in cut.items() for _ in sentences]
    answers = identify_all(flat)
    one = [a.language == tag for a, tag in zip(answers, truth, strict=True) if a.language]
    several = [
        tag in a.languages for a, tag in zip(answers, truth, strict=True) if len(a.languages) > 1
    ]
    start = time.process_time()
    replies = Counter(fidelity_all(flat, [LANGUAGES[tag] for tag in truth]))
    speed = len(flat) / (time.process_time() - start)
    n = len(flat)
    numbers = [
        f"{np.mean(list(accuracy(cut).values())):.4f}",
        f"{len(one) / n:.3f}",
        f"{np.mean(one):.4f}",
        f"{len(several) / n:.3f}",
        f"{np.mean(several):.4f}",
        *(f"{replies[answer] / n:.4f}" for answer in Fidelity),
        f"{speed:,.0f}",
    ]
    return f"| {length or 'whole'} | {' | '.join(numbers)} |"


def group_lines(texts: Sentences) -> list[str]:
    """Return a row per language that others are taken for: with whom, and what is left."""
    shares = accuracy(texts)
    lines = []
    for tag, sentences in texts.items():
        others = indistinguishable(tag)
        if not others:
            continue
        names = ", ".join(f"`{other}` {share:.2f}" for other, share in others.items())
        answers = Counter(fidelity_all(sentences, [LANGUAGES[tag]] * len(sentences)))
        rates = " | ".join(f"{answers[a] / len(sentences):.3f}" for a in Fidelity)
        lines.append(f"| `{tag}` {LANGUAGES[tag].name} | {names} | {shares[tag]:.3f} | {rates} |")
    return lines


def langdetect_line(texts: Sentences) -> str:
    """Return one sentence on langdetect, on the first sentences of what it covers."""
    few = {t: s[:N_LANGDETECT] for t, s in texts.items() if CODE_KEY in LANGUAGES[t].codes}
    pairs = [(tag, text) for tag, sentences in few.items() for text in sentences]
    start = time.process_time()
    right = [second_opinion(text) == tag for tag, text in pairs]
    speed = len(pairs) / (time.process_time() - start)
    ours = np.mean(list(accuracy(few).values()))
    return (
        f"langdetect on the first {N_LANGDETECT} whole sentences of the {len(few)} languages that "
        f"it covers: {np.mean(right):.3f} right, {speed:,.0f} sentences per second; the model, "
        f"which chooses among all {len(texts)}: {ours:.3f}."
    )


def tables() -> str:
    """Return all that is generated of the page."""
    texts = {tag: read_texts(language)["test"] for tag, language in LANGUAGES.items()}
    head = (
        "| code points | accuracy | named | of these right | several | right among them | "
        "fidelity: yes | no | cannot tell | sentences per second |"
    )
    group_head = (
        "| language | taken for (share) | accuracy | fidelity of its own sentences: yes | no | "
        "cannot tell |"
    )
    parts = [
        head,
        "|" + "---|" * 10,
        *(line_of(texts, length) for length in LENGTHS),
        "",
        langdetect_line(texts),
        f"{platform.machine()}, one process of {os.cpu_count()} cores, processor time.",
        "",
        group_head,
        "|" + "---|" * 6,
        *group_lines(texts),
        "",
        "Generated by `python benchmarks/identify.py --write docs/identify.md`.",
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Print the tables, and put them into a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help=f"a page with the marker {MARKS[0].strip()}")
    options = parser.parse_args()
    text = tables()
    print(text)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        pattern = re.compile(f"({MARKS[0]}).*?({MARKS[1]})", re.DOTALL)
        page = pattern.sub(lambda found: found[1] + text + found[2], page)
        options.write.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
