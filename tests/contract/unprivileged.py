"""Work done by somebody who may not read and write everything, as root may."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pivot

_IMPORT = re.compile(r"^[ \t]*(?:from|import)[ \t]+([\w.]+)", re.MULTILINE)
_NOBODY = 65534


def in_child(work: Callable[[], None]) -> int:
    """The exit code of `work` done in a forked process; 0 where it returned."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def as_nobody(work: Callable[[], None]) -> int:
    """As `in_child`, by a user without rights where we are root."""
    _load_library()

    def lowered() -> None:
        if os.geteuid() == 0:
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        work()

    return in_child(lowered)


@cache
def _load_library() -> None:
    """Load what Pivot imports late of the standard library, which may be closed to others."""
    importlib.import_module("encodings.utf_8_sig")
    for path in Path(pivot.__file__).parent.rglob("*.py"):
        for name in _IMPORT.findall(path.read_text()):
            if name.partition(".")[0] in sys.stdlib_module_names:
                importlib.import_module(name)
