"""Calling a stage's function: its arguments by how they are declared, its result to its outs."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
from collections.abc import Callable
from typing import Any

from . import hints, loaders
from .failures import StageError, one_line
from .values import decode_value

_PATH_TYPES = ("path", "load")


def call(job: dict[str, Any]) -> None:
    """Import the function, call it, and write what it returns to the outs that want it.

    Raises StageError for what is wrong with the stage, and whatever the function raises.
    """
    function = _find(job["module"], job["qualname"])
    name = "{}.{}".format(job["module"], job["qualname"])
    _refuse_generators(function, name)
    saved = {entry["name"] for entry in job["saves"]}
    positional, keywords = _arguments(function, job["arguments"], saved)
    result = function(*positional, **keywords)
    if inspect.iscoroutine(result):
        import asyncio  # 20 ms, and only async stages need it

        result = asyncio.run(result)
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise StageError(_generator_message(name))
    _save(job["saves"], result, name)


def _find(module_name: str, qualname: str) -> Callable[..., Any]:
    module = importlib.import_module(module_name)
    found: Any = module
    for part in qualname.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            where = getattr(module, "__file__", None) or module_name
            raise StageError(f"'{module_name}' defines no '{qualname}' ({where})") from None
    if not callable(found):
        raise StageError(f"'{module_name}.{qualname}' is not a function")
    return found  # type: ignore[no-any-return]


def _refuse_generators(function: Callable[..., Any], name: str) -> None:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise StageError(_generator_message(name))


def _generator_message(name: str) -> str:
    return f"'{name}' is a generator: calling it runs nothing; use return instead of yield"


# --- arguments ------------------------------------------------------------------------------


def _arguments(
    function: Callable[..., Any], declared: list[dict[str, Any]], saved: set[str]
) -> tuple[list[Any], dict[str, Any]]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []  # a builtin; names have to do
    named = {parameter.name for parameter in parameters}
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    values = {}
    for entry in declared:
        name, how = entry["name"], entry["how"]
        # there for the asking: tracked keys, the path of an out that is returned, all params
        # together, and each of them where they are taken together
        optional = how == "params" or name in saved or (how == "value" and "params" in named)
        if name in named or not optional or (takes_any and name not in (*saved, "params")):
            values[name] = _value(function, entry)
    positional = []
    for parameter in parameters:
        if parameter.kind is parameter.POSITIONAL_ONLY and parameter.name in values:
            positional.append(values.pop(parameter.name))
    return positional, values


def _value(function: Callable[..., Any], entry: dict[str, Any]) -> Any:
    annotation = hints.of_parameter(function, entry["name"])
    how = entry["how"]
    if how == "path":
        as_path = hints.path_type(annotation)
        found = [as_path(path) for path in entry["paths"]]
        return found if entry["is_list"] else found[0]
    if how == "load":
        options = decode_value(entry["options"])
        item = hints.item_of(annotation) if entry["is_list"] else annotation
        found = [
            _load(path, entry["loader"], options, item, entry["name"]) for path in entry["paths"]
        ]
        return found if entry["is_list"] else found[0]
    value = decode_value(entry["value"])
    try:
        return hints.structure(annotation, value)
    except StageError as error:
        raise StageError("parameter '{}': {}".format(entry["name"], error)) from error.__cause__


def _load(path: str, loader: Any, options: dict[str, Any], annotation: Any, name: str) -> Any:
    chosen = loader or loaders.by_suffix(path)
    try:
        return loaders.load(chosen, path, options, annotation)
    except StageError as error:
        raise StageError(f"parameter '{name}': {error}") from error.__cause__
    except Exception as error:
        raise StageError(
            f"parameter '{name}': cannot load '{path}' as {chosen}: {one_line(error)}"
        ) from error


# --- results --------------------------------------------------------------------------------


def _save(saves: list[dict[str, Any]], result: Any, name: str) -> None:
    """Write `result`: a mapping by out name, or of a single out the value itself."""
    if not saves:
        return
    values = _by_name(saves, result, name)
    for entry in saves:
        value = values[entry["name"]]
        if not entry["is_list"]:
            _write(entry, entry["paths"][0], value)
            continue
        items = list(value) if isinstance(value, (list, tuple)) else None
        if items is None or len(items) != len(entry["paths"]):
            raise StageError(
                f"out '{entry['name']}' takes a list of {len(entry['paths'])} values, one a file; "
                f"'{name}' returned {_shape(value)}"
            )
        for position, path in enumerate(entry["paths"]):
            _write(entry, path, items[position])


def _by_name(saves: list[dict[str, Any]], result: Any, name: str) -> dict[str, Any]:
    names = [entry["name"] for entry in saves]
    listed = ", ".join(f"'{one}'" for one in names)
    if result is None:
        raise StageError(f"'{name}' returned nothing to save as {listed}")
    if len(names) == 1 and not (isinstance(result, dict) and list(result) == names):
        return {names[0]: result}
    if not isinstance(result, dict):
        raise StageError(
            f"'{name}' must return a mapping with {listed}; it returned {_shape(result)}"
        )
    missing = [one for one in names if one not in result]
    if missing:
        raise StageError(f"'{name}' returned no value for out '{missing[0]}'")
    extra = [key for key in result if key not in names]
    if extra:
        raise StageError(
            f"'{name}' returned a value for '{extra[0]}', which is no out that takes one ({listed})"
        )
    return result


def _shape(value: Any) -> str:
    kind = type(value).__name__
    return f"{kind} of {len(value)}" if isinstance(value, (list, tuple)) else kind


def _write(entry: dict[str, Any], path: str, value: Any) -> None:
    chosen = entry["loader"] or loaders.by_suffix(path)
    folder, file = os.path.split(path)
    # the suffix stays last: libraries choose compression and format by it
    temporary = os.path.join(folder, f".{os.getpid()}.tmp.{file}")
    if folder:
        os.makedirs(folder, exist_ok=True)
    try:
        loaders.save(chosen, temporary, value, decode_value(entry["options"]))
        os.replace(temporary, path)
    except StageError as error:
        raise StageError("out '{}': {}".format(entry["name"], error)) from error.__cause__
    except Exception as error:
        raise StageError(
            "out '{}': cannot save {} to '{}' as {}: {}".format(
                entry["name"], type(value).__name__, path, chosen, one_line(error)
            )
        ) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
