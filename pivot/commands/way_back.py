"""The way back from a migration: what has to be committed for it, and its commands."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ..errors import PivotError
from ..project import find_git

if TYPE_CHECKING:
    from .migrate import Migration

_LOCAL = ".pivot/config.local.yaml"


def uncommitted(migration: Migration) -> list[str]:
    """What git could not bring back: tracked files with edits, and files to go that it has not."""
    git = find_git(migration.root)
    if git is None:
        return []
    touched = [*migration.removes, *(p for p in migration.replaced if not p.startswith(".pivot/"))]
    return sorted({*git.changed(), *touched} - (git.tracked(touched) - set(git.changed())))


def lacking(migration: Migration) -> PivotError | None:
    """The error of a migration from which there would be no way back; None where there is one."""
    found = [] if migration.is_rest else uncommitted(migration)
    if not found:
        return None
    listed = ", ".join(f"'{path}'" for path in found[:5]) + (", ..." if len(found) > 5 else "")
    if len(found) == 1:
        what = "a file is not committed as it is"
    else:
        what = f"{len(found)} files are not committed as they are"
    return PivotError(
        f"{what} on disk, so that no way would lead back: {listed}",
        hint="commit first; `--force` goes on without",
    )


def undo_text(migration: Migration) -> str:
    """How to take a migration back, in commands; later edits of other files stay."""
    lines = []
    folders = sorted({os.path.dirname(old) for old, _ in migration.moves})
    is_older = _LOCAL in migration.replaced or _LOCAL not in migration.writes
    aside = is_older and os.path.exists(f"{migration.root}/{_LOCAL}")
    if aside:
        folders = folders or [".dvc"]
    if folders:
        lines.append(f"mkdir -p {_words(folders)}")
    lines += [f"mv {_words([new, old])}" for old, new in migration.moves]
    git = find_git(migration.root)
    if git is None:
        lines.append("restore dvc.yaml, dvc.lock, .dvc files and .dvc/ from your backup")
        return "\n".join(lines)
    made = [
        path
        for path in migration.writes
        if not path.startswith(".pivot/") and path not in migration.replaced
    ]
    if aside:
        lines.append(f"mv {_LOCAL} .dvc/pivot.local.yaml")
    lines.append(f"rm -r {_words(['.pivot', *made])}")
    if aside:
        lines += ["mkdir .pivot", f"mv .dvc/pivot.local.yaml {_LOCAL}"]
    gone = [*migration.removes, *migration.replaced, ".pivot"]
    tracked = git.tracked(gone)
    kept = [p for p in gone if p in tracked and (p == ".pivot" or not p.startswith(".pivot/"))]
    if kept:
        lines.append(f"git restore {_words(kept)}")
    if migration.links:
        lines.append("dvc checkout")  # the links lead to where the cache was
    return "\n".join(lines)


def _words(paths: list[str]) -> str:
    return " ".join(map(shlex.quote, paths))
