"""Fingerprints of stages: the one object that callers hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import xxhash

from ..digest import fingerprint
from ..errors import SourceError, Where
from ..model import CodeManifest, PythonEntry, Stage, Symbol
from ..source import IndexCache, Sources, find_entry
from ..source.index import Unit
from ..source.names import Target
from ..tree import Tree
from .closure import Distributions, Manifests, Start
from .commands import params_by_key
from .contexts import Context, Contexts
from .program import Program

if TYPE_CHECKING:
    from .execution import Executions


class _Read(NamedTuple):
    manifest: CodeManifest
    contexts: tuple[Context, ...]
    rests_on: int = 0  # see `Reader.traced`


class Fingerprinter:
    """Reads the code behind stages on one Tree; everything is read once and shared.

    Runs no user code, and touches nothing but the Tree and the cache. Raises SourceError, with
    file and line, for the stages whose code cannot be read, and for no others. `tracked` says
    which files named by commands count (those that git tracks; default: all).
    """

    def __init__(
        self,
        tree: Tree,
        *,
        code_roots: Sequence[str] = (),
        cache: IndexCache | None = None,
        distributions: Distributions | None = None,
        sources: Sources | None = None,
        tracked: Callable[[str], bool] | None = None,
    ) -> None:
        self.sources = sources if sources is not None else Sources(tree, cache)
        self._code_roots = tuple(code_roots)
        self._manifests = Manifests(distributions)
        self._contexts = Contexts(self.sources)
        self._executions: Executions | None = None
        self._tracked = tracked
        self._read: dict[object, _Read | SourceError] = {}
        self._observed: dict[tuple[Context, str], _Read] = {}
        self._hashes: dict[str, str] = {}
        self._keys: dict[int, frozenset[str]] = {}

    @property
    def sources_read(self) -> Mapping[str, object]:
        """What was read or looked for; `pivot.source.unchanged` says whether it still holds."""
        return self.sources.seen

    def manifest(self, stage: Stage) -> CodeManifest:
        """Everything that the stage's code depends on. Raises SourceError."""
        return self._reading(stage).manifest

    def scripts_covered(self, stage: Stage) -> frozenset[str]:
        """The deps of the stage that its fingerprint judges, so that their content does not.

        Raises SourceError as `manifest` does.
        """
        paths = {dep.path for dep in stage.deps}
        if not any("." in path for path in paths):
            return frozenset()
        read = self._reading(stage)
        covered = {path for path in paths if f"file:{path}" in read.manifest.symbols}
        if any(path.endswith((".py", ".ipynb", ".so", ".pyd")) for path in paths):
            for context in read.contexts:
                for module in read.manifest.modules:
                    location = context.names.find(module)
                    if location is not None and location.file in paths:
                        covered.add(location.file)
        return frozenset(covered)

    def rests_on(self, stage: Stage, observed: str | None = None) -> frozenset[str]:
        """The keys of `sources_read` that the stage's manifest, or an observed module's, rests on.

        Where these are unchanged, so are `manifest`, `scripts_covered` and `observed_hash`,
        whatever happened to other files. Raises SourceError as they do.
        """
        reader = self.sources.reader
        if observed is None:
            bits = self._reading(stage).rests_on
            if not isinstance(stage.entry, PythonEntry):
                bits |= reader.traced(self.scripts_covered, stage)[1]
        else:
            read, bits = reader.traced(self._reading_observed, stage, observed)
            bits |= read.rests_on if read is not None else 0
            if not isinstance(stage.entry, PythonEntry):
                bits |= self._reading(stage).rests_on  # whose scripts' folders are searched first
        return self.keys_of(bits)

    def keys_of(self, bits: int) -> frozenset[str]:
        """The keys of `sources_read` that some bits stand for, one object for equal bits."""
        if bits not in self._keys:
            self._keys[bits] = frozenset(self.sources.reader.keys_of(bits))
        return self._keys[bits]

    def contents(self, stage: Stage, observed: str | None = None) -> dict[str, str]:
        """The hash of the bytes of each file behind the stage's code, or an observed module's.

        Where these are the same, so is the code by any version of the rules.
        """
        read = self._reading(stage) if observed is None else self._reading_observed(stage, observed)
        files = sorted(_files(read)) if read is not None else []
        for file in files:
            if file not in self._hashes:
                data = self.sources.reader.read(file)
                self._hashes[file] = "" if data is None else xxhash.xxh3_128_hexdigest(data)
        return {file: self._hashes[file] for file in files}

    def observed_hash(self, stage: Stage, module: str) -> str | None:
        """The hash of everything `module` defines and leads to; None where it does not exist.

        `folder:module` is one that a run found by a folder of its own on the import path,
        `file:path` a script that it ran, which counts by content. Raises SourceError where it
        exists and cannot be read.
        """
        read = self._reading_observed(stage, module)
        return read.manifest.digest if read is not None else None

    def observed_manifest(self, stage: Stage, module: str) -> CodeManifest | None:
        """What `observed_hash` is the digest of. Raises SourceError as it does."""
        read = self._reading_observed(stage, module)
        return read.manifest if read is not None else None

    def _reading_observed(self, stage: Stage, module: str) -> _Read | None:
        root, colon, name = module.rpartition(":")
        if root == "file":
            data = self.sources.reader.read(name)
            return None if data is None else _Read(_of_file(name, data), ())
        if colon:
            return self._reading_observed(replace(stage, roots=(root, *stage.roots)), name)
        contexts: tuple[Context, ...] = ()
        if not isinstance(stage.entry, PythonEntry):
            contexts = self._reading(stage).contexts
        for context in (*contexts, self._contexts.of(self._roots(stage))):
            location = context.names.find(module)
            if location is not None and context.names.modules.holds_code(location):
                return self._whole(context, module)
        return None

    def observed_file(self, stage: Stage, module: str) -> str | None:
        """The file of an observed module, named as for `observed_hash`; None where it is gone."""
        root, colon, name = module.rpartition(":")
        if root == "file":
            return name
        roots = self._roots(stage)
        location = self._contexts.of((root, *roots) if colon else roots).names.find(name)
        return location.file if location is not None else None

    def file_of(self, stage: Stage, module: str) -> str | None:
        """Where the stage would import `module` from; None where it is not project code."""
        location = self._contexts.of(self._roots(stage)).names.find(module)
        return (location.file or None) if location is not None else None

    def _whole(self, context: Context, module: str) -> _Read:
        key = (context, module)
        if key not in self._observed:
            closure, bits = self.sources.reader.traced(
                context.close, lambda program: [Start(program.node("whole", module))]
            )
            self._observed[key] = _Read(self._manifests.of([closure]), (context,), bits)
        return self._observed[key]

    def chain(self, manifest: CodeManifest, symbol: str) -> tuple[str, ...]:
        """How the entry leads to `symbol`: the labels from the entry's to its own."""
        return chain_to(manifest, symbol)

    def _reading(self, stage: Stage) -> _Read:
        key = _key(stage)
        found = self._read.get(key)
        if found is None:
            try:
                made, bits = self.sources.reader.traced(self._make, stage)
                found = made._replace(rests_on=bits)
            except SourceError as error:
                found = error
            self._read[key] = found
        if isinstance(found, SourceError):
            raise found
        return found

    def _make(self, stage: Stage) -> _Read:
        if isinstance(stage.entry, PythonEntry):
            context = self._contexts.of(self._roots(stage))
            closure = context.close(lambda program: self._entry_starts(program, stage))
            return _Read(self._manifests.of([closure]), (context,))
        if self._executions is None:
            from .execution import Executions  # 4 ms to import; only commands need it

            self._executions = Executions(self._contexts, self._code_roots, self._tracked)
        execution = self._executions.of(stage)
        manifest = self._manifests.of(execution.closures, execution.files, execution.opaque)
        return _Read(manifest, execution.contexts)

    def _roots(self, stage: Stage) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*stage.roots, *self._code_roots)))

    def _entry_starts(self, program: Program, stage: Stage) -> list[Start]:
        entry = stage.entry
        assert isinstance(entry, PythonEntry)
        names = program.names
        first = entry.qualname.partition(".")[0]
        location = names.find(entry.module)
        targets = names.attribute(entry.module, first) if location is not None else ()
        nodes = program.leading_to(targets)
        if not nodes:
            where = Where(stage.written_in, stage.line)
            roots = self._roots(stage)
            find_entry(self.sources.tree, roots, entry.text, where=where, reader=self.sources)
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
                    starts += _annotated(program, target, index.units[binding], stage.params_class)
        for name in stage.own_loaders:
            starts += self._loader_starts(program, stage, name)
        return starts

    def _loader_starts(self, program: Program, stage: Stage, name: str) -> list[Start]:
        """A loader of the project's own: `module:Class`."""
        module, _, qualname = name.partition(":")
        first = qualname.partition(".")[0]
        known = program.names.find(module) is not None
        nodes = program.leading_to(program.names.attribute(module, first)) if known else []
        if not nodes:
            raise SourceError(
                f"stage '{stage.name}': there is no loader '{name}'",
                hint="name one as module:Class",
                where=Where(stage.written_in, stage.line),
            )
        return [Start(node) for node in nodes]


def _key(stage: Stage) -> object:
    entry = stage.entry
    if isinstance(entry, PythonEntry):
        own = (stage.params_class, stage.own_loaders)
        return (stage.roots, entry.module, entry.qualname, own)
    deps = tuple(dep.path for dep in stage.deps)
    outs = tuple(out.path for out in stage.outs)
    env = tuple(sorted(stage.env_set.items()))
    return (stage.roots, entry, stage.wdir, deps, outs, env, *params_by_key(stage))


def _files(read: _Read) -> frozenset[str]:
    found = {label[5:] for label in read.manifest.symbols if label.startswith("file:")}
    for context in read.contexts:
        for module in read.manifest.modules:
            location = context.names.find(module)
            if location is not None and location.file:
                found.add(location.file)
    return frozenset(found)


def _of_file(path: str, data: bytes) -> CodeManifest:
    """The manifest of a file that counts by content alone."""
    label = f"file:{path}"
    symbol = Symbol(xxhash.xxh3_128_hexdigest(data)[:16], path, 1)
    return CodeManifest(fingerprint("observed-file", 1, data), {label: symbol}, {label: ""})


def _annotated(
    program: Program, target: Target, unit: Unit, params_class: str | None
) -> list[Start]:
    """The project definitions in the annotations of an entry's parameters.

    The worker makes instances of them (`params: TrainParams`), so they count, although the
    annotation's own text does not. The literal defaults of the params' class are values of the
    stage; aliases stand for the types in them.
    """
    label = f"{target.module}:{target.name}"
    found: list[Start] = []
    waiting = [(target.module, reference) for reference in unit.parameter_refs]
    seen = set(waiting)
    while waiting:
        module, reference = waiting.pop(0)
        for item in program.names.resolve(module, reference):
            if item.kind != "symbol":
                continue
            inner = _alias(program, item)
            if inner is not None:
                further = [(item.module, name) for name in inner]
                waiting += [pair for pair in further if pair not in seen]
                seen.update(further)
            elif f"{item.module}:{item.name}" == params_class:
                found.append(Start(program.node("fields", item.module, item.name), label))
            else:
                found += [Start(node, label) for node in program.leading_to([item])]
    return found


def _alias(program: Program, target: Target) -> Sequence[str] | None:
    """What `X = Annotated[T, ...]` stands for in an annotation; None for anything else."""
    index = program.names.index(target.module)
    bindings = index.names.get(target.name, ()) if index is not None else ()
    if index is None or len(bindings) != 1 or not isinstance(bindings[0], int):
        return None
    unit = index.units[bindings[0]]
    return unit.parameter_refs if unit.kind == "other" and unit.parameter_refs else None


def chain_to(manifest: CodeManifest, symbol: str) -> tuple[str, ...]:
    """The labels from the entry's symbol to `symbol`; () for one that is not in the manifest."""
    found: list[str] = []
    seen: set[str] = set()
    current = symbol
    reached_by = dict(manifest.reached_by.items())  # looked into often, and slow to look into
    while current and current in reached_by and current not in seen:
        seen.add(current)
        found.append(current)
        current = reached_by[current]
    return tuple(reversed(found))
