"""What a module exports: `__all__`, where it is literal."""

from __future__ import annotations

import ast


class Exports:
    """`names` as far as they are literal (None: no `__all__`); `computed` where there are more."""

    def __init__(self) -> None:
        self.names: list[str] | None = None
        self.computed = False

    def read(self, statement: ast.stmt) -> bool:
        """Read what the statement says about `__all__`; False where it says nothing."""
        value: ast.expr | None
        if isinstance(statement, ast.Assign):
            if not any(_is_all(target) for target in statement.targets):
                return False
            value, self.names, self.computed = statement.value, None, False
        elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)) and _is_all(statement.target):
            value = statement.value
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if not (isinstance(call.func, ast.Attribute) and _is_all(call.func.value)):
                return False
            value = call.args[0] if len(call.args) == 1 else None
            if call.func.attr == "append" and value is not None:
                value = ast.List([value], ast.Load())
            elif call.func.attr != "extend":
                value = None
        else:
            return False
        found = _literal_names(value)
        if found is None:
            self.computed = True
        else:
            self.names = (self.names or []) + found
        return True


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _literal_names(node: ast.expr | None) -> list[str] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal_names(node.left), _literal_names(node.right)
        return None if left is None or right is None else left + right
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return None
    names = []
    for item in node.elts:
        if not (isinstance(item, ast.Constant) and isinstance(item.value, str)):
            return None
        names.append(item.value)
    return names
