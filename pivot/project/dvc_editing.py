"""Changing one option of a `.dvc/config` file and nothing else in it: comments and order stay."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ..disk import explain, read_if_exists, write_atomic
from .dvc_config import parse_dvc_config

_SECTION = re.compile(r"^\s*\[(.*)\]\s*$")


def remote_section(name: str) -> str:
    """How the section of a remote is called in the file."""
    return f"'remote \"{name}\"'"


def config_text(sections: Mapping[str, Mapping[str, str]]) -> bytes:
    """The text of a whole file with these sections."""
    lines: list[str] = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        lines += [f"    {option} = {_quoted(value)}" for option, value in options.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def edit_dvc_config(path: str, shown: str, section: str, changes: dict[str, str | None]) -> None:
    """Set options of a section; None takes one out, and an empty section goes with its last.

    Raises ConfigError where the file could not be read afterwards, StoreError where it cannot be
    written.
    """
    try:
        before = read_if_exists(path) or b""
    except OSError as error:
        raise explain(error, "read", shown) from None
    parse_dvc_config(before, shown, path)  # what is broken is not edited
    lines = before.decode("utf-8-sig").splitlines()
    for option, value in changes.items():
        lines = _with(lines, section, option, value)
    after = "".join(f"{line}\n" for line in lines).encode()
    parse_dvc_config(after, shown, path)
    if after == before:
        return
    try:
        target = os.path.realpath(path)
        mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o644
        if not before and path.endswith(".local"):
            mode = 0o600  # it may hold credentials
        write_atomic(target, after, mode=mode)
    except OSError as error:
        raise explain(error, "write", shown) from None


def _with(lines: list[str], section: str, option: str, value: str | None) -> list[str]:
    begin, end = _bounds(lines, section)
    if begin < 0:
        if value is None:
            return lines
        return [*lines, f"[{section}]", f"    {option} = {_quoted(value)}"]
    for at in range(begin + 1, end):
        name, equals, _ = lines[at].partition("=")
        if equals and name.strip().lower() == option:
            kept = [] if value is None else [f"{name.rstrip()} = {_quoted(value)}"]
            lines = [*lines[:at], *kept, *lines[at + 1 :]]
            break
    else:
        if value is None:
            return lines
        last = max((at for at in range(begin, end) if lines[at].strip()), default=begin)
        return [*lines[: last + 1], f"    {option} = {_quoted(value)}", *lines[last + 1 :]]
    begin, end = _bounds(lines, section)
    is_empty = all(not line.strip() for line in lines[begin + 1 : end])
    return [*lines[:begin], *lines[end:]] if is_empty else lines


def _bounds(lines: list[str], section: str) -> tuple[int, int]:
    """The lines of a section: its head, and the first that is not its own; -1 without one."""
    begin = -1
    for at, line in enumerate(lines):
        found = _SECTION.match(line)
        if found is None or line.lstrip().startswith("#"):
            continue
        if begin >= 0:
            return begin, at
        if _plain(found[1]).lower() == _plain(section).lower():
            begin = at
    return begin, len(lines)


def _plain(section: str) -> str:
    text = section.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    kind, _, name = text.partition(" ")
    return f"{kind} {name.strip().strip(chr(34) + chr(39))}".strip()


def _quoted(value: str) -> str:
    needs = "#" in value or "," in value or value != value.strip() or value[:1] in ("'", '"')
    if not needs:
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
