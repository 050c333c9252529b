"""`config get|set|unset|list`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, Markdown, TakesNumbers, choose_one
from .output import note, say, say_json, say_table, value_text

if TYPE_CHECKING:
    from ..commands.configure import Scope

Local = Annotated[bool, typer.Option("--local", help="In .pivot/config.local.yaml (not shared).")]
User = Annotated[bool, typer.Option("--user", help="In your own configuration, for all projects.")]
Key = Annotated[
    str, typer.Argument(metavar="KEY", autocompletion=lambda incomplete: _complete(incomplete))
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    config = typer.Typer(help="Read and change the configuration.", no_args_is_help=True)
    config.command("get")(get)
    config.command("set", cls=TakesNumbers)(set_)
    config.command("unset")(unset)
    config.command("list")(list_)
    app.add_typer(config, name="config")


def _complete(text: str) -> list[str]:
    from ..settings import KEYS

    return [spec.name for spec in KEYS if spec.name.startswith(text)]


def _scope(local: bool, user: bool) -> Scope:
    choose_one({"--local": local, "--user": user})
    return "local" if local else "user" if user else "project"


def get(key: Key) -> None:
    """Print the effective value of KEY."""
    from ..commands.configure import value_of

    say(value_text(value_of(os.getcwd(), key)))


def set_(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE")],
    local: Local = False,
    user: User = False,
) -> None:
    """Set KEY, keeping the file's comments."""
    from ..commands.configure import set_value

    note(f"wrote {set_value(os.getcwd(), key, value, _scope(local, user))}")


def unset(key: Key, local: Local = False, user: User = False) -> None:
    """Remove KEY from a configuration file."""
    from ..commands.configure import unset_value

    scope = _scope(local, user)
    if unset_value(os.getcwd(), key, scope):
        note(f"removed {key}")
    else:
        note(f"{key} is not set in the {scope} configuration")


def list_(
    everything: Annotated[bool, typer.Option("--all", help="Defaults too.")] = False,
    as_json: Json = False,
    markdown: Markdown = False,
) -> None:
    """List what is configured, and in which layer."""
    from ..commands.configure import entries

    choose_one({"--json": as_json, "--md": markdown})
    found = entries(os.getcwd(), everything=everything)
    if as_json:
        say_json([{"key": e.key, "value": e.value, "layer": e.layer} for e in found])
    else:
        rows = [[e.key, value_text(e.value), e.layer, e.meaning] for e in found]
        say_table(rows, ["key", "value", "layer", "meaning"], markdown=markdown)
