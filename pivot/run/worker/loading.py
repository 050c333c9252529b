"""The loader that a dep or out names: one of ours, or a class of the project's."""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path
from typing import Any

from .failures import StageError, one_line
from .shared import LoaderError, files, placing


class Loader:
    """Reads and writes files by one loader. `name` is one of ours (None: by the suffix of each
    file), or `module:Class` of the project's, which is called with `options` as keywords.
    """

    def __init__(self, name: str | None, options: dict[str, Any]) -> None:
        self._name = name
        self._options = options
        self._own = _instance(name, options) if name is not None and ":" in name else None

    def shown(self, path: str) -> str:
        """The loader's name, for messages about `path`."""
        return self._name or files.by_suffix(path)

    def load(self, path: str, annotation: Any, *, or_empty: bool = False) -> Any:
        """What lies at `path`; with `or_empty` an empty value where nothing does.

        Raises StageError, and whatever reading raises.
        """
        absent = or_empty and not os.path.lexists(path)
        if self._own is not None:
            if not absent:
                return _called(self._own, "load", Path(path), kind=annotation)
            if not hasattr(self._own, "empty"):
                raise StageError(
                    f"the loader {self._name} has no `empty()`, which gives what '{path}' "
                    "starts from"
                )
            return _called(self._own, "empty", kind=annotation)
        try:
            if absent:
                return files.empty(self._name or files.by_suffix(path), annotation)
            return files.load(
                self._name or files.by_suffix(path), path, dict(self._options), annotation
            )
        except LoaderError as error:
            raise StageError(str(error)) from error.__cause__

    def save(self, path: str, value: Any) -> None:
        """Write `value` to `path`, which is whole at every instant. Raises as `load` does."""
        try:
            placing.save_file(path, lambda place: self._write(place, value))
        except LoaderError as error:
            raise StageError(str(error)) from error.__cause__

    def save_folder(self, path: str, values: dict[str, Any]) -> None:
        """Write each value to its relative path in the folder. Raises as `load` does."""
        try:
            placing.save_folder(path, values, lambda name, place: self._write(place, values[name]))
        except LoaderError as error:
            raise StageError(str(error)) from error.__cause__

    def _write(self, place: str, value: Any) -> None:
        if self._own is not None:
            _called(self._own, "save", value, Path(place))
            if not os.path.lexists(place):
                raise StageError(f"the loader {self._name} wrote nothing to the path it was given")
        else:
            files.save(self._name or files.by_suffix(place), place, value, dict(self._options))


def _instance(name: str, options: dict[str, Any]) -> Any:
    module, _, qualname = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise StageError(f"there is no loader '{qualname}' in '{module}'") from None
    try:
        made = found(**options)
    except TypeError as error:
        raise StageError(
            f"the loader {name} does not take its options: {one_line(error)}"
        ) from error
    return made


def _called(loader: Any, what: str, *given: Any, kind: Any = None) -> Any:
    """Call a method of a project's loader, with the annotated type where it asks for `kind`."""
    method = getattr(loader, what, None)
    if method is None:
        raise StageError(f"the loader {type(loader).__name__} has no `{what}()`")
    try:
        takes_kind = "kind" in inspect.signature(method).parameters
    except (TypeError, ValueError):
        takes_kind = False
    return method(*given, kind=kind) if takes_kind else method(*given)
