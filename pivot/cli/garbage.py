"""`gc`: what nothing needs any more, shown, and removed where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PivotError
from .meter import size_text
from .opening import opened
from .options import Json
from .output import note, say, say_json, styled
from .sharing import AllCommits, AllTags

if TYPE_CHECKING:
    from ..commands.garbage import Collected, Garbage

_NAMES = {
    "object": "objects",
    "run": "results of earlier runs",
    "code": "code tables",
    "unfinished": "left unfinished",
    "lock": "locks of stages that are gone",
}
_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("gc")(gc)


def gc(
    workspace: bool = typer.Option(
        False, "-w", "--workspace", help="Keep what the work tree needs (always so)."
    ),
    revision: Annotated[
        list[str] | None,
        typer.Option(
            "--rev", metavar="REV", help="Keep what that revision needs too.", show_default=False
        ),
    ] = None,
    all_branches: bool = typer.Option(
        False, "-a", "--all-branches", help="Keep what branches need, also those fetched of others."
    ),
    all_tags: AllTags = False,
    all_commits: AllCommits = False,
    older_than: str | None = typer.Option(
        None, "--older-than", metavar="AGE", help="Keep what was stored since: 30d, 12h."
    ),
    remote: str | None = typer.Option(
        None, "-r", "--remote", metavar="NAME", help="Clean that remote, not the cache."
    ),
    cloud: bool = typer.Option(False, "-c", "--cloud", help="Clean the default remote."),
    projects: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--projects",
            metavar="FOLDER",
            help="Another project that shares the cache.",
            show_default=False,
        ),
    ] = None,
    force: bool = typer.Option(False, "-f", "--force", help="Remove it; without, only show it."),
    verbose: bool = typer.Option(False, "-v", "--verbose", help="Name every object."),
    as_json: Json = False,
) -> None:
    """Show what neither the work tree nor the revisions named need, and with --force remove it."""
    from ..commands.garbage import GcRequest, collect, collected_data

    reaches = revision or all_branches or all_tags or all_commits
    if (remote or cloud) and not (workspace or reaches):
        raise PivotError(
            "a remote has what others need too",
            hint="say what to keep: --all-branches --all-tags, or --workspace for this alone",
        )
    request = GcRequest(
        tuple(revision or ()),
        all_branches,
        all_tags,
        all_commits,
        _seconds(older_than),
        remote,
        cloud,
        tuple(projects or ()),
        force,
    )
    with opened(exclusive=True) as session:
        found = collect(session, request)
    if as_json:
        say_json(collected_data(found))
        return
    _print(found, verbose)


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    from ..config import parse_duration

    found = parse_duration(text)
    if found is None:
        raise PivotError(f"--older-than takes an age like 30d, 12h or 90m, not '{text}'")
    return found


def _print(found: Collected, verbose: bool) -> None:
    from ..commands.garbage import by_kind

    for remark in found.notes:
        note(remark)
    for kind, items in by_kind(found.garbage).items():
        size = sum(item.size for item in items)
        say(f"{_NAMES[kind]}: {len(items)}, {size_text(size)}")
        lines = [f"  {item.name}  {size_text(item.size)}" for item in items]
        if kind == "object" and not verbose:
            lines = _by_artifact(items)
        for line in lines if verbose else lines[:_SHOWN]:
            say(line)
        if len(lines) > _SHOWN and not verbose:
            say(f"  ... and {len(lines) - _SHOWN} more (-v names all)")
    for label, (count, size) in sorted(found.kept.items(), key=lambda item: -item[1][1]):
        say(f"kept for {label[:40]}: {count} objects, {size_text(size)}")
    if not found.garbage:
        say("There is nothing to remove.")
    elif found.removed:
        say(f"{len(found.garbage)} removed from {found.place}, {size_text(found.size)}.")
    else:
        say(
            f"{len(found.garbage)} could be removed from {found.place}, {size_text(found.size)}; "
            + styled("nothing was: --force does so.", "bold")
        )


def _by_artifact(items: list[Garbage]) -> list[str]:
    """A line an artifact that was made of the objects, the largest first."""
    sizes: dict[str, tuple[int, int]] = {}
    for item in items:
        name = item.paths[0] if item.paths else "of no run that is known"
        count, size = sizes.get(name, (0, 0))
        sizes[name] = (count + 1, size + item.size)
    ordered = sorted(sizes.items(), key=lambda entry: -entry[1][1])
    return [f"  {name}: {count}, {size_text(size)}" for name, (count, size) in ordered]
