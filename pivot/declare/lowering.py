"""What Python says of a stage, as `pivot.yaml` would say it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import artifacts

#: (name in YAML, options) of a loader.
Loading = Callable[[Any], tuple[str, Mapping[str, Any]]]


class Made(NamedTuple):
    """An instance of a class: where that is defined, and the fields that it was given."""

    module: str
    name: str
    fields: Mapping[str, Any]


#: What takes instances apart; None for any other value.
Apart = Callable[[Any], Made | None]


class Lowered(NamedTuple):
    """A stage's body, and which of its params were instances (`Plain.classes`)."""

    body: dict[str, Any]
    classes: Mapping[tuple[Any, ...], str]


_SECTIONS = ("outs", "metrics", "plots")
_FLAGS = {"cache": True, "persist": False, "push": True, "resume": False}
_SCALARS = (bool, int, float, datetime.date, datetime.datetime, type(None))


def as_yaml(settings: Mapping[str, Any], loading: Loading, apart: Apart) -> Lowered:
    """The body of a stage from what `register` or `stage` was told.

    Declared artifacts become paths with options; metrics and plots among `outs` go to their own
    sections. Raises TypeError for what cannot be said in YAML.
    """
    body: dict[str, Any] = {}
    params = Plain(apart)
    for key, value in settings.items():
        if key == "deps":
            body["deps"] = _section(value, "deps", loading)[0][1]
        elif key in _SECTIONS:
            for section, part in _section(value, key, loading):
                body[section] = _joined(body.get(section), part, section)
        elif key == "params":
            body["params"] = params.params(value)
        else:
            body[key] = Plain(apart).value(value, key, ())
    return Lowered(body, params.classes)


def plain(value: Any, name: str) -> Any:
    """A setting as YAML would hold it. Raises TypeError for what it cannot."""
    return Plain(lambda _: None).value(value, name, ())


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


class Plain:
    """Values as YAML would hold them, and which of them were instances of classes.

    `classes` has "module:Class" by the keys that lead to an instance among the params, () for all
    of them. `apart` takes instances apart. Raises TypeError for what YAML has no form for.
    """

    def __init__(self, apart: Apart) -> None:
        self._apart = apart
        self.classes: dict[tuple[Any, ...], str] = {}

    def params(self, value: Any) -> Any:
        """The params of a stage: a mapping, a list of keys, an instance of a class, or a class,
        whose defaults hold.
        """
        if self._apart(value) is None and not isinstance(value, (Mapping, list, tuple)):
            raise TypeError(f"params takes a mapping or a list of keys, not {value!r}")
        return self.value(value, "params", ())

    def value(self, value: Any, name: str, path: tuple[Any, ...]) -> Any:
        """A value under the key `name`, found by `path`: tuples and sets are lists, paths, times
        and members of enumerations their text or value, instances mappings of their fields.
        """
        if isinstance(value, enum.Enum):
            return self.value(value.value, name, path)
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        if isinstance(value, _SCALARS):
            return value
        if isinstance(value, datetime.time):
            return value.isoformat()
        made = self._apart(value)
        if made is not None:
            self.classes[path] = f"{made.module}:{made.name}"
            value = made.fields
        if isinstance(value, Mapping):
            return {
                _key(key, name): self.value(item, str(key), (*path, _key(key, name)))
                for key, item in value.items()
            }
        if isinstance(value, (set, frozenset)):
            inner = Plain(self._apart)
            found = sorted((inner.value(item, name, ()) for item in value), key=repr)
            if inner.classes:
                raise TypeError(f"{name} is a set of instances, which have no order; give a list")
            return found
        if isinstance(value, (list, tuple)):
            return [self.value(item, name, (*path, n)) for n, item in enumerate(value)]
        raise TypeError(f"{name} takes plain values, not {value!r}")


def _key(key: Any, name: str) -> Any:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, (str, int, float, bool)) or key is None:
        return key
    raise TypeError(f"{name} has the key {key!r}, which is no plain value")


def instance(value: Any) -> Made | None:
    """An instance of a model or dataclass with the fields that it was given, a class without any.

    Raises TypeError where the class makes something else of these.
    """
    if isinstance(value, type):
        return Made(value.__module__, value.__qualname__, {})
    kind = type(value)
    if hasattr(value, "model_dump"):
        given = _of_model(value)
        make = kind.model_validate
    elif hasattr(value, "__dataclass_fields__"):
        given = _of_dataclass(value)
        make = _calling(kind)
    else:
        return None
    found = {name: item for name, (_, item) in given.items()}
    try:
        again = make(found)
        same = all(_equal(getattr(again, name), item) for name, item in given.values())
    except Exception as error:
        said = str(error).strip().replace("\n", " ") or type(error).__name__
        raise TypeError(f"{kind.__name__} cannot be made of its fields: {said}") from None
    if not same:
        raise TypeError(
            f"{kind.__name__} makes other values of its fields than it holds; give a mapping of "
            "what it is made of"
        )
    return Made(kind.__module__, kind.__qualname__, found)


def _calling(kind: type) -> Callable[[Mapping[str, Any]], Any]:
    return lambda fields: kind(**fields)


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) or repr(one) == repr(other)


def _of_model(value: Any) -> dict[str, tuple[str, Any]]:
    """The fields that were given: by the name that the class takes, (attribute, value)."""
    fields = type(value).model_fields
    found = {}
    for name in sorted(value.model_fields_set, key=[*fields, *value.model_fields_set].index):
        alias = getattr(fields.get(name), "validation_alias", None)
        alias = getattr(alias, "choices", [alias])[0]
        found[alias if isinstance(alias, str) else name] = (name, getattr(value, name))
    return found


def _of_dataclass(value: Any) -> dict[str, tuple[str, Any]]:
    """The fields that are not as by default."""
    found = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        as_default = type(default) is type(item) and _equal(default, item)
        if field.init and not as_default:
            found[field.name] = (field.name, item)
    return found
