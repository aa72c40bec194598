"""The nouns of mlbench as frozen data: language, doc, prompt, family, cell, score.

Everything else in the package is plain functions over these. Nothing here does I/O or imports a
heavy library.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class OutputType(StrEnum):
    """What lm-eval calls the way in which a model is asked."""

    CHOICES = "multiple_choice"
    TARGET = "loglikelihood"
    TEXT = "loglikelihood_rolling"
    REPLY = "generate_until"


Origin = Literal["written", "translated", "machine", "localised", ""]
"""Of a text: in the language, translated by people or by machine, rewritten; "": not known."""

Suite = Literal["core", "embedded", "extension", "lmeval", "reading", "translation"]

TAG = "tag"
"""The code key of a data set that calls languages by mlbench's own tags."""


@dataclass(frozen=True, slots=True)
class Caveat:
    """A known problem with text: `about` are the data sets that have it (`source`); none: any."""

    text: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """One language of languages.yaml or data/controls.yaml; `tag` (BCP 47) is its key everywhere.

    `speakers_shared_with` is the tag of the language whose speakers are the same people; `aliases`
    are other names in English, by which it is found. `same_text_in` are the data sets in which
    it has the text of `same_text_as`; none: any.
    """

    tag: str
    name: str
    endonym: str
    script: str
    direction: Literal["ltr", "rtl"]
    family: str
    branch: str | None = None
    resource_class: int | None = None
    speakers: int | None = None
    speakers_shared_with: str | None = None
    dialect_of: str | None = None
    same_text_as: str | None = None
    same_text_in: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    caveats: tuple[Caveat, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def is_duplicate(self) -> bool:
        """Return whether its benchmark text is (nearly) another language's text."""
        return self.same_text_as is not None

    @property
    def warning(self) -> str:
        """Return its caveats as one text; empty without any."""
        return " ".join(caveat.text for caveat in self.caveats)

    def in_data(self, sources: Collection[str]) -> "Language":
        """Return it with the caveats, and as a near-copy, only as far as these data sets go.

        The one place that chooses what a reader of these data is warned of.
        """

        def concerns(about: Collection[str]) -> bool:
            return not about or any(source in sources for source in about)

        return replace(
            self,
            caveats=tuple(caveat for caveat in self.caveats if concerns(caveat.about)),
            same_text_as=self.same_text_as if concerns(self.same_text_in) else None,
        )

    def code(self, key: str) -> str | None:
        """Return what a data set calls it, by an entry of `codes`; `tag` is the tag itself."""
        return self.tag if key == TAG else self.codes.get(key)


@dataclass(frozen=True, slots=True)
class ChoiceDoc:
    """A question with its options. `query` is raw text; a family's `prompt` renders it."""

    doc_id: str
    cluster_id: str
    query: str
    choices: tuple[str, ...]
    target: int


@dataclass(frozen=True, slots=True)
class TaskDoc(ChoiceDoc):
    """A doc of a task of lm-eval, with all that the task would put around it.

    Where the task asks for one text alone (OutputType.TARGET), that is the only choice.
    A choice follows `query` after `delimiter`. Where the choices are contexts themselves (lm-eval's
    "multiple inputs"), `ending` follows each of them. `head` stands before the examples, of which
    `examples` says for one, two, ... of them where they are in FamilyDocs.examples.
    """

    delimiter: str = " "
    head: str = ""
    ending: str | None = None
    examples: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class TextDoc:
    """A text to be predicted, scored by its log-likelihood."""

    doc_id: str
    cluster_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReplyDoc:
    """A text to be written in reply to `query`; the answer is held against `reference`.

    The reply should be in `language` (a tag). `wrong` is the reference of another doc: what it
    scores here is what any text of the right kind scores. `names` are words that a prompt puts
    before query and reply.
    """

    doc_id: str
    cluster_id: str
    query: str
    reference: str
    language: str
    wrong: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskReplyDoc(ReplyDoc):
    """A doc of a task of lm-eval that is answered with a text of the model's own.

    `head` and `examples` are as in TaskDoc. `row` is JSON: the name of the task and the doc as the
    task has it, by which the task scores a reply.
    """

    head: str = ""
    row: str = ""
    examples: tuple[tuple[int, ...], ...] = ()


AskedDoc = ChoiceDoc | ReplyDoc
Doc = AskedDoc | TextDoc


def row_of(record: "DataclassInstance") -> dict[str, Any]:
    """Return a flat record as a row: dataclasses.asdict would copy each value of each tuple."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


class Prompt(NamedTuple):
    """What lm-eval sends: `context` has no trailing space; lm-eval puts one before a choice.

    A doc that is answered with a text of the model's own has no choices.
    """

    context: str
    choices: tuple[str, ...] = ()


class ReplyLimits(NamedTuple):
    """Where a reply ends: before one of `stops`, or with so many tokens; always the likeliest."""

    max_tokens: int
    stops: tuple[str, ...] = ("\n",)


@dataclass(frozen=True, slots=True)
class FamilyDocs:
    """The docs of one family in one language; no id is in two of the three.

    `calibration` docs are asked and not scored: the mean log-likelihood of each label over them is
    what the label has whatever the doc (ChoiceSample.label_means). `examples` are finished texts
    that each TaskDoc takes its own of.
    """

    scored: tuple[Doc, ...]
    fewshot: tuple[AskedDoc, ...] = ()
    calibration: tuple[ChoiceDoc, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HubSource:
    """A data set of the Hugging Face hub; `code_key` names the entry of Language.codes.

    `beside` is the data set's code of a language whose rows are read with those of every language,
    under `<code>/<split>`.
    """

    hub_id: str
    code_key: str
    revision: str = "main"
    beside: str | None = None

    @property
    def name(self) -> str:
        """Return what a reader knows it by."""
        return self.hub_id


@dataclass(frozen=True, slots=True)
class CldrSource:
    """Locale data of the Unicode CLDR, as the installed library babel ships it."""

    code_key: str = "babel"

    @property
    def name(self) -> str:
        """Return what a reader knows it by."""
        return "Unicode CLDR"


@dataclass(frozen=True, slots=True)
class TaskSource:
    """Tasks that lm-eval ships, on a data set of the hub.

    `pattern` is a regular expression for their names, whose group `code` is the language as
    `code_key` of Language.codes has it (None: any entry), and whose group `part` is one subject of
    many. They are looked for in `folder` below lm-eval's tasks. Docs have up to `shots` examples.
    `doc_id` and `cluster` name fields of a row. `languages` are the tags that have a task, where
    the code key does not say so. `filter` is the one of lm-eval's filters of replies that counts.
    """

    pattern: str
    folder: str
    hub_id: str
    code_key: str | None
    languages: tuple[str, ...] = ()
    shots: int = 0
    doc_id: tuple[str, ...] = ()
    cluster: str | None = None
    filter: str | None = None

    def covers(self, language: "Language") -> bool:
        """Return whether there may be tasks for a language; which there are only lm-eval knows."""
        is_listed = not self.languages or language.tag in self.languages
        return is_listed and (self.code_key is None or bool(language.code(self.code_key)))

    @property
    def name(self) -> str:
        """Return what a reader knows it by."""
        return self.hub_id


@dataclass(frozen=True, slots=True)
class FileSource:
    """A table of somebody's own: CSV, TSV, JSON lines or Parquet (data/tables.py).

    The path may name the language, as `{tag}` or by an entry of Language.codes (`{flores200}`).
    Else the column `language` does, by any code or name; `tags` says which tag each word means.
    `examples` is the table of few-shot examples, in the same form.
    """

    path: Path
    examples: Path | None = None
    language: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return what a reader knows it by: not where it lies on this machine."""
        return self.path.name


Source = HubSource | CldrSource | FileSource | TaskSource
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class Size(NamedTuple):
    """How many docs there are, and how many clusters of docs that are not independent."""

    docs: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Family:
    """One task definition for all its languages, with the facts a reader must be able to check.

    `docs` turns raw rows (split name -> rows) of one language into docs and raises NoData or
    DataError; `prompt` renders one doc. Both are pure. `reply` says where a reply ends. `chance`
    is the expected accuracy of guessing in [0, 1]; None where there is none. The first of
    `metrics` is the judged one.
    `calibration_context` is the context without the query (for PMI), None to not ask for it;
    `is_calibrated`: each label is held against its mean over docs that are not scored.
    Families that score the same docs in another way name one `doc_set` (sib200/test): they are
    drawn alike, and count as one where families are pooled; None: no other family has these docs.
    `pivot` is the tag of the language that every other one is paired with; it has no docs itself.
    `with_pivot` makes the same family with another one, whose tag is in its name.
    `origin` is that of the text, `size` the docs and clusters of a language that has all of them,
    `caveats` are known faults, a sentence each; `is_gated`: the hub asks for a login. What is not
    known is empty or None.
    `is_demonstration`: real models of the size that was tried are at chance in it
    (docs/families.md), so it is shown and does not enter the numbers over several families.
    """

    name: str
    version: int | str
    title: str
    question: str
    suite: Suite
    output_type: OutputType
    source: Source
    licence: str
    citation: str
    chance: float | None
    metrics: tuple[str, ...]
    docs: Callable[[Rows, Language], FamilyDocs]
    prompt: Callable[[Any], Prompt] | None = None
    reply: ReplyLimits | None = None
    calibration_context: str | None = None
    is_calibrated: bool = False
    is_parallel: bool = True
    max_shots: int = 0
    pivot: str | None = None
    with_pivot: "Callable[[Language], Family] | None" = None
    is_demonstration: bool = False
    doc_set: str | None = None
    origin: Origin = ""
    size: Size | None = None
    is_gated: bool | None = None
    caveats: tuple[str, ...] = ()


class Cell(NamedTuple):
    """The unit of plan, store and heatmap: model x family x language x shots."""

    model: str
    family: str
    language: str
    shots: int


class Score(NamedTuple):
    """The value of a metric for a cell. `stderr` is one standard error, nan below two docs."""

    metric: str
    value: float
    n_docs: int
    stderr: float
