"""Moves objects between the local cache and a remote: status first, then the difference.

Guarantees. A directory's manifest goes up only after all its files are there, so a remote that
has a manifest has the directory. Every byte that comes down is hashed on its way, and gets its
name only where the digest is right. What was moved before something failed, or before the
process was killed, is not moved again. Objects that are corrupt here are never sent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass as mutable_dataclass
from dataclasses import field
from typing import Protocol

from ..digest import Digest, new_hasher
from ..disk import explain, remove_quietly
from ..errors import StoreError
from ..manifest import object_path, parse_manifest
from ..model import Manifest
from .cache import LocalCache
from .remembered import RemoteMemory
from .remotes.many import FEW, Crew, Retry
from .remotes.problems import RemoteError
from .remotes.protocol import ObjectStore

#: Objects up to this size are kept in memory until they are whole.
_SMALL_BYTES = 4 << 20
_LARGE_AT_A_TIME = 4


class Progress(Protocol):
    """What is told how far a transfer is."""

    def expect(self, files: int, size: int) -> None:
        """So many files, and bytes as far as known, are to be moved as well."""

    def moved(self, size: int) -> None:
        """So many bytes more are on the other side."""

    def finished(self) -> None:
        """One file more is whole."""


@mutable_dataclass
class Moved:
    """What a transfer did. `absent` is neither here nor there; `failed` says why not."""

    moved: list[Digest] = field(default_factory=list)
    size: int = 0
    already: list[Digest] = field(default_factory=list)
    absent: list[Digest] = field(default_factory=list)
    failed: list[tuple[Digest, RemoteError]] = field(default_factory=list)


class Transfer:
    """Moves objects between one cache and one remote, several at a time."""

    def __init__(
        self,
        cache: LocalCache,
        store: ObjectStore,
        *,
        jobs: int | None = None,
        retry: Retry | None = None,
        progress: Progress | None = None,
        memory: RemoteMemory | None = None,
    ) -> None:
        self.cache = cache
        self.store = store
        self._memory = memory
        self.crew = Crew(jobs or store.jobs, retry)
        self._progress = progress
        self._guard = threading.Lock()

    # --- up ----------------------------------------------------------------------------

    def push(self, digests: Iterable[Digest], *, again: bool = False) -> Moved:
        """Bring objects to the remote, with the files of directories; what was done.

        What is there with the right size counts as there; with `again` it is sent once more, since
        only its size is known, after its bytes here were hashed. Raises RemoteError where the
        remote as a whole cannot be used. Failures of single objects are told; a directory's
        manifest stays here where one of its files could not go.
        """
        done = Moved()
        trees, loose, hollow = self._opened(digests)
        known = self._known_there(trees) if not again else ()
        for tree in known:
            done.already += [tree, *(entry.digest for entry in trees.pop(tree).entries)]
        inside = (entry.digest for manifest in trees.values() for entry in manifest.entries)
        files = list(dict.fromkeys((*loose, *inside)))
        wanted = [*files, *trees, *hollow]
        there = self.crew.existing(self.store, map(object_path, wanted))
        sizes: dict[Digest, int] = {}
        unsent: set[Digest] = set()
        for digest in wanted:
            size = self._size_here(digest, anew=again) if digest not in hollow else None
            expected = () if again else (there.get(object_path(digest)),)
            if object_path(digest) in there and size in (None, *expected):
                done.already.append(digest)
            elif size is None:
                done.absent.append(digest)
                unsent.add(digest)
            else:
                sizes[digest] = size
        self._send([d for d in files if d in sizes], sizes, done)
        unsent |= {digest for digest, _ in done.failed}
        whole = [
            tree
            for tree, manifest in trees.items()
            if tree in sizes and not any(e.digest in unsent for e in manifest.entries)
        ]
        self._send(whole, sizes, done)
        if self._memory is not None:
            unsent |= {digest for digest, _ in done.failed}
            self._memory.note(
                tree
                for tree, manifest in trees.items()
                if len(manifest.entries) > FEW
                and tree not in unsent
                and not any(entry.digest in unsent for entry in manifest.entries)
            )
        return done

    def _known_there(self, trees: dict[Digest, Manifest]) -> set[Digest]:
        """Directories that the remote was seen to hold, and still does as far as was looked."""
        if self._memory is None or self.store.asks_cheaply:
            return set()
        many = {
            tree: [entry.digest for entry in manifest.entries]
            for tree, manifest in trees.items()
            if len(manifest.entries) > FEW
        }
        sizes = {tree: self._size_here(tree) for tree in many}
        return self._memory.confirmed(self.store, self.crew, many, sizes)

    def _opened(
        self, digests: Iterable[Digest]
    ) -> tuple[dict[Digest, Manifest], list[Digest], set[Digest]]:
        """Directories with their manifests, other files, directories without a manifest here."""
        trees: dict[Digest, Manifest] = {}
        files: dict[Digest, None] = {}
        hollow: set[Digest] = set()
        for digest in dict.fromkeys(digests):
            if not digest.is_tree:
                files[digest] = None
                continue
            try:
                trees[digest] = self.cache.manifest(digest)
            except StoreError:
                hollow.add(digest)
        return trees, list(files), hollow

    def _size_here(self, digest: Digest, *, anew: bool = False) -> int | None:
        """The size of the object in the cache; None where it is absent or corrupt.

        With `anew` its bytes are hashed for that.
        """
        if not (self.cache.verify(digest) if anew else self.cache.holds(digest)):
            return None
        try:
            return os.stat(self.cache.path(digest)).st_size
        except OSError:
            return None

    def _send(self, digests: list[Digest], sizes: dict[Digest, int], done: Moved) -> None:
        if self._progress is not None and digests:
            self._progress.expect(len(digests), sum(sizes[digest] for digest in digests))

        def send(digest: Digest) -> None:
            key, path = object_path(digest), self.cache.path(digest)
            told = 0

            def count(size: int) -> None:
                nonlocal told
                told += size
                if self._progress is not None:
                    self._progress.moved(size)

            if sizes[digest] <= _SMALL_BYTES:
                try:
                    with open(path, "rb") as stream:
                        data = stream.read()
                except OSError as error:
                    raise explain(error, "read the cache object", path) from None
                self.store.write(key, data)
            else:
                self.store.send(key, path, sent=count)
            self._note(digest, sizes[digest], sizes[digest] - told, done)

        # the largest first: else one of them may be alone at the end
        ordered = sorted(digests, key=sizes.__getitem__, reverse=True)
        large = [digest for digest in ordered if sizes[digest] > _SMALL_BYTES]
        # each of them has several parts under way, and in memory
        done.failed += self.crew.each(large, send, most=_LARGE_AT_A_TIME)
        done.failed += self.crew.each(ordered[len(large) :], send)

    # --- down --------------------------------------------------------------------------

    def fetch(
        self, digests: Iterable[Digest], *, within: Callable[[Digest, str], bool] | None = None
    ) -> Moved:
        """Bring objects here, with the files of directories; what was done.

        `within` says which files of a directory are wanted, by the path inside it. Raises
        RemoteError where the remote as a whole cannot be used, StoreError where nothing can be
        stored here.
        """
        done = Moved()
        wanted = list(dict.fromkeys(digests))
        trees = [digest for digest in wanted if digest.is_tree]
        unheld = [tree for tree in trees if not self.cache.holds(tree)]
        done.already += set(trees).difference(unheld)
        self._receive(unheld, done)
        files = {digest: None for digest in wanted if not digest.is_tree}
        for tree in trees:
            if not self.cache.holds(tree):
                continue
            for entry in self.cache.manifest(tree).entries:
                if within is None or within(tree, entry.path):
                    files[entry.digest] = None
        lacking = [digest for digest in files if not self.cache.holds(digest)]
        done.already += files.keys() - lacking
        self._receive(lacking, done)
        return done

    def _receive(self, digests: list[Digest], done: Moved) -> None:
        if self._progress is not None and digests:
            self._progress.expect(len(digests), sum(digest.size or 0 for digest in digests))

        def receive(digest: Digest) -> None:
            incoming = _Incoming(self.cache, digest, self._progress)
            try:
                self._read_whole(digest, incoming)
                if not incoming.is_right:
                    incoming.restart()  # it may have been spoilt on its way
                    self._read_whole(digest, incoming)
                size = incoming.finish(self.store.name)
            finally:
                incoming.drop()
            self._note(digest, size, 0, done)

        ordered = sorted(digests, key=lambda digest: digest.size or 0, reverse=True)
        for digest, error in self.crew.each(ordered, receive):
            if error.kind == "absent":
                done.absent.append(digest)
            else:
                done.failed.append((digest, error))

    def _read_whole(self, digest: Digest, incoming: _Incoming) -> None:
        """Read to the end, going on after an interruption where it was."""
        key = object_path(digest)

        def read() -> None:
            if incoming.size:
                began = self.store.read(key, incoming.take, start=incoming.size)
                if began:
                    return
                incoming.restart()
            self.store.read(key, incoming.take)

        self.crew.try_again(read)

    def _note(self, digest: Digest, size: int, untold: int, done: Moved) -> None:
        with self._guard:
            done.moved.append(digest)
            done.size += size
            if self._progress is not None:
                if untold:
                    self._progress.moved(untold)
                self._progress.finished()


class _Incoming:
    """Bytes on their way into the cache: hashed as they come, named once they are right."""

    def __init__(self, cache: LocalCache, digest: Digest, progress: Progress | None) -> None:
        self.size = 0
        self._cache = cache
        self._digest = digest
        self._progress = progress
        self._hasher = new_hasher(digest.algorithm)
        self._parts: list[bytes] = []
        self._path: str | None = None
        self._descriptor = -1

    def take(self, data: bytes | memoryview) -> None:
        self._hasher.update(data)
        if self._descriptor < 0 and self.size + len(data) <= _SMALL_BYTES:
            self._parts.append(bytes(data))
        else:
            self._spill(data)
        self.size += len(data)
        if self._progress is not None:
            self._progress.moved(len(data))

    def restart(self) -> None:
        """Forget what came: it begins anew."""
        if self._progress is not None:
            self._progress.moved(-self.size)
        self.drop()
        self.size = 0
        self._hasher = new_hasher(self._digest.algorithm)

    @property
    def is_right(self) -> bool:
        """Whether what came so far is what was to come."""
        return self._hasher.hexdigest() == self._digest.value

    def finish(self, remote: str) -> int:
        """Give the bytes their name. Raises RemoteError where they are others."""
        if not self.is_right:
            raise RemoteError(
                "corrupt",
                remote,
                f"its copy of {self._digest} holds other bytes than those; `pivot push --force` "
                "from where they are right replaces it",
            )
        if self._descriptor < 0:
            data = b"".join(self._parts)
            if self._digest.is_tree:
                self._check_manifest(data, remote)
            self._cache.store(self._digest, data)
        else:
            os.close(self._descriptor)
            self._descriptor = -1
            assert self._path is not None
            self._cache.adopt(self._path, self._digest, verified=True)
        return self.size

    def _check_manifest(self, data: bytes, remote: str) -> None:
        try:
            parse_manifest(data, self._digest.algorithm)
        except StoreError as error:
            raise RemoteError("corrupt", remote, error.message, hint=error.hint) from None

    def drop(self) -> None:
        """Let go of what is unfinished."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._path is not None:
            remove_quietly([self._path])
            self._path = None
        self._parts.clear()

    def _spill(self, data: bytes | memoryview) -> None:
        try:
            if self._descriptor < 0:
                self._path = self._cache.temporary()
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o600)
                for part in self._parts:
                    _write(self._descriptor, part)
                self._parts.clear()
            _write(self._descriptor, data)
        except OSError as error:
            raise explain(error, "write to the cache", self._cache.folder) from None


def _write(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
