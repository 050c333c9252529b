"""Parses the files that plots read."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from ..config import load_params_file
from ..errors import PivotError

IMAGES = (".jpg", ".jpeg", ".gif", ".png", ".svg")
_TABLES = {".csv": ",", ".tsv": "\t"}
_VALUES = (".json", ".yaml", ".yml", ".toml", ".py")


def is_image(path: str) -> bool:
    """Whether a plot of that name is shown as a picture."""
    return _suffix(path) in IMAGES


def parse(data: bytes, path: str, *, header: bool = True) -> Any:
    """What a file holds: rows of texts for CSV and TSV, values for the others.

    Without `header` the columns are called "0", "1", ... Raises PivotError.
    """
    suffix = _suffix(path)
    if suffix in _TABLES:
        return _table(_decoded(data, path), _TABLES[suffix], header=header)
    if suffix == ".jsonl":
        return _lines(_decoded(data, path), path)
    if suffix in _VALUES:
        return load_params_file(data, path)
    raise PivotError(
        f"'{path}' cannot be plotted",
        hint="plots read JSON, JSONL, YAML, TOML, CSV and TSV, and show "
        + ", ".join(suffix.removeprefix(".") for suffix in IMAGES),
    )


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[name.rindex(".") :] if "." in name.lstrip(".") else ""


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PivotError(f"'{path}' is not UTF-8 text: byte {error.start}") from None


def _table(text: str, delimiter: str, *, header: bool) -> list[dict[str, Any]]:
    try:
        if header:
            return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
        first = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
        names = [str(position) for position in range(len(first))]
        return list(csv.DictReader(io.StringIO(text), delimiter=delimiter, fieldnames=names))
    except csv.Error as error:
        raise PivotError(f"not valid CSV: {error}") from None


def _lines(text: str, path: str) -> list[Any]:
    rows: list[Any] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise PivotError(f"{path}:{number}: not valid JSON: {error}") from None
    return rows
