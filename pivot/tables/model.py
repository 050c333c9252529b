"""What the comparison of two tables says, whichever way it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from ..errors import PivotError, did_you_mean
from ..values import dataclass, field

Kind = Literal["added", "removed", "changed"]
KINDS: tuple[Kind, ...] = ("added", "removed", "changed")
Format = Literal["csv", "tsv", "json", "jsonl", "parquet"]
FORMATS: Mapping[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One version of a file: its name as people know it, and its bytes, in memory or at `path`.

    `version` is what people call the version, such as a revision ('': there is only this one).
    """

    name: str
    data: bytes | None = None
    path: str | None = None
    size: int = 0
    version: str = ""

    def read(self) -> bytes:
        """All of it. Raises OSError where the file cannot be read."""
        if self.data is not None:
            return self.data
        assert self.path is not None  # one of the two is given
        with open(self.path, "rb") as stream:
            return stream.read()


@contextmanager
def reading(source: Source) -> Iterator[None]:
    """Have errors about what is in a file say which version of it that is."""
    try:
        yield
    except PivotError as error:
        version = f" (at {source.version})" if source.version else ""
        raise type(error)(
            f"{error.message}{version}",
            hint=error.hint,
            where=error.where,
            exit_code=error.exit_code,
        ) from None


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that one side lacks (`old` or `new` None), or whose type differs."""

    name: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How two tables differ, in numbers. `key` is empty where rows are compared by position.

    `repeated` counts the keys that several rows of one side share: those rows are matched in
    their order. `changed_in` maps columns to the number of rows in which they changed.
    """

    key: tuple[str, ...]
    old_rows: int
    new_rows: int
    added: int
    removed: int
    changed: int
    columns: tuple[ColumnChange, ...] = ()
    changed_in: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    is_reordered: bool = False  # the columns

    @property
    def unchanged(self) -> int:
        return self.new_rows - self.added - self.changed

    @property
    def differs(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.columns or self.is_reordered)


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that differs. Rows are counted from 1; `old` is None for an added one."""

    kind: Kind
    old_row: int | None
    new_row: int | None
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    columns: tuple[str, ...] = ()  # those that changed

    @property
    def values(self) -> Mapping[str, Any]:
        """The row as it is now, or was."""
        found = self.new if self.new is not None else self.old
        assert found is not None  # one side has the row
        return found


@dataclass(frozen=True, slots=True)
class Query:
    """Which changes to see: of these kinds, that changed in `column`, that hold `search`."""

    kinds: tuple[Kind, ...] = KINDS
    column: str | None = None
    search: str = ""


class Comparison(Protocol):
    """Two tables compared. Holds resources: close it."""

    @property
    def summary(self) -> Summary:
        """The numbers."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of both, those of the new one first."""

    def count(self, query: Query) -> int:
        """How many changes `query` selects."""

    def rows(self, query: Query, offset: int, limit: int) -> Sequence[RowChange]:
        """Some of them, in the order of the tables."""

    def close(self) -> None:
        """Let resources go."""


def check_key(key: Sequence[str], old: Sequence[str], new: Sequence[str], name: str) -> None:
    """Raise PivotError unless both sides of `name` have all columns of `key`, or none at all."""
    for column in key:
        for names, side in ((new, "new"), (old, "old")):
            if names and column not in names:
                listed = ", ".join(names)
                raise PivotError(
                    f"the {side} version of '{name}' has no column '{column}' to match rows by",
                    hint=did_you_mean(column, names) or f"it has {listed}",
                )


def column_changes(
    old: Mapping[str, str], new: Mapping[str, str]
) -> tuple[tuple[ColumnChange, ...], bool]:
    """(what differs between columns and their types, whether those of both are reordered)."""
    names = (*new, *(name for name in old if name not in new))
    changes = [
        ColumnChange(name, old.get(name), new.get(name))
        for name in names
        if _differs(name, old, new)
    ]
    shared = [name for name in old if name in new]
    return tuple(changes), shared != [name for name in new if name in old]


def _differs(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    if name not in old or name not in new:
        return True
    # a column without any value has no type that could differ from another
    return old[name] != new[name] and "empty" not in (old[name], new[name])
