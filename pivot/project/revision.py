"""One git revision of the project as a Tree, read from git's objects without a checkout."""

from __future__ import annotations

import os
import subprocess
from typing import Literal

from ..errors import PivotError
from .git import Git


class RevisionTree:
    """The files of `commit` below the project's root. Symbolic links count as what they are not:
    files that hold the path they lead to. Close it to end the git process that reads blobs."""

    def __init__(self, git: Git, commit: str) -> None:
        self._git = git
        self.commit = commit
        self._folder = os.path.relpath(git.root, git.top).replace(os.sep, "/")
        self._blobs: dict[str, str] | None = None
        self._folders: dict[str, dict[str, bool]] = {}
        self._read: dict[str, bytes] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: str) -> bytes | None:
        blob = self._files().get(path)
        if blob is None:
            return None
        if path not in self._read:
            self._read[path] = self._content(blob)
        return self._read[path]

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        if path in self._files():
            return "file"
        return "dir" if path in self._folders else None

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        self._files()
        return tuple(sorted(self._folders.get(path, {}).items()))

    def signature(self, path: str) -> str | None:
        return self._files().get(path)

    def close(self) -> None:
        """End the process that reads blobs."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _files(self) -> dict[str, str]:
        if self._blobs is None:
            self._blobs = {}
            self._folders = {".": {}}
            prefix = "" if self._folder == "." else f"{self._folder}/"
            for path, blob in self._git.files_at(self.commit, prefix).items():
                self._blobs[path[len(prefix) :]] = blob
                self._add(path[len(prefix) :])
        return self._blobs

    def _add(self, path: str) -> None:
        folder = "."
        parts = path.split("/")
        for depth, name in enumerate(parts):
            is_dir = depth < len(parts) - 1
            self._folders[folder][name] = is_dir
            if is_dir:
                folder = name if folder == "." else f"{folder}/{name}"
                self._folders.setdefault(folder, {})

    def _content(self, blob: str) -> bytes:
        if self._process is None:
            self._process = self._git.reader()
        source, answers = self._process.stdin, self._process.stdout
        assert source is not None
        assert answers is not None
        source.write(f"{blob}\n".encode())
        source.flush()
        header = answers.readline().split()
        if len(header) != 3:
            raise PivotError(
                f"git has no object {blob} of commit {self.commit[:8]}",
                hint="a shallow or partial clone lacks it; `git fetch --unshallow` brings it",
            )
        data = answers.read(int(header[2]))
        answers.read(1)
        return data
