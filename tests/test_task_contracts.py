"""What do lm-eval's own tasks score here? Right answers 1, wrong ones in proportion, as ours do."""

import math
from collections.abc import Callable

import pytest
from exam_toys import CASES, write_exams
from task_toys import write_tasks

from mlbench.data.languages import read_languages
from mlbench.data.prepare import Prepared
from mlbench.families.lm_eval_tasks import read_task_families
from mlbench.harness.docs import prepare
from mlbench.harness.task import build_task
from mlbench.measures import Sample, cell_score
from mlbench.records import OutputType

LANGUAGES, FAMILIES = read_languages(), read_task_families()
HELD = (
    *(("belebele_lmeval", "zh-Hans"), ("xcopa_lmeval", "th"), ("global_mmlu_lite_lmeval", "ar")),
    *(("include_lmeval", "ru"), ("include_few_shot_og_lmeval", "ru"), ("xnli_lmeval", "hi")),
    *(("xstorycloze_lmeval", "ru"), ("xwinograd_lmeval", "en"), ("multiblimp_lmeval", "ar")),
    *(("m_hellaswag_lmeval", "hi"), ("mgsm_direct_lmeval", "th")),
    *(("mgsm_native_cot_lmeval", "ru"), ("tydiqa_goldp_lmeval", "ar")),
)
NEED_MORE = {"xquad_lmeval", "lambada_mt_lmeval"}
"""The first cannot be loaded; the second is as its twin."""

Right = Callable[[str, int], bool]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_exams(folder)
    return folder


def answered(prepared: Prepared, is_right: Right) -> list[Sample]:
    """Return the samples of a model that is right on these docs, by id and place."""
    task = build_task(prepared, 0)
    docs = [doc for _, doc in task.doc_iterator()]
    right = [is_right(doc["doc_id"], place) for place, doc in enumerate(docs)]
    if prepared.family.output_type == OutputType.REPLY:
        texts = [_reply(prepared, d) if ok else "?" for d, ok in zip(docs, right, strict=True)]
        return list(task.reply_samples(docs, texts))
    if prepared.family.output_type == OutputType.TARGET:
        pairs = zip(docs, right, strict=True)
        return [task.sample_from_results(doc, [(-1.0, ok)]) for doc, ok in pairs]
    samples = []
    for doc, ok in zip(docs, right, strict=True):
        n = len(doc["choices"])
        taken = (doc["target"] + (not ok)) % n
        values = [(0.0 if i == taken else -1e6, False) for i in range(n)]
        samples.append(task.sample_from_results(doc, values))
    return samples


def _reply(prepared: Prepared, doc: dict) -> str:
    """Write the right answer as the task asks for it."""
    if prepared.family.name.startswith("mmlu_prox"):
        from lm_eval.tasks.mmlu_prox.lang_libs import LANG_LIBS

        return str(LANG_LIBS[prepared.language.tag][5].format(doc["reference"]))
    return str(doc["reference"])


@pytest.mark.parametrize(("family", "tag"), [*HELD, *CASES])
def test_an_oracle_scores_one_and_each_wrong_answer_costs_its_share(root, monkeypatch, family, tag):
    monkeypatch.setenv("MLBENCH_DATA", str(root))
    prepared = prepare(FAMILIES[family], LANGUAGES[tag])
    metrics = prepared.family.metrics

    def score(is_right: Right) -> list[float]:
        samples = answered(prepared, is_right)
        return [cell_score(samples, metric).value for metric in metrics]

    n = len(prepared.docs.scored)
    assert score(lambda *_: True) == [1] * len(metrics)
    assert score(lambda *_: False) == [0] * len(metrics)
    share = 1 - math.ceil(n / 3) / n
    assert score(lambda _, place: place % 3 != 0) == pytest.approx([share] * len(metrics))


def test_every_group_of_tasks_has_a_contract_here():
    assert {family for family, _ in (*HELD, *CASES)} == set(FAMILIES) - NEED_MORE
