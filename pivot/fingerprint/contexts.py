"""Import paths with their graphs, and closures of them, each made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..source import Sources
from ..source.names import Names
from .closure import Closure, Start
from .program import MODES, Program

Starts = Callable[[Program], list[Start]]


class Context:
    """One import path (and script), with its names and, for each mode, its graph."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._programs: dict[int, Program] = {}

    def program(self, mode: int) -> Program:
        if mode not in self._programs:
            self._programs[mode] = Program(self.names, mode)
        return self._programs[mode]

    def close(self, starts: Starts) -> Closure:
        """The closure of what `starts` chooses, in the mode that its own code calls for."""
        mode = 0
        while True:
            program = self.program(mode)
            closure = Closure(program, starts(program))
            self.names.sources.reader.used |= closure.reads
            needed = (mode | closure.flags) & MODES
            if needed == mode:
                return closure
            mode = needed  # something reached reads docstrings, annotations or subclasses


class Contexts:
    """All contexts of a run; equal import paths share one."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._made: dict[tuple[tuple[str, ...], str | None], Context] = {}

    def of(
        self, roots: Sequence[str], script: str | None = None, file: str | None = None
    ) -> Context:
        key = (tuple(dict.fromkeys(roots)), script)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Context(Names(self.sources, key[0], script, file))
        return found
