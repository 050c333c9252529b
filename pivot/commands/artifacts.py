"""`checkout` and `commit`: outputs from the cache into the work tree, and the other way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..digest import Digest
from ..errors import GraphError, PivotError, StoreError, Where, raise_all
from ..graph import Selection
from ..model import Stage, TrackedFile
from ..run.outputs import Outputs
from ..run.placing import is_stored, place
from ..run.settle import Settler, hand_over
from ..run.survey import Survey
from ..run.tracked import TrackedData
from .inventory import Item, Targets, inventory_of, items_of, no_part
from .selecting import named, refuse_broken, refuse_unreadable
from .session import Session


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """What a checkout did: artifacts put in place, already right, and not to be had."""

    restored: tuple[str, ...]
    unchanged: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]  # (artifact, stage)
    refused: tuple[str, ...]  # changed files whose bytes are stored nowhere
    unlocked: tuple[str, ...] = ()  # stages without a lock, so without locked outs


def checkout(
    session: Session, targets: tuple[str, ...], *, force: bool = False, relink: bool = False
) -> CheckedOut:
    """Put the locked outs of the selected stages (all without targets) into the work tree.

    A file whose bytes are in no cache is left alone and reported, unless `force`. With `relink`
    right ones are placed anew too, as `cache.link` says.
    """
    refuse_broken(session, Selection(targets, session.cwd))
    chosen = items_of(inventory_of(session), Targets(targets, session.cwd))
    refuse_unreadable(session, chosen)
    stages = dict.fromkeys(item.owner for item in chosen if item.tracked is None)
    unlocked = [name for name in stages if session.space.locks.record(name) is None]
    done = place_chosen(session, chosen, force=force, relink=relink)
    return replace(done, unlocked=tuple(unlocked))


def in_place(session: Session, targets: tuple[str, ...]) -> CheckedOut | None:
    """What `checkout` would do where that is nothing at all, so that nothing is written; else None.

    Parts of directories are not looked at.
    """
    refuse_broken(session, Selection(targets, session.cwd))
    chosen = items_of(inventory_of(session), Targets(targets, session.cwd))
    refuse_unreadable(session, chosen)
    if any(item.part or item.digest is None for item in chosen):
        return None
    if not all(_look(session, item)[1] for item in chosen):
        return None
    return CheckedOut((), tuple(item.path for item in chosen), (), ())


def place_chosen(
    session: Session, chosen: Sequence[Item], *, force: bool = False, relink: bool = False
) -> CheckedOut:
    """Put artifacts into the work tree as their locks and records have them; see `checkout`."""
    space = session.space
    locked = [item for item in chosen if item.digest is not None]
    stages = dict.fromkeys(item.owner for item in locked if item.tracked is None)
    hand_over(space, [space.graph.stages[name] for name in stages])
    found: dict[Outcome, list[Item]] = {}
    for item in locked:
        outcome = place_item(session, item, force=force, relink=relink)
        found.setdefault(outcome, []).append(item)

    def paths(outcome: Outcome) -> tuple[str, ...]:
        return tuple(
            f"{item.path}/{item.part}" if item.part else item.path
            for item in found.get(outcome, ())
        )

    missing = tuple((item.path, item.owner) for item in found.get("missing", ()))
    return CheckedOut(paths("restored"), paths("unchanged"), missing, paths("refused"))


Outcome = Literal["restored", "unchanged", "missing", "refused"]


def place_item(
    session: Session, item: Item, *, force: bool = False, relink: bool = False
) -> Outcome:
    """Put one artifact, or part of it, into the work tree; see `checkout`. Its digest is known."""
    if item.part:
        return _place_part(session, item, force=force)
    space = session.space
    digest = item.digest
    assert digest is not None  # the caller has left those out
    now, is_right = _look(session, item)
    if is_right and not relink:
        return "unchanged"
    if not space.cache.has(digest):
        return "missing"
    if now is not None and not (is_right or force or is_stored(space, item.path, now)):
        return "refused"
    place(space, item.out, digest)
    return "restored"


def _look(session: Session, item: Item) -> tuple[Digest | None, bool]:
    """What an artifact in the work tree is now, and whether it is as it should be."""
    if item.tracked is not None:
        state = TrackedData(session.space).state(item.tracked)
        return state.now, state.state == "fresh"
    now = session.space.observer.observe(item.path)
    return now, now == item.digest


def _place_part(session: Session, item: Item, *, force: bool) -> Outcome:
    """Put some files of a directory in place, and leave the others alone."""
    space = session.space
    cache = space.cache
    assert item.digest is not None  # as above
    if not item.digest.is_tree:
        raise no_part(item.path, item.part or "")
    if not cache.holds(item.digest):
        return "missing"
    entries = [e for e in cache.manifest(item.digest).entries if item.covers(e.path)]
    if not entries:
        known = [e.path for e in cache.manifest(item.digest).entries]
        raise no_part(item.path, item.part or "", known)
    outcome: Outcome = "unchanged"
    for entry in entries:
        path = f"{item.path}/{entry.path}"
        now = space.observer.observe(path)
        if now == entry.digest:
            continue
        if not cache.holds(entry.digest):
            return "missing"
        if now is not None and not (force or cache.has(now)):
            return "refused"
        place(space, replace(item.out, path=path), entry.digest)
        outcome = "restored"
    return outcome


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stage or a record, whose present data was accepted as its result."""

    stage: str
    changed: bool


def commit(session: Session, targets: tuple[str, ...]) -> list[Accepted]:
    """Accept what is in the work tree as the result of the stages: store, record, lock.

    Records of tracked data are renewed. Without targets all stages with all their outs present,
    and all data that is there. Raises PivotError where a named stage lacks a dep or an out.
    """
    space = session.space
    survey = Survey(space)
    settler = Settler(space, survey, Outputs(space.project.root))
    graph = space.graph
    selection = Selection(targets, session.cwd)
    refuse_broken(session, selection)
    chosen = named(session, selection)
    stages = [graph.stages[name] for name in chosen.stages]
    problems = {stage.name: _incomplete(session, survey, stage) for stage in stages}
    if targets:
        raise_all([problem for problem in problems.values() if problem is not None])
    stages = [stage for stage in stages if problems[stage.name] is None]
    hand_over(space, stages)
    done = _accept_data(session, chosen.tracked, strict=bool(targets))
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


def _accept_data(session: Session, files: list[TrackedFile], *, strict: bool) -> list[Accepted]:
    """Record data as it is now. Raises PivotError where it is not there, if `strict`."""
    data = TrackedData(session.space)
    done = []
    for found in data.states(files):
        if found.now is None:
            if strict:
                raise PivotError(
                    f"'{found.file.path}' is not there to be recorded",
                    hint=f"`pivot checkout {found.file.name}` brings it back",
                )
            continue
        if found.state != "fresh":
            data.record(found.file)
        done.append(Accepted(found.file.name, found.state != "fresh"))
    return done


def _incomplete(session: Session, survey: Survey, stage: Stage) -> PivotError | None:
    where = Where(stage.written_in, stage.line)
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
