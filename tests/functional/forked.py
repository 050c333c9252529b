"""Calls of `pivot` in forks of the test's own process: a sixth of the price of an interpreter.

The process that forks has imported the command line and has never run it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from harness import Result, Sandbox

from pivot.cli import run

for _name in (
    "cli.app", "cli.bare", "cli.execution", "cli.progress", "cli.running", "cli.standing",
    "cli.status", "cli.wording", "commands.repro", "commands.status", "commands.witness",
    "config.loader", "config.signatures", "fingerprint", "lockfile.data_records", "run.launch",
    "run.loop", "run.outputs",
):  # fmt: skip
    import_module(f"pivot.{_name}")  # so that forks need not


class Forked(Sandbox):
    """A Sandbox whose `run` forks. `start` still makes a process of its own."""

    def run(
        self,
        *arguments: str,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        timeout: float = 300,
    ) -> Result:
        environ = self.environment(env)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                _become(arguments, self.root / cwd, environ, out.fileno(), err.fileno(), timeout)
            _, status = os.waitpid(child, 0)
            out.seek(0)
            err.seek(0)
            code = os.waitstatus_to_exitcode(status)
            return Result(arguments, code, out.read().decode(), err.read().decode())


def _become(
    arguments: tuple[str, ...],
    folder: Path,
    environ: Mapping[str, str],
    out: int,
    err: int,
    timeout: float,
) -> None:
    """In the fork: be `pivot`, and end."""
    code = 99
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest has a handler for it
        signal.alarm(int(timeout))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        code = run(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
