"""The project on disk: its root, configuration, work tree, git, and what was learned of it."""

from typing import TYPE_CHECKING, Any

from .configuration import config_path, read_settings
from .distributions import InstalledDistributions
from .dvc_config import dvc_config_files
from .editing import unset_setting, write_setting
from .git import Git, find_git
from .ignore import GitIgnore
from .interpreter import Interpreter
from .lock import ProjectLock, is_busy
from .observer import Noting, Observer
from .project import Project, cache_folders, interpreter, open_project
from .root import find_mode, find_root, git_folder, holds_pipeline, init_files, require_root
from .state import Entries, State
from .worktree import WorkTree

if TYPE_CHECKING:
    from .revisions import Repository, open_repository
    from .revtree import RevTree

#: Imported on first use: most commands look at no revision.
_LATE = {"Repository": "revisions", "open_repository": "revisions", "RevTree": "revtree"}

__all__ = [
    "Entries",
    "Git",
    "GitIgnore",
    "InstalledDistributions",
    "Interpreter",
    "Noting",
    "Observer",
    "Project",
    "ProjectLock",
    "Repository",
    "RevTree",
    "State",
    "WorkTree",
    "cache_folders",
    "config_path",
    "dvc_config_files",
    "find_git",
    "find_mode",
    "find_root",
    "git_folder",
    "holds_pipeline",
    "init_files",
    "interpreter",
    "is_busy",
    "open_project",
    "open_repository",
    "read_settings",
    "require_root",
    "unset_setting",
    "write_setting",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("." + _LATE[name], __name__), name)
