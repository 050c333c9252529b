"""Importing packages ahead of time, and telling when one leaves the process unfit to fork."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from .places import Places

_WATCHED = (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGUSR2, signal.SIGALRM)


def preload(names: Sequence[str], root: str) -> dict[str, Any]:
    """Import each of `names`; report the top-level modules that are loaded by now.

    Nothing is imported from the project at `root`, wherever the environment points: its code is
    for each stage to import as it is by then.
    Import errors count as not asked for. `spoiled` names a package after which this process must
    not be forked: it left a thread running, took a signal handler, or failed half-way.
    """
    if names:
        before = frozenset(sys.modules)
        places = Places(root, ())
        path = list(sys.path)
        sys.path[:] = [entry for entry in path if not places.holds(os.path.join(entry, ""))]
        for name in names:
            if _spoils(name):
                return {"spoiled": name}
        sys.path[:] = path
        loaded = {module.partition(".")[0] for module in set(sys.modules) - before}
        return {
            "spoiled": None,
            "preloaded": sorted(name for name in loaded if not _is_standard(name)),
        }
    return {"spoiled": None, "preloaded": []}


def _spoils(name: str) -> bool:
    modules = len(sys.modules)
    handlers = [signal.getsignal(number) for number in _WATCHED]
    try:
        importlib.import_module(name)
    except BaseException:
        if len(sys.modules) != modules:
            return True
    return handlers != [signal.getsignal(number) for number in _WATCHED] or _has_threads()


def _has_threads() -> bool:
    """Whether threads run that a fork would lose. Those of OpenBLAS end by themselves before a
    fork and start again when needed, so forking once tells.
    """
    if _threads() < 2:
        return False
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return _threads() > 1


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()


def _is_standard(name: str) -> bool:
    """Whether a loaded module belongs to the standard library."""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if file is None:
        return not hasattr(module, "__path__")  # built in; a namespace package has a path
    folder = os.path.dirname(os.__file__) + os.sep
    return str(file).startswith(folder) and not str(file).startswith(
        (folder + "site-packages", folder + "dist-packages")
    )
