"""What a file says outside its stages: plots, metrics, params files, artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ConfigError
from ..model import TopLevel
from ..tree import join
from .marks import Marks
from .templating import Scope

_KEYS = ("plots", "metrics", "params", "artifacts")


def read_top_level(
    value: Mapping[str, Any], marks: Marks, scope: Scope, file: str, folder: str
) -> Iterator[TopLevel]:
    """One TopLevel where the file has such keys. Raises ConfigError."""
    if not any(value.get(key) for key in _KEYS):
        return
    resolved = {
        key: scope.resolve(value[key], marks.where((key,))) for key in _KEYS if value.get(key)
    }
    for key in ("plots", "artifacts"):
        found = resolved.get(key) or {}
        for item in found if isinstance(found, (list, tuple)) else [found]:
            for name in item if isinstance(item, Mapping) else ():
                if not isinstance(name, str):
                    hint = f'write "{name}"'
                    raise ConfigError(
                        f"{key}: a name is a text, not {name!r}",
                        hint=hint,
                        where=marks.where((key,)),
                    )
    yield TopLevel(
        file=file,
        folder=folder,
        metrics=_paths(resolved, "metrics", folder, marks),
        params=_paths(resolved, "params", folder, marks),
        plots=tuple(_plots(resolved.get("plots") or ())),
        artifacts=resolved.get("artifacts") or {},
    )


def _paths(resolved: Mapping[str, Any], key: str, folder: str, marks: Marks) -> tuple[str, ...]:
    found: list[str] = []
    for index, item in enumerate(resolved.get(key) or ()):
        for path in item if isinstance(item, (list, tuple)) else [item]:
            if not isinstance(path, str) or not path:
                where = marks.where((key, index))
                raise ConfigError(f"{key}: a path is a text, not {path!r}", where=where)
            found.append(join(folder, path))
    return tuple(found)


def _plots(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        for name, options in value.items():
            yield str(name), options or {}
        return
    for item in value:
        if isinstance(item, Mapping):
            for name, options in item.items():
                yield str(name), options or {}
        else:
            yield str(item), {}
