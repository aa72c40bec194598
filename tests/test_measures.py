"""A score of any kind: the measures that are here, and one that only this file knows."""

import ast
import csv
import json
import math
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cli import run_cli

from mlbench import families
from mlbench.errors import DataError, SelectionError
from mlbench.families import add_family, read_families
from mlbench.measures import (
    ACC,
    BITS,
    CHRF,
    MACRO_F1,
    ChoiceSample,
    Margins,
    Measure,
    ReplySample,
    add_measure,
    all_measures,
    all_scales,
    cell_score,
    measure,
    measure_of,
    pseudo_values,
    statistics_of,
)
from mlbench.measures.measure import scale_of
from mlbench.measures.scales import difference_in
from mlbench.records import Cell
from mlbench.stats import CellScores, Resampling, macro_ranks, paired_differences, table_from_cells
from mlbench.stats.bootstrap import draw_weights, replicate_values, rng_of
from mlbench.stats.cells import value_levels
from mlbench.store import CellResult, get, put

PACKAGE = Path(__file__).parent.parent / "mlbench"
QUICK = Resampling(replicates=400)


def _surprise(sample: ChoiceSample) -> tuple[float]:
    """Return minus log2 of the share of probability that the right choice has among the choices."""
    top = max(sample.loglikelihoods)
    total = math.log(math.fsum(math.exp(x - top) for x in sample.loglikelihoods)) + top
    return ((total - sample.loglikelihoods[sample.target]) / math.log(2),)


SURPRISE = Measure(
    name="surprise",
    title="surprise at the right choice",
    unit="bits a choice",
    sample=ChoiceSample,
    scales=(
        difference_in(
            "surprise", "bits a choice", margins=Margins(0.05, 0.1), higher_is_better=False
        ),
    ),
    statistics=_surprise,
    higher_is_better=False,
    digits=2,
)


@pytest.fixture
def own_family():
    """Register a measure and a family that judges by it; both are known to this file only."""
    add_measure(SURPRISE)
    family = replace(
        read_families()["cldr_terms"],
        name="terms_by_surprise",
        title="Terms by surprise",
        metrics=("surprise", "acc"),
        chance=None,
    )
    yield add_family(family)
    families._ADDED.pop(family.name)
    read_families.cache_clear()
    measure._KNOWN.pop("surprise")


@pytest.mark.slow
def test_a_measure_of_ones_own_runs_and_is_judged_drawn_and_exported(
    own_family, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    arguments = ("--families", own_family.name, "--languages", "en,ru,hi", "--limit", "12")
    code, out, err = run_cli(capsys, "run", *arguments, "--run", "own")
    assert code == 0 and "Done: 6 cells" in out, err
    models = ("--a", "demo-polyglot", "--b", "demo-anglo")
    code, out, _ = run_cli(capsys, "verdict", "own", *models, "--json")
    verdict = json.loads(out)
    family = verdict["by_family"][own_family.name]
    assert code == 0 and verdict["scale"] == family["scale"] == family["measure"] == "surprise"
    code, out, _ = run_cli(capsys, "verdict", "own", *models)
    assert "bits a choice" in out

    code, out, err = run_cli(capsys, "report", "own")
    assert code == 0, err
    folder = tmp_path / "reports" / "own"
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "surprise at the right choice, lower is better" in page and "bits a choice" in page
    with (folder / "scores.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "surprise"]
    with (folder / "differences.csv").open(encoding="utf-8") as file:
        leads = list(csv.DictReader(file))
    assert len(rows) == 6
    assert all(float(r["low"]) < float(r["value"]) < float(r["high"]) for r in rows)
    value = {(row["model"], row["tag"]): float(row["value"]) for row in rows}
    for lead in leads:
        tag = lead["tag"]
        # Less surprise is better: A is ahead by what B has more.
        wanted = value["demo-anglo", tag] - value["demo-polyglot", tag]
        assert float(lead["difference"]) == pytest.approx(wanted, abs=1e-6)
        assert lead["unit"] == "bits a choice"
    code, out, err = run_cli(
        capsys, "figure", "heatmap", "--run", "own", "--out", "h.svg", "--family", own_family.name
    )
    assert code == 0, err
    code, out, err = run_cli(capsys, "export", "own", "--format", "csv")
    assert code == 0, err


def test_two_measures_of_one_name_are_refused(own_family):
    with pytest.raises(SelectionError, match="a measure 'surprise' already"):
        add_measure(replace(SURPRISE, title="another"))


def test_an_unknown_measure_is_refused_with_the_nearest():
    with pytest.raises(SelectionError, match="no measure 'macro_f2'. Did you mean 'macro_f1'"):
        measure_of("macro_f2")


def test_no_file_but_the_measures_compares_their_names():
    """Kinds, scales, units, metrics and output types are asked of measures, not told by strings."""
    names = {measure.name for measure in all_measures()} | {m.unit for m in all_measures()}
    names |= set(all_scales()) | {scale.unit for scale in all_scales().values()}
    names |= {"accuracy", "multiple_choice", "loglikelihood_rolling", "generate_until"}
    names -= {"%"}
    found = []
    for path in PACKAGE.rglob("*.py"):
        if "measures" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                constants = {
                    part.value
                    for side in (node.left, *node.comparators)
                    for part in ast.walk(side)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and not _is_key(side, part)
                }
                found += [f"{path.name}:{node.lineno}" for _ in constants & names]
    assert not found


def _is_key(side: ast.AST, constant: ast.Constant) -> bool:
    """Return whether a string is the key of a look-up, as in row["score"]."""
    keys = [node.slice for node in ast.walk(side) if isinstance(node, ast.Subscript)]
    return any(constant in ast.walk(key) for key in keys)


SENTENCES = (
    "The river flows from the mountains to the sea.",
    "يجري النهر من الجبال إلى البحر",
    "नदी पहाड़ों से समुद्र तक बहती है",
    "แม่น้ำไหลจากภูเขาลงสู่ทะเล",
    "这条河从山上流向大海",
    "Река течёт с гор к морю",
    "",
)


def replies(n: int, seed: int, share: float) -> tuple[ReplySample, ...]:
    """Write replies that keep about this share of the characters of their reference."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        reference = SENTENCES[i % 6] * (1 + i % 3)
        kept = "".join(c for c in reference if rng.random() < share)
        found.append(ReplySample(str(i), str(i // 2), kept, reference))
    return tuple(found)


def test_chrf_is_sacrebleus():
    from sacrebleu.metrics import CHRF as Sacrebleu

    samples = replies(40, 1, 0.7)
    wanted = Sacrebleu(word_order=2).corpus_score(
        [s.reply for s in samples], [[s.reference for s in samples]]
    )
    assert cell_score(samples, "chrf++").value == pytest.approx(wanted.score, abs=1e-9)


MORE = (
    "Der Fluss fließt ins Meer",
    "川は山から海へ流れる",
    "မြစ်သည် ပင်လယ်သို့ စီးဆင်းသည်",
    "ஆறு மலையிலிருந்து கடலுக்கு ஓடுகிறது",
    "강은 산에서 바다로 흐른다",
    "Sông chảy từ núi ra biển",
)


@pytest.mark.slow
@pytest.mark.parametrize("sentence", [*SENTENCES[:6], *MORE])
def test_chrf_is_that_of_sacrebleus_command_to_the_last_digit(sentence, tmp_path):
    rng = np.random.default_rng(len(sentence))
    references = [f"{sentence}, {i} {sentence[: 3 + i]}." for i in range(12)]
    replies = ["".join(c for c in text if rng.random() < 0.8) for text in references]
    for name, lines in (("ref", references), ("out", replies)):
        lines[:] = [" ".join(unicodedata.normalize("NFC", line).split()) for line in lines]
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    pairs = zip(replies, references, strict=True)
    samples = [ReplySample(str(i), "c", *pair) for i, pair in enumerate(pairs)]
    options = ["-i", "out", "-m", "chrf", "--chrf-word-order", "2", "-b", "-w", "12"]
    command = [sys.executable, "-m", "sacrebleu", "ref", *options]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"{cell_score(samples, 'chrf++').value:.12f}"


@given(st.lists(st.tuples(st.sampled_from(SENTENCES), st.sampled_from(SENTENCES)), min_size=1))
def test_chrf_is_sacrebleus_whatever_the_texts(pairs):
    from sacrebleu.metrics import CHRF as Sacrebleu

    samples = [ReplySample(str(i), str(i), a, b) for i, (a, b) in enumerate(pairs)]
    wanted = Sacrebleu(word_order=2).corpus_score([a for a, _ in pairs], [[b for _, b in pairs]])
    assert cell_score(samples, "chrf++").value == pytest.approx(wanted.score, abs=1e-9)


def test_a_bootstrap_of_chrf_by_sums_is_that_of_scoring_each_drawn_corpus():
    from sacrebleu.metrics import CHRF as Sacrebleu

    samples = replies(30, 2, 0.8)
    sums = statistics_of(samples, "chrf++")[:, np.newaxis]
    draws = list(draw_weights(rng_of(0, "chrf"), len(samples), 50))
    values = replicate_values(sums, np.ones((30, 1)), CHRF, draws=draws)[:, 0]
    metric = Sacrebleu(word_order=2)
    for weights, value in zip(np.concatenate(draws), values, strict=True):
        drawn = [s for s, n in zip(samples, weights, strict=True) for _ in range(int(n))]
        whole = metric.corpus_score([s.reply for s in drawn], [[s.reference for s in drawn]])
        assert value == pytest.approx(whole.score, abs=1e-9)


def test_statistics_of_replies_are_stored_and_not_counted_again(tmp_path):
    cell = Cell("m", "f", "en", 0)
    told = ReplySample("1", "1", "a", "b", {"chrf++": tuple(float(i) for i in range(24))})
    put(tmp_path / "c.parquet", CellResult(cell, {}, {}, {}, (told, replace(told, doc_id="2"))))
    stored = get(tmp_path / "c.parquet")
    assert isinstance(stored, CellResult) and tuple(stored.samples)[0] == told
    assert statistics_of(stored.samples, "chrf++")[1].tolist() == list(range(24))


def test_the_pseudo_values_of_a_mean_are_its_docs():
    docs = np.random.default_rng(0).random((2, 9, 1))
    assert pseudo_values(docs, ACC) == pytest.approx(docs[..., 0])


def f1_cells(shares: dict[str, float]) -> list[CellScores]:
    cells = []
    for model, share in shares.items():
        for tag in ("en", "sw", "hi"):
            rng = np.random.default_rng(len(model) + ord(tag[0]))
            samples = []
            for i in range(60):
                taken = i % 4 if rng.random() < share else (i + 1) % 4
                likely = tuple(-float(j != taken) for j in range(4))
                samples.append(ChoiceSample(f"d{i}", f"c{i // 2}", i % 4, tuple("abcd"), likely))
            ids = [s.doc_id for s in samples], [s.cluster_id for s in samples]
            statistics = statistics_of(samples, "macro_f1")
            cells.append(CellScores(model, tag, ids[0], statistics, ids[1]))
    return cells


def test_macro_f1_is_compared_and_ranked_like_any_score():
    table = table_from_cells("f", f1_cells({"good": 0.9, "bad": 0.3}), measure=MACRO_F1)
    found = paired_differences(table, "good", "bad", QUICK)
    row = found.delta.languages.index("sw")
    sums = table.statistics[:, row].sum(axis=1)
    values = dict(zip(table.models, MACRO_F1.value(sums, np.full(2, 60.0)), strict=True))
    assert found.delta.languages[2] == "sw"
    assert found.delta.estimate[row] == pytest.approx(values["good"] - values["bad"])
    assert found.delta.low[row] > 0 and found.delta.p[row] < 0.01
    assert found.moat is not None and np.isfinite(found.moat.low).all()
    first, second = macro_ranks(table, ("bad", "good"), QUICK)
    assert (first.model, first.high, second.low) == ("good", 1, 2)


def test_the_interval_of_macro_f1_is_as_wide_as_the_scatter_of_samples():
    rng = np.random.default_rng(1)

    def draw():
        taken = np.where(rng.random(200) < 0.6, np.arange(200) % 4, rng.integers(0, 4, 200))
        samples = [
            ChoiceSample(
                str(i), str(i), i % 4, tuple("abcd"), tuple(-float(j != t) for j in range(4))
            )
            for i, t in enumerate(taken)
        ]
        return statistics_of(samples, "macro_f1")

    draws = [draw() for _ in range(200)]
    values = [float(MACRO_F1.value(d.sum(axis=0), np.array(200.0))) for d in draws]
    (level,) = value_levels(draws[0][np.newaxis], None, MACRO_F1, resampling=Resampling())
    assert level.stderr == pytest.approx(np.std(values), rel=0.2)
    assert (level.high - level.low) / (2 * 1.96) == pytest.approx(np.std(values), rel=0.2)


def test_docs_of_one_cluster_that_agree_widen_the_interval_of_macro_f1():
    once = statistics_of(answers_of(60), "macro_f1")
    fourfold = np.repeat(once, 4, axis=0)[np.newaxis]
    clusters = [f"{i // 4}" for i in range(240)]
    apart, together = (
        value_levels(fourfold, its, MACRO_F1, resampling=QUICK)[0] for its in (None, clusters)
    )
    width = together.high - together.low
    assert width == pytest.approx(2 * (apart.high - apart.low), rel=0.2)
    assert together.stderr == pytest.approx(2 * apart.stderr, rel=0.1)


def answers_of(n: int) -> list[ChoiceSample]:
    """Make docs of four labels, two thirds of which are answered right."""
    rng = np.random.default_rng(3)
    taken = np.where(rng.random(n) < 0.66, np.arange(n) % 4, rng.integers(0, 4, n))
    return [
        ChoiceSample(f"{i}", f"{i}", i % 4, tuple("abcd"), tuple(-1.0 * (np.arange(4) != t)))
        for i, t in enumerate(taken)
    ]


def test_a_set_of_models_is_not_averaged_by_a_measure_that_is_no_mean():
    table = table_from_cells("f", f1_cells({"good": 0.9, "bad": 0.3}), measure=MACRO_F1)
    with pytest.raises(DataError, match="judged by macro-F1, which cannot be averaged over both"):
        table.with_mean_model("both", ("good", "bad"))


def test_a_score_of_another_kind_of_sample_is_refused():
    with pytest.raises(DataError, match="is a ReplySample; 'bits' needs a TextSample"):
        cell_score(replies(2, 0, 1.0), BITS.name)


@pytest.mark.parametrize(("value", "says"), [(-0.0004, "+0.0"), (-0.0006, "-0.1"), (0.0, "+0.0")])
def test_an_effect_that_rounds_to_nothing_has_no_minus(value, says):
    assert scale_of("adjusted").format(value) == says


def test_numbers_over_families_are_adjusted_whatever_else_was_scored():
    names = list(all_scales())
    assert names[:5] == ["adjusted", "logit", "retention", "bits", "tokens"]
    assert {"f1", "word_f1", "exact_match", "chrf_fitted"} <= set(names[5:])


def test_two_scales_do_not_share_a_name():
    scale = replace(measure_of("macro_f1").scales[0], unit="other points")
    other = replace(measure_of("macro_f1"), name="my_f1", scales=(scale,))
    with pytest.raises(SelectionError, match="a scale 'f1' already"):
        add_measure(other)
    assert "my_f1" not in {measure.name for measure in all_measures()}
