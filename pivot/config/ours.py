"""What Pivot's own names mean in user code: the very objects that running it would make."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from ..declare import artifacts, loaders
from ..source.reading import Instance

_NAMESPACES = ("pivot.declare.artifacts.", "pivot.declare.", "pivot.")
_LOADERS = ("pivot.declare.loaders.", "pivot.loaders.")


def make(name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """What a call of one of our classes gives: the very object that the code would have."""
    for prefixes, home in ((_LOADERS, loaders), (_NAMESPACES, artifacts)):
        for prefix in prefixes:
            last = name[len(prefix) :]
            if name.startswith(prefix) and "." not in last and not last.startswith("_"):
                kind = getattr(home, last, None)
                if not isinstance(kind, type):
                    if last.islower():
                        break
                    raise TypeError(f"Pivot has no {last}")
                # a loader of the project's is checked for its methods when it is used
                return kind(*map(_loader_like, arguments), **_each(keywords))
    return NotImplemented


def exists(name: str) -> bool:
    """Whether a name of ours, or of typing's, is one: for what star imports bring."""
    if name.startswith("typing."):
        return hasattr(typing, name[7:])
    return any(
        name.startswith(prefix) and name[len(prefix) :] in _names(home)
        for prefixes, home in ((_LOADERS, loaders), (_NAMESPACES, artifacts))
        for prefix in prefixes
    )


def _names(home: Any) -> set[str]:
    return {name for name, item in vars(home).items() if isinstance(item, type) and name[0] != "_"}


class OwnLoader:
    """Stands for a loader that the project defines."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def load(self) -> None: ...


def _loader_like(value: Any) -> Any:
    if isinstance(value, Instance):
        return OwnLoader(value)
    return value


def _each(keywords: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _loader_like(value) for name, value in keywords.items()}
