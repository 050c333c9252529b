"""Where a project begins, what kind it is, and the files that Pivot itself keeps in it."""

from __future__ import annotations

import os
from typing import Literal

from ..disk import explain
from ..errors import ConfigError, PivotError, Where

Mode = Literal["pivot", "dvc"]

SCRATCH = ".pivot"
PIPELINE = "pivot.yaml"

_IGNORED = ("/cache", "/config.local.yaml", "/logs", "/state.db*", "/tmp")  # noqa: S108 (patterns)


def find_root(start: str) -> str | None:
    """The project that folder `start` lies in; None where it lies in none.

    Looked for upwards, to the git repository's root where there is one: the nearest folder with
    `.pivot/` or `.dvc/`; without these the outermost one with `pivot.yaml`, since a nested
    pivot.yaml is part of the project around it.
    """
    outermost: str | None = None
    folder = os.path.abspath(start)
    while True:
        if os.path.isdir(f"{folder}/{SCRATCH}") or os.path.isdir(f"{folder}/.dvc"):
            return folder
        if os.path.isfile(f"{folder}/{PIPELINE}"):
            outermost = folder
        parent = os.path.dirname(folder)
        # a file in a worktree or submodule, a folder elsewhere
        if parent == folder or os.path.lexists(f"{folder}/.git"):
            return outermost
        folder = parent


def require_root(start: str) -> str:
    """As `find_root`. Raises PivotError where there is no project."""
    root = find_root(start)
    if root is None:
        folder = os.path.abspath(start)
        problem = _unusable(os.path.join(folder, PIPELINE))
        if problem:
            raise PivotError(problem, where=Where(PIPELINE))
        hint = "make one with `pivot init`"
        if os.path.isfile(f"{folder}/dvc.yaml"):
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
    if chosen in ("pivot", "dvc"):
        return "pivot" if chosen == "pivot" else "dvc"
    ours = [
        name
        for name in (PIPELINE, f"{SCRATCH}/config.yaml")
        if os.path.isfile(os.path.join(root, name))
    ]
    if not os.path.isdir(f"{root}/.dvc"):
        return "pivot"
    if not ours:
        return "dvc"
    raise ConfigError(
        f"this project is both Pivot's ({ours[0]}) and DVC's (.dvc/)",
        hint="say which with `pivot config set core.mode pivot` (or `dvc`)",
        where=Where(ours[0]),
    )


def init_files(root: str) -> tuple[str, ...]:
    """Make `.pivot/` and its `.gitignore`; the project-relative paths of what was made.

    Never overwrites: lines that an existing `.gitignore` lacks are appended to it. Raises
    StoreError where the folder cannot be written.
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
        if not lacking:
            return ()
        with open(path, "a", encoding="utf-8") as stream:
            stream.write("\n" if before and not before.endswith("\n") else "")
            stream.write("".join(f"{line}\n" for line in lacking))
    except OSError as error:
        raise explain(error, "write", path) from None
    return (f"{SCRATCH}/.gitignore",)
