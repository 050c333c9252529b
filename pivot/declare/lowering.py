"""What Python says of a stage, as `pivot.yaml` would say it."""

from __future__ import annotations

import datetime
import enum
import os
from collections.abc import Callable, Mapping
from typing import Any

from . import artifacts

#: (name in YAML, options) of a loader.
Loading = Callable[[Any], tuple[str, Mapping[str, Any]]]

_SECTIONS = ("outs", "metrics", "plots")
_FLAGS = {"cache": True, "persist": False, "push": True, "resume": False}
_SCALARS = (bool, int, float, datetime.date, datetime.datetime, type(None))


def as_yaml(settings: Mapping[str, Any], loading: Loading) -> dict[str, Any]:
    """The body of a stage from what `register` or `stage` was told.

    Declared artifacts become paths with options; metrics and plots among `outs` go to their own
    sections. Raises TypeError for what cannot be said in YAML.
    """
    body: dict[str, Any] = {}
    for key, value in settings.items():
        if key == "deps":
            body["deps"] = _section(value, "deps", loading)[0][1]
        elif key in _SECTIONS:
            for section, part in _section(value, key, loading):
                body[section] = _joined(body.get(section), part, section)
        elif key == "params":
            body["params"] = params_value(value)
        else:
            body[key] = plain(value, key)
    return body


def _joined(before: Any, more: Any, section: str) -> Any:
    if before is None:
        return more
    if isinstance(before, dict) and isinstance(more, dict):
        return {**before, **more}
    if isinstance(before, list) and isinstance(more, list):
        return [*before, *more]
    raise TypeError(f"{section} are given with names and without; give all of them names")


def _section(value: Any, key: str, loading: Loading) -> list[tuple[str, Any]]:
    """(section, list or mapping) of what was given as deps, outs, metrics or plots."""
    if isinstance(value, (str, os.PathLike, artifacts.Artifact)):
        value = [value]
    found: dict[str, Any] = {}
    if isinstance(value, Mapping):
        for name, item in value.items():
            section, path, options = _one(item, key, loading)
            if not isinstance(name, str):
                raise TypeError(f"{key}: a name is a text, not {name!r}")
            found.setdefault(section, {})[name] = {"path": path, **options} if options else path
    elif isinstance(value, (list, tuple)):
        for item in value:
            section, path, options = _one(item, key, loading)
            paths = path if isinstance(path, list) else [path]
            found.setdefault(section, []).extend({p: options} if options else p for p in paths)
    else:
        raise TypeError(f"{key} takes paths, in a list or a mapping, not {value!r}")
    return list(found.items()) or [(key, {} if isinstance(value, Mapping) else [])]


def _one(item: Any, key: str, loading: Loading) -> tuple[str, Any, dict[str, Any]]:
    """(section, path or paths, options) of one artifact."""
    if isinstance(item, artifacts.Artifact):
        return _declared(item, key, loading)
    if isinstance(item, (str, os.PathLike)):
        return key, os.fspath(item), {}
    if isinstance(item, (list, tuple)) and all(isinstance(p, (str, os.PathLike)) for p in item):
        return key, [os.fspath(path) for path in item], {}
    if isinstance(item, Mapping):
        options = {name: plain(value, name) for name, value in item.items() if name != "path"}
        if "path" in item:
            return key, plain(item["path"], "path"), options
        if len(item) == 1:  # as YAML's lists have it: {path: {cache: False}}
            [(path, inner)] = item.items()
            return key, plain(path, "path"), dict(plain(inner, "options") or {})
    raise TypeError(f"{key}: a path is a text, not {item!r}")


def _declared(item: Any, key: str, loading: Loading) -> tuple[str, Any, dict[str, Any]]:
    if isinstance(item, artifacts.PlaceholderDep):
        raise TypeError("a placeholder has no path; give the path itself")
    if isinstance(item, artifacts.Out) == (key == "deps"):
        what = "a dep" if key == "deps" else "an out"
        raise TypeError(f"{type(item).__name__}({item.path!r}) is not {what}")
    options: dict[str, Any] = {}
    if item.loader is not None:
        name, given = loading(item.loader)
        options["loader"] = name
        if given:
            options["options"] = plain(dict(given), "options")
    if isinstance(item, artifacts.Dep):
        if item.check != "content":
            options["check"] = item.check
        return key, item.path if isinstance(item.path, str) else list(item.path), options
    assert isinstance(item, artifacts.Out)
    options |= {
        name: getattr(item, name)
        for name, default in _FLAGS.items()
        if getattr(item, name) != default
    }
    options |= {name: getattr(item, name) for name in ("remote", "desc") if getattr(item, name)}
    if isinstance(item, artifacts.DirectoryOut):
        options["type"] = "directory"
    if isinstance(item, artifacts.IncrementalOut):
        options["incremental"] = True
    section = key
    if isinstance(item, artifacts.Metric):
        section = "metrics"
    elif isinstance(item, artifacts.Plot):
        section = "plots"
        said = {name: getattr(item, name) for name in artifacts.PLOT_OPTIONS}
        options |= {name: value for name, value in said.items() if value is not None}
    return section, item.path, options


def params_value(value: Any) -> Any:
    """The params of a stage: a mapping, a list of keys, or an object with fields and its values.

    Of a class the defaults hold, which its function's annotation names.
    """
    if isinstance(value, type):
        return {}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(exclude_unset=True), "params")
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name), name) for name in fields}
    if isinstance(value, (Mapping, list, tuple)):
        return plain(value, "params")
    raise TypeError(f"params takes a mapping or a list of keys, not {value!r}")


def plain(value: Any, name: str) -> Any:
    """A value as YAML would hold it: tuples and sets are lists, paths, times and members of
    enumerations their text or value. Raises TypeError for what it cannot.
    """
    if isinstance(value, enum.Enum):
        return plain(value.value, name)
    if isinstance(value, datetime.time):
        return value.isoformat()
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Mapping):
        return {_key(key, name): plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item, name) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [plain(item, name) for item in value]
    if hasattr(value, "model_dump") or hasattr(value, "__dataclass_fields__"):
        return params_value(value)
    raise TypeError(f"{name} takes plain values, not {value!r}")


def _key(key: Any, name: str) -> Any:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, (str, int, float, bool)) or key is None:
        return key
    raise TypeError(f"{name} has the key {key!r}, which is no plain value")
