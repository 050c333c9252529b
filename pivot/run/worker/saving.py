"""What a stage's function returned, written to its outs."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from .failures import StageError, one_line
from .loading import Loader
from .values import decode_value

#: The name of the one out that is declared for the value returned itself.
RESULT = "return"


class Surroundings:
    """What saving depends on besides the result: the function's `name`, the values of outs that
    it changed in place (`updated`), and the outs that it writes itself (`written`).
    """

    def __init__(self, name: str, updated: dict[str, Any], written: set[str]) -> None:
        self.name = name
        self.updated = updated
        self.written = written


def save(saves: list[dict[str, Any]], result: Any, around: Surroundings) -> None:
    """Write `result`: a mapping by out name, a named tuple or dataclass of such fields, or of a
    single out the value itself. Raises StageError where that cannot be.
    """
    if not saves:
        return
    values = _by_name(saves, result, around)
    for entry in saves:
        value = values[entry["name"]]
        loader = Loader(entry["loader"], decode_value(entry["options"]))
        if entry.get("directory"):
            _write_folder(entry, loader, value, around.name)
            continue
        if not entry["is_list"]:
            _write(entry, loader, entry["paths"][0], value)
            continue
        items = list(value) if isinstance(value, (list, tuple)) else None
        if items is None or len(items) != len(entry["paths"]):
            raise StageError(
                f"out '{entry['name']}' takes a list of {len(entry['paths'])} values, one a file; "
                f"'{around.name}' returned {_shape(value)}"
            )
        for position, path in enumerate(entry["paths"]):
            _write(entry, loader, path, items[position])


def _fields(result: Any) -> dict[str, Any] | None:
    """The values of what holds several by name."""
    if isinstance(result, dict):
        return result
    if isinstance(result, tuple) and hasattr(result, "_fields"):
        return {name: getattr(result, name) for name in result._fields}
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return None


def _by_name(saves: list[dict[str, Any]], result: Any, around: Surroundings) -> dict[str, Any]:
    names = [entry["name"] for entry in saves]
    updated = {name: around.updated[name] for name in names if name in around.updated}
    wanted = [name for name in names if name not in updated]
    if result is None and not wanted:
        return updated
    if RESULT in names:
        if result is None:
            raise StageError(f"'{around.name}' returned nothing to save as its result")
        return {**updated, RESULT: result}
    listed = ", ".join(f"'{one}'" for one in names)
    if result is None:
        raise StageError(f"'{around.name}' returned nothing to save as {listed}")
    found = _fields(result)
    if found is not None:
        found = {key: value for key, value in found.items() if key not in around.written}
    itself = len(names) == 1 and not saves[0]["by_name"]
    if itself and (found is None or list(found) != names):
        return {names[0]: result}
    if found is None:
        raise StageError(
            f"'{around.name}' must return a mapping with {listed}; it returned {_shape(result)}"
        )
    missing = [one for one in wanted if one not in found]
    if missing:
        raise StageError(f"'{around.name}' returned no value for out '{missing[0]}'")
    extra = [key for key in found if key not in names]
    if extra:
        raise StageError(
            f"'{around.name}' returned a value for '{extra[0]}', which is no out that takes one "
            f"({listed})"
        )
    return {**updated, **found}


def _shape(value: Any) -> str:
    kind = type(value).__name__
    return f"{kind} of {len(value)}" if isinstance(value, (list, tuple)) else kind


def _write(entry: dict[str, Any], loader: Loader, path: str, value: Any) -> None:
    try:
        loader.save(path, value)
    except StageError as error:
        raise StageError("out '{}': {}".format(entry["name"], error)) from error.__cause__
    except Exception as error:
        raise StageError(
            "out '{}': cannot save {} to '{}' as {}: {}".format(
                entry["name"], type(value).__name__, path, loader.shown(path), one_line(error)
            )
        ) from error


def _write_folder(entry: dict[str, Any], loader: Loader, value: Any, name: str) -> None:
    [path] = entry["paths"]
    if not isinstance(value, dict):
        raise StageError(
            f"out '{entry['name']}' is a folder: '{name}' returns a mapping of relative paths to "
            f"values for it, not {_shape(value)}"
        )
    # a path object is as good a name as a text
    values = {os.fspath(k) if isinstance(k, os.PathLike) else k: v for k, v in value.items()}
    try:
        loader.save_folder(path, values)
    except StageError as error:
        raise StageError("out '{}': {}".format(entry["name"], error)) from error.__cause__
    except Exception as error:
        raise StageError(
            f"out '{entry['name']}': cannot save the files of '{path}': {one_line(error)}"
        ) from error
