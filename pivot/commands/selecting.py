"""Which stages and records the targets of a command mean, and whether what is broken matters.

A pipeline file or a record that cannot be read stops the commands that need it, and no others:
those that name it, writers whose targets take it in, and stages that read the data of a record.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import raise_all
from ..graph import Selection, select, targets_of
from ..model import Problem, Stage, TrackedFile
from ..run.tracked import needed_by
from ..tree import is_within, join, parent
from ..values import dataclass
from .session import Session

if TYPE_CHECKING:
    from .inventory import Item

_RECORDS = (".dvc", ".pvt")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What targets mean: stages in dependency order, and data tracked by records."""

    stages: list[str]
    tracked: list[TrackedFile]


def choose(session: Session, selection: Selection, *, alone: bool = False) -> Chosen:
    """What a writer's targets mean, what they depend on included; with `alone` only themselves.

    Raises PivotErrors for what is broken of it, GraphError for targets that are nothing.
    """
    graph = session.space.graph
    records, rest = split(session, selection)
    if not selection.targets:
        _refuse(session, _in_scope(session, selection))
    if rest is None:
        names: list[str] = []
    else:
        names = targets_of(graph, rest) if alone else select(graph, rest)
    if records and not alone and (selection.pipeline or selection.reach == "downstream"):
        readers = [name for name in graph.order if _reads(session, name, records)]
        reached = graph.component(readers) if selection.pipeline else graph.downstream(readers)
        names = graph.sorted({*names, *reached})
    _refuse(session, _records_read(session, [graph.stages[name] for name in names]))
    return Chosen(names, records)


def named(session: Session, selection: Selection) -> Chosen:
    """What a reader's targets name; all there is without targets, which may lack what is broken.

    Raises PivotErrors for broken files that are named, GraphError for targets that are nothing.
    """
    graph = session.space.graph
    if not selection.targets:
        session.lacks = session.space.pipeline.problems
        return Chosen(list(graph.order), list(session.space.pipeline.tracked))
    records, rest = split(session, selection)
    return Chosen(graph.sorted(targets_of(graph, rest)) if rest else [], records)


def refuse_broken(session: Session, selection: Selection) -> None:
    """Raise PivotErrors for what is broken of what targets name; without targets, of anything."""
    if selection.targets:
        _refuse(session, _named_problems(session, selection))
    else:
        _refuse(session, list(session.space.pipeline.problems))


def refuse_unreadable(session: Session, items: Iterable[Item]) -> None:
    """Raise PivotErrors where a dvc.lock that says what `items` are cannot be read.

    A lock that one stage has alone takes nothing from the others: those are seen to, and the
    command ends with its error (`Session.lacks`).
    """
    locks = session.space.locks
    owners = dict.fromkeys(item.owner for item in items if item.tracked is None)
    owners = {name: None for name in owners if name in session.space.graph.stages}
    blockers = [error for name in owners if (error := locks.blocker(name)) is not None]
    raise_all(list({str(error): error for error in blockers}.values()))
    for name in owners:
        fault = locks.fault(name)
        if fault is not None and fault.where is not None:
            place = (fault.where.file, fault.where.line, fault.where.column)
            problem = Problem(fault.where.file, name, fault.message, fault.hint, place)
            session.lacks = (*session.lacks, problem)


def split(session: Session, selection: Selection) -> tuple[list[TrackedFile], Selection | None]:
    """The records that targets name, and the selection of the stages (None where it names none).

    Raises PivotErrors where a target names what is broken.
    """
    if not selection.targets:
        return [], selection
    _refuse(session, _named_problems(session, selection))
    tracked = session.space.pipeline.tracked
    records: dict[str, TrackedFile] = {}
    others: list[str] = []
    for target in selection.targets:
        path = join(selection.cwd, target)
        found = [file for file in tracked if path in (file.name, file.path)]
        found = found or [file for file in tracked if is_within(path, file.path)]
        if not found and selection.recursive:
            found = [file for file in tracked if is_within(file.name, path)]
            if not found or _holds_stages(session, path):
                others.append(target)
        elif not found:
            others.append(target)
        records.update({file.path: file for file in found})
    return list(records.values()), replace(selection, targets=tuple(others)) if others else None


def _holds_stages(session: Session, folder: str) -> bool:
    stages = session.space.graph.stages.values()
    return any(is_within(stage.file, folder) for stage in stages)


def _reads(session: Session, name: str, records: Iterable[TrackedFile]) -> bool:
    wanted = {file.path for file in records}
    stage = session.space.graph.stages[name]
    return any(file.path in wanted for file in needed_by(session.space, [stage]))


# --- what is broken ------------------------------------------------------------------------


def _refuse(session: Session, problems: list[Problem]) -> None:
    session.told.update(problems)  # the error says it
    raise_all([problem.error for problem in problems])


def _in_scope(session: Session, selection: Selection) -> list[Problem]:
    """The problems that a command without targets meets: those of its folder, else all."""
    problems = session.space.pipeline.problems
    pipelines = [problem for problem in problems if not problem.source.endswith(_RECORDS)]
    here = [problem for problem in pipelines if parent(problem.source) == selection.cwd]
    if here or selection.pipeline:
        return list(problems) if selection.pipeline else here
    stages = session.space.graph.stages.values()
    is_partial = any(parent(stage.file) == selection.cwd for stage in stages)
    return [] if is_partial and not selection.everything else list(problems)


def _named_problems(session: Session, selection: Selection) -> list[Problem]:
    found = []
    for problem in session.space.pipeline.problems:
        if any(_names(session, problem, target, selection) for target in selection.targets):
            found.append(problem)
    return found


def _names(session: Session, problem: Problem, target: str, selection: Selection) -> bool:
    path = join(selection.cwd, target)
    if problem.source.endswith(_RECORDS):
        data = problem.source[: -len(_RECORDS[0])]
        if path in (problem.source, data) or is_within(path, data):
            return True
    elif path == problem.source:
        return True
    if selection.recursive and is_within(problem.source, path):
        return True
    file, colon, short = target.rpartition(":")
    source = join(selection.cwd, file) if colon else problem.source
    here = colon or parent(problem.source) in (selection.cwd, ".")
    if problem.source.endswith(_RECORDS) or source != problem.source or not here:
        return False
    if problem.stage is None:
        # what the file would have defined is not known
        return bool(colon) and not _is_stage(session, problem.source, short)
    group = short.partition("@")[0]
    return problem.stage == group or fnmatch.fnmatchcase(problem.stage, short)


def _is_stage(session: Session, source: str, short: str) -> bool:
    stages = session.space.graph.stages.values()
    return any(stage.file == source and stage.short_name == short for stage in stages)


def _records_read(session: Session, stages: list[Stage]) -> list[Problem]:
    """The broken records whose data the stages read."""
    data = {
        problem.source[: -len(_RECORDS[0])]: problem
        for problem in session.space.pipeline.problems
        if problem.source.endswith(_RECORDS)
    }
    if not data:
        return []
    inputs = {dep.path for stage in stages for dep in stage.deps}
    inputs |= {file.path for stage in stages for file in stage.params_files}
    return [
        problem
        for path, problem in data.items()
        if any(is_within(path, item) or is_within(item, path) for item in inputs)
    ]
