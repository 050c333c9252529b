"""`track` (= `add`) and `untrack`: data with a record of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from .opening import opened
from .output import note, say


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("track")(track)
    app.command("add", hidden=True)(track)
    app.command("untrack")(untrack)


def track(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files or folders.")],
    desc: str | None = typer.Option(None, "--desc", metavar="TEXT", help="What the data is."),
) -> None:
    """Put data into the cache, with a record of it for git."""
    from ..commands import tracking

    with opened(exclusive=True, partial=True) as session:
        done = tracking.track(session, tuple(paths), desc=desc)
    for tracked in done:
        if tracked.changed:
            note(f"wrote {tracked.record}")
    changed = sum(tracked.changed for tracked in done)
    say(f"{changed} recorded, {len(done) - changed} unchanged.")


def untrack(
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET...", help="Tracked data, or their records.")
    ],
) -> None:
    """Remove records; the data stays where it is."""
    from ..commands import tracking

    with opened(exclusive=True, partial=True) as session:
        removed = tracking.untrack(session, tuple(targets))
    for file in removed:
        note(f"removed {file.name}; {file.path} stays")
