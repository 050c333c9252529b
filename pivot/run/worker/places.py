"""Which files are the project's: not its environment's, not the tools' own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# `typing` would cost every Python process of a command 5 ms: nothing here imports it

_FOREIGN = frozenset(
    ("site-packages", "dist-packages", ".git", ".pivot", ".dvc", ".hg", ".tox", ".nox")
)


class Places:
    """The folders of a project: its root, and the roots of its import path."""

    def __init__(self, root: str, roots: Sequence[str]) -> None:
        self.root = root
        folders = [root, *roots]
        folders += [os.path.realpath(folder) for folder in folders]
        self.prefixes = tuple({folder.rstrip(os.sep) + os.sep for folder in folders})
        self._foreign = _environments(self.prefixes)

    def holds(self, path: str) -> bool:
        """Whether the project has the file or folder at this absolute, normalized path."""
        if not path.startswith(self.prefixes) or path.startswith(self._foreign):
            return False
        for prefix in self.prefixes:
            if path.startswith(prefix) and _FOREIGN.isdisjoint(path[len(prefix) :].split(os.sep)):
                return True
        return False


def _environments(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """The interpreter's own folders where they lie inside the project.

    Where it is the other way round, the project inside of `sys.prefix`, they say nothing.
    """
    found = set()
    for folder in (sys.prefix, sys.exec_prefix, sys.base_prefix, os.path.dirname(os.__file__)):
        own = folder.rstrip(os.sep) + os.sep
        if own.startswith(prefixes) and not any(prefix.startswith(own) for prefix in prefixes):
            found.add(own)
    return tuple(found)
