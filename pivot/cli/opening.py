"""Opens the project for a command, and tells what people should know about it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .output import note

if TYPE_CHECKING:
    from ..commands.session import Session


@contextmanager
def opened(
    overrides: Sequence[str] | None = None, *, exclusive: bool = False, wait: bool = True
) -> Iterator[Session]:
    """The project around the current folder; `exclusive` for what writes.

    Says on stderr whom it waits for, what a run that died left behind, and what is wrong with
    the place (a state database that cannot be kept, for one), each once.
    """
    from ..commands.session import Request, Session

    request = Request(os.getcwd(), tuple(overrides or ()))
    with Session(request, exclusive=exclusive, wait=wait, on_wait=note) as session:
        for remark in session.recovered:
            note(remark)
        yield session
    for warning in dict.fromkeys(session.project.warnings):
        note(f"warning: {warning}")


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
