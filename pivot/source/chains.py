"""Chains of names: `a.b.c` in an expression, and small questions about calls."""

from __future__ import annotations

import ast

from .parsing import parse_expression


def chain_of(node: ast.expr) -> tuple[str, str] | None:
    """(first name, dotted chain) of `a.b.c`; None for anything but names and attributes."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    attributes.append(node.id)
    attributes.reverse()
    return node.id, ".".join(attributes)


def root_chain(node: ast.expr) -> str:
    """The chain that a callee starts with: 'app.command' of `app.command("x")(f)`; '' if none."""
    while True:
        found = chain_of(node)
        if found:
            return found[1]
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Await, ast.Starred)):
            node = node.value
        else:
            return ""


def chains(node: ast.AST) -> list[tuple[str, str]]:
    """The (name, chain) pairs of all names and attribute chains below `node`."""
    found = []
    stack: list[ast.AST] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, (ast.Name, ast.Attribute)):
            chain = chain_of(item)
            if chain:
                found.append(chain)
                continue
        stack.extend(ast.iter_child_nodes(item))
    return found


def literal_text(node: ast.expr | None) -> str | None:
    """The text of a string literal, also one built from literals with `+`."""
    parts: list[str] = []
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            parts.append(item.value)
        elif isinstance(item, ast.BinOp) and isinstance(item.op, ast.Add):
            stack += [item.right, item.left]
        else:
            return None
    return "".join(parts)


def callee(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    return function.attr if isinstance(function, ast.Attribute) else ""


def argument(node: ast.Call, position: int, name: str) -> ast.expr | None:
    if len(node.args) > position:
        return node.args[position]
    return next((item.value for item in node.keywords if item.arg == name), None)


def is_name(node: ast.expr | None, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def string_names(node: ast.expr) -> list[tuple[str, str]]:
    """The (name, chain) pairs in the strings of an annotation, read as expressions."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            expression = parse_expression(part.value)
            if expression is not None:
                found += chains(expression)
    return found
