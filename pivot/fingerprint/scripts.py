"""Scripts in other languages: what of their text counts, and which files they name."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_BLANK = re.compile(r"[ \t\r\f]+")


def _without(text: str, pattern: re.Pattern[str]) -> str:
    """`text` without comments: `pattern` matches comments in group 'comment', else a string."""
    return pattern.sub(lambda found: " " if found.group("comment") else found.group(), text)


def _lines(text: str) -> str:
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line.strip())


_STRINGS = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_R = re.compile(rf"(?P<comment>#[^\n]*)|{_STRINGS}|`[^`]*`", re.DOTALL)
_SQL = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)|'(?:''|[^'])*'|\"(?:\"\"|[^\"])*\"|(\$\w*\$).*?\2", re.DOTALL
)
_SHELL = re.compile(
    r"(?P<comment>(?:(?<=\s)|(?<=[;&|(])|^)#[^\n]*)|\\.|\"(?:\\.|[^\"\\])*\"|'[^']*'"
    r"|<<-?\s*(?P<q>['\"]?)(?P<end>\w+)(?P=q).*?\n\s*(?P=end)(?=\n|$)",
    re.DOTALL | re.MULTILINE,
)


def shell_text(text: str) -> str:
    """A shell script without comments (its `#!` line stays: it chooses the interpreter)."""
    head, newline, rest = text.partition("\n") if text.startswith("#!") else ("", "", text)
    return head + newline + _lines(_without(rest, _SHELL))


def r_text(text: str) -> str:
    """An R script without comments and with blanks made alike."""
    return _lines(_without(text, _R))


def sql_text(text: str) -> str:
    """A query without comments; blanks and line breaks outside strings are alike."""
    bare = _without(text, _SQL)
    parts = re.split(r"('(?:''|[^'])*'|\"(?:\"\"|[^\"])*\")", bare)
    return "".join(
        part if place % 2 else re.sub(r"\s+", " ", part) for place, part in enumerate(parts)
    ).strip()


_SOURCE = re.compile(r"\b(?:sys\.)?source\s*\(\s*(?:file\s*=\s*)?(?P<argument>[^\n]*)")
_LITERAL = re.compile(r"[\"']([^\"']*)[\"']")
_JOINED = re.compile(r"(?:file\.path|(?:here::)?here)\s*\(([^()]*)\)")


def r_sources(text: str) -> list[str]:
    """The files that `source("...")` names in an R script, paths joined by literals included."""
    found = []
    for match in _SOURCE.finditer(_without(text, _R)):
        argument = match.group("argument")
        joined = _JOINED.match(argument)
        literal = _LITERAL.match(argument)
        if joined:
            found.append("/".join(_LITERAL.findall(joined.group(1))))
        elif literal:
            found.append(literal.group(1))
    return found


class Notebook(NamedTuple):
    """The code cells of a notebook: Python code without magics, and the rest that counts."""

    python: str | None  # None where the cells are in another language
    rest: str


def notebook(data: bytes) -> Notebook | None:
    """What of a notebook counts: its code cells, not outputs or text. None if it is broken."""
    try:
        content = json.loads(data)
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        texts = [
            source if isinstance(source := cell["source"], str) else "".join(source)
            for cell in cells
        ]
        kernel = content.get("metadata", {})
        language = kernel.get("kernelspec", {}).get("language") or kernel.get(
            "language_info", {}
        ).get("name")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if language not in (None, "python"):
        return Notebook(None, "\n\n".join(texts))
    code, magics = [], []
    for text in texts:
        if text.lstrip().startswith("%%"):
            magics.append(text)
            continue
        for line in text.splitlines():
            if line.lstrip().startswith(("%", "!", "?")):
                magics.append(line)
                code.append(line[: len(line) - len(line.lstrip())] + "pass")
            else:
                code.append(line)
    return Notebook("\n".join(code) + "\n", "\n".join(magics))
