"""The typer application: every command, registered from the module it lives in."""

from __future__ import annotations

from importlib import import_module

import typer

from .output import say

#: The modules, in the order of `--help`, with the commands that are worth not loading the others.
_ROOMS: dict[str, tuple[str, ...]] = {
    "setup": ("init", "schema", "doctor"),
    "execution": ("repro", "run", "plan"),
    "status": ("status", "explain"),
    "listing": ("list", "dag"),
    "evidence": ("logs", "fingerprint"),
    "artifacts": ("checkout", "commit", "accept", "unprotect"),
    "tracking": ("track", "add", "untrack"),
    "editing": ("freeze", "unfreeze"),
    "migration": ("migrate", "export"),
    "configure": ("config",),
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
    for room in rooms or _ROOMS:
        import_module(f".{room}", __package__).register(app)
    return app


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
    _end_as_by_ctrl_c()
    if directory is not None:
        import os

        from ..errors import PivotError

        try:
            os.chdir(directory)
        except OSError as error:
            raise PivotError(f"cannot enter '{directory}': {error.strerror}") from error


def _end_as_by_ctrl_c() -> None:
    """Have SIGTERM and SIGHUP end a command as Ctrl-C does, unless they are ignored (`nohup`)."""
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
