"""Where a project begins, what kind it is, and the files that Pivot itself keeps in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

from ..disk import explain
from ..errors import ConfigError, PivotError, Where
from ..tree import Tree, join, parent

Mode = Literal["pivot", "dvc"]

SCRATCH = ".pivot"
PIPELINE = "pivot.yaml"
PROGRAM = "pipeline.py"
#: What makes a folder DVC's: without it, `.dvc/` may be what a migration left in a clone.
DVC_CONFIG = ".dvc/config"
#: In the `.gitignore` of `.pivot/` while the project is DVC's, so that readers leave git clean.
SELF_IGNORED = "/.gitignore"

#: So deep below a folder, and among so many folders, projects are looked for to be named.
_MOST_DEPTH = 4
_MOST_FOLDERS = 2000
_FEW = 5

#: The commands that need no work tree; every other one does.
_IN_BARE = (
    "`status`, `list`, `dag`, `explain`, `verify` and `fingerprint show` take `--rev REV`, and "
    "comparisons two revisions; the others need a work tree: clone it"
)
_IGNORED = ("/cache", "/config.local.yaml", "/logs", "/state.db*", "/tmp")  # noqa: S108 (patterns)


def find_root(start: str) -> str | None:
    """The project that folder `start` lies in; None where it lies in none.

    Looked for upwards, to the git repository's root where there is one: the nearest folder with
    `.pivot/` or `.dvc/config`; without these the outermost one with `pivot.yaml`, or a pipeline in
    Python, since a nested pivot.yaml is part of the project around it; else one with `.dvc/`.
    """
    return _nearest(_up_to_git(os.path.abspath(start)), os.path.isdir, os.path.isfile, _read)


def find_root_in(tree: Tree, folder: str) -> str | None:
    """As `find_root`, in a tree of all the repository, for a folder of it ('.' the top)."""
    return _nearest(
        _up(folder),
        lambda path: tree.kind(join(".", path)) == "dir",
        lambda path: tree.kind(join(".", path)) == "file",
        lambda path: tree.read(join(".", path)),
    )


def projects_below(start: str) -> list[str]:
    """The projects in folder `start` and below it, as paths seen from it ('.' itself).

    What lies inside of one is part of it. Neither hidden folders nor links are followed.
    """

    def inner(folder: str) -> list[str]:
        try:
            with os.scandir(join_disk(folder)) as entries:
                return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []

    def join_disk(path: str) -> str:
        return os.path.normpath(os.path.join(start, path))

    return _all_below(
        inner,
        lambda path: os.path.isdir(join_disk(path)),
        lambda path: os.path.isfile(join_disk(path)),
        lambda path: _read(join_disk(path)),
    )


def projects_in(tree: Tree) -> list[str]:
    """As `projects_below`, in a tree of all the repository."""
    return _all_below(
        lambda folder: [name for name, is_dir in tree.list(folder) if is_dir],
        lambda path: tree.kind(join(".", path)) == "dir",
        lambda path: tree.kind(join(".", path)) == "file",
        lambda path: tree.read(join(".", path)),
    )


def listed_projects(folders: Sequence[str]) -> str:
    """A few of the folders, to be named in a message."""
    shown = ", ".join(f"'{folder}'" for folder in folders[:_FEW])
    return f"{shown} and {len(folders) - _FEW} more" if len(folders) > _FEW else shown


def _all_below(
    inner: Callable[[str], list[str]],
    is_dir: Callable[[str], bool],
    is_file: Callable[[str], bool],
    read: Callable[[str], bytes | None],
) -> list[str]:
    found: list[str] = []
    pending = [(".", 0)]
    for folder, depth in pending:  # grows meanwhile
        if _nearest([folder], is_dir, is_file, read) is not None:
            found.append(folder)
        elif depth < _MOST_DEPTH and len(pending) < _MOST_FOLDERS:
            below = (join(folder, name) for name in inner(folder) if name[:1] != ".")
            pending += [(path, depth + 1) for path in below]
    return sorted(found)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def _nearest(
    folders: Iterable[str],
    is_dir: Callable[[str], bool],
    is_file: Callable[[str], bool],
    read: Callable[[str], bytes | None],
) -> str | None:
    outermost = bare = None
    for folder in folders:
        if is_dir(f"{folder}/{SCRATCH}"):
            return folder
        if is_dir(f"{folder}/.dvc"):
            if is_file(f"{folder}/{DVC_CONFIG}"):
                return folder
            bare = bare or folder
        if is_file(f"{folder}/{PIPELINE}") or _holds_python(folder, is_file, read):
            outermost = folder
    return outermost or bare


def holds_pipeline(folder: str) -> bool:
    """Whether there is a pipeline that a pivot.yaml would take the place of, or be hidden by."""
    is_dvcs = os.path.lexists(f"{folder}/dvc.yaml")
    return is_dvcs or _holds_python(folder, os.path.isfile, _read)


def _holds_python(
    folder: str, is_file: Callable[[str], bool], read: Callable[[str], bytes | None]
) -> bool:
    """Whether a pipeline in Python makes a folder a project: of that name, or named by another."""
    program, named = f"{folder}/{PROGRAM}", f"{folder}/pyproject.toml"
    if is_file(program):
        from ..config.discovery import imports_us  # only where there is such a file

        if imports_us(read(program) or b""):
            return True
    return is_file(named) and b"[tool.pivot]" in (read(named) or b"")


def _up_to_git(folder: str) -> Iterator[str]:
    while True:
        yield folder
        above = os.path.dirname(folder)
        # a file in a worktree or submodule, a folder elsewhere
        if above == folder or os.path.lexists(f"{folder}/.git"):
            return
        folder = above


def _up(folder: str) -> Iterator[str]:
    yield folder
    while folder != ".":
        folder = parent(folder)
        yield folder


def git_folder(start: str) -> str | None:
    """The folder of git's own that `start` lies in: a bare repository, or a `.git`; else None."""
    folder = os.path.abspath(start)
    while True:
        parts = [f"{folder}/{name}" for name in ("HEAD", "objects", "refs")]
        if all(map(os.path.exists, parts)) and os.path.isdir(parts[1]):
            return folder
        above = os.path.dirname(folder)
        if above == folder or os.path.lexists(f"{folder}/.git"):
            return None
        folder = above


def repository_folder(start: str) -> str | None:
    """The git repository, bare or with a work tree, that folder `start` lies in; None: in none."""
    *_, last = _up_to_git(os.path.abspath(start))
    return last if os.path.lexists(f"{last}/.git") else git_folder(start)


def require_root(start: str) -> str:
    """As `find_root`. Raises PivotError where there is no project."""
    root = find_root(start)
    if root is None:
        folder = os.path.abspath(start)
        problem = _unusable(os.path.join(folder, PIPELINE))
        if problem:
            raise PivotError(problem, where=Where(PIPELINE))
        if git_folder(folder) is not None:
            raise PivotError(
                f"'{folder}' lies in a bare repository, and there are no files to work with",
                hint=_IN_BARE,
            )
        below = projects_below(folder)
        hint = "make one with `pivot init`"
        if below:
            hint = f"there are projects below it: {listed_projects(below)}; `pivot -C FOLDER ...`"
        elif os.path.isfile(f"{folder}/dvc.yaml"):
            hint += "; its dvc.yaml is read as it is"
        raise PivotError(f"there is no Pivot project in '{folder}' or above it", hint=hint)
    return root


def _unusable(path: str) -> str | None:
    """Why what lies at `path` is no file that can be read; None where nothing does."""
    if os.path.isdir(path):
        return "this is a folder, where a file is needed"
    if os.path.islink(path) and not os.path.exists(path):
        return f"this is a symbolic link to '{os.readlink(path)}', which leads nowhere"
    return "this is no regular file" if os.path.lexists(path) else None


def find_mode(root: str, chosen: str | None) -> Mode:
    """Whether the project is Pivot's or DVC's; `chosen` is `core.mode`.

    Raises ConfigError where both are there and nothing says which is meant.
    """
    return _mode(
        chosen,
        lambda path: os.path.isfile(f"{root}/{path}"),
        lambda path: os.path.isdir(f"{root}/{path}"),
    )


def find_mode_in(tree: Tree, chosen: str | None) -> Mode:
    """As `find_mode`, of a project that is a tree."""
    return _mode(
        chosen, lambda path: tree.kind(path) == "file", lambda path: tree.kind(path) == "dir"
    )


def _mode(
    chosen: str | None, is_file: Callable[[str], bool], is_dir: Callable[[str], bool]
) -> Mode:
    if chosen in ("pivot", "dvc"):
        return "pivot" if chosen == "pivot" else "dvc"
    if not is_dir(".dvc"):
        return "pivot"
    ours = [name for name in (PIPELINE, f"{SCRATCH}/config.yaml") if is_file(name)]
    if not ours:
        return "dvc"
    if not is_file(DVC_CONFIG):
        return "pivot"  # leftovers of what was DVC's once
    raise ConfigError(
        f"this project is both Pivot's ({ours[0]}) and DVC's ({DVC_CONFIG})",
        hint="say which with `pivot config set core.mode pivot` (or `dvc`)",
        where=Where(ours[0]),
    )


def init_files(root: str) -> tuple[str, ...]:
    """Make `.pivot/` and its `.gitignore`; the project-relative paths of what was made.

    In a project of DVC's alone the `.gitignore` names itself too, so that looking at it is no
    change; nothing of Pivot's is committed there but locks. Never overwrites: lines that an
    existing `.gitignore` lacks are appended to it. Raises StoreError where the folder cannot be
    written.
    """
    folder = os.path.join(root, SCRATCH)
    path = os.path.join(folder, ".gitignore")
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise PivotError(
            "this is a file, where Pivot keeps a folder",
            hint="move it away",
            where=Where(SCRATCH),
        )
    try:
        os.makedirs(folder, exist_ok=True)
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as stream:
                before = stream.read()
        except FileNotFoundError:
            before = ""
        present = {line.strip() for line in before.splitlines()}
        lacking = [line for line in _IGNORED if line not in present]
        if not os.path.exists(path) and _is_only_dvcs(root):
            lacking.append(SELF_IGNORED)
        if not lacking:
            return ()
        with open(path, "a", encoding="utf-8") as stream:
            stream.write("\n" if before and not before.endswith("\n") else "")
            stream.write("".join(f"{line}\n" for line in lacking))
    except OSError as error:
        raise explain(error, "write", path) from None
    return (f"{SCRATCH}/.gitignore",)


def _is_only_dvcs(root: str) -> bool:
    is_dvcs = os.path.isfile(f"{root}/{DVC_CONFIG}")
    return is_dvcs and not any(
        os.path.lexists(f"{root}/{name}") for name in (PIPELINE, f"{SCRATCH}/config.yaml")
    )
