"""The four embedded families: parallel docs of four choices from each language's own data."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from mlbench.data import cldr
from mlbench.data.languages import read_languages
from mlbench.errors import NoData
from mlbench.families import (
    _cldr_choices,
    cldr_calendar,
    cldr_coverage,
    cldr_plural,
    cldr_terms,
    cldr_timespan,
)
from mlbench.records import ChoiceDoc, Family, FamilyDocs

LANGUAGES = read_languages()
MODULES = {m.FAMILY.name: m for m in (cldr_calendar, cldr_plural, cldr_terms, cldr_timespan)}
FAMILIES = {name: module.FAMILY for name, module in MODULES.items()}
# One language a script; plural has too few docs or none in Hindi, Thai and Chinese.
GOLDEN_TAGS = {"cldr_plural": ("cs", "ar", "ru", "mr", "ta")}
GOLDEN_DEFAULT = ("sw", "ar", "hi", "th", "zh-Hans", "ru")
GOLDEN = Path(__file__).parent / "golden"


@cache
def docs_of(name: str, tag: str) -> FamilyDocs | NoData:
    """Return the docs, or why there are none."""
    language = LANGUAGES[tag]
    try:
        return FAMILIES[name].docs(cldr.read_rows(language), language)
    except NoData as reason:
        return reason


@cache
def all_docs(name: str) -> dict[str, tuple[ChoiceDoc, ...]]:
    """Return scored docs of every language that takes part."""
    found = {tag: docs_of(name, tag) for tag in LANGUAGES}
    return {t: d.scored for t, d in found.items() if isinstance(d, FamilyDocs)}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> Family:
    """Each of the four."""
    return FAMILIES[request.param]


@pytest.mark.parametrize(
    ("name", "n_languages"),
    [("cldr_calendar", 101), ("cldr_terms", 91), ("cldr_timespan", 91), ("cldr_plural", 54)],
)
def test_coverage(name: str, n_languages: int) -> None:
    # Measured with babel 2.18 (CLDR 47); docs/embedded.md has the same numbers.
    assert len(all_docs(name)) == n_languages


def test_the_documented_tables_are_those_of_the_installed_data() -> None:
    tables = "\n".join(cldr_coverage.write_tables(LANGUAGES.values()))
    assert tables in (Path(__file__).parent.parent / "docs/embedded.md").read_text("utf-8")


def test_every_doc_is_well_formed(family: Family) -> None:
    for docs in all_docs(family.name).values():
        for doc in docs:
            assert len({choice.casefold() for choice in doc.choices}) == 4
            assert all(choice == choice.strip() and choice for choice in doc.choices)
            assert 0 <= doc.target < 4


def test_languages_have_the_docs_of_one_list(family: Family) -> None:
    module = MODULES[family.name]
    outlines = {outline.doc_id: outline for outline in module.scored_outlines()}
    assert len(outlines) == len(module.scored_outlines())
    english = {doc.doc_id: doc for doc in all_docs(family.name)["en"]}
    for docs in all_docs(family.name).values():
        for doc in docs:
            assert doc.cluster_id == outlines[doc.doc_id].cluster_id
            assert doc.target == english.get(doc.doc_id, doc).target
        assert len({doc.doc_id for doc in docs}) == len(docs) >= _cldr_choices.MIN_DOCS


def test_english_has_nearly_all_docs_of_every_language(family: Family) -> None:
    english = {doc.doc_id for doc in all_docs(family.name)["en"]}
    shares = [
        len(english & {doc.doc_id for doc in docs}) / len(docs)
        for docs in all_docs(family.name).values()
    ]
    # The Slavic plurals of two and five have no like in English.
    assert min(shares) >= (0.4 if family.name == "cldr_plural" else 1)


def test_targets_stand_in_every_place_equally_often(family: Family) -> None:
    outlines = MODULES[family.name].scored_outlines()
    counts = Counter(_cldr_choices._positions(outlines))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_fewshot_docs_are_five_and_never_scored(family: Family) -> None:
    for tag in all_docs(family.name):
        docs = docs_of(family.name, tag)
        assert isinstance(docs, FamilyDocs)
        assert len(docs.fewshot) == family.max_shots == 5
        assert not {d.doc_id for d in docs.fewshot} & {d.doc_id for d in docs.scored}


def test_fewshot_docs_do_not_show_a_scored_solution(family: Family) -> None:
    assert family.prompt is not None
    for tag in all_docs(family.name):
        docs = docs_of(family.name, tag)
        assert isinstance(docs, FamilyDocs)
        shown = "\n\n".join(map(solved(family), docs.fewshot))
        assert not [doc for doc in docs.scored if solved(family)(doc) in shown]


def test_docs_are_the_same_on_each_call(family: Family) -> None:
    language = LANGUAGES["ru"]
    again = family.docs(cldr.read_rows(language), language)
    assert again == docs_of(family.name, "ru")


def test_terms_near_english_are_left_out_only_outside_english() -> None:
    german = {doc.doc_id for doc in all_docs("cldr_terms")["de"]}
    english = {doc.doc_id for doc in all_docs("cldr_terms")["en"]}
    assert "territory:DE:to-name" in german  # Deutschland
    assert "territory:MX:to-name" in english - german  # Mexiko


@pytest.mark.parametrize(
    ("name", "tag", "reason"),
    [
        ("cldr_terms", "tl", "nearly the English name"),
        ("cldr_timespan", "fa-AF", "lack a name"),
        ("cldr_plural", "th", "one form of a unit for all numbers"),
        ("cldr_plural", "tr", "one form of a unit for all numbers"),
        ("cldr_plural", "oc", "no plural rule"),
        ("cldr_plural", "scn", "no full names of units"),
        ("cldr_plural", "hi", "makes 12 of 122 docs, at least 16 are needed"),
        ("cldr_calendar", "ht", "inherited from 'fr_HT'"),
        ("cldr_calendar", "arz", "no locale of its own"),
    ],
)
def test_a_language_without_docs_says_why(name: str, tag: str, reason: str) -> None:
    found = docs_of(name, tag)
    assert isinstance(found, NoData) and reason in str(found)


def test_plural_needs_a_difference_in_form() -> None:
    russian = {doc.doc_id: doc for doc in all_docs("cldr_plural")["ru"]}
    doc = russian["plural:duration-day:2:8"]
    assert doc.choices[doc.target] == "2 дня" and "2 дней" in doc.choices
    assert doc.doc_id not in {doc.doc_id for doc in all_docs("cldr_plural")["en"]}


def test_timespan_values_stand_in_two_choices_each() -> None:
    for outline in cldr_timespan.scored_outlines():
        parts = [span.split(":") for span in (outline.target, *outline.distractors)]
        for values in zip(*parts, strict=True):
            assert sorted(Counter(values).values()) in ([4], [2, 2])


@pytest.mark.parametrize(
    ("name", "tag"),
    [(name, tag) for name in FAMILIES for tag in GOLDEN_TAGS.get(name, GOLDEN_DEFAULT)],
)
def test_rendered_prompts_are_the_golden_ones(name: str, tag: str) -> None:
    path = GOLDEN / f"{name}_{tag}.txt"
    assert render(name, tag) == path.read_text(encoding="utf-8")


def solved(family: Family):  # type: ignore[no-untyped-def]
    """Return the function from a doc to its prompt with the target."""
    assert family.prompt is not None

    def text(doc: ChoiceDoc) -> str:
        prompt = family.prompt(doc)  # type: ignore[misc]
        assert prompt.context == prompt.context.strip()
        return f"{prompt.context} {prompt.choices[doc.target]}"

    return text


def render(name: str, tag: str) -> str:
    """Return a doc as a model meets it after five shots, then its choices, the target starred."""
    docs = docs_of(name, tag)
    assert isinstance(docs, FamilyDocs)
    doc = docs.scored[len(docs.scored) // 2]
    prompt = FAMILIES[name].prompt
    assert isinstance(doc, ChoiceDoc) and prompt is not None
    shots = [solved(FAMILIES[name])(shot) for shot in docs.fewshot]
    choices = [
        f"{'*' if i == doc.target else ' '} {choice}" for i, choice in enumerate(doc.choices)
    ]
    return "\n\n".join([*shots, prompt(doc).context]) + "\n" + "\n".join(choices) + "\n"
