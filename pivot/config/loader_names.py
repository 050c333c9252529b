"""Loaders as YAML says them: a name, and options that are plain values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from ..errors import ConfigError, SourceError, Where
from ..source.reading import Instance, Text
from .ours import OwnLoader
from .records import positional


def loading_of(loader: Any, text: Text, where: Where) -> tuple[str, Mapping[str, Any]]:
    """(name, options) of a loader that was read. Raises ConfigError, SourceError."""
    if isinstance(loader, OwnLoader):
        return _own(loader.instance, text)
    _check_options(loader.options, where)
    return loader.format, loader.options


def _own(made: Instance, text: Text) -> tuple[str, Mapping[str, Any]]:
    """(name, options) of a loader of the project's; positional arguments get their names."""
    options = dict(made.keywords)
    if made.arguments:
        names = positional(text, made.module, made.name)
        if len(made.arguments) > len(names):
            raise ConfigError(
                f"the arguments of {made.name}(...) have no names that could be read",
                hint="write them as keywords",
                where=made.where,
            )
        for name, value in zip(names, made.arguments, strict=False):
            if name in options:
                raise ConfigError(f"{made.name} is given '{name}' twice", where=made.where)
            options[name] = value
    _check_options(options, made.where)
    return f"{made.module}:{made.name}", options


def _check_options(options: Mapping[str, Any], where: Where) -> None:
    """Options cross to the worker and enter keys as plain values."""
    for name, value in options.items():
        if not _is_plain(value):
            raise SourceError(
                f"the option {name}={value!r} of a loader is no plain value",
                hint="use texts, numbers, lists and mappings; a loader of your own can hold more",
                where=where,
            )


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple, set)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, (str, int, float, bool, bytes))


def path_text(value: Any) -> Any:
    """A declared value with paths as texts."""
    return str(value) if isinstance(value, PurePosixPath) else value
