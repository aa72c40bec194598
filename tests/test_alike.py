"""Twins of which one holds out docs are drawn alike, and families on the same rows are twins."""

from dataclasses import replace

import numpy as np
import pytest
from report_toys import TOPIC, ToyRun, choices
from stats_toys import QUICK, TAGS, make_cells, make_table

from mlbench.families import find_family, select_families
from mlbench.families.doc_sets import doc_set_of
from mlbench.families.lm_eval_tasks import read_task_families
from mlbench.judge.pairing import pair
from mlbench.judge.run import judge_run
from mlbench.records import Cell, TaskSource
from mlbench.stats import ScoreTable, drawn_alike, table_from_cells
from mlbench.stats.aggregates import mean_of_families
from mlbench.stats.contrast import mean_contrast
from mlbench.stats.differences import paired_contrast
from mlbench.store.read import read_run

RATES = {"good": dict.fromkeys(TAGS, 0.7), "plain": dict.fromkeys(TAGS, 0.5)}


def table_of(family: str, doc_set: str | None = "docs", is_parallel: bool = True, out: int = 0):
    """Make a family that holds out so many of the docs, from one on in the middle."""
    cells = [
        replace(
            cell,
            doc_ids=[*cell.doc_ids[:10], *cell.doc_ids[10 + out :]],
            values=np.concatenate([cell.values[:10], cell.values[10 + out :]]),
            cluster_ids=[*(cell.cluster_ids or ())[:10], *(cell.cluster_ids or ())[10 + out :]],
        )
        for cell in make_cells(RATES, seed=1)
    ]
    return table_from_cells(family, cells, doc_set=doc_set, is_parallel=is_parallel)


def mean_lead(table: ScoreTable):
    return mean_contrast(paired_contrast(table, "good", "plain", QUICK))


@pytest.mark.parametrize("is_parallel", [True, False])
def test_a_twin_without_some_docs_is_drawn_with_the_other(is_parallel):
    """The replicates of both move together, so that their mean is no surer than one of them."""
    one, few = (table_of(name, is_parallel=is_parallel, out=n) for name, n in (("a", 0), ("b", 6)))
    before = [mean_lead(table) for table in (one, few)]
    after = [mean_lead(table) for table in drawn_alike([one, few])]
    apart, together = (
        np.corrcoef(*(mean.replicates[:, 0] for mean in means))[0, 1] for means in (before, after)
    )
    assert apart < 0.3 and together > 0.95
    assert [m.estimate[0] for m in after] == pytest.approx([m.estimate[0] for m in before])
    assert [m.n_docs[0] for m in after] == [120, 114]
    assert [m.n_clusters[0] for m in after] == [60, 57]
    twins = mean_of_families(after)
    assert twins is not None and twins.n_docs[0] == 120
    assert twins.stderr[0] == pytest.approx(after[0].stderr[0], rel=0.05)


def test_where_no_cluster_lacks_or_no_twin_is_there_nothing_changes():
    tables = [
        table_of("a"),
        table_of("b"),
        table_of("c", doc_set=None, out=4),
        table_of("d", doc_set="others", out=4),
    ]
    alike = drawn_alike(tables)
    assert alike[2] is tables[2] and alike[3] is tables[3]
    for table, before in zip(alike, tables, strict=True):
        assert table.doc_ids == before.doc_ids and (table.clusters == before.clusters).all()


def test_a_cluster_that_the_chosen_languages_lack_stays_in_the_draw():
    one = table_of("a")
    lacking = replace(one, family="b", clusters=one.clusters.copy(), statistics=one.statistics * 1)
    lacking.clusters[0, :2], lacking.statistics[:, 0, :2] = -1, np.nan
    alike = [table.select([TAGS[0]]) for table in drawn_alike([one, lacking])]
    one_draws, few_draws = (mean_lead(table).replicates[:, 0] for table in alike)
    assert np.corrcoef(one_draws, few_draws)[0, 1] > 0.95


def test_wordings_with_other_doc_lists_count_once_in_a_run(tmp_path):
    """As Belebele of lm-eval (all 900 docs) beside our own, which holds out the examples."""
    toy = ToyRun(tmp_path / "runs" / "r")
    names = ("belebele_cloze", "belebele_lmeval")
    for name in names:
        toy.families[name] = TOPIC | {"title": name, "metrics": ["acc"], "chance": 0.25}
        toy.families[name] |= {"source": "facebook/belebele"}
        for model, rate in (("knows", 0.9), ("guesses", 0.5)):
            for tag in ("en", "sw", "hi"):
                samples = choices(rate, seed=1)
                held_out = 6 if name == "belebele_cloze" else 0
                toy.put(Cell(model, name, tag, 0), samples[held_out:])
    run = read_run(toy.write())
    verdict = judge_run(run, "knows", "guesses")
    assert verdict["pooled_families"] == list(names)
    assert verdict["others"]["n_families"] == verdict["moat"]["n_families"] == 1
    tables = pair(run, "knows", "guesses").evidence.tables
    assert len({table.cluster_names for table in tables}) == 1
    alone = judge_run(run, "knows", "guesses")
    assert alone["others"]["estimate"] == verdict["others"]["estimate"]


OURS = ("belebele_cloze", "belebele_letter", "xcopa_cloze", "global_mmlu_cloze", "sib200_topic")


def test_families_on_the_same_data_set_have_one_doc_set_unless_their_rows_are_others():
    tasks = read_task_families()
    by_data: dict[str, set[str | None]] = {}
    families = [*tasks.values(), *(f for name in OURS if (f := find_family(name)))]
    for family in families:
        by_data.setdefault(family.source.name, set()).add(family.doc_set)
    assert {name for name, sets in by_data.items() if len(sets) > 1} == set()
    several = {f.source.name for f in families if sum(g.source == f.source for g in families) > 1}
    assert all(by_data[name] != {None} for name in several)
    assert tasks["global_mmlu_lite_lmeval"].doc_set == tasks["global_mmlu_lmeval"].doc_set


def test_a_run_of_an_earlier_version_says_no_doc_set_and_has_it_all_the_same():
    facts = {"source": "facebook/belebele", "doc_set": None}
    assert doc_set_of("belebele_lmeval", facts) == "belebele/test"
    assert doc_set_of("belebele_lmeval", {"source": "another"}) is None
    assert doc_set_of("mine", {"source": "another", "doc_set": "x"}) == "x"


def test_other_tasks_on_a_known_data_set_are_of_its_docs():
    from mlbench.families.lm_eval_tasks import docs_of_sib200, with_data_set

    (family,) = select_families("lm_eval:sib_{code}_prompt_2")
    found = with_data_set(family, "Davlan/sib200", "test")
    assert isinstance(found.source, TaskSource)
    assert (found.doc_set, found.source.doc_id) == ("sib200/test", ("index_id",))
    rows = {"scored": [{"doc_id": "1", "cluster_id": "1", "query": "", "choices": ["a"]}]}
    rows["scored"][0] |= {"target": 0}
    (doc,) = found.docs(rows | {"examples": []}, None).scored  # type: ignore[arg-type]  (rows of a toy)
    assert found.docs is docs_of_sib200 and doc.cluster_id.startswith("flores:")
    other = with_data_set(family, "Davlan/sib200", "validation")
    assert other.doc_set is None and other.source.name == "Davlan/sib200"
    assert make_table().doc_set is None
