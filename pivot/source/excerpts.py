"""The source text of one definition, for showing what changed in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..errors import SourceError
from .parsing import parse


def excerpt(data: bytes, file: str, name: str) -> str | None:
    """The lines of the top-level statements that bind `name` (`f`, or the `C` of `C.m`).

    Decorators and the comments right above belong to them. None where the module does not bind
    it, or cannot be parsed.
    """
    try:
        tree = parse(data, file)
    except SourceError:
        return None
    lines = data.decode("utf-8", "replace").splitlines(keepends=True)
    first = name.partition(".")[0]
    found = [
        "".join(lines[_start(lines, node) - 1 : node.end_lineno])
        for node in _statements(tree)
        if first in _bound(node)
    ]
    return "\n".join(found) or None


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Top-level statements, those below `if`, `try`, `for` and `with` included."""
    pending: list[ast.stmt] = list(reversed(tree.body))
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        inner: list[ast.stmt] = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                inner.append(child)
            elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
                inner += child.body
        pending += reversed(inner)


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        targets = [node.target]
    return {
        inner.id
        for target in targets
        for inner in ast.walk(target)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }


def _start(lines: list[str], node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    line = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    while line > 1 and lines[line - 2].lstrip().startswith("#"):
        line -= 1
    return line
