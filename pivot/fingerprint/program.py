"""The project's definitions as a graph: each node one definition, import or file, with its hash.

Nodes are made when first reached and shared by all closures of one import path.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Literal

import xxhash

from ..model import OpaqueReference, Symbol
from ..source.index import (
    READS_ANNOTATIONS,
    READS_DOC,
    READS_SUBCLASSES,
    WHOLE_MODULE,
    Executed,
    ModuleIndex,
    Unit,
)
from ..source.names import Names, Target
from .activity import Activity
from .discovery import discovered
from .importing import Importing

#: What some code in a closure may read, changing what counts in all of it.
MODES = READS_DOC | READS_ANNOTATIONS | READS_SUBCLASSES

NodeKind = Literal["symbol", "fields", "import", "whole", "file"]


def short_hash(parts: Iterable[str]) -> str:
    """16 hex digits of some texts."""
    text = "\n".join(parts)
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))[:16]


class Node:
    """One thing a closure can contain. `label` is '' where it only leads on to others."""

    __slots__ = (
        "edges",
        "environ",
        "externals",
        "flags",
        "kind",
        "label",
        "line",
        "module",
        "name",
        "notable",
        "opaque",
        "reads",
        "symbol",
    )

    def __init__(self, kind: NodeKind, module: str, name: str = "") -> None:
        self.kind = kind
        self.module = module
        self.name = name
        self.label = ""
        self.line = ""  # label and hash, as they enter digests
        self.symbol: Symbol | None = None
        self.edges: Sequence[Node] | None = None  # None: not read yet
        self.externals: tuple[str, ...] = ()
        self.environ: tuple[tuple[str, str], ...] = ()
        self.opaque: tuple[OpaqueReference, ...] = ()
        self.flags = 0
        self.reads = 0  # bits of what reading it asked for, see `Reader.traced`
        self.notable = False  # tells something besides its symbol

    def stands_for(self, label: str, symbol: Symbol) -> None:
        self.label = label
        self.symbol = symbol
        self.line = f"{label} {symbol.hash}"


class Program:
    """All nodes of one import path and mode."""

    def __init__(self, names: Names, mode: int = 0) -> None:
        self.names = names
        self.mode = mode
        self.activity = Activity(names, mode)
        self.importing = Importing(names, self.activity)
        self._nodes: dict[tuple[str, str, str], Node] = {}

    def node(self, kind: NodeKind, module: str, name: str = "") -> Node:
        key = (kind, module, name)
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(kind, module, name)
        return node

    def edges(self, node: Node) -> Sequence[Node]:
        """The nodes that `node` leads to, reading it if need be. Raises SourceError."""
        if node.edges is None:
            if node.kind in ("symbol", "fields"):
                read = self._symbol
            elif node.kind == "import":
                read = self._import
            elif node.kind == "whole":
                read = self._whole
            else:
                read = self._file
            edges, node.reads = self.names.sources.reader.traced(read, node)
            node.edges = tuple(dict.fromkeys(edges))
            told = node.externals or node.environ or node.opaque
            node.notable = node.kind == "import" or bool(told)
        return node.edges

    def leading_to(self, targets: Iterable[Target]) -> list[Node]:
        """The nodes of what a name means."""
        found = []
        for target in targets:
            if target.kind == "symbol":
                found.append(self.node("symbol", target.module, target.name))
            elif target.kind == "module":
                found.append(self.node("whole", target.module))
            elif target.kind == "file":
                found.append(self.node("file", target.module))
        return found

    # --- definitions -------------------------------------------------------------------

    def _symbol(self, node: Node) -> list[Node]:
        index = self._index(node.module)
        file = self._file_of(node.module)
        label = f"{node.module}:{node.name}"
        after = self.node("import", node.module)
        if node.name == "__doc__" and "__doc__" not in index.names:
            node.stands_for(label, Symbol(short_hash(["doc", index.doc]), file, 1))
            return [after]
        units = self._visible(node.module, index, node.name)
        texts, edges = self._read(node, units)
        line = next((unit.line for unit in units if unit.kind != "other"), 0)
        line = line or (units[0].line if units else 1)
        node.stands_for(label, Symbol(short_hash(texts), file, line))
        edges.append(after)
        return edges

    def _visible(self, module: str, index: ModuleIndex, name: str) -> list[Unit]:
        units = [index.units[item] for item in index.names.get(name, ()) if isinstance(item, int)]
        shown = [unit for unit in units if self.activity.shown(module, unit.when)]
        return shown or [unit for unit in units if unit.when == "typing"]

    def _read(self, node: Node, units: Sequence[Unit]) -> tuple[list[str], list[Node]]:
        """The texts to hash for `units` and the nodes they lead to; adds their facts to `node`."""
        texts: list[str] = []
        edges: list[Node] = []
        file = self._file_of(node.module)
        externals: dict[str, None] = {}
        for unit in units:
            texts.append(unit.fields if node.kind == "fields" and unit.fields else unit.hash)
            references: Sequence[str] = unit.refs
            if self.mode & READS_DOC and unit.docs:
                texts.append(f"docs {unit.docs}")
            if self.mode & READS_ANNOTATIONS and unit.notes:
                texts.append(f"notes {unit.notes}")
                references = (*references, *unit.note_refs)
            for reference in references:
                targets = self.names.resolve(node.module, reference)
                meaning = "|".join(map(str, targets))
                conditions = ",".join(self._conditions(node.module, reference))
                texts.append(f"{reference}={meaning}{conditions}")
                if "__path__" in reference or "__file__" in reference:
                    texts.extend(discovered(self.names, node.module, unit, reference))
                edges.extend(self.leading_to(targets))
                edges.extend(self._submodules(node.module, unit, targets))
            for reference in unit.exposed:
                self._expose(self.names.resolve(node.module, reference), texts, edges)
            edges.extend(self._imports(node.module, unit.imports, externals))
            node.flags |= unit.flags & MODES
            if unit.flags & WHOLE_MODULE:
                edges.append(self.node("whole", node.module))
            node.environ += tuple((name, f"{file}:{line}") for name, line in unit.environ)
            node.opaque += tuple(OpaqueReference(what, file, line) for what, line in unit.opaque)
        node.externals += tuple(externals)
        return texts, edges

    def _expose(self, targets: Iterable[Target], texts: list[str], edges: list[Node]) -> None:
        """The annotations of what is handed to a call that reads them count."""
        for target in targets:
            index = self.names.index(target.module) if target.kind == "symbol" else None
            if index is None:
                continue
            for unit in self._visible(target.module, index, target.name):
                if unit.notes:
                    texts.append(f"exposed {target} {unit.notes}")
                    for reference in unit.note_refs:
                        edges.extend(self.leading_to(self.names.resolve(target.module, reference)))

    def _submodules(self, module: str, unit: Unit, targets: Iterable[Target]) -> list[Node]:
        """With a package used as a value, the modules of it that are imported beside it."""
        packages = [f"{target.module}." for target in targets if target.kind == "module"]
        found: list[Node] = []
        for package in packages:
            for item in (*self._index(module).imports, *unit.imports):
                if not self.activity.shown(module, item.when):
                    continue
                for name in self.importing.modules(module, item):
                    if name.startswith(package):
                        found.append(self.node("whole", name))
        return found

    def _conditions(self, module: str, reference: str) -> Iterable[str]:
        if reference.startswith("@"):
            return ()
        return self.names.identities(module, reference.partition(".")[0])

    # --- modules -----------------------------------------------------------------------

    def _import(self, node: Node) -> list[Node]:
        """Importing a module: its packages, what it imports, and its effects."""
        module = node.module
        location = self.names.find(module)
        edges: list[Node] = []
        above = module.rpartition(".")[0] if module != self.names.script else ""
        if above and self.names.find(above) is not None:
            edges.append(self.node("import", above))
        if location is None or location.kind == "namespace":
            return edges
        if location.kind == "extension":
            return [*edges, self.node("file", location.file)]
        index = self._index(module)
        externals: dict[str, None] = {}
        edges.extend(self._imports(module, index.imports, externals))
        node.externals = tuple(externals)
        texts: list[str] = []
        first = 0
        for number in self.importing.active_units(module):
            unit = index.units[number]
            first = first or unit.line
            if unit.kind == "other":
                found, further = self._read(node, [unit])
                texts.extend(found)
                edges.extend(further)
            else:
                texts.append(f"defines {','.join(unit.binds)}")
                edges.extend(self.node("symbol", module, name) for name in unit.binds)
        order = self.importing.order(module)
        if order:
            texts.append(f"order {' '.join(order)}")
            first = first or 1
        if texts:
            symbol = Symbol(short_hash(texts), location.file, first)
            node.stands_for(f"{module}:<effects>", symbol)
        return edges

    def _imports(
        self, module: str, items: Iterable[Executed], externals: dict[str, None]
    ) -> list[Node]:
        """The nodes of the project modules that some imports run. Raises for missing ones."""
        edges: list[Node] = []
        for item in items:
            if not self.activity.shown(module, item.when):
                continue
            found = self.importing.modules(module, item)
            if not found and item.level == 0:
                externals[item.module.partition(".")[0]] = None
            edges.extend(self.node("import", name) for name in found)
        return edges

    def _whole(self, node: Node) -> list[Node]:
        """Everything a module defines, and what its package brings together."""
        module = node.module
        location = self.names.find(module)
        edges = [self.node("import", module)]
        index = self.names.index(module)
        if location is None or index is None:
            return edges
        for name, bindings in index.names.items():
            if any(isinstance(binding, int) for binding in bindings):
                if self._visible(module, index, name):
                    edges.append(self.node("symbol", module, name))
                continue
            for target in self.names.attribute(module, name):
                own = target.kind == "module" and target.module.startswith(f"{module}.")
                if target.kind == "symbol" or own:
                    edges.extend(self.leading_to([target]))
        return edges

    def _file(self, node: Node) -> list[Node]:
        """A compiled module: its bytes."""
        data = self.names.sources.read(node.module)
        symbol = Symbol(xxhash.xxh3_128_hexdigest(data)[:16], node.module, 1)
        node.stands_for(f"file:{node.module}", symbol)
        return []

    # --- where -------------------------------------------------------------------------

    def _index(self, module: str) -> ModuleIndex:
        index = self.names.index(module)
        assert index is not None
        return index

    def _file_of(self, module: str) -> str:
        location = self.names.find(module)
        return location.file if location is not None else ""


def is_standard(top: str) -> bool:
    """Whether an import name belongs to Python itself."""
    return top in sys.stdlib_module_names or top.startswith("_")
