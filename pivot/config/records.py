"""Classes whose instances hold values by name: their fields, and how they are made."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..source.reading import Spot, Text

_RECORDS = ("typing.TypedDict", "typing_extensions.TypedDict", "typing.NamedTuple")
#: Class, file and definition, as `Text.class_of` gives them.
Found = tuple[str, str, ast.ClassDef]


def fields(text: Text, found: Found, depth: int = 0) -> Iterator[tuple[str, Spot]]:
    """The annotated fields of a class and of its bases in the project, the bases' first."""
    module, file, node = found
    named: dict[str, Spot] = {}
    for base in node.bases if depth < 20 else ():
        above = text.class_of(Spot(module, file, base))
        if above is not None:
            named.update(fields(text, above, depth + 1))
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            named[part.target.id] = Spot(module, file, part.annotation)
    yield from named.items()


def is_record(text: Text, found: Found, depth: int = 0) -> bool:
    """Whether a class is a TypedDict, NamedTuple or dataclass."""
    module, file, node = found
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = text.external(Spot(module, file, called)) or ""
        if name.rpartition(".")[2] == "dataclass":
            return True
    for base in node.bases if depth < 20 else ():
        spot = Spot(module, file, base)
        if text.external(spot) in _RECORDS:
            return True
        above = text.class_of(spot)
        if above is not None and is_record(text, above, depth + 1):
            return True
    return False


def positional(text: Text, module: str, name: str, depth: int = 0) -> list[str]:
    """The names of the positional parameters of a class of the project, `self` left out."""
    place = text.statement(module, name)
    if place is None or not isinstance(place[1], ast.ClassDef) or depth > 20:
        return []
    file, node = place[0], place[1]
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return [item.arg for item in [*part.args.posonlyargs, *part.args.args]][1:]
    if is_record(text, (module, file, node)):
        return [field for field, _ in fields(text, (module, file, node))]
    for base in node.bases:
        above = text.class_of(Spot(module, file, base))
        if above is not None:
            return positional(text, above[0], above[2].name, depth + 1)
    return []
