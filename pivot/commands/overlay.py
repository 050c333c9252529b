"""A project as it would be: what is to be written is read before it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from ..tree import Tree, parent


class Overlay:
    """A tree as it would be with some files written, and others gone."""

    def __init__(
        self, tree: Tree, writes: Mapping[str, bytes], removes: Collection[str] = ()
    ) -> None:
        self._tree = tree
        self._writes = writes
        self._removed = set(removes)

    def read(self, path: str) -> bytes | None:
        if path in self._writes:
            return self._writes[path]
        return None if path in self._removed else self._tree.read(path)

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        if path in self._writes:
            return "file"
        return None if path in self._removed else self._tree.kind(path)

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        found = dict(self._tree.list(path))
        for name in self._removed:
            if parent(name) == path:
                found.pop(name.rpartition("/")[2], None)
        for name in self._writes:
            if parent(name) == path:
                found[name.rpartition("/")[2]] = False
        return tuple(sorted(found.items()))

    def signature(self, path: str) -> str:
        return (
            f"{path}:{self.kind(path)}"  # told apart, so that no folder looks like its own parent
        )
