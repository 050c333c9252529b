"""Code tables: the definitions behind a code digest, for naming what changed since.

`code/<hex of the digest>.json`. What the definitions of a module are like is the same in the
tables of all stages that use them: tables name such parts, which lie in `code/parts/<hash>.json`.
A table explains a lock and decides nothing, so a missing or broken one costs an explanation,
never a result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import xxhash

from ..disk import explain, read_if_exists, write_atomic
from ..model import CodeManifest, Symbol
from ..values import dataclass, field

_FORMAT = 2
_MOST_SOURCES = 32
#: Definitions of one module that are worth a part of their own.
_PART = 16

#: Definitions, and which one first led to each.
_Part = tuple[dict[str, Symbol], dict[str, str]]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """What a code digest was made from: each definition, and which one first led to it.

    `sources` are sets of files, with hashes of their bytes, that gave the digest: equal code may
    lie in several places, and comments do not count.
    """

    symbols: Mapping[str, Symbol]
    reached_by: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Mapping[str, str], ...] = ()


class CodeTables:
    """The tables below `<cache>/code`."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        self._written: set[tuple[str, str]] = set()
        self._symbols: dict[tuple[object, object, object], Symbol] = {}
        self._parts: dict[str, _Part] = {}  # read
        self._names: dict[tuple[Any, ...], str] = {}  # of parts that were written
        self._held: list[object] = []

    def path(self, digest: str) -> str:
        """Where the table of a code digest (`xxh128:...`) lies."""
        return f"{self.folder}/{digest.rpartition(':')[2]}.json"

    def put(self, manifest: CodeManifest, files: Mapping[str, str] | None = None) -> None:
        """Keep the table of `manifest`, and that it was made from `files`. Raises StoreError."""
        sources = [] if files is None else [dict(files)]
        mark = (manifest.digest, repr(sources))
        if mark in self._written:
            return
        path = self.path(manifest.digest)
        known = self.get(manifest.digest) if os.path.exists(path) else None
        if known is None or any(source not in known.sources for source in sources):
            earlier = known.sources if known is not None else ()
            try:
                own, parts = self._divided(manifest)
                data = {
                    "pivot_code": _FORMAT,
                    "digest": manifest.digest,
                    "symbols": own,
                    "parts": parts,
                    "sources": [*sources, *earlier][:_MOST_SOURCES],
                }
                write_atomic(path, json.dumps(data, sort_keys=True).encode())
            except OSError as error:
                raise explain(error, "write the code table", path) from None
        self._written.add(mark)

    def _divided(self, manifest: CodeManifest) -> tuple[dict[str, list[Any]], list[str]]:
        """The definitions of a table that are its own, and the names of its parts, written.

        To a part belong the definitions of a module that others of it lead to.
        """
        own: dict[str, list[Any]] = {}
        groups: dict[str, list[tuple[str, Symbol, str]]] = {}
        reached_by = dict(manifest.reached_by.items())  # slow to look into
        for name, symbol in manifest.symbols.items():
            by = reached_by.get(name, "")
            module = name.partition(":")[0]
            if by.partition(":")[0] == module:
                groups.setdefault(module, []).append((name, symbol, by))
            else:
                own[name] = [symbol.hash, symbol.file, symbol.line, by]
        parts: list[str] = []
        for group in groups.values():
            if len(group) >= _PART:
                parts.append(self._part(group))
            else:
                own.update((n, [s.hash, s.file, s.line, by]) for n, s, by in group)
        return own, sorted(parts)

    def _part(self, group: list[tuple[str, Symbol, str]]) -> str:
        """The name of a part, which is written if need be. Raises OSError."""
        key = tuple([(name, id(symbol), by) for name, symbol, by in group])
        known = self._names.get(key)
        if known is None:
            self._held.append(group)  # no id of these may come to mean another
            symbols = {name: [item.hash, item.file, item.line, by] for name, item, by in group}
            data = json.dumps({"symbols": symbols}, sort_keys=True).encode()
            known = part_name(data)
            path = part_path(self.folder, known)
            if not os.path.exists(path):
                write_atomic(path, data)
            self._names[key] = known
        return known

    def _symbol(self, value: object, file: object, line: object) -> Symbol:
        """One object for each definition, however many tables name it."""
        key = (value, file, line)
        known = self._symbols.get(key)
        if known is None:
            known = self._symbols[key] = Symbol(str(value), str(file), int(str(line)))
        return known

    def unused(self, digests: Collection[str]) -> Iterator[tuple[str, str, int]]:
        """(digest, path, bytes) of the tables of other code digests than these, and their parts."""
        paths = {self.path(digest) for digest in digests}
        paths.update(part_path(self.folder, name) for path in list(paths) for name in _named(path))
        for folder in (self.folder, f"{self.folder}/parts"):
            try:
                with os.scandir(folder) as entries:
                    found = [
                        (entry.name, f"{folder}/{entry.name}", entry.stat(follow_symlinks=False))
                        for entry in entries
                        if entry.name.endswith(".json")
                    ]
            except OSError:
                continue
            for name, path, status in found:
                if path not in paths:
                    yield f"xxh128:{name.removesuffix('.json')}", path, status.st_size

    def get(self, digest: str) -> CodeTable | None:
        """The table of a code digest; None where there is none that can be read whole."""
        try:
            data = read_if_exists(self.path(digest))
            if data is None:
                return None
            content = json.loads(data)
            if content["pivot_code"] != _FORMAT or content["digest"] != digest:
                return None
            symbols, reached = self._entries(content["symbols"])
            for name in _parts(content):
                part = self._read_part(name)
                symbols.update(part[0])
                reached.update(part[1])
            sources = tuple(
                {str(file): str(value) for file, value in source.items()}
                for source in content.get("sources", ())
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return CodeTable(symbols, reached, sources)

    def _entries(self, table: Any) -> _Part:
        symbols: dict[str, Symbol] = {}
        reached: dict[str, str] = {}
        for name, (value, file, line, by) in table.items():
            symbols[name] = self._symbol(value, file, line)
            reached[name] = str(by)
        return symbols, reached

    def _read_part(self, name: str) -> _Part:
        """Raises ValueError and the like for a part that is gone or damaged."""
        known = self._parts.get(name)
        if known is None:
            data = read_if_exists(part_path(self.folder, name)) or b""
            if part_name(data) != name:
                raise ValueError(f"part {name} is damaged")
            known = self._parts[name] = self._entries(json.loads(data)["symbols"])
        return known


def part_name(data: bytes) -> str:
    """What a part of a table is called: the hash of its bytes."""
    return xxhash.xxh3_128_hexdigest(data)


def part_path(folder: str, name: str) -> str:
    """Where a part lies below the folder of tables."""
    return f"{folder}/parts/{name}.json"


def parts_of(data: bytes) -> list[str]:
    """The parts that the bytes of a table name. Raises ValueError and the like for others."""
    return _parts(json.loads(data))


def _named(path: str) -> list[str]:
    """The parts that the table at a path names; none where there is none."""
    try:
        return parts_of(read_if_exists(path) or b"")
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _parts(content: Any) -> list[str]:
    names = content["parts"]
    if not all(isinstance(name, str) and len(name) == 32 and name.isalnum() for name in names):
        raise ValueError("not the name of a part")
    return list(names)
