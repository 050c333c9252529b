"""Closures: everything that some starting definitions lead to, and the manifest made of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from typing import Any, NamedTuple, Protocol, TypeVar

from ..digest import fingerprint
from ..model import FINGERPRINT_VERSION, CodeManifest, OpaqueReference, Symbol
from .program import MODES, Node, Program, is_standard

_Value = TypeVar("_Value")
_TABLES = 16  # looked into at a time
#: The distribution that `import pivot` comes from.
_PIVOT = "pivot-repro"
Walked = tuple[list[Node], dict[Node, str]]


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
    """Everything some starts lead to.

    Walking is cheap once the graph is read, tables of thousands of stages are not: so a closure
    keeps its starts, and `walk` finds the rest again where someone asks.
    """

    __slots__ = ("_first", "_program", "_starts", "flags", "reads")

    def __init__(self, program: Program, starts: Sequence[Start]) -> None:
        self._program = program
        self._starts = tuple(starts)
        self.flags = 0
        self.reads = 0  # bits of all that it rests on, see `Reader.traced`
        self._first: Walked | None = self._walk()

    def walk(self) -> Walked:
        """The nodes reached, in order, and the label of the symbol that first led to each."""
        if self._first is None:
            self._first = self._walk()
        return self._first

    def forget(self) -> None:
        """Keep the starts alone."""
        self._first = None

    def _walk(self) -> Walked:
        via: dict[Node, str] = {}
        nodes: list[Node] = []
        for start in self._starts:
            if start.node not in via:
                via[start.node] = start.via
                nodes.append(start.node)
        flags = reads = 0
        read = self._program.edges
        for node in nodes:  # grows while it is walked: breadth first
            edges = node.edges
            if edges is None:
                edges = read(node)
            flags |= node.flags
            reads |= node.reads
            label = node.label or via[node]
            for further in edges:
                if further not in via:
                    via[further] = label
                    nodes.append(further)
        self.flags = flags & MODES
        self.reads = reads
        return nodes, via


class Tables:
    """Some mappings that are made together when one of them is looked into.

    They join `recent`, and are made anew once they have left it: those of 10,000 stages take
    300 MB.
    """

    __slots__ = ("_made", "_make", "_recent")

    def __init__(
        self, make: Callable[[], Sequence[Mapping[str, Any]]], recent: deque[Tables]
    ) -> None:
        self._made: Sequence[Mapping[str, Any]] | None = None
        self._make = make
        self._recent = recent

    def all(self) -> Sequence[Mapping[str, Any]]:
        if self._made is None:
            if len(self._recent) == self._recent.maxlen:
                self._recent[0]._made = None
            self._recent.append(self)
            self._made = self._make()
        return self._made


class Table(Mapping[str, _Value]):
    """One of `Tables`."""

    __slots__ = ("_place", "_tables")

    def __init__(self, tables: Tables, place: int) -> None:
        self._tables = tables
        self._place = place

    def _all(self) -> Mapping[str, _Value]:
        return self._tables.all()[self._place]

    def __getitem__(self, label: str) -> _Value:
        return self._all()[label]

    # what Mapping makes of `__getitem__` takes ten times as long

    def __contains__(self, label: object) -> bool:
        return label in self._all()

    def get(self, label: str, default: Any = None) -> Any:
        return self._all().get(label, default)

    def items(self) -> ItemsView[str, _Value]:
        return self._all().items()

    def values(self) -> ValuesView[_Value]:
        return self._all().values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


def digest_of(lines: Iterable[str]) -> str:
    """The digest of a symbol table, given as `label hash` lines: not where they stand."""
    return fingerprint("code", FINGERPRINT_VERSION, "\n".join(sorted(lines)))


def symbols_of(
    walks: Iterable[Walked], files: Mapping[str, Symbol]
) -> tuple[dict[str, Symbol], dict[str, str]]:
    """(symbols, reached_by) of some walks and files together."""
    symbols: dict[str, Symbol] = {}
    reached_by: dict[str, str] = {}
    for nodes, via in walks:
        for node in nodes:
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
    for label, symbol in files.items():
        symbols[label] = symbol
        reached_by[label] = ""
    return symbols, reached_by


class _Facts(NamedTuple):
    """What closures tell besides their symbols."""

    modules: tuple[str, ...]
    packages: Mapping[str, str]
    third_party: tuple[str, ...]
    environ: Mapping[str, str]
    opaque: tuple[OpaqueReference, ...]


class Manifests:
    """Makes manifests; closures over the same modules share what they tell."""

    def __init__(self, distributions: Distributions | None) -> None:
        self._distributions = distributions
        self._facts: dict[tuple[Node, ...], _Facts] = {}
        self._recent: deque[Tables] = deque(maxlen=_TABLES)
        self._walked: deque[Closure] = deque(maxlen=_TABLES)

    def of(
        self,
        closures: Sequence[Closure],
        files: Mapping[str, Symbol] | None = None,
        opaque: Sequence[OpaqueReference] = (),
    ) -> CodeManifest:
        """The manifest of closures, and of files that count by content."""
        more = files or {}
        walks = [closure.walk() for closure in closures]
        for closure in closures:
            if len(self._walked) == self._walked.maxlen:
                self._walked[0].forget()
            self._walked.append(closure)
        if len(walks) == 1 and not more:
            lines = [node.line for node in walks[0][0] if node.line]
        else:
            symbols, _ = symbols_of(walks, more)
            lines = [f"{label} {symbol.hash}" for label, symbol in symbols.items()]
        facts = self._read(tuple([node for nodes, _ in walks for node in nodes if node.notable]))
        hidden = facts.opaque
        if opaque:
            hidden = _sorted({**dict.fromkeys(hidden), **dict.fromkeys(opaque)})

        def make() -> Sequence[Mapping[str, Any]]:
            made = symbols_of([closure.walk() for closure in closures], more)
            for closure in closures:
                closure.forget()
            return made

        tables = Tables(make, self._recent)
        return CodeManifest(
            digest_of(lines),
            Table(tables, 0),
            Table(tables, 1),
            facts.modules,
            facts.packages,
            facts.third_party,
            facts.environ,
            hidden,
        )

    def _read(self, nodes: tuple[Node, ...]) -> _Facts:
        known = self._facts.get(nodes)
        if known is not None:
            return known
        modules: dict[str, None] = {}
        externals: dict[str, None] = {}
        environ: dict[str, str] = {}
        hidden: dict[OpaqueReference, None] = {}
        for node in nodes:
            if node.kind == "import":
                modules[node.module] = None
            externals.update(dict.fromkeys(node.externals))
            for name, place in node.environ:
                environ.setdefault(name, place)
            hidden.update(dict.fromkeys(node.opaque))
        third_party = sorted(name for name in externals if name and not is_standard(name))
        packages: dict[str, str] = {}
        if self._distributions is not None:
            for name in third_party:
                found = self._distributions.of(name)
                # what Pivot itself does for a stage is the same where no code imports it
                if found is not None and found[0] != _PIVOT:
                    packages[found[0]] = found[1]
        facts = _Facts(
            tuple(sorted(modules)), packages, tuple(third_party), environ, _sorted(hidden)
        )
        self._facts[nodes] = facts
        return facts


def _sorted(opaque: Iterable[OpaqueReference]) -> tuple[OpaqueReference, ...]:
    return tuple(sorted(opaque, key=lambda item: (item.file, item.line, item.what)))
