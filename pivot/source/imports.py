"""Imports by function: `import_module("x")` and `__import__("x")` with literal names."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .chains import argument, callee, is_name, literal_text

if TYPE_CHECKING:
    from .walk import Walk


class _Target(NamedTuple):
    level: int
    module: str  # what gets imported
    value: str  # what the call returns


def _imported(node: ast.Call) -> _Target | None:
    """What `import_module("x")` or `__import__("x")` imports, where that is literal."""
    called = callee(node)
    if called == "import_module":
        return _import_module(node)
    if called == "__import__":
        name = literal_text(argument(node, 0, "name"))
        if not name:
            return None
        several = argument(node, 3, "fromlist")
        whole = several is not None and not (
            isinstance(several, (ast.List, ast.Tuple)) and not several.elts
        )
        return _Target(0, name, name if whole else name.partition(".")[0])
    return None


def _import_module(node: ast.Call) -> _Target | None:
    given = argument(node, 0, "name")
    name = literal_text(given)
    if name is None:
        name = _below_own_package(given)
        return _Target(1, name, name) if name else None
    if not name.startswith("."):
        return _Target(0, name, name) if name else None
    level = len(name) - len(name.lstrip("."))
    rest = name[level:]
    package = argument(node, 1, "package")
    if is_name(package, "__package__", "__name__"):
        return _Target(level, rest, rest)
    text = literal_text(package)
    if text is None:
        return None
    parts = text.split(".")
    base = parts[: len(parts) - level + 1]
    full = ".".join([*base, rest] if rest else base)
    return _Target(0, full, full)


def _below_own_package(node: ast.expr | None) -> str | None:
    """'x' of `__package__ + ".x"`, `f"{__package__}.x"` and the same with `__name__`."""
    tail: str | None = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        if is_name(node.left, "__package__", "__name__"):
            tail = literal_text(node.right)
    elif isinstance(node, ast.JoinedStr) and len(node.values) == 2:
        first, second = node.values
        own = ("__package__", "__name__")
        if isinstance(first, ast.FormattedValue) and is_name(first.value, *own):
            tail = literal_text(second)
    return tail[1:] if tail and tail.startswith(".") else None


def follow_result(walk: Walk, node: ast.Call, rest: str) -> None:
    """`import_module("x").rest` refers to exactly that."""
    target = _imported(node)
    if target:
        walk.claimed.add(id(node))
        walk.refs[f"@{target.level}|{target.value}||{rest}"] = None


def bind_result(walk: Walk, targets: Sequence[ast.expr], node: ast.Call) -> None:
    """`m = import_module("x")` binds `m` as `import x as m` does."""
    target = _imported(node)
    if target and all(isinstance(item, ast.Name) for item in targets):
        walk.claimed.add(id(node))
        for item in targets:
            assert isinstance(item, ast.Name)
            walk.import_name(item.id, f"{target.level}|{target.value}|", node.lineno)


def import_call(walk: Walk, node: ast.Call) -> bool:
    target = _imported(node)
    if target is None:
        walk.opaque.append((f"{callee(node)} of a computed name", node.lineno))
        return False
    walk.executed(target.level, target.module, "", node.lineno)
    if id(node) not in walk.claimed:
        walk.refs[f"@{target.level}|{target.value}||"] = None
    return False
