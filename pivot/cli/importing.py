"""`import`, `import-url`, `update` and `get`: data of other repositories."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EXIT_FAILED
from .opening import opened
from .options import Json, choose_one
from .output import note, say, say_json

if TYPE_CHECKING:
    from ..commands.importing import Imported, Updated

Url = Annotated[
    str,
    typer.Argument(metavar="REPO", help="A git URL, or the folder of a repository."),
]
InRepository = Annotated[str, typer.Argument(metavar="PATH", help="The artifact's path in it.")]
Out = Annotated[
    str | None, typer.Option("-o", "--out", metavar="PATH", help="Where to put it; default: here.")
]
Revision = Annotated[
    str | None,
    typer.Option("--rev", metavar="REV", help="Branch, tag or commit; default: its HEAD."),
]
Force = Annotated[bool, typer.Option("-f", "--force", help="Replace what is in its place.")]
Remote = Annotated[
    str | None,
    typer.Option("--remote", metavar="NAME", help="The repository's remote to read from."),
]
NoDownload = Annotated[
    bool, typer.Option("--no-download", help="Write the record alone; `pull` downloads.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("import")(import_)
    app.command("import-url")(import_url)
    app.command("update")(update)
    app.command("get")(get)


def import_(
    url: Url,
    path: InRepository,
    out: Out = None,
    revision: Revision = None,
    force: Force = False,
    no_download: NoDownload = False,
    remote: Remote = None,
    as_json: Json = False,
) -> None:
    """Bring data of another repository here, and record where it came from."""
    from ..commands.importing import ImportRequest

    request = ImportRequest(url, path, out, revision, remote, force=force, download=not no_download)
    _import(request, as_json)


def import_url(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://, https://, or a path.")],
    out: Annotated[
        str | None, typer.Argument(metavar="PATH", help="Where to put it; default: here.")
    ] = None,
    force: Force = False,
    no_download: NoDownload = False,
    as_json: Json = False,
) -> None:
    """Bring data from a URL here, and record where it came from."""
    from ..commands.importing import ImportRequest

    _import(ImportRequest(url, out=out, force=force, download=not no_download), as_json)


def _import(request: object, as_json: bool) -> None:
    from ..commands import importing

    with opened(exclusive=True) as session:
        done = importing.import_artifact(session, request)  # type: ignore[arg-type]
    for remark in done.notes:
        note(f"warning: {remark}")
    if as_json:
        say_json(importing.imported_data(done))
        return
    note(f"wrote {done.record}")
    at = f" at {_short(done.new)}" if done.new else ""
    what = "Imported" if done.downloaded else "Recorded, without downloading,"
    say(f"{what} {done.path} from {done.source}{at}.")


def update(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TARGET]...", help="Imported data or their records; all without."),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option("--rev", metavar="REV", help="Move to this branch, tag or commit."),
    ] = None,
    dry_run: bool = typer.Option(False, "-n", "--dry-run", help="Tell, and change nothing."),
    check: bool = typer.Option(
        False, "--check", help="Change nothing; exit code 1 where the source has other data."
    ),
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Replace data that was changed here.")
    ] = False,
    no_download: Annotated[
        bool, typer.Option("--no-download", help="Renew the records alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring imported data up to date with where it came from."""
    from ..commands import importing
    from ..errors import raise_all

    choose_one({"--check": check, "--dry-run": dry_run})
    writes = not (check or dry_run)
    with opened(exclusive=writes) as session:
        found = importing.update(
            session,
            tuple(targets or ()),
            revision=revision,
            write=writes,
            download=not no_download,
            force=force,
        )
    changed = [item for item in found.done if item.changed]
    for remark in dict.fromkeys(remark for item in found.done for remark in item.notes):
        note(f"warning: {remark}")
    if as_json:
        say_json({"imports": [importing.imported_data(item) for item in found.done]})
    else:
        _say_update(found, changed, writes)
    raise_all(found.failed)
    if check and any(item.is_stale for item in changed):
        raise typer.Exit(EXIT_FAILED)


def _say_update(found: Updated, changed: list[Imported], wrote: bool) -> None:
    for item in changed:
        moved = (
            f"{_short(item.old)} -> {_short(item.new)}" if item.old != item.new else "downloaded"
        )
        if item.moved_only:
            moved += ", the same data"
        say(f"{item.path}: {moved}  ({item.source})")
    done, failed = len(found.done), len(found.failed)
    if not done and not failed:
        say("Nothing here was imported.")
    elif not changed and not failed:
        say(f"Everything is up to date ({'1 import' if done == 1 else f'{done} imports'}).")
    else:
        word = "updated" if wrote else "to update"
        rest = f", {failed} failed" if failed else ""
        count = sum(wrote or item.is_stale for item in changed)
        say(f"{count} {word}, {done - count} up to date{rest}.")


def _short(text: str | None) -> str:
    if text is None:
        return "(unknown)"
    return text[:8] if len(text) in (40, 64) else text


def get(
    url: Url,
    path: InRepository,
    out: Out = None,
    revision: Revision = None,
    force: Force = False,
    remote: Remote = None,
) -> None:
    """Bring data of another repository here, without a record."""
    from ..commands.importing import ImportRequest
    from ..commands.importing import get as bring

    request = ImportRequest(url, path, out, revision, remote, force=force)
    target, notes = bring(os.getcwd(), request)
    for remark in notes:
        note(f"warning: {remark}")
    say(f"Brought {os.path.relpath(target)}.")
