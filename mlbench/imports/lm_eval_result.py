"""What does lm-eval say of one task that it scored? Model, set-up, examples, limit, number of docs.

Fields that a version of lm-eval did not write, or wrote in another form, are read here and nowhere
else.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlbench.errors import DataError
from mlbench.imports.scored_task import ScoredTask
from mlbench.imports.setups import LM_EVAL
from mlbench.model_arguments import parse_arguments, score_arguments, setup_of
from mlbench.redaction import redact

# The order in which lm-eval looks for a name among the arguments.
_NAMING = ("peft", "delta", "pretrained", "model", "path", "engine")
_HF_NAMES = frozenset({"hf-auto", "huggingface"})
_USUAL_SEED = 1234


@dataclass(frozen=True)
class TaskResult(ScoredTask):
    """One task in one run of lm-eval: its samples file, and the content of its results file.

    `time` is empty where the file has none, which lm-eval 0.4.2 and before wrote.
    """

    task: str
    time: str
    path: Path
    results: Mapping[str, Any]
    tool = LM_EVAL

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the task's config."""
        found: Mapping[str, Any] = self.results["configs"][self.task]
        return found

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return the metadata of the task's config, a list of one in lm-eval 0.4.0."""
        found = self.config.get("metadata")
        if isinstance(found, list):
            found = next(iter(found), None)
        return found if isinstance(found, Mapping) else {}

    @property
    def shots(self) -> int:
        """Return the number of examples."""
        shots = _mapping(self.results.get("n-shot")).get(self.task, self.config.get("num_fewshot"))
        if isinstance(shots, bool) or not isinstance(shots, int | float | None):
            raise DataError(f"its number of examples is {shots!r:.60}")
        return int(shots or 0)

    @property
    def limit(self) -> float | None:
        """Return the --limit that it was scored with; None means all docs."""
        limit = self._general.get("limit")
        is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
        return float(limit) if is_number and limit is not None else None

    @property
    def stated_docs(self) -> int | None:
        """Return the number of docs that lm-eval says it scored; None in older results."""
        said = _mapping(_mapping(self.results.get("n-samples")).get(self.task)).get("effective")
        return said if isinstance(said, int) else None

    @property
    def model(self) -> str:
        """Return the model's name, with its revision where one was asked for."""
        revision = self._general.get("model_revision") or self._arguments.get("revision")
        is_default = revision in (None, "", "main", "N/A", "None")
        name = self._redacted(self._bare_name)
        return name if is_default else f"{name}@{revision}"

    @property
    def setup(self) -> dict[str, str]:
        """Return all that makes two models of one name differ, without keys and passwords.

        The arguments that can change a score, how they were loaded, and how prompts are put.
        """
        given = self._general.get("model_args")
        if self.is_export:
            return setup_of(str(given or ""))
        found = score_arguments(self._arguments)
        found.pop("revision", None)
        for name in ("pretrained", "model"):
            if found.get(name) == self._bare_name:
                del found[name]
        kind = str(self._general.get("model") or "")
        found["model_type"] = "hf" if kind in _HF_NAMES else kind
        found |= self._prompting()
        return {name: self._redacted(value) for name, value in sorted(found.items()) if value}

    def _prompting(self) -> dict[str, str]:
        template = self._digest_of("chat_template")
        generation = parse_arguments(_arguments_of(self._general.get("gen_kwargs")))
        seed = self._general.get("fewshot_seed")
        return {
            "chat_template": template,
            "system_instruction": self._digest_of("system_instruction"),
            # Without a chat template there are no turns.
            "fewshot_as_multiturn": "True"
            if template and self.results.get("fewshot_as_multiturn")
            else "",
            "gen_kwargs": json.dumps(generation, ensure_ascii=False) if generation else "",
            "fewshot_seed": "" if seed in (None, _USUAL_SEED) else str(seed),
        }

    def _digest_of(self, name: str) -> str:
        """Return the digest of a text that belongs to every prompt, "" where there was none."""
        digest = self.results.get(f"{name}_sha")
        text = self.results.get(name) or self._general.get(name)
        return str(digest or (hashlib.sha256(str(text).encode()).hexdigest() if text else ""))

    @property
    def weights(self) -> str | None:
        """Return the commit of the weights on the hub, None where lm-eval does not say."""
        found = self._general.get("model_sha")
        return found if isinstance(found, str) and found not in ("", "None", "N/A") else None

    @property
    def is_export(self) -> bool:
        """Return whether `mlbench export` wrote it; then a doc holds what lm-eval does not log."""
        return "mlbench_export" in self.metadata

    @property
    def version(self) -> str | None:
        """Return the version of lm-eval that scored it, as far as it says."""
        version = self.results.get("lm_eval_version")
        return None if version is None else str(version)

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each sample with its line, or its place in a list of JSON.

        Raises DataError for what is none.
        """
        try:
            with self.path.open(encoding="utf-8-sig") as file:
                is_list = file.read(1) == "["
                file.seek(0)
                for number, row in enumerate(json.load(file) if is_list else file, start=1):
                    if not is_list:
                        if not row.strip():
                            continue
                        row = json.loads(row)
                    if not isinstance(row, dict):
                        raise ValueError("expected an object")
                    yield number, row
        except (ValueError, OSError, RecursionError) as error:
            raise DataError(f"{self.path}: not lm-eval's samples: {error}") from error

    @property
    def _general(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.results["config"]
        return found

    @property
    def _arguments(self) -> dict[str, str]:
        return parse_arguments(_arguments_of(self._general.get("model_args")))

    @property
    def _bare_name(self) -> str:
        named = (self._arguments.get(name) for name in _NAMING)
        found = self.results.get("model_name") or next(filter(None, named), None)
        return str(found or self._general.get("model") or "model")

    def _redacted(self, text: str) -> str:
        return redact(text, _arguments_of(self._general.get("model_args")) or "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _arguments_of(value: Any) -> str | Mapping[str, Any] | None:
    return value if isinstance(value, str | Mapping) else None
