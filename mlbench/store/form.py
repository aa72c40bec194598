"""Is a run.json as mlbench writes it? Checked before anything in it is believed or followed.

What is there must be of the right kind, name what is there too, and stay inside the run's folder. A
key that this version does not know is kept and not looked at: what an older version must not
overlook raises the format.
"""

import textwrap
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlbench.names import fault_of_name

FORMAT = 3
"""Of run.json. 3 has caveats with the data that they are about, 2 a seal (files.py); 1 has neither
seal nor number. All are read."""
LONGEST_VALUE = 60
_MOST_NAMED = 3


def _check_name(name: str) -> str:
    """Refuse what is no single name in a folder: a path would lead out of the run."""
    if name.startswith(".") or any(letter in name for letter in "/\\\0") or ":" in name[1:2]:
        raise ValueError(f"{name!r} is not a name of a folder in the run")
    return name


def _check_family(name: str) -> str:
    """Refuse what import would refuse; a long name has a short folder (names.folder_name)."""
    if fault := fault_of_name(name):
        raise ValueError(f"{name!r} {fault}")
    return name


def _check_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_check_name)]
FamilyName = Annotated[str, AfterValidator(_check_family)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", max_length=40)]
Shots = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,3})$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Model(_Facts):
    slug: Name


class _Family(_Facts):
    title: str
    question: str
    suite: str
    version: int | str
    output_type: str
    chance: Annotated[float, Field(ge=0, lt=1)] | None
    metrics: Annotated[list[str], Field(min_length=1)]
    is_parallel: bool
    is_demonstration: bool = False
    doc_set: str | None = None
    origin: str = ""
    caveats: list[str] = []
    licence: str
    citation: str
    source: str


class _Caveat(_Facts):
    text: str
    about: list[str]


class _Language(_Facts):
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
    same_text_in: list[str] = []
    codes: dict[str, str] = {}
    caveats: list[str | _Caveat] = []
    aliases: list[str] = []


class _Invocation(_Facts):
    asked: dict[str, Any]
    started: Annotated[str, AfterValidator(_check_time)]


class Form(_Facts):
    """What a run.json must hold; `signatures` and the number of the format came with version 2."""

    mlbench: str
    created: Annotated[str, AfterValidator(_check_time)]
    format: Annotated[int, Field(ge=1)] = 1
    models: dict[str, _Model]
    families: dict[FamilyName, _Family]
    languages: dict[Tag, _Language]
    cells: dict[str, dict[FamilyName, dict[Shots, list[Tag]]]]
    signatures: dict[str, dict[str, dict[str, dict[str, Digest]]]] = {}
    no_data: dict[str, dict[str, str]]
    pair: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    invocations: list[_Invocation] = []

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        families = {family for columns in self.cells.values() for family in columns}
        tags = {
            tag
            for columns in self.cells.values()
            for by_shots in columns.values()
            for planned in by_shots.values()
            for tag in planned
        }
        _check_known("model", set(self.cells), set(self.models))
        _check_known("family", families, set(self.families))
        _check_known("language", tags, set(self.languages))
        for tag, language in self.languages.items():
            if language.tag != tag:
                raise ValueError(f"language {tag!r} calls itself {language.tag!r}")
        return self


def _check_known(what: str, named: set[str], known: set[str]) -> None:
    if unknown := sorted(named - known):
        shown = ", ".join(repr(name) for name in unknown[:_MOST_NAMED])
        raise ValueError(f"cells has {what} {shown}, of which there are no facts")


def find_fault(content: bytes) -> str:
    """Return what is wrong with the text of a run.json, in a few words; empty if nothing is."""
    try:
        Form.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = " ".join(str(part) for part in first["loc"])
        is_shown = first["loc"] and first["type"] not in ("missing", "value_error")
        value = f" {textwrap.shorten(repr(first['input']), LONGEST_VALUE)}" if is_shown else ""
        why = first["msg"].removeprefix("Value error, ")
        return " ".join(f"{where}{value}: {why}".removeprefix(": ").split())
    return ""
