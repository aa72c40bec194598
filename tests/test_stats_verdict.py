"""The whole verdict: form, invariances, and what it says when it cannot say."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stats_toys import FACTS, QUICK, TAGS, make_cells, make_table

from mlbench.errors import DataError
from mlbench.judge import ClaimsFile, Evidence, judge, read_claims, verdict_json
from mlbench.judge.claims import claims_from
from mlbench.measures import BITS
from mlbench.stats import CellScores, ScoreTable, table_from_cells

NO_CLAIMS: ClaimsFile = claims_from({}, "no file")
SCHEMA = json.loads(
    (Path(__file__).parent.parent / "mlbench" / "judge" / "verdict.schema.json").read_text(
        encoding="utf-8"
    )
)


def ask(*tables: ScoreTable, a: str = "good", b: str = "plain") -> dict[str, Any]:
    return judge(Evidence(tables, FACTS), a, b, claims=NO_CLAIMS, resampling=QUICK)


def bits_table(saved: float = 0.2, languages: tuple[str, ...] = TAGS) -> ScoreTable:
    """Make bits of sentences: `good` needs fewer by `saved` (log) in all languages but English."""
    rng = np.random.default_rng(2)
    ids = [f"d{i:03d}" for i in range(60)]
    length = rng.uniform(50, 300, size=60)
    cells = []
    for language in languages:
        for model, lead in (("good", saved if language != "en" else 0.0), ("plain", 0.0)):
            bits = length * np.exp(rng.normal(0, 0.1, size=60) - lead)
            cells.append(CellScores(model, language, ids, bits))
    return table_from_cells("toy_lm", cells, measure=BITS)


def conforms(value: Any, schema: dict[str, Any], at: str = "$") -> list[str]:
    """Check the parts of JSON Schema that verdict.schema.json uses; return what is wrong."""
    if "$ref" in schema:
        return conforms(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], at)
    if "anyOf" in schema:
        tried = [conforms(value, option, at) for option in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r}"]
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = [
        is_number and (n == "number" or isinstance(value, int))
        if n in ("number", "integer")
        else isinstance(value, types[n])
        for n in names
    ]
    if not any(fits):
        return [f"{at}: {value!r} is not {names}"]
    if isinstance(value, list):
        return [e for i, v in enumerate(value) for e in conforms(v, schema["items"], f"{at}[{i}]")]
    return _members(value, schema, at) if isinstance(value, dict) else []


def _members(value: dict[str, Any], schema: dict[str, Any], at: str) -> list[str]:
    known, rest = schema.get("properties", {}), schema["additionalProperties"]
    wrong = [f"{at}: lacks {key}" for key in schema.get("required", ()) if key not in value]
    for key, inner in value.items():
        part = known.get(key, rest)
        wrong += [f"{at}: unknown {key}"] if part is False else conforms(inner, part, f"{at}.{key}")
    return wrong


@pytest.mark.parametrize(
    "tables",
    [
        [make_table()],
        [make_table(), bits_table()],
        [make_table(family=name, seed=i) for i, name in enumerate("fgh")],
        [make_table().select(["sw", "de"])],
        [make_table().select(["en"])],
        [make_table(n=1)],
        [bits_table()],
    ],
    ids=["one", "two kinds", "three", "no English", "English only", "one doc", "bits"],
)
def test_every_verdict_follows_the_schema(tables: list[ScoreTable]) -> None:
    evidence = Evidence(tuple(tables), FACTS)
    found = judge(evidence, "good", "plain", claims=read_claims(), resampling=QUICK)
    assert conforms(json.loads(verdict_json(found)), SCHEMA) == []


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    first, second = (verdict_json(ask(make_table())) for _ in range(2))
    assert first.encode() == second.encode() and "NaN" not in first
    evidence = Evidence((make_table(),), FACTS)
    other = judge(
        evidence, "good", "plain", claims=NO_CLAIMS, resampling=type(QUICK)(seed=8, replicates=1000)
    )
    assert verdict_json(other) != first


def test_planted_moat_is_supported_swapped_refuted_and_itself_is_not() -> None:
    found, swapped = ask(make_table(0.3)), ask(make_table(0.3), a="plain", b="good")
    itself = ask(make_table(0.3), a="good", b="good")
    assert found["moat"]["verdict"] == "supported" and swapped["moat"]["verdict"] == "refuted"
    for one, other in (("estimate", "estimate"), ("low", "high"), ("high", "low")):
        assert found["moat"][one] == -swapped["moat"][other]
    assert found["moat"]["p"] == swapped["moat"]["p"]
    assert itself["moat"]["estimate"] == 0 and itself["moat"]["verdict"] in (
        "equivalent",
        "undetermined",
    )
    assert itself["counts"]["delta"]["better"] == 0


def test_lead_in_english_only_is_no_moat() -> None:
    rates = {
        "good": {tag: 0.9 if tag == "en" else 0.6 for tag in TAGS},
        "plain": {tag: 0.5 if tag == "en" else 0.55 for tag in TAGS},
    }
    found = ask(table_from_cells("f", make_cells(rates)))
    assert found["moat"]["verdict"] == "refuted" and found["english"]["verdict"] == "supported"


def test_mean_of_the_language_moats_is_the_fixed_target() -> None:
    found = ask(make_table(), make_table(family="g", seed=4))
    rows = [row["moat"] for row in found["per_language"] if row["language"] != "en"]
    assert found["targets"]["fixed"]["estimate"] == pytest.approx(np.mean(rows))
    assert found["totals"]["all"] == found["targets"]["fixed"]
    assert found["totals"]["without_duplicates"]["n_languages"] == len(rows) - 1


def test_languages_as_a_sample_are_less_sure() -> None:
    targets = ask(make_table())["targets"]
    fixed, sampled = targets["fixed"], targets["sampled"]
    assert sampled["estimate"] == fixed["estimate"]
    assert sampled["high"] - sampled["low"] > fixed["high"] - fixed["low"]


def test_two_language_families_are_no_sample() -> None:
    found = ask(make_table().select(["en", "de", "sw", "zu"]))["targets"]["sampled"]
    assert found["low"] is None and found["verdict"] == "undetermined"
    assert found["reason"] == "too few docs or language families for an interval"


def test_two_families_are_not_pooled_but_may_agree() -> None:
    found = ask(make_table(0.3), make_table(0.3, family="g", seed=4))["moat"]
    assert found["estimate"] is None and found["verdict"] == "supported"
    assert found["reason"] == "2 families are shown side by side; fewer than 3 are not pooled"


def test_three_families_are_pooled_each_counting_once() -> None:
    tables = [make_table(0.3, family=name, seed=i) for i, name in enumerate("fgh")]
    tables[2] = tables[2].select(["en", "sw", "zu"])
    found = ask(*tables)
    each = [family["moat"]["estimate"] for family in found["by_family"].values()]
    assert found["moat"]["estimate"] == pytest.approx(np.mean(each))
    assert found["moat"]["method"] == "mean of families, for families like these"
    assert found["moat"]["high"] > found["targets"]["fixed"]["high"]
    for name in ("fixed", "sampled"):
        assert found["targets"][name]["estimate"] == pytest.approx(found["moat"]["estimate"])
    assert found["totals"]["speakers_tau_0"] == found["totals"]["all"]


def uneven_tables(n: int) -> list[ScoreTable]:
    """Make families that lack docs in some languages, and languages in some families."""
    tables = []
    for i, name in enumerate("fgh"[:n]):
        cells = make_cells(
            {m: {tag: 0.4 + 0.1 * k for tag in TAGS} for k, m in enumerate(("plain", "good"))},
            seed=i,
        )
        keep = {tag: 120 - 10 * j for j, tag in enumerate(TAGS)}
        tables.append(
            table_from_cells(
                name,
                [
                    replace(
                        c,
                        doc_ids=c.doc_ids[: keep[c.language]],
                        values=c.values[: keep[c.language]],
                        cluster_ids=c.cluster_ids[: keep[c.language]],
                    )
                    for c in cells
                    if c.language == "en" or i == 0 or c.language in TAGS[: 3 + i]
                ],
            )
        )
    return tables


@pytest.mark.parametrize("n", [1, 3])
def test_others_less_english_is_beyond(n: int) -> None:
    found = ask(*uneven_tables(n))
    parts = [found, *found["by_family"].values(), *found["rules"].values()]
    for part in parts:
        values = [part[name]["estimate"] for name in ("others", "english", "moat")]
        assert values[0] - values[1] == pytest.approx(values[2], abs=1e-8)


def test_demonstrations_are_shown_and_not_pooled_unless_alone() -> None:
    tables = (make_table(0.3), make_table(0.0, family="demo", seed=5))
    evidence = Evidence(tables, FACTS, demonstrations=frozenset({"demo"}))
    found = judge(evidence, "good", "plain", claims=NO_CLAIMS, resampling=QUICK)
    assert found["pooled_families"] == ["toy"] and found["families"] == ["demo", "toy"]
    assert found["moat"] == ask(make_table(0.3))["moat"]
    alone = replace(evidence, tables=tables[1:])
    found = judge(alone, "good", "plain", claims=NO_CLAIMS, resampling=QUICK)
    assert found["pooled_families"] == ["demo"]


def test_rules_are_judged_beside_and_a_disagreement_is_said() -> None:
    tables = (make_table(0.3),)
    rules = {"acc": (make_table(0.3),), "acc_pmi": (make_table(-0.3),)}
    evidence = Evidence(tables, FACTS, rules=rules)
    found = judge(evidence, "good", "plain", claims=NO_CLAIMS, resampling=QUICK)
    assert found["rules"]["acc"]["moat"] == found["moat"] and not found["rules_agree"]
    same = replace(evidence, rules={"acc": tables})
    assert judge(same, "good", "plain", claims=NO_CLAIMS, resampling=QUICK)["rules_agree"]


def test_few_docs_are_said_to_tell_nothing() -> None:
    cells = [
        CellScores(m, tag, list("abcd"), [float(m == "good")] * 4)
        for m in ("good", "plain")
        for tag in TAGS
    ]
    found = ask(table_from_cells("f", cells))
    needed = found["docs"]["needed_holm"]
    assert found["docs"]["sentence"] == (
        f"4 docs: nothing can be told; 6 are needed, {needed} after Holm over {len(TAGS) - 1}."
    )
    assert ask(make_table())["docs"]["sentence"] == ""


def test_a_lead_over_a_model_below_chance_is_also_given_with_it_at_chance() -> None:
    rates = {
        "good": dict.fromkeys(TAGS, 0.5),
        "plain": {tag: 0.5 if tag == "en" else 0.02 for tag in TAGS},
    }
    found = ask(table_from_cells("f", make_cells(rates)))
    assert found["floored"]["others"]["estimate"] < found["others"]["estimate"] - 0.1


def test_the_ceiling_is_named_with_the_number_without_it() -> None:
    rates = {m: {tag: 1.0 if tag == "en" else 0.6 for tag in TAGS} for m in ("good", "plain")}
    high = table_from_cells("high", make_cells(rates))
    found = ask(high, make_table(0.3))
    assert found["without_ceiling"]["families"] == ["high"]
    assert found["without_ceiling"]["moat"] == ask(make_table(0.3))["moat"]
    assert ask(make_table())["without_ceiling"]["families"] == []


def test_without_english_the_moat_is_undefined_and_says_so() -> None:
    found = ask(make_table().select([tag for tag in TAGS if tag != "en"]))
    assert found["moat"]["estimate"] is None and found["moat"]["verdict"] == "undetermined"
    assert found["moat"]["reason"] == (
        "toy: English has no scores of both models, so the moat is undefined"
    )
    assert found["others"]["verdict"] == "supported"
    assert found["per_language"][0]["moat"] is None


def test_english_alone_has_no_moat() -> None:
    found = ask(make_table().select(["en"]))
    assert "English is the only language" in found["moat"]["reason"]
    assert found["others"]["reason"] == "no language is left to compare"


def test_one_doc_settles_nothing() -> None:
    found = ask(make_table(n=1))
    assert found["moat"]["verdict"] == "undetermined" and found["excluded"] == []
    assert {row["verdict"] for row in found["per_language"]} == {"undetermined"}


def test_equal_scores_are_equivalent_with_docs_enough() -> None:
    ids = [f"d{i}" for i in range(200)]
    cells = [CellScores(m, tag, ids, np.ones(200)) for m in ("a", "b") for tag in ("en", "sw")]
    found = ask(table_from_cells("f", cells), a="a", b="b")
    assert found["moat"]["estimate"] == 0
    assert -0.02 < found["moat"]["low"] == -found["moat"]["high"] < 0
    row = found["per_language"][1]
    assert row["verdict"] == "equivalent" and row["p"] == 1


def test_languages_of_guessers_are_listed_and_stay_in_the_mean() -> None:
    rates = {model: {"en": 0.8, "de": 0.8, "sw": 0.8, "zu": 0.25} for model in ("good", "plain")}
    rng = np.random.default_rng(0)
    guessed = [
        replace(c, values=(rng.random(120) < 0.25) * 1.0) if c.language == "zu" else c
        for c in make_cells(rates)
    ]
    found = ask(table_from_cells("f", guessed))
    assert found["excluded"] == []
    assert found["at_chance"] == [{"family": "f", "language": "zu"}]
    assert found["languages"] == ["de", "en", "sw", "zu"]
    assert found["above_chance"]["n_languages"] == 2


@pytest.mark.slow
def test_choosing_languages_by_other_docs_does_not_raise_their_lead() -> None:
    """The old rule, languages three stderr above chance on the same docs, would."""
    chosen, own = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        ids = [f"d{i}" for i in range(12)]
        cells = [
            CellScores(m, tag, ids, (rng.random(12) < rate) * 1.0, chance=0.25)
            for m, rate in (("good", 0.45), ("plain", 0.35))
            for tag in ("en", *(f"x{i}" for i in range(30)))
        ]
        table = table_from_cells("f", cells)
        part = ask(table)["above_chance"]
        chosen += [part["others"]["estimate"]] if part else []
        is_above = table.values.mean(axis=2) > 0.25 + 3 * np.sqrt(0.25 * 0.75 / 12)
        lead = table.values[0].mean(axis=1) - table.values[1].mean(axis=1)
        own += (lead[is_above.any(axis=0)] / 0.75).tolist()
    # 0.1 of accuracy is 0.133 adjusted for chance 1/4.
    assert np.mean(chosen) == pytest.approx(0.133, abs=0.03) and np.mean(own) > 0.25


def test_language_in_one_model_only_is_excluded_with_its_reason() -> None:
    cells = [c for c in make_cells({m: dict.fromkeys(TAGS, 0.7) for m in ("good", "plain")})]
    cells = [c for c in cells if (c.model, c.language) != ("plain", "sw")]
    found = ask(table_from_cells("f", cells))
    assert found["excluded"] == [{"language": "sw", "family": "f", "reason": "not run for 'plain'"}]


def test_family_of_one_model_is_excluded_as_a_whole() -> None:
    only_good = table_from_cells("g", make_cells({"good": {"en": 0.7, "sw": 0.7}}))
    found = ask(make_table(), only_good)
    assert found["families"] == ["toy"]
    assert found["excluded"][0]["reason"] == "the family was not run for 'plain'"


def test_models_without_a_common_language_are_refused() -> None:
    table = table_from_cells("f", make_cells({"good": {"en": 0.7}, "plain": {"sw": 0.7}}))
    with pytest.raises(DataError, match="no family has a language with scores of both 'good' and"):
        ask(table)


def test_bits_have_a_moat_where_they_are_saved() -> None:
    found = ask(bits_table(0.2))
    assert found["scale"] == "bits"
    assert found["moat"]["estimate"] == pytest.approx(0.2, abs=0.03)
    assert found["moat"]["verdict"] == found["scales"]["bits"]["verdict"] == "supported"
    assert found["scales"]["logit"]["estimate"] is None


def test_bits_stand_beside_accuracy_and_are_not_mixed_with_it() -> None:
    alone, beside = ask(make_table()), ask(make_table(), bits_table())
    assert beside["scale"] == "adjusted" and beside["moat"] == alone["moat"]
    assert beside["scales"]["bits"] == ask(bits_table())["scales"]["bits"]


def test_groups_hold_each_language_once() -> None:
    found = ask(make_table())
    for by in ("family", "script", "class"):
        rows = [row for row in found["groups"] if row["by"] == by]
        assert sum(row["n_languages"] for row in rows) == len(TAGS) - 1


def test_languages_unknown_to_the_facts_are_grouped_as_unknown() -> None:
    found = judge(Evidence((make_table(),)), "good", "plain", claims=NO_CLAIMS, resampling=QUICK)
    assert {row["group"] for row in found["groups"]} == {"unknown"}


def test_no_score_depends_on_other_models_in_the_run() -> None:
    rates = {m: {tag: 0.5 + i / 10 for tag in TAGS} for i, m in enumerate(("good", "plain", "x"))}
    cells = make_cells(rates)
    three = ask(table_from_cells("f", cells))
    two = ask(table_from_cells("f", [c for c in cells if c.model != "x"]))
    assert verdict_json(three) == verdict_json(two)
