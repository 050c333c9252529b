"""The Tree seam: whatever can be read as a tree of project files, by path relative to its root.

Paths are POSIX, relative to the project root, normalized, and may climb out of it with `..`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol


class Tree(Protocol):
    """Read access to one version of the project: the disk, a git revision, or a dict."""

    def read(self, path: str) -> bytes | None:
        """The content of the file at `path`; None where there is no such file.

        Raises PivotError where the file exists and cannot be read.
        """

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        """What lies at `path` (links followed); None where nothing does."""

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        """The entries of folder `path` ('.' the root) as sorted (name, is_dir); () if absent."""

    def signature(self, path: str) -> tuple[int, ...] | str | None:
        """What changes whenever the file at `path` may have changed: stat numbers, a blob id.

        None where there is no file. Only equality of two signatures of one tree type counts.
        """


class DictTree:
    """A tree held in memory, for tests and for programs: `{path: text or bytes}`."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = {
            path: content.encode() if isinstance(content, str) else content
            for path, content in files.items()
        }
        self._folders: dict[str, dict[str, bool]] = {".": {}}
        for path in self._files:
            parts = path.split("/")
            folder = "."
            for depth, name in enumerate(parts):
                is_dir = depth < len(parts) - 1
                self._folders.setdefault(folder, {})[name] = is_dir
                folder = name if folder == "." else f"{folder}/{name}"
                if is_dir:
                    self._folders.setdefault(folder, {})

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        if path in self._files:
            return "file"
        return "dir" if path in self._folders else None

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        return tuple(sorted(self._folders.get(path, {}).items()))

    def signature(self, path: str) -> str | None:
        content = self._files.get(path)
        return None if content is None else f"{len(content)}:{content!r}"


def join(folder: str, path: str) -> str:
    """`path` seen from `folder`, normalized: ('sub', '../x') -> 'x', ('.', 'a/./b') -> 'a/b'.

    Absolute paths and URLs come back as they are.
    """
    if path.startswith("/") or "://" in path:
        return path
    parts: list[str] = []
    for part in [*folder.split("/"), *path.split("/")]:
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or "."


def parent(path: str) -> str:
    """The folder of `path`: 'a/b.yaml' -> 'a', 'b.yaml' -> '.'."""
    folder, slash, _ = path.rpartition("/")
    return folder if slash else "."


def relative(path: str, folder: str) -> str:
    """`path` (relative to the root) as seen from `folder` (likewise): the inverse of `join`."""
    if path.startswith("/") or "://" in path or folder == ".":
        return path
    ours, theirs = path.split("/"), folder.split("/")
    if path == ".":
        ours = []
    shared = 0
    while shared < min(len(ours), len(theirs)) and ours[shared] == theirs[shared]:
        shared += 1
    return "/".join([".."] * (len(theirs) - shared) + ours[shared:]) or "."


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it."""
    return folder == "." or path == folder or path.startswith(folder + "/")
