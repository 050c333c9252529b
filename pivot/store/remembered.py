"""What a remote was seen to hold, so that it need not be asked for every file again.

Remembered are whole directories. It is never trusted blindly: the directory's manifest, which
goes up last and is removed first, is asked for each time, and so are some of its files by
chance; after a day everything is.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from ..digest import Digest, fingerprint
from ..manifest import object_path
from .remotes.many import Crew
from .remotes.protocol import ObjectStore

_SECONDS = 24 * 3600
_SAMPLE = 12


class Memory(Protocol):
    """Where it is kept between commands."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...

    def delete(self, key: str) -> None: ...


class RemoteMemory:
    """What one remote was seen to hold; `identity` tells it from others of its name."""

    def __init__(self, memory: Memory, identity: str, *, now: float | None = None) -> None:
        self._memory = memory
        self._identity = fingerprint("remote", 1, identity).rpartition(":")[2]
        self._now = time.time() if now is None else now

    @property
    def was_used(self) -> bool:
        """Whether something went to it, or came from it, as far as this checkout knows."""
        return self._memory.get(f"{self._identity}:used") is not None

    def note_used(self) -> None:
        """Remember that it is there, with something on it."""
        if not self.was_used:
            self._memory.put(f"{self._identity}:used", b"1")

    def note(self, trees: Iterable[Digest]) -> None:
        """Remember that these directories are there as a whole."""
        for tree in trees:
            self._memory.put(self._key(tree), repr(self._now).encode())

    def forget(self, trees: Iterable[Digest]) -> None:
        """Remember nothing of these directories."""
        for tree in trees:
            self._memory.delete(self._key(tree))

    def confirmed(
        self,
        store: ObjectStore,
        crew: Crew,
        trees: Mapping[Digest, Sequence[Digest]],
        sizes: Mapping[Digest, int | None],
    ) -> set[Digest]:
        """Those of `trees` (with their files) that are still there, as far as was looked."""
        known = [tree for tree in trees if self._is_known(tree)]
        asked: dict[str, tuple[Digest, int | None]] = {}
        for tree in known:
            files = trees[tree]
            sample = random.sample(list(files), min(_SAMPLE, len(files)))
            for digest in (tree, *sample):
                asked[object_path(digest)] = (tree, sizes.get(digest))
        there = crew.sizes(store, list(asked))
        doubtful = {
            tree
            for key, (tree, size) in asked.items()
            if key not in there or size not in (None, there[key])
        }
        self.forget(doubtful)
        return set(known) - doubtful

    def _is_known(self, tree: Digest) -> bool:
        data = self._memory.get(self._key(tree))
        try:
            seen = float(data) if data is not None else 0.0
        except ValueError:
            return False
        return 0 <= self._now - seen < _SECONDS

    def _key(self, tree: Digest) -> str:
        return f"{self._identity}:{tree}"
