"""`logs`: what a stage printed when it last ran."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..errors import PivotError
from ..graph import Selection
from ..run.logs import follow as follow_log
from ..run.logs import log_path, tail
from .selecting import named
from .session import Session


def named_stage(session: Session, target: str) -> str:
    """The one stage that `target` means. Raises PivotError."""
    names = named(session, Selection((target,), session.cwd)).stages
    if len(names) > 1:
        raise PivotError(
            f"'{target}' means {len(names)} stages", hint=f"name one of them: {', '.join(names)}"
        )
    if not names:
        raise PivotError(f"'{target}' names data, which no stage makes")
    return names[0]


def read_log(
    session: Session, stage: str, *, lines: int | None = None, follow: bool = False
) -> Iterator[bytes]:
    """Pieces of a stage's log: all of it, or its last `lines`; with `follow`, what comes after.

    Raises PivotError where it has never run here.
    """
    path = log_path(session.project.root, stage)
    if not os.path.exists(path) and not follow:
        raise PivotError(f"stage '{stage}' has no log", hint="it has not run in this work tree yet")
    return _pieces(path, lines, follow)


def _pieces(path: str, lines: int | None, follow: bool) -> Iterator[bytes]:
    if lines is not None and os.path.exists(path):
        yield tail(path, lines).encode()
        if follow:
            yield from follow_log(path, start=os.path.getsize(path))
        return
    if follow:
        yield from follow_log(path)
        return
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 16):
            yield piece
