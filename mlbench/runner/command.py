"""What does `mlbench run` do, apart from printing? Plan, lock, write the manifest, score.

`mlbench.run` of a notebook does the same (api.py).
"""

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlbench import store
from mlbench.data.languages import (
    read_all_languages,
    read_controls,
    read_languages,
    select_languages,
)
from mlbench.data.prepare import Prepared
from mlbench.data.tables import with_tags
from mlbench.errors import ModelError, SelectionError
from mlbench.families import add_family_files, select_families
from mlbench.models import Model, find_models
from mlbench.records import Family, Language, TaskSource
from mlbench.runner.events import CellDone, CellFailed, DocsAdded, Event, Planned
from mlbench.runner.invocation import begin, now
from mlbench.runner.plan import Plan, find_states, refuse_replacing, sign_cells, write_manifest
from mlbench.runner.settle import next_step
from mlbench.runner.shard import take_shard
from mlbench.settings import Settings
from mlbench.store.manifest import add_invocation, end_invocation, read_bytes, restore
from mlbench.store.texts import keep_texts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a command is about."""

    models: Sequence[Model]
    families: Sequence[Family]
    languages: Sequence[Language]
    pair: tuple[str, str] | None = None


def select(
    models: Sequence[str],
    families: str | Sequence[str],
    languages: str | Sequence[str],
    languages_file: Path | None,
    family_files: Sequence[Path] = (),
) -> Selection:
    """Return what the names mean; the families of files are taken besides.

    Raises SelectionError, LanguageFileError or ModelError for what they do not, DataError for a
    table that names an unknown language.
    """
    known = read_languages(languages_file)
    own = add_family_files(family_files)
    named = select_families(families) if families or not own else []
    found = {family.name: family for family in (*named, *own)}
    return Selection(
        find_models(models),
        [with_tags(family, read_all_languages(languages_file)) for family in found.values()],
        select_languages(languages, known, read_controls(known)),
    )


def with_pair(selection: Selection, pair: tuple[str, str]) -> Selection:
    """Return the selection with the models of a pair before its own."""
    a, b = find_models(pair)
    others = [m for m in selection.models if m.name not in (a.name, b.name)]
    return replace(selection, models=[a, b, *others], pair=(a.name, b.name))


def with_base(selection: Selection, name: str) -> Selection:
    """Return the selection with one of its models as the base of those that have none.

    Raises SelectionError for a base that is not among them.
    """
    (base,) = find_models([name])
    if base not in selection.models:
        raise SelectionError(
            f"--base {name!r} is not among the models of this command, so nothing could be "
            f"compared with it. Name it in --models too"
        )
    fact = {"base": base.name}
    models = [
        model if model == base else replace(model, facts={**fact, **model.facts})
        for model in selection.models
    ]
    return replace(selection, models=models)


@dataclass(frozen=True, slots=True)
class Work:
    """What is asked of a run: its cells as they are signed, not held against its folder yet.

    `asked` is it in the words of whoever asked, to be asked again (runner/invocation.py).
    """

    plan: Plan
    languages: Sequence[Language]
    settings: Settings
    asked: Mapping[str, Any] = field(default_factory=dict)


def prepare_work(
    run: str,
    models: Sequence[Model],
    prepared: Sequence[Prepared],
    settings: Settings,
    pair: tuple[str, str] | None = None,
) -> Work:
    """Sign the cells of models on docs, with the settings that this machine makes of them.

    `pair` is what the report begins with. Raises SelectionError if there is nothing to run,
    ModelError for a device that is not here, and for a model that cannot be asked so.
    """
    from mlbench.harness.device import resolve_dtype

    _refuse_what_only_ours_can(models, prepared, settings)
    _say_what_is_not_passed(models, settings)
    _say_who_is_taught_to_chat(models, settings)
    resolved = replace(settings, dtype=resolve_dtype(settings))
    plan = sign_cells(store.find_run(run, must_exist=False), models, prepared, resolved)
    plan = take_shard(replace(plan, pair=pair), settings)
    if not plan.cells:
        reasons = {reason for by_tag in plan.no_data.values() for reason in by_tag.values()}
        raise SelectionError(f"nothing to run: {'; '.join(sorted(reasons)[:3])}")
    if settings.until:
        plan = _with_judges(plan, settings)
    languages = {item.language.tag: item.language for item in prepared}
    return Work(plan, tuple(languages.values()), settings)


def _with_judges(plan: Plan, settings: Settings) -> Plan:
    """Return a plan with the pair that decides when to stop: the first two models, if not named.

    Raises SelectionError where there are not two, or where another command has some of the cells.
    """
    models = list(dict.fromkeys(planned.cell.model for planned in plan.cells))
    if settings.shard is not None:
        raise SelectionError(
            "--until settled needs all cells of a language, and --shard gives some of them to "
            "other commands. Leave out one of the two, or share the work by --languages"
        )
    if len(models) < 2:
        raise SelectionError(
            f"--until settled stops where two models are told apart, and {models[0]!r} is alone. "
            f"Name another in --models, or both with --pair A/B"
        )
    return plan if plan.pair else replace(plan, pair=(models[0], models[1]))


def do_work(work: Work, *, may_replace: bool = False) -> Generator[Planned | Event]:
    """Hold the run's lock and score what is pending; the plan is the first event.

    Finished cells that were asked for in another way are refused unless `may_replace`. Where
    nothing was scored (a model that does not load), the manifest is put back as it was. Raises
    SelectionError, StoreError (another command writes to the run), and what the executor raises.
    """
    with store.lock_run(work.plan.folder) as refuse_another:
        plan = find_states(work.plan)
        if not may_replace:
            refuse_replacing(plan)
        if work.settings.until and not plan.pending and (step := next_step(plan)):
            plan = step.plan
        yield Planned(plan)
        before = read_bytes(plan.folder)
        write_manifest(plan, work.languages)
        _record(work, plan)
        _mend_texts(plan)
        n_scored, is_whole = 0, False
        try:
            for event in _execute(plan, work.settings):
                refuse_another()
                n_scored += isinstance(event, CellDone | CellFailed)
                yield event
            is_whole = True
        finally:  # whatever broke or was stopped, a column that nothing was scored of is not kept
            if not n_scored and not is_whole and _is_untouched(plan):
                restore(plan.folder, before)
            elif plan.pending and plan.folder.is_dir():
                end_invocation(plan.folder, now())


def _record(work: Work, plan: Plan) -> None:
    """Put a command that has something to do on record in the run."""
    from mlbench.harness.device import resolve_device, resolve_dtype

    if plan.pending:
        settings = replace(work.settings, dtype=resolve_dtype(work.settings))
        add_invocation(plan.folder, begin(work.asked, settings, resolve_device(settings)))


def _is_untouched(plan: Plan) -> bool:
    """Return whether no cell was written since: a signal may come between a cell and its event."""
    states = [planned.state for planned in plan.cells]
    return plan.folder.is_dir() and states == [p.state for p in find_states(plan).cells]


def _mend_texts(plan: Plan) -> None:
    """Write again the texts of finished cells that the run has lost, or that are damaged."""
    done = {p.prepared.sha256: p.prepared for p in plan.cells if p.state == "done"}
    for prepared in done.values():
        keep_texts(plan.folder, prepared)


def _execute(plan: Plan, settings: Settings) -> Iterator[Event]:
    if not plan.pending:
        return
    # Imported late: a wrong name is told at once, torch and lm-eval take seconds.
    from mlbench.runner.executors import find_executor

    execute = find_executor(settings.executor)
    yield from execute(plan, settings)
    while settings.until and (step := next_step(plan)):
        yield DocsAdded(step.n_settled, step.n_open, tuple(step.added.pending))
        yield from execute(step.added, settings)
        plan = step.plan


def _refuse_what_only_ours_can(
    models: Sequence[Model], prepared: Sequence[Prepared], settings: Settings
) -> None:
    """Refuse --chat and --bos where contexts or tokens are built by others."""
    given = ["--chat"] if settings.chat else []
    given += [f"--bos {settings.bos}"] if settings.bos != "auto" else []
    other = next((model for model in models if model.backend != "hf"), None)
    task = next((p.family.name for p in prepared if isinstance(p.family.source, TaskSource)), None)
    if settings.chat and task is not None:
        raise SelectionError(
            f"--chat is for families of mlbench, and {task!r} is a task of lm-eval, asked as it "
            f"asks it. Leave out one of the two, or type: lm_eval run --apply_chat_template"
        )
    if given and other is not None:
        raise ModelError(
            f"{given[0]} is for models that mlbench loads itself, and {other.name!r} is of the "
            f"backend {other.backend!r}. Name its folder or hub id alone, or leave {given[0]} out"
        )


def _say_who_is_taught_to_chat(models: Sequence[Model], settings: Settings) -> None:
    taught = [model.name for model in models if model.facts.get("kind") == "instruct"]
    if taught and not settings.chat:
        logger.warning(
            "%s: taught to follow instructions, and scored here as base models are, on plain text. "
            "--chat puts each doc through the model's own chat template",
            ", ".join(taught),
        )


def _say_what_is_not_passed(models: Sequence[Model], settings: Settings) -> None:
    """Say which options a backend but hf is not given; it is loaded as its arguments say."""
    given = [f"--dtype {settings.dtype}"] if settings.dtype != "auto" else []
    given += ["--trust-remote-code"] if settings.trust_remote_code else []
    for model in models:
        if given and model.backend != "hf":
            logger.warning(
                "%s: not passed to the backend %r, which takes what its arguments say. "
                "Write it there: %s,dtype=... or trust_remote_code=True",
                " and ".join(given),
                model.backend,
                model.name,
            )
