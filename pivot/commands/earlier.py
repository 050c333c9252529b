"""`checkout --rev`: outputs of a revision, into their places or to another one. Never code."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..digest import Digest
from ..disk import explain, write_atomic
from ..errors import PivotError, StoreError, did_you_mean
from ..manifest import make_manifest
from ..project import RevTree
from ..store import LocalCache
from ..tree import is_within, join, relative
from ..values import dataclass
from .artifacts import place_item
from .inventory import Item, Targets, inventory_at, items_of, no_part
from .session import Session
from .versions import Version, Versions

_OWN = frozenset((".git", ".pivot", ".dvc"))


@dataclass(frozen=True, slots=True)
class Revisited:
    """What was put in place, was so already, is not to be had, or was left alone.

    `refused` are changed files whose bytes are stored nowhere; `guarded` places that belong to
    git or to the tool itself now.
    """

    restored: tuple[str, ...]
    unchanged: tuple[str, ...]
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    guarded: tuple[str, ...]
    notes: tuple[str, ...] = ()


def checkout_revision(
    session: Session,
    revision: str,
    targets: Sequence[str] = (),
    *,
    force: bool = False,
    fetch: bool = False,
) -> Revisited:
    """Put the outputs and tracked data of a revision into the work tree, as its locks have them.

    What git tracks here stays as it is, unless it is an out that git keeps (`cache: false`). A
    file whose bytes are stored nowhere is left alone, unless `force`. Locks, records and code are
    not touched. What of the revision cannot be read is in `session.lacks`. Raises PivotError for
    unknown revisions and targets.
    """
    versions = Versions(session.project, session.cwd)
    version = versions.at(revision)
    inventory = inventory_at(version)
    named = items_of(inventory, Targets(tuple(targets), session.cwd))
    unread = version.unread_locks({item.owner for item in named})
    broken = map(version.told, version.pipeline.problems)
    session.lacks = (*session.lacks, *broken, *unread)
    items = [item for item in named if item.digest]
    guarded = _guarded(session, items)
    wanted = [item for item in items if item.path not in guarded]
    if fetch:
        _fetch(session, wanted)
    found: dict[str, list[str]] = {}
    for item in wanted:
        shown = f"{item.path}/{item.part}" if item.part else item.path
        found.setdefault(_place(session, versions, version, item, force), []).append(shown)
    return Revisited(
        restored=tuple(found.get("restored", ())),
        unchanged=tuple(found.get("unchanged", ())),
        missing=tuple(found.get("missing", ())),
        refused=tuple(found.get("refused", ())),
        guarded=tuple(sorted(guarded)),
        notes=version.notes,
    )


def _place(session: Session, versions: Versions, version: Version, item: Item, force: bool) -> str:
    assert item.digest is not None  # the caller has left those out
    if not item.part and versions.observer_of(item.digest).observe(item.path) == item.digest:
        return "unchanged"
    if not item.out.cache and not session.space.cache.has(item.digest):
        data = version.tree.read(item.path)
        if data is None:
            return "missing"
        item = replace(item, digest=session.space.cache.add_bytes(data))
        force = force or _is_committed(session, versions, item.path)
    return place_item(session, replace(item, tracked=None), force=force)


def _is_committed(session: Session, versions: Versions, path: str) -> bool:
    """Whether the file has the very bytes that HEAD has, so that git keeps them."""
    head = session.project.repository.head()
    here = session.project.tree.read(path)
    return head is None or here is None or versions.at(head).tree.read(path) == here


def _guarded(session: Session, items: Iterable[Item]) -> set[str]:
    """The artifacts of a revision whose places are not theirs now."""
    paths = {item.path for item in items}
    outside = {
        path
        for path in paths
        if path.startswith(("/", "../")) or "://" in path or _OWN & set(path.split("/"))
    }
    git = session.project.git
    tracked = git.tracked(paths - outside) if git is not None else frozenset()
    kept = {
        out.path
        for stage in session.space.pipeline.stages.values()
        for out in stage.outs
        if not out.cache
    }
    return outside | (set(tracked) - kept)


def _fetch(session: Session, items: Iterable[Item]) -> None:
    from .sharing import fetch_objects

    wanted = {item.digest: item.out.remote for item in items if item.digest and item.out.cache}
    fetch_objects(session.project, session.space.cache, wanted)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written: where, and how many bytes (None: not known)."""

    target: str
    size: int | None


def copy_out(
    session: Session,
    path: str,
    revision: str,
    target: str,
    *,
    force: bool = False,
    fetch: bool = False,
) -> Copied:
    """Write a file or directory as a revision has it to `target`, a copy of its own.

    `path` is an artifact, lies in one, is a file that git keeps, or a folder of such; a `target`
    that is a folder takes it under its own name. Raises PivotError where there is no such thing,
    StoreError where its bytes cannot be had or `target` exists already (without `force`).
    """
    versions = Versions(session.project, session.cwd)
    version = versions.at(revision)
    artifact = versions.artifact(path)
    place = _destination(session, artifact, target, force)
    digest = version.fetched_digest(artifact) if fetch else version.digest(artifact)
    data = (
        version.tree.read(artifact) if digest is None or not version.is_cached(artifact) else None
    )
    if data is not None:
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            write_atomic(place, data)
        except OSError as error:
            raise explain(error, "write", target) from None
        return Copied(place, len(data))
    if digest is None:
        digest = _part(versions, version, artifact)
    if digest is None and not version.is_cached(artifact) and _is_folder(version, artifact):
        _copy_folder(session, versions, version, artifact, place, fetch)
        return Copied(place, None)
    if digest is None:
        raise _unknown(version, path, artifact)
    cache = _cache_with(session, versions, version, artifact, digest, fetch)
    cache.materialize(digest, place, writable=True)
    return Copied(place, digest.size)


def _destination(session: Session, artifact: str, target: str, force: bool) -> str:
    place = os.path.normpath(os.path.join(session.request.cwd, target))
    if os.path.isdir(place):
        place = os.path.join(place, os.path.basename(artifact))
    if os.path.lexists(place) and not force:
        raise StoreError(f"'{place}' exists already", hint="`--force` replaces it", exit_code=2)
    return place


def _is_folder(version: Version, path: str) -> bool:
    below = version.artifacts_below(path)
    return version.tree.kind(path) == "dir" or any(version.digest(inner) for inner in below)


def _copy_folder(
    session: Session, versions: Versions, version: Version, folder: str, place: str, fetch: bool
) -> None:
    """Write what git has below a folder, and the artifacts there; all of it, or nothing."""
    paths = [path for path in version.artifacts_below(folder) if version.is_cached(path)]
    stored = {path: digest for path in paths if (digest := version.digest(path)) is not None}
    found = {
        path: _cache_with(session, versions, version, path, digest, fetch)
        for path, digest in stored.items()
    }
    # records stay where they are: here their data is part of this
    records = {file.name for file in version.pipeline.tracked if file.path in stored}
    aside = f"{place}.{os.getpid()}.part"
    try:
        os.makedirs(aside)
        for path in _files_below(version, folder):
            if path in records or path in stored:
                continue
            data = version.tree.read(path)
            if data is None:
                raise PivotError(f"'{path}' at {version.label} leads out of the repository")
            target = f"{aside}/{relative(path, folder)}"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "xb") as stream:
                stream.write(data)
            if isinstance(version.tree, RevTree) and version.tree.is_executable(path):
                os.chmod(target, os.stat(target).st_mode | 0o111)  # noqa: S103 (as git has it)
        for path, digest in stored.items():
            target = f"{aside}/{relative(path, folder)}"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            found[path].materialize(digest, target, link="copy", writable=True)
        if os.path.lexists(place):  # `--force`: what else is in that folder stays
            _move_into(aside, place)
        else:
            os.rename(aside, place)
    except OSError as error:
        raise explain(error, "write", place) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _move_into(source: str, target: str) -> None:
    """Put the files below a folder into another one, over those of the same name."""
    for folder, _, names in os.walk(source):
        there = os.path.normpath(os.path.join(target, os.path.relpath(folder, source)))
        os.makedirs(there, exist_ok=True)
        for name in names:
            os.replace(os.path.join(folder, name), os.path.join(there, name))


def _files_below(version: Version, folder: str) -> Iterator[str]:
    for name, is_dir in version.tree.list(folder):
        path = join(folder, name)
        if is_dir:
            yield from _files_below(version, path)
        else:
            yield path


def _part(versions: Versions, version: Version, path: str) -> Digest | None:
    """A folder inside of a directory artifact, as a directory of its own."""
    owner = next(
        (a for a, digest in version.artifacts().items() if is_within(path, a) and digest), None
    )
    manifest = version.files(owner) if owner is not None else None
    if owner is None or manifest is None:
        return None
    prefix = path[len(owner) + 1 :] + "/"
    entries = [e for e in manifest.entries if e.path.startswith(prefix)]
    if not entries:
        return None
    made = make_manifest((e.path[len(prefix) :], e.digest) for e in entries)
    return versions.caches[0].add_manifest(made)


def _cache_with(
    session: Session,
    versions: Versions,
    version: Version,
    path: str,
    digest: Digest,
    fetch: bool,
) -> LocalCache:
    for cache in versions.caches:
        if cache.has(digest):
            return cache
    if fetch:
        from .sharing import fetch_objects

        lacking = fetch_objects(
            session.project, versions.caches[0], {digest: version.remote_of(path)}
        )
        if not lacking:
            return versions.caches[0]
        raise StoreError(
            f"'{path}' of {version.label} cannot be had: {next(iter(lacking.values()))}"
        )
    raise StoreError(
        f"the bytes of '{path}' at {version.label} are not in the cache",
        hint="`--fetch` asks the remote",
    )


def _unknown(version: Version, path: str, artifact: str) -> PivotError:
    fault = version.fault_of(artifact)
    if fault is not None:
        return fault
    owner = version.owner(artifact)
    whole = version.digest(owner) if owner is not None else None
    if owner is not None and whole is not None:
        part = artifact[len(owner) + 1 :]
        files = version.files(owner)
        if whole.is_tree and files is None:
            return StoreError(
                f"the list of files of '{owner}' at {version.label} is not in the cache",
                hint="`--fetch` asks the remote",
            )
        return no_part(owner, part, [entry.path for entry in files.entries] if files else None)
    if version.is_artifact(artifact):
        return PivotError(
            f"no lock or record says what '{path}' was at {version.label}",
            hint="its stage had not been run, or its lock was not committed",
        )
    return PivotError(
        f"there is no '{path}' at {version.label}",
        hint=version.no_project
        or did_you_mean(artifact, version.artifacts())
        or "`pivot list --deps` shows the artifacts",
    )
