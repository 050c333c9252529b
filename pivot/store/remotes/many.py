"""Many requests at a time: threads, retries with backoff, and what a remote holds of many keys."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from ...values import dataclass
from .problems import RemoteError
from .protocol import ObjectStore

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Below this number, asking for each key is cheaper than any look around.
FEW = 24
#: Listing costs a page for 1,000 objects, whoever's they are; a page costs what 100 heads cost.
_LISTED_PER_ASKED = 10
_ONE_LISTING = 3000  # objects up to which the shards are not listed side by side
_SHARDS = 256


@dataclass(frozen=True, slots=True)
class Retry:
    """How often something is tried, and how long is waited in between (seconds; it doubles)."""

    attempts: int = 5
    first: float = 0.3
    longest: float = 20.0

    def delay(self, attempt: int) -> float:
        """How long to wait after attempt number `attempt` (from 0) failed."""
        whole = min(self.longest, self.first * 2.0**attempt)
        return whole * (0.5 + random.random() / 2)  # noqa: S311 (spreads machines apart)


class Crew:
    """Threads that work on one remote. Where it asks for patience, all of them wait."""

    def __init__(self, jobs: int, retry: Retry | None = None) -> None:
        self.jobs = max(1, jobs)
        self.retry = retry or Retry()
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._quiet_until = 0.0

    def try_again(self, work: Callable[[], Result]) -> Result:
        """What `work` returns; while it fails for passing reasons, it is called again."""
        for attempt in range(self.retry.attempts):
            pause = self._quiet_until - time.monotonic()
            if pause > 0:
                self._stop.wait(pause)
            try:
                return work()
            except RemoteError as error:
                if not error.is_passing or attempt + 1 >= self.retry.attempts:
                    raise
                if self._stop.is_set():
                    raise
                delay = self.retry.delay(attempt)
                if error.kind == "busy":
                    with self._guard:
                        self._quiet_until = max(self._quiet_until, time.monotonic() + delay)
                else:
                    self._stop.wait(delay)
        raise AssertionError("the last attempt returns or raises")

    def each(
        self, items: Sequence[Item], work: Callable[[Item], object], *, most: int | None = None
    ) -> list[tuple[Item, RemoteError]]:
        """Call `work` for every item, several (`most`) at a time; the items that failed, and why.

        What is wrong with the remote as a whole ends it and is raised, as is everything that is
        no RemoteError; so does Ctrl-C, without waiting for what is under way.
        """
        failed: list[tuple[Item, RemoteError]] = []
        fatal: list[BaseException] = []
        waiting = iter(items)
        self._stop.clear()

        def drain() -> None:
            while not self._stop.is_set():
                with self._guard:
                    item = next(waiting, waiting)
                if item is waiting:
                    return
                taken: Item = item  # type: ignore[assignment]
                try:
                    self.try_again(partial(work, taken))
                except RemoteError as error:
                    if error.is_general:
                        fatal.append(error)
                        self._stop.set()
                    else:
                        failed.append((taken, error))
                except BaseException as error:
                    fatal.append(error)
                    self._stop.set()

        count = min(self.jobs, most or self.jobs, len(items))
        if count <= 1:
            drain()
        else:
            threads = [threading.Thread(target=drain, daemon=True) for _ in range(count)]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except BaseException:
                self._stop.set()
                raise
        if fatal:
            raise fatal[0]
        return failed

    def sizes(self, store: ObjectStore, keys: Sequence[str]) -> dict[str, int]:
        """The sizes of those of `keys` that exist, each asked for by itself."""
        found: dict[str, int] = {}

        def ask(key: str) -> None:
            size = store.size(key)
            if size is not None:
                found[key] = size

        for _, error in self.each(keys, ask):
            raise error
        return found

    def existing(self, store: ObjectStore, keys: Iterable[str]) -> dict[str, int]:
        """The sizes of those of `keys` that exist, by listing or by asking, whichever is cheaper.

        A listing is worth it where the remote seems to hold at most ten times what is asked for.
        """
        rooms: dict[str, list[str]] = {}
        for key in dict.fromkeys(keys):
            rooms.setdefault(_room(key), []).append(key)
        found: dict[str, int] = {}
        for room, inside in rooms.items():
            listed = None
            if room and store.lists and not store.asks_cheaply and len(inside) > FEW:
                try:
                    listed = self._listed(store, room, inside)
                except RemoteError as error:
                    if error.kind != "denied":  # some may read and write, and not list
                        raise
            found |= self.sizes(store, inside) if listed is None else listed
        return found

    def _listed(self, store: ObjectStore, room: str, keys: Sequence[str]) -> dict[str, int] | None:
        """What a listing tells of `keys`; None where asking is cheaper."""
        sample = f"{room}{keys[0][len(room) :].partition('/')[0]}/"
        most = _LISTED_PER_ASKED * len(keys)
        shard = self.try_again(lambda: _at_most(store, sample, most // _SHARDS + 1000))
        total = len(shard) * _SHARDS
        if total > most:
            return None
        wanted = set(keys)
        if total <= _ONE_LISTING:
            everything = self.try_again(lambda: dict(store.list(room)))
            return {key: size for key, size in everything.items() if key in wanted}
        found = {key: size for key, size in shard.items() if key in wanted}
        shards = {f"{room}{key[len(room) :].partition('/')[0]}/" for key in keys} - {sample}

        def look(prefix: str) -> None:
            found.update((key, size) for key, size in store.list(prefix) if key in wanted)

        for _, error in self.each(sorted(shards), look):
            raise error
        return found


def _at_most(store: ObjectStore, prefix: str, count: int) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for key, size in store.list(prefix):
        found[key] = size
        if len(found) > count:
            break
    return found


def _room(key: str) -> str:
    """The folder above the shards: `files/md5/`; "" for keys whose shards lie at the top."""
    parts = key.split("/")
    return "/".join(parts[:-2]) + "/" if len(parts) > 2 else ""
