"""`remote add|list|modify|remove|rename|default`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, Markdown, TakesNumbers, choose_one
from .output import note, say, say_json, say_table

if TYPE_CHECKING:
    from ..commands.remotes import Edited, Scope

Local = Annotated[
    bool, typer.Option("--local", help="In the file that is not shared (for credentials).")
]
Global = Annotated[
    bool, typer.Option("--global", "--user", help="In your own configuration, for all projects.")
]
ForProject = Annotated[bool, typer.Option("--project", help="In the project's file (the usual).")]
System = Annotated[bool, typer.Option("--system", help="In DVC's file for all users.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=lambda incomplete: _complete(incomplete))
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    remote = typer.Typer(help="Add, change and list remotes.", no_args_is_help=True)
    remote.command("add")(add)
    remote.command("list")(list_)
    remote.command("modify", cls=TakesNumbers)(modify)
    remote.command("remove")(remove)
    remote.command("rename")(rename)
    remote.command("default")(default)
    app.add_typer(remote, name="remote")


def _complete(text: str) -> list[str]:
    from ..commands.remotes import remotes
    from ..errors import PivotError

    try:
        return [found.name for found in remotes(os.getcwd()).remotes if found.name.startswith(text)]
    except PivotError:
        return []


def _scope(local: bool, own: bool, project: bool, system: bool) -> Scope:
    choose_one({"--local": local, "--global": own, "--project": project, "--system": system})
    return "local" if local else "user" if own else "system" if system else "project"


def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    url: Annotated[str, typer.Argument(metavar="URL", help="s3://BUCKET/PREFIX, a folder, ...")],
    as_default: Annotated[
        bool, typer.Option("-d", "--default", help="Make it the default remote.")
    ] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Replace one of that name.")] = False,
    local: Local = False,
    own: Global = False,
    project: ForProject = False,
    system: System = False,
) -> None:
    """Write down a remote."""
    from ..commands import remotes

    scope = _scope(local, own, project, system)
    done = remotes.add(os.getcwd(), name, url, scope=scope, default=as_default, force=force)
    _tell(done)


def list_(as_json: Json = False, markdown: Markdown = False) -> None:
    """List the remotes; secrets are not shown."""
    from ..commands.remotes import remotes

    choose_one({"--json": as_json, "--md": markdown})
    listing = remotes(os.getcwd())
    found = listing.remotes
    for remark in listing.notes:
        note(remark)
    if as_json:
        say_json(
            [
                {
                    "name": remote.name,
                    "url": remote.url,
                    "default": remote.is_default,
                    "options": dict(remote.options),
                }
                for remote in found
            ]
        )
    elif markdown:
        rows = [[r.name, r.url, "yes" if r.is_default else ""] for r in found]
        say_table(rows, ["name", "url", "default"], markdown=True)
    else:
        for remote in found:
            say(f"{remote.name}\t{remote.url}" + ("\t(default)" if remote.is_default else ""))
        if not found and not listing.notes:
            note("no remote is configured; `pivot remote add NAME URL` adds one")


def modify(
    name: Name,
    option: Annotated[str, typer.Argument(metavar="OPTION")],
    value: Annotated[str | None, typer.Argument(metavar="[VALUE]", show_default=False)] = None,
    unset: Annotated[bool, typer.Option("-u", "--unset", help="Take the option out.")] = False,
    local: Local = False,
    own: Global = False,
    project: ForProject = False,
    system: System = False,
) -> None:
    """Set one option of a remote."""
    from ..commands import remotes

    scope = _scope(local, own, project, system)
    _tell(remotes.modify(os.getcwd(), name, option, value, scope=scope, unset=unset))


def remove(
    name: Name,
    local: Local = False,
    own: Global = False,
    project: ForProject = False,
    system: System = False,
) -> None:
    """Forget a remote; nothing on it is touched."""
    from ..commands import remotes

    _tell(remotes.remove(os.getcwd(), name, scope=_scope(local, own, project, system)))


def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW")],
    local: Local = False,
    own: Global = False,
    project: ForProject = False,
    system: System = False,
) -> None:
    """Give a remote another name."""
    from ..commands import remotes

    _tell(remotes.rename(os.getcwd(), name, new, scope=_scope(local, own, project, system)))


def default(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", show_default=False)] = None,
    unset: Annotated[bool, typer.Option("-u", "--unset", help="Have no default.")] = False,
    local: Local = False,
    own: Global = False,
    project: ForProject = False,
    system: System = False,
) -> None:
    """Print the default remote, or set it."""
    from ..commands import remotes

    scope = _scope(local, own, project, system)
    found = remotes.default(os.getcwd(), name, scope=scope, unset=unset)
    if name is not None or unset:
        note(f"the default remote is {found}" if found else "there is no default remote now")
    elif found is None:
        note("there is no default remote")
        raise typer.Exit(1)
    else:
        say(found)


def _tell(done: Edited) -> None:
    note(f"wrote {done.file}")
    for warning in done.warnings:
        note(f"warning: {warning}")
