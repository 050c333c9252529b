"""The project on disk, opened: everything a command needs to look at it, made when first asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, PivotError
from ..settings import Settings
from ..tree import Tree
from .configuration import Memory, read_settings
from .distributions import InstalledDistributions
from .dvc_config import dvc_layers
from .dvcignore import DvcIgnore
from .git import Git, find_git
from .ignore import GitIgnore
from .interpreter import Interpreter, find_interpreter, inspect_interpreter
from .lock import ProjectLock
from .neighbour import Neighbour
from .observer import Observer
from .place import state_path
from .root import SCRATCH, Mode, find_mode, init_files, require_root
from .state import State
from .worktree import WorkTree

if TYPE_CHECKING:
    from .revisions import Repository


class Project:
    """A project root with its settings and state. Opening and reading it writes nothing outside
    `.pivot/`, and works where nothing can be written at all; `close` keeps what was learned."""

    #: The commit that it is seen at (`committed`); None for what lies on disk.
    commit: str | None = None

    def __init__(
        self,
        root: str,
        settings: Settings,
        mode: Mode,
        state: State,
        warnings: list[str] | None = None,
    ) -> None:
        self.root = root
        self.warnings: list[str] = [] if warnings is None else warnings  # to be shown once
        self.settings = settings
        self.mode: Mode = mode
        self.state = state
        self.scratch = os.path.join(root, SCRATCH)
        self.tree: Tree = WorkTree(root)

    @property
    def cache_dir(self) -> str:
        """The absolute cache folder: `cache.dir` (relative to the root), else the usual one."""
        return _cache_dir(self.root, self.settings, self.mode)

    @property
    def former_cache(self) -> str | None:
        """DVC's own cache where the project was DVC's once: a clone that saw no migration run."""
        former = os.path.join(self.root, ".dvc", "cache")
        return former if former != self.cache_dir and os.path.isdir(former) else None

    @property
    def records_dir(self) -> str:
        """The folder of run records and code tables: the cache, unless that is DVC's own."""
        return os.path.join(self.root, SCRATCH, "cache") if self.mode == "dvc" else self.cache_dir

    @property
    def algorithm(self) -> str:
        """The hash that names objects: `core.hash`, and always md5 in a DVC project."""
        return "md5" if self.mode == "dvc" else str(self.settings["core.hash"])

    @property
    def jobs(self) -> int:
        """Stages run at a time: `core.jobs`, else one in a DVC project, else one a core."""
        chosen = self.settings["core.jobs"]
        if chosen:
            return int(chosen)
        return 1 if self.mode == "dvc" else os.cpu_count() or 1

    @cached_property
    def observer(self) -> Observer:
        skip = self.ignored.ignores if self.ignored else None
        return Observer(self.root, self.state, self.algorithm, cache=self.cache_dir, skip=skip)

    @cached_property
    def legacy_observer(self) -> Observer:
        """Digests as DVC made them before version 3, for comparing with what it wrote then."""
        skip = self.ignored.ignores if self.ignored else None
        return Observer(self.root, self.state, "md5-dos2unix", cache=self.cache_dir, skip=skip)

    @cached_property
    def ignored(self) -> DvcIgnore | None:
        """What .dvcignore says, in a DVC project and in one that was."""
        is_ruled = self.mode == "dvc" or self.tree.kind(".dvcignore") == "file"
        return DvcIgnore(self.tree, self.root) if is_ruled else None

    @cached_property
    def git(self) -> Git | None:
        """The repository around the project; None without one."""
        return find_git(self.root)

    @cached_property
    def repository(self) -> Repository:
        """What is committed there. Raises PivotError without a repository."""
        from .revisions import open_repository  # only what looks at revisions needs it

        return open_repository(self.root)

    @cached_property
    def gitignore(self) -> GitIgnore:
        return GitIgnore(self.root, self.git)

    @cached_property
    def interpreter(self) -> Interpreter:
        """The Python that runs stages, with what it says of itself. Raises ConfigError."""
        return inspect_interpreter(interpreter(self), self.state.blobs("interpreters"))

    @cached_property
    def distributions(self) -> InstalledDistributions:
        """What is installed for that Python."""
        folders = self.interpreter.site_packages
        return InstalledDistributions(folders, self.state.blobs("distributions"))

    def lock(self, command: Sequence[str] | None = None) -> ProjectLock:
        """The lock that every writing command holds; `.pivot/` is there and ignored after.

        Raises StoreError where the project cannot be written.
        """
        init_files(self.root)
        return ProjectLock(os.path.join(self.scratch, "tmp", "lock"), command)

    @cached_property
    def neighbour(self) -> Neighbour | None:
        """DVC's own locks, in a DVC project."""
        if self.mode != "dvc":
            return None
        links = bool(self.settings["core.hardlink_lock"])
        return Neighbour(self.root, " ".join(sys.argv), links=links)

    def close(self) -> None:
        """Keep what was learned for the next run."""
        if "observer" in self.__dict__:
            self.observer.settle()
        if "legacy_observer" in self.__dict__:
            self.legacy_observer.settle()
        if "repository" in self.__dict__:
            self.repository.close()
        self.state.close()


def open_project(start: str, *, options: Mapping[str, Any] | None = None) -> Project:
    """The project that folder `start` lies in; `options` override its configuration.

    Raises PivotError where there is none (with the hint `pivot init`) or where it is not clear
    whether it is Pivot's or DVC's, ConfigError where its configuration cannot be used.
    """
    root = require_root(start)
    warnings: list[str] = []
    state = State(
        state_path(root, os.path.join(root, SCRATCH)),
        warn=warnings.append,
        prepare=lambda: init_files(root),
    )
    settings, mode = settings_at(root, options, memory=state.blobs("settings"))
    return Project(root, settings, mode, state, warnings)


def settings_at(
    root: str, options: Mapping[str, Any] | None = None, *, memory: Memory | None = None
) -> tuple[Settings, Mode]:
    """The effective configuration of the project at `root`, and whose it is. Raises ConfigError."""
    settings = read_settings(root, options, memory=memory)
    mode = find_mode(root, settings["core.mode"])
    if mode == "dvc":
        settings = read_settings(root, options, memory=memory, base=dvc_layers(root))
    return settings, mode


def _cache_dir(root: str, settings: Settings, mode: Mode) -> str:
    chosen = settings["cache.dir"]
    if chosen:
        return os.path.normpath(os.path.join(root, os.path.expanduser(chosen)))
    return os.path.join(root, ".dvc" if mode == "dvc" else SCRATCH, "cache")


def cache_folders(root: str) -> list[str]:
    """Where the project at `root` may have objects: as it is configured today, and as usual."""
    usual = [f"{root}/{SCRATCH}/cache", f"{root}/.dvc/cache"]
    try:
        settings, mode = settings_at(root)
    except PivotError:
        return usual  # it is another project's, which may be in the middle of something
    return [_cache_dir(root, settings, mode), *usual]


def interpreter(project: Project) -> str:
    """The path of the Python that runs the project's stages. Raises ConfigError."""
    configured = project.settings["core.python"]
    origin = project.settings.origins.get("core.python")
    if configured is not None and not isinstance(configured, str):
        raise ConfigError(f"core.python takes a path, not {configured!r}")
    return find_interpreter(project.root, configured, origin=origin)
