"""Bytes of a Python file -> its syntax tree, or a SourceError that says what to do."""

from __future__ import annotations

import ast
import gc
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import SourceError, Where

# patterns, which only a file that cannot be parsed is held against: 2 ms to compile
_NEWER: tuple[tuple[tuple[int, int], str, str], ...] = (
    ((3, 14), r"^\s*except\s*\*?\s*[\w.]+\s*,\s*[\w.]+", "except without parentheses"),
    ((3, 14), r"(?<![\w.])[tT][rR]?[\"']|(?<![\w.])[rR][tT][\"']", "template strings"),
    (
        (3, 13),
        r"^\s*(?:async\s+def|def|class|type)\s+\w+\s*\[[^\]]*\w\s*=\s*",
        "type parameter defaults",
    ),
    ((3, 12), r"^\s*type\s+\w+\s*(?:\[.*\])?\s*=", "the type statement"),
    ((3, 12), r"^\s*(?:async\s+def|def|class)\s+\w+\s*\[", "type parameters"),
)


#: What 3.11 says of f-strings that 3.12 allows.
_RELAXED = ("cannot include", "expressions nested too deeply")
_NESTED_QUOTES = r"(?<!\w)(?:[fF][rR]?|[rR][fF])([\"'])(?:(?!\1).)*\{(?:(?!\1)[^}])*\1[^}]*\}"


def parse(data: bytes, file: str) -> ast.Module:
    """The syntax tree of a file's bytes (byte order mark and coding cookie honoured).

    Raises SourceError with file and line for anything the interpreter would refuse.
    """
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise SourceError("source code cannot contain null bytes", where=Where(file, line))
    try:
        with _quiet():
            return ast.parse(data, file)
    except SyntaxError as error:
        raise _refused(error, data, file) from None
    except (RecursionError, MemoryError):
        raise SourceError(
            "this code is nested too deeply for the interpreter to read",
            where=Where(file, _too_deep_line(data)),
            hint="build the value in a loop, or read it from a data file",
        ) from None
    except ValueError as error:
        raise SourceError(str(error), where=Where(file, 1)) from None


def parse_expression(text: str) -> ast.expr | None:
    """The expression that `text` (a string annotation) holds, or None where it holds none."""
    try:
        with _quiet():
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection inside: trees are acyclic, and walking them all triples the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _quiet() -> Iterator[None]:
    # an invalid escape in user code warns on stderr; that is the user's linter's business
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refused(error: SyntaxError, data: bytes, file: str) -> SourceError:
    line = error.lineno or 1
    message = error.msg or "invalid syntax"
    text = error.text or _line_of(data, line)
    needed = _needs_version(text, message)
    if needed:
        running = "{}.{}".format(*sys.version_info[:2])
        what, version = needed
        return SourceError(
            f"{what}: syntax of Python {version}, and this is Python {running}",
            where=Where(file, line, max(error.offset or 0, 0)),
            hint=f"run Pivot with Python {version} or later, or write it in {running}'s syntax",
        )
    return SourceError(
        f"syntax error: {message}", where=Where(file, line, max(error.offset or 0, 0))
    )


def _needs_version(text: str, message: str) -> tuple[str, str] | None:
    running = sys.version_info[:2]
    for version, pattern, what in _NEWER:
        if running < version and re.search(pattern, text):
            return what, "{}.{}".format(*version)
    if running < (3, 12) and (
        re.search(_NESTED_QUOTES, text) or any(words in message for words in _RELAXED)
    ):
        return "quotes, backslashes or comments within the braces of an f-string", "3.12"
    return None


def _line_of(data: bytes, number: int) -> str:
    lines = data.splitlines()
    return lines[number - 1].decode("utf-8", "replace") if 0 < number <= len(lines) else ""


def _too_deep_line(data: bytes) -> int:
    """The first line of the top-level statement that is nested too deeply."""
    lines = data.splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if line.strip() and line[:1] not in b" \t#)]}"]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        try:
            with _quiet():
                ast.parse(b"".join(lines[start:end]))
        except (RecursionError, MemoryError):
            return start + 1
        except (SyntaxError, ValueError):
            continue
    return 1
