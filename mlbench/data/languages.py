"""Which languages are there, and which of them does a selection mean?

languages.yaml knows the languages of the list, controls.yaml those beyond it; nothing else knows a
language. Both are validated on every load, and an error names the file, the line and what is
allowed. A selection is always an expression over the two.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NoReturn

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mlbench.data.added_languages import with_defaults
from mlbench.data.codes import find_tag, is_other_word
from mlbench.errors import LanguageFileError, SelectionError, unknown, yaml_hint
from mlbench.names import local_path
from mlbench.records import Caveat, Language
from mlbench.yaml_text import parse_yaml

ADD = "add"
"""The key of a languages file whose blocks are added to the built-in ones."""

logger = logging.getLogger(__name__)

REFERENCE = "en"
"""The language every gap and every moat is measured against."""

LANGUAGES_FILE_VARIABLE = "MLBENCH_LANGUAGES"
CONTROLS_FILE = Path(__file__).with_name("controls.yaml")
# What a selection calls more than one language.
_WORDS = ("all", "controls", "dialects")
# BCP 47 (RFC 5646, section 2.1): language, script, region, variants.
_TAG = re.compile(
    r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
)


@cache
def _scripts() -> frozenset[str]:
    """Return the ISO 15924 codes, as the CLDR lists them."""
    from babel.localedata import load

    return frozenset(load("root")["scripts"]) | frozenset(load("en")["scripts"])


def _check_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise ValueError(f"{tag!r} is not a language tag like sw, zh-Hans, fa-AF or es-419")
    return tag


def _check_script(script: str) -> str:
    if script not in _scripts():
        raise ValueError(unknown("ISO 15924 script", script, _scripts(), "unicode.org/iso15924"))
    return script


class _Caveat(BaseModel):
    """A caveat with the data sets that it is about."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(min_length=1)]
    about: list[str] = []


class _Block(BaseModel):
    """The form of one block of a languages file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tag: Annotated[str, AfterValidator(_check_tag)]
    name: Annotated[str, Field(min_length=1)]
    endonym: Annotated[str, Field(min_length=1)]
    script: Annotated[str, AfterValidator(_check_script)]
    direction: Literal["ltr", "rtl"]
    family: Annotated[str, Field(min_length=1)]
    branch: str | None = None
    resource_class: Annotated[int, Field(ge=0, le=5)] | None = None
    speakers: Annotated[int, Field(ge=0)] | None = None
    speakers_shared_with: str | None = None
    dialect_of: str | None = None
    same_text_as: str | None = None
    same_text_in: list[str] = []
    codes: dict[str, Annotated[str, Field(min_length=1)]]
    caveats: list[str | _Caveat] = []
    aliases: list[Annotated[str, Field(min_length=1)]] = []


def find_languages_file() -> Path:
    """Return the file in force: $MLBENCH_LANGUAGES, else the one shipped with mlbench."""
    chosen = os.environ.get(LANGUAGES_FILE_VARIABLE)
    return local_path(chosen, LANGUAGES_FILE_VARIABLE) if chosen else _shipped_file()


def _shipped_file() -> Path:
    package = Path(__file__).parent.parent
    installed = package / "languages.yaml"
    return installed if installed.exists() else package.parent / "languages.yaml"


def read_languages(path: Path | None = None) -> Mapping[str, Language]:
    """Return the languages of a file by tag, in its order.

    Raises LanguageFileError with file, line, value and what is allowed.
    """
    path = path or find_languages_file()
    return _read_as_of(path.absolute(), path, _state_of(path))


def read_shipped() -> Mapping[str, Language]:
    """Return the languages of the list that comes with mlbench, whatever file is in force."""
    return read_languages(_shipped_file())


def read_controls(languages: Mapping[str, Language]) -> Mapping[str, Language]:
    """Return the shipped languages beyond the list that these languages lack, by tag."""
    controls = _read_controls_as_of(_state_of(_shipped_file()))
    return {tag: language for tag, language in controls.items() if tag not in languages}


def read_all_languages(path: Path | None = None) -> Mapping[str, Language]:
    """Return the languages of a file, and after them the controls."""
    languages = read_languages(path)
    return {**languages, **read_controls(languages)}


@lru_cache(maxsize=8)
def _read_as_of(_: Path, path: Path, state: tuple[int, int]) -> Mapping[str, Language]:
    """Read a file once as long as it does not change: each task of lm-eval asks for it."""
    text, blocks = _load(path)
    added_to: Mapping[str, Language] = {}
    if isinstance(blocks, dict) and set(blocks) == {ADD}:
        added_to = read_shipped()
        blocks = blocks[ADD]
        blocks = [with_defaults(block) for block in blocks] if isinstance(blocks, list) else None
    own = _check_blocks(path, text, blocks, beside=added_to)
    for index, tag in enumerate(own):
        if tag in added_to:
            _refuse_twice(path, text, index, tag)
    return MappingProxyType({**added_to, **own})


@lru_cache(maxsize=2)
def _read_controls_as_of(_: tuple[int, int]) -> Mapping[str, Language]:
    """Read the controls that the list in this state lacks."""
    text, blocks = _load(CONTROLS_FILE)
    listed = read_shipped()
    controls = _check_blocks(CONTROLS_FILE, text, blocks, beside=listed)
    return MappingProxyType({tag: x for tag, x in controls.items() if tag not in listed})


def _state_of(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError as error:
        raise LanguageFileError(f"cannot read languages file {path}: {error.strerror}") from error
    return stat.st_mtime_ns, stat.st_size


def _check_blocks(
    path: Path, text: str, blocks: Any, *, beside: Mapping[str, Language]
) -> dict[str, Language]:
    """Return the languages of the blocks; what they name may be `beside` them."""
    if not isinstance(blocks, list) or not blocks:
        raise LanguageFileError(
            f"{path}: expected a list of languages, one block each, or `{ADD}:` and such a list"
        )
    own: dict[str, Language] = {}
    for index, block in enumerate(blocks):
        language = _language_from_block(path, text, index, block)
        if language.tag in own:
            _refuse_twice(path, text, index, language.tag)
        own[language.tag] = language
    for index, language in enumerate(own.values()):
        if fault := _find_shared_fault(language, {**beside, **own}):
            key, message = fault
            where = _locate(path, text, index, key)
            value = f"{key} {getattr(language, key)!r}"
            raise LanguageFileError(f"{where}: language {language.tag!r}, {value}: {message}")
    return own


def _refuse_twice(path: Path, text: str, index: int, tag: str) -> NoReturn:
    where = _locate(path, text, index, "tag")
    raise LanguageFileError(f"{where}: tag {tag!r} is there twice; keep one")


def _load(path: Path) -> tuple[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        return text, parse_yaml(text)
    except OSError as error:
        raise LanguageFileError(f"cannot read languages file {path}: {error.strerror}") from error
    except ValueError as error:
        raise LanguageFileError(f"{path} is not valid YAML: {error}") from error


def _find_shared_fault(
    language: Language, languages: Mapping[str, Language]
) -> tuple[str, str] | None:
    """Return the key that is wrong where a language names another one, and why."""
    tag, name = language.tag, language.speakers_shared_with
    ways = {
        "speakers_shared_with": "name the other language that has these speakers",
        "dialect_of": "name the language that it is counted under",
        "same_text_as": "name the language whose text it has",
    }
    for key, way in ways.items():
        named = getattr(language, key)
        if named == tag:
            return key, f"that is itself; {way}, or leave the key out"
        if named is not None and named not in languages:
            known = [known for known in languages if known != tag]
            return key, unknown("language", named, known, "the tags of this file")
    if name is None:
        return None
    key = "speakers_shared_with"
    other = languages[name]
    if next_name := other.speakers_shared_with:
        advice = f"name {next_name!r} here too"
        if next_name == tag:
            advice = "keep the key in one of the two"
        return key, f"{name!r} shares those of {next_name!r} itself; {advice}"
    if other.speakers != language.speakers:
        has = f"{name!r}, whose speakers it shares, has {other.speakers!r}"
        return "speakers", f"{has}; give both the same number"
    return None


def _language_from_block(path: Path, text: str, index: int, block: Any) -> Language:
    try:
        form = _Block.model_validate(block)
    except ValidationError as error:
        first = error.errors()[0]
        where = _locate(path, text, index, *first["loc"])
        name = block.get("tag", "?") if isinstance(block, dict) else "?"
        key = ".".join(str(part) for part in first["loc"]) or "block"
        value = "" if first["type"] == "missing" else f" {first['input']!r}"
        raise LanguageFileError(
            f"{where}: language {name!r}, {key}{value}: {yaml_hint(first['input']) or first['msg']}"
            f". A block has: {', '.join(_Block.model_fields)}"
        ) from None
    if "iso639_3" not in form.codes:
        where = _locate(path, text, index, "codes")
        raise LanguageFileError(
            f"{where}: language {form.tag!r}, codes.iso639_3 is missing; "
            f"every language needs its ISO 639-3 code, got {', '.join(form.codes) or 'nothing'}"
        )
    return language_from(form.model_dump())


def language_from(fields: Mapping[str, Any]) -> Language:
    """Return a language from what stands in a file or a run; a caveat may be its text alone."""
    lists = {key: tuple(fields.get(key, ())) for key in ("aliases", "same_text_in")}
    caveats = [
        Caveat(one) if isinstance(one, str) else Caveat(one["text"], tuple(one["about"]))
        for one in fields.get("caveats", ())
    ]
    return Language(**{**fields, **lists, "caveats": tuple(caveats)})


def _locate(path: Path, text: str, index: int, *keys: str | int) -> str:
    """Return `file:line` of a key, or of the nearest node above it that exists."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode):
        root = root.value[0][1]
    assert isinstance(root, yaml.SequenceNode)
    node: yaml.Node = root.value[index]
    line = node.start_mark.line
    for key in keys:
        if not isinstance(node, yaml.MappingNode):
            break
        pair = next((pair for pair in node.value if pair[0].value == key), None)
        if pair is None:
            break
        line, node = pair[0].start_mark.line, pair[1]
    return f"{path}:{line + 1}"


def select_languages(
    selection: str | Sequence[str],
    languages: Mapping[str, Language],
    controls: Mapping[str, Language] = MappingProxyType({}),
) -> list[Language]:
    """Return the languages that a selection means, in the order of the files.

    Parts, separated by commas or `+`, add from left to right: `all` languages of the list,
    `controls`, a tag or another code or name of either (codes.py), `family:Turkic`, `branch:Bantu`,
    `script:Arab`, `class:2`, `class:0-2` and `dialects` of the list, or of the controls where the
    list has none. `-part` excludes; a selection that begins with `-` starts from all.

    Raises SelectionError for a part that means nothing, or if nothing is left.
    """
    text = selection if isinstance(selection, str) else ",".join(selection)
    parts = [part.strip() for part in re.split(r"[,+]", text) if part.strip()]
    chosen = set(languages) if parts and parts[0].startswith("-") else set[str]()
    for part in parts:
        tags = _expand(part.lstrip("-"), languages, controls)
        chosen = chosen - tags if part.startswith("-") else chosen | tags
    if not chosen:
        raise SelectionError(f"no language is left in {text!r}. See: mlbench list languages")
    return [language for tag, language in {**languages, **controls}.items() if tag in chosen]


def _expand(
    part: str, languages: Mapping[str, Language], controls: Mapping[str, Language]
) -> set[str]:
    kind, _, value = part.partition(":")
    if value:
        return _expand_selector(kind, value, languages, controls)
    if part == "all":
        return set(languages)
    if part == "controls":
        return set(controls)
    if part == "dialects":
        return {tag for tag, language in languages.items() if language.dialect_of}
    tag = find_tag(part, {**languages, **controls}, _WORDS)
    if is_other_word(part, tag):
        logger.warning("%r is the language %r", part, tag)
    return {tag}


def _expand_selector(
    kind: str, value: str, languages: Mapping[str, Language], controls: Mapping[str, Language]
) -> set[str]:
    if kind == "class":
        return _expand_class(value, languages) or _expand_class(value, controls)
    if kind not in ("family", "branch", "script"):
        allowed = ["family", "branch", "script", "class"]
        message = unknown("selector", kind, allowed, "mlbench list languages")
        raise SelectionError(f"{message} Allowed: {', '.join(allowed)}")
    for known in (languages, controls):
        if found := {tag for tag, language in known.items() if getattr(language, kind) == value}:
            return found
    values = {getattr(language, kind) for language in (*languages.values(), *controls.values())}
    known_values = sorted(filter(None, values))
    raise SelectionError(unknown(kind, value, known_values, "mlbench list languages"))


def _expand_class(value: str, languages: Mapping[str, Language]) -> set[str]:
    match = re.fullmatch(r"([0-5])(?:-([0-5]))?", value)
    if not match:
        raise SelectionError(f"no resource class {value!r}. Allowed: class:0 to class:5, class:0-2")
    low, high = int(match[1]), int(match[2] or match[1])
    return {
        tag
        for tag, language in languages.items()
        if language.resource_class is not None and low <= language.resource_class <= high
    }
