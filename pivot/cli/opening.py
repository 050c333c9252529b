"""Opens the project for a command, and tells what people should know about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .output import note, styled

if TYPE_CHECKING:
    from ..commands.session import Session
    from ..errors import PivotError


@contextmanager
def opened(
    overrides: Sequence[str] | None = None,
    *,
    exclusive: bool = False,
    wait: bool = True,
    partial: bool = False,
    rev: str | None = None,
    folder: str | None = None,
) -> Iterator[Session]:
    """The project around the current folder; `exclusive` for what writes.

    With `rev`, for what only looks, as that revision has it (in `folder` of the repository).

    Says on stderr whom it waits for, what a run that died left behind, and what is wrong with
    the place (a state database that cannot be kept, for one), each once. So it does of files that
    a `partial` command left out since they are broken.
    """
    from ..commands.session import Request, Session
    from ..errors import PivotError, raise_all

    request = Request(os.getcwd(), tuple(overrides or ()), partial=partial)
    session: Session
    if rev is not None:
        from ..commands.committed import CommittedSession

        session = CommittedSession(request, rev, folder=folder)
    elif folder is not None:
        raise PivotError("--project is for revisions", hint="add `--rev`, or use `-C FOLDER`")
    else:
        session = Session(request, exclusive=exclusive, wait=wait, on_wait=note)
    with session:
        for remark in session.recovered:
            note(remark)
        try:
            yield session
        except BaseException:
            if not session.told:  # else that is the error
                _tell_broken(session)
            raise
        # the answer is given, and not whole: the exit code tells
        raise_all([problem.error for problem in session.lacks])
        _tell_broken(session)
        if not session.space.pipeline.stages:
            for remark in session.space.pipeline.notes:
                note(remark)
    for warning in dict.fromkeys(session.project.warnings):
        note(f"warning: {warning}")


def _tell_broken(session: Session) -> None:
    """What was left out, with its place; what a command was refused for is its error already."""
    problems = [p for p in session.space.pipeline.problems if p not in session.told]
    for problem in problems:
        error = problem.error
        note(f"{styled('left out:', 'yellow')} {error.where}: {error.message}")
        if error.hint:
            note(f"  {error.hint}")


def may_write() -> bool:
    """Whether the project around the current folder may be written to, by a look at its folder."""
    from ..project import find_root

    root = find_root(os.getcwd())
    if root is None:
        return True  # that is another error
    scratch = os.path.join(root, ".pivot")
    return os.access(scratch if os.path.isdir(scratch) else root, os.W_OK)


def cannot_write(session: Session) -> PivotError:
    """The error of a command that has something to do in a project that may only be read."""
    from ..errors import StoreError

    root = session.project.root
    is_mounted_so = os.statvfs(root).f_flag & os.ST_RDONLY
    why = "read-only file system" if is_mounted_so else "permission denied"
    return StoreError(
        f"the project in '{root}' may only be read ({why}), and there is something to do",
        hint="`pivot status` says what; work in a copy, or where you may write",
    )


@contextmanager
def metered(session: Session) -> Iterator[None]:
    """While this lasts, a terminal is told how much has been hashed, where that takes long."""
    if not sys.stderr.isatty():
        yield
        return
    from .meter import Meter

    meter = Meter(draws=True)
    observer = session.space.observer
    before, observer.progress = observer.progress, meter
    try:
        yield
    finally:
        observer.progress = before
        meter.yield_line()
