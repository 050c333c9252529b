"""`gc`: objects, run records and code tables that no version which is kept has use for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from ..digest import Digest
from ..disk import remove_quietly
from ..errors import PivotError, StoreError, raise_all
from ..manifest import object_path
from ..model import StageRecord
from ..run.journal import tmp_folder
from ..store import LocalCache
from ..store.runs import records_in
from ..values import dataclass, field
from .inventory import Inventory, Targets, inventory_at, inventory_of, items_of
from .session import Request, Session
from .stores import Stores
from .wanted import codes_of, versions_named

WORKSPACE = "workspace"
#: What a killed process left unfinished is nobody's after so many seconds.
_UNFINISHED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class GcRequest:
    """What to keep besides what the work tree's locks and records name, and where to clean.

    `older_than` (seconds): keep what was stored since. `remote`: clean that remote instead of the
    cache. `projects`: other projects that share the cache. With `remove` false nothing is done.
    """

    revisions: tuple[str, ...] = ()
    all_branches: bool = False
    all_tags: bool = False
    all_commits: bool = False
    older_than: float | None = None
    remote: str | None = None
    cloud: bool = False
    projects: tuple[str, ...] = ()
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """One thing that nothing needs: an object, a record, a table, or what was left unfinished.

    `paths` are the artifacts that runs made of it, as far as records tell.
    """

    kind: str  # object, run, code, unfinished, lock
    name: str
    size: int
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """What is garbage, what keeps the rest (label -> objects and bytes), and what was removed."""

    place: str
    garbage: tuple[Garbage, ...]
    kept: Mapping[str, tuple[int, int]]
    removed: bool
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all garbage."""
        return sum(item.size for item in self.garbage)


@dataclass(frozen=True, slots=True)
class _Needs:
    """What kept versions need: objects with who needs them, keys of runs, digests of code."""

    objects: dict[str, str] = field(default_factory=dict)  # place of an object -> label
    keys: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    hollow: dict[str, str] = field(default_factory=dict)  # manifests not in the cache -> artifact
    notes: list[str] = field(default_factory=list)


def collect(session: Session, request: GcRequest) -> Collected:
    """Find garbage, and with `remove` remove it: records before the objects that they name.

    The session holds the project's lock, so that no run goes on. Raises PivotErrors where part of
    the project cannot be read, since what it needs is unknown then; StoreError, RemoteError.
    """
    problems = session.space.pipeline.problems
    raise_all([problem.error for problem in problems])
    with ExitStack() as stack:
        others = [
            stack.enter_context(Session(Request(os.path.join(session.request.cwd, folder))))
            for folder in request.projects
        ]
        _check_shared(session, request)
        needs = _Needs()
        for one in [session, *(o for o in others if o.project.root != session.project.root)]:
            _add_needs(needs, one, request)
        if request.remote is not None or request.cloud:
            return _collect_remote(session, request, needs)
        return _collect_local(session, request, needs)


def _check_shared(session: Session, request: GcRequest) -> None:
    project = session.project
    inside = os.path.realpath(project.cache_dir).startswith(os.path.realpath(project.root) + "/")
    if not inside and not request.projects and request.remote is None and not request.cloud:
        raise PivotError(
            f"the cache '{project.cache_dir}' lies outside the project, and others may use it",
            hint="name all projects that do with `-p FOLDER` (`-p .` where this is the only one)",
        )


# --- what is needed ------------------------------------------------------------------------


def _add_needs(needs: _Needs, session: Session, request: GcRequest) -> None:
    locks = session.space.locks
    names = session.space.graph.stages
    records = [record for name in names if (record := locks.record(name))]
    _refuse(WORKSPACE, [said for name in names if (said := locks.problem(name))])
    _add_version(needs, session.space.cache, WORKSPACE, inventory_of(session), records)
    # what only others have checked out is theirs to need
    for version in versions_named(session, request, tracking=True):
        if version.pipeline.problems:
            raise PivotError(
                f"what {version.shown} needs is not known: {version.pipeline.problems[0].error}",
                hint="keep all by `--older-than`, or leave that revision out",
            )
        _refuse(version.shown, [f"{e.where}: {e.message}" for e in version.lock_problems()])
        needs.notes.extend(version.notes)
        needed = inventory_at(version)
        _add_version(needs, session.space.cache, version.label, needed, version.records())


def _refuse(label: str, problems: Sequence[str]) -> None:
    """Raise PivotError where a lock cannot be read: what it names may be needed."""
    if problems:
        first = problems[0].replace("counts as absent", "cannot be read")
        raise PivotError(
            f"what {label} needs is not known: {first}",
            hint="settle that first (a merge, mostly); nothing was removed",
        )


def _add_version(
    needs: _Needs,
    cache: LocalCache,
    label: str,
    inventory: Inventory,
    records: Iterable[StageRecord],
) -> None:
    for item in items_of(inventory, Targets()):
        if item.digest is not None:
            _add_object(needs, cache, label, item.digest, item.path)
    kept = list(records)
    for record in kept:
        needs.keys.add(record.key.id)
        for path, digest in record.outs.items():
            _add_object(needs, cache, label, digest, path)
    needs.codes.update(codes_of(kept))


def _add_object(needs: _Needs, cache: LocalCache, label: str, digest: Digest, path: str) -> None:
    place = object_path(digest)
    if place in needs.objects and not digest.is_tree:
        return
    needs.objects.setdefault(place, label)
    if not digest.is_tree:
        return
    try:
        manifest = cache.manifest(digest)
    except StoreError:
        needs.hollow[place] = path
        return
    for entry in manifest.entries:
        needs.objects.setdefault(object_path(entry.digest), label)


# --- the cache -----------------------------------------------------------------------------


def _collect_local(session: Session, request: GcRequest, needs: _Needs) -> Collected:
    project, cache = session.project, session.space.cache
    limit = None if request.older_than is None else time.time() - request.older_than
    records: list[tuple[Garbage, str]] = []
    made: dict[str, set[str]] = {}
    for path, record in records_in(session.space.run_cache.folder):
        late = limit is not None and os.stat(path).st_mtime >= limit
        if late or record.key.id in needs.keys:
            for artifact, digest in record.outs.items():
                _add_object(needs, cache, "recent" if late else WORKSPACE, digest, artifact)
            needs.codes.update(codes_of([record]))
            continue
        for artifact, digest in record.outs.items():
            made.setdefault(object_path(digest), set()).add(artifact)
        size = os.stat(path).st_size
        records.append((Garbage("run", record.stage, size, tuple(record.outs)), path))
    kept: dict[str, tuple[int, int]] = {}
    objects: list[tuple[Garbage, str]] = []
    for digest, size in cache.objects():
        place = object_path(digest)
        path = cache.path(digest)
        label = needs.objects.get(place)
        if label is None and limit is not None and os.stat(path).st_ctime >= limit:
            label = "recent"
        if label is not None:
            count, total = kept.get(label, (0, 0))
            kept[label] = (count + 1, total + size)
            continue
        names = tuple(sorted(made.get(place, ())))
        objects.append((Garbage("object", str(digest), size, names), path))
    # a manifest goes before the files that it names
    objects.sort(key=lambda item: not item[1].endswith(".dir"))
    tables = [
        (Garbage("code", name, size), path)
        for name, path, size in session.space.tables.unused(needs.codes)
        if limit is None or os.stat(path).st_mtime < limit
    ]
    found = [*records, *tables, *objects, *_unfinished(project.root, cache), *_lost_locks(session)]
    if request.remove:
        remove_quietly([path for _, path in found])
    doubts = _doubts(session, request, needs) if objects else ()
    notes = (*needs.notes, *doubts)
    return Collected(cache.folder, tuple(item for item, _ in found), kept, request.remove, notes)


def _doubts(session: Session, request: GcRequest, needs: _Needs) -> tuple[str, ...]:
    """Why objects that seem to be nobody's may be some artifact's, and how that becomes known."""
    can_ask = bool(session.project.settings.remotes) and not request.remove
    told: dict[str, str] = {}
    for place, artifact in sorted(needs.hollow.items(), key=lambda item: item[1]):
        is_asked = can_ask and needs.objects[place] == WORKSPACE
        told[artifact] = (
            f"which files '{artifact}' has is not known here: some of these objects may be of it"
        ) + (f"; `pivot fetch {artifact}` makes it known" if is_asked else "")
    return tuple(told.values())


def _unfinished(root: str, cache: LocalCache) -> Iterator[tuple[Garbage, str]]:
    """What killed processes left behind: objects half written, outputs half made."""
    before = time.time() - _UNFINISHED_SECONDS
    for folder in (
        os.path.join(cache.folder, "tmp"),
        f"{cache.folder}/quarantine",
        f"{tmp_folder(root)}/partial",
    ):
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                try:
                    status = os.lstat(path)
                except OSError:
                    continue
                if status.st_mtime < before:
                    shown = os.path.relpath(path, root)
                    yield Garbage("unfinished", shown, status.st_size), path


def _lost_locks(session: Session) -> Iterator[tuple[Garbage, str]]:
    """Locks of stages that are no longer there."""
    for inner in session.space.locks.orphans():
        path = session.space.absolute(inner)
        yield Garbage("lock", inner, os.stat(path).st_size), path


# --- a remote ------------------------------------------------------------------------------


def _collect_remote(session: Session, request: GcRequest, needs: _Needs) -> Collected:
    if request.older_than is not None:
        raise PivotError("--older-than is for the cache: remotes do not tell since when")
    project, cache = session.project, session.space.cache
    with Stores(project) as stores:
        store = stores.of(request.remote)
        if needs.hollow:
            trees = [_digest_at(place) for place in needs.hollow]
            stores.transfer(cache, store).fetch(trees, within=lambda _, __: False)
            needs = _Needs()
            _add_needs(needs, session, request)
            if needs.hollow:
                artifact = next(iter(needs.hollow.values()))
                raise StoreError(
                    f"which files belong to '{artifact}' is neither known here nor on remote "
                    f"'{store.name}'",
                    hint="`pivot push` from where it was made, or take it out of the pipeline",
                )
        kept: dict[str, tuple[int, int]] = {}
        found: list[tuple[Garbage, str]] = []
        for key, size in store.list(""):
            if not key.startswith("files/"):
                continue
            label = needs.objects.get(key)
            if label is None:
                found.append((Garbage("object", key, size), key))
            else:
                count, total = kept.get(label, (0, 0))
                kept[label] = (count + 1, total + size)
        crew = stores.crew(store)
        gone = {key for _, key in found}
        records = [
            (Garbage("run", record.stage, 0, tuple(record.outs)), key)
            for key, record in stores.evidence(store, None).records_there()
            if record.key.id not in needs.keys
            and any(object_path(digest) in gone for digest in record.outs.values())
        ]
        found = [*records, *sorted(found, key=lambda item: not item[1].endswith(".dir"))]
        if request.remove:
            keys = [key for _, key in found]
            head = [key for key in keys if not key.startswith("files/") or key.endswith(".dir")]
            for part in (head, [key for key in keys if key not in set(head)]):
                for start in range(0, len(part), 500):
                    crew.try_again(partial(store.delete, part[start : start + 500]))
            stores.memory(store).forget(_digest_at(key) for key in keys if key.endswith(".dir"))
        garbage = tuple(item for item, _ in found)
        return Collected(store.url, garbage, kept, request.remove, tuple(needs.notes))


def _digest_at(key: str) -> Digest:
    """The digest of an object by its place, `files/<algorithm>/<2 hex>/<rest>`."""
    _, algorithm, shard, rest = key.split("/")
    value, _, ending = f"{shard}{rest}".partition(".")
    return Digest(algorithm, value, "tree" if ending else "file")


# --- told ----------------------------------------------------------------------------------


def collected_data(found: Collected) -> dict[str, Any]:
    """The result in the form of `gc --json`."""
    return {
        "place": found.place,
        "removed": found.removed,
        "bytes": found.size,
        "garbage": [
            {"kind": item.kind, "name": item.name, "bytes": item.size, "paths": list(item.paths)}
            for item in found.garbage
        ],
        "kept": {
            label: {"objects": count, "bytes": size} for label, (count, size) in found.kept.items()
        },
        "notes": list(found.notes),
    }


def by_kind(garbage: Sequence[Garbage]) -> dict[str, list[Garbage]]:
    """Garbage by what it is, in the order in which it goes."""
    found: dict[str, list[Garbage]] = {}
    for item in garbage:
        found.setdefault(item.kind, []).append(item)
    return found
