"""Calling a stage's function: its arguments by how they are declared, its result to its outs."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Container, Sequence
from types import FunctionType
from typing import Any

from . import hints, saving
from .failures import ParamsError, StageError, one_line, place_of
from .loading import Loader
from .shared import kinds
from .structuring import Misfit, structure
from .values import decode_value

_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def call(job: dict[str, Any]) -> None:
    """Import the function, call it, and write what it returns to the outs that want it.

    Raises StageError for what is wrong with the stage, and whatever the function raises.
    """
    if job["checks"]:
        _check(job["checks"], job["root"])
        return
    function = _find(job["module"], job["qualname"])
    name = "{}.{}".format(job["module"], job["qualname"])
    _refuse_generators(function, name)
    saved = {entry["name"] for entry in job["saves"]}
    positional, keywords, updated = _arguments(function, job["arguments"], saved)
    result = function(*positional, **keywords)
    if result is None:
        pass
    elif inspect.iscoroutine(result):
        import asyncio  # 20 ms, and only async stages need it

        result = asyncio.run(result)
    elif inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise StageError(_generator_message(name))
    left = {entry["name"] for entry in job["arguments"] if entry["how"] == "path"}
    saving.save(job["saves"], result, saving.Surroundings(name, updated, left - saved))


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
    if type(function) is FunctionType and not function.__code__.co_flags & _GENERATOR:
        return
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise StageError(_generator_message(name))


def _generator_message(name: str) -> str:
    return f"'{name}' is a generator: calling it runs nothing; use return instead of yield"


# --- arguments ------------------------------------------------------------------------------


def _arguments(
    function: Callable[..., Any], declared: list[dict[str, Any]], saved: set[str]
) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Positional arguments, keyword arguments, and the values among them that are saved after."""
    named, first, takes_any = _parameters(function)
    values = {}
    updated = {}
    for entry in declared:
        name, how = entry["name"], entry["how"]
        # there for the asking: tracked keys, the path of an out that is returned, all params
        # together, and each of them where they are taken together
        optional = how == "params" or name in saved or (how == "value" and "params" in named)
        optional = optional or entry["optional"]
        if name in named or not optional or (takes_any and name not in (*saved, "params")):
            values[name] = _value(function, entry)
            if how == "update":
                updated[name] = values[name]
    positional = []
    for name in first:
        if name in values:
            positional.append(values.pop(name))
    return positional, values, updated


def _parameters(function: Callable[..., Any]) -> tuple[Container[str], Sequence[str], bool]:
    """The names of the parameters, of those that are positional only, and whether it takes any
    keyword.
    """
    if type(function) is FunctionType and not function.__dict__:
        # plain, and no wrapper: its code says it all, thirty times as fast as `signature`
        code = function.__code__
        takes_any = bool(code.co_flags & inspect.CO_VARKEYWORDS)
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & inspect.CO_VARARGS) + takes_any
        names = code.co_varnames
        return names[:count], names[: code.co_posonlyargcount], takes_any
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return (), (), False  # a builtin; names have to do
    return (
        {parameter.name for parameter in parameters},
        [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY],
        any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters),
    )


def _value(function: Callable[..., Any], entry: dict[str, Any]) -> Any:
    annotation = hints.of_parameter(function, entry["name"])
    how = entry["how"]
    if how == "path" or (how == "update" and hints.takes_path(annotation)):
        as_path = hints.path_type(annotation)
        found = [as_path(path) for path in entry["paths"]]
        return found if entry["is_list"] else found[0]
    if how in ("load", "update"):
        return _loaded(entry, annotation)
    value = decode_value(entry["value"])
    try:
        return structure(annotation, value)
    except Misfit as misfit:
        path = misfit.path if entry["name"] == "params" else (entry["name"], *misfit.path)
        text = _misfit_text(misfit.message, path)
        raise ParamsError([(os.environ.get("PIVOT_STAGE", ""), text, path)]) from misfit.__cause__
    except StageError as error:
        raise StageError("parameter '{}': {}".format(entry["name"], error)) from error.__cause__


def _check(checks: list[dict[str, Any]], root: str) -> None:
    """Hold params against the classes that functions take. Raises ParamsError.

    What keeps a function from being found is left to its stage.
    """
    wrong: list[tuple[str, str, tuple[Any, ...]]] = []
    for entry in checks:
        try:
            annotation = hints.of_parameter(_find(entry["module"], entry["qualname"]), "params")
        except (Exception, SystemExit):  # noqa: S112 - said when the stage runs
            continue
        try:
            structure(annotation, decode_value(entry["value"]))
        except Misfit as misfit:
            wrong.append((entry["stage"], _misfit_text(misfit.message, misfit.path), misfit.path))
        except (Exception, SystemExit) as error:  # a validator may raise anything
            cause = error.__cause__ or error
            text = f"{_named(annotation)} cannot be made of them: {one_line(cause)}"
            text += place_of(cause, root, (os.path.dirname(__file__),))
            wrong.append((entry["stage"], f"params: {text}", ()))
    if wrong:
        raise ParamsError(wrong)


def _named(annotation: Any) -> str:
    return getattr(annotation, "__name__", None) or str(annotation)


def _misfit_text(message: str, path: tuple[Any, ...]) -> str:
    shown = ""
    for step in path:
        shown += f"[{step}]" if isinstance(step, int) else f".{step}" if shown else str(step)
    return f"param '{shown}': {message}" if shown else f"params: {message}"


def _loaded(entry: dict[str, Any], annotation: Any) -> Any:
    loader = Loader(entry["loader"], decode_value(entry["options"]))
    item = kinds.item_of(annotation) if entry["is_list"] else annotation
    found = []
    for path in entry["paths"]:
        try:
            found.append(loader.load(path, item, or_empty=entry["how"] == "update"))
        except StageError as error:
            text = "parameter '{}': {}".format(entry["name"], error)
            raise StageError(text) from error.__cause__
        except Exception as error:
            raise StageError(
                "parameter '{}': cannot load '{}' as {}: {}".format(
                    entry["name"], path, loader.shown(path), one_line(error)
                )
            ) from error
    return found if entry["is_list"] else found[0]
