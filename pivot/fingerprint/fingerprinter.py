"""Fingerprints of stages: the one object that callers hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import SourceError, Where
from ..model import CodeManifest, Command, PythonEntry, Stage
from ..source import IndexCache, Sources, find_entry
from ..source.index import Unit
from ..source.names import Names, Target
from ..tree import Tree
from .closure import Closure, Distributions, Start, digest_of, manifest_of, symbols_of
from .program import MODES, Program


class Context:
    """One import path (and script), with its names and, for each mode, its graph."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._programs: dict[int, Program] = {}

    def program(self, mode: int) -> Program:
        if mode not in self._programs:
            self._programs[mode] = Program(self.names, mode)
        return self._programs[mode]


class Fingerprinter:
    """Reads the code behind stages on one Tree; everything is read once and shared.

    Runs no user code, and touches nothing but the Tree and the cache. Raises SourceError, with
    file and line, for the stages whose code cannot be read, and for no others.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        code_roots: Sequence[str] = (),
        cache: IndexCache | None = None,
        distributions: Distributions | None = None,
        sources: Sources | None = None,
    ) -> None:
        self.sources = sources if sources is not None else Sources(tree, cache)
        self.code_roots = tuple(code_roots)
        self._distributions = distributions
        self._contexts: dict[tuple[tuple[str, ...], str | None], Context] = {}
        self._manifests: dict[object, CodeManifest | SourceError] = {}
        self._observed: dict[tuple[Context, str], str] = {}

    @property
    def sources_read(self) -> Mapping[str, object]:
        """What was read or looked for; `pivot.source.unchanged` says whether it still holds."""
        return self.sources.seen

    def manifest(self, stage: Stage) -> CodeManifest:
        """Everything that the stage's code depends on. Raises SourceError."""
        key: object
        if isinstance(stage.entry, PythonEntry):
            key = (stage.roots, stage.entry.module, stage.entry.qualname)
        else:
            key = stage.name
        found = self._manifests.get(key)
        if found is None:
            try:
                found = self._make(stage)
            except SourceError as error:
                found = error
            self._manifests[key] = found
        if isinstance(found, SourceError):
            raise found
        return found

    def _make(self, stage: Stage) -> CodeManifest:
        if isinstance(stage.entry, Command):
            raise SourceError("commands are not read yet", where=Where(stage.file, stage.line))
        context = self._context(stage.roots)
        closure = self._close(context, lambda program: self._entry_starts(program, stage))
        return manifest_of([closure], {}, (), self._distributions)

    def _context(
        self, roots: Sequence[str], script: str | None = None, script_file: str | None = None
    ) -> Context:
        key = (tuple(roots), script)
        if key not in self._contexts:
            self._contexts[key] = Context(Names(self.sources, roots, script, script_file))
        return self._contexts[key]

    def _close(self, context: Context, starts: Callable[[Program], list[Start]]) -> Closure:
        mode = 0
        while True:
            program = context.program(mode)
            closure = Closure(program, starts(program))
            needed = (mode | closure.flags) & MODES
            if needed == mode:
                return closure
            mode = needed  # something reached reads docstrings, annotations or subclasses

    def _entry_starts(self, program: Program, stage: Stage) -> list[Start]:
        entry = stage.entry
        assert isinstance(entry, PythonEntry)
        names = program.names
        first = entry.qualname.partition(".")[0]
        location = names.find(entry.module)
        targets = names.attribute(entry.module, first) if location is not None else ()
        nodes = program.leading_to(targets)
        if not nodes:
            where = Where(stage.file, stage.line)
            find_entry(self.sources.tree, stage.roots, entry.text, where=where, reader=self.sources)
            raise SourceError(f"there is no '{entry.text}'", where=where)
        starts = [Start(node) for node in nodes]
        first_label = f"{targets[0].module}:{targets[0].name}"
        starts.append(Start(program.node("import", entry.module), first_label))
        for target in targets:
            index = names.index(target.module) if target.kind == "symbol" else None
            if index is None:
                continue
            for binding in index.names.get(target.name, ()):
                if isinstance(binding, int):
                    starts += _annotated(program, target, index.units[binding])
        return starts

    def observed_hash(self, stage: Stage, module: str) -> str | None:
        """The hash of everything `module` defines and leads to; None where it does not exist.

        Raises SourceError where it exists and cannot be read.
        """
        context = self._context(stage.roots)
        if context.names.find(module) is None:
            return None
        key = (context, module)
        if key not in self._observed:
            closure = self._close(context, lambda program: [Start(program.node("whole", module))])
            self._observed[key] = digest_of(symbols_of([closure])[0])
        return self._observed[key]

    def scripts_covered(self, stage: Stage) -> frozenset[str]:
        return frozenset()

    def chain(self, manifest: CodeManifest, symbol: str) -> tuple[str, ...]:
        """How the entry leads to `symbol`: the labels from the entry's to its own."""
        return chain_to(manifest, symbol)


def chain_to(manifest: CodeManifest, symbol: str) -> tuple[str, ...]:
    """The labels from the entry's symbol to `symbol`; () for one that is not in the manifest."""
    found: list[str] = []
    seen: set[str] = set()
    current = symbol
    while current and current in manifest.reached_by and current not in seen:
        seen.add(current)
        found.append(current)
        current = manifest.reached_by[current]
    return tuple(reversed(found))


def _annotated(program: Program, target: Target, unit: Unit) -> list[Start]:
    """The project definitions in the annotations of an entry's parameters.

    The worker makes instances of them (`params: TrainParams`), so they count, although the
    annotation's own text does not.
    """
    label = f"{target.module}:{target.name}"
    found = []
    for reference in unit.parameter_refs:
        targets = program.names.resolve(target.module, reference)
        symbols = [item for item in targets if item.kind == "symbol"]
        found += [Start(node, label) for node in program.leading_to(symbols)]
    return found
