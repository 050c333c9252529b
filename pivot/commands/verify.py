"""`verify`: the gate of a CI: does everything committed stand, and can all of it be had?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

from ..digest import OBJECT_ALGORITHMS, Digest
from ..errors import StoreError
from ..graph import Selection
from ..lockfile import LEGACY
from ..manifest import object_path
from ..model import Decision, Stage
from ..project import Observer, Project, State
from ..run.survey import Survey
from ..run.tracked import is_imported
from ..run.verdicts import Verdicts
from ..run.workspace import Workspace
from ..values import dataclass
from .selecting import named
from .session import Session
from .status import reason_data

Kind = Literal["missing", "changed", "corrupt"]
#: What a remote may have in place of the cache.
_NOT_HERE: tuple[Kind, ...] = ("missing", "corrupt")
Place = Literal["work", "cache", "remote", "local"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one artifact, and where: in the work tree, the cache, `local` (neither
    has it) or on a remote. `stage` is who makes or reads it (None of tracked data)."""

    path: str
    problem: Kind
    where: Place
    stage: str | None = None
    digest: Digest | None = None
    now: Digest | None = None
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """One stage: how it stands by locks, code and params, and what is wrong with its artifacts."""

    name: str
    decision: Decision
    problems: tuple[Problem, ...]

    @property
    def is_ok(self) -> bool:
        return self.decision.state == "fresh" and not self.problems


@dataclass(frozen=True, slots=True)
class Verification:
    """Stages in dependency order, problems of tracked data, and what was taken on trust."""

    stages: tuple[Verified, ...]
    artifacts: tuple[Problem, ...]
    checked: int
    notes: tuple[str, ...] = ()
    is_whole: bool = (
        True  # false: of pipeline files or records that cannot be read, nothing is said
    )

    @property
    def is_ok(self) -> bool:
        sound = all(stage.is_ok for stage in self.stages) and not self.artifacts
        return sound and self.is_whole


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to verify, and how.

    With `allow_missing` artifacts need not be here where a remote has them; with `remote` all
    that would be pushed has to be there as well. `deep` reads every byte that is here again.
    """

    targets: tuple[str, ...] = ()
    allow_missing: bool = False
    deep: bool = False
    remote: bool = False


@dataclass(frozen=True, slots=True)
class _Artifact:
    """What has to be had: a locked out, or tracked data."""

    path: str
    digest: Digest
    cache: bool
    push: bool
    remote: str | None
    stage: str | None
    imported: bool = False


def verify(session: Session, request: VerifyRequest) -> Verification:
    """Judge the stages that targets name (all without), and look for all that they made and read.

    Needs no data: what is absent counts as its lock says, and is then looked for. Raises
    GraphError for targets that are nothing, RemoteError where a remote cannot be asked.
    """
    space = _reading_anew(session) if request.deep else session.space
    legacy = _legacy(session.project, space, deep=request.deep)
    graph, tree = space.graph, space.project.tree
    chosen = named(session, Selection(request.targets, session.cwd, single=bool(request.targets)))
    # a stage that always runs would never pass: it stands where what was locked does
    survey = Survey(space, allow_missing=True, rested=True)
    judged = survey.plan(graph.sorted(graph.upstream(chosen.stages)), restores=False)
    made = [item for name in chosen.stages for item in _outs(space, graph.stages[name])]
    kept = [
        _Artifact(f.path, f.digest, f.cache, f.push, f.remote, None, is_imported(tree, f))
        for f in chosen.tracked
        if f.digest is not None
    ]
    problems: list[Problem] = []
    away: list[_Artifact] = []
    unpushed: list[_Artifact] = []  # not here, and never meant to be elsewhere
    unstored: list[_Artifact] = []  # here, and corrupt in the cache
    for item in {artifact.path: artifact for artifact in [*made, *kept]}.values():
        told_before = len(space.cache.reports)
        found = list(_looked_at(space, item, legacy, deep=request.deep))
        if not found and len(space.cache.reports) > told_before:
            unstored.append(item)
        if _may_be_remote(request, item) and any(p.problem in _NOT_HERE for p in found):
            away.append(item)
            found = [problem for problem in found if problem.problem not in _NOT_HERE]
        elif _may_be_nowhere(request, item) and any(p.problem == "missing" for p in found):
            unpushed.append(item)
            continue
        problems += found
    hollow = [f.path for f in chosen.tracked if f.digest is None and is_imported(tree, f)]
    notes = [*_lock_notes(space, chosen.stages), *_notes(space, unstored, unpushed)]
    if request.allow_missing:
        notes += [
            f"{path} was imported without its data; `pivot pull` brings it" for path in hollow
        ]
    else:
        problems += [Problem(path, "missing", "local") for path in hollow]
    wanted = [i for i in [*made, *kept] if i.cache and i.push] if request.remote else away
    if wanted:
        problems += _on_remotes(session, wanted, notes, needed=request.remote)
    if not request.allow_missing:
        problems += _inputs(space, [graph.stages[name] for name in chosen.stages])
    stages = tuple(
        Verified(name, judged[name], tuple(p for p in problems if p.stage == name))
        for name in chosen.stages
    )
    rest = tuple(problem for problem in problems if problem.stage is None)
    checked = len(made) + len(kept) + len(hollow)
    return Verification(stages, rest, checked, tuple(notes), is_whole=not session.lacks)


def _lock_notes(space: Workspace, names: Iterable[str]) -> list[str]:
    """What is told of locks that cannot be read, each once."""
    # one dvc.lock is that of many stages; of a lock of its own, the stage's reason tells
    told = [space.locks.problem(name) for name in names if space.locks.blocker(name)]
    return [problem for problem in dict.fromkeys(told) if problem]


def _notes(
    space: Workspace, unstored: Sequence[_Artifact], unpushed: Sequence[_Artifact]
) -> Iterator[str]:
    """What is told of artifacts that are no problem: lost in the cache alone, or never pushed."""
    if space.here:
        yield from map(_storing, unstored)
    if unpushed:
        yield (
            f"what is never pushed and is not here ({len(unpushed)} of the artifacts) is taken on "
            "the word of its lock: `push: false`"
        )


def _outs(space: Workspace, stage: Stage) -> Iterator[_Artifact]:
    """The outs that the lock of a stage names; without a lock the decision says enough."""
    record = space.locks.record(stage.name)
    for out in stage.outs:
        digest = record.outs.get(out.path) if record is not None else None
        if digest is not None:
            yield _Artifact(out.path, digest, out.cache, out.push, out.remote, stage.name)


def _may_be_nowhere(request: VerifyRequest, item: _Artifact) -> bool:
    return request.allow_missing and item.cache and not item.push


def _may_be_remote(request: VerifyRequest, item: _Artifact) -> bool:
    return request.allow_missing and item.cache and item.push


def _looked_at(
    space: Workspace, item: _Artifact, legacy: Callable[[], Observer], *, deep: bool
) -> Iterator[Problem]:
    """What is wrong with an artifact here. Bytes in either place will do.

    So a corrupt object is no problem where the work tree has the right bytes: it is set aside, and
    whoever asks again finds bytes in that place alone.
    """
    sound = Problem(item.path, "missing", "local", item.stage, item.digest)
    seen = _work(space, item, legacy)
    told = len(space.cache.reports)
    known = item.digest.algorithm in (*OBJECT_ALGORITHMS, LEGACY)
    stored = known and not space.cache.missing(item.digest)
    if deep and stored:
        stored = _is_sound(space, item.digest)
    is_corrupt = len(space.cache.reports) > told  # it was set aside, and that told
    if seen == item.digest:
        return
    if is_corrupt:
        yield replace(sound, problem="corrupt", where="cache")
    if seen is not None:
        yield replace(sound, problem="changed", where="work", now=seen)
    elif not stored and not is_corrupt:
        yield sound if item.cache else replace(sound, where="work")


def _storing(item: _Artifact) -> str:
    """What stores again an artifact that only the work tree has."""
    call = f"commit {item.stage}" if item.stage else f"track {item.path}"
    if item.imported:
        call = f"fetch {item.path}"
    return f"{item.path} is right in the work tree alone: `pivot {call}` stores it again"


def _work(space: Workspace, item: _Artifact, legacy: Callable[[], Observer]) -> Digest | None:
    """What lies in the work tree; of a commit, what git itself holds.

    What DVC recorded before version 3 is digested as it did that, and otherwise as of today.
    """
    if item.digest.algorithm == LEGACY and legacy().observe(item.path) == item.digest:
        return item.digest
    return (space.observer if space.here else space.project.observer).observe(item.path)


def _is_sound(space: Workspace, digest: Digest) -> bool:
    """Whether an object, and each file of a directory, is what its name says, by reading it."""
    if not space.cache.verify(digest):
        return False
    try:
        entries = space.cache.manifest(digest).entries if digest.is_tree else ()
    except StoreError:
        return False
    found = {entry.digest: None for entry in entries}
    return sum(not space.cache.verify(entry) for entry in found) == 0


def _inputs(space: Workspace, stages: Iterable[Stage]) -> Iterator[Problem]:
    """Inputs that nobody makes and no record tracks, and that are not there."""
    records = {file.path for file in space.pipeline.tracked}
    for stage in stages:
        for dep in stage.deps:
            if space.graph.maker_of(dep.path) is not None or "://" in dep.path:
                continue
            if space.observer.observe(dep.path) is None and not _within(dep.path, records):
                yield Problem(dep.path, "missing", "work", stage.name)


def _within(path: str, records: set[str]) -> bool:
    return any(path == record or path.startswith(f"{record}/") for record in records)


def _reading_anew(session: Session) -> Workspace:
    """The workspace with nothing remembered of files: each is read, whatever its stat says."""
    space = session.space
    verdicts = Verdicts(session.project.observer, State(None).blobs(""), None, session.started)
    if not space.here:
        return replace(space, verdicts=verdicts)
    observer = _observer_anew(session.project, session.project.algorithm)
    observer.progress = space.observer.progress
    return replace(space, verdicts=verdicts, observer=observer)


def _legacy(project: Project, space: Workspace, *, deep: bool) -> Callable[[], Observer]:
    """What digests artifacts as DVC did before version 3, made when it is first asked for."""
    if deep and space.here:
        return cache(lambda: _observer_anew(project, LEGACY))
    return lambda: project.legacy_observer


def _observer_anew(project: Project, algorithm: str) -> Observer:
    skip = project.ignored.ignores if project.ignored else None
    return Observer(project.root, State(None), algorithm, cache=project.cache_dir, skip=skip)


# --- remotes -------------------------------------------------------------------------------


def _on_remotes(
    session: Session, items: Iterable[_Artifact], notes: list[str], *, needed: bool
) -> list[Problem]:
    """What of the artifacts is not on the remote that should have it.

    Without a remote there is nothing to ask, which raises ConfigError where it is `needed`.
    """
    wanted = list({item.path: item for item in items}.values())
    imported = [item for item in wanted if item.imported]
    if imported and not needed:
        notes.append(
            f"what was imported and is not here ({len(imported)} of the artifacts) is taken on the "
            "word of its record: other repositories have it"
        )
    wanted = [item for item in wanted if not item.imported]
    if not wanted:
        return []
    settings = session.project.settings
    if not settings.remotes and not settings.unplaced and not needed:
        notes.append(
            f"no remote is configured: what is not here ({len(wanted)} of the artifacts) is taken "
            "on the word of its lock"
        )
        return []
    from .stores import Stores, objects_of

    problems: list[Problem] = []
    with Stores(session.project) as stores:
        groups: dict[str | None, list[_Artifact]] = {}
        for item in wanted:
            groups.setdefault(item.remote, []).append(item)
        for name, group in groups.items():
            store = stores.of(name)
            crew = stores.crew(store)
            parts = {
                item.path: objects_of(session.space.cache, item.digest, store) for item in group
            }
            keys = {object_path(digest) for digests in parts.values() for digest in digests}
            there = crew.existing(store, keys)
            if keys and not there:
                store.check()  # nothing at all: is the place itself there?
            for item in group:
                if not all(object_path(digest) in there for digest in parts[item.path]):
                    problems.append(
                        Problem(
                            item.path,
                            "missing",
                            "remote",
                            item.stage,
                            item.digest,
                            remote=store.name,
                        )
                    )
    return problems


# --- telling -------------------------------------------------------------------------------


def verify_data(result: Verification) -> dict[str, Any]:
    """The result in the form of `verify --json` (schemas/verify.schema.json)."""
    return {
        "ok": result.is_ok,
        "stages": [
            {
                "name": stage.name,
                "ok": stage.is_ok,
                "state": stage.decision.state,
                "reasons": [reason_data(reason) for reason in stage.decision.reasons],
                "problems": [_problem_data(problem) for problem in stage.problems],
            }
            for stage in result.stages
        ],
        "artifacts": [_problem_data(problem) for problem in result.artifacts],
    }


def _problem_data(problem: Problem) -> dict[str, Any]:
    return {
        "path": problem.path,
        "stage": problem.stage,
        "problem": problem.problem,
        "where": problem.where,
        "remote": problem.remote,
        "digest": str(problem.digest) if problem.digest else None,
        "old": problem.digest.short if problem.digest else None,
        "new": problem.now.short if problem.now else None,
    }
