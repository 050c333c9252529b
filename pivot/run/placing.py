"""Puts stored outputs into the work tree, and tells the observer what lies there now."""

from __future__ import annotations

from collections.abc import Callable

from ..digest import Digest
from ..model import Out
from .workspace import Workspace


def place(
    space: Workspace, out: Out, digest: Digest, *, progress: Callable[[int], None] | None = None
) -> None:
    """Make `out` what `digest` names, linked as `cache.link` says; its files that are right stay.

    Outs that stages change in place are always independent copies. Raises StoreError where
    objects are missing; the out then stays as it was.
    """
    linked = not is_changed_in_place(out)
    present = space.observer.manifest(out.path) if digest.is_tree else None
    space.cache.materialize(
        digest,
        space.absolute(out.path),
        link=None if linked else "copy",
        writable=not linked,
        progress=progress,
        present=present,
    )
    manifest = space.cache.manifest(digest) if digest.is_tree else None
    space.observer.remember(out.path, digest, manifest)


def is_stored(space: Workspace, path: str, digest: Digest) -> bool:
    """Whether the bytes that lie at `path`, whose digest is given, can all be had again."""
    if space.cache.has(digest):
        return True
    present = space.observer.manifest(path) if digest.is_tree else None
    return present is not None and all(space.cache.has(e.digest) for e in present.entries)


def is_changed_in_place(out: Out) -> bool:
    """Whether stages go on from the previous content of the out."""
    return out.persist or out.incremental or out.resume
