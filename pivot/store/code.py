"""Code tables: the definitions behind a code digest, for naming what changed since.

`code/<hex of the digest>.json`. A table explains a lock and decides nothing, so a missing or
broken one costs an explanation, never a result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping

from ..disk import explain, read_if_exists, write_atomic
from ..model import CodeManifest, Symbol
from ..values import dataclass, field

_FORMAT = 1
_MOST_SOURCES = 32


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
            table = {
                name: [symbol.hash, symbol.file, symbol.line, manifest.reached_by.get(name, "")]
                for name, symbol in manifest.symbols.items()
            }
            data = {
                "pivot_code": _FORMAT,
                "digest": manifest.digest,
                "symbols": table,
                "sources": [*sources, *earlier][:_MOST_SOURCES],
            }
            try:
                write_atomic(path, json.dumps(data, sort_keys=True).encode())
            except OSError as error:
                raise explain(error, "write the code table", path) from None
        self._written.add(mark)

    def _symbol(self, value: object, file: object, line: object) -> Symbol:
        """One object for each definition, however many tables name it."""
        key = (value, file, line)
        known = self._symbols.get(key)
        if known is None:
            known = self._symbols[key] = Symbol(str(value), str(file), int(str(line)))
        return known

    def unused(self, digests: Collection[str]) -> Iterator[tuple[str, str, int]]:
        """(digest, path, bytes) of the tables of other code digests than these."""
        wanted = {os.path.basename(self.path(digest)) for digest in digests}
        try:
            with os.scandir(self.folder) as entries:
                found = [e for e in entries if e.name.endswith(".json") and e.name not in wanted]
        except OSError:
            return
        for entry in found:
            name = f"xxh128:{entry.name.removesuffix('.json')}"
            yield name, entry.path, entry.stat(follow_symlinks=False).st_size

    def get(self, digest: str) -> CodeTable | None:
        """The table of a code digest; None where there is none that can be read."""
        try:
            data = read_if_exists(self.path(digest))
            if data is None:
                return None
            content = json.loads(data)
            if content["pivot_code"] != _FORMAT or content["digest"] != digest:
                return None
            symbols: dict[str, Symbol] = {}
            reached: dict[str, str] = {}
            for name, (value, file, line, by) in content["symbols"].items():
                symbols[name] = self._symbol(value, file, line)
                reached[name] = str(by)
            sources = tuple(
                {str(file): str(value) for file, value in source.items()}
                for source in content.get("sources", ())
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return CodeTable(symbols, reached, sources)
