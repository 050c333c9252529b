"""Where the lock of each stage lies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import xxhash

stages_folder = ".pivot/stages"

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-")
_IS_PLAIN = re.compile(r"[A-Za-z0-9._@-]+").fullmatch
_LONGEST = 200  # bytes; file systems allow 255, and temporary names need some of it
_KEPT = 100


def lock_paths(names: Iterable[str]) -> dict[str, str]:
    """The lock path of each stage name, project-relative: `.pivot/stages/<folder>/<name>.lock`.

    Names that are too long, or that differ only in case (one file on some file systems), keep a
    readable prefix and get a hash.
    """
    plain = {name: _plain_path(name) for name in names}
    folded = Counter(path.lower() for path in plain.values())
    paths = {}
    for name, path in plain.items():
        folder, _, last = path.rpartition("/")
        if len(last) > _LONGEST or folded[path.lower()] > 1:
            last = f"{last[:_KEPT]}-{xxhash.xxh3_64_hexdigest(name.encode())}"
            path = f"{folder}/{last}"
        paths[name] = path + ".lock"
    return paths


def _plain_path(name: str) -> str:
    file, colon, short = name.rpartition(":")
    folder = stages_folder
    if colon:
        for part in file.split("/")[:-1]:
            folder += "/" + _encode(part)
    return f"{folder}/{_encode(short)}"


def _encode(part: str) -> str:
    if _IS_PLAIN(part) and part not in (".", ".."):
        return part
    encoded = "".join(
        chr(byte) if byte in _PLAIN else f"%{byte:02X}"
        for byte in part.encode("utf-8", "surrogatepass")
    )
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded
