"""Conditions of the top level that decide when code runs: type checkers, scripts."""

from __future__ import annotations

import ast


def special_test(test: ast.expr) -> tuple[str, bool]:
    """('typing' | 'main' | '', negated) of an `if` test."""
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negated = not negated
        test = test.operand
    if isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
        return "typing", negated
    if isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING":
        return "typing", negated
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = [test.left, test.comparators[0]]
        if _is_main(sides[0], sides[1]) or _is_main(sides[1], sides[0]):
            if isinstance(test.ops[0], ast.Eq):
                return "main", negated
            if isinstance(test.ops[0], ast.NotEq):
                return "main", not negated
    return "", False


def _is_main(left: ast.expr, right: ast.expr) -> bool:
    return (
        isinstance(left, ast.Name)
        and left.id == "__name__"
        and isinstance(right, ast.Constant)
        and right.value == "__main__"
    )


def mentions_main(test: ast.expr) -> bool:
    """`__name__ == "__main__" and ...` is false too where the module is imported."""
    return (
        isinstance(test, ast.BoolOp)
        and isinstance(test.op, ast.And)
        and any(special_test(value) == ("main", False) for value in test.values)
    )
