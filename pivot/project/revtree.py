"""One git revision of the project as a Tree, read from git's objects without a checkout."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Literal

from ..errors import PivotError
from .gitobjects import Entry, Objects

_MOST_LINKS = 40


class RevTree:
    """The files of `commit` below `folder` of the repository ('.' its root).

    Symbolic links are followed where they lead within the repository; others lead nowhere. Paths
    may climb out of the folder with `..`, not out of the repository. A submodule is an empty
    folder, and `submodules` names those that were looked into. Signatures are ids of blobs, and
    of trees for folders. Reading raises PivotError where the clone lacks the object.
    """

    def __init__(
        self, objects: Objects, commit: str, root: str, folder: str, remedy: str | None
    ) -> None:
        self.commit = commit
        self.folder = folder
        self.submodules: set[str] = set()
        self._objects = objects
        self._root = Entry("dir", root)
        self._remedy = remedy
        self._found: dict[str, Entry | None] = {}

    def read(self, path: str) -> bytes | None:
        entry = self._entry(path)
        return self._content(entry.oid, path) if entry and entry.kind == "file" else None

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        entry = self._entry(path)
        if entry is None:
            return None
        return "file" if entry.kind == "file" else "dir"

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        entry = self._entry(path)
        if entry is None or entry.kind != "dir":
            return ()
        names = self._tree(entry.oid, path)
        found = []
        for name, item in names.items():
            kind = item.kind
            is_dir = self.kind(f"{path}/{name}") == "dir" if kind == "link" else kind != "file"
            found.append((name, is_dir))
        return tuple(sorted(found))

    def signature(self, path: str) -> str | None:
        entry = self._entry(path)
        return entry.oid if entry else None

    def read_ahead(self, paths: Iterable[str]) -> None:
        """Get ready to read many files; those that are not there do not matter."""
        entries = (self._entry(path) for path in paths)
        self._objects.read_ahead(e.oid for e in entries if e is not None and e.kind == "file")

    def is_executable(self, path: str) -> bool:
        """Whether the file at `path` may be executed."""
        entry = self._entry(path)
        return entry is not None and entry.executable

    def _entry(self, path: str) -> Entry | None:
        if path not in self._found:
            self._found[path] = self._walk(path)
        return self._found[path]

    def _walk(self, path: str) -> Entry | None:
        """What lies at `path`, links followed."""
        if path.startswith("/") or "://" in path:
            return None
        above = [self._root]  # the folders down to where we are
        pending = [*reversed(path.split("/")), *reversed(self.folder.split("/"))]
        links = 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if len(above) == 1:
                    return None
                above.pop()
                continue
            if above[-1].kind == "submodule":
                self.submodules.add(path)
                return None
            if above[-1].kind == "file":
                return None
            entry = self._tree(above[-1].oid, path).get(part)
            if entry is None:
                return None
            if entry.kind == "link":
                links += 1
                target = self._content(entry.oid, path).decode("utf-8", "surrogateescape")
                if target.startswith("/") or links > _MOST_LINKS:
                    return None
                pending.extend(reversed(target.split("/")))
                continue
            above.append(entry)
        if above[-1].kind == "submodule":
            self.submodules.add(path)
        return above[-1]

    def _tree(self, oid: str, path: str) -> Mapping[str, Entry]:
        found = self._objects.tree(oid)
        if found is None:
            raise self._lacking(oid, path)
        return found

    def _content(self, oid: str, path: str) -> bytes:
        data = self._objects.blob(oid)
        if data is None:
            raise self._lacking(oid, path)
        return data

    def _lacking(self, oid: str, path: str) -> PivotError:
        shown = posixpath.normpath(path)
        return PivotError(
            f"this clone lacks the object {oid[:12]} of '{shown}' at {self.commit[:8]}",
            hint=self._remedy or "`git fsck` says what else is missing",
        )
