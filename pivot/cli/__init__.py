"""The command line: parses, calls one use case, renders, exits."""

from __future__ import annotations

import gc
import os
import sys

from .. import __version__


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code. The only place that catches and prints."""
    if argv in (["--version"], ["-V"]):
        print(f"pivot {__version__}")
        return 0
    _open_standard_streams()
    from ..commands.instant import answer

    known = answer(argv)
    if known is not None and _say_quickly(known):
        return 0
    gc.set_threshold(500_000, 20, 100)  # what a command makes, it keeps: 10 ms of looking in vain
    from .bare import run_bare
    from .failures import exit_code_of

    try:
        bare = run_bare(argv)
        code = _run_any(argv) if bare is None else bare
        sys.stdout.flush()
    except BrokenPipeError:
        # the reader has gone (`pivot list | head`): nothing more to say, and nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit:  # what the command-line library makes of a reader that has gone
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = exit_code_of(error, argv)
    if "duckdb" not in sys.modules:  # it reports what nobody collects, at the very end
        gc.freeze()  # the interpreter's end looks through all there is, several times: 10 ms
    return code


def _run_any(argv: list[str]) -> int:
    from .app import application

    result = application(argv)(args=argv, prog_name="pivot", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _open_standard_streams() -> None:
    """Where a caller closed one of them, open nothing in its place: else the next file that is
    opened would take its number, and what is printed would land in it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _say_quickly(text: str) -> bool:
    """Print an answer; false where the ordinary path had better deal with the output."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True
