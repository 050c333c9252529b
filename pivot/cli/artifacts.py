"""Commands about outputs: `checkout`, `commit` (= `accept`), `unprotect`."""

from __future__ import annotations

from shlex import quote
from typing import Annotated

import typer

from .opening import metered, opened
from .options import Targets
from .output import note, say


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("checkout")(checkout)
    app.command("commit")(commit)
    app.command("accept", hidden=True)(commit)
    app.command("unprotect")(unprotect)


def checkout(
    targets: Targets = None,
    force: bool = typer.Option(False, "-f", "--force", help="Replace changed files too."),
    relink: bool = typer.Option(False, "--relink", help="Make links anew, per cache.link."),
) -> None:
    """Put outputs into the work tree as the locks have them."""
    from ..commands import artifacts

    with opened(exclusive=True, partial=True) as session, metered(session):
        result = artifacts.checkout(session, tuple(targets or ()), force=force, relink=relink)
    for path in result.restored:
        note(f"restored {path}")
    for path in result.refused:
        note(f"{path} was changed and is stored nowhere; `--force` replaces it")
    for path, stage in result.missing:
        made = not stage.endswith((".dvc", ".pvt"))
        how = f"`pivot repro {quote(stage)}` makes it" if made else "put the file here yourself"
        note(f"{path} is not in the cache; {how}")
    for stage in result.unlocked if targets else ():
        note(f"stage '{stage}' has no lock to check out; `pivot repro {quote(stage)}` makes one")
    if not (targets or result.restored or result.unchanged or result.missing or result.refused):
        say("Nothing to check out: no stage has a lock yet.")
        return
    say(
        f"{len(result.restored)} restored, {len(result.unchanged)} unchanged"
        + (f", {len(result.refused)} refused" if result.refused else "")
        + (f", {len(result.missing)} missing" if result.missing else "")
        + "."
    )
    if result.refused or result.missing or (targets and result.unlocked):
        raise typer.Exit(1)


def commit(targets: Targets = None) -> None:
    """Accept what is in the work tree as the stages' result, without running them."""
    from ..commands import artifacts

    with opened(exclusive=True, partial=True) as session, metered(session):
        done = artifacts.commit(session, tuple(targets or ()))
    for accepted in done:
        if accepted.changed:
            note(f"accepted {accepted.stage}")
    changed = sum(accepted.changed for accepted in done)
    say(f"{changed} accepted, {len(done) - changed} unchanged.")


def unprotect(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...")],
) -> None:
    """Replace links into the cache by copies that may be edited."""
    from ..commands import artifacts

    with opened(exclusive=True, partial=True) as session:
        for path in artifacts.unprotect(session, tuple(paths)).paths:
            note(f"unprotected {path}")
