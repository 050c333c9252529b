"""`import`, `update` and `get`: data of other repositories, with a record of where it came from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from ..config.reserved import reserved_folder
from ..digest import Digest
from ..errors import PivotError, Where
from ..lockfile.data_records import DataRecord, parse_data_record
from ..lockfile.import_records import Origin, new_import, origin_of, renewed_import
from ..model import Out, TrackedFile
from ..project import open_project
from ..project.clones import checked_url, has_password
from ..project.root import find_root
from ..run.journal import scratch_folder
from ..run.placing import place
from ..run.tracked import TrackedData, write_record
from ..store import LocalCache
from ..values import dataclass
from .session import Session
from .sources import Artifact, Source, opened_source
from .tracking import check_place, meant, tracked_by
from .urls import UrlSource

_serial = count()
_MOVED_ON = "its source has other data now; `pivot update` takes it"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import: `path` in the repository `url`, or with an empty path the URL itself."""

    url: str
    path: str = ""
    out: str | None = None
    revision: str | None = None
    remote: str | None = None
    desc: str | None = None
    force: bool = False
    download: bool = True


@dataclass(frozen=True, slots=True)
class Imported:
    """An artifact with its record, and how it changed: commits, or what a URL says of itself.

    `moved_only`: the source is at another commit, where this data is the very same.
    """

    path: str
    record: str
    source: str
    old: str | None
    new: str | None
    changed: bool
    downloaded: bool
    notes: tuple[str, ...] = ()
    moved_only: bool = False

    @property
    def is_stale(self) -> bool:
        """Whether the data here is not what its source has now."""
        return self.changed and not self.moved_only


@dataclass(frozen=True, slots=True)
class Updated:
    """The imports that were looked at, and why others could not be; those are as they were."""

    done: tuple[Imported, ...]
    failed: tuple[PivotError, ...] = ()


def import_artifact(session: Session, request: ImportRequest) -> Imported:
    """Bring an artifact here, record where it came from, and have git ignore it.

    All or nothing: raises PivotError with the project as it was.
    """
    if has_password(request.url):
        raise PivotError(
            "the URL holds a password, which would stand in the record for everybody to read",
            hint="leave it out; git asks its credential helper",
        )
    if not request.path:
        return _import_url(session, request)
    root = session.project.root
    with _source(request, session.request.cwd) as source:
        found = source.artifact(request.path)
        target = _target(session, request.out, found.path)
        record = _check_target(session, target, request, found.whole)
        with _brought(session, found if request.download else None, source) as here:
            digest = here
            if here is None and found.whole and not _is_foreign(session, found.whole):
                digest = found.whole
            elif here is None:
                digest = source.digest_of(found, session.project.algorithm)
            origin = Origin(
                _recorded_url(request.url, session.request.cwd, root),
                found.path,
                request.revision,
                source.commit,
                request.remote,
                found.whole if found.whole and _is_foreign(session, found.whole) else None,
            )
            _finish(session, target, record, origin, digest, placed=here is not None)
        return Imported(
            target,
            record,
            f"{source.shown} {found.path}",
            None,
            source.commit,
            True,
            request.download,
            _notes(source),
        )


def _import_url(session: Session, request: ImportRequest) -> Imported:
    with UrlSource(session.project, request.url, base=session.request.cwd) as source:
        target = _target(session, request.out, source.name)
        record = _check_target(session, target, request)
        identity = source.identity()
        digest: Digest | None = None
        if request.download:
            with _temporary(session) as temporary:
                source.bring(temporary)
                digest = session.space.cache.add(temporary)
        origin = Origin(
            source.recorded(session.project.root),
            identity=identity.facts,
            size=identity.size,
        )
        _finish(session, target, record, origin, digest, placed=request.download)
        return Imported(target, record, source.shown, None, identity.text, True, request.download)


# --- update --------------------------------------------------------------------------------


def update(
    session: Session,
    targets: Sequence[str] = (),
    *,
    revision: str | None = None,
    write: bool = True,
    download: bool = True,
    force: bool = False,
) -> Updated:
    """Move imports to what their source is now, or at `revision`; all of them without targets.

    With `write` false nothing is changed, and what would be is told. Each import is brought up to
    date as a whole or stays as it was, whatever becomes of the others. Raises PivotError for
    targets that are no imports.
    """
    records = _import_records(session, targets)
    done: list[Imported] = []
    failed: list[PivotError] = []
    for record in records:
        origin = origin_of(record)
        assert origin is not None  # only imports were chosen
        try:
            if origin.is_repository:
                done.append(_update_one(session, record, origin, revision, write, download, force))
            elif revision is not None:
                raise PivotError(
                    "it was imported from a URL, which has no revisions",
                    hint="leave `--rev` out, or name the imports of repositories",
                )
            else:
                done.append(_update_url(session, record, origin, write, download, force))
        except PivotError as error:
            failed.append(_of_record(error, record))
    return Updated(tuple(done), tuple(failed))


def _of_record(error: PivotError, record: DataRecord) -> PivotError:
    """An error that says which record it is about."""
    message = f"{error.where}: {error.message}" if error.where else error.message
    return PivotError(message, hint=error.hint, where=Where(record.path), exit_code=error.exit_code)


def _update_one(
    session: Session,
    record: DataRecord,
    origin: Origin,
    revision: str | None,
    write: bool,
    download: bool,
    force: bool,
) -> Imported:
    root = session.project.root
    wanted = revision if revision is not None else origin.revision
    file = record.outs[0]
    with opened_source(origin.url, wanted, base=root, remote=origin.remote) as source:
        found = source.artifact(origin.path)
        same = source.commit == origin.commit and wanted == origin.revision
        lacking = write and download and _is_lacking(session, file)
        known = origin.digest or file.digest
        is_known = found.whole is not None and found.whole == known
        kept = not same and (is_known or source.is_as_at(found, origin.commit))  # the same data
        result = Imported(
            file.path,
            record.path,
            f"{source.shown} {origin.path}",
            origin.commit,
            source.commit,
            not same or lacking,
            False,
            _notes(source),
            moved_only=kept and not lacking,
        )
        if not result.changed or not write:
            return result
        moved = replace(
            origin,
            revision=wanted,
            commit=source.commit,
            digest=found.whole if found.whole and _is_foreign(session, found.whole) else None,
        )
        if kept and not lacking:
            _rewrite(session, record, moved, file.digest)
            return result
        if not download:
            ours = found.whole if found.whole and not _is_foreign(session, found.whole) else None
            _rewrite(session, record, moved, ours)
            return result
        _check_unsaved(session, file, force)
        with _brought(session, found, source) as digest:
            assert digest is not None  # an artifact was brought
            place(session.space, Out(file.path), digest)
            _rewrite(session, record, moved, digest)
        return replace(result, downloaded=True)


def _update_url(
    session: Session,
    record: DataRecord,
    origin: Origin,
    write: bool,
    download: bool,
    force: bool,
) -> Imported:
    file = record.outs[0]
    with UrlSource(session.project, origin.url, base=session.project.root) as source:
        now = source.identity()
        before = source.text_of(origin.identity)
        lacking = write and download and _is_lacking(session, file)
        changed = dict(now.facts) != dict(origin.identity) or lacking
        result = Imported(file.path, record.path, source.shown, before, now.text, changed, False)
        if not changed or not write:
            return result
        moved = replace(origin, identity=now.facts, size=now.size)
        if not download:
            _rewrite(session, record, moved, None)
            return result
        _check_unsaved(session, file, force)
        with _temporary(session) as temporary:
            source.bring(temporary)
            digest = session.space.cache.add(temporary)
        place(session.space, Out(file.path), digest)
        _rewrite(session, record, moved, digest)
        return replace(result, downloaded=True)


def bring_imported(session: Session, file: TrackedFile) -> str | None:
    """Have the bytes of imported data in the cache, from where they came; why that cannot be.

    They have to be those that the record names: a source that moved on is for `update`.
    """
    _, origin = _import_record(session, file)
    try:
        came = _bring(session, origin)
    except PivotError as error:
        return error.message
    return None if came == file.digest else _MOVED_ON


def complete_import(session: Session, file: TrackedFile, *, force: bool) -> str | None:
    """Bring the data of a record that was written without it; why that cannot be.

    It is that of the commit, or of the version of a URL, which the record names; it is put in its
    place, and the record names its digest from then on. Data that is there and in no cache is left
    alone, unless `force`.
    """
    record, origin = _import_record(session, file)
    cache = session.space.cache
    try:
        digest = _bring(session, origin, only_recorded=True)
        if digest is None:
            return _MOVED_ON
        now = session.space.observer.observe(file.path)
        if now not in (None, digest) and not cache.has(now):
            if not force:
                return "something else is in its place, and stored nowhere; `--force` replaces it"
            cache.add(session.space.absolute(file.path))
        place(session.space, Out(file.path), digest)
        _rewrite(session, record, origin, digest)
    except PivotError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return None


def _import_record(session: Session, file: TrackedFile) -> tuple[DataRecord, Origin]:
    record = parse_data_record(session.project.tree.read(file.name) or b"", file.name)
    origin = origin_of(record)
    assert origin is not None  # a record without one is no import
    return record, origin


def _bring(session: Session, origin: Origin, *, only_recorded: bool = False) -> Digest | None:
    """The bytes of the commit that `origin` names, or of its URL, in our cache: their digest.

    With `only_recorded`, None where a URL has another version than `origin` names.
    """
    root = session.project.root
    if origin.is_repository:
        with (
            opened_source(origin.url, origin.commit, base=root, remote=origin.remote) as source,
            _brought(session, source.artifact(origin.path), source) as digest,
        ):
            return digest
    with UrlSource(session.project, origin.url, base=root) as place_of:
        if only_recorded and dict(place_of.identity().facts) != dict(origin.identity):
            return None
        with _temporary(session) as temporary:
            place_of.bring(temporary)
            return session.space.cache.add(temporary)


def _is_lacking(session: Session, file: TrackedFile) -> bool:
    """Whether the data was never downloaded, or is not to be had here any more."""
    return TrackedData(session.space).state(file).state in ("absent", "unrecorded")


def _import_records(session: Session, targets: Sequence[str]) -> list[DataRecord]:
    """The records of imports that targets name. Raises PivotError for what names none."""
    space = session.space
    chosen: dict[str, TrackedFile] = {}
    for target in targets:
        files = tracked_by(session, target)
        if not files:
            hint = meant(session, target) or "`pivot update` without targets takes all imports"
            raise PivotError(f"'{target}' is no imported data", hint=hint)
        chosen |= {file.name: file for file in files}
    if not targets:
        chosen = {file.name: file for file in space.pipeline.tracked if file.frozen}
    records: list[DataRecord] = []
    for name in chosen:
        record = parse_data_record(space.project.tree.read(name) or b"", name)
        if origin_of(record) is not None:
            records.append(record)
        elif targets:
            raise PivotError(
                f"{name} tracks data of this project, which was not imported",
                hint="`pivot track` records what changed in it",
            )
    return records


# --- get -----------------------------------------------------------------------------------


def get(cwd: str, request: ImportRequest) -> tuple[str, tuple[str, ...]]:
    """Bring an artifact of another repository into a folder, without a record; where it is now.

    Needs no project here. Raises PivotError with nothing changed.
    """
    with _source(request, cwd) as source:
        found = source.artifact(request.path)
        name = os.path.basename(found.path) if found.path != "." else "repository"
        target = os.path.normpath(os.path.join(cwd, request.out or name))
        if request.out and (os.path.isdir(target) or request.out.endswith("/")):
            target = os.path.join(target, name)
        shown = os.path.relpath(target, cwd)
        kept = reserved_folder(shown)
        if kept is not None:
            raise PivotError(
                f"'{shown}' cannot be written: it is {kept}", hint="give another place with `-o`"
            )
        if os.path.lexists(target) and not request.force:
            raise PivotError(
                f"'{shown}' exists already",
                hint="give another place with `-o`, or `--force` to replace it",
            )
        above = os.path.dirname(target)
        os.makedirs(above, exist_ok=True)
        temporary = os.path.join(above, f".pivot-get-{os.getpid()}-{next(_serial)}")
        digest = found.digest
        algorithm = digest.algorithm if digest else "blake3"
        try:
            os.mkdir(temporary)
            place_of = f"{temporary}/{name}"
            source.bring(found, place_of, _cache_for(cwd, temporary, algorithm))
            if os.path.isdir(target) and not os.path.islink(target):
                shutil.rmtree(target)
            os.replace(place_of, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return target, _notes(source)


def _cache_for(cwd: str, temporary: str, algorithm: str) -> LocalCache:
    """The cache of the project around a folder, where it fits; else a passing one."""
    root = find_root(cwd)
    if root is not None:
        try:
            project = open_project(cwd)
        except PivotError:
            project = None
        if project is not None:
            folder, ours = project.cache_dir, project.algorithm
            project.close()
            if ours == algorithm and os.path.isdir(folder):
                return LocalCache(folder, algorithm=algorithm)
    return LocalCache(f"{temporary}/objects", algorithm=algorithm)


def list_artifacts(cwd: str, url: str, revision: str | None) -> tuple[list[Artifact], str, str]:
    """The outs and tracked data of another repository; with its commit and name."""
    with opened_source(url, revision, base=cwd) as source:
        return source.artifacts(), source.commit, source.shown


# --- parts ---------------------------------------------------------------------------------


def _source(request: ImportRequest, base: str) -> AbstractContextManager[Source]:
    return opened_source(request.url, request.revision, base=base, remote=request.remote)


def _notes(source: Source) -> tuple[str, ...]:
    if source.note is None:
        return ()
    return (f"{source.shown} cannot be reached ({source.note}); what is known of it serves",)


@contextmanager
def _temporary(session: Session) -> Iterator[str]:
    """A name on the project's disk that does not exist, and is gone at the end."""
    folder = os.path.join(scratch_folder(session.project.root), f"import-{os.getpid()}")
    folder = f"{folder}-{next(_serial)}"
    os.makedirs(folder, exist_ok=True)
    try:
        yield f"{folder}/data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _brought(
    session: Session, artifact: Artifact | None, source: Source
) -> Iterator[Digest | None]:
    """The artifact's bytes in our cache: their digest here. Without an artifact, None."""
    if artifact is None:
        yield None
        return
    cache = session.space.cache
    with _temporary(session) as temporary:
        source.bring(artifact, temporary, cache)
        yield cache.add(temporary)


def _finish(
    session: Session,
    target: str,
    record: str,
    origin: Origin,
    digest: Digest | None,
    *,
    placed: bool,
) -> None:
    """Put the data in place, then write its record, and have git ignore it."""
    space = session.space
    if placed:
        assert digest is not None  # its bytes are in the cache
        place(space, Out(target), digest)
    write_record(space.project.root, record, new_import(target, record, origin, digest))
    written = [record, *space.project.gitignore.add([target])]
    session.stage_files(written)


def _rewrite(session: Session, record: DataRecord, origin: Origin, digest: Digest | None) -> None:
    data = session.project.tree.read(record.path) or b""
    text = renewed_import(data, record, origin, digest)
    write_record(session.project.root, record.path, text)
    session.stage_files([record.path])


def _target(session: Session, out: str | None, path: str) -> str:
    """Where imported data goes, as the project knows it."""
    name = path.rstrip("/").rpartition("/")[2]
    if out is None:
        chosen = name
    elif out.endswith("/") or os.path.isdir(os.path.join(session.request.cwd, out)):
        chosen = os.path.join(out, name)
    else:
        chosen = out
    if not name or name == ".":
        raise PivotError("a whole repository cannot be imported", hint="name a path in it")
    return session.artifact(chosen)


def _check_target(
    session: Session, target: str, request: ImportRequest, digest: Digest | None = None
) -> str:
    """The record of a new import. Raises PivotError where something else is in its place.

    What is there may stay where it is what comes (`digest`): an import that was killed left it.
    """
    space = session.space
    record = f"{target}{session.record_ending}"
    known = {file.path: file for file in space.pipeline.tracked}
    check_place(session, target, known)
    there = os.path.lexists(space.absolute(target))
    if target in known or os.path.lexists(space.absolute(record)):
        if not request.force:
            hint = f"`pivot update {record}` brings it up to date; `--force` imports it anew"
            raise PivotError(f"'{target}' is tracked by {record} already", hint=hint)
    elif there and not request.force and not _is(session, target, digest):
        raise PivotError(
            f"'{target}' exists already",
            hint="give another place with `-o`, or `--force` to replace it",
        )
    if space.project.git is not None:
        space.project.gitignore.refuse_tracked([target])
    if there and request.download:
        space.cache.add(space.absolute(target))  # what is replaced can be had again
    return record


def _is(session: Session, path: str, digest: Digest | None) -> bool:
    return digest is not None and session.space.observer.observe(path) == digest


def _check_unsaved(session: Session, file: TrackedFile, force: bool) -> None:
    """Raise PivotError where data that was changed here would be lost."""
    found = TrackedData(session.space).state(file)
    if found.state not in ("changed", "unrecorded") or found.now is None:
        return
    if session.space.cache.has(found.now):
        return
    if not force:
        raise PivotError(
            f"'{file.path}' was changed here, and an update would replace it",
            hint=f"`pivot checkout --force {file.name}` drops the change, `--force` too",
        )
    session.space.cache.add(session.space.absolute(file.path))


def _is_foreign(session: Session, digest: Digest) -> bool:
    """Whether our cache would call the same bytes something else."""
    return digest.algorithm != session.project.algorithm


def _recorded_url(url: str, cwd: str, root: str) -> str:
    """A repository as a record names it: folders inside or near the project as seen from it."""
    checked = checked_url(url, cwd)
    if not os.path.isdir(checked) or "://" in url or os.path.isabs(os.path.expanduser(url)):
        return url if not os.path.isdir(checked) or "://" in url else checked
    return os.path.relpath(checked, root)


def imported_data(item: Imported) -> dict[str, Any]:
    """One import in the form of `--json`."""
    return {
        "path": item.path,
        "record": item.record,
        "source": item.source,
        "old": item.old,
        "new": item.new,
        "changed": item.changed,
        "same_data": not item.is_stale,
        "downloaded": item.downloaded,
    }


def artifact_data(artifact: Artifact) -> dict[str, Any]:
    """One artifact of another repository in the form of `list REPO --json`."""
    digest = artifact.digest
    return {
        "path": artifact.path,
        "owner": artifact.owner,
        "digest": str(digest) if digest else None,
        "size": digest.size if digest else None,
        "directory": artifact.is_folder,
    }
