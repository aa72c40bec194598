"""Which sentence could a careful author print? Words for effects; no number is made here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlbench.judge.coverage import Need
from mlbench.judge.effects import Effect
from mlbench.judge.listed import ListedLead
from mlbench.measures import ADJUSTED, TOKENS, scale_of

COST = TOKENS.scales[0].name
# Models A and B as they are printed; B is empty where a claim is about A alone.
Names = tuple[str, str]


def shown(value: float | None, scale: str) -> str:
    """Write an effect in the unit of its scale, with its sign."""
    return scale_of(scale).format(value)


def with_interval(effect: Effect, scale: str, level: float) -> str:
    """Write an effect: `+9.3 adjusted points (95 % interval +8.5 to +10.1)`."""
    unit = scale_of(scale).unit
    low, high = shown(effect.low, scale), shown(effect.high, scale)
    return f"{shown(effect.estimate, scale)} {unit} ({100 * level:g} % interval {low} to {high})"


def unknown_sentence(effect: Effect, question: str, scale: str, level: float) -> str:
    """Return as text that the data cannot decide, and why or what could have been seen."""
    if math.isnan(effect.estimate) or math.isnan(effect.low):
        return f"It is unknown whether {question}: {effect.reason}."
    if not math.isfinite(effect.mde):
        number = with_interval(effect, scale, level)
        return f"These docs are too few to decide whether {question}: {number}."
    seen = shown(effect.mde, scale).lstrip("+")
    return (
        f"These docs cannot decide whether {question}: {with_interval(effect, scale, level)}; "
        f"{seen} {scale_of(scale).unit} could have been seen in 80 % of runs."
    )


class FewDocs(NamedTuple):
    """How many docs the largest compared cell has, and how many can tell anything at all.

    `needed_holm` are needed to tell one language among `n_tests`.
    """

    most: int
    needed: int
    needed_holm: int
    n_tests: int


def few_docs_sentence(docs: FewDocs) -> str:
    """Return as text that the docs are too few for any result, or for one language; else empty."""
    if docs.most < docs.needed:
        return (
            f"{docs.most} docs: nothing can be told; {docs.needed} are needed, "
            f"{docs.needed_holm} after Holm over {docs.n_tests}."
        )
    if docs.most < docs.needed_holm:
        return (
            f"{docs.most} docs: no single language can be told; {docs.needed_holm} are needed "
            f"after Holm over {docs.n_tests}."
        )
    return ""


class Leads(NamedTuple):
    """How far A is ahead of B in English and in the other languages; nan where unknown."""

    english: float
    others: float
    scale: str


def moat_sentence(effect: Effect, names: Names, leads: Leads, *, scale: str, level: float) -> str:
    """Return the sentence on the moat of A over B: for which languages, and who is ahead there."""
    a, b = names
    if effect.verdict == "undetermined":
        question = f"{a} leads {b} by more, or by less, outside English than in English"
        return unknown_sentence(effect, question, scale, level)
    if math.isnan(effect.estimate):
        return (
            f"Each of the {effect.n_families} families alone says: {effect.verdict}. They are too "
            f"few to be pooled."
        )
    number = with_interval(effect, scale, level)
    scope = f"over {effect.n_languages} languages ({effect.method}){_leads(leads, names)}"
    if effect.verdict == "equivalent":
        margin = shown(effect.margin, scale).lstrip("+")
        return (
            f"Outside English {a} leads {b} as much as in English, to within {margin} "
            f"{scale_of(scale).unit}: {number} {scope}."
        )
    direction = "more" if effect.verdict == "supported" else "less"
    return (
        f"Outside English the lead of {a} over {b} is {direction} than in English: "
        f"{number} {scope}."
    )


def _leads(leads: Leads, names: Names) -> str:
    """Return as text both leads in points, and if the one with the moat is behind all the same."""
    if math.isnan(leads.english) or math.isnan(leads.others):
        return ""
    english, others = shown(leads.english, leads.scale), shown(leads.others, leads.scale)
    unit = scale_of(leads.scale).unit
    text = f"; the lead itself is {english} {unit} in English and {others} {unit} elsewhere"
    moat = leads.others - leads.english
    if moat * leads.others < 0:
        behind = names[0] if moat > 0 else names[1]
        text += f", so outside English {behind} is behind all the same"
    return text


def coverage_sentence(effect: Effect, a: str, need: Need, level: float) -> str:
    """Return the sentence on how many languages A covers."""
    if math.isnan(effect.estimate):
        return f"It is unknown how many languages {a} covers: {effect.reason}."
    return (
        f"{effect.n_languages} languages were measured, {need.wanted} are claimed. In "
        f"{effect.estimate:.0f} of them {a} is above chance (Holm) and keeps at least "
        f"{100 * need.retained:g} % of its English score; with {100 * level:g} % confidence in no "
        f"fewer than {effect.low:.0f}, and in no more than {effect.high:.0f} counting those that "
        f"were not measured."
    )


def gap_sentence(effect: Effect, names: Names, scale: str, level: float) -> str:
    """Return the sentence on the slope of the moat on the resource class."""
    a, b = names
    question = f"the lead of {a} over {b} grows as resources shrink"
    if effect.verdict == "undetermined":
        return unknown_sentence(effect, question, scale, level)
    words = {
        "supported": "grows as resources shrink",
        "refuted": "shrinks as resources shrink",
        "equivalent": "does not depend on resources beyond the margin",
    }[effect.verdict]
    number = with_interval(effect, scale, level)
    return (
        f"The lead of {a} over {b} beyond English {words}: {number} for each resource class less, "
        f"over {effect.n_languages} languages with their families as a sample."
    )


def listed_sentence(found: ListedLead, names: Names, scale: str, level: float) -> str:
    """Return the sentence on the lead in the languages that A's maker names, against controls."""
    a, b = names
    effect = found.effect
    if effect.verdict == "undetermined":
        question = f"{a} leads {b} by more where its maker says than in like languages"
        text = unknown_sentence(effect, question, scale, level)
        return text if math.isnan(effect.estimate) else f"{text} {_both_leads(found, scale)}"
    words = {
        "supported": "is larger than",
        "refuted": "is smaller than",
        "equivalent": "is, to within the margin, the same as",
    }[effect.verdict]
    number = with_interval(effect, scale, level)
    return (
        f"The lead of {a} over {b} in languages that the maker of {a} names {words} that in others "
        f"of the same language family and resource class: {number}. {_both_leads(found, scale)}"
    )


def _both_leads(found: ListedLead, scale: str) -> str:
    listed, controls = shown(found.listed, scale), shown(found.controls, scale)
    text = (
        f"It is {listed} in {found.n_listed} languages on the list and {controls} in "
        f"{found.n_controls} that are not."
    )
    return text if found.listed > 0 else f"{text} So there is no lead where it is claimed."


def lead_sentence(effect: Effect, names: Names, where: str, how: tuple[str, float]) -> str:
    """Return the sentence on the lead of A over B in some languages; `how`: scale and level."""
    a, b = names
    if effect.verdict == "undetermined":
        return unknown_sentence(effect, f"{a} is better than {b} in {where}", *how)
    words = {
        "supported": "is better than",
        "refuted": "is worse than",
        "equivalent": "is, to within the margin, as good as",
    }[effect.verdict]
    return f"In {where} {a} {words} {b}: {with_interval(effect, *how)}."


def fewshot_sentence(effect: Effect, names: Names, shots: int, level: float) -> str:
    """Return the sentence on the gain of k shots, or A with k shots against a tuned model."""
    a, b = names
    if math.isnan(effect.estimate):
        return f"It is unknown what few-shot does for {a}: {effect.reason}."
    number = with_interval(effect, ADJUSTED.name, level)
    if not b:
        return (
            f"{shots} shots change {a} by {number} over {effect.n_languages} languages; whether "
            f"they replace tuning is unknown: {effect.reason}."
        )
    words = {
        "supported": "is not worse than",
        "refuted": "is worse than",
    }.get(effect.verdict, "is neither shown to differ from, nor shown to be as good as,")
    return (
        f"{a} with {shots} shots {words} {b} without: {number} over {effect.n_languages} languages."
    )


def twins_sentence(
    twins: Sequence[Mapping[str, Any]], titles: Mapping[str, str], level: float
) -> str:
    """Return the sentence on two wordings of the same docs: what each model has more in one."""
    first = twins[0]
    numbers = [
        f"{_number_of(one['effect'], level)} for {one['model']} "
        f"({one['effect']['n_languages']} languages)"
        for one in twins
    ]
    names = f"{titles[first['family']]} less {titles[first['twin']]}"
    return f"The same docs asked in two ways: {names} is {' and '.join(numbers)}."


def _number_of(effect: Mapping[str, Any], level: float) -> str:
    estimate, low, high = (shown(effect[key], ADJUSTED.name) for key in ("estimate", "low", "high"))
    return f"{estimate} {ADJUSTED.unit} ({100 * level:g} % interval {low} to {high})"


def cost_sentence(effect: Effect, names: Names, level: float) -> str:
    """Return the sentence on the tokens that B needs for the same sentences, against A."""
    a, b = names
    if effect.verdict == "undetermined":
        question = f"{a} needs fewer tokens than {b} for the same sentences"
        return unknown_sentence(effect, question, COST, level)
    number = with_interval(effect, COST, level)
    return (
        f"For the same sentences {b} needs {number} more tokens than {a}, as a geometric mean over "
        f"{effect.n_languages} languages: {effect.verdict}."
    )


def counting_words(verdict: Mapping[str, Any]) -> str:
    """Return as text how the pooled families count: once each, and twins as one."""
    used = set(verdict["pooled_families"])
    if any({twins["family"], twins["twin"]} <= used for twins in verdict["twins"]):
        return ", those that ask the same docs counting as one"
    return ", each counting once" if len(used) > 1 else ""


def chain_sentence(chain: Mapping[str, int]) -> str:
    """Return as text in one line how many languages the numbers rest on."""
    english = "included" if chain["english"] else "is not there"
    words = (
        f"Languages: {chain['languages']} in the run, {chain['with_data']} with data, "
        f"{chain['compared']} compared (English {english})"
    )
    if chain["at_chance"]:
        words += f"; in {chain['at_chance']} of these neither model is above chance, and they count"
    return f"{words}."


def sensitivity_rows(verdict: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """List the headline by other rules and over other sets of cells, each with its name.

    A row maps `others`, `english` and `moat` to effects; the first two may lack.
    """
    rows = [
        (f"by {rule} ({', '.join(sides['families'])})", sides)
        for rule, sides in verdict["rules"].items()
    ]
    if verdict["floored"]:
        rows.append(("with scores below chance raised to it", verdict["floored"]))
    if chosen := verdict["above_chance"]:
        n = chosen["n_languages"]
        rows.append((f"in the {n} languages above chance, chosen by other docs", chosen))
    ceiling = verdict["without_ceiling"]
    if ceiling["families"] and ceiling["moat"]:
        names = ", ".join(ceiling["families"])
        rows.append((f"without {names}, at the ceiling in English", ceiling))
    return rows
