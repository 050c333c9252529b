"""The project as a commit has it, opened from git alone: no checkout, no data, no packages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ..errors import PivotError
from ..settings import Settings
from ..tree import join
from .blobs import BlobObserver
from .configuration import Memory, read_settings
from .distributions import InstalledDistributions
from .dvc_config import dvc_layers
from .git import Git
from .lock import ProjectLock
from .neighbour import Neighbour
from .observer import Observer
from .place import state_path, user_state_path
from .project import Project
from .revisions import Repository, open_repository
from .revtree import RevTree
from .root import (
    SCRATCH,
    Mode,
    find_mode_in,
    find_root,
    find_root_in,
    init_files,
    listed_projects,
    projects_in,
)
from .state import State


class NoProject(PivotError):
    """A revision in which there is no project."""


class CommittedProject(Project):
    """A project at one commit. What is committed is read from there (`tree`); the cache and this
    machine's settings are those of the checkout, where there is one. Nothing is known of what is
    installed. It is only read."""

    def __init__(
        self,
        root: str,
        settings: Settings,
        mode: Mode,
        state: State,
        repository: Repository,
        tree: RevTree,
        warnings: list[str],
    ) -> None:
        super().__init__(root, settings, mode, state, warnings)
        self.tree = tree
        self.commit = tree.commit
        self.revision_tree = tree
        self.repository = repository
        self.is_guest = False  # of another version, which closes what they share

    def close(self) -> None:
        if not self.is_guest:
            super().close()

    def seen_from(self, root: str) -> CommittedProject:
        """The same commit, with the relative folders of its configuration counted from `root`.

        Both have one state and one repository, which are closed with the first.
        """
        settings, mode = _settings(root, self.revision_tree)
        project = CommittedProject(
            root, settings, mode, self.state, self.repository, self.revision_tree, self.warnings
        )
        project.is_guest = True
        return project

    def _blobs(self, algorithm: str) -> BlobObserver:
        skip = self.ignored.ignores if self.ignored else None
        return BlobObserver(self.revision_tree, self.root, self.state, algorithm, skip=skip)

    @cached_property
    def blobs(self) -> BlobObserver:
        """What git itself holds."""
        return self._blobs(self.algorithm)

    @property
    def observer(self) -> Observer:
        return self.blobs

    @cached_property
    def legacy_observer(self) -> Observer:
        return self._blobs("md5-dos2unix")

    @property
    def git(self) -> Git | None:
        return None  # its questions are about a work tree

    @cached_property
    def distributions(self) -> InstalledDistributions:
        return InstalledDistributions(())

    @property
    def neighbour(self) -> Neighbour | None:
        return None

    def lock(self, _: object = None) -> ProjectLock:
        raise AssertionError("a commit is never written")


def open_committed(
    start: str,
    revision: str,
    *,
    options: Mapping[str, Any] | None = None,
    folder: str | None = None,
    beside: Project | None = None,
) -> CommittedProject:
    """The project that folder `start` lies in, as `revision` has it; `start` may be a bare clone.

    `folder` is one of the repository to look in instead. In a bare clone a project that does not
    lie at the top is found where it is the only one. Raises PivotError where there is no
    repository, no such revision, or no project in it (NoProject), ConfigError where its
    configuration cannot be used. `beside` is another version that is open, and closed later: what
    either reads of git and of the state is read once.
    """
    repository = open_repository(start) if beside is None else beside.repository
    start = start if beside is None else beside.root
    try:
        return _open(start, repository, revision, folder, options, beside)
    except BaseException:
        if beside is None:
            repository.close()
        raise


def _open(
    start: str,
    repository: Repository,
    revision: str,
    chosen: str | None,
    options: Mapping[str, Any] | None,
    beside: Project | None,
) -> CommittedProject:
    commit = repository.resolve(revision)
    whole = repository.tree(commit, ".")
    inside = repository.folder if chosen is None else join(".", chosen)
    folder = find_root_in(whole, inside) if whole.kind(inside) == "dir" or not chosen else None
    if folder is None and repository.is_bare and not chosen:
        folder = _only_project(whole, revision)
    if folder is None:
        place = "" if inside == "." else f" in '{inside}' or above it"
        raise NoProject(
            f"there is no Pivot project{place} at {revision}",
            hint=_elsewhere(whole, "--project" if chosen or repository.is_bare else "pivot -C")
            or "a folder with .pivot/, .dvc/ or pivot.yaml is one",
        )
    tree = repository.tree(commit, folder)
    root = _root_on_disk(start, repository, folder)
    warnings: list[str] = []
    state = beside.state if beside is not None else _state(start, root, warnings)
    settings, mode = _settings(root, tree, options, state.blobs("settings"))
    seen = repository.seen_from(folder)
    project = CommittedProject(root, settings, mode, state, seen, tree, warnings)
    project.is_guest = beside is not None
    return project


def _settings(
    root: str, tree: RevTree, options: Mapping[str, Any] | None = None, memory: Memory | None = None
) -> tuple[Settings, Mode]:
    """The configuration of a version of the project that lies at `root`, and whose it is."""
    settings = read_settings(root, options, memory=memory, tree=tree)
    mode = find_mode_in(tree, settings["core.mode"])
    if mode == "dvc":
        base = dvc_layers(root, tree=tree)
        settings = read_settings(root, options, memory=memory, base=base, tree=tree)
    return settings, mode


def _root_on_disk(start: str, repository: Repository, folder: str) -> str:
    """Where the project lies in the checkout, or would; in a bare clone a place below it."""
    if repository.is_bare:
        return os.path.normpath(os.path.join(repository.git_dir, folder))
    up = [".."] * len([part for part in repository.folder.split("/") if part != "."])
    top = os.path.normpath(os.path.join(os.path.realpath(start), *up))
    return os.path.normpath(os.path.join(top, folder))


def _state(start: str, root: str, warnings: list[str]) -> State:
    scratch = os.path.join(root, SCRATCH)
    found = find_root(start) if os.path.isdir(root) else None
    if found is not None and os.path.realpath(found) == root:
        path = state_path(root, scratch)
        return State(path, warn=warnings.append, prepare=lambda: init_files(root))
    # not ours to write to: a bare clone, or a checkout in which there is no such project
    return State(user_state_path(root), warn=warnings.append)


def _only_project(tree: RevTree, revision: str) -> str | None:
    """The one project below the top; None where there is none."""
    found = projects_in(tree)
    if len(found) > 1:
        raise PivotError(
            f"there are {len(found)} projects at {revision}: {listed_projects(found)}",
            hint="say which with `--project FOLDER`",
        )
    return found[0] if found else None


def _elsewhere(tree: RevTree, option: str) -> str | None:
    """Where in the repository there are projects, and how to name one; None without any."""
    found = projects_in(tree)
    return f"there are projects: {listed_projects(found)}; `{option} FOLDER`" if found else None
