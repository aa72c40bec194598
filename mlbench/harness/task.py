"""How does a family in a language become a task of lm-eval?

One class for all: `lm_eval run --include_path tasks` finds it through the generated stubs, and the
runner builds it directly. Prompts are rendered by Python callables, since lm-eval compiles a Jinja
template anew at each call (48 times slower). Scores are those of mlbench.measures, with lm-eval's
definitions of acc, acc_norm and acc_bytes.
"""

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import lm_eval.models  # noqa: F401  lm-eval fills its registry only while it is empty
import numpy as np
import pyarrow as pa
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.registry import model_registry
from lm_eval.api.task import ConfigurableTask

from mlbench.data.languages import read_all_languages
from mlbench.data.prepare import (
    FEWSHOT_DELIMITER,
    TARGET_DELIMITER,
    Prepared,
    doc_from_dict,
    list_pairs,
    prepare,
    render_task,
)
from mlbench.errors import DataError, SelectionError, unknown
from mlbench.families import add_family_files, find_family, read_families
from mlbench.harness.scorer import score_replies
from mlbench.measures import (
    ChoiceSample,
    Reply,
    ReplySample,
    Sample,
    TargetSample,
    TextSample,
    cell_score,
    doc_scores,
    measure_of,
)
from mlbench.records import (
    Doc,
    Family,
    OutputType,
    Prompt,
    ReplyLimits,
    TaskDoc,
    TaskReplyDoc,
    TaskSource,
    row_of,
)
from mlbench.task_files import task_name

# Lets `lm_eval run --model mlbench --tasks <stub>.yaml` find the packed engine, loaded when asked
# for: lm-eval 0.4.13 has no plug-in models, but it resolves a stub before it builds the model.
if "mlbench" not in model_registry:
    model_registry.register("mlbench", target="mlbench.engine.lm:PackedLM")

_OWN_KEYS = ("class", "family", "family_file", "language", "prepared")


class FamilyTask(ConfigurableTask):  # type: ignore[misc]  # lm_eval is untyped
    """A family in a language, as lm-eval wants it.

    lm-eval builds it from the keys of a stub (`family`, `language`, and whatever else TaskConfig
    knows); the runner adds `prepared` to spare reading the docs twice. Its state: whether the
    requests of the calibration docs, which go with the first doc, are still to be made, how the
    last context was made (examples, chat template), and prompts by doc id, which lm-eval asks for
    once a choice.
    """

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        given = dict(config or {})
        own = {key: given.pop(key, None) for key in _OWN_KEYS}
        if own["family_file"]:
            add_family_files([Path(own["family_file"])])
        self.prepared = own["prepared"] or _prepare(str(own["family"]), str(own["language"]))
        self.family = self.prepared.family
        self.is_to_calibrate = bool(self.prepared.docs.calibration)
        self._how: dict[str, Any] = {}
        self._prompts: dict[str, Prompt] = {}
        if self.prepared.reason:
            raise DataError(f"{given.get('task')}: no data: {self.prepared.reason}")
        config = _config(self.prepared)
        # lm-eval adds the place of the stub; our version, language and digest must stay beside it.
        metadata = {**config["metadata"], **(given.pop("metadata", None) or {})}
        super().__init__(config={**config, **given, **self._callables(), "metadata": metadata})

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: Any) -> None:
        """Hand lm-eval the prepared docs; nothing is downloaded here."""
        docs = self.prepared.docs
        self.dataset = {"test": self._dataset("test", docs.scored)}
        if docs.fewshot:
            self.dataset["fewshot"] = self._dataset("fewshot", docs.fewshot)

    def _dataset(self, split: str, docs: Sequence[Doc]) -> datasets.Dataset:
        # Without a fingerprint datasets makes one by pickling the docs, 40 ms each time.
        table = pa.Table.from_pylist([row_of(doc) for doc in docs])
        return datasets.Dataset(table, fingerprint=f"{self.prepared.sha256[:16]}-{split}")

    def fewshot_context(self, doc: dict[str, Any], num_fewshot: int, **how: Any) -> Any:
        """Build the context of a doc as lm-eval does, and keep how."""
        self._how = {"num_fewshot": num_fewshot, **how}
        return super().fewshot_context(doc, **self._how)

    def construct_requests(
        self, doc: dict[str, Any], ctx: str, **kwargs: Any
    ) -> list[Instance] | Instance:
        """Add the requests of the measures that need more than each choice after the context.

        Each choice after the context without the query, where the family has one; and, with the
        first doc of a cell only, each label after each calibration doc.
        """
        requests = super().construct_requests(doc, ctx, **kwargs)
        if not isinstance(requests, list):
            return requests
        continuations = [request.arguments[1] for request in requests]
        queries = []
        if self.family.calibration_context is not None:
            queries.append(self.family.calibration_context)
        if self.is_to_calibrate:
            self.is_to_calibrate = False
            docs = self.prepared.docs.calibration
            queries += [self._prompt(row_of(doc)).context for doc in docs]
        contexts = self._with_other_queries(doc, ctx, queries)
        metadata = kwargs.get("metadata")
        more = [(context, choice) for context in contexts for choice in continuations]
        return requests + [
            Instance("loglikelihood", doc, arguments, len(requests) + i, metadata=metadata)
            for i, arguments in enumerate(more)
        ]

    def _with_other_queries(
        self, doc: dict[str, Any], context: str, queries: Sequence[str]
    ) -> list[str]:
        """Return the context of a doc with other queries in the place of its own."""
        own = self._prompt(doc).context
        if not self._how.get("apply_chat_template"):
            examples = context.removesuffix(own)
            return [examples + query for query in queries]
        chat = self._how["chat_template"]
        as_turns = {**self._how, "chat_template": lambda turns, **_: turns}
        *before, last = super().fewshot_context(doc, **as_turns)
        examples = last["content"].removesuffix(own)
        return [chat([*before, {**last, "content": examples + query}]) for query in queries]

    def sample_from_results(
        self,
        doc: Mapping[str, Any],
        results: Sequence[Any],
        n_tokens: Sequence[int | None] = (),
    ) -> Sample:
        """Return the sample of one doc from the filtered responses to its requests.

        Only the first doc of a cell has label means; `with_label_means` gives them to the others.
        """
        if self.family.output_type == OutputType.TEXT:
            ids, n_bytes = (doc["doc_id"], doc["cluster_id"]), len(doc["text"].encode())
            return TextSample(*ids, float(results[0]), n_bytes, next(iter(n_tokens), None))
        if self.family.output_type == OutputType.REPLY:
            return self.reply_samples([doc], [str(results[0])])[0]
        choices = self._prompt(doc).choices
        if self.family.output_type == OutputType.TARGET:
            (value, is_greedy), ids = results[0], (doc["doc_id"], doc["cluster_id"])
            return TargetSample(*ids, choices[0], float(value), bool(is_greedy))
        values = tuple(float(result[0]) for result in results)
        n = len(choices)
        n_prior = n if self.family.calibration_context is not None else 0
        lengths = tuple(length for length in n_tokens[:n] if length is not None)
        label_means = _means_of(values[n + n_prior :], n)
        return ChoiceSample(
            doc_id=doc["doc_id"],
            cluster_id=doc["cluster_id"],
            target=int(doc["target"]),
            choices=choices,
            loglikelihoods=values[:n],
            calibration=values[n : n + n_prior],
            n_tokens=lengths,
            label_means=label_means,
        )

    def reply_samples(
        self, docs: Sequence[Mapping[str, Any]], texts: Sequence[str]
    ) -> list[ReplySample]:
        """Keep the replies to docs as they came, and what each measure counts of them in NFC."""
        replies = [self._in_nfc(doc, text) for doc, text in zip(docs, texts, strict=True)]
        counted = {
            name: list(count(replies))
            for name in self.family.metrics
            if (count := measure_of(name).count)
        }
        return [
            ReplySample(
                *(doc["doc_id"], doc["cluster_id"], text, doc["reference"]),
                {name: tuple(rows[i]) for name, rows in counted.items()},
            )
            for i, (doc, text) in enumerate(zip(docs, texts, strict=True))
        ]

    def _in_nfc(self, doc: Mapping[str, Any], reply: str) -> Reply:
        texts = (reply, doc["reference"], doc["query"], doc["wrong"])
        text, reference, source, wrong = (unicodedata.normalize("NFC", one) for one in texts)
        tag, own = doc["language"], self.prepared.language
        language = own if tag == own.tag else read_all_languages().get(tag)
        return Reply(text, reference, source, wrong, language)

    def own_texts(self, doc: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what a doc itself gives a model to read or write, without examples before it."""
        if self.family.output_type == OutputType.TEXT:
            return (doc["text"],)
        prompt = self._prompt(doc)
        written = (doc["reference"],) if self.family.output_type == OutputType.REPLY else ()
        return (prompt.context, *prompt.choices, *written)

    def _prompt(self, doc: Mapping[str, Any]) -> Prompt:
        assert self.family.prompt is not None
        doc_id = doc["doc_id"]
        if doc_id not in self._prompts:
            self._prompts[doc_id] = self.family.prompt(doc_from_dict(doc))
        return self._prompts[doc_id]

    def _process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        sample = self.sample_from_results(doc, results)
        return {metric: _doc_value(sample, metric) for metric in self.family.metrics}

    def _callables(self) -> dict[str, Any]:
        metrics = [
            {
                "metric": metric,
                "aggregation": _aggregation(metric),
                "higher_is_better": measure_of(metric).higher_is_better,
            }
            for metric in self.family.metrics
        ]
        shared = {"process_results": self._process_results, "metric_list": metrics}
        if self.family.output_type == OutputType.TEXT:
            return {**shared, "doc_to_text": "", "doc_to_target": "text"}
        shared["doc_to_text"] = lambda doc: self._prompt(doc).context
        if self.family.reply is not None:
            return {**shared, "doc_to_target": "reference", **_generation(self.family.reply)}
        if self.family.output_type == OutputType.TARGET:
            return {**shared, "doc_to_target": lambda doc: self._prompt(doc).choices[0]}
        return {
            **shared,
            "doc_to_choice": lambda doc: list(self._prompt(doc).choices),
            "doc_to_target": "target",
        }


class FinishedTask(FamilyTask):
    """A family of lm-eval's own tasks: what they ask was finished when docs were prepared."""

    def fewshot_context(self, doc: Mapping[str, Any], num_fewshot: int, **_: Any) -> str:
        """Return the finished context; of multiple inputs, what all of them begin with."""
        return render_task(self.prepared, _task_doc(doc), num_fewshot)

    def construct_requests(self, doc: dict[str, Any], ctx: str, **kwargs: Any) -> list[Instance]:
        """Return the pairs of context and continuation as the task asks them, or what to write."""
        if self.family.reply is not None:
            return [super().construct_requests(doc, ctx, **kwargs)]
        pairs = list_pairs(self.prepared, _task_doc(doc), ctx)
        return [
            Instance("loglikelihood", doc, pair, i, metadata=kwargs.get("metadata"))
            for i, pair in enumerate(pairs)
        ]

    def reply_samples(
        self, docs: Sequence[Mapping[str, Any]], texts: Sequence[str]
    ) -> list[ReplySample]:
        """Keep the replies to docs as they came, and what the task itself says of them."""
        source, rows = self.family.source, [doc["row"] for doc in docs]
        assert isinstance(source, TaskSource)
        scores = score_replies(source, rows, texts, self.family.metrics)
        return [
            ReplySample(doc["doc_id"], doc["cluster_id"], text, doc["reference"], counted)
            for doc, text, counted in zip(docs, texts, scores, strict=True)
        ]


def _task_doc(doc: Mapping[str, Any]) -> TaskDoc | TaskReplyDoc:
    found = doc_from_dict(doc)
    assert isinstance(found, TaskDoc | TaskReplyDoc)
    return found


def _generation(reply: ReplyLimits) -> dict[str, Any]:
    options = {"until": list(reply.stops), "max_gen_toks": reply.max_tokens, "do_sample": False}
    return {"generation_kwargs": options}


def _means_of(values: Sequence[float], n: int) -> tuple[float, ...]:
    """Return the mean of each of n labels over docs; empty for no docs."""
    n_docs = len(values) // n
    return tuple(math.fsum(values[label::n]) / n_docs for label in range(n)) if n_docs else ()


def with_label_means(samples: Iterable[Sample]) -> list[Sample]:
    """Give the label means that came with the first doc of a cell to all its docs."""
    listed = list(samples)
    means = next((s.label_means for s in listed if isinstance(s, ChoiceSample)), ())
    if not means:
        return listed
    return [replace(s, label_means=means) if isinstance(s, ChoiceSample) else s for s in listed]


def _doc_value(sample: Sample, metric: str) -> Any:
    """Return what lm-eval collects of a doc: its score, or what the aggregation needs."""
    measure = measure_of(metric)
    if measure.needs_cell:
        return row_of(sample)
    return doc_scores([sample], metric)[0] if measure.is_mean else list(measure.statistics(sample))


def _aggregation(metric: str) -> Callable[[Any], float]:
    """Return lm-eval's aggregation of a metric: the mean over docs, or one that needs all of them.

    Several processes each send the calibration docs with their first doc: all means are the same.
    """
    measure = measure_of(metric)
    if measure.is_of_docs:
        mean_of_docs: Callable[[Any], float] = mean
        return mean_of_docs

    def of_sums(statistics: Sequence[Sequence[float]]) -> float:
        found = np.array(statistics, dtype=np.float64)
        return float(measure.value(found.sum(axis=0), np.array(float(len(found)))))

    def of_samples(docs: Sequence[Mapping[str, Any]]) -> float:
        first = sorted(docs, key=lambda doc: not doc.get("label_means"))
        samples = with_label_means(measure.sample(**doc) for doc in first)
        return cell_score(samples, metric).value

    return of_samples if measure.needs_cell else of_sums


def _config(prepared: Prepared) -> dict[str, Any]:
    family = prepared.family
    fewshot = {"fewshot_split": "fewshot", "fewshot_config": {"sampler": "first_n"}}
    return {
        "task": task_name(family.name, prepared.language.tag),
        "output_type": str(family.output_type),
        "test_split": "test",
        **(fewshot if prepared.docs.fewshot else {}),
        "fewshot_delimiter": FEWSHOT_DELIMITER,
        "target_delimiter": TARGET_DELIMITER,
        "metadata": {
            "version": family.version,
            "language": prepared.language.tag,
            "data_sha256": prepared.sha256,
        },
    }


def _prepare(family_name: str, tag: str) -> Prepared:
    family, languages = find_family(family_name), read_all_languages()
    if family is None:
        known = read_families()
        raise SelectionError(unknown("family", family_name, known, "mlbench list families"))
    if tag not in languages:
        raise SelectionError(unknown("language", tag, languages, "mlbench list languages"))
    return prepare(family, languages[tag])


def build_task(prepared: Prepared, shots: int) -> FamilyTask:
    """Return the task of a cell without lm-eval's index of 14,000 other tasks."""
    family: Family = prepared.family
    kind = FinishedTask if isinstance(family.source, TaskSource) else FamilyTask
    task = kind({"prepared": prepared, "task": task_name(family.name, prepared.language.tag)})
    task.set_config("num_fewshot", shots)
    task.set_fewshot_seed(seed=0)
    return task
