"""Another repository at one revision: what it has, and bringing that here.

Nothing of it is run. Its pipelines, locks and settings are read as data; what they name is
fetched by digest and verified, and paths are those of its own tree or of a checked manifest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ..digest import Digest, hash_bytes
from ..disk import explain
from ..errors import PivotError, StoreError, did_you_mean
from ..lockfile.data_records import parse_data_record
from ..lockfile.import_records import Origin, origin_of
from ..model import Out, TrackedFile
from ..project import cache_folders, open_repository
from ..project.clones import Clone, checked_url, shown_url
from ..project.root import find_root_in
from ..settings import RemoteSpec, Settings
from ..store import LocalCache
from ..tree import is_within, join, parent, relative
from ..values import dataclass
from .committed import CommittedSession
from .inventory import no_part
from .session import Request
from .stores import Stores, written_url

if TYPE_CHECKING:
    from ..project import Project, Repository, RevTree
    from ..project.committed import CommittedProject
    from ..store.remotes import RemoteError

#: Imports of imports are followed so far.
_MOST_LINKS = 10
#: What a repository may say of its remotes. Credentials and files that hold them are the user's.
_REMOTE_OPTIONS = frozenset(
    (
        *("endpointurl", "region", "use_ssl", "ssl_verify", "allow_anonymous_login", "version"),
        *("account_name", "projectname", "port", "user", "read_timeout", "connect_timeout"),
        *("listobjects", "version_aware", "worktree", "method", "auth"),
    )
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """Something that another repository has at a path (seen from its top).

    Tracked data and outs have a `digest`; `part` is the path inside of a directory that is meant.
    Without one it is what git has there: a file or folder, in which artifacts may lie.
    """

    path: str
    is_folder: bool
    digest: Digest | None = None
    part: str | None = None
    project: str = "."  # the folder of the project that names it
    out: Out | None = None
    tracked: TrackedFile | None = None
    owner: str | None = None

    @property
    def whole(self) -> Digest | None:
        """The digest, where it is known and all of it is meant."""
        return None if self.part is not None else self.digest


class Source:
    """One repository at one commit, opened by `opened_source`.

    `note` says why it may be older than the other side's state; `folder` is where it lies on this
    machine, for its own cache (None: elsewhere); `called` is the URL as it was given.
    """

    def __init__(
        self,
        clone: Clone,
        repository: Repository,
        commit: str,
        note: str | None,
        called: str,
        remote: str | None = None,
        depth: int = 0,
    ) -> None:
        self.commit = commit
        self.note = note
        self.folder = clone.url if os.path.isdir(clone.url) else None
        self._called = called
        self._clone = clone
        self._repository = repository
        self._remote = remote
        self._depth = depth
        self._whole: RevTree = repository.tree(commit, ".")
        self._sessions: dict[str, CommittedSession] = {}

    def close(self) -> None:
        """Close what was opened of it."""
        for session in self._sessions.values():
            session.close()
        self._repository.close()

    @property
    def shown(self) -> str:
        """The repository as people call it, without credentials."""
        return shown_url(self._called)

    # --- what is there ---------------------------------------------------------------------

    def artifact(self, path: str) -> Artifact:
        """What lies at `path`. Raises PivotError where nothing does, with what may be meant."""
        wanted = join(".", path.strip("/") or ".")
        if wanted.startswith("..") or "://" in path:
            raise PivotError(f"'{path}' is not a path inside of {self.shown}")
        found = self._named(wanted)
        if found is not None:
            return found
        kind = self._whole.kind(wanted)
        if kind is not None:
            return Artifact(wanted, kind == "dir", project=self._project_of(wanted) or ".")
        if self._below(wanted):
            return Artifact(wanted, True, project=self._project_of(wanted) or ".")
        known = [item.path for item in self.artifacts()]
        problem = next(
            (p for s in self._sessions.values() for p in s.space.pipeline.problems), None
        )
        if problem is not None:
            raise PivotError(
                f"there is no '{path}' in {self.shown} at {self.commit[:8]}, as far as its "
                f"pipelines can be read: {problem.error}"
            )
        if not os.path.isabs(path):
            known += [join(parent(wanted), name) for name, _ in self._whole.list(parent(wanted))]
        raise PivotError(
            f"there is no '{path}' in {self.shown} at {self.commit[:8]}",
            hint=did_you_mean(wanted, known) or "`pivot list REPO` shows what there is",
        )

    def artifacts(self) -> list[Artifact]:
        """All outs and tracked data, of every project in the repository, in order of paths."""
        found: dict[str, Artifact] = {}
        for project in self._projects():
            session = self._session(project)
            paths = [
                *session.space.graph.producer,
                *(f.path for f in session.space.pipeline.tracked),
            ]
            for path in paths:
                if path.startswith(("/", "..")) or "://" in path:
                    continue
                item = self._named(join(project, path))
                if item is not None:
                    found[item.path] = item
        return [found[path] for path in sorted(found)]

    def _named(self, path: str) -> Artifact | None:
        """What an out or record of the project around `path` says that it is."""
        project = self._project_of(path)
        if project is None:
            return None
        session = self._session(project)
        inner = relative(path, project)
        made = session.space.graph.maker_of(inner)
        if made is not None:
            stage = session.space.graph.stages[made[1]]
            out = next(out for out in stage.outs if out.path == made[0])
            record = session.space.locks.record(stage.name)
            digest = record.outs.get(out.path) if record else None
            if self._whole.kind(path) == "file" or (digest is None and self._whole.kind(path)):
                return None  # git has it
            if digest is None:
                fault = session.space.locks.fault(stage.name)
                if fault is not None:
                    raise PivotError(
                        f"what '{path}' of {self.shown} is at {self.commit[:8]} is not known: "
                        f"{fault.where} cannot be read: {fault.message}",
                        hint="settle that there, or ask for another revision by `--rev`",
                    )
                raise PivotError(
                    f"'{path}' of {self.shown} has no locked result at {self.commit[:8]}: stage "
                    f"'{stage.name}' was not run and committed there"
                )
            if not digest.is_tree and inner != out.path:
                raise no_part(join(project, out.path), inner[len(out.path) + 1 :])
            owner, tracked = stage.name, None
        else:
            files = [f for f in session.space.pipeline.tracked if is_within(inner, f.path)]
            if not files:
                return None
            tracked = files[0]
            digest, owner = tracked.digest, tracked.name
            out = Out(tracked.path, cache=tracked.cache, remote=tracked.remote)
        part = inner[len(out.path) + 1 :] or None
        is_folder = bool(digest and digest.is_tree and part is None)
        return Artifact(path, is_folder, digest, part, project, out, tracked, owner)

    def _below(self, folder: str) -> list[Artifact]:
        return [item for item in self.artifacts() if is_within(item.path, folder)]

    def _project_of(self, path: str) -> str | None:
        return find_root_in(self._whole, parent(path))

    def _projects(self) -> list[str]:
        """The folders of the projects in the repository."""
        found: dict[str, None] = {}
        pending = ["."]
        while pending:
            folder = pending.pop()
            names = dict(self._whole.list(folder))
            root = find_root_in(self._whole, folder)
            if root is not None:
                found[root] = None
            pending += [
                join(folder, name)
                for name, is_dir in names.items()
                if is_dir and name[:1] != "." and folder.count("/") < _MOST_LINKS
            ]
        return sorted(found)

    def _session(self, project: str) -> CommittedSession:
        if project not in self._sessions:
            # what is broken there, or would have to be run, is not everything
            request = Request(self._repository.git_dir, partial=True)
            self._sessions[project] = CommittedSession(request, self.commit, folder=project)
        return self._sessions[project]

    def digest_of(self, artifact: Artifact, algorithm: str) -> Digest | None:
        """The digest of a file that git has; None for what would have to be brought here."""
        if artifact.digest is not None or artifact.is_folder:
            return None
        self._clone.bring([oid for oid in [self._whole.signature(artifact.path)] if oid])
        data = self._whole.read(artifact.path)
        return None if data is None else hash_bytes(algorithm, data)

    def is_as_at(self, artifact: Artifact, commit: str | None) -> bool:
        """Whether git has the very same file or folder at another commit.

        False also where that is not known: of stored data, and of folders that hold some.
        """
        if (
            artifact.digest is not None
            or commit is None
            or self._repository.head_of(commit) is None
        ):
            return False
        if artifact.is_folder and self._below(artifact.path):
            return False
        before = self._repository.tree(commit, ".").signature(artifact.path)
        return before is not None and before == self._whole.signature(artifact.path)

    # --- bringing it here -------------------------------------------------------------------

    def bring(self, artifact: Artifact, target: str, objects: LocalCache) -> None:
        """Make the file or folder `target`, which does not exist, what the artifact is.

        `objects` keeps what was fetched by digest; other algorithms' objects go to a cache beside
        it that is dropped. Raises PivotError where it cannot be had whole.
        """
        try:
            if artifact.digest is not None:
                self._bring_stored(artifact, target, objects)
            elif artifact.is_folder:
                self._bring_folder(artifact, target, objects)
            else:
                self._bring_committed([(artifact.path, target)])
        except OSError as error:
            raise explain(error, "write", target) from None

    def _bring_folder(self, artifact: Artifact, target: str, objects: LocalCache) -> None:
        files: list[tuple[str, str]] = []
        inner = self._below(artifact.path)
        # records stay there: here their data is part of this
        records = {join(item.project, item.tracked.name) for item in inner if item.tracked}
        pending = [artifact.path]
        while pending:
            folder = pending.pop()
            for name, is_dir in self._whole.list(folder):
                path = join(folder, name)
                if is_dir:
                    pending.append(path)
                elif path not in records and self._named(path) is None:
                    files.append((path, f"{target}/{relative(path, artifact.path)}"))
        os.makedirs(target, exist_ok=True)
        self._bring_committed(files)
        for item in inner:
            place = f"{target}/{relative(item.path, artifact.path)}"
            if item.digest is not None and not os.path.lexists(place):
                os.makedirs(os.path.dirname(place), exist_ok=True)
                self._bring_stored(item, place, objects)

    def _bring_committed(self, files: list[tuple[str, str]]) -> None:
        """Write files that git has."""
        oids = [self._whole.signature(path) for path, _ in files]
        self._clone.bring([oid for oid in oids if oid is not None])
        for path, target in files:
            data = self._whole.read(path)
            if data is None:
                raise PivotError(f"'{path}' of {self.shown} leads out of the repository")
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "xb") as stream:
                stream.write(data)
            if self._whole.is_executable(path):
                os.chmod(target, os.stat(target).st_mode | 0o111)  # noqa: S103 (as git has it)

    def _bring_stored(self, artifact: Artifact, target: str, objects: LocalCache) -> None:
        digest = artifact.digest
        assert digest is not None
        if digest.algorithm != objects.algorithm:
            with _passing_cache(f"{target}.objects", digest.algorithm) as other:
                self._bring_objects(artifact, target, other)
        else:
            self._bring_objects(artifact, target, objects)

    def _bring_objects(self, artifact: Artifact, target: str, objects: LocalCache) -> None:
        digest = artifact.digest
        assert digest is not None
        cache = self._having(artifact, digest, objects)
        if cache is None:
            origin = self._origin(artifact)
            if origin is not None:
                self._bring_import(artifact, origin, target, objects)
                return
            self._fetch(artifact, digest, objects)
            cache = objects
        if artifact.part is None:
            cache.materialize(digest, target, link="copy", writable=True)
            return
        everything = cache.manifest(digest).entries
        entries = [entry for entry in everything if is_within(entry.path, artifact.part)]
        if not entries:
            whole = artifact.path[: -len(artifact.part) - 1]
            raise no_part(whole, artifact.part, [entry.path for entry in everything])
        for entry in entries:
            inner = entry.path[len(artifact.part) :]
            cache.materialize(entry.digest, target + inner, link="copy", writable=True)

    def _having(self, artifact: Artifact, digest: Digest, objects: LocalCache) -> LocalCache | None:
        """A cache on this machine that has all of it."""
        own = [LocalCache(path, algorithm=digest.algorithm) for path in self._caches(artifact)]
        for cache in (objects, *own):
            if artifact.part is None and cache.has(digest):
                return cache
            if artifact.part is not None and cache.holds(digest):
                entries = cache.manifest(digest).entries
                parts = [e.digest for e in entries if is_within(e.path, artifact.part)]
                if all(cache.holds(part) for part in parts):
                    return cache
        return None

    def _caches(self, artifact: Artifact) -> list[str]:
        """The cache folders of a repository on this machine: that of the commit, and today's.

        They differ where a later commit moved the cache, as a migration from DVC does.
        """
        if self.folder is None:
            return []
        root = self._root(artifact, self.folder)
        return list(dict.fromkeys([self._project(artifact).cache_dir, *cache_folders(root)]))

    def _root(self, artifact: Artifact, folder: str) -> str:
        return os.path.normpath(os.path.join(folder, artifact.project))

    def _project(self, artifact: Artifact) -> CommittedProject:
        """The project that has the artifact.

        Of a folder that the user named, relative places in its configuration count from there. A
        repository behind a URL lies nowhere, so that it can mean no folder of this machine by one.
        """
        project = self._session(artifact.project).committed
        return project.seen_from(self._root(artifact, self.folder)) if self.folder else project

    def _fetch(self, artifact: Artifact, digest: Digest, objects: LocalCache) -> None:
        project = self._project(artifact)
        project.settings = _without_secrets(project.settings)
        wanted = self._remote or (artifact.out.remote if artifact.out else None)
        part = artifact.part
        from ..store.remotes import RemoteError  # 20 ms; only where no cache has it

        with Stores(project) as stores:
            try:
                store = stores.of(wanted)
            except PivotError as error:
                raise StoreError(
                    f"'{artifact.path}' of {self.shown} is in no cache here, and {error.message}",
                    hint="its owner has to configure a remote and `push` to it",
                ) from None
            self._check_placed(artifact, project, store.name)
            try:
                done = stores.transfer(objects, store).fetch(
                    [digest], within=None if part is None else lambda _, path: is_within(path, part)
                )
            except RemoteError as error:
                raise self._of_remote(artifact, error) from None
            if done.failed:
                raise self._of_remote(artifact, done.failed[0][1])
            if done.absent:
                raise StoreError(
                    f"'{artifact.path}' of {self.shown} at {self.commit[:8]} is not on its remote "
                    f"'{store.name}' ({len(done.absent)} objects, such as {done.absent[0]})",
                    hint="its owner has to `push` it",
                )

    def _check_placed(self, artifact: Artifact, project: Project, remote: str) -> None:
        """Raise StoreError where a remote is a folder as seen from a repository behind a URL."""
        if self.folder is not None:
            return
        url = written_url(project, remote)
        if "://" not in url and not url.startswith(("/", "~")):
            raise StoreError(
                f"'{artifact.path}' of {self.shown} is in no cache here, and its remote '{remote}' "
                f"is a folder as seen from where that repository lies: '{url}'",
                hint="name the repository by its folder, where it is on this machine; else its "
                "owner has to give the remote a URL that is the same everywhere",
            )

    def _of_remote(self, artifact: Artifact, error: RemoteError) -> StoreError:
        """What a remote of the other repository did not do: configuring it is not for us."""
        hint = error.hint or ""
        if "`pivot remote" in hint:
            hint = f"it is a remote of {self.shown}, whose owner can correct it there"
            if error.kind == "credentials":
                hint = (
                    "no credentials are taken from another repository: give them by environment "
                    "variables, or in the files of the cloud's own tools"
                )
        return StoreError(
            f"'{artifact.path}' of {self.shown}: {error.message}",
            hint=hint,
            exit_code=error.exit_code,
        )

    def _origin(self, artifact: Artifact) -> Origin | None:
        """Where the other repository itself imported the data from."""
        if artifact.tracked is None or not artifact.tracked.frozen:
            return None
        name = join(artifact.project, artifact.tracked.name)
        origin = origin_of(parse_data_record(self._whole.read(name) or b"", name))
        return origin if origin is not None and origin.is_repository else None

    def _bring_import(
        self, artifact: Artifact, origin: Origin, target: str, objects: LocalCache
    ) -> None:
        """Bring what the other repository imported, from where it did; it must be the same."""
        if self._depth >= _MOST_LINKS:
            raise PivotError(f"'{artifact.path}' of {self.shown} is imported in a circle")
        if self.folder is None and _is_folder(origin.url):
            raise PivotError(
                f"'{artifact.path}' of {self.shown} was imported from '{origin.url}', a folder of "
                "another machine",
                hint="import it from where it is",
            )
        base = os.path.join(self.folder, artifact.project) if self.folder else "."
        path = origin.path if artifact.part is None else f"{origin.path}/{artifact.part}"
        with opened_source(
            origin.url, origin.commit, base=base, remote=origin.remote, depth=self._depth + 1
        ) as there:
            there.bring(there.artifact(path), target, objects)
        expected = artifact.digest if artifact.part is None else None
        if expected is not None and objects.add(target).value != expected.value:
            raise StoreError(
                f"'{artifact.path}' of {self.shown} is not what it was imported as from "
                f"{shown_url(origin.url)}"
            )


def _is_folder(url: str) -> bool:
    """Whether a record names a folder of a machine, also in the guise of `host:path`."""
    return ":" not in url or ("://" not in url and os.path.isdir(checked_url(url)))


@contextmanager
def _passing_cache(folder: str, algorithm: str) -> Iterator[LocalCache]:
    try:
        yield LocalCache(folder, algorithm=algorithm)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _without_secrets(settings: Settings) -> Settings:
    """The remotes of another repository, by what it may say of them."""
    remotes: Mapping[str, RemoteSpec] = {
        name: RemoteSpec(
            name,
            spec.url,
            {key: value for key, value in spec.options.items() if key in _may_say(spec)},
        )
        for name, spec in settings.remotes.items()
    }
    return replace(settings, remotes=remotes)


def _may_say(spec: RemoteSpec) -> frozenset[str]:
    """A profile of the user's is used with the usual endpoints, never with one of theirs."""
    return _REMOTE_OPTIONS if "endpointurl" in spec.options else _REMOTE_OPTIONS | {"profile"}


def _without_head(url: str, repository: Repository) -> PivotError:
    branches = [name for name, _ in repository.selected(all_branches=True)]
    if not branches:
        return PivotError(f"{shown_url(url)} has no commits yet")
    return PivotError(
        f"HEAD of {shown_url(url)} names no commit",
        hint=f"give a branch or a tag of it: --rev {branches[0].partition(',')[0]}",
    )


@contextmanager
def opened_source(
    url: str,
    revision: str | None = None,
    *,
    base: str = ".",
    remote: str | None = None,
    depth: int = 0,
) -> Iterator[Source]:
    """The repository at `url` (a relative folder is seen from `base`), at a revision.

    Without a revision what is checked out there, which is its default branch. Data is read from
    its `remote`, where one is named.
    Raises PivotError where it cannot be read, or has no such revision.
    """
    clone = Clone(checked_url(url, base))
    note = clone.update(revision)
    repository = open_repository(clone.folder)
    try:
        if revision in (None, "HEAD", "@") and repository.head() is None:
            raise _without_head(url, repository)
        commit = repository.resolve("HEAD" if revision is None else revision)
        source = Source(clone, repository, commit, note, url, remote, depth)
    except BaseException:
        repository.close()
        raise
    try:
        yield source
    finally:
        source.close()
