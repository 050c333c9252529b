"""Compares two tables that fit into memory."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from .formats import Table, format_of, read_table
from .model import (
    Comparison,
    Query,
    RowChange,
    Source,
    Summary,
    check_key,
    column_changes,
)


def compare_in_memory(old: Source, new: Source, key: Sequence[str]) -> Comparison:
    """The comparison of two CSV, TSV, JSON or JSONL files, rows matched by `key` (by position
    without). Raises NotATableError, and PivotError with file and line.
    """
    return _MemoryComparison(read_table(old), read_table(new), tuple(key), old, new)


class _MemoryComparison:
    def __init__(
        self, old: Table, new: Table, key: tuple[str, ...], before: Source, after: Source
    ) -> None:
        check_key(key, list(old.types), list(new.types), after.name)
        self.columns = (*new.types, *(name for name in old.types if name not in new.types))
        # JSON tells 1 from true and from 1.0; the texts of CSV are compared as they are
        is_text = {format_of(source.name) for source in (before, after)} <= {"csv", "tsv"}
        self._identity = str if is_text else _canonical
        shared = [name for name in new.types if name in old.types and name not in key]
        pairs, repeated = self._pairs(old.rows, new.rows, key)
        self._changes = sorted(
            filter(None, (self._change(i, j, old.rows, new.rows, shared) for i, j in pairs)),
            key=_place,
        )
        changed_in = {
            name: count
            for name in shared
            if (count := sum(name in change.columns for change in self._changes))
        }
        columns, is_reordered = column_changes(old.types, new.types)
        kinds = [change.kind for change in self._changes]
        self.summary = Summary(
            key=key,
            old_rows=len(old.rows),
            new_rows=len(new.rows),
            added=kinds.count("added"),
            removed=kinds.count("removed"),
            changed=kinds.count("changed"),
            columns=columns,
            changed_in=changed_in,
            repeated=repeated,
            is_reordered=is_reordered,
        )

    def count(self, query: Query) -> int:
        return len(self._selected(query))

    def rows(self, query: Query, offset: int, limit: int) -> Sequence[RowChange]:
        return self._selected(query)[offset : offset + limit]

    def close(self) -> None:
        pass

    def _selected(self, query: Query) -> list[RowChange]:
        wanted = query.search.lower()
        return [
            change
            for change in self._changes
            if change.kind in query.kinds
            and (query.column is None or query.column in change.columns)
            and (not wanted or _holds(change, wanted))
        ]

    def _pairs(
        self, old: list[dict[str, Any]], new: list[dict[str, Any]], key: tuple[str, ...]
    ) -> tuple[list[tuple[int | None, int | None]], int]:
        """Positions of rows that belong together, and how many keys are not unique."""
        if not key:
            length = max(len(old), len(new))
            return [
                (i if i < len(old) else None, i if i < len(new) else None) for i in range(length)
            ], 0
        places: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for position, row in enumerate(old):
            places[self._key(row, key)].append(position)
        repeated = {each for each, positions in places.items() if len(positions) > 1}
        taken: dict[tuple[Any, ...], int] = defaultdict(int)
        pairs: list[tuple[int | None, int | None]] = []
        for position, row in enumerate(new):
            each = self._key(row, key)
            nth = taken[each]
            taken[each] += 1
            if nth == 1:
                repeated.add(each)
            before = places.get(each, ())
            pairs.append((before[nth] if nth < len(before) else None, position))
        for each, positions in places.items():
            pairs += [(position, None) for position in positions[taken[each] :]]
        return pairs, len(repeated)

    def _key(self, row: Mapping[str, Any], key: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(self._identity(row[name]) for name in key)

    def _change(
        self,
        i: int | None,
        j: int | None,
        old: list[dict[str, Any]],
        new: list[dict[str, Any]],
        shared: Sequence[str],
    ) -> RowChange | None:
        if i is None:
            assert j is not None
            return RowChange("added", None, j + 1, None, new[j])
        if j is None:
            return RowChange("removed", i + 1, None, old[i], None)
        before, after = old[i], new[j]
        differ = tuple(
            name
            for name in shared
            if before[name] is not after[name]
            and self._identity(before[name]) != self._identity(after[name])
        )
        return RowChange("changed", i + 1, j + 1, before, after, differ) if differ else None


def _canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _place(change: RowChange) -> tuple[int, bool]:
    row = change.new_row if change.new_row is not None else change.old_row
    return row or 0, change.kind != "removed"


def _holds(change: RowChange, wanted: str) -> bool:
    sides = [side for side in (change.old, change.new) if side is not None]
    return any(wanted in text_of(value).lower() for side in sides for value in side.values())


def text_of(value: Any) -> str:
    """A cell as people see it."""
    if value is None:
        return ""
    if isinstance(value, (list, dict, bool)):
        return _canonical(value) if not isinstance(value, bool) else str(value).lower()
    return str(value)
