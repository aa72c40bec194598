"""How does a person read a verdict in a terminal? Tables and one sentence a claim."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlbench.data.languages import REFERENCE
from mlbench.errors import SelectionError
from mlbench.families.origins import origin_words
from mlbench.judge import read_claims, verdict_json
from mlbench.judge.bases import find_bases
from mlbench.judge.closing import printed
from mlbench.judge.derivative import Derivative, against_base, sentences
from mlbench.judge.pairing import pair
from mlbench.judge.run import judge_run
from mlbench.judge.sentences import chain_sentence, sensitivity_rows, shown
from mlbench.measures import ChoiceSample, doc_scores, label_rule, measure_of, predict, scale_of
from mlbench.records import Cell
from mlbench.stats import Resampling
from mlbench.store.join import read_runs
from mlbench.store.read import Run, read_run
from mlbench.terminal.changes import find_changes, show_changes
from mlbench.terminal.counts import lines_of_counts
from mlbench.wording import plural

Verdict = Mapping[str, Any]
WIDTH_IN_PIPE = 200
"""Columns: tables keep their lines whole when no terminal says how wide it is."""

SHOWN_DOCS = 400
"""Docs listed by --explain at most; the count of the others is said."""


class Way(NamedTuple):
    """How two models are judged: by which claims, from which seed, since which run; how told."""

    claims: Path | None = None
    seed: int = 0
    since: str | None = None
    as_json: bool = False


def show_verdict(run: Run, models: tuple[str, str], way: Way) -> Verdict:
    """Print the verdict on two models of a run, for a person or as JSON, and return it."""
    claims, seed = way.claims, way.seed
    verdict = judge_run(run, *models, claims_file=claims, seed=seed)
    changes = find_changes(run, way.since, models, claims, seed) if way.since else None
    if changes:
        verdict["since"] = changes.as_json()
    if way.as_json:
        print(verdict_json(verdict), end="")
        return verdict
    console = _console()
    print_verdict(verdict, run, console)
    if find_bases(run).get(models[0]) == models[1]:
        _print_derivative(run, models, claims, Resampling(seed=seed), console)
    if changes:
        say(console, "")
        show_changes(changes, as_json=False)
    return verdict


def _print_derivative(
    run: Run,
    models: tuple[str, str],
    claims: Path | None,
    resampling: Resampling,
    console: Console,
) -> None:
    """Print what tuning gave a model and cost it, against the model it was made from."""
    asked = read_claims(claims) if claims else read_claims()
    found = against_base(run, *models, claims=asked, resampling=resampling)
    if isinstance(found, Derivative):
        say(console, f"\n{models[0]} was made from {models[1]}:")
        for sentence in sentences(found, {name: name for name in models}):
            say(console, f"  {sentence}")


def pair_of(run: Run, a: str | None, b: str | None) -> tuple[str, str]:
    """Return the models to compare: those given, else the pair that the run was made for.

    Raises SelectionError if there is no such pair, or only one model was given.
    """
    if a is not None and b is not None:
        return a, b
    if a is None and b is None and run.pair:
        return run.pair
    raise SelectionError(
        f"which two models? Type: mlbench verdict {run.typed} --a MODEL --b MODEL. "
        f"Models here: {', '.join(run.models)}"
    )


def tell_others(verdict: Verdict, wanted: str | None) -> bool:
    """Say on stderr which claims have another verdict than the one wanted; return if any has."""
    if wanted is None:
        return False
    others = [claim for claim in verdict["claims"] if claim["verdict"] != wanted]
    for claim in others:
        print(f"mlbench: not {wanted}, but {claim['verdict']}: {claim['claim']}", file=sys.stderr)
    return bool(others)


def read_pair(
    runs: Sequence[str | Path], a: str | None, b: str | None
) -> tuple[Run, tuple[str, str]]:
    """Read the cells of two models of one run, or several runs as one.

    First who is there, then the cells of these two: those of the others may be thousands.
    """
    if len(runs) != 1:
        found = read_runs(runs)
        return found, pair_of(found, a, b)
    pair = pair_of(read_run(runs[0], models=()), a, b)
    return read_run(runs[0], models=pair), pair


def show_docs(run: Run, models: tuple[str, str], tag: str) -> None:
    """Print the docs of a run on which two models are compared in a language."""
    explain(run, models, tag, _console())


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH_IN_PIPE, highlight=False)


def print_verdict(verdict: Verdict, run: Run, console: Console) -> None:
    """Print the pooled numbers, groups, languages and claims of a verdict."""
    verdict = printed(verdict)
    a, b, scale = verdict["a"], verdict["b"], verdict["scale"]
    say(
        console,
        f"{a} against {b}: {plural(len(verdict['families']), 'family', 'families')}, scale {scale} "
        f"({scale_of(scale).unit}), level {verdict['level']:.0%}, seed {verdict['seed']}",
    )
    for line in lines_of_counts(run, (a, b)):
        say(console, line)
    say(console, chain_sentence(verdict["chain"]))
    say(console, f"Text: {_origins(verdict['origins'])}.")
    for caveat in verdict["caveats"]:
        say(console, f"  Note: {caveat}")
    _print_pooled(verdict, console)
    _print_sensitivity(verdict, console)
    for claim in verdict["claims"]:
        say(console, f"\n{claim['verdict'].upper()}: {claim['claim']} (claim {claim['hash']})")
        say(console, f"  {claim['sentence']}")
    for known in verdict["predictions"]:
        said = f"{known['claim']}: {known['expected']}"
        say(console, f"\nPREDICTED on {known['date']} ({known['hash']}): {said}")
        say(console, f"  Found: {known['outcome']}. {known['found']}")
    say(console, "")
    _print_groups(verdict["groups"], scale, console)
    say(console, "")
    _print_languages(verdict, run, console)
    _print_excluded(verdict["excluded"], console)


def say(console: Console, text: str) -> None:
    """Print text as it is: names of models are not markup."""
    console.print(text, markup=False, soft_wrap=True)


def _origins(origins: Mapping[str, str]) -> str:
    """Return as text whence the texts of the families are, those of one origin together."""
    families: dict[str, list[str]] = {}
    for family, origin in origins.items():
        families.setdefault(origin_words(origin), []).append(family)
    return "; ".join(f"{words} ({', '.join(names)})" for words, names in families.items())


def _print_pooled(verdict: Verdict, console: Console) -> None:
    table = Table("", "estimate", "interval", "verdict", "could have seen", box=None)
    rows = {
        "lead in the other languages": verdict["others"],
        "lead in English": verdict["english"],
        "moat (the first less the second)": verdict["moat"],
        "moat, languages as a sample": verdict["targets"]["sampled"],
        "moat without near-copies": verdict["totals"]["without_duplicates"],
        "moat weighted by speakers": verdict["totals"]["speakers_tau_1"],
    }
    for name, effect in rows.items():
        table.add_row(name, *_effect_cells(effect, verdict["scale"]))
    for scale, effect in verdict["scales"].items():
        if scale != verdict["scale"] and effect["method"] != "undefined":
            name = f"moat on the scale {scale} ({scale_of(scale).unit})"
            table.add_row(name, *_effect_cells(effect, scale))
    console.print(table)
    if verdict["without_weight"]:
        tags = ", ".join(verdict["without_weight"])
        say(console, f"Without a number of speakers, so without a weight: {tags}.")


def _print_sensitivity(verdict: Verdict, console: Console) -> None:
    """Print what the headline would be by other rules and over other sets of cells."""
    scale = verdict["scale"]
    table = Table("the same", "elsewhere", "English", "moat", "interval", "verdict", box=None)

    def add(name: str, sides: Mapping[str, Any]) -> None:
        estimate, interval, word, _ = _effect_cells(sides["moat"], scale)
        leads = [shown(sides[s]["estimate"], scale) if s in sides else "-" for s in SIDES]
        table.add_row(name, *leads, estimate, interval, word)

    for name, sides in sensitivity_rows(verdict):
        add(name, sides)
    if table.row_count:
        console.print(table)


SIDES = ("others", "english")


def _effect_cells(effect: Mapping[str, Any], scale: str) -> tuple[str, str, str, str]:
    interval = f"{shown(effect['low'], scale)} to {shown(effect['high'], scale)}"
    word = effect["verdict"] or "undefined"
    if effect["reason"]:
        return shown(effect["estimate"], scale), "-", f"{word}: {effect['reason']}", "-"
    seen = "nothing: too few docs"
    if effect["mde"] is not None:
        seen = shown(effect["mde"], scale).lstrip("+")
    return shown(effect["estimate"], scale), interval, word, seen


def _print_groups(groups: Sequence[Mapping[str, Any]], scale: str, console: Console) -> None:
    table = Table("by", "group", "languages", "lead", "moat", "interval", "verdict", box=None)
    for group in groups:
        moat = group["moat"]
        estimate, interval, word, _ = _effect_cells(moat, scale)
        lead = shown(group["delta"]["estimate"], scale)
        name = Text(str(group["group"]))
        n_languages = str(group["n_languages"])
        table.add_row(group["by"], name, n_languages, lead, estimate, interval, word)
    console.print(table)


def _print_languages(verdict: Verdict, run: Run, console: Console) -> None:
    scale = verdict["scale"]
    table = Table(
        "language", "", "lead", "interval", "p (Holm)", "verdict", "moat", "verdict of it"
    )
    table.box = None
    for row in verdict["per_language"]:
        tag = row["language"]
        interval = f"{shown(row['low'], scale)} to {shown(row['high'], scale)}"
        p_holm = "-" if row["p_holm"] is None else f"{row['p_holm']:.3f}"
        moat = shown(row["moat"], scale), row["moat_verdict"] or "-"
        name = Text(run.languages[tag].name if tag in run.languages else tag)
        lead = shown(row["delta"], scale)
        table.add_row(tag, name, lead, interval, p_holm, row["verdict"], *moat)
    console.print(table)
    counts = verdict["counts"]["delta"]
    say(
        console,
        f"Of {sum(counts[s] for s in ('better', 'worse', 'equivalent', 'undetermined'))} languages "
        f"other than English, {verdict['a']} is better in {counts['better']} (after Holm "
        f"correction {counts['better_holm']}), worse in {counts['worse']} "
        f"({counts['worse_holm']}), equivalent in {counts['equivalent']} "
        f"({counts['equivalent_holm']}); {counts['undetermined']} are undetermined.",
    )


def _print_excluded(excluded: Sequence[Mapping[str, Any]], console: Console) -> None:
    reasons: dict[tuple[str, str], list[str]] = {}
    for gone in excluded:
        reasons.setdefault((gone["family"] or "all", gone["reason"]), []).append(gone["language"])
    if reasons:
        say(console, "\nLeft out:")
    for (family, reason), tags in reasons.items():
        say(console, f"  {family}: {reason}: {', '.join(tags)}")


def explain(run: Run, models: tuple[str, str], tag: str, console: Console) -> None:
    """Print the docs of a language on which two models are compared, and English for the moat.

    Raises SelectionError if the run has no such language for both.
    """
    a, b = models
    pairing = pair(run, a, b)
    compared = [cell for cell in pairing.compared if cell.language == tag]
    if not compared:
        whys = sorted({gone.reason for gone in pairing.left_out if gone.language == tag})
        raise SelectionError(
            f"no finished cell of {a!r} and {b!r} in language {tag!r} can be compared"
            f"{': ' if whys else ''}{'; '.join(whys)}. See: mlbench list cells {run.typed}"
        )
    if tag != REFERENCE:
        say(console, f"For its moat, see also: --explain {REFERENCE}")
    for cell in compared:
        _explain_cell(run, cell, cell._replace(model=b), console)


def _explain_cell(run: Run, first: Cell, second: Cell, console: Console) -> None:
    metric = run.families[first.family]["metrics"][0]
    ours, theirs = run.done[first].samples, {s.doc_id: s for s in run.done[second].samples}
    shared = [(sample, theirs[sample.doc_id]) for sample in ours if sample.doc_id in theirs]
    say(
        console,
        f"\n{first.family}, {plural(first.shots, 'shot')}, "
        f"{metric} of {plural(len(shared), 'doc')}:",
    )
    table = Table("doc", "cluster", first.model, second.model, "target", "predictions", box=None)
    has_scores = measure_of(metric).has_doc_scores
    for one, other in shared[:SHOWN_DOCS]:
        values = [doc_scores([s], metric)[0] for s in (one, other)] if has_scores else []
        words: tuple[Text, ...] = (Text("-"), Text("-"))
        if isinstance(one, ChoiceSample) and isinstance(other, ChoiceSample):
            rule = metric if measure_of(metric).is_rule else label_rule(one)
            taken = " | ".join(s.choices[predict(s, rule)] for s in (one, other))
            words = (Text(one.choices[one.target]), Text(taken))
        scores = [f"{value:.3f}".rstrip("0").rstrip(".") for value in values] or ["-", "-"]
        table.add_row(Text(one.doc_id), Text(one.cluster_id), *scores, *words)
    console.print(table)
    if len(shared) > SHOWN_DOCS:
        say(console, f"and {len(shared) - SHOWN_DOCS} more; all of them: mlbench export")
