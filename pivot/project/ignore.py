"""Keeping outputs out of git, as DVC does it: a `/name` line in the `.gitignore` beside each."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..disk import explain, read_if_exists, write_atomic
from ..errors import ConfigError
from .git import Git


class GitIgnore:
    """The `.gitignore` files of a project; without a repository nothing happens."""

    def __init__(self, root: str, git: Git | None) -> None:
        self.root = os.path.abspath(root)
        self._git = git

    def add(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Have git ignore the artifacts, in the order given; the `.gitignore` files that changed.

        Paths that a rule covers already, that lie outside the repository, or that stand there
        already are left alone. Raises ConfigError where git tracks one of them, and StoreError
        where a file cannot be written.
        """
        wanted = [path for path in dict.fromkeys(paths) if self._is_ours(path)]
        if self._git is None or not wanted:
            return ()
        self.refuse_tracked(wanted)
        covered = self._git.ignored(wanted)
        changed: list[str] = []
        for folder, names in sorted(_by_folder(p for p in wanted if p not in covered).items()):
            file = _file_of(folder)
            before = self._read(file)
            present = set(before.splitlines())
            lines = [line for name in names if (line := _rule(name)) not in present]
            if lines:
                glue = "" if not before or before.endswith("\n") else "\n"
                self._write(file, before + glue + "".join(f"{line}\n" for line in lines))
                changed.append(file)
        return tuple(changed)

    def remove(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Take the artifacts' lines out again; the files that changed. Empty ones are removed."""
        changed: list[str] = []
        ours = (path for path in dict.fromkeys(paths) if self._is_ours(path))
        for folder, names in sorted(_by_folder(ours).items()):
            file = _file_of(folder)
            before = self._read(file)
            rules = {_rule(name) for name in names}
            kept = [
                line
                for line in before.splitlines(keepends=True)
                if line.rstrip("\r\n") not in rules
            ]
            after = "".join(kept)
            if after == before:
                continue
            if after.strip():
                self._write(file, after)
            else:
                os.unlink(os.path.join(self.root, file))
            changed.append(file)
        return tuple(changed)

    def refuse_tracked(self, paths: Iterable[str]) -> None:
        """Raise ConfigError where git tracks an artifact that Pivot is about to manage."""
        if self._git is None:
            return
        tracked = sorted(self._git.tracked(paths))
        if tracked:
            more = f" (and {len(tracked) - 1} more)" if len(tracked) > 1 else ""
            listed = " ".join(f"'{path}'" for path in tracked)
            raise ConfigError(
                f"the output '{tracked[0]}'{more} is tracked by git already",
                hint=f"hand it over with `git rm -r --cached {listed}`, or set `cache: false`",
            )

    def _is_ours(self, path: str) -> bool:
        if path.startswith("/") or "://" in path or self._git is None:
            return False
        absolute = os.path.normpath(os.path.join(self.root, path))
        return absolute.startswith(self._git.top.rstrip("/") + "/")

    def _read(self, file: str) -> str:
        try:
            data = read_if_exists(os.path.join(self.root, file)) or b""
        except OSError as error:
            raise explain(error, "read", file) from None
        return data.decode("utf-8", "surrogateescape")

    def _write(self, file: str, text: str) -> None:
        path = os.path.join(self.root, file)
        try:
            mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o644
            write_atomic(path, text.encode("utf-8", "surrogateescape"), mode=mode)
        except OSError as error:
            raise explain(error, "write", file) from None


def _by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, []).append(name)
    return found


def _file_of(folder: str) -> str:
    return f"{folder}/.gitignore" if folder else ".gitignore"


def _rule(name: str) -> str:
    """The gitignore line for exactly this name."""
    escaped = "".join(f"\\{c}" if c in "\\*?[" else c for c in name)
    stripped = escaped.rstrip(" ")
    return "/" + stripped + "\\ " * (len(escaped) - len(stripped))
