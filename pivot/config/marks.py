"""Where each key and value of a YAML file stands, found by path only once something needs it."""

from __future__ import annotations

from typing import Any, Protocol

from ..errors import Where

Path = tuple[Any, ...]


class Mark(Protocol):
    """What the YAML parser says of a position: line and column, both from 0."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


class Marks:
    """Positions in one file.

    They are kept per container (by identity, so an alias costs nothing) and looked up by walking
    the value along a path of keys and list positions.
    """

    __slots__ = ("_kept", "_places", "file", "root")

    def __init__(
        self,
        file: str,
        root: Any = None,
        places: dict[int, dict[Any, tuple[Mark, Mark]]] | None = None,
    ) -> None:
        self.file = file
        self.root = root
        self._places = places or {}
        self._kept: list[Any] = []  # places are found by identity: what they are of must live

    def where(self, path: Path, *, key: bool = False) -> Where:
        """The place of the value at `path` (with `key`: of its key), as near as is known."""
        found = Where(self.file)
        node = self.root
        for step in path:
            place = self._places.get(id(node), {}).get(step)
            if place is None:
                break
            found = _where(self.file, place[0] if key else place[1])
            node = node[step]
        return found

    def inside(self, container: Any, step: Any, *, key: bool = False) -> Where:
        """The place of entry `step` of a container of this file."""
        place = self._places.get(id(container), {}).get(step)
        return _where(self.file, place[0] if key else place[1]) if place else Where(self.file)

    def share(self, container: Any, copy: Any) -> None:
        """Let the entries of `copy` stand where those of `container` do."""
        self._places[id(copy)] = self._places.get(id(container), {})
        self._kept.append(copy)


def _where(file: str, mark: Mark) -> Where:
    return Where(file, mark.line + 1, mark.column + 1)
