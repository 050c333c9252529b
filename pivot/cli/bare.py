"""Commands without options and targets, without the command-line library: it takes 40 ms.

They do what the same words do through the library, which every other command line goes through.
"""

from __future__ import annotations

import os

from ..commands.instant import COMMANDS


def run_bare(argv: list[str]) -> int | None:
    """Run a bare command; its exit code. None where `argv` is none of them. Raises PivotErrors."""
    name = COMMANDS.get(tuple(argv))
    if name is None or "_PIVOT_COMPLETE" in os.environ:  # so a shell asks for completions
        return None
    end_as_by_ctrl_c()
    if name == "status":
        from .standing import show

        show()
        return 0
    from ..commands.repro import ReproRequest
    from .running import execute

    return execute(ReproRequest(), dry="dry" if name == "plan" else None)


def end_as_by_ctrl_c() -> None:
    """Have SIGTERM and SIGHUP end a command as Ctrl-C does, unless they are ignored (`nohup`)."""
    import signal

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
