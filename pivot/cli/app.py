"""The typer application: every command, registered from the module it lives in."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer

from .bare import end_as_by_ctrl_c
from .output import say

#: The modules, in the order of `--help`, with the commands that are worth not loading the others.
_ROOMS: dict[str, tuple[str, ...]] = {
    "setup": ("init", "schema", "doctor"),
    "execution": ("repro", "run", "plan"),
    "status": ("status", "explain"),
    "listing": ("list", "dag"),
    "plots": ("plots",),
    "evidence": ("logs", "fingerprint"),
    "history": ("history",),
    "sharing": ("push", "fetch", "pull"),
    "artifacts": ("checkout", "commit", "accept", "unprotect"),
    "tracking": ("track", "add", "untrack"),
    "importing": ("import", "import-url", "update", "get"),
    "garbage": ("gc",),
    "editing": ("freeze", "unfreeze"),
    "impact": ("impact",),
    "verify": ("verify",),
    "reviews": ("params", "metrics"),
    "diff": ("diff",),
    "migration": ("migrate", "export"),
    "configure": ("config",),
    "remotes": ("remote",),
}
#: The options before the command that take a value.
_VALUED = ("-C", "--cd")


def application(argv: list[str]) -> typer.Typer:
    """The application, with the commands that `argv` may mean.

    Where it names one, those of its module: registering all costs 15 ms.
    """
    app = typer.Typer(
        name="pivot",
        help="Run data and ML pipelines: only what changed, and say why.",
        no_args_is_help=True,
        rich_markup_mode=None,  # rich's help costs 40 ms of import on every --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(main)
    name = _command_of(argv)
    rooms = [room for room, commands in _ROOMS.items() if name in commands]
    # a shell asks for completions by a variable, without arguments
    is_completing = "_PIVOT_COMPLETE" in os.environ
    only_names = argv in ([], ["--help"], ["-h"]) and not is_completing
    for room in rooms or _ROOMS:
        import_module(f".{room}", __package__).register(_Names(app) if only_names else app)
    return app


class _Names:
    """Takes commands as an application does, and leaves their options out.

    The list of commands shows none of them, and to read them costs 10 ms.
    """

    def __init__(self, app: typer.Typer) -> None:
        self._app = app

    def command(self, name: str, **settings: Any) -> Callable[[Callable[..., Any]], None]:
        """As `typer.Typer.command`, for a function that will not be called."""

        def register(function: Callable[..., Any]) -> None:
            def stand_in() -> None:
                raise AssertionError("only the list of commands was asked for")

            stand_in.__doc__ = function.__doc__
            self._app.command(name, **settings)(stand_in)

        return register

    def add_typer(self, group: typer.Typer, *, name: str) -> None:
        """As `typer.Typer.add_typer`."""
        self._app.add_typer(typer.Typer(help=group.info.help, callback=lambda: None), name=name)


def _command_of(argv: list[str]) -> str | None:
    """The command that `argv` names; None where there is none, or it has to be looked for."""
    words = iter(argv)
    for word in words:
        if word in _VALUED:
            next(words, None)
        else:
            return None if word.startswith("-") else word
    return None


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        say(f"pivot {__version__}")
        raise typer.Exit


def main(
    _: bool = typer.Option(
        False, "-V", "--version", callback=_version, is_eager=True, help="Print the version."
    ),
    directory: str | None = typer.Option(
        None, "-C", "--cd", metavar="FOLDER", help="Work as if started in FOLDER."
    ),
) -> None:
    """Run data and ML pipelines: only what changed, and say why."""
    end_as_by_ctrl_c()
    if directory is not None:
        from ..errors import PivotError

        try:
            os.chdir(directory)
        except OSError as error:
            raise PivotError(f"cannot enter '{directory}': {error.strerror}") from error
