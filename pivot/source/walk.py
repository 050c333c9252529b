"""One pass over some statements: their normal form, and the names that they use."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import definitions, expressions
from .chains import string_names
from .dynamic import Dynamic
from .index import FLAG_ATTRIBUTES, Executed
from .normal import generic
from .scopes import Scope

_HANDLERS: dict[type, Callable[[Walk, Any], None]] = {}


class Walk:
    """One pass over some statements: their normal form and everything they refer to.

    Iterative: trees may be thousands of levels deep.

    After `run`: `text()` is the normal form, `refs` the global chains, `docs` and `notes` the
    docstrings and annotations that do not count, `imports` what runs when the code runs,
    `bound` the module-level names bound, and what was noticed on the way.
    """

    def __init__(self, future: bool = False) -> None:
        self.future = future  # from __future__ import annotations
        self.out: list[str] = []
        self.refs: dict[str, None] = {}
        self.docs: list[str] = []
        self.notes: list[ast.expr] = []
        self.imports: list[Executed] = []
        self.global_imports: list[tuple[str, str, int]] = []  # name, spec, line
        self.environ: list[tuple[str, int]] = []
        self.opaque: list[tuple[str, int]] = []
        self.dynamic: list[Dynamic] = []
        self.exposed: dict[str, None] = {}
        self.flags = 0
        self.optional = 0  # depth of try statements around
        self.module = Scope("module", None)
        self.scope = self.module
        self.stack: list[Any] = []
        self.claimed: set[int] = set()  # calls whose result is followed more precisely

    def text(self) -> str:
        return "".join(self.out)

    @property
    def bound(self) -> dict[str, None]:
        return self.module.bound

    def run(self, nodes: Iterable[ast.AST]) -> None:
        """Walk the statements or expressions in order."""
        stack = self.stack
        out = self.out
        handlers = _HANDLERS
        for node in nodes:
            stack.append(node)
            while stack:
                item = stack.pop()
                handler = handlers.get(item.__class__)
                if handler is not None:
                    handler(self, item)
                elif item.__class__ is str:
                    out.append(item)
                elif item.__class__ is tuple:
                    item[0](item[1])
                else:
                    generic(self, item)

    def use(self, name: str, chain: str) -> None:
        scope = self.scope
        if scope.kind == "function":
            scope.uses.append((name, chain))
        else:
            scope.use(name, chain, self.refs)

    def push(self, nodes: Sequence[Any]) -> None:
        self.stack.extend(reversed(nodes))

    def enter(self, scope: Scope) -> None:
        self.scope = scope

    def leave(self, scope: Scope) -> None:
        scope.close(self.refs)
        assert scope.parent is not None
        self.scope = scope.parent

    def settle(self, certain: bool) -> None:
        self.scope.settle(certain)

    def shift_optional(self, by: int) -> None:
        self.optional += by

    def flag(self, attributes: Iterable[str]) -> None:
        for attribute in attributes:
            self.flags |= FLAG_ATTRIBUTES.get(attribute, 0)

    def import_name(self, name: str, spec: str, line: int) -> None:
        """An import statement of the present scope binds `name` to what `spec` says."""
        scope = self.scope
        if scope.globals and name in scope.globals:
            self.global_imports.append((name, spec, line))
            return
        if scope.kind == "module":
            self.global_imports.append((name, spec, line))
        else:
            scope.bind(name)
            scope.imports.setdefault(name, []).append(spec)
            if scope.kind == "class":  # reachable from outside as an attribute of the class
                self.refs[f"@{spec}|"] = None

    def executed(self, level: int, module: str, name: str, line: int) -> None:
        self.imports.append(Executed(level, module, name, line, self.optional > 0))

    def annotation(self, node: ast.expr) -> None:
        """An annotation that counts: its form, its names, and the names in its strings."""
        for name, chain in string_names(node):
            self.use(name, chain)
        self.stack.append(node)
        self.out.append("future:" if self.future else "note:")


_HANDLERS.update(expressions.HANDLERS)
_HANDLERS.update(definitions.HANDLERS)
