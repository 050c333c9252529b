"""The programs that run other programs, and how their arguments are read."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

ActionKind = Literal[
    "script", "module", "entry", "whole", "code", "notebook", "shell", "r", "sql", "file"
]


class Action(NamedTuple):
    """One thing a command runs or names. `what` is a project path, a module, or Python code."""

    kind: ActionKind
    what: str
    cwd: str
    path: tuple[str, ...] = ()  # PYTHONPATH, as project paths


PYTHON = re.compile(r"^(?:python|pypy|ipython)[\d.]*w?$|^py$|^\$\{?\w*python\w*\}?$", re.IGNORECASE)
SHELLS = frozenset(("bash", "sh", "zsh", "dash", "ksh"))
#: Programs that run the command which follows them, with their options that take a value.
PREFIXES: dict[str, frozenset[str]] = {
    "env": frozenset(("-u", "--unset", "-C", "--chdir", "-S")),
    "exec": frozenset(("-a",)),
    "nohup": frozenset(),
    "nice": frozenset(("-n", "--adjustment")),
    "ionice": frozenset(("-c", "-n")),
    "stdbuf": frozenset(("-i", "-o", "-e")),
    "sudo": frozenset(("-u", "-g")),
    "xvfb-run": frozenset(("-s", "-n")),
    "time": frozenset(("-f", "-o")),
    "command": frozenset(),
    "caffeinate": frozenset(),
    "srun": frozenset(("-n", "-N", "-p", "-c", "-t")),
    "mpirun": frozenset(("-n", "-np", "--hostfile", "-H")),
    "mpiexec": frozenset(("-n", "-np")),
    "xargs": frozenset(("-n", "-P", "-I", "-L", "-a")),
}
#: The same, for tools whose subcommand `run` does it.
RUNNERS: dict[str, frozenset[str]] = {
    "uv": frozenset(
        (
            *("--with", "--python", "-p", "--extra", "--group", "--project", "--directory"),
            *("--env-file", "--package", "--with-requirements", "--with-editable", "--index"),
        )
    ),
    "poetry": frozenset(("-C", "--directory", "-P", "--project")),
    "pdm": frozenset(("-p", "--project")),
    "pipenv": frozenset(),
    "hatch": frozenset(("-e", "--env")),
    "rye": frozenset(),
    "conda": frozenset(("-n", "--name", "-p", "--prefix", "--cwd")),
    "mamba": frozenset(("-n", "--name", "-p", "--prefix")),
    "micromamba": frozenset(("-n", "--name", "-p", "--prefix")),
    "pixi": frozenset(("-e", "--environment")),
    "coverage": frozenset(("--source", "--rcfile", "--omit", "--include", "--data-file")),
}
#: Programs whose first Python file among the arguments runs as a script.
LAUNCHERS = frozenset(
    (
        *("torchrun", "accelerate", "deepspeed", "streamlit", "kernprof", "spark-submit"),
        *("viztracer", "scalene", "py-spy", "memray", "mprof", "horovodrun", "marimo", "bokeh"),
    )
)
#: Programs whose arguments are what they make or remove.
MAKERS = frozenset(("rm", "rmdir", "mkdir", "touch", "tee", "truncate", "unlink", "echo", "printf"))
OUTPUT_OPTIONS = re.compile(r"^(?:-o|-O|--?out(?:put)?(?:[-_]\w+)*|--log(?:[-_]file)?)$")
PYTHON_VALUES = frozenset(("-W", "-X", "--check-hash-based-pycs"))
SUFFIXES: dict[str, ActionKind] = {
    ".py": "whole",
    ".ipynb": "notebook",
    ".sql": "sql",
    ".sh": "shell",
    ".bash": "shell",
    ".r": "r",
}


def after_options(words: list[str], valued: frozenset[str]) -> list[str]:
    """The words after a program's own options; `valued` are those that take the next word."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        if words[place] == "--":
            place += 1
            break
        place += 2 if words[place] in valued else 1
    return words[place:]
