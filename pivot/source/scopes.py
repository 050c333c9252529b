"""Python's scopes, resolved while one definition is walked: which names in it are global?

Each scope collects what it binds and what it uses; when it ends, uses that it does not bind move
outwards (past class scopes, as Python's lookup does) until they turn out to be global.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["module", "class", "function", "comprehension"]


class Scope:
    """One scope of a definition while it is being walked.

    `imports` maps names that import statements of this scope bind to what they import, written
    'level|module|name'. `counts` says that docstrings and annotations inside count, because a
    decorator around may read them.
    """

    __slots__ = (
        "bound",
        "counts",
        "definite",
        "globals",
        "imports",
        "kind",
        "nonlocals",
        "parent",
        "pending",
        "uses",
    )

    def __init__(self, kind: Kind, parent: Scope | None, counts: bool = False) -> None:
        self.kind = kind
        self.parent = parent
        self.counts = counts
        self.bound: dict[str, None] = {}
        self.uses: list[tuple[str, str]] = []
        self.imports: dict[str, list[str]] = {}
        self.globals: set[str] | None = None
        self.nonlocals: set[str] | None = None
        # a class body is read top to bottom: a name is the class's own only once it is bound for
        # certain, before that the same name means the global
        self.definite: set[str] = set()
        self.pending: list[str] = []

    def bind(self, name: str) -> None:
        self.bound[name] = None
        if self.kind == "class":
            self.pending.append(name)

    def settle(self, certain: bool) -> None:
        """A statement of this class body is over; it bound its names for certain, or perhaps."""
        if certain:
            self.definite.update(self.pending)
        self.pending.clear()

    def enclosing(self) -> Scope:
        """The next scope outwards that nested code can see into."""
        scope = self.parent
        while scope is not None and scope.kind == "class":
            scope = scope.parent
        assert scope is not None
        return scope

    def walrus_scope(self) -> Scope:
        """Where `:=` binds: the nearest scope that is not a comprehension."""
        scope: Scope = self
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        return scope

    def use(self, name: str, chain: str, refs: dict[str, None]) -> None:
        """The chain `name.attr...` is used here. Global ones end up in `refs`."""
        if self.kind == "class":
            if name in self.definite:
                for spec in self.imports.get(name, ()):
                    refs[local_reference(spec, name, chain)] = None
                return
            outer = self.enclosing()
            if outer.kind == "module":
                refs[chain] = None
            else:
                outer.uses.append((name, chain))
        elif self.kind == "module":
            refs[chain] = None
        else:
            self.uses.append((name, chain))

    def close(self, refs: dict[str, None]) -> None:
        """The scope ends: settle its uses, or hand them outwards."""
        if self.kind in ("class", "module"):
            return
        bound = self.bound
        for declared in (self.globals, self.nonlocals):
            for name in declared or ():
                bound.pop(name, None)
        outer = self.enclosing()
        top = outer.kind == "module"
        for name, chain in self.uses:
            if name in bound:
                for spec in self.imports.get(name, ()):
                    refs[local_reference(spec, name, chain)] = None
            elif top or (self.globals and name in self.globals):
                refs[chain] = None
            else:
                outer.uses.append((name, chain))


def local_reference(spec: str, name: str, chain: str) -> str:
    """The reference of a chain whose first name was imported inside the definition."""
    return f"@{spec}|{chain[len(name) + 1 :]}"
