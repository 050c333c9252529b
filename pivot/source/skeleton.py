"""What of a module's text can decide what it declares: all but the bodies of functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import xxhash

from ..errors import SourceError
from .parsing import collector_off, parse

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=]|^\xef\xbb\xbf")

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def skeleton(data: bytes, file: str) -> str:
    """A digest of a module's text without the bodies of its functions and methods.

    Where it is unchanged, so are signatures, classes and constants. Of a file that cannot be read
    as Python it is the digest of all bytes.
    """
    try:
        with collector_off():
            tree = parse(data, file)
    except SourceError:
        return xxhash.xxh3_128_hexdigest(data)
    return skeleton_of(data, tree)


def skeleton_of(data: bytes, tree: ast.Module) -> str:
    """As `skeleton`, of a text that was parsed."""
    lines = data.splitlines(keepends=True)
    if any(_CODING.match(line) for line in lines[:2]):
        return xxhash.xxh3_128_hexdigest(data)  # columns are those of another text
    hashed = xxhash.xxh3_128()
    line, column = 0, 0
    for first, start, last, end in _bodies(tree.body):
        _add(hashed, lines, (line, column), (first, start))
        line, column = last, end
    _add(hashed, lines, (line, column), (len(lines), 0))
    return hashed.hexdigest()


def _bodies(statements: list[ast.stmt]) -> Iterator[tuple[int, int, int, int]]:
    """(line, column, end line, end column) of function bodies, lines from 0, in order."""
    for statement in statements:
        if isinstance(statement, _FUNCTIONS):
            first, last = statement.body[0], statement.body[-1]
            assert last.end_lineno is not None
            assert last.end_col_offset is not None
            yield first.lineno - 1, first.col_offset, last.end_lineno - 1, last.end_col_offset
            continue
        for name in ("body", "handlers", "orelse", "finalbody"):
            inner = getattr(statement, name, None)
            if isinstance(inner, list):
                yield from _bodies(inner)


def _add(
    hashed: xxhash.xxh3_128, lines: list[bytes], begin: tuple[int, int], end: tuple[int, int]
) -> None:
    if begin[0] == end[0]:
        if begin[0] < len(lines):
            hashed.update(lines[begin[0]][begin[1] : end[1]])
        return
    hashed.update(lines[begin[0]][begin[1] :])
    for line in lines[begin[0] + 1 : end[0]]:
        hashed.update(line)
    if end[0] < len(lines):
        hashed.update(lines[end[0]][: end[1]])
