"""Param values as the classes that annotations ask for: dataclasses, models, enums, paths, dates.

A param of a function is only turned into what it could not be used as otherwise. The fields of a
dataclass are held to their annotations, as pydantic holds those of its models.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import pathlib
import sys
import typing
from typing import Any

from . import hints
from .failures import StageError, one_line

_SEQUENCES = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_DATES = (datetime.datetime, datetime.date, datetime.time)


class Misfit(Exception):
    """A value that its annotation does not take: where in the params, and why."""

    def __init__(self, path: tuple[Any, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def structure(annotation: Any, value: Any) -> Any:
    """`value` as what is annotated, where that is a class that YAML has no word for.

    Raises StageError, or Misfit with the place inside of `value`, where it does not fit.
    """
    if inspect.isclass(annotation) and isinstance(value, dict):
        if _validator(annotation) is not None:
            return _model(annotation, value)
        if dataclasses.is_dataclass(annotation):
            return _dataclass(annotation, value, ())
        return value
    if _is_made_of_text(annotation):
        return _scalar(annotation, value, ())
    return value


def _is_made_of_text(annotation: Any) -> bool:
    kinds = (enum.Enum, pathlib.PurePath, *_DATES)
    return inspect.isclass(annotation) and issubclass(annotation, kinds)


def _validator(kind: Any) -> Any:
    return getattr(kind, "model_validate", None) or getattr(kind, "parse_obj", None)


def _model(kind: Any, value: dict[str, Any]) -> Any:
    try:
        return _validator(kind)(value)
    except Exception as error:
        listed = getattr(error, "errors", None)
        try:
            first = listed()[0] if callable(listed) else None
        except Exception:
            first = None
        message = f"{kind.__name__} does not accept these values: {_joined(error)}"
        if first is None:
            raise StageError(message) from error
        raise Misfit(tuple(first["loc"]), str(first["msg"])) from error


def _joined(error: Exception) -> str:
    return " ".join(str(error).split()) or one_line(error)


def _dataclass(kind: Any, value: dict[Any, Any], path: tuple[Any, ...]) -> Any:
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    for key in value:
        if key not in fields:
            known = ", ".join(fields)
            raise Misfit((*path, key), f"{kind.__name__} has no field '{key}' (fields: {known})")
    for name, field in fields.items():
        plain = field.default is dataclasses.MISSING
        if name not in value and plain and field.default_factory is dataclasses.MISSING:
            raise Misfit((*path, name), f"{kind.__name__} needs '{name}', which is no param")
    names = vars(sys.modules.get(kind.__module__, typing))
    made = {}
    for name, item in value.items():
        annotation = fields[name].type
        if isinstance(annotation, str):
            annotation = hints.evaluated(annotation, names)
        made[name] = convert(annotation, item, (*path, name))
    try:
        return kind(**made)
    except (TypeError, ValueError) as error:  # said by `__post_init__`
        raise Misfit(path, one_line(error)) from error


def convert(annotation: Any, value: Any, path: tuple[Any, ...]) -> Any:
    """`value` as `annotation` says. Raises Misfit where it cannot be."""
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if hasattr(annotation, "__value__"):
        annotation = annotation.__value__
    if annotation is None or annotation is type(None):
        if value is None:
            return None
        raise Misfit(path, f"takes nothing, not {value!r}")
    origin = getattr(annotation, "__origin__", None)
    arguments: Any = getattr(annotation, "__args__", None) or ()
    if origin is typing.Union or type(annotation).__name__ == "UnionType":
        return _union(arguments, value, path)
    if origin is getattr(typing, "Literal", None) and origin is not None:
        for choice in arguments:
            if choice == value and type(choice) is type(value):
                return value
        raise Misfit(path, f"takes {' or '.join(map(repr, arguments))}, not {value!r}")
    kind = origin or annotation
    if not inspect.isclass(kind):
        return value  # Any, type variables, text that cannot be evaluated
    if issubclass(kind, (tuple, set, frozenset)) or kind in _SEQUENCES:
        return _items(kind, arguments, value, path)
    if kind in _MAPPINGS:
        if not isinstance(value, dict):
            raise Misfit(path, f"takes a mapping, not {value!r}")
        if len(arguments) != 2:
            return value
        key, inner = arguments[0], arguments[1]
        return {convert(key, k, path): convert(inner, v, (*path, k)) for k, v in value.items()}
    return _scalar(kind, value, path)


def _union(choices: Any, value: Any, path: tuple[Any, ...]) -> Any:
    for choice in choices:  # what needs no conversion goes first
        if inspect.isclass(choice) and type(value) is choice:
            return value
    misfits = []
    for choice in choices:
        try:
            return convert(choice, value, path)
        except Misfit as misfit:
            misfits.append(misfit)
    deepest = max(misfits, key=lambda misfit: len(misfit.path))
    if len(deepest.path) > len(path):
        raise deepest
    raise Misfit(path, "; or ".join(dict.fromkeys(misfit.message for misfit in misfits)))


def _items(kind: Any, arguments: Any, value: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise Misfit(path, f"takes a list, not {value!r}")
    if kind is tuple and arguments and arguments[-1] is not Ellipsis:
        if len(value) != len(arguments):
            raise Misfit(path, f"takes {len(arguments)} values, not {len(value)}")
        kinds = list(arguments)
    else:
        kinds = [arguments[0] if arguments else Any] * len(value)
    made = [
        convert(item_kind, item, (*path, number))
        for number, (item_kind, item) in enumerate(zip(kinds, value))  # noqa: B905 - Python 3.8
    ]
    if kind in _SEQUENCES or kind is list:
        return made
    return kind(*made) if hasattr(kind, "_fields") else kind(made)


def _scalar(kind: Any, value: Any, path: tuple[Any, ...]) -> Any:
    if _validator(kind) is not None and isinstance(value, dict):
        try:
            return _model(kind, value)
        except Misfit as misfit:
            raise Misfit((*path, *misfit.path), misfit.message) from misfit
    if dataclasses.is_dataclass(kind):
        if isinstance(value, dict):
            return _dataclass(kind, value, path)
        if isinstance(value, kind):  # type: ignore[arg-type]
            return value
        raise Misfit(path, f"takes a mapping, not {value!r}")
    if issubclass(kind, enum.Enum):
        return _member(kind, value, path)
    if kind in (int, float, str, bool, complex):
        return _builtin(kind, value, path)
    if isinstance(value, str) and issubclass(kind, (pathlib.PurePath, decimal.Decimal)):
        return kind(value)
    if kind is decimal.Decimal and isinstance(value, (int, float)) and not isinstance(value, bool):
        return decimal.Decimal(str(value))
    if kind in _DATES:
        return _date(kind, value, path)
    if issubclass(kind, pathlib.PurePath) and not isinstance(value, kind):
        raise Misfit(path, f"takes a path, not {value!r}")
    return value


def _member(kind: Any, value: Any, path: tuple[Any, ...]) -> Any:
    if isinstance(value, kind):
        return value
    for member in kind:
        if member.value == value and type(member.value) is type(value):
            return member
    if isinstance(value, str) and value in kind.__members__:
        return kind[value]
    known = ", ".join(repr(member.value) for member in kind)
    raise Misfit(path, f"takes one of {known}, not {value!r}")


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _builtin(kind: Any, value: Any, path: tuple[Any, ...]) -> Any:
    if type(value) is kind:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    raise Misfit(path, f"takes {_WORDS.get(kind, kind.__name__)}, not {value!r}")


def _date(kind: Any, value: Any, path: tuple[Any, ...]) -> Any:
    if type(value) is kind:
        return value
    if isinstance(value, str):
        try:
            return kind.fromisoformat(value)
        except ValueError:
            pass
    elif kind is datetime.datetime and type(value) is datetime.date:
        return datetime.datetime(value.year, value.month, value.day)
    word = {datetime.date: "a date", datetime.time: "a time"}.get(kind, "a date with a time")
    raise Misfit(path, f"takes {word}, not {value!r}")
