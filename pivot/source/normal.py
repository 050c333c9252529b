"""The normal form of code: what it is made of.

Our own prefix code with explicit lengths over the syntax tree, without positions, contexts,
comments, type comments, string prefixes or statements that do nothing, and the same on every
Python version (f-strings merge adjacent constants; absent optional fields leave no trace).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import xxhash

if TYPE_CHECKING:
    from .walk import Walk

_SKIPPED_FIELDS = frozenset(("ctx", "type_comment", "kind", "type_ignores"))
_BODIES = frozenset(("body", "orelse", "finalbody"))


def digest(text: str) -> str:
    """32 hex digits of a normal form."""
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


def constant(value: object) -> str:
    """The normal form of a literal: the type counts, the spelling does not."""
    kind = value.__class__
    if kind is str:
        assert isinstance(value, str)
        return f"s{len(value)}:{value}"
    if kind is int:
        return f"i{value:x};"  # decimal text of very large integers is refused by the interpreter
    if kind is bytes:
        assert isinstance(value, bytes)
        return f"b{value.hex()};"
    return f"c{value!r};"


def effective(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a body that do anything: no `pass`, no bare constants."""
    return [
        statement
        for statement in body
        if not (
            statement.__class__ is ast.Pass
            or (statement.__class__ is ast.Expr and statement.value.__class__ is ast.Constant)
        )
    ]


def docstring(body: Sequence[ast.stmt]) -> str | None:
    """The docstring that a body starts with, as written."""
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        value = body[0].value.value
        return value if isinstance(value, str) else None
    return None


def decorator_name(node: ast.expr) -> str:
    """The last name of a decorator: 'cache' of `@functools.cache` and of `@cache(...)`."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


_FIELDS: dict[type, tuple[str, ...]] = {}


def generic(walk: Walk, node: Any) -> None:
    """Any other node, a future Python's too: its class, its fields in order, then its children."""
    cls = node.__class__
    fields = _FIELDS.get(cls)
    if fields is None:
        fields = tuple(name for name in cls._fields if name not in _SKIPPED_FIELDS)
        _FIELDS[cls] = fields
    header = cls.__name__
    children: list[Any] = []
    for name in fields:
        value = getattr(node, name, None)
        if value is None or (value.__class__ is list and not value):
            continue  # fields that newer versions add, empty, leave no trace
        if value.__class__ is list:
            if name in _BODIES:
                value = effective(value)
            header += f" {name}[{len(value)}]"
            for item in value:
                if item is None:
                    children.append("~")
                elif item.__class__ is str:
                    children.append(constant(item))
                else:
                    children.append(item)
        elif isinstance(value, ast.AST):
            header += f" {name}"
            children.append(value)
        else:
            header += f" {name}={constant(value)}"
    walk.out.append(header + ";")
    walk.stack.extend(reversed(children))
