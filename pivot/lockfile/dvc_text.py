"""The text of a dvc.lock file: read as a whole, and changed entry by entry.

Entries that did not change keep their very text, comments included, and what a run costs does not
grow with the number of stages beside those that ran. A file in an unusual form (flow style,
anchors, other indents) is written anew as a whole, as DVC does it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ..config import load_yaml
from ..errors import ConfigError, Where, shown_value
from .dvc_entries import Entry
from .shapes import ENTRY, LOCK, Shape, misfit

_HEAD = "schema: '2.0'\nstages:\n"
#: A line that begins an entry: two blanks, then the name.
_ENTRY = re.compile(r"  (?![ #-])")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_@./+-]*\Z")


def parse_dvc_lock(data: bytes, file: str) -> dict[str, Entry]:
    """The entries of a dvc.lock by stage name. Raises ConfigError where it is none."""
    text = data.decode("utf-8", "replace")
    conflict = re.search(r"^<{7} ", text, re.MULTILINE)
    if conflict:
        raise ConfigError(
            "it has conflict markers",
            hint="take either side of each stage; `pivot status` then says what to run",
            where=Where(file, text.count("\n", 0, conflict.start()) + 1),
        )
    content = load_yaml(data, file)
    if not isinstance(content, Mapping):
        raise ConfigError(
            f"dvc.lock takes a mapping with 'schema' and 'stages', not {shown_value(content)}",
            hint="remove it; `pivot status` then says what to run",
            where=Where(file),
        )
    schema = content.get("schema")
    if schema != "2.0":
        said = "no schema, as before DVC 2.0" if schema is None else f"the schema {schema!r}"
        raise ConfigError(
            f"dvc.lock has {said}, which DVC does not read",
            hint="DVC writes schema '2.0'; remove it, and `pivot status` says what to run",
            where=Where(file),
        )
    _check(content, LOCK, "dvc.lock", file)
    stages: Mapping[str, Any] = content.get("stages", {})
    for name, entry in stages.items():
        if not isinstance(entry, Mapping) or "cmd" not in entry:
            raise ConfigError(
                f"the entry of '{name}' is not one of DVC's: it has no cmd", where=Where(file)
            )
        _check(entry, ENTRY, f"the entry of '{name}'", file)
    return {str(name): entry for name, entry in stages.items()}


def _check(item: Mapping[Any, Any], shape: Shape, place: str, file: str) -> None:
    found = misfit(item, shape)
    if found is not None:
        raise ConfigError(f"{found[1]} in {place}", hint=found[2], where=Where(file))


def edited(data: bytes | None, changes: Mapping[str, Entry | None], file: str) -> bytes | None:
    """The text of a dvc.lock after `changes` (None removes an entry); None where none are left."""
    before = parse_dvc_lock(data, file) if data else {}
    wanted = {name: entry for name, entry in before.items() if changes.get(name, entry) is not None}
    wanted.update({name: entry for name, entry in changes.items() if entry is not None})
    if not wanted:
        return None
    text = data.decode("utf-8") if data else _HEAD
    made: str | None = _spliced(text, changes) if data is None or before else None
    if made is None or not _says(made, wanted, file):
        made = _whole(data, changes)
    return made.encode()


def blocks(data: bytes) -> dict[str, str]:
    """The text of each entry, where the file has the form that DVC writes."""
    lines = data.decode("utf-8", "replace").splitlines(keepends=True)
    found = _blocks(lines) if "stages:\n" in lines else None
    if found is None:
        return {}
    return {name: "".join(block) for name, block in found[1] if name is not None}


def _blocks(
    lines: list[str],
) -> tuple[tuple[int, int], list[tuple[str | None, list[str]]]] | None:
    """Where the entries begin and end, and the lines of each (None: what stands before them)."""
    start = lines.index("stages:\n") + 1
    end = next(
        (i for i in range(start, len(lines)) if not lines[i].startswith((" ", "#", "\n"))),
        len(lines),
    )
    found: list[tuple[str | None, list[str]]] = [(None, [])]
    for line in lines[start:end]:
        if _ENTRY.match(line):
            title = line[2:].rstrip("\n")
            if not title.endswith(":") or not _PLAIN_NAME.match(title[:-1]):
                return None
            found.append((title[:-1], []))
        found[-1][1].append(line)
    return (start, end), found


def _says(text: str, wanted: Mapping[str, Entry], file: str) -> bool:
    try:
        found = parse_dvc_lock(text.encode(), file)
    except ConfigError:
        return False
    return repr(found) == repr(dict(wanted)) or bool(found == wanted)


def _spliced(text: str, changes: Mapping[str, Entry | None]) -> str | None:
    """`text` with the changed entries replaced in place, and new ones at the end of `stages`."""
    lines = text.splitlines(keepends=True)
    if "\r" in text or "stages:\n" not in lines or not text.endswith("\n"):
        return None
    found = _blocks(lines)
    if found is None:
        return None
    (start, end), entries = found
    known = {name for name, _ in entries}
    result: list[str] = []
    for name, block in entries:
        if name is None or name not in changes:
            result += block
        elif (entry := changes[name]) is not None:
            result.append(_block(name, entry))
    result += [
        _block(new, entry)
        for new, entry in changes.items()
        if new not in known and entry is not None
    ]
    return "".join([*lines[:start], *result, *lines[end:]])


def _block(name: str, entry: Entry) -> str:
    """One entry as DVC's writer sets it out."""
    stream = io.StringIO()
    _editor().dump({"stages": {name: _unshared(entry)}}, stream)
    return stream.getvalue().partition("\n")[2]


def _whole(data: bytes | None, changes: Mapping[str, Entry | None]) -> str:
    editor = _editor()
    document = editor.load(data.decode()) if data else None
    if not document:
        document = {"schema": "2.0"}
    stages = document.get("stages") or {}
    document["stages"] = stages
    for name, entry in changes.items():
        if entry is None:
            stages.pop(name, None)
        else:
            stages[name] = _unshared(entry)
    stream = io.StringIO()
    editor.dump(document, stream)
    return stream.getvalue()


def _editor() -> Any:
    from ruamel.yaml import YAML  # 60 ms to import; only a run that changed something writes

    editor = YAML()
    editor.default_flow_style = False
    return editor


def _unshared(value: Any) -> Any:
    """A copy of plain data in which nothing occurs twice, so that no anchors are written."""
    if isinstance(value, Mapping):
        return {key: _unshared(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unshared(item) for item in value]
    return value
