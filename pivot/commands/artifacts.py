"""`checkout` and `commit`: outputs from the cache into the work tree, and the other way."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import GraphError, PivotError, StoreError, Where, raise_all
from ..graph import Selection, select, targets_of
from ..model import Stage, TrackedFile
from ..run.outputs import Outputs
from ..run.placing import place
from ..run.settle import Settler, hand_over
from ..run.survey import Survey
from ..run.tracked import TrackedData
from .session import Session
from .tracking import tracked_by


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """What a checkout did: artifacts put in place, already right, and not to be had."""

    restored: tuple[str, ...]
    unchanged: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]  # (artifact, stage)
    refused: tuple[str, ...]  # changed files whose bytes are stored nowhere
    unlocked: tuple[str, ...]  # stages without a lock, so without locked outs


def checkout(
    session: Session, targets: tuple[str, ...], *, force: bool = False, relink: bool = False
) -> CheckedOut:
    """Put the locked outs of the selected stages (all without targets) into the work tree.

    A file whose bytes are in no cache is left alone and reported, unless `force`. With `relink`
    right ones are placed anew too, as `cache.link` says.
    """
    space = session.space
    tracked, targets = _split_targets(session, targets)
    names = [] if tracked and not targets else _names(session, targets)
    if not targets and not tracked:
        tracked = list(space.pipeline.tracked)
    hand_over(space, [space.graph.stages[name] for name in names if space.locks.record(name)])
    wanted = {session.artifact(target) for target in targets} & set(space.graph.producer)
    unlocked = [name for name in names if space.locks.record(name) is None]
    restored: list[str] = []
    unchanged: list[str] = []
    missing: list[tuple[str, str]] = []
    refused: list[str] = []
    for name in names:
        stage = space.graph.stages[name]
        record = space.locks.record(name)
        for out in stage.outs if record else ():
            assert record is not None  # else there are no outs to look at
            digest = record.outs.get(out.path)
            if digest is None or (wanted and out.path not in wanted):
                continue
            now = space.observer.observe(out.path)
            if now == digest and not relink:
                unchanged.append(out.path)
            elif not space.cache.has(digest):
                missing.append((out.path, name))
            elif now is not None and now != digest and not space.cache.has(now) and not force:
                refused.append(out.path)
            else:
                place(space, out, digest)
                restored.append(out.path)
    data = TrackedData(space)
    for found in data.states(tracked):
        path = found.file.path
        if found.file.digest is None:
            continue
        if found.state == "fresh" and not relink:
            unchanged.append(path)
        elif found.state == "absent" or not space.cache.has(found.file.digest):
            missing.append((path, found.file.name))
        elif found.now is not None and not (space.cache.has(found.now) or force):
            refused.append(path)
        else:
            data.put_back(found.file)
            restored.append(path)
    return CheckedOut(
        tuple(restored), tuple(unchanged), tuple(missing), tuple(refused), tuple(unlocked)
    )


def _split_targets(
    session: Session, targets: tuple[str, ...]
) -> tuple[list[TrackedFile], tuple[str, ...]]:
    """The tracked data that targets name, and the targets that name something else."""
    tracked: list[TrackedFile] = []
    others: list[str] = []
    for target in targets:
        found = tracked_by(session, target)
        tracked += found
        if not found:
            others.append(target)
    return tracked, tuple(others)


def _names(session: Session, targets: tuple[str, ...]) -> list[str]:
    graph = session.space.graph
    if not targets:
        return list(graph.order)
    return select(graph, Selection(targets, session.cwd, single=True))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stage whose present outputs were accepted as its result."""

    stage: str
    changed: bool


def commit(session: Session, targets: tuple[str, ...]) -> list[Accepted]:
    """Accept what is in the work tree as the result of the stages: store, record, lock.

    Without targets all stages with all their outs present. Raises PivotError where a named
    stage lacks a dep or an out.
    """
    space = session.space
    survey = Survey(space)
    settler = Settler(space, survey, Outputs(space.project.root))
    graph = space.graph
    names = targets_of(graph, Selection(targets, session.cwd)) if targets else list(graph.order)
    stages = [graph.stages[name] for name in graph.sorted(names)]
    problems = {stage.name: _incomplete(session, survey, stage) for stage in stages}
    if targets:
        raise_all([problem for problem in problems.values() if problem is not None])
    stages = [stage for stage in stages if problems[stage.name] is None]
    hand_over(space, stages)
    done: list[Accepted] = []
    for stage in stages:
        name = stage.name
        evidence = survey.gather(stage, {})
        record = settler.record(stage, evidence.key, settler.store_outs(stage))
        before = space.locks.record(name)
        if before is not None and before.key.code == evidence.key.code:
            kept = survey.observed_now(stage, before)
            observed = {module: now for module, now in kept.items() if now is not None}
            record = settler.with_observed(record, observed)
        settler.write(stage, record)
        done.append(Accepted(name, before != record))
    return done


def _incomplete(session: Session, survey: Survey, stage: Stage) -> PivotError | None:
    where = Where(stage.file, stage.line)
    evidence = survey.gather(stage, {})
    if evidence.absent:
        return GraphError(
            f"stage '{stage.name}' needs '{evidence.absent[0]}', which is not there",
            hint="put it in place first",
            where=where,
        )
    for out in stage.outs:
        if not os.path.lexists(session.space.absolute(out.path)) and not out.resume:
            return StoreError(
                f"stage '{stage.name}' has no '{out.path}' to accept",
                hint=f"make it first, or run `pivot repro {stage.name}`",
                where=where,
                exit_code=2,
            )
    return None


@dataclass(frozen=True, slots=True)
class Unprotected:
    """Paths that were links into the cache and are independent copies now."""

    paths: tuple[str, ...]


def unprotect(session: Session, paths: tuple[str, ...]) -> Unprotected:
    """Replace links into the cache by independent, writable copies. Raises PivotError."""
    from ..store import unprotect as unlink

    for path in paths:
        artifact = session.artifact(path)
        if artifact.startswith(("/", "../")) or artifact == "..":
            raise PivotError(f"'{path}' lies outside the project")
        if not os.path.lexists(session.space.absolute(artifact)):
            raise PivotError(f"'{path}' does not exist", hint="`pivot checkout` brings outs back")
    for path in paths:
        unlink(session.space.absolute(session.artifact(path)))
    return Unprotected(paths)
