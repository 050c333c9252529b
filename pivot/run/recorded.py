"""Digests of artifacts that need not lie on disk: what git, locks and records say they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from ..digest import Digest
from ..errors import StoreError
from ..graph import Graph
from ..manifest import digest_of_text, make_manifest, manifest_bytes
from ..model import CheckMode, Manifest, Out, TrackedFile
from ..project import Observer
from ..store import LocalCache
from ..tree import Tree, is_within, parent
from .composition import composed
from .ledger import Ledger


class RecordedObserver(Observer):
    """Digests as they would be seen with all data in place.

    An out is what its stage's lock says, tracked data what its record says; either is what
    `sources` sees where that is kept in git. Everything else is what `sources` sees, folders that
    hold several of these included. With `results`, outs are what the locks say whatever `sources`
    sees: the results of another version, which `results` sees. With `has_data`, `sources` sees
    data as well as git's files. `assumed` is what stands in for what nothing tells.
    """

    def __init__(
        self,
        sources: Observer,
        graph: Graph,
        tracked: Iterable[TrackedFile],
        locks: Ledger,
        cache: LocalCache,
        *,
        results: Observer | None = None,
        has_data: bool = False,
        assumed: Mapping[str, Digest] | None = None,
    ) -> None:
        self.root = sources.root
        self.algorithm = sources.algorithm
        self.progress = None
        self._sources = sources
        self._graph = graph
        self._records = {file.path: file for file in tracked}
        self._locks = locks
        self._store = cache
        self._results = results
        self._has_data = has_data
        self._assumed = assumed or {}
        self._seen: dict[tuple[str, CheckMode], Digest | None] = {}
        self._holders: set[str] | None = None

    def assuming(self, assumed: Mapping[str, Digest]) -> RecordedObserver:
        """One that sees the same, and `assumed` where nothing is seen."""
        records = self._records.values()
        return RecordedObserver(
            self._sources,
            self._graph,
            records,
            self._locks,
            self._store,
            results=self._results,
            has_data=self._has_data,
            assumed=assumed,
        )

    def observe(self, path: str, *, check: CheckMode = "content") -> Digest | None:
        if (path, check) not in self._seen:
            found = self._sources.observe(path, check=check) if check == "stat" else None
            if check == "content":
                found = self._find(path)
            self._seen[path, check] = self._assumed.get(path) if found is None else found
        return self._seen[path, check]

    def manifest(self, path: str) -> Manifest | None:
        digest = self.observe(path)
        return self._members(path, digest) if digest is not None and digest.is_tree else None

    def forget(self, _: str) -> None:
        return  # nothing here changes

    def _find(self, path: str) -> Digest | None:
        made = self._graph.maker_of(path)
        if made is not None:
            return self._made(path, *made)
        holder = self._record_around(path)
        if holder is not None:
            return self._part(path, holder.path, holder.digest, kept=not holder.cache)
        if path in self._folders_of_data():
            return self._composed(path)
        return self._sources.observe(path)

    def _made(self, path: str, out: str, maker: str) -> Digest | None:
        record = self._locks.record(maker)
        locked = record.outs.get(out) if record else None
        if self._results is not None:
            # where another stage had made it, that still lies there
            return self._inside(path, out, locked) if locked else self._results.observe(path)
        declared: Out = next(o for o in self._graph.stages[maker].outs if o.path == out)
        return self._part(path, out, locked, kept=not declared.cache)

    def _part(self, path: str, whole: str, digest: Digest | None, *, kept: bool) -> Digest | None:
        """What lies at `path`, which is or is part of the artifact `whole`, named by `digest`.

        A file in git is what git has. So is a folder that is kept there.
        """
        seen = self._sources.observe(path)
        if seen is not None and (kept or self._has_data or not seen.is_tree):
            return seen
        return self._inside(path, whole, digest)

    def _inside(self, path: str, whole: str, digest: Digest | None) -> Digest | None:
        if digest is None or path == whole:
            return digest
        manifest = self._members(whole, digest)
        if manifest is None:
            return None
        inner = path[len(whole) + 1 :]
        for entry in manifest.entries:
            if entry.path == inner:
                return entry.digest
        below = [
            (entry.path[len(inner) + 1 :], entry.digest)
            for entry in manifest.entries
            if is_within(entry.path, inner)
        ]
        return self._tree(below) if below else None

    def _members(self, path: str, digest: Digest) -> Manifest | None:
        """What is in a folder: by its manifest in the cache, or as it lies in git."""
        if not digest.is_tree:
            return None
        try:
            return self._store.manifest(digest)
        except StoreError:
            manifest = self._sources.manifest(path)
        same = manifest is not None and self._digest(manifest) == digest
        return manifest if same else None

    def _composed(self, path: str) -> Digest | None:
        """A folder that holds artifacts besides what lies there anyway."""
        inner = [name for name in self._artifacts() if is_within(name, path) and name != path]
        placed: dict[str, Digest] = {}
        for name in inner:
            digest = self.observe(name)
            if digest is None:
                return None
            placed[name] = digest
        plain = self._sources.manifest(path)
        return composed(path, plain, placed, self.algorithm, self._members)

    def _tree(self, entries: Iterable[tuple[str, Digest]]) -> Digest:
        return self._digest(make_manifest(entries))

    def _digest(self, manifest: Manifest) -> Digest:
        return digest_of_text(self.algorithm, manifest_bytes(manifest), manifest)

    def _record_around(self, path: str) -> TrackedFile | None:
        if not self._records:
            return None
        at = path
        while at not in self._records and at != "." and not at.endswith(".."):
            at = parent(at)
        return self._records.get(at)

    def _artifacts(self) -> Iterable[str]:
        return dict.fromkeys([*self._graph.producer, *self._records])

    def _folders_of_data(self) -> set[str]:
        """The folders that hold artifacts."""
        if self._holders is None:
            self._holders = set()
            for path in self._artifacts():
                at = parent(path)
                while at not in self._holders and not at.endswith("..") and at != "/":
                    self._holders.add(at)
                    at = parent(at)
        return self._holders


class WithData:
    """A tree with the artifacts whose bytes are in the cache: what params files may be."""

    def __init__(self, tree: Tree, observer: Observer, cache: LocalCache) -> None:
        self._tree = tree
        self._observer = observer
        self._cache = cache

    def read(self, path: str) -> bytes | None:
        data = self._tree.read(path)
        if data is not None:
            return data
        digest = self._observer.observe(path)
        if digest is None or digest.is_tree:
            return None
        try:
            return self._cache.read(digest)
        except StoreError:
            return None

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        return self._tree.kind(path)

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        return self._tree.list(path)

    def signature(self, path: str) -> tuple[int, ...] | str | None:
        return self._tree.signature(path)
