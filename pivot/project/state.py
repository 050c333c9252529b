"""The state database: what was learned from disk, so that it need not be learned again.

Nothing in it decides a result: every entry carries a checksum and is used only where the file it
speaks of is provably unchanged. Missing, corrupt, locked, read-only or unwritable, it costs time
and at most one warning.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import xxhash

from ..errors import PivotError

if TYPE_CHECKING:
    import sqlite3

_VERSION = 2  # 1 may hold secrets of configuration files
_BUSY_SECONDS = 2.0
#: Above this size the older half of the blobs goes.
_LIMIT_BYTES = 256 << 20

#: Result codes of sqlite that say nothing against the file: permission, busy, locked, memory,
#: read-only, interrupted, input or output failed, disk full, cannot be opened, locking protocol.
_REFUSALS = frozenset((3, 5, 6, 7, 8, 9, 10, 13, 14, 15))
_READ_ONLY = 8

Table = Literal["rows", "blobs"]
Row = tuple[Table, str, str, "bytes | None"]  # table, space, key, checked value or deletion

_SCHEMA = (
    # clustered by key: a whole space is read by one short scan
    "CREATE TABLE IF NOT EXISTS rows (space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY (space, key)) WITHOUT ROWID",
    # large values, read one at a time; rowid order is the order of writing
    "CREATE TABLE IF NOT EXISTS blobs (space TEXT NOT NULL, key TEXT NOT NULL,"
    " value BLOB NOT NULL, UNIQUE (space, key))",
    f"PRAGMA user_version = {_VERSION}",
)
_INSERT = "INSERT OR REPLACE INTO {} (space, key, value) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM {} WHERE space = ? AND key = ?"


class Entries:
    """One space of the database: bytes by key. Writes reach the file when the state is closed."""

    def __init__(self, state: State, table: Table, space: str) -> None:
        self._state = state
        self._memory = state.memory
        self._table: Table = table
        self._space = space
        self._seed = xxhash.xxh3_64_intdigest(space.encode())
        self._loaded: dict[str, bytes] | None = None
        self._put: dict[str, bytes | None] = {}  # by this process; None: deleted
        self._unwritten: set[str] = set()

    def get(self, key: str) -> bytes | None:
        """The value last put under `key`; None where there is none that is whole."""
        if key in self._put:
            return self._put[key]
        if self._loaded is not None:
            stored = self._loaded.get(key)
        else:
            stored = self._state.read(self._table, self._space, key)
        if not isinstance(stored, bytes):  # None, or a damaged cell
            return None
        value = stored[8:]
        return value if stored[:8] == self._check(key, value) else None

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`, for later runs once the state is closed."""
        with self._memory:
            self._put[key] = value
            self._unwritten.add(key)

    def delete(self, key: str) -> None:
        """Keep nothing under `key`."""
        with self._memory:
            self._put[key] = None
            self._unwritten.add(key)

    def load(self) -> None:
        """Read the whole space by one SELECT, where single lookups would cost more."""
        if self._loaded is None:
            self._loaded = self._state.read_all(self._table, self._space)

    def keys(self) -> set[str]:
        """All keys that have a value."""
        self.load()
        found = {*(self._loaded or ()), *self._put}
        return {key for key in found if self._put.get(key, b"") is not None}

    def take_unwritten(self) -> list[Row]:
        """What has been put since this was last asked, ready to be written."""
        rows: list[Row] = []
        with self._memory:
            taken = {key: self._put[key] for key in self._unwritten}
            self._unwritten.clear()
        for key in sorted(filter(_is_text, taken)):
            value = taken[key]
            stored = None if value is None else self._check(key, value) + value
            rows.append((self._table, self._space, key, stored))
        return rows

    def _check(self, key: str, value: bytes) -> bytes:
        text = key.encode("utf-8", "surrogatepass") + b"\0" + value
        return xxhash.xxh3_64_digest(text, self._seed)


class State:
    """The database at `path`, made when first written to.

    `warn` is told once, in one line, where it cannot be used; `prepare` makes the folder. Other
    processes may read and write at the same time; the last to write an entry wins.
    """

    def __init__(
        self,
        path: str | None,
        *,
        fsync: bool = False,
        warn: Callable[[str], None] | None = None,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self.path = path
        self._fsync = fsync
        self._warn = warn
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._unusable = path is None
        self._warned = False
        self._entries: dict[tuple[Table, str], Entries] = {}
        self._guard = threading.RLock()  # of the file
        self.memory = threading.Lock()  # of what is not in the file yet; taken last

    def blobs(self, space: str) -> Entries:
        """A space of large values, looked up one at a time."""
        return self._space("blobs", space)

    def rows(self, space: str) -> Entries:
        """A space of many small values, best loaded at once."""
        return self._space("rows", space)

    def close(self) -> None:
        """Write everything put since, in one transaction, and let go of the file."""
        self.flush()
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def flush(self) -> None:
        """Write everything put since, in one transaction."""
        with self._guard:
            with self.memory:
                spaces = tuple(self._entries.values())
            rows = [row for entries in spaces for row in entries.take_unwritten()]
            if rows and not self._unusable:
                self._write(rows)

    def read(self, table: Table, space: str, key: str) -> bytes | None:
        """The stored value, checksum included."""
        if not _is_text(key):
            return None
        query = f"SELECT value FROM {table} WHERE space = ? AND key = ?"  # noqa: S608
        found = self._select(query, (space, key))
        return found[0][0] if found else None

    def read_all(self, table: Table, space: str) -> dict[str, bytes]:
        """All stored values of a space, checksums included."""
        query = f"SELECT key, value FROM {table} WHERE space = ?"  # noqa: S608
        return dict(self._select(query, (space,)))

    # --- the file ----------------------------------------------------------------------

    def _space(self, table: Table, space: str) -> Entries:
        found = self._entries.get((table, space))
        if found is None:
            with self.memory:  # of two threads that found none, one makes what both use
                found = self._entries.setdefault((table, space), Entries(self, table, space))
        return found

    def _select(self, query: str, values: tuple[str, ...]) -> list[Any]:
        with self._guard:
            connection = self._open()
            if connection is None:
                return []
            try:
                return connection.execute(query, values).fetchall()
            except _failures() as error:
                self._failed(error)
                return []

    def _open(self, *, create: bool = False) -> sqlite3.Connection | None:
        if self._connection is not None:
            return self._connection
        if self._unusable or self.path is None:
            return None
        if not create and not os.path.exists(self.path):
            return None
        # 2 ms to import; a project without state does not need it
        import sqlite3

        try:
            if create and not os.path.exists(self.path):
                if self._prepare is not None:
                    self._prepare()
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            # without `core.fsync` power loss may cost the database, which the checksums notice
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._fsync else 'OFF'}")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != _VERSION:
                if version == 0 and not connection.execute("PRAGMA schema_version").fetchone()[0]:
                    if not create:
                        self._drop_connection()
                    return self._connection
                self._discard()  # another version's: learn anew
                return self._open(create=create) if create else None
        except _failures() as error:
            self._failed(error)
            return self._open(create=True) if create and not self._unusable else None
        return connection

    def _write(self, rows: list[Row]) -> None:
        for _ in range(2):
            connection = self._open(create=True)
            if connection is None:
                return
            try:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    connection.execute(statement)
                for table in ("rows", "blobs"):
                    kept = [row[1:] for row in rows if row[0] == table and row[3] is not None]
                    gone = [row[1:3] for row in rows if row[0] == table and row[3] is None]
                    connection.executemany(_INSERT.format(table), kept)
                    connection.executemany(_DELETE.format(table), gone)
                connection.execute("COMMIT")
                self._shrink(connection)
            except _failures() as error:
                self._failed(error)  # closes, and so rolls back
                continue  # once more, where what was there has been discarded
            return

    def _shrink(self, connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        if pages * size > _LIMIT_BYTES:
            connection.execute(
                "DELETE FROM blobs WHERE rowid IN (SELECT rowid FROM blobs ORDER BY rowid"
                " LIMIT (SELECT (count(*) + 1) / 2 FROM blobs))"
            )
            connection.execute("VACUUM")

    def _failed(self, error: Exception) -> None:
        """Discard a file that is no whole database; go without one that cannot be used now."""
        code = getattr(error, "sqlite_errorcode", None)
        refused = isinstance(error, (OSError, PivotError)) or (
            code is not None and code & 0xFF in _REFUSALS
        )
        if code is not None and code & 0xFF == _READ_ONLY and os.access(self.path or "", os.W_OK):
            refused = False  # so says a damaged header, not the file system
        # anything else comes from reading damaged pages: text that is not UTF-8, missing tables
        if not refused and self._discard():
            return
        self._drop_connection()
        self._unusable = True
        if not self._warned and self._warn is not None:
            self._warned = True
            self._warn(
                f"the state database '{self.path}' cannot be used ({error}); "
                "nothing is wrong with results, but files are read anew"
            )

    def _discard(self) -> bool:
        self._drop_connection()
        try:
            for suffix in ("", "-journal", "-wal", "-shm"):
                if os.path.lexists(f"{self.path}{suffix}"):
                    os.unlink(f"{self.path}{suffix}")
        except OSError:
            return False
        return True

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _failures() -> tuple[type[Exception], ...]:
    import sqlite3

    # a damaged file can hold text that is not UTF-8, in its data and in sqlite's messages
    return (sqlite3.Error, OSError, PivotError, UnicodeError)


def _is_text(key: str) -> bool:
    """Whether the key can be stored: names that are not UTF-8 cannot, and are not cached."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
