"""Places that no data may have: those where git, Pivot and DVC keep what is their own."""

from __future__ import annotations

from collections.abc import Iterable

from ..tree import is_within
from .discovery import DVC_FILE, PIVOT_FILE

_FOLDERS = (".git", ".pivot", ".dvc")
_NAMES = {
    PIVOT_FILE: "the name of a pipeline file",
    DVC_FILE: "the name of a pipeline file",
    "dvc.lock": "the lock of a dvc.yaml",
}


def reserved(path: str, files: Iterable[str], *, as_dvc: bool) -> str | None:
    """What there is at a path already, or is to be, that data there would destroy; else None.

    `files` are the pipeline files; paths are seen from the project. For DVC (`as_dvc`) the name of
    a Pivot record is one as any other.
    """
    if path == ".":
        return "the project folder itself"
    if holds_project(path):
        return "a folder around the project"
    kept = reserved_folder(path)
    if kept is not None:
        return kept
    if path in files:
        return "the pipeline file that describes it"
    name = path.rpartition("/")[2]
    if name in _NAMES and not (as_dvc and name == "dvc.lock"):  # DVC takes it where git has none
        return _NAMES[name]
    if name.endswith(".dvc" if as_dvc else (".dvc", ".pvt")):
        return "the name of a record of tracked data"
    inside = next((file for file in files if is_within(file, path)), None)
    return f"the folder of the pipeline file {inside}" if inside else None


def reserved_folder(path: str) -> str | None:
    """What the folder is for, of git's, Pivot's or DVC's own, that a path is or lies in."""
    if "." not in path or "://" in path:
        return None
    for name in path.split("/"):
        if name.lower() in _FOLDERS:  # some file systems do not tell .GIT from .git
            return f"what {name}/ is kept for"
    return None


def holds_project(path: str) -> bool:
    """Whether the path is the project folder, or leads up from it and nowhere down again."""
    return path == "." or path.replace("../", "") == ".."
