"""The command line: parses, calls one use case, renders, exits."""

from __future__ import annotations

import os
import sys

from .. import __version__


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code. The only place that catches and prints."""
    if argv in (["--version"], ["-V"]):
        print(f"pivot {__version__}")
        return 0
    from ..commands.instant import answer

    known = answer(argv)
    if known is not None and _say_quickly(known):
        return 0
    from .app import app
    from .failures import exit_code_of

    try:
        result = app(args=argv, prog_name="pivot", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has gone (`pivot list | head`): nothing more to say, and nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = exit_code_of(error, argv)
    return code


def _say_quickly(text: str) -> bool:
    """Print an answer; false where the ordinary path had better deal with the output."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True
