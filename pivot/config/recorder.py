"""A Tree that notes what was asked of it, so that a loaded pipeline knows what it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ..tree import Tree, join


class Recorder:
    """Reads through to `tree`; `sources` gets each file's signature and each kind asked for."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.sources: dict[str, Any] = {}
        self._read: dict[str, bytes | None] = {}

    def read(self, path: str) -> bytes | None:
        if path not in self._read:
            # the signature first: a change while reading then counts as a change
            self.sources[path] = self.tree.signature(path)
            self._read[path] = self.tree.read(path)
        return self._read[path]

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        key = path + "?"
        if key not in self.sources:
            self.sources[key] = self.tree.kind(path)
        found: Literal["file", "dir"] | None = self.sources[key]
        return found

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        return self.tree.list(path)

    def signature(self, path: str) -> tuple[int, ...] | str | None:
        return self.tree.signature(path)

    def note_module(self, roots: Sequence[str], text: str) -> None:
        """Note what decides where the modules of `a.b.c` begin and end: what exists by name.

        Names below what is no folder cannot exist, so a thousand stages of fifty modules ask for
        little more than those fifty.
        """
        parts = text.replace(":", ".").split(".")
        for root in roots:
            base = root
            for part in parts:
                base = join(base, part)
                self.kind(base + ".py")
                if self.kind(base) != "dir":
                    break
                self.kind(base + "/__init__.py")
