"""Every source file of a run: read, parsed and indexed at most once."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Protocol

import xxhash

from ..errors import SourceError, Where
from ..tree import Tree
from . import index as indexes
from .index import ModuleIndex
from .locate import Modules, Reader
from .parsing import parse


class IndexCache(Protocol):
    """Bytes by key, kept between runs. What is gone or damaged is a miss."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


class Sources:
    """The module indexes of one run, over one Tree.

    With a cache, files whose content was indexed before (on any Python version, under any name)
    are not parsed again. Files that cannot be parsed raise the same SourceError each time asked.
    """

    def __init__(self, tree: Tree, cache: IndexCache | None = None) -> None:
        self.tree = tree
        self.reader = Reader(tree)
        self.parsed = 0  # files parsed in this run
        self._cache = cache
        self._indexes: dict[str, ModuleIndex | SourceError] = {}
        self._modules: dict[tuple[str, ...], Modules] = {}

    @property
    def seen(self) -> Mapping[str, object]:
        """What was read or looked for; see `locate.Reader` and `locate.unchanged`."""
        return self.reader.seen

    def modules(self, roots: Sequence[str]) -> Modules:
        """The modules importable from `roots`."""
        key = tuple(roots)
        if key not in self._modules:
            self._modules[key] = Modules(self.reader, key)
        return self._modules[key]

    def index(self, file: str) -> ModuleIndex:
        """The index of a file. Raises SourceError where it is absent or cannot be parsed."""
        found = self._indexes.get(file)
        self.reader.use(file)
        if found is None:
            try:
                found = self._load(file)
            except SourceError as error:
                found = error
            self._indexes[file] = found
        if isinstance(found, SourceError):
            raise found
        return found

    def add(self, name: str, data: bytes) -> None:
        """Make code that is not a file of the tree available under `name`, once.

        Raises SourceError where it cannot be parsed.
        """
        if name not in self._indexes:
            self._indexes[name] = _index_source(data, name)

    def parse(self, file: str) -> ast.Module:
        """The syntax tree of a file, parsed anew at each call."""
        return parse(self.read(file), file)

    def read(self, file: str) -> bytes:
        data = self.reader.read(file)
        if data is None:
            raise SourceError("there is no such file", where=Where(file))
        return data

    def _load(self, file: str) -> ModuleIndex:
        data = self.read(file)
        key = f"python-index:{indexes.INDEX_VERSION}:{xxhash.xxh3_128_hexdigest(data)}"
        if self._cache is not None:
            kept = self._cache.get(key)
            found = indexes.load(kept) if kept is not None else None
            if found is not None:
                return found
        self.parsed += 1
        made = _index_source(data, file)
        if self._cache is not None:
            self._cache.put(key, indexes.dump(made))
        return made


def _index_source(data: bytes, file: str) -> ModuleIndex:
    from .symbols import index_source  # 7 ms to import; only a module never seen before needs it

    return index_source(data, file)
