"""Writing objects: each file read once, hashed while it is copied, named once it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count

from ..digest import Digest, hash_descriptor, new_hasher
from ..disk import explain, remove_quietly, step
from ..manifest import object_path
from ..scan import SMALL_BYTES, content_mark
from ..stamp import signature
from .placing import Progress, clone

_serial = count()
_START = f"{time.time_ns():x}"  # processes on two machines may share a cache and a number
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC
_GROUP_FOLDER = 0o2775  # as DVC has it: what is made inside belongs to the group as well


class ObjectWriter:
    """Writes into one cache folder. `has` tells whether an object can be served already.

    Folders of a `shared` one can be written by the group, and what others make in them too.
    """

    def __init__(self, folder: str, algorithm: str, fsync: bool, *, shared: bool = False) -> None:
        self._folder = folder
        self._temporaries = os.path.join(folder, "tmp")
        self._algorithm = algorithm
        self._fsync = fsync
        self._shared = shared
        self._made: set[str] = set()
        #: shards that were not there before: what this process put into each
        self._own: dict[str, set[str]] = {}

    def temporary(self) -> str:
        """A name in the cache's own `tmp` that no other writer uses."""
        self._make(self._temporaries)
        return f"{self._temporaries}/{_START}-{os.getpid()}-{next(_serial)}"

    def copy(
        self, source: str, has: Callable[[Digest], bool], progress: Progress | None
    ) -> tuple[Digest, os.stat_result, int]:
        """Store the file `source`: (digest, its status, when reading began).

        The object is what was read, even where the file changes meanwhile; then the time is 0.
        """
        try:
            descriptor = os.open(source, _READ)
        except OSError as error:
            raise explain(error, "read", source) from None
        try:
            started = time.time_ns()
            status = os.fstat(descriptor)
            if status.st_size <= SMALL_BYTES:
                digest = self._copy_small(source, descriptor, status, has)
                if progress is not None:
                    progress(status.st_size)
            else:
                digest = self._copy_large(source, descriptor, has, progress)
            if signature(os.fstat(descriptor)) != signature(status):
                started = 0
        finally:
            os.close(descriptor)
        return digest, status, started

    def _copy_small(
        self,
        source: str,
        descriptor: int,
        status: os.stat_result,
        has: Callable[[Digest], bool],
    ) -> Digest:
        try:
            data = os.read(descriptor, status.st_size + 1)
            if len(data) != status.st_size:
                while more := os.read(descriptor, SMALL_BYTES):
                    data += more
        except OSError as error:
            raise explain(error, "read", source) from None
        hasher = new_hasher(self._algorithm)
        hasher.update(data)
        executable = bool(status.st_mode & 0o100)
        digest = Digest(self._algorithm, hasher.hexdigest(), "file", len(data), None, executable)
        self.write(digest, data, has)
        return digest

    def _copy_large(
        self,
        source: str,
        descriptor: int,
        has: Callable[[Digest], bool],
        progress: Progress | None,
    ) -> Digest:
        temporary = self.temporary()
        try:
            try:
                target = self._create(temporary, 0o600)
                try:
                    if clone(descriptor, target):
                        # the clone stands still whatever happens to the file: hash that
                        digest = hash_descriptor(self._algorithm, target, progress=progress)
                    else:
                        digest = hash_descriptor(
                            self._algorithm, descriptor, tee=target, progress=progress
                        )
                    executable = bool(os.fstat(descriptor).st_mode & 0o100)
                    if self._fsync:
                        os.fsync(target)
                finally:
                    os.close(target)
                digest = Digest(
                    digest.algorithm, digest.value, "file", digest.size, None, executable
                )
                if not has(digest):
                    self.finish(temporary, digest)
            except OSError as error:
                raise explain(error, f"store '{source}' in", self._folder) from None
        finally:
            remove_quietly([temporary])
        return digest

    def write(self, digest: Digest, data: bytes, has: Callable[[Digest], bool]) -> None:
        """Store `data`, whose digest is known, unless it can be served already."""
        path = f"{self._folder}/{object_path(digest)}"
        shard = path.rpartition("/")[0]
        if shard not in self._made:
            self._make(shard)
        own = self._own.get(shard)
        # looking for a name that is not there is a fifth of the whole cost of a small object
        if (own is None or path in own) and has(digest):
            return
        temporary = self.temporary()
        try:
            descriptor = self._create(temporary, 0o444)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.utime(descriptor, ns=_times(digest.value, len(data)))
                if self._fsync:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _name(temporary, path)
            if own is not None:
                own.add(path)
        except OSError as error:
            remove_quietly([temporary])
            raise explain(error, "write to the cache", self._folder) from None
        except BaseException:
            remove_quietly([temporary])
            raise

    def finish(self, temporary: str, digest: Digest) -> None:
        """Make the whole file `temporary` an object: read-only, marked, named. Raises OSError."""
        os.chmod(temporary, 0o444)
        size = os.stat(temporary).st_size
        os.utime(temporary, ns=_times(digest.value, size))
        path = f"{self._folder}/{object_path(digest)}"
        self._make(os.path.dirname(path))
        _name(temporary, path)

    def _make_above(self, folder: str) -> None:
        """Make a folder whose parents are not there."""
        if not self._shared:
            os.makedirs(folder, exist_ok=True)
            return
        for part in reversed([folder, *_above(folder)]):
            try:
                os.mkdir(part)
            except FileExistsError:
                continue
            os.chmod(part, _GROUP_FOLDER)

    def _create(self, temporary: str, mode: int) -> int:
        try:
            return os.open(temporary, _CREATE, mode)
        except FileNotFoundError:
            # someone cleaned up `tmp` since we made it
            os.makedirs(os.path.dirname(temporary), exist_ok=True)
            return os.open(temporary, _CREATE, mode)

    def _make(self, folder: str) -> None:
        if folder in self._made:
            return
        try:
            try:
                os.mkdir(folder)
                self._own[folder] = set()
                if self._shared:
                    os.chmod(folder, _GROUP_FOLDER)
            except FileExistsError:
                pass
            except FileNotFoundError:
                self._make_above(folder)
        except OSError as error:
            raise explain(error, "make the cache folder", folder) from None
        self._made.add(folder)


def _above(folder: str) -> list[str]:
    """The folders above an absolute one that do not exist, the nearest first."""
    found = []
    while not os.path.isdir(folder := os.path.dirname(folder)):
        found.append(folder)
    return found


def _name(temporary: str, path: str) -> None:
    step("object.temp")
    try:
        os.replace(temporary, path)
    except FileNotFoundError:
        # someone removed an empty shard since we made it
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.replace(temporary, path)
    step("object.replace")


def _times(value: str, size: int) -> tuple[int, int]:
    """Access and modification time of an object: now, but for the mark of its content."""
    now = time.time_ns()
    marked = now - now % 1_000_000_000 + content_mark(value, size)
    # never in the future, and older than anything written to it from now on
    return now, marked - 1_000_000_000
