"""How do docs of lm-eval's own tasks become prepared docs, and all others besides?

The task itself is asked, doc by doc in its order: for the question, the examples that its sampler
draws with lm-eval's seed, choices, delimiter and the right one. The pieces are put together
(data.prepare.render_task) and held against contexts that lm-eval builds.
"""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mlbench.data.prepare import Prepared, Reader
from mlbench.data.prepare import prepare as prepare_rows
from mlbench.data.sources import revision, state_of
from mlbench.errors import DataError, NoData
from mlbench.families.lm_eval_tasks import UNKNOWN, with_data_set
from mlbench.families.task_map import METRICS
from mlbench.records import (
    ChoiceDoc,
    Family,
    HubSource,
    Language,
    OutputType,
    ReplyLimits,
    Rows,
    Source,
    TaskSource,
)

if TYPE_CHECKING:
    from mlbench.harness.lm_eval_tasks import FoundTask, SourcedTask

logger = logging.getLogger(__name__)

SEED = 1234
"""The seed of lm-eval's samplers, unless a user gives another (lm_eval.defaults)."""

RUNNABLE: Mapping[str, tuple[str, ...]] = {
    OutputType.CHOICES: ("acc", "acc_norm", "acc_bytes"),
    OutputType.TARGET: ("acc",),
    OutputType.REPLY: ("exact_match", "f1"),
}
"""Metrics that a doc has for itself, by what lm-eval asks."""

MOST_TOKENS = 256
"""Tokens of a reply where a task does not say how many (lm_eval.models.huggingface)."""

N_HELD = 3
"""Docs of a task whose contexts are held against those that lm-eval builds."""


def prepare(family: Family, language: Language) -> Prepared:
    """Return the docs of a family in a language, as data.prepare does; also of lm-eval's tasks."""
    if not isinstance(family.source, TaskSource):
        return prepare_rows(family, language)
    prepared = prepare_rows(_complete(family, family.source, language), language, READER)
    is_choice = prepared.family.output_type == OutputType.CHOICES
    if is_choice and prepared.family.chance is None and not prepared.reason:
        docs = [doc for doc in prepared.docs.scored if isinstance(doc, ChoiceDoc)]
        chance = math.fsum(1 / len(doc.choices) for doc in docs) / len(docs)
        return replace(prepared, family=replace(prepared.family, chance=round(chance, 4)))
    return prepared


def _complete(family: Family, source: TaskSource, language: Language) -> Family:
    """Return a family with what only lm-eval's files say of tasks that no table knows.

    Raises DataError for tasks of another kind than can be run.
    """
    from mlbench.harness.lm_eval_tasks import find_tasks

    try:
        config = find_tasks(source, language)[0].config
    except NoData:
        return family
    version = str((config.get("metadata") or {}).get("version", UNKNOWN))
    if family.version == UNKNOWN:
        output = OutputType(_refuse_other(config))
        known = METRICS[output]
        listed = [known[name] for name in _metrics_of(config) if name in RUNNABLE[output]]
        family = replace(family, output_type=output, metrics=tuple(listed))
        split = str(config.get("test_split") or config.get("validation_split"))
        family = with_data_set(family, str(config["dataset_path"]), split)
    if family.output_type == OutputType.REPLY:
        family = replace(family, reply=_reply_limits(config))
    return replace(family, version=version)


def _metrics_of(config: Mapping[str, Any]) -> list[str]:
    return [str(metric.get("metric")) for metric in config.get("metric_list") or ()]


def _refuse_other(config: Mapping[str, Any]) -> str:
    """Return the output type of a task; raises DataError where it, or its score, is another."""
    name, output, metrics = config["task"], str(config.get("output_type")), _metrics_of(config)
    is_scored_here = output in (OutputType.CHOICES, OutputType.TARGET)
    if not set(metrics) & set(RUNNABLE.get(output, ())) or (
        is_scored_here and config.get("process_results")
    ):
        ways = "; ".join(f"{kind} by {', '.join(names)}" for kind, names in RUNNABLE.items())
        raise DataError(
            f"lm-eval's task {name} cannot be run here: it is {output} by {', '.join(metrics)}, "
            f"and what can be is {ways}. Type: lm_eval run --tasks {name} --log_samples, and then: "
            f"mlbench import lm-eval"
        )
    return output


def _reply_limits(config: Mapping[str, Any]) -> ReplyLimits:
    """Return where a reply ends; raises DataError for a task that draws what is written."""
    options = config.get("generation_kwargs") or {}
    if options.get("do_sample"):
        raise DataError(
            f"lm-eval's task {config['task']} draws its replies at random, so two runs differ; "
            f"mlbench writes the likeliest only. Type: lm_eval run --tasks {config['task']} "
            f"--log_samples, and then: mlbench import lm-eval"
        )
    stops = options.get("until") or ()
    stops = (stops,) if isinstance(stops, str) else tuple(stops)
    return ReplyLimits(int(options.get("max_gen_toks", MOST_TOKENS)), stops)


def _fingerprint(source: Source, language: Language) -> str:
    from mlbench.harness.lm_eval_tasks import find_tasks

    assert isinstance(source, TaskSource)
    tasks = find_tasks(source, language)
    states = {task.hub_id: state_of(HubSource(task.hub_id, "")) for task in tasks}
    return f"lm-eval-{version('lm-eval')}-{source}-{[task.name for task in tasks]}-{states}"


def _revision(source: Source) -> str:
    assert isinstance(source, TaskSource)
    return revision(HubSource(source.hub_id, ""))


def _read_rows(source: Source, language: Language) -> Rows:
    """Return the finished docs of all tasks of a family in a language, and their examples."""
    from mlbench.harness.lm_eval_tasks import find_tasks, load_tasks

    assert isinstance(source, TaskSource)
    found = find_tasks(source, language)
    tasks = load_tasks(source, [each.name for each in found])
    scored: list[Mapping[str, Any]] = []
    pool = _Pool()
    for each in found:
        scored += _TaskReader(tasks[each.name], each, source, pool, language.tag).read()
    return {"scored": scored, "examples": [{"text": text} for text in pool.texts]}


READER = Reader(_fingerprint, _read_rows, _revision)


@dataclass
class _Pool:
    """Finished examples of a family in a language, each once; state: those found so far."""

    texts: list[str] = field(default_factory=list)

    def add(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts) - 1


class _OneExample:
    """A sampler that draws one given doc."""

    def __init__(self, doc: Mapping[str, Any]) -> None:
        self.doc = doc

    def sample(self, **_: Any) -> list[Mapping[str, Any]]:
        return [self.doc]


@dataclass
class _TaskReader:
    """Reads the docs of one task; state: where in the pool the examples are that were drawn."""

    task: "SourcedTask"
    found: "FoundTask"
    source: TaskSource
    pool: _Pool
    tag: str
    places: dict[int, int] = field(default_factory=dict)

    def read(self) -> list[Mapping[str, Any]]:
        """Return the docs as fields of TaskDoc, without those of which no choice is right."""
        docs = list(self.task.eval_docs)
        draws = self._draw(docs)
        rows = [self._finish(doc, at, [d[at] for d in draws]) for at, doc in enumerate(docs)]
        self._hold(docs[:N_HELD], rows[:N_HELD])
        return [row for row in rows if self._is_scored(row)]

    def _draw(self, docs: Sequence[Mapping[str, Any]]) -> list[list[list[int]]]:
        """Return for one, two, ... examples which ones each doc has, as lm-eval draws them.

        The sampler draws doc after doc, so each number of examples begins anew.
        """
        task, is_same = self.task, self.task.fewshot_cfg.split == self.task.config.test_split
        if task.config.num_fewshot == 0 or task.lacks_examples:
            return []
        n_most = min(self.source.shots, len(task.sampler.df) - is_same)
        drawn = []
        for n in range(1, n_most + 1):
            task.set_fewshot_seed(SEED)
            chosen = [task.sampler.sample(n=n, eval_doc=doc if is_same else None) for doc in docs]
            drawn.append([[self._place(one, docs[0]) for one in examples] for examples in chosen])
        return drawn

    def _place(self, example: Mapping[str, Any], any_doc: Mapping[str, Any]) -> int:
        """Return where an example is in the pool; lm-eval renders it once."""
        if id(example) not in self.places:
            sampler, self.task.sampler = self.task.sampler, _OneExample(example)
            try:
                whole = self._context(any_doc, 1)
            finally:
                self.task.sampler = sampler
            before = self._head(any_doc)
            after = self._context(any_doc, 0).removeprefix(before)
            self.places[id(example)] = self.pool.add(whole[len(before) : len(whole) - len(after)])
        return self.places[id(example)]

    def _context(self, doc: Mapping[str, Any], n: int) -> str:
        """Return the context that lm-eval builds; the first of them where there are several."""
        prefix = self.task.doc_to_prefix(doc)
        context = self.task.fewshot_context(doc, num_fewshot=n, gen_prefix=prefix)
        return str(context[0] if isinstance(context, list) else context)

    def _head(self, doc: Mapping[str, Any]) -> str:
        return str(self.task.resolve_field(doc, self.task.config.description) or "")

    def _finish(
        self, doc: Mapping[str, Any], place: int, examples: list[list[int]]
    ) -> Mapping[str, Any]:
        """Return a doc as lm-eval asks it."""
        doc_id, head = self._doc_id(doc, place), self._head(doc)
        shared = {
            "doc_id": doc_id,
            "cluster_id": str(doc[self.source.cluster]) if self.source.cluster else doc_id,
            "query": "",
            "head": head,
            "examples": examples,
        }
        if not self.task.multiple_input:
            shared["query"] = self._context(doc, 0).removeprefix(head)
        is_reply = self.task.OUTPUT_TYPE == OutputType.REPLY
        return {**shared, **(self._answer(doc) if is_reply else self._choices(doc))}

    def _choices(self, doc: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.task.OUTPUT_TYPE == OutputType.TARGET:
            # lm-eval puts no delimiter before a target of this kind.
            only = {"choices": [str(self.task.doc_to_target(doc))], "target": 0}
            return {**only, "delimiter": "", "ending": None}
        choices = self.task.doc_to_choice(doc)
        gold, ending = self.task.doc_to_target(doc), None
        if self.task.multiple_input:
            gold, ending = self.task.doc_to_text(doc), str(gold)
        return {
            "choices": list(choices),
            "target": choices.index(gold) if gold in choices else gold,
            "delimiter": self.task.config.target_delimiter,
            "ending": ending,
        }

    def _answer(self, doc: Mapping[str, Any]) -> Mapping[str, Any]:
        gold = self.task.doc_to_target(doc)
        row = {"task": self.found.name, "doc": dict(doc)}
        return {
            "reference": str(gold[0] if isinstance(gold, list) else gold),
            "language": self.tag,
            "names": [],
            "row": json.dumps(row, ensure_ascii=False, default=str),
        }

    def _is_scored(self, row: Mapping[str, Any]) -> bool:
        """Return whether a choice of the doc is right; else lm-eval counts it wrong, always."""
        if "choices" not in row:
            return True
        target, n_choices = row["target"], len(row["choices"])
        if isinstance(target, list):
            raise DataError(
                f"lm-eval's task {self.found.name} has docs with several right choices, which "
                f"mlbench does not know"
            )
        is_there = isinstance(target, int) and 0 <= target < n_choices and all(row["choices"])
        if not is_there:
            logger.warning(
                "%s: doc %s is left out: a choice is empty, or the right one (%r) none of its %d",
                *(self.found.name, row["doc_id"], target, n_choices),
            )
        return is_there

    def _doc_id(self, doc: Mapping[str, Any], place: int) -> str:
        """Return the id that an import of lm-eval's own results gives the doc."""
        missing = [key for key in self.source.doc_id if key not in doc]
        if missing:
            raise DataError(
                f"{self.source.hub_id}: rows of {self.found.name} have no field {missing[0]!r}, "
                f"but {', '.join(doc)}"
            )
        if self.source.doc_id:
            return "/".join(str(doc[key]) for key in self.source.doc_id)
        return f"{self.found.part}/{place}" if self.found.part else str(place)

    def _hold(self, docs: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> None:
        """Refuse docs whose pieces do not make the contexts that lm-eval builds."""
        for n in range(1 + min(len(row["examples"]) for row in rows)):
            self.task.set_fewshot_seed(SEED)
            for doc, row in zip(docs, rows, strict=True):
                places = row["examples"][n - 1] if n else ()
                texts = [row["head"], *(self.pool.texts[place] for place in places), row["query"]]
                made = "".join(texts) + (row["choices"][0] if row.get("ending") is not None else "")
                if made != self._context(doc, n):
                    raise DataError(
                        f"lm-eval's task {self.found.name} builds its contexts in another way than "
                        f"mlbench knows, so it cannot be run here. Type: lm_eval run --tasks "
                        f"{self.found.name} --log_samples, and then: mlbench import lm-eval"
                    )
