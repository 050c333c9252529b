"""Digests of what git holds at a revision: blobs hashed as the project names objects."""

from __future__ import annotations

import struct

from ..digest import Digest, hash_bytes
from ..errors import PivotError
from ..manifest import digest_of_text, make_manifest, manifest_bytes
from ..model import CheckMode, Manifest
from ..scan import Skip
from .observer import Observer
from .revtree import RevTree
from .state import State

_POINTER = b"version https://git-lfs.github.com/spec/"
_MOST_DEPTH = 40
_SIZE = struct.Struct("<Q")


class BlobObserver(Observer):
    """Digests of files and folders of one revision. Each blob is hashed once, whatever its path.

    What git does not hold has none, nor what only git could turn into the file that it stands for
    (large file storage, submodules); `why` says so. A digest of stat numbers cannot be had.
    """

    def __init__(
        self, tree: RevTree, root: str, state: State, algorithm: str, *, skip: Skip | None = None
    ) -> None:
        super().__init__(root, state, algorithm, skip=skip)
        self._tree = tree
        self._blobs = state.rows(f"blobs-{algorithm}")
        self._digests: dict[str, Digest | None] = {}
        self._why: dict[str, str] = {}

    def why(self, path: str) -> str | None:
        """Why something that is there has no digest."""
        return self._why.get(path)

    def observe(self, path: str, *, check: CheckMode = "content") -> Digest | None:
        if check == "stat":
            self._why[path] = "git keeps no modification times"
            return None
        if path not in self._digests:
            match self._tree.kind(path):
                case "file":
                    self._digests[path] = self._of_blob(path)
                case "dir":
                    manifest = self.manifest(path)
                    found = None
                    if manifest is not None:
                        text = manifest_bytes(manifest)
                        found = digest_of_text(self.algorithm, text, manifest)
                    self._digests[path] = found
                case None:
                    self._digests[path] = None
        return self._digests[path]

    def manifest(self, path: str) -> Manifest | None:
        """The files of a folder; None where none is, or where not all of them can be named."""
        if self._tree.kind(path) != "dir":
            return None
        entries: list[tuple[str, Digest]] = []
        pending = [("", 0)]
        while pending:
            inner, depth = pending.pop()
            folder = f"{path}/{inner}".rstrip("/")
            listed = self._tree.list(folder)
            if folder in self._tree.submodules:
                self._why[path] = f"'{folder}' is a submodule, which is not looked into"
                return None
            if depth > _MOST_DEPTH:
                raise PivotError(f"'{path}' has no end: a link in it leads back to it")
            for name, is_dir in listed:
                place = f"{folder}/{name}"
                if self._skip is not None and self._skip(place, is_dir):
                    continue
                if is_dir:
                    pending.append((f"{inner}{name}/", depth + 1))
                    continue
                digest = self._of_blob(place)
                if digest is None:
                    self._why[path] = f"'{place}': {self._why.get(place, 'a link to nothing')}"
                    return None
                entries.append((f"{inner}{name}", digest))
        return make_manifest(entries)

    def _of_blob(self, path: str) -> Digest | None:
        oid = self._tree.signature(path)
        if oid is None or self._tree.kind(path) != "file":
            return None
        executable = self._tree.is_executable(path)
        kept = self._blobs.get(oid)
        if kept is not None:
            (size,) = _SIZE.unpack_from(kept)
            return Digest(self.algorithm, kept[8:].hex(), "file", size, None, executable)
        data = self._tree.read(path) or b""
        if len(data) < 1024 and data.startswith(_POINTER):
            self._why[path] = "git holds a pointer to large file storage, not the file"
            return None
        found = hash_bytes(self.algorithm, data)
        self._blobs.put(oid, _SIZE.pack(len(data)) + bytes.fromhex(found.value))
        return Digest(self.algorithm, found.value, "file", len(data), None, executable)
