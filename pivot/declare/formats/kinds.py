"""What an annotation says of a value: which library it is of, what a list holds."""

from __future__ import annotations

import typing
from typing import Any


def bare(annotation: Any) -> Any:
    """The type itself: `Annotated`, `Optional` and `Required` are looked through."""
    if hasattr(annotation, "__metadata__"):
        return bare(annotation.__origin__)
    if getattr(annotation, "__value__", None) is not None:  # `type X = ...`
        return bare(annotation.__value__)
    arguments = getattr(annotation, "__args__", None)
    origin = getattr(annotation, "__origin__", None)
    if getattr(origin, "_name", None) in ("Required", "NotRequired", "ReadOnly", "Final"):
        return bare(arguments[0]) if arguments else annotation
    if arguments and len(arguments) == 2 and type(None) in arguments:
        return bare(arguments[0] if arguments[1] is type(None) else arguments[1])
    return annotation


def item_of(annotation: Any) -> Any:
    """`T` of `list[T]`; None where the annotation is no such thing."""
    arguments = getattr(annotation, "__args__", None)
    if arguments:
        return bare(arguments[0])
    if isinstance(annotation, str) and annotation.endswith("]"):
        return annotation.partition("[")[2][:-1].strip()
    return None


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


def options_for(options: Any, function: Any, counterpart: Any) -> Any:
    """Those of a loader's options that `function` is given: all but what only its counterpart (the
    writer of a reader, the reader of a writer) takes.
    """
    if not options:
        return options
    mine, theirs = _parameters(function), _parameters(counterpart)
    return {name: value for name, value in options.items() if name in mine or name not in theirs}


def _parameters(function: Any) -> Any:
    import inspect  # 5 ms; hardly any loader has options

    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}  # written in C, without a signature


def empty_of(annotation: Any, otherwise: Any) -> Any:
    """An empty value of a builtin type that is annotated; else `otherwise`."""
    if isinstance(annotation, str):
        name = annotation.partition("[")[0].strip()
        kinds = {"list": list, "List": list, "dict": dict, "Dict": dict, "str": str, "set": set}
        return kinds[name]() if name in kinds else otherwise
    origin = getattr(annotation, "__origin__", None) or annotation
    if origin in (list, dict, set, tuple, str, bytes, int, float):
        return origin()
    return otherwise
