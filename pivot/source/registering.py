"""Statements that only tell Pivot about stages: they say nothing of what a stage's code does.

`p = Pipeline(...)`, `p.register(...)`, `p.include(...)`, loops of these, and the decorator `stage`.
What they say is part of a stage's definition, and counts as that.
"""

from __future__ import annotations

import ast
import copy

from .chains import chain_of

_OURS = ("pivot", "pivot.declare.pipelines")
_METHODS = ("register", "include")


class Registering:
    """What is known of one module's names while its statements are followed."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}  # name -> what of ours it is: '' the package itself
        self._pipelines: set[str] = set()

    def imported(self, name: str, level: int, module: str, attribute: str) -> None:
        """Note what an import has bound a name to."""
        self._pipelines.discard(name)
        if level == 0 and module in _OURS and attribute in ("", "Pipeline", "stage"):
            self._names[name] = attribute
        else:
            self._names.pop(name, None)
            if attribute and module not in _OURS:
                # a pipeline of another module, as far as can be told from here
                self._pipelines |= {name} if "pipeline" in name.lower() else set()

    def bare(self, statement: ast.stmt) -> ast.stmt:
        """A function without the decorators that make it a stage; anything else as it is."""
        if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return statement
        kept = [
            item
            for item in statement.decorator_list
            if self._named(item.func if isinstance(item, ast.Call) else item) != "stage"
        ]
        if len(kept) == len(statement.decorator_list):
            return statement
        plain = copy.copy(statement)
        plain.decorator_list = kept
        return plain

    def only_declares(self, statement: ast.stmt) -> bool:
        """Whether a statement does nothing but declare stages; notes the pipelines it makes."""
        if not self._names:
            return False
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            made = isinstance(statement.value, ast.Call) and (
                self._named(statement.value.func) == "Pipeline"
            )
            if isinstance(target, ast.Name):
                (self._pipelines.add if made else self._pipelines.discard)(target.id)
                return made
            return False
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            function = statement.value.func
            return (
                isinstance(function, ast.Attribute)
                and function.attr in _METHODS
                and isinstance(function.value, ast.Name)
                and function.value.id in self._pipelines
            )
        if isinstance(statement, ast.For):
            inner = [*statement.body, *statement.orelse]
            return all(isinstance(part, ast.Expr) and self.only_declares(part) for part in inner)
        return False

    def _named(self, node: ast.expr) -> str | None:
        """Which of our names an expression is: `stage`, `Pipeline`."""
        found = chain_of(node)
        if found is None:
            return None
        first, _, rest = found[1].partition(".")
        held = self._names.get(first)
        if held is None:
            return None
        return rest if held == "" else held if not rest else None
