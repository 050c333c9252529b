"""Running the command lines of a stage, each in a shell of its own, as DVC does."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

from .failures import signal_name

#: Options that keep a shell from reading files which change the environment.
_OPTIONS = {"bash": ["--noprofile", "--norc"], "zsh": ["--no-rcs"], "fish": ["--no-config"]}


def shell_argv(line: str, environment: dict[str, str]) -> list[str]:
    """The program and its arguments that run `line`: `$SHELL -c`, else /bin/sh."""
    shell = environment.get("SHELL") or "/bin/sh"
    return [shell, *_OPTIONS.get(os.path.basename(shell).lower(), []), "-c", line]


def run_lines(lines: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run `lines` in order up to the first that fails; the result says which, and how."""
    for line in lines:
        argv = shell_argv(line, environment)
        try:
            pid = os.posix_spawnp(
                argv[0],
                argv,
                environment,
                # Python ignores these; programs expect to be ended by them
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT],
            )
        except OSError as error:
            return {"ok": False, "error": f"cannot run '{argv[0]}': {error.strerror}"}
        _, status = os.waitpid(pid, 0)
        if status:
            shown = line if len(line) <= 200 else line[:197] + "..."
            if os.WIFSIGNALED(status):
                number = os.WTERMSIG(status)
                name = signal_name(number)
                return {
                    "ok": False,
                    "error": f"killed by {name}: {shown}",
                    "signal": name.partition(" ")[0],
                    "exit_code": 128 + number,
                    "log": True,
                }
            code = os.WEXITSTATUS(status)
            return {
                "ok": False,
                "error": f"exit code {code}: {shown}",
                "exit_code": code,
                "log": True,
            }
    return {"ok": True, "exit_code": 0}
