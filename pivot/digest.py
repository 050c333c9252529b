"""Digests: hash algorithms by name, hashing of files, and the canonical encoding of values.

Everything hashed is tagged and canonical, so equal digests mean equal meaning: `1`, `1.0` and
`True` differ, mapping order does not count, and the tag keeps one use from colliding with another.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

import xxhash

from .values import dataclass, field

#: Read size for hashing; xxh3 reaches twice the speed of 256 KiB reads with it (docs, limits).
BUFFER_BYTES = 4 * 1024 * 1024

OBJECT_ALGORITHMS = ("blake3", "xxh128", "sha256", "md5")


class Hasher(Protocol):
    """What every hash algorithm offers (hashlib's shape)."""

    def update(self, data: Any, /) -> Any: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Digest:
    """The identity of some bytes: one file, or a directory by its manifest (`kind` 'tree').

    `size` is in bytes (all files of a directory together; None where an old lock does not say),
    `files` the number of files of a directory. Only algorithm, value and kind decide equality.
    """

    algorithm: str
    value: str
    kind: Literal["file", "tree"] = "file"
    size: int | None = field(default=None, compare=False)
    files: int | None = field(default=None, compare=False)
    executable: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"

    @property
    def short(self) -> str:
        """The first eight hex digits, for people."""
        return self.value[:8]

    @property
    def is_tree(self) -> bool:
        return self.kind == "tree"


def parse_digest(
    text: str,
    *,
    size: int | None = None,
    files: int | None = None,
    executable: bool = False,
) -> Digest:
    """The digest written as `algorithm:hex`; one with a number of files is a directory's.

    Raises ValueError where the text is not of that form.
    """
    algorithm, colon, value = text.partition(":")
    if not colon or not value or not algorithm or not _HEX.issuperset(value):
        raise ValueError(f"not a digest: {text!r}")
    kind: Literal["file", "tree"] = "file" if files is None else "tree"
    return Digest(algorithm, value, kind, size, files, executable)


_HEX = frozenset("0123456789abcdef")


def new_hasher(algorithm: str) -> Hasher:
    """A fresh hasher. Raises ValueError for a name that is not an object algorithm."""
    if algorithm == "xxh128":
        return xxhash.xxh3_128()
    if algorithm == "blake3":
        # 3 ms to import; only runs that hash objects need it
        import blake3

        hasher: Hasher = blake3.blake3()
        return hasher
    if algorithm in ("md5", "sha256"):
        import hashlib  # 4 ms to import; only DVC projects and `core.hash` need it

        # not a security use: md5 is DVC's object name
        made: Hasher = hashlib.new(algorithm, usedforsecurity=False)
        return made
    if algorithm == "md5-dos2unix":
        return _FoldingHasher()
    raise ValueError(f"unknown hash algorithm: {algorithm!r}")


class _FoldingHasher:
    """md5 as DVC made it before version 3: CRLF of text counts as LF.

    What is text is guessed for each MiB by itself, from its first bytes, and a CRLF across two of
    them stays; all this is part of the names of old objects.
    """

    _TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"

    def __init__(self) -> None:
        self._hasher = new_hasher("md5")
        self._rest = bytearray()

    def update(self, data: Any, /) -> None:
        self._rest += data
        while len(self._rest) >= 1 << 20:
            self._hasher.update(self._folded(bytes(self._rest[: 1 << 20])))
            del self._rest[: 1 << 20]

    def hexdigest(self) -> str:
        if self._rest:
            self._hasher.update(self._folded(bytes(self._rest)))
            self._rest.clear()
        return self._hasher.hexdigest()

    def _folded(self, chunk: bytes) -> bytes:
        head = chunk[:512]
        others = len(head.translate(None, self._TEXT))
        is_text = b"\0" not in head and others <= 0.3 * len(head)
        return chunk.replace(b"\r\n", b"\n") if is_text else chunk


def hash_bytes(algorithm: str, data: bytes) -> Digest:
    """The digest of `data` as one file."""
    hasher = new_hasher(algorithm)
    hasher.update(data)
    return Digest(algorithm, hasher.hexdigest(), "file", len(data))


def hash_descriptor(
    algorithm: str,
    descriptor: int,
    *,
    tee: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Digest:
    """Hash an open file from its position to its end, once.

    With `tee`, every byte is also written to that descriptor in the same pass. `progress` is
    called with the number of bytes of each read. Raises OSError as reading and writing do.
    """
    hasher = new_hasher(algorithm)
    size = 0
    status = os.fstat(descriptor)
    buffer = bytearray(max(1, min(BUFFER_BYTES, status.st_size + 1)))
    view = memoryview(buffer)
    while True:
        count = os.readv(descriptor, [buffer])
        if not count:
            break
        chunk = view[:count]
        hasher.update(chunk)
        if tee is not None:
            written = 0
            while written < count:
                written += os.write(tee, chunk[written:])
        size += count
        if progress is not None:
            progress(count)
    executable = bool(status.st_mode & 0o100)
    return Digest(algorithm, hasher.hexdigest(), "file", size, None, executable)


def hash_file(
    algorithm: str, path: str, *, progress: Callable[[int], None] | None = None
) -> Digest:
    """The digest of the file at `path`. Raises OSError where it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return hash_descriptor(algorithm, descriptor, progress=progress)
    finally:
        os.close(descriptor)


def canonical(value: Any) -> str:
    """The one text of a value made of mappings, sequences, sets and scalars.

    Two values have the same text exactly where they are of the same types and content: numbers
    by `repr` (so `1`, `1.0` and `True` differ, NaN equals NaN), strings by length, mappings and
    sets by sorted content; lists and tuples are one type. Raises TypeError for other types.
    """
    out: list[str] = []
    _encode(value, out.append)
    return "".join(out)


def _encode(value: Any, put: Callable[[str], None]) -> None:
    kind = type(value)
    if kind is str:
        put(f"s{len(value)}:{value}")
    elif value is None:
        put("n;")
    elif kind is bool:
        put("t;" if value else "f;")
    elif kind is int:
        put(f"i{value};")
    elif kind is float:
        put(f"d{value!r};")
    elif isinstance(value, Mapping):
        entries = [(canonical(key), item) for key, item in value.items()]
        put("{")
        for text, item in sorted(entries, key=lambda entry: entry[0]):
            put(text)
            _encode(item, put)
        put("}")
    elif isinstance(value, (list, tuple)):
        put("[")
        for item in value:
            _encode(item, put)
        put("]")
    else:
        put(_encode_rare(value))


def _encode_rare(value: Any) -> str:
    if isinstance(value, bytes):
        return f"b{value.hex()};"
    if isinstance(value, (set, frozenset)):
        return "<" + "".join(sorted(canonical(item) for item in value)) + ">"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"@{type(value).__name__}:{value.isoformat()};"
    if isinstance(value, Digest):
        return f"#{value.kind}:{value};"
    if isinstance(value, (str, int, float, complex)):
        return f"x{type(value).__qualname__}:{value!r};"
    raise TypeError(f"a value of type {type(value).__name__} has no canonical form")


def fingerprint(tag: str, *parts: Any) -> str:
    """`xxh128:...` of the tagged canonical form of `parts`. The tag names use and version."""
    text = canonical([tag, *parts])
    return "xxh128:" + xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))
