"""What a parameter's annotation asks for: `str` or `Path`, which table library, which class."""

from __future__ import annotations

import dataclasses
import inspect
import pathlib
import typing
from collections.abc import Callable
from typing import Any

from .failures import StageError, one_line


def of_parameter(function: Callable[..., Any], name: str) -> Any:
    """The annotation of a parameter, evaluated where that is possible, else its text; or None.

    `Annotated` and `Optional` are looked through.
    """
    if inspect.isclass(function):
        function = function.__init__
    target: Any = inspect.unwrap(function)
    try:
        found = getattr(target, "__annotations__", {}).get(name)
    except Exception:
        return None
    if isinstance(found, str):
        found = _evaluated(found, getattr(target, "__globals__", {}))
    return _bare(found)


def _evaluated(text: str, names: dict[str, Any]) -> Any:
    try:
        return eval(text, dict(names))  # noqa: S307 - the project's own code
    except Exception:
        return text.strip()


def _bare(annotation: Any) -> Any:
    if hasattr(annotation, "__metadata__"):
        return _bare(annotation.__origin__)
    arguments = getattr(annotation, "__args__", None)
    if arguments and len(arguments) == 2 and type(None) in arguments:
        return _bare(arguments[0] if arguments[1] is type(None) else arguments[1])
    return annotation


def item_of(annotation: Any) -> Any:
    """`T` of `list[T]`; None where the annotation is no such thing."""
    arguments = getattr(annotation, "__args__", None)
    if arguments:
        return _bare(arguments[0])
    if isinstance(annotation, str) and annotation.endswith("]"):
        return annotation.partition("[")[2][:-1].strip()
    return None


def path_type(annotation: Any) -> Callable[[str], Any]:
    """`str` where the parameter, or the items of the list it takes, are so annotated."""
    wanted = (annotation, item_of(annotation))
    return str if str in wanted or "str" in wanted else pathlib.Path


def library_of(annotation: Any) -> str | None:
    """The package of the annotated class: `pandas` for `pd.DataFrame`; `list` for lists."""
    if annotation is None:
        return None
    if isinstance(annotation, str):
        first = annotation.partition(".")[0].partition("[")[0].strip()
        return _ALIASES.get(first, first)
    origin = getattr(annotation, "__origin__", None) or annotation
    if origin in (list, typing.Sequence) or getattr(origin, "__name__", "") == "Sequence":
        return "list"
    return str(getattr(origin, "__module__", "")).partition(".")[0] or None


_ALIASES = {
    "pd": "pandas",
    "pl": "polars",
    "pa": "pyarrow",
    "List": "list",
    "Sequence": "list",
    "np": "numpy",
}


def structure(annotation: Any, value: Any) -> Any:
    """`value` as the dataclass or pydantic model that is asked for; else as it is.

    Raises StageError where the mapping does not fit the class.
    """
    if not inspect.isclass(annotation) or not isinstance(value, dict):
        return value
    validate = getattr(annotation, "model_validate", None) or getattr(annotation, "parse_obj", None)
    if validate is not None:
        try:
            return validate(value)
        except Exception as error:
            raise StageError(
                f"{annotation.__name__} does not accept these values: {_joined(error)}"
            ) from error
    if dataclasses.is_dataclass(annotation):
        return _dataclass(annotation, value)
    return value


def _joined(error: Exception) -> str:
    return " ".join(str(error).split()) or one_line(error)


def _dataclass(kind: Any, value: dict[str, Any]) -> Any:
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    unknown = [key for key in value if key not in fields]
    if unknown:
        raise StageError(
            "{} has no field '{}' (fields: {})".format(kind.__name__, unknown[0], ", ".join(fields))
        )
    missing = [
        name
        for name, field in fields.items()
        if name not in value
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise StageError(f"{kind.__name__} needs '{missing[0]}', which is no param")
    module_names = vars(_module_of(kind))
    made = {}
    for name, item in value.items():
        annotation = fields[name].type
        if isinstance(annotation, str):
            annotation = _evaluated(annotation, module_names)
        made[name] = structure(_bare(annotation), item)
    return kind(**made)


def _module_of(kind: Any) -> Any:
    import sys

    return sys.modules.get(kind.__module__, typing)
