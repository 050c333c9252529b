"""Printing: results on stdout, progress on stderr, colours only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

_CODES = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "bold": "1",
    "dim": "2",
}


def has_colours(stream: Any) -> bool:
    """Whether `stream` is a terminal that wants colours (NO_COLOR and TERM=dumb say no)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(stream.isatty())


def styled(text: str, style: str, stream: Any = None) -> str:
    """`text` in a style, where the stream (stderr by default) shows it."""
    if not has_colours(stream or sys.stderr):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """A result, on stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Progress or a remark, on stderr."""
    sys.stderr.write(text + "\n")


def say_json(data: Any, *, indent: int | None = 2) -> None:
    """A result for programs, on stdout: JSON with dates as ISO texts."""
    say(json.dumps(data, indent=indent, default=plain, ensure_ascii=False))


def plain(value: Any) -> Any:
    """What JSON writes for a value that it has no form for."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    return str(value)


def say_table(rows: Sequence[Sequence[Any]], headers: Sequence[str], *, markdown: bool) -> None:
    """A table for people: plain columns, or Markdown."""
    from tabulate import tabulate  # 21 ms to import; only tables need it

    style = "github" if markdown else "plain"
    if markdown:
        rows = [[_in_cell(cell) for cell in row] for row in rows]
    say(tabulate(rows, headers=headers, tablefmt=style, disable_numparse=True))


def _in_cell(value: Any) -> str:
    """A text as it stands in one cell of a Markdown table."""
    return str(value).replace("|", "\\|").replace("\n", "<br>")


def counted(count: int, what: str) -> str:
    """A number of things: `1 stage`, `2 stages`."""
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def seconds_text(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def value_text(value: Any) -> str:
    """A parameter value or a short hash as a reason shows it."""
    if value is None:
        return "(none)"
    if isinstance(value, str):
        return value
    return json.dumps(value, default=plain, ensure_ascii=False)
