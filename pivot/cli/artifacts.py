"""Commands about outputs: `checkout`, `commit` (= `accept`), `unprotect`."""

from __future__ import annotations

import os
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PivotError
from .opening import cannot_write, may_write, metered, opened
from .options import Targets, choose_one
from .output import note, say

if TYPE_CHECKING:
    from ..commands.artifacts import CheckedOut
    from ..commands.earlier import Revisited

Revision = Annotated[
    str | None,
    typer.Option(
        "--rev", metavar="REV", help="As that revision had them; never code.", show_default=False
    ),
]
Out = Annotated[
    str | None,
    typer.Option("-o", "--out", metavar="OUT", help="With --rev: write it there instead."),
]
Fetch = Annotated[bool, typer.Option("--fetch", help="Ask the remote for what no cache has.")]


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
    rev: Revision = None,
    out: Out = None,
    fetch: Fetch = False,
) -> None:
    """Put outputs into the work tree as the locks have them, or as a revision had them."""
    from ..commands import artifacts

    if rev is not None:
        choose_one({"--rev": True, "--relink": relink})
        if out is not None:
            _copy_out(tuple(targets or ()), rev, out, force, fetch)
        else:
            _checkout_revision(tuple(targets or ()), rev, force, fetch)
        return
    if out is not None or fetch:
        raise PivotError(
            f"{'--out' if out is not None else '--fetch'} needs `--rev REV`",
            hint="`pivot pull` fetches what the work tree lacks" if fetch else None,
        )
    chosen = tuple(targets or ())
    if may_write():
        with opened(exclusive=True, partial=True) as session:
            with metered(session):
                result = artifacts.checkout(session, chosen, force=force, relink=relink)
            _tell(result, chosen, whole=not session.lacks)
    else:
        with opened(partial=True) as session:
            with metered(session):
                found = None if relink else artifacts.in_place(session, chosen)
            if found is None:
                raise cannot_write(session)
            result = found
            _tell(result, chosen, whole=not session.lacks)
    if result.refused or result.missing or (targets and result.unlocked):
        raise typer.Exit(1)


def _tell(result: CheckedOut, targets: tuple[str, ...], *, whole: bool) -> None:
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
        if whole:  # else the error that follows says why there was nothing
            say("Nothing to check out: no stage has a lock yet.")
        return
    say(
        f"{len(result.restored)} restored, {len(result.unchanged)} unchanged"
        + (f", {len(result.refused)} refused" if result.refused else "")
        + (f", {len(result.missing)} missing" if result.missing else "")
        + "."
    )


def _checkout_revision(targets: tuple[str, ...], rev: str, force: bool, fetch: bool) -> None:
    from ..commands.earlier import checkout_revision

    with opened(exclusive=True, partial=True) as session:
        with metered(session):
            done = checkout_revision(session, rev, targets, force=force, fetch=fetch)
        _tell_revisited(done, fetch=fetch)
    if done.refused or done.guarded or done.missing:
        raise typer.Exit(1)


def _tell_revisited(done: Revisited, *, fetch: bool) -> None:
    for remark in done.notes:
        note(remark)
    for path in done.restored:
        note(f"restored {path}")
    for path in done.guarded:
        note(f"{path} is left alone: it is git's here, and no output")
    for path in done.refused:
        note(f"{path} was changed and is stored nowhere; `--force` replaces it")
    for path in done.missing:
        note(f"{path} is not in the cache" + ("" if fetch else "; `--fetch` asks the remote"))
    counts = [
        f"{len(paths)} {word}"
        for word, paths in (
            ("restored", done.restored),
            ("unchanged", done.unchanged),
            ("refused", done.refused + done.guarded),
            ("missing", done.missing),
        )
        if paths or word in ("restored", "unchanged")
    ]
    say(", ".join(counts) + ".")


def _copy_out(targets: tuple[str, ...], rev: str, out: str, force: bool, fetch: bool) -> None:
    from ..commands.earlier import copy_out

    if len(targets) != 1:
        given = f"{len(targets)} paths" if targets else "none"
        raise PivotError(
            f"--out takes one path, not {given}", hint="`pivot checkout PATH --rev REV -o OUT`"
        )
    with opened(exclusive=True, partial=True) as session:
        done = copy_out(session, targets[0], rev, out, force=force, fetch=fetch)
    say(f"{targets[0]} of {rev} is in {os.path.relpath(done.target)}.")


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
