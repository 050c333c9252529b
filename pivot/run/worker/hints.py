"""What the annotations of a stage's function say: of a parameter, of what it returns."""

from __future__ import annotations

import inspect
import os
import pathlib
from collections.abc import Callable
from typing import Any

from .shared import kinds


def of_parameter(function: Callable[..., Any], name: str) -> Any:
    """The annotation of a parameter (`return`: of the result), evaluated where that is possible,
    else its text; or None. `Annotated` and `Optional` are looked through.
    """
    if inspect.isclass(function):
        function = function.__init__
    target: Any = inspect.unwrap(function) if hasattr(function, "__wrapped__") else function
    try:
        found = getattr(target, "__annotations__", {}).get(name)
    except Exception:
        return None
    if isinstance(found, str):
        found = evaluated(found, getattr(target, "__globals__", {}))
    return kinds.bare(found)


def evaluated(text: str, names: dict[str, Any]) -> Any:
    """What an annotation written as text means among `names`; the text where that is unknown."""
    try:
        return eval(text, dict(names))  # noqa: S307 - the project's own code
    except Exception:
        inner = _annotated(text)
        return evaluated(inner, names) if inner else text.strip()


def _annotated(text: str) -> str | None:
    """`T` of the text `Annotated[T, ...]`: its library may be there for type checkers alone."""
    head, _, rest = text.strip().partition("[")
    if head.rpartition(".")[2] != "Annotated":
        return None
    depth = 0
    for position, sign in enumerate(rest):
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and depth == 0:
            return rest[:position]
    return None


def path_type(annotation: Any) -> Callable[[str], Any]:
    """`str` where the parameter, or the items of the list it takes, are so annotated."""
    wanted = (annotation, kinds.item_of(annotation))
    return str if str in wanted or "str" in wanted else pathlib.Path


def takes_path(annotation: Any) -> bool:
    """Whether a `Path` is asked for, and not what lies there."""
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] in ("Path", "PurePath", "PathLike")
    return inspect.isclass(annotation) and issubclass(annotation, os.PathLike)
