"""The run cache: what earlier runs made of a key, so that it need not be made again.

`runs/<2 hex>/<rest of the key's id>/<name>.json`, each the text of a lock. One key has several
records where unpredicted modules or results differed; the caller takes the newest whose observed
modules hash as they do today and whose objects can be had.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from ..digest import fingerprint
from ..disk import explain, read_if_exists, write_atomic
from ..lockfile import BadLock, dumps, loads
from ..model import StageRecord


class RunCache:
    """The records below `<cache>/runs`. Safe between processes; records are never half written."""

    def __init__(self, folder: str, *, fsync: bool = False) -> None:
        self.folder = os.path.abspath(folder)
        self._fsync = fsync
        #: brings the records of a key that others made, where that was asked for
        self.source: Callable[[str], None] | None = None

    def find(self, key_id: str) -> tuple[StageRecord, ...]:
        """The records of a key, newest first. Unreadable ones count as absent."""
        if self.source is not None:
            self.source(key_id)
        place = self._place(key_id)
        found: list[tuple[int, str, StageRecord]] = []
        try:
            with os.scandir(place) as entries:
                files = [(e.name, e.path) for e in entries if e.name.endswith(".json")]
        except OSError:
            return ()
        for name, path in files:
            try:
                written = os.stat(path).st_mtime_ns
                data = read_if_exists(path)
                if data is not None and not name.startswith("."):
                    found.append((written, name, loads(data)))
            except (OSError, BadLock):
                continue
        found.sort(key=lambda item: item[:2], reverse=True)
        return tuple(record for _, _, record in found)

    def put(self, record: StageRecord) -> None:
        """Keep `record` as the newest of its key; the same run twice leaves one record.

        Passes the steps `record.temp` and `record.replace`. Raises StoreError.
        """
        place = self._place(record.key.id)
        name = fingerprint("run-record", 1, record.stage, record.observed, record.outs)
        path = f"{place}/{name.partition(':')[2]}.json"
        try:
            write_atomic(path, dumps(record).encode(), fsync=self._fsync, kind="record")
        except OSError as error:
            raise explain(error, "write the run record", path) from None

    def _place(self, key_id: str) -> str:
        value = key_id.rpartition(":")[2]
        return f"{self.folder}/{value[:2]}/{value[2:]}"


def records_in(folder: str) -> Iterator[tuple[str, StageRecord]]:
    """The records below a folder of runs, by path; what cannot be read as one is left out."""
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith(".json") or name.startswith("."):
                continue
            path = f"{place}/{name}"
            try:
                record = loads(read_if_exists(path) or b"")
            except (OSError, BadLock):
                continue
            yield path, record
