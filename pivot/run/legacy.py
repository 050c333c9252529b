"""Stored data that DVC named before version 3, by the hash of today."""

from __future__ import annotations

from ..digest import Digest, hash_file
from ..manifest import make_manifest, tree_digest
from ..store import LocalCache


def named_today(cache: LocalCache, digest: Digest, algorithm: str) -> Digest | None:
    """The digest under which the bytes would be stored now; None where they are not stored."""
    if cache.missing(digest):
        return None
    if not digest.is_tree:
        return hash_file(algorithm, cache.path(digest))
    entries = cache.manifest(digest).entries
    files = [(entry.path, hash_file(algorithm, cache.path(entry.digest))) for entry in entries]
    return tree_digest(algorithm, make_manifest(files))
