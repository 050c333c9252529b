"""The normal form of expressions and plain statements, and the names that they use."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import calls, imports
from .index import FLAG_ATTRIBUTES
from .normal import constant

if TYPE_CHECKING:
    from .walk import Walk


def _name(walk: Walk, node: ast.Name) -> None:
    name = node.id
    walk.out.append(f"N{name};")
    if node.ctx.__class__ is ast.Load:
        scope = walk.scope
        if scope.kind == "function":
            scope.uses.append((name, name))
        else:
            scope.use(name, name, walk.refs)
    else:
        walk.scope.bind(name)
        if walk.scope.kind == "class" and node.ctx.__class__ is ast.Del:
            walk.scope.definite.discard(name)


def _attribute(walk: Walk, node: ast.Attribute) -> None:
    attributes = [node.attr]
    value = node.value
    while value.__class__ is ast.Attribute:
        attributes.append(value.attr)
        value = value.value
    if not FLAG_ATTRIBUTES.keys().isdisjoint(attributes):
        walk.flag(attributes)
    if value.__class__ is ast.Name:
        assert isinstance(value, ast.Name)
        attributes.append(value.id)
        attributes.reverse()
        chain = ".".join(attributes)
        walk.out.append(f"A{chain};")
        walk.use(value.id, chain)
        return
    attributes.reverse()
    rest = ".".join(attributes)
    walk.out.append(f"P{rest};")
    if value.__class__ is ast.Call:
        imports.follow_result(walk, value, rest)
    walk.stack.append(value)


def _constant(walk: Walk, node: ast.Constant) -> None:
    walk.out.append(constant(node.value))


def _call(walk: Walk, node: ast.Call) -> None:
    function = node.func
    name = (
        function.id
        if function.__class__ is ast.Name
        else function.attr
        if function.__class__ is ast.Attribute
        else ""
    )
    if name in calls.HANDLERS and calls.HANDLERS[name](walk, node):
        return
    plain_call(walk, node)


def plain_call(walk: Walk, node: ast.Call) -> None:
    """A call like any other."""
    stack = walk.stack
    keywords = node.keywords
    walk.out.append(f"C{len(node.args)},{len(keywords)};")
    for keyword in reversed(keywords):
        stack.append(keyword.value)
        stack.append(f"k{keyword.arg or '**'};")
    stack.extend(reversed(node.args))
    stack.append(node.func)


def _expr(walk: Walk, node: ast.Expr) -> None:
    walk.out.append("E")
    walk.stack.append(node.value)


def _assign(walk: Walk, node: ast.Assign) -> None:
    walk.out.append(f"={len(node.targets)};")
    if node.value.__class__ is ast.Call:
        imports.bind_result(walk, node.targets, node.value)
    stack = walk.stack
    stack.extend(reversed(node.targets))
    stack.append(node.value)  # read before anything is bound


def _ann_assign(walk: Walk, node: ast.AnnAssign) -> None:
    counted = walk.scope.kind == "class"
    if not counted:
        walk.notes.append(node.annotation)
    if node.value is None:
        walk.out.append(f"declare{node.simple};")
        if isinstance(node.target, ast.Name) and walk.scope.kind == "function":
            walk.scope.bind(node.target.id)
        if isinstance(node.target, ast.Name):
            walk.out.append(f"N{node.target.id};")
        else:
            walk.stack.append(node.target)
    else:
        walk.out.append("=1;")
        walk.stack.append(node.target)
        walk.stack.append(node.value)
    if counted:
        walk.stack.append((walk.annotation, node.annotation))


def _bin_op(walk: Walk, node: ast.BinOp) -> None:
    walk.out.append(f"B{node.op.__class__.__name__};")
    walk.stack.append(node.right)
    walk.stack.append(node.left)


def _bool_op(walk: Walk, node: ast.BoolOp) -> None:
    walk.out.append(f"O{node.op.__class__.__name__}{len(node.values)};")
    walk.push(node.values)


def _unary_op(walk: Walk, node: ast.UnaryOp) -> None:
    walk.out.append(f"U{node.op.__class__.__name__};")
    walk.stack.append(node.operand)


def _compare(walk: Walk, node: ast.Compare) -> None:
    walk.out.append(f"Q{','.join(op.__class__.__name__ for op in node.ops)};")
    walk.push([node.left, *node.comparators])


def _subscript(walk: Walk, node: ast.Subscript) -> None:
    walk.out.append("S")
    if calls.subscript(walk, node):
        return
    if node.ctx.__class__ is ast.Load:
        walk.stack.append(node.slice)
        walk.stack.append(node.value)
    else:
        walk.push([node.value, node.slice])


def _tuple(walk: Walk, node: ast.Tuple) -> None:
    walk.out.append(f"T{len(node.elts)};")
    walk.stack.extend(reversed(node.elts))


def _list(walk: Walk, node: ast.List) -> None:
    walk.out.append(f"L{len(node.elts)};")
    walk.stack.extend(reversed(node.elts))


def _dict(walk: Walk, node: ast.Dict) -> None:
    walk.out.append(f"M{len(node.keys)};")
    stack = walk.stack
    for key, value in zip(reversed(node.keys), reversed(node.values), strict=True):
        stack.append(value)
        stack.append("**" if key is None else key)


def _joined(walk: Walk, node: ast.JoinedStr) -> None:
    parts: list[Any] = []
    literal = ""
    for value in node.values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            literal += value.value
            continue
        if literal:
            parts.append(constant(literal))
            literal = ""
        parts.append(value)
    if literal or not parts:
        parts.append(constant(literal))
    if len(parts) == 1 and isinstance(parts[0], str):
        walk.out.append(parts[0])  # f"text" without braces is "text"
        return
    walk.out.append(f"J{len(parts)};")
    walk.push(parts)


def _formatted(walk: Walk, node: ast.FormattedValue) -> None:
    form = node.format_spec
    if isinstance(form, ast.JoinedStr) and all(
        isinstance(v, ast.Constant) and v.value == "" for v in form.values
    ):
        form = None  # f"{x:}" formats as f"{x}" does
    walk.out.append(f"F{node.conversion};" + ("1" if form else "0"))
    if form is not None:
        walk.stack.append(form)
    walk.stack.append(node.value)


#: What walks each kind of node.
HANDLERS: dict[type, Callable[[Walk, Any], None]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Expr: _expr,
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.BinOp: _bin_op,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Dict: _dict,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
}
