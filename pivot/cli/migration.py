"""`migrate` and `export`: from DVC to Pivot, and the other way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from .opening import opened
from .output import counted, note, say

if TYPE_CHECKING:
    from ..commands.migrate import Migration


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("migrate")(migrate)
    app.command("export")(export)


def migrate(
    dry_run: bool = typer.Option(
        False, "-n", "--dry-run", "--dry", help="Print what would change; change nothing."
    ),
    force: bool = typer.Option(
        False, "-f", "--force", help="Go on where files are not committed as they are."
    ),
) -> None:
    """Make this DVC project a Pivot project, with its results, cache and comments.

    In a clone that has pulled a migration it brings over the cache and settings of the clone.
    """
    from ..commands import migrate as use_case
    from ..commands import way_back

    use_case.require_place(os.getcwd())
    if dry_run:
        with opened() as session:
            planned = use_case.plan_migration(session)
        say(planned.diff())
        locks, stages = _locks(planned), counted(planned.stages, "stage")
        note(f"would write {locks} for {stages}; nothing was changed")
        _remark(planned)
        refused = way_back.lacking(planned)
        if refused is not None and not force:
            note(f"would be refused: {refused.message}; {refused.hint}")
        return
    with opened(exclusive=True) as session:
        done = use_case.migrate(session, force=force)
    _remark(done)
    if done.is_rest:
        say("This clone has followed the migration, with its own cache and settings.")
        return
    stages = counted(done.stages, "stage")
    say(f"This is a Pivot project now: {stages}, {_locks(done)} carried over.")
    note("next: `pivot status`, then commit (`git add -A`); to take it back before that:")
    for line in way_back.undo_text(done).splitlines():
        note(f"  {line}")


def _locks(migration: Migration) -> str:
    return counted(sum(path.endswith(".lock") for path in migration.writes), "lock")


def _remark(migration: Migration) -> None:
    if migration.stale:
        are, stay = ("is", "stays") if len(migration.stale) == 1 else ("are", "stay")
        names = ", ".join(migration.stale[:5]) + (", ..." if len(migration.stale) > 5 else "")
        note(f"{counted(len(migration.stale), 'stage')} {are} stale now and {stay} so: {names}")
    for remark in migration.notes:
        note(remark)


def export(
    force: bool = typer.Option(False, "-f", "--force", help="Replace an earlier export."),
) -> None:
    """Write the pipeline and its results as DVC has them, beside Pivot's own files."""
    from ..commands import export as use_case

    with opened(exclusive=True) as session:
        done = use_case.export(session, force=force)
    for path in done.written:
        note(f"wrote {path}")
    for remark in done.notes:
        note(remark)
    say(f"{counted(done.stages, 'stage')} exported, {done.locked} up to date.")
