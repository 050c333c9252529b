"""Versions of a project to look at and compare: the working tree, and git revisions.

Everything that shows params, metrics, plots or artifacts of a revision reads through `Version`.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..digest import Digest
from ..errors import ConfigError, PivotError, StoreError, Where
from ..model import Command, Manifest, Pipeline, Problem, Stage, StageRecord
from ..project import Observer, Project, RevTree, find_root, open_project, open_repository
from ..project.committed import CommittedProject
from ..run.locks import Locks
from ..settings import Settings
from ..tree import Tree, join, parent, relative
from ..values import dataclass
from .loading import load_tree, program_runner
from .session import Request

if TYPE_CHECKING:
    from ..config import Usage
    from ..config.discovery import SkipDirs
    from ..lockfile import Entry
    from ..project.root import Mode
    from ..store import LocalCache

WORKSPACE = "workspace"
HEAD = "HEAD"
_RECORDS = (".dvc", ".pvt")
NO_COMMIT = "there is no commit yet to compare with"


class Version:
    """One version of the project: the working tree, or a commit.

    `label` is how people call it (`workspace`, or as they typed it: then it `is_named`), `commit`
    its id (None: the working tree), `tree` its files. Its pipeline is loaded as far as it can be:
    what is broken in it is in `pipeline.problems`.
    """

    def __init__(
        self,
        versions: Versions,
        label: str,
        tree: Tree,
        commit: str | None,
        *,
        is_named: bool = False,
    ) -> None:
        self.label = label
        self.commit = commit
        self.tree = tree
        self.is_named = is_named
        self._versions = versions
        self._entries: dict[str, Mapping[str, Entry]] = {}
        self._broken: dict[str, ConfigError] = {}  # dvc.lock files that cannot be read

    @cached_property
    def mode(self) -> Mode:
        """Whether it was Pivot's or DVC's project then."""
        from ..project.root import DVC_CONFIG, find_mode_in

        project = self._versions.project
        if self.commit is None:
            return project.mode
        is_ours = any(self.tree.kind(name) for name in ("pivot.yaml", ".pivot/config.yaml"))
        is_both = is_ours and self.tree.kind(DVC_CONFIG) == "file"
        return project.mode if is_both else find_mode_in(self.tree, None)

    @cached_property
    def settings(self) -> Settings:
        """The configuration as committed then; what is this machine's as it is now."""
        from ..project.configuration import read_settings
        from ..project.dvc_config import dvc_layers

        project = self._versions.project
        if self.commit is None:
            return project.settings
        base = dvc_layers(project.root, tree=self.tree) if self.mode == "dvc" else ()
        return read_settings(project.root, tree=self.tree, base=base)

    @cached_property
    def pipeline(self) -> Pipeline:
        """Its stages and what is declared beside them."""
        if self.commit is None:
            return self._versions.workspace_pipeline()
        return load_tree(self.tree, self.mode, self.settings, (), self._skipped)

    @cached_property
    def usage(self) -> Usage:
        """Which values of files its stages use by `${}`, and which are in the stages."""
        from ..config import load_usage

        code_roots = self.settings["code.roots"]
        skip = self._skipped
        run = program_runner(self._versions.project) if self.commit is None else None
        return load_usage(
            self.tree, mode=self.mode, code_roots=code_roots, skip_dirs=skip, run_program=run
        )

    @cached_property
    def _skipped(self) -> SkipDirs | None:
        """Folders that hold nothing of it: those that .dvcignore names."""
        from ..project.dvcignore import DvcIgnore

        is_ruled = self.mode == "dvc" or self.tree.kind(".dvcignore") == "file"
        return DvcIgnore(self.tree, self._versions.project.root).skips_folder if is_ruled else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of this version: submodules that something looked into.

        Of one that they named, also that there was no project then.
        """
        looked = self.tree.submodules if isinstance(self.tree, RevTree) else ()
        said = [self.no_project] if self.is_named and self.no_project else []
        return (
            *said,
            *(
                f"{path} lies in a submodule, which is not followed at {self.label}"
                for path in sorted(looked)
            ),
        )

    @cached_property
    def no_project(self) -> str | None:
        """That there was no project in this folder then, and where there was; else None."""
        from ..project.root import find_root_in, listed_projects, projects_in

        if self.commit is None:
            return None
        repository = self._versions.project.repository
        whole = repository.tree(self.commit, ".")
        folder = repository.folder
        if whole.kind(folder) == "dir" and find_root_in(whole, folder) is not None:
            return None
        found = projects_in(whole)
        elsewhere = f"; there are {listed_projects(found)}" if found else ""
        place = "" if folder == "." else f" in '{folder}'"
        return f"there is no project{place} at {self.label}{elsewhere}"

    # --- what is unknown ------------------------------------------------------------------

    @property
    def is_dvcs(self) -> bool:
        """Whether the project is DVC's now, so that its views are DVC's too."""
        return self._versions.project.mode == "dvc"

    @property
    def lacks(self) -> tuple[PivotError, ...]:
        """What of its pipeline cannot be read, so that nothing is known of what it declares.

        Empty in projects of DVC's, where what cannot be read counts as not there, as in DVC.
        """
        if self.is_dvcs:
            return ()
        found = [_unknown(problem, self.label) for problem in self.pipeline.problems]
        return tuple({str(error): error for error in found}.values())

    def hides(self, path: str, other: Version) -> bool:
        """Whether this version may have artifact `path` of `other` in what cannot be read of it."""
        if self.fault_of(path) is not None:
            return True
        if not self.lacks or path in self._producers or path in self._declared:
            return False
        problems = self.pipeline.problems
        owner = other.owner(path)
        stage = other._producers.get(owner or "")
        if stage is not None:
            return hiding(problems, stage, self.tree) is not None
        record = next((file.name for file in other.pipeline.tracked if file.path == owner), None)
        return record is None or any(problem.source == record for problem in problems)

    # --- content --------------------------------------------------------------------------

    def seen(self, path: str) -> str:
        """A path of the project as people type it in the current folder."""
        return relative(path, self._versions.cwd)

    def digest(self, path: str) -> Digest | None:
        """What the locks and records of this version say `path` is; None where they do not.

        `path` may lie in a directory that they name, as far as its manifest can be had.
        """
        owner = self.owner(path)
        if owner is None:
            return None
        digest = self._declared[owner] if owner in self._declared else self._locked(owner)
        if digest is None or owner == path:
            return digest
        return self._versions.inside(digest).get(path[len(owner) + 1 :])

    def files(self, path: str) -> Manifest | None:
        """The files of a directory that a lock or record names; None where they are not known."""
        digest = self.digest(path)
        return self._versions.manifest(digest) if digest and digest.is_tree else None

    def read(self, path: str, *, fetch: bool = False) -> bytes | None:
        """The content of a file: of the tree, else the object that this version's locks name.

        None where it can be had from neither; with `fetch` the remote is asked too.
        """
        data = self.tree.read(path)
        if data is not None:
            return data
        if self.mode == "dvc" and not self.is_cached(path):
            return None  # what DVC does not keep, it does not show
        digest = self.digest(path)
        if digest is None and fetch:
            digest = self.fetched_digest(path)
        if digest is None or digest.is_tree:
            return None
        return self._versions.object(digest, self.remote_of(path) if fetch else None, fetch=fetch)

    def fetched_digest(self, path: str) -> Digest | None:
        """As `digest`, after fetching the directory that `path` lies in, if its files are unknown.

        Raises ConfigError without such a remote, RemoteError where it cannot be used.
        """
        owner = self.owner(path)
        whole = self.digest(owner) if owner is not None and owner != path else None
        if whole is not None and whole.is_tree and self._versions.manifest(whole) is None:
            self._versions.lacks(whole, self.remote_of(path))
        return self.digest(path)

    def is_artifact(self, path: str) -> bool:
        """Whether `path` is an out or tracked file, lies in one, or holds some."""
        return self.owner(path) is not None or path in self._below

    def is_cached(self, path: str) -> bool:
        """Whether `path` is, or lies in, an artifact that is kept as an object."""
        owner = self.owner(path)
        if owner is None:
            return False
        stage = self._producers.get(owner)
        things = stage.outs if stage else self.pipeline.tracked
        return any(thing.path == owner and thing.cache for thing in things)

    def remote_of(self, path: str) -> str | None:
        """The remote that an out or record names for itself; None for the default."""
        owner = self.owner(path)
        for file in self.pipeline.tracked:
            if file.path == owner:
                return file.remote
        stage = self._producers.get(owner or "")
        outs = stage.outs if stage else ()
        return next((out.remote for out in outs if out.path == owner), None)

    def asked_remote(self, path: str) -> str:
        """The name of the remote that is asked for `path`. Raises ConfigError where none is."""
        from .stores import remote_spec

        return remote_spec(self._versions.project, self.remote_of(path)).name

    def records(self) -> Iterator[StageRecord]:
        """The locks of its stages, as far as they are there."""
        for name in self.pipeline.stages:
            record = self._locks.record(name)
            if record is not None:
                yield record

    @cached_property
    def lock_faults(self) -> Mapping[str, ConfigError]:
        """By stage, why the lock that says what it made cannot be read: that is not known."""
        found = {}
        for stage in self.pipeline.stages.values():
            lock = self._dvc_lock_of(stage)
            if lock is not None:
                self._dvc_lock(lock)
            error = self._locks.fault(stage.name) if lock is None else self._broken.get(lock)
            if error is not None:
                found[stage.name] = error
        return found

    @property
    def shown(self) -> str:
        """The label as people read it: of a commit that nobody named, the beginning of its id."""
        return self.label[:12] if self.label == self.commit and not self.is_named else self.label

    def told(self, problem: Problem) -> Problem:
        """A problem, said to be this version's."""
        return replace(problem, message=f"{problem.message} (at {self.shown})")

    def unread_locks(self, stages: Container[str]) -> list[Problem]:
        """The faults of the locks of `stages`, each file once: a dvc.lock is that of many."""
        found = (self._unread(name) for name in self.lock_faults if name in stages)
        return list({problem.where: problem for problem in found}.values())

    def fault_of(self, path: str) -> ConfigError | None:
        """The fault of the lock that would say what `path` was."""
        maker = self._producers.get(self.owner(path) or "")
        if maker is None or maker.name not in self.lock_faults:
            return None
        return self._unread(maker.name).error

    def _unread(self, stage: str) -> Problem:
        error = self.lock_faults[stage]
        where = error.where
        assert where is not None  # a lock's error says where
        place = (where.file, where.line, where.column)
        hint = "what it says of outputs is unknown, and left out"
        return self.told(Problem(where.file, stage, error.message, hint, place))

    def lock_problems(self) -> list[ConfigError]:
        """Why locks that are there cannot be read, those beside a dvc.lock included."""
        own = [self._locks.fault(name) for name in self.pipeline.stages]
        found = [*self.lock_faults.values(), *filter(None, own)]
        return list({str(error.where): error for error in found}.values())

    def artifacts(self) -> dict[str, Digest | None]:
        """Every out and tracked file, with what the locks and records say it is."""
        found = {path: self._locked(path) for path in self._producers}
        return {**found, **self._declared}

    def artifacts_below(self, folder: str) -> tuple[str, ...]:
        """The paths of outs and tracked files that lie somewhere in a folder."""
        return tuple(self._below.get(folder, ()))

    @cached_property
    def _below(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for path in {**self._producers, **self._declared}:
            at = path
            while at not in (".", "") and not at.startswith(("/", "../")):
                at = parent(at)
                found.setdefault(at, []).append(path)
        return found

    def owner(self, path: str) -> str | None:
        """The artifact that `path` is, or lies in; None where it is in none."""
        at = path
        while at not in (".", ""):
            if at in self._producers or at in self._declared:
                return at
            at = parent(at)
        return None

    @cached_property
    def _producers(self) -> Mapping[str, Stage]:
        return {out.path: stage for stage in self.pipeline.stages.values() for out in stage.outs}

    @cached_property
    def _declared(self) -> Mapping[str, Digest | None]:
        return {file.path: file.digest for file in self.pipeline.tracked}

    @cached_property
    def _locks(self) -> Locks:
        return Locks(self.tree, self.pipeline.stages)

    def _locked(self, path: str) -> Digest | None:
        stage = self._producers[path]
        lock = self._dvc_lock_of(stage)
        if lock is not None:
            from ..lockfile import record_of_entry

            entry = self._dvc_lock(lock).get(stage.short_name)
            return record_of_entry(stage, entry).outs.get(path) if entry else None
        record = self._locks.record(stage.name)
        return record.outs.get(path) if record else None

    def _dvc_lock_of(self, stage: Stage) -> str | None:
        """The dvc.lock that says what a stage of DVC's made; None for stages of Pivot's own."""
        is_dvc = stage.file.rpartition("/")[2] == "dvc.yaml" and isinstance(stage.entry, Command)
        return join(parent(stage.file), "dvc.lock") if self.mode == "dvc" and is_dvc else None

    def _dvc_lock(self, file: str) -> Mapping[str, Entry]:
        if file not in self._entries:
            from ..lockfile.dvc_text import parse_dvc_lock

            try:
                self._entries[file] = parse_dvc_lock(self.tree.read(file) or b"", file)
            except PivotError as error:
                self._entries[file] = {}  # of its outs nothing is known
                where = error.where or Where(file)
                self._broken[file] = ConfigError(error.message, hint=error.hint, where=where)
        return self._entries[file]


def hiding(problems: Sequence[Problem], stage: Stage, tree: Tree) -> Problem | None:
    """The problem for which a version with that `tree` may only seem to lack a stage of another.

    It is one of the stage's own file, or of one that took its place in the folder.
    """
    group = stage.short_name.partition("@")[0]
    for problem in problems:
        if problem.source == stage.file and problem.stage in (None, group):
            return problem
    if tree.kind(stage.file) is not None:
        return None
    folder = parent(stage.file)
    beside = (p for p in problems if parent(p.source) == folder and p.stage is None)
    return next((p for p in beside if not p.source.endswith(_RECORDS)), None)


def _unknown(problem: Problem, label: str) -> PivotError:
    where = problem.error.where
    file = where.file if where else problem.source  # it may be one that the pipeline file reads
    what = f"'{file}'" if not problem.stage else f"stage '{problem.stage}' of '{problem.source}'"
    why = problem.message
    if problem.stage and file != problem.source:
        why = f"in '{file}', {why}"
    whose = "it" if file == problem.source else f"'{problem.source}'"
    hint = f"what {whose} declares is unknown, and left out"
    hint = f"{problem.hint}; {hint}" if problem.hint else hint
    return ConfigError(f"{what} cannot be read at {label}: {why}", hint=hint, where=where)


@dataclass(frozen=True, slots=True)
class Range:
    """Two revisions in one word: `A..B`, or with `parted` `A...B`, from where they parted to B."""

    first: str
    last: str
    parted: bool


def range_of(word: str) -> Range | None:
    """The range that a word is, HEAD for an end that is left out; None for one revision."""
    for dots in ("...", ".."):
        head, found, tail = word.partition(dots)
        if found and not tail.startswith("/"):  # no path that climbs out of the folder
            return Range(head or HEAD, tail or HEAD, dots == "...")
    return None


class Versions:
    """Opens versions of one project, which share what they read. `cwd` is a folder of it."""

    def __init__(self, project: Project, cwd: str = ".") -> None:
        self.project = project
        self.cwd = cwd
        self._known: dict[str, Version] = {}
        self._inside: dict[Digest, Mapping[str, Digest]] = {}

    @property
    def is_bare(self) -> bool:
        """Whether there is no working tree, only revisions."""
        return isinstance(self.project, CommittedProject)

    def artifact(self, text: str) -> str:
        """A path as typed in the current folder, as the project knows it."""
        if os.path.isabs(text):
            text = os.path.relpath(os.path.realpath(text), self.project.root)
            return join(".", text.replace(os.sep, "/"))
        return join(self.cwd, text)

    @cached_property
    def workspace(self) -> Version:
        """The working tree. Raises PivotError in a bare repository."""
        if self.is_bare:
            raise _no_workspace()
        return Version(self, WORKSPACE, self.project.tree, None)

    def at(self, text: str) -> Version:
        """What `text` names: `workspace`, or a revision as git reads it. Raises PivotError."""
        if text == WORKSPACE:
            return self.workspace
        commit = self.project.repository.resolve(text)
        known = self._known.get(text)
        if known is None or known.commit != commit:
            tree = self.project.repository.tree(commit)
            known = self._known[text] = Version(self, text, tree, commit, is_named=True)
        return known

    def ends(self, word: str) -> list[str]:
        """The revision that a word names, or the two of a range. Raises PivotError."""
        found = range_of(word)
        if found is None:
            return [word]
        if not found.parted:
            return [found.first, found.last]
        ends = (HEAD if end == WORKSPACE else end for end in (found.first, found.last))
        repository = self.project.repository
        return [repository.short(repository.merge_base(*ends)), found.last]

    def two(self, revisions: Sequence[str]) -> tuple[Version, Version]:
        """The versions that a comparison is of: HEAD and the working tree where none is named.

        Raises PivotError for more than two.
        """
        if len(revisions) > 2:
            raise PivotError(
                f"{len(revisions)} revisions are given, where two can be compared",
                hint="A and B, or `A..B`, or `A...B`: from where they parted to B",
            )
        old = self.at(revisions[0] if revisions else HEAD)
        return old, self.at(revisions[1]) if len(revisions) == 2 else self.workspace

    def selected(
        self,
        *,
        all_branches: bool = False,
        all_tags: bool = False,
        all_commits: bool = False,
        tracking: bool = False,
    ) -> Iterator[Version]:
        """Versions of all branches (with `tracking` those of others too), tags or commits."""
        chosen = self.project.repository.selected(
            all_branches=all_branches,
            all_tags=all_tags,
            all_commits=all_commits,
            tracking=tracking,
        )
        for label, commit in chosen:  # not kept: there may be thousands
            yield Version(self, label, self.project.repository.tree(commit), commit)

    def workspace_pipeline(self) -> Pipeline:
        """The pipeline of the working tree, from its compiled form where that is current."""
        import time

        from .session import load_cached

        return load_cached(self.project, (), time.time_ns())[0]

    @cached_property
    def caches(self) -> tuple[LocalCache, ...]:
        """The cache, and DVC's own where the project was DVC's once."""
        from ..store import LocalCache

        project = self.project
        folders = [project.cache_dir]
        if project.former_cache is not None:
            folders.append(project.former_cache)
        return tuple(LocalCache(folder, algorithm=project.algorithm) for folder in folders)

    def observer_of(self, digest: Digest | None) -> Observer:
        """What digests files of the working tree the way `digest` was made."""
        from ..lockfile import LEGACY

        is_legacy = digest is not None and digest.algorithm == LEGACY
        return self.project.legacy_observer if is_legacy else self.project.observer

    def manifest(self, digest: Digest) -> Manifest | None:
        """The files of directory `digest`; None where no cache has its manifest."""
        for cache in self.caches:
            try:
                return cache.manifest(digest)
            except StoreError:
                continue
        return None

    def inside(self, digest: Digest) -> Mapping[str, Digest]:
        """The files of directory `digest` by path, as far as a cache has its manifest."""
        known = self._inside.get(digest)
        if known is None:
            manifest = self.manifest(digest) if digest.is_tree else None
            if manifest is None:
                return {}
            known = self._inside[digest] = {e.path: e.digest for e in manifest.entries}
        return known

    def object(self, digest: Digest, remote: str | None, *, fetch: bool) -> bytes | None:
        """The bytes of a file by digest; None where they are nowhere.

        With `fetch` the remote (None: the default one) is asked for what no cache has. Raises
        ConfigError without such a remote, RemoteError where it cannot be used.
        """
        for cache in self.caches:
            try:
                return cache.read(digest)
            except StoreError:
                continue
        if not fetch or self.lacks(digest, remote):
            return None
        return self.caches[0].read(digest)

    def lacks(self, digest: Digest, remote: str | None) -> bool:
        """Whether the object, and for a directory its files, still lack after asking a remote.

        Raises ConfigError without such a remote, RemoteError where it cannot be used.
        """
        from .sharing import fetch_objects  # the remotes' libraries; most values lie here

        return bool(fetch_objects(self.project, self.caches[0], {digest: remote}))


@contextmanager
def opened_versions(
    request: Request, revision: str | None = None, folder: str | None = None
) -> Iterator[Versions]:
    """The versions of the project around `request.cwd`; closed at the end.

    In a bare repository it is the project that `revision` (HEAD; of a range the last one) has, in
    `folder` where there are several. Raises PivotError for a `folder` elsewhere.
    """
    project = _opened(request, _last(revision), folder)
    try:
        cwd = "."
        if not isinstance(project, CommittedProject):
            inside = os.path.relpath(os.path.realpath(request.cwd), project.root)
            cwd = inside.replace(os.sep, "/")
        yield Versions(project, cwd)
    finally:
        project.close()


def _last(revision: str | None) -> str:
    found = range_of(revision or HEAD)
    return found.last if found else revision or HEAD


def _no_workspace() -> PivotError:
    return PivotError(
        "a bare repository has no working tree",
        hint="name the revisions: two to compare, `--rev REV` to show one",
    )


def _opened(request: Request, revision: str, folder: str | None) -> Project:
    """The project around the folder; of a bare repository the one that the revision has."""
    if find_root(request.cwd) is None:
        from ..project.committed import open_committed

        try:
            with open_repository(request.cwd) as repository:
                is_bare = repository.is_bare
        except PivotError:
            is_bare = False  # in no repository: what is wrong is that there is no project
        if is_bare and revision == WORKSPACE:
            raise _no_workspace()
        if is_bare:
            return open_committed(request.cwd, revision, options=request.options, folder=folder)
    if folder is not None:
        raise PivotError("--project is for bare repositories", hint="use `-C FOLDER`")
    return open_project(request.cwd, options=request.options)
