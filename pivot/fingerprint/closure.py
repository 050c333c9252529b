"""Closures: everything that some starting definitions lead to, and the manifest made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..digest import fingerprint
from ..model import FINGERPRINT_VERSION, CodeManifest, OpaqueReference, Symbol
from .program import MODES, Node, Program, is_standard


class Distributions(Protocol):
    """What is installed: the distribution that an import name comes from, and its version."""

    def of(self, top_level: str) -> tuple[str, str] | None: ...


class Start:
    """Where a closure begins: a node, and the symbol that leads to it ('' for the entry)."""

    __slots__ = ("node", "via")

    def __init__(self, node: Node, via: str = "") -> None:
        self.node = node
        self.via = via


class Closure:
    """The nodes reached, in order, each with the label of the symbol that first led to it."""

    __slots__ = ("flags", "nodes", "via")

    def __init__(self, program: Program, starts: Sequence[Start]) -> None:
        via: dict[Node, str] = {}
        nodes: list[Node] = []
        for start in starts:
            if start.node not in via:
                via[start.node] = start.via
                nodes.append(start.node)
        flags = 0
        read = program.edges
        for node in nodes:  # grows while it is walked: breadth first
            edges = node.edges
            if edges is None:
                edges = read(node)
            flags |= node.flags
            label = node.label or via[node]
            for further in edges:
                if further not in via:
                    via[further] = label
                    nodes.append(further)
        self.nodes = nodes
        self.via = via
        self.flags = flags & MODES


def digest_of(symbols: Mapping[str, Symbol]) -> str:
    """The digest of a symbol table: names and hashes, not where they stand."""
    lines = "\n".join([f"{label} {symbols[label].hash}" for label in sorted(symbols)])
    return fingerprint("code", FINGERPRINT_VERSION, lines)


def symbols_of(closures: Sequence[Closure]) -> tuple[dict[str, Symbol], dict[str, str]]:
    """(symbols, reached_by) of some closures together."""
    symbols: dict[str, Symbol] = {}
    reached_by: dict[str, str] = {}
    for closure in closures:
        via = closure.via
        for node in closure.nodes:
            symbol = node.symbol
            if symbol is None:
                continue
            label = node.label
            if label in symbols:
                if symbols[label] == symbol:
                    continue
                # scripts of different folders may each have a module of that name
                label = f"{label} in {symbol.file}"
                if label in symbols:
                    label = f"{label} {symbol.hash}"
            symbols[label] = symbol
            reached_by[label] = via[node]
    return symbols, reached_by


def manifest_of(
    closures: Sequence[Closure],
    files: Mapping[str, Symbol],
    opaque: Sequence[OpaqueReference],
    distributions: Distributions | None,
) -> CodeManifest:
    """The manifest of closures and of files that count by content."""
    symbols, reached_by = symbols_of(closures)
    for label, symbol in files.items():
        symbols[label] = symbol
        reached_by[label] = ""
    modules: dict[str, None] = {}
    externals: dict[str, None] = {}
    environ: dict[str, str] = {}
    hidden: dict[OpaqueReference, None] = dict.fromkeys(opaque)
    for closure in closures:
        for node in closure.nodes:
            if node.kind == "import":
                modules[node.module] = None
            if node.externals:
                externals.update(dict.fromkeys(node.externals))
            for name, place in node.environ:
                environ.setdefault(name, place)
            if node.opaque:
                hidden.update(dict.fromkeys(node.opaque))
    third_party = sorted(name for name in externals if name and not is_standard(name))
    packages: dict[str, str] = {}
    if distributions is not None:
        for name in third_party:
            found = distributions.of(name)
            if found is not None:
                packages[found[0]] = found[1]
    return CodeManifest(
        digest_of(symbols),
        symbols,
        reached_by,
        tuple(sorted(modules)),
        packages,
        tuple(third_party),
        environ,
        tuple(sorted(hidden, key=lambda item: (item.file, item.line, item.what))),
    )
