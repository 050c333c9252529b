"""Run records and code tables between the cache and a remote.

A record goes up only after all objects that it names are there; one that comes down is read, and
is kept only where its seal, its key and its name agree. Tables explain and decide nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator

from ..digest import Digest
from ..disk import explain, read_if_exists, write_atomic
from ..lockfile import BadLock, loads
from ..model import StageRecord
from .code import part_name, part_path, parts_of
from .remotes.many import FEW, Crew
from .remotes.problems import RemoteError
from .remotes.protocol import ObjectStore
from .runs import records_in


class Evidence:
    """The records in `runs` and the tables in `code` of one cache, and the same on a remote.

    `prefix` is where they lie there: below a folder of their own where others rule the place.
    """

    def __init__(
        self, store: ObjectStore, crew: Crew, runs: str, code: str, prefix: str = ""
    ) -> None:
        self._store = store
        self._crew = crew
        self._runs = runs
        self._code = code
        self._prefix = prefix

    # --- code tables ----------------------------------------------------------------------

    def push_tables(self, digests: Iterable[str]) -> int:
        """Send the tables of code digests, as far as they are here and not there; how many."""
        here = {self._table_key(d): d for d in digests if os.path.exists(self._table_path(d))}
        there = self._existing(list(here), f"{self._prefix}code/")
        tables: dict[str, bytes] = {}
        for key in here:
            data = None if key in there else read_if_exists(self._table_path(here[key]))
            if data is not None and _is_table(data, here[key]):
                tables[key] = data
        self._push_parts({name for data in tables.values() for name in parts_of(data)})
        failed = self._crew.each(list(tables), lambda key: self._store.write(key, tables[key]))
        return len(tables) - len(failed)

    def _push_parts(self, names: Iterable[str]) -> None:
        """Send what tables are made of, before them."""
        here = {self._part_key(name): part_path(self._code, name) for name in names}
        there = self._existing(list(here), f"{self._prefix}code/parts/")

        def send(key: str) -> None:
            data = read_if_exists(here[key])
            if data is not None:
                self._store.write(key, data)

        self._crew.each([key for key in here if key not in there], send)

    def fetch_tables(self, digests: Iterable[str]) -> int:
        """Bring the tables that are not here, as far as they are there; how many."""
        wanted = {self._table_key(d): d for d in digests if not os.path.exists(self._table_path(d))}
        keys = list(wanted)
        if len(keys) > FEW and self._store.lists:
            there = self._existing(keys, f"{self._prefix}code/")
            keys = [key for key in keys if key in there]
        brought: dict[str, bytes] = {}

        def bring(key: str) -> None:
            data = self._read(key)
            if _is_table(data, wanted[key]):
                brought[key] = data

        self._crew.each(keys, bring)  # one that is absent costs an explanation, nothing more
        self._fetch_parts({name for data in brought.values() for name in parts_of(data)})
        for key, data in brought.items():
            _keep(self._table_path(wanted[key]), data)
        return len(brought)

    def _fetch_parts(self, names: Iterable[str]) -> None:
        """Bring what tables are made of, before them."""
        wanted = {
            self._part_key(name): name
            for name in names
            if not os.path.exists(part_path(self._code, name))
        }

        def bring(key: str) -> None:
            data = self._read(key)
            if part_name(data) == wanted[key]:
                _keep(part_path(self._code, wanted[key]), data)

        self._crew.each(list(wanted), bring)

    # --- run records ----------------------------------------------------------------------

    def records(self) -> Iterator[tuple[str, StageRecord]]:
        """The records that are here, by key on the remote; what cannot be read is left out."""
        for path, record in records_in(self._runs):
            inner = os.path.relpath(path, self._runs).replace(os.sep, "/")
            yield f"{self._prefix}runs/{inner}", record

    def records_there(self) -> list[tuple[str, StageRecord]]:
        """The records of the remote by key; what cannot be read as one is left out."""
        found: list[tuple[str, StageRecord]] = []

        def read(key: str) -> None:
            try:
                found.append((key, loads(self._read(key))))
            except BadLock:
                return

        listed = self._store.list(f"{self._prefix}runs/")
        self._crew.each([key for key, _ in listed if key.endswith(".json")], read)
        return found

    def push_records(
        self, records: dict[str, StageRecord], is_there: Callable[[Digest], bool]
    ) -> int:
        """Send records whose objects are all there; how many."""
        whole = [
            key
            for key, record in records.items()
            if all(is_there(digest) for digest in record.outs.values())
        ]
        there = self._existing(whole, f"{self._prefix}runs/")
        wanted = [key for key in whole if key not in there]

        def send(key: str) -> None:
            data = read_if_exists(self._record_path(key))
            if data is not None:
                self._store.write(key, data)

        failed = self._crew.each(wanted, send)
        return len(wanted) - len(failed)

    def fetch_records(self, key_id: str | None = None) -> list[StageRecord]:
        """Bring the records that are not here, all or those of one key; the new ones."""
        if not self._store.lists:
            return []
        prefix = f"{self._prefix}runs/"
        if key_id is not None:
            value = key_id.rpartition(":")[2]
            prefix += f"{value[:2]}/{value[2:]}/"
        listed = self._crew.try_again(lambda: list(self._store.list(prefix)))
        keys = [
            key
            for key, _ in listed
            if key.endswith(".json") and not os.path.exists(self._record_path(key))
        ]
        brought: list[StageRecord] = []

        def bring(key: str) -> None:
            data = self._read(key)
            try:
                record = loads(data)
            except BadLock:
                return
            value = record.key.id.rpartition(":")[2]
            if key.rpartition("/")[0] == f"{self._prefix}runs/{value[:2]}/{value[2:]}":
                _keep(self._record_path(key), data)
                brought.append(record)

        for _, error in self._crew.each(keys, bring):
            if error.kind != "absent":
                raise error
        return brought

    # --- both -----------------------------------------------------------------------------

    def _existing(self, keys: list[str], folder: str) -> set[str]:
        if len(keys) > FEW and self._store.lists and not self._store.asks_cheaply:
            listed = self._crew.try_again(lambda: dict(self._store.list(folder)))
            return listed.keys() & set(keys)
        return set(self._crew.sizes(self._store, keys))

    def _read(self, key: str) -> bytes:
        parts: list[bytes] = []
        self._store.read(key, lambda piece: parts.append(bytes(piece)))
        return b"".join(parts)

    def _table_key(self, digest: str) -> str:
        return f"{self._prefix}code/{digest.rpartition(':')[2]}.json"

    def _part_key(self, name: str) -> str:
        return f"{self._prefix}code/parts/{name}.json"

    def _table_path(self, digest: str) -> str:
        return f"{self._code}/{digest.rpartition(':')[2]}.json"

    def _record_path(self, key: str) -> str:
        inner = key[len(self._prefix) + len("runs/") :]
        if any(part in ("", ".", "..") for part in inner.split("/")):
            raise RemoteError("corrupt", self._store.name, f"it names a record {key!r}")
        return f"{self._runs}/{inner}"


def _is_table(data: bytes, digest: str) -> bool:
    try:
        content = json.loads(data)
        parts_of(data)
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(content, dict) and content.get("digest") == digest


def _keep(path: str, data: bytes) -> None:
    try:
        write_atomic(path, data)
    except OSError as error:
        raise explain(error, "write", path) from None
