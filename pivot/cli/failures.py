"""Errors as people see them: one clear message on stderr, and the exit code that goes with it."""

from __future__ import annotations

import os
import sys
from typing import Any

from ..errors import EXIT_DEFECT, EXIT_INPUT, EXIT_INTERRUPTED, PivotError
from .output import styled


def exit_code_of(error: BaseException, argv: list[str]) -> int:
    """Say what went wrong; return the exit code."""
    if isinstance(error, PivotError):
        for one in error.errors:
            _say(one)
        if len(error.errors) > 1:
            print(f"{len(error.errors)} errors", file=sys.stderr)
        return error.exit_code
    typer: Any = sys.modules.get("typer")  # bare commands do without it
    if typer is not None:
        if isinstance(error, typer.Exit):
            return int(error.exit_code)
        # it carries its own copy of click's exceptions, whose base has no public name
        if isinstance(error, typer.BadParameter.__mro__[1]):
            return _usage(error)
    if _is_interruption(error) or (typer and isinstance(error, typer.Abort)):
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return _defect(error, argv)


def _is_interruption(error: BaseException | None) -> bool:
    """Whether it was an interruption, or what Python made of one: 3.11 raises RuntimeError from it
    where it comes while a class is being made.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _say(error: PivotError) -> None:
    where = f"{error.where}: " if error.where else ""
    print(f"{styled('error:', 'red')} {where}{error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)


def _usage(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # nothing was asked: the message is the help
        print(error.format_message(), file=sys.stderr)
        return EXIT_INPUT
    print(f"{styled('error:', 'red')} {error.format_message()}", file=sys.stderr)
    context = getattr(error, "ctx", None)
    if context is not None:
        print(f"  see `{context.command_path} --help`", file=sys.stderr)
    return EXIT_INPUT


def _defect(error: BaseException, argv: list[str]) -> int:
    import traceback  # 2 ms, where no command-line library has loaded it

    text = "".join(traceback.format_exception(error))
    place = _log(text, argv)
    print(
        f"{styled('error:', 'red')} a defect of Pivot's own: {type(error).__name__}: {error}",
        file=sys.stderr,
    )
    print(f"  the traceback is in {place}" if place else text, file=sys.stderr)
    return EXIT_DEFECT


def _log(text: str, argv: list[str]) -> str | None:
    folder = os.path.join(os.getcwd(), ".pivot", "logs")
    if not os.path.isdir(folder):
        return None
    path = os.path.join(folder, "pivot-defect.log")
    try:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(f"pivot {' '.join(argv)}\n{text}\n")
    except OSError:
        return None
    return os.path.relpath(path)
