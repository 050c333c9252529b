"""Compares tables of any size: an embedded database reads and joins them within bounded memory.

Both tables are copied into a database file in a scratch folder, joined there, and what differs is
kept as pairs of row numbers, so that any part of it can be shown without holding all of it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import PivotError, Where
from .formats import DELIMITERS, INTEGER, NUMBER, NotATableError, format_of, header_of
from .model import (
    Comparison,
    Query,
    RowChange,
    Source,
    Summary,
    check_key,
    column_changes,
    reading,
)

#: What the database may hold in memory; beyond, it uses the scratch folder.
MEMORY = "1GB"
_PREFIX = "tables-"
_MASK_BITS = 62  # of a mask of changed columns
_KINDS = {
    "changed": "i IS NOT NULL AND j IS NOT NULL",
    "added": "i IS NULL",
    "removed": "j IS NULL",
}


def compare_in_database(
    old: Source, new: Source, key: Sequence[str], scratch: str, *, memory: str = MEMORY
) -> Comparison:
    """The comparison of two CSV, TSV, JSON, JSONL or Parquet files, rows matched by `key`.

    Temporary files of about the size of both lie in a folder of their own in `scratch` until it is
    closed. Raises PivotError where a file cannot be read, ImportError without the library.
    """
    folder = _scratch_folder(scratch)
    try:
        return _DatabaseComparison(old, new, tuple(key), folder, memory)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _scratch_folder(scratch: str) -> str:
    """A new folder in `scratch`, or where that cannot be written in the system's place for such.

    What a process that was killed left there more than a day ago is removed.
    """
    try:
        os.makedirs(scratch, exist_ok=True)
        for entry in os.scandir(scratch):
            if entry.name.startswith(_PREFIX) and entry.stat().st_mtime < time.time() - 86400:
                shutil.rmtree(entry.path, ignore_errors=True)
        return tempfile.mkdtemp(prefix=_PREFIX, dir=scratch)
    except OSError:
        return tempfile.mkdtemp(prefix=_PREFIX)


class _DatabaseComparison:
    def __init__(
        self, old: Source, new: Source, key: tuple[str, ...], folder: str, memory: str
    ) -> None:
        import duckdb  # 60 ms; only large tables and Parquet need it

        self._folder = folder
        self._selected: tuple[Query, int] | None = None
        self._db = duckdb.connect(os.path.join(folder, "tables.db"))
        try:
            self._execute(f"SET memory_limit = '{memory}'")
            self._execute("SET temp_directory = ?", [os.path.join(folder, "spill")])
            self._execute("SET enable_progress_bar = false")
            self._json = {
                table
                for table, side in (("a", old), ("b", new))
                if format_of(side.name) in ("json", "jsonl")
            }
            #: table -> column -> what it is called there: names of users may be any, and the
            #: database takes `a` and `A` for one
            self._called: dict[str, dict[str, str]] = {"a": {}, "b": {}}
            before = self._load("a", old)
            after = self._load("b", new)
            self._old, self._new = list(before), list(after)
            check_key(key, self._old, self._new, new.name)
            self._make_empty(key)
            self.columns = (*self._new, *(name for name in self._old if name not in after))
            self._shared = [name for name in self._new if name in before and name not in key]
            with _explained(new.name, "cannot be compared", PivotError):
                repeated = self._number_repeated(key)
                self._join(key, before, after, is_numbered=repeated > 0)
                self.summary = self._summary(key, before, after, repeated)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """End the database and remove its files."""
        self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- reading --------------------------------------------------------------------------

    def _load(self, table: str, source: Source) -> dict[str, str]:
        """Copy a file into a table; the types of its columns."""
        path = source.path
        if path is None:
            assert source.data is not None
            path = os.path.join(self._folder, f"{table}.file")
            with open(path, "wb") as stream:
                stream.write(source.data)
        kind = format_of(source.name)
        assert kind is not None  # else nobody compares it as a table
        error = NotATableError if kind in ("json", "jsonl") else PivotError
        with reading(source), _explained(source.name, "cannot be read as a table", error, path):
            if kind in ("csv", "tsv"):
                return self._load_separated(table, source, path, DELIMITERS[kind])
            if kind == "parquet":
                return self._load_parquet(table, path)
            return self._load_json(table, path, "array" if kind == "json" else "newline_delimited")

    def _load_separated(
        self, table: str, source: Source, path: str, delimiter: str
    ) -> dict[str, str]:
        names = header_of(source, delimiter)
        if not names:
            self._execute(f"CREATE TABLE {table} (nothing VARCHAR)")
            return {}
        called = self._call(table, names)
        columns = ", ".join(f"{_text(c)}: 'VARCHAR'" for c in called)
        cells = ", ".join(f"coalesce({c}, '') AS {c}" for c in called)
        self._execute(
            f"CREATE TABLE {table} AS SELECT {cells} FROM read_csv(?, auto_detect = false, "
            f"header = true, delim = {_text(delimiter)}, quote = '\"', escape = '\"', "
            f"columns = {{{columns}}}, max_line_size = 67108864)",
            [path],
        )
        tests = ", ".join(
            f"bool_or({c} <> ''), bool_and({c} = '' OR regexp_full_match({c}, '{INTEGER}')), "
            f"bool_and({c} = '' OR regexp_full_match({c}, '{NUMBER}'))"
            for c in called
        )
        found = self._one(f"SELECT {tests} FROM {table}")
        return {
            name: _text_type(*found[3 * position : 3 * position + 3])
            for position, name in enumerate(names)
        }

    def _load_json(self, table: str, path: str, shape: str) -> dict[str, str]:
        reading = f"format = '{shape}', records = true"
        described = not _is_empty(path) and self._all(
            f"DESCRIBE SELECT * FROM read_json(?, {reading}, sample_size = -1, "
            "map_inference_threshold = -1, maximum_depth = 1)",
            [path],
        )
        if not described:
            self._execute(f"CREATE TABLE {table} (nothing VARCHAR)")
            return {}
        names = [row[0] for row in described]
        called = self._call(table, names)
        columns = ", ".join(f"{_text(name)}: 'JSON'" for name in names)
        # as JSON writes it without spaces; a null is no value
        cells = ", ".join(
            f"CASE WHEN json_type({_name(name)}) <> 'NULL' THEN json({_name(name)})::VARCHAR END "
            f"AS {c}"
            for name, c in zip(names, called, strict=True)
        )
        self._execute(
            f"CREATE TABLE {table} AS SELECT {cells} FROM read_json(?, {reading}, "
            f"columns = {{{columns}}})",
            [path],
        )
        kinds = ", ".join(f"list(DISTINCT json_type({c}::JSON))" for c in called)
        found = self._one(f"SELECT {kinds} FROM {table}")
        return {name: _json_type(kinds) for name, kinds in zip(names, found, strict=True)}

    def _load_parquet(self, table: str, path: str) -> dict[str, str]:
        described = self._all("DESCRIBE SELECT * FROM read_parquet(?)", [path])
        types = {row[0]: str(row[1]).lower() for row in described}
        called = self._call(table, list(types))
        cells = ", ".join(f"{_name(n)} AS {c}" for n, c in zip(types, called, strict=True))
        self._execute(f"CREATE TABLE {table} AS SELECT {cells} FROM read_parquet(?)", [path])
        return types

    def _call(self, table: str, names: Sequence[str]) -> list[str]:
        """Give the columns of a table names of the database."""
        called = [f"c{position}" for position in range(len(names))]
        self._called[table] = dict(zip(names, called, strict=True))
        return called

    # --- comparing ------------------------------------------------------------------------

    def _make_empty(self, key: tuple[str, ...]) -> None:
        """Give a table without columns those that rows are matched by."""
        for table, names in (("a", self._old), ("b", self._new)):
            if key and not names:
                columns = ", ".join(f"{c} VARCHAR" for c in self._call(table, key))
                self._execute(f"CREATE OR REPLACE TABLE {table} ({columns})")

    def _number_repeated(self, key: tuple[str, ...]) -> int:
        """Number the rows of each key, where any key is not unique; how many are not."""
        if not key:
            return 0
        keys = {t: ", ".join(self._called[t][name] for name in key) for t in ("a", "b")}
        many = [
            f"SELECT {columns} FROM {table} GROUP BY ALL HAVING count(*) > 1"
            for table, columns in keys.items()
        ]
        repeated = int(self._one(f"SELECT count(*) FROM ({many[0]} UNION {many[1]})")[0])
        for table, columns in keys.items() if repeated else ():
            self._execute(
                f"CREATE TABLE {table}_nth AS SELECT rowid AS r, "
                f"row_number() OVER (PARTITION BY {columns} ORDER BY rowid) AS nth FROM {table}"
            )
        return repeated

    def _join(
        self,
        key: tuple[str, ...],
        before: Mapping[str, str],
        after: Mapping[str, str],
        *,
        is_numbered: bool,
    ) -> None:
        """Make `m`: the pairs of rows that differ, in order, with masks of changed columns."""
        matches = [
            " IS NOT DISTINCT FROM ".join(self._sides(name, before.get(name), after.get(name)))
            for name in key
        ]
        tables = ["a", "b"]
        if not key:
            matches = ["a.r = b.r"]
        if is_numbered:
            matches.append("a.nth = b.nth")
        for position, table in enumerate(tables):
            numbered = f"JOIN {table}_nth ON {table}_nth.r = {table}.rowid" if is_numbered else ""
            more = ", nth" if is_numbered else ""
            tables[position] = (
                f"(SELECT {table}.*, {table}.rowid AS r{more} FROM {table} {numbered})"
            )
        masks = self._masks(before, after)
        listed = "".join(f", {mask} AS mask{number}" for number, mask in enumerate(masks))
        differs = " OR ".join(f"mask{number} <> 0" for number in range(len(masks)))
        self._execute(
            "CREATE TABLE m AS SELECT * FROM ("
            f"SELECT a.r AS i, b.r AS j{listed} FROM {tables[0]} a FULL JOIN {tables[1]} b "
            f"ON {' AND '.join(matches)}) WHERE i IS NULL OR j IS NULL"
            f"{' OR ' + differs if differs else ''} "
            "ORDER BY coalesce(j, i), j IS NOT NULL"
        )

    def _sides(self, name: str, old: str | None, new: str | None) -> tuple[str, str]:
        """A column of both tables, so that they can be compared."""
        a, b = f"a.{self._called['a'][name]}", f"b.{self._called['b'][name]}"
        # columns of different types, as Parquet has them, are compared as they are written
        if old != new and not {old or "empty", new or "empty"} <= _WRITTEN_ALIKE:
            return f"{a}::VARCHAR", f"{b}::VARCHAR"
        return a, b

    def _masks(self, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
        masks = []
        for start in range(0, len(self._shared), _MASK_BITS):
            bits = []
            for bit, name in enumerate(self._shared[start : start + _MASK_BITS]):
                old, new = self._sides(name, before[name], after[name])
                bits.append(f"CASE WHEN {old} IS DISTINCT FROM {new} THEN {1 << bit} ELSE 0 END")
            masks.append(f"({' + '.join(bits)})::BIGINT")
        return masks

    def _summary(
        self,
        key: tuple[str, ...],
        before: Mapping[str, str],
        after: Mapping[str, str],
        repeated: int,
    ) -> Summary:
        kinds = {
            kind: self._one(f"SELECT count(*) FROM m WHERE {where}")[0]
            for kind, where in _KINDS.items()
        }
        counts = [f"count(*) FILTER ({self._changed(name)})" for name in self._shared]
        found = self._one(f"SELECT {', '.join(counts)} FROM m") if counts else ()
        columns, is_reordered = column_changes(before, after)
        return Summary(
            key=key,
            old_rows=self._one("SELECT count(*) FROM a")[0],
            new_rows=self._one("SELECT count(*) FROM b")[0],
            added=kinds["added"],
            removed=kinds["removed"],
            changed=kinds["changed"],
            columns=columns,
            changed_in={name: n for name, n in zip(self._shared, found, strict=True) if n},
            repeated=repeated,
            is_reordered=is_reordered,
        )

    def _changed(self, name: str) -> str:
        """Whether a row of `m` changed in a column."""
        position = self._shared.index(name)
        mask, bit = divmod(position, _MASK_BITS)
        return f"i IS NOT NULL AND j IS NOT NULL AND (mask{mask} & {1 << bit}) <> 0"

    # --- looking --------------------------------------------------------------------------

    def count(self, query: Query) -> int:
        if query == Query():
            return self.summary.added + self.summary.removed + self.summary.changed
        if self._selected is None or self._selected[0] != query:
            where = self._condition(query)
            self._execute(
                f"CREATE OR REPLACE TABLE s AS SELECT * FROM m WHERE {where} ORDER BY m.rowid"
            )
            self._selected = query, int(self._one("SELECT count(*) FROM s")[0])
        return self._selected[1]

    def rows(self, query: Query, offset: int, limit: int) -> Sequence[RowChange]:
        if query == Query():
            table = "m"
        else:
            self.count(query)
            table = "s"
        pairs = self._all(
            f"SELECT * FROM {table} WHERE rowid >= ? AND rowid < ? ORDER BY rowid",
            [offset, offset + limit],
        )
        old = self._fetch("a", self._old, [pair[0] for pair in pairs])
        new = self._fetch("b", self._new, [pair[1] for pair in pairs])
        return [self._row(pair, old, new) for pair in pairs]

    def _condition(self, query: Query) -> str:
        parts = [f"({' OR '.join(f'({_KINDS[kind]})' for kind in query.kinds) or 'false'})"]
        if query.column is not None:
            parts.append(self._changed(query.column) if query.column in self._shared else "false")
        if query.search:
            for table, names in (("a", self._old), ("b", self._new)):
                self._find(table, names, query.search.lower())
            parts.append("(i IN (SELECT r FROM found_a) OR j IN (SELECT r FROM found_b))")
        return " AND ".join(parts)

    def _find(self, table: str, names: Sequence[str], text: str) -> None:
        """The rows of a table that hold a text. Of each only its number: there may be many."""
        cells = ", ".join(f"{self._called[table][name]}::VARCHAR" for name in names)
        where = f"contains(lower(concat_ws(chr(0), {cells})), ?)" if names else "? IS NULL"
        self._execute(
            f"CREATE OR REPLACE TABLE found_{table} AS "
            f"SELECT rowid AS r FROM {table} WHERE {where}",
            [text],
        )

    def _fetch(
        self, table: str, names: Sequence[str], rows: Sequence[int | None]
    ) -> dict[int, dict[str, Any]]:
        wanted = [row for row in rows if row is not None]
        if not wanted or not names:
            return {row: {} for row in wanted}
        found = self._all(
            f"SELECT rowid, {', '.join(self._called[table][n] for n in names)} FROM {table} "
            f"WHERE rowid IN ({', '.join(map(str, wanted))})"
        )
        parsed = _parsed if table in self._json else _as_is
        return {row[0]: dict(zip(names, map(parsed, row[1:]), strict=True)) for row in found}

    def _row(
        self, pair: Sequence[Any], old: Mapping[int, Any], new: Mapping[int, Any]
    ) -> RowChange:
        i, j, *masks = pair
        if i is None:
            return RowChange("added", None, j + 1, None, new[j])
        if j is None:
            return RowChange("removed", i + 1, None, old[i], None)
        changed = tuple(
            name
            for position, name in enumerate(self._shared)
            if masks[position // _MASK_BITS] >> position % _MASK_BITS & 1
        )
        return RowChange("changed", i + 1, j + 1, old[i], new[j], changed)

    def _execute(self, query: str, values: Sequence[Any] = ()) -> Any:
        try:
            return self._db.execute(query, list(values))
        except Exception as error:
            if "interrupt" in str(error).lower():  # what it makes of Ctrl-C
                raise KeyboardInterrupt from None
            raise

    def _one(self, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self._execute(query, values).fetchone() or ()
        return found

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._execute(query, values).fetchall()
        return found


@contextmanager
def _explained(file: str, what: str, kind: type[PivotError], path: str = "") -> Iterator[None]:
    """Errors of the database as ours, about `file`, which it read at `path`."""
    import duckdb

    def said(error: Exception) -> str:
        return _first(error).replace(path, file) if path else _first(error)

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise PivotError(f"it needs more than {MEMORY}: {said(error)}", where=Where(file)) from None
    except duckdb.IOException as error:
        raise PivotError(said(error), where=Where(file)) from None
    except duckdb.Error as error:
        raise kind(f"{what}: {said(error)}", where=Where(file)) from None


def _is_empty(path: str) -> bool:
    """Whether a JSON file has no rows; of large ones that is not asked."""
    with open(path, "rb") as stream:
        head = stream.read(256)
    return len(head) < 256 and not head.strip(b" \t\r\n[]\xef\xbb\xbf")


def _first(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


#: Types whose values lie in the database as texts already.
_WRITTEN_ALIKE = frozenset(
    ("empty", "integer", "number", "text", "boolean", "list", "object", "mixed")
)


def _text_type(has_values: bool | None, is_integer: bool | None, is_number: bool | None) -> str:
    if not has_values:
        return "empty"
    return "integer" if is_integer else "number" if is_number else "text"


def _json_type(kinds: Sequence[str | None] | None) -> str:
    names = {
        "BOOLEAN": "boolean",
        "BIGINT": "integer",
        "UBIGINT": "integer",
        "HUGEINT": "integer",
        "DOUBLE": "number",
        "VARCHAR": "text",
        "ARRAY": "list",
    }
    found = {names.get(kind, "object") for kind in kinds or () if kind not in (None, "NULL")}
    if found == {"integer", "number"}:
        return "number"
    return found.pop() if len(found) == 1 else "mixed" if found else "empty"


def _parsed(value: Any) -> Any:
    return json.loads(value) if value is not None else None


def _as_is(value: Any) -> Any:
    return value


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
