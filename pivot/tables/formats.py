"""Reads small tables with the standard library, and says what the columns of any are called."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..errors import PivotError, Where
from ..values import dataclass
from .model import FORMATS, Format, Source, reading

INTEGER = r"[+-]?[0-9]+"
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|NaN|inf|Infinity)"
_INTEGER, _NUMBER = re.compile(INTEGER), re.compile(NUMBER)
DELIMITERS = {"csv": ",", "tsv": "\t"}
#: A header may be this long; what comes after is rows.
_HEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """A table in memory: the types of its columns, in order, and its rows."""

    types: dict[str, str]
    rows: list[dict[str, Any]]


class NotATableError(PivotError):
    """A file whose name promises a table and whose content is none, such as a JSON object."""


def format_of(name: str) -> Format | None:
    """The format that a file's name stands for; None for what is no table."""
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return FORMATS.get(f".{suffix.lower()}") if dot and stem else None


def read_table(source: Source) -> Table:
    """The table that `source` holds. Raises NotATableError, and PivotError with the line."""
    with reading(source):
        return _read(source)


def _read(source: Source) -> Table:
    kind = format_of(source.name)
    if kind in ("csv", "tsv"):
        return _separated(source, DELIMITERS[kind])
    rows = _json_rows(source) if kind == "json" else list(_json_lines(source))
    names = dict.fromkeys(name for row in rows for name in row)
    types = {name: _json_type(row.get(name) for row in rows) for name in names}
    return Table(types, [{name: row.get(name) for name in names} for row in rows])


def header_of(source: Source, delimiter: str) -> list[str]:
    """The names in the first line of a CSV file. Raises PivotError where two are the same."""
    if source.data is not None:
        head = source.data[:_HEAD]
    else:
        assert source.path is not None
        with open(source.path, "rb") as stream:
            head = stream.read(_HEAD)
    text = codecs.getincrementaldecoder("utf-8-sig")("replace").decode(head)
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    _check_names(names, source.name)
    return names


def _check_names(names: Sequence[str], file: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise PivotError(
                f"two columns are called '{name}'",
                hint="rows cannot be compared by name; give each column its own",
                where=Where(file, 1),
            )


def _separated(source: Source, delimiter: str) -> Table:
    text = _text(source)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    rows: list[dict[str, Any]] = []
    try:
        names = next(reader, [])
        _check_names(names, source.name)
        for cells in reader:
            if not cells and len(names) != 1:
                continue  # a blank line
            if len(cells or [""]) != len(names):
                raise PivotError(
                    f"a row of {len(cells)} cells below a header of {len(names)}",
                    where=Where(source.name, reader.line_num),
                )
            rows.append(dict(zip(names, cells or [""], strict=True)))
    except csv.Error as error:
        place = Where(source.name, reader.line_num)
        raise PivotError(f"not valid CSV: {error}", where=place) from None
    return Table({name: _text_type(row[name] for row in rows) for name in names}, rows)


def _json_rows(source: Source) -> list[dict[str, Any]]:
    try:
        value = json.loads(_text(source))
    except (ValueError, RecursionError) as error:
        where = Where(source.name, getattr(error, "lineno", 0))
        raise NotATableError(f"not valid JSON: {error}", where=where) from None
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise NotATableError("no list of objects", where=Where(source.name))
    return value


def _json_lines(source: Source) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_text(source).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            where = Where(source.name, number)
            raise NotATableError(f"not valid JSON: {error}", where=where) from None
        if not isinstance(row, dict):
            raise NotATableError("a line that is no object", where=Where(source.name, number))
        yield row


def _text(source: Source) -> str:
    try:
        return source.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotATableError(
            f"not UTF-8 text: byte {error.start}", where=Where(source.name)
        ) from None


def _text_type(values: Iterable[str]) -> str:
    found = "empty"
    for value in values:
        if value == "":
            continue
        if found in ("empty", "integer") and _INTEGER.fullmatch(value):
            found = "integer"
        elif _NUMBER.fullmatch(value):
            found = "number"
        else:
            return "text"
    return found


_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "text", list: "list"}


def _json_type(values: Iterable[Any]) -> str:
    kinds = {_JSON_TYPES.get(type(value), "object") for value in values if value is not None}
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty"
