"""Frozen dataclasses whose methods are made when first needed.

`dataclasses` compiles six functions for each class as it is defined: 0.4 ms, and 20 ms of every
command for the classes that all of them load. Here `__init__` is compiled by the first call, and
the others are shared. To type checkers, and to `fields` and `replace`, these are dataclasses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass

__all__ = ["dataclass", "field"]

_SET = object.__setattr__


def _value(*, frozen: bool, slots: bool) -> Any:
    """The decorator, which has this one form: `@dataclass(frozen=True, slots=True)`."""
    assert frozen
    assert slots
    return _made


def _made(cls: Any) -> Any:
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else `dataclasses` writes the signature there
    plain = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    names = tuple(item.name for item in dataclasses.fields(plain))
    body = {name: value for name, value in vars(plain).items() if name not in names}
    for name in ("__dict__", "__weakref__"):
        body.pop(name, None)
    fields = dataclasses.fields(plain)
    key = _getter([item.name for item in fields if item.compare])
    hashed = _getter(
        [item.name for item in fields if (item.compare if item.hash is None else item.hash)]
    )

    def same(self: Any, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def first(self: Any, *values: Any, **named: Any) -> None:
        made.__init__ = _initializer(made)
        made.__init__(self, *values, **named)

    body |= {
        "__slots__": names,
        "__init__": first,
        "__eq__": same,
        "__hash__": lambda self: hash(hashed(self)),
        "__repr__": _shown,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__getstate__": _state,
        "__setstate__": _restore,
    }
    made: Any = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    return made


def _getter(names: list[str]) -> Any:
    return attrgetter(*names) if names else lambda _: ()


def _initializer(cls: type[Any]) -> Any:
    parameters, lines, scope = [], [], {"_set": _SET, "_missing": dataclasses.MISSING}
    for item in dataclasses.fields(cls):
        name = value = item.name
        parameter = name
        if item.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = item.default
            parameter = f"{name}=_default_{name}"
        elif item.default_factory is not dataclasses.MISSING:
            scope[f"_factory_{name}"] = item.default_factory
            parameter = f"{name}=_missing"
            value = f"_factory_{name}() if {name} is _missing else {name}"
        parameters.append(parameter)
        lines.append(f"    _set(self, {name!r}, {value})")
    text = f"def __init__(self, {', '.join(parameters)}):\n" + "\n".join(lines or ["    pass"])
    made: dict[str, Any] = {}
    exec(text, scope, made)  # noqa: S102 (names of our own fields)
    made["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    return made["__init__"]


def _shown(self: Any) -> str:
    shown = (f"{item.name}={getattr(self, item.name)!r}" for item in dataclasses.fields(self))
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(_: Any, name: str, *__: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, item.name) for item in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for item, value in zip(dataclasses.fields(self), state, strict=True):
        _SET(self, item.name, value)


if not TYPE_CHECKING:
    dataclass = _value
