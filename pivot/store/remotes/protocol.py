"""The one seam behind which every kind of remote lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

Take = Callable[[bytes | memoryview], None]
Count = Callable[[int], None]


class ObjectStore(Protocol):
    """Objects by key below one prefix, as a remote has them.

    Keys are POSIX paths (`files/md5/ab/cdef`). An object has its key only once all its bytes are
    there; writing replaces. All methods may be called from several threads at a time, try once,
    and raise RemoteError; `many` has their concurrent forms, with retries.
    """

    #: How people call it, and where it is; without credentials.
    name: str
    url: str
    #: Requests at a time that serve small objects best.
    jobs: int
    #: Whether asking for one size costs next to nothing, so that listing never pays.
    asks_cheaply: bool
    #: Whether all keys below a prefix can be listed; without it `list` raises RemoteError.
    lists: bool

    def size(self, key: str) -> int | None:
        """The bytes of an object; None where there is none."""

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """All keys that begin with the folder `prefix` (`files/md5/`; "" for all), with sizes."""

    def read(self, key: str, take: Take, *, start: int = 0) -> int:
        """Hand the bytes of an object from `start` on to `take`, in pieces of any size.

        Returns where the pieces really began: 0 where the server has no ranges, with nothing
        handed over then. What `take` raises ends the reading, and is raised.
        """

    def write(self, key: str, data: bytes) -> None:
        """Make `data` the object `key`."""

    def send(self, key: str, path: str, *, sent: Count | None = None) -> None:
        """Make the file at `path` the object `key`; `sent` is told of bytes on their way."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there do not matter."""

    def check(self) -> None:
        """Raise RemoteError where the place as a whole cannot be used: no bucket, no access."""

    def close(self) -> None: ...
