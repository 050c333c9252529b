"""The typer application: every command, registered from its own module."""

from __future__ import annotations

import typer

from . import artifacts, configure, editing, evidence, execution, listing, setup, status
from .output import say

app = typer.Typer(
    name="pivot",
    help="Run data and ML pipelines: only what changed, and say why.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich's help costs 40 ms of import on every --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        say(f"pivot {__version__}")
        raise typer.Exit


@app.callback()
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


for room in (setup, execution, status, listing, evidence, artifacts, editing, configure):
    room.register(app)
