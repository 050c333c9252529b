"""`doctor`: what Pivot found on this machine and in this project."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .. import __version__
from ..errors import PivotError
from ..project import find_root
from .session import Request, Session


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "warning", "error"]
    detail: str


def examine(cwd: str) -> list[Finding]:
    """Look at everything a run needs. Never raises for what is wrong with the project."""
    version = ".".join(map(str, sys.version_info[:3]))
    found = [Finding("pivot", "ok", f"{__version__}, run by Python {version} ({sys.executable})")]
    root = find_root(cwd)
    if root is None:
        found.append(
            Finding("project", "error", f"none found from {cwd} upwards; `pivot init` makes one")
        )
        return found
    found.append(Finding("project", "ok", root))
    try:
        with Session(Request(cwd)) as session:
            found += [look(session) for look in _LOOKS]
    except PivotError as error:
        found.append(Finding("pipeline", "error", str(error)))
    return found


def _stages(session: Session) -> Finding:
    pipeline = session.space.pipeline
    files = ", ".join(pipeline.files) or "no pipeline file"
    state: Literal["ok", "warning"] = "ok" if pipeline.stages else "warning"
    return Finding("pipeline", state, f"{len(pipeline.stages)} stages in {files}")


def _signatures(session: Session) -> Finding:
    try:
        session.check_signatures()
    except PivotError as error:
        return Finding("functions", "error", str(error))
    return Finding("functions", "ok", "every python stage finds its function and its parameters")


def _interpreter(session: Session) -> Finding:
    try:
        return Finding("interpreter of stages", "ok", session.python)
    except PivotError as error:
        return Finding("interpreter of stages", "error", str(error))


def _git(session: Session) -> Finding:
    if session.project.git is None:
        return Finding("git", "warning", "not a git repository; comparing revisions needs one")
    if shutil.which("git") is None:
        return Finding("git", "warning", "a git repository, but no git on the path")
    return Finding("git", "ok", session.project.git.root)


def _cache(session: Session) -> Finding:
    folder = session.project.cache_dir
    above = folder
    while not os.path.exists(above):
        above = os.path.dirname(above)
    if not os.access(above, os.W_OK):
        return Finding("cache", "error", f"{folder} cannot be written to")
    free = shutil.disk_usage(above).free
    state: Literal["ok", "warning"] = "warning" if free < 1 << 30 else "ok"
    return Finding("cache", state, f"{folder}, {free / (1 << 30):.1f} GiB free")


def _state(session: Session) -> Finding:
    if session.project.warnings:
        return Finding("state database", "warning", "; ".join(session.project.warnings))
    path = session.project.state.path
    above = path or ""
    while above and not os.path.exists(above):
        above = os.path.dirname(above)
    if path is None or not os.access(above, os.W_OK):
        detail = f"{path} cannot be written; nothing is wrong with results, but files are read anew"
        return Finding("state database", "warning", detail)
    return Finding("state database", "ok", "usable")


def _orphans(session: Session) -> Finding:
    orphans = session.space.locks.orphans()
    if orphans:
        return Finding("locks", "warning", f"of no stage: {', '.join(orphans)}")
    return Finding("locks", "ok", f"{len(session.space.pipeline.stages)} stages looked at")


_LOOKS: tuple[Callable[[Session], Finding], ...] = (
    _stages,
    _signatures,
    _interpreter,
    _git,
    _cache,
    _state,
    _orphans,
)
