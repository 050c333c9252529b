"""Questions about git's index and rules, each one process for all paths at once.

`revisions` reads what was committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import PivotError

if TYPE_CHECKING:
    import subprocess

#: No program that the repository's configuration names is started.
SAFE_OPTIONS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never"),
)


def advice_in(said: str) -> str | None:
    """The command that git advises in what it said; None where it advises none."""
    lines = [line.strip() for line in said.splitlines()]
    return next((line for line in lines if line.startswith("git ")), None)


class Git:
    """The repository whose work tree is `top`; the project at `root` lies in it.

    Uses the git executable, so that worktrees, submodules and every format it knows work, and
    nothing is imported. Paths given and returned are relative to `root`.
    """

    def __init__(self, root: str, top: str) -> None:
        self.root = os.path.abspath(root)
        self.top = top

    def tracked(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of `paths` that git tracks, or below which it tracks something."""
        inside = self._inside(paths)
        if not inside:
            return frozenset()
        # `:(literal)` so that no name is read as a pattern
        output = self._run(["ls-files", "-z", "--", *(f":(literal){path}" for path in inside)])
        listed = {name for name in output.split("\0") if name}
        folders: set[str] = set()
        for name in listed:
            while "/" in name:
                name = name.rpartition("/")[0]
                folders.add(name)
        return frozenset(path for path in inside if path in listed or path in folders)

    def tracked_files(self, under: str = ".") -> frozenset[str]:
        """Every file that git tracks below a folder."""
        output = self._run(["ls-files", "-z", "--", f":(literal){under}"])
        return frozenset(name for name in output.split("\0") if name)

    def ignored(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of `paths` that a gitignore rule covers (tracked or not)."""
        inside = self._inside(paths)
        if not inside:
            return frozenset()
        output = self._run(
            ["check-ignore", "--no-index", "-z", "--stdin"],
            stdin="".join(f"{path}\0" for path in inside),
            accept=(0, 1),
        )
        return frozenset(name for name in output.split("\0") if name)

    def index_path(self) -> str:
        """Where git keeps the list of tracked files, whether it exists or not."""
        place = f"{self.top}/.git"
        try:
            with open(place) as stream:  # a worktree or submodule: "gitdir: <path>"
                place = os.path.join(self.top, stream.read().partition(":")[2].strip())
        except OSError:
            pass  # a folder
        return f"{place}/index"

    def index_state(self) -> tuple[int, int, int] | None:
        """Numbers that change whenever the set of tracked files may have; None without an index."""
        try:
            status = os.stat(self.index_path())
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def head(self) -> str | None:
        """The commit checked out; None before the first one."""
        output = self._run(["rev-parse", "--verify", "-q", "HEAD"], accept=(0, 1, 128))
        return output.strip() or None

    def is_dirty(self) -> bool:
        """Whether a tracked file, or the index, differs from the last commit."""
        return bool(self._run(["status", "--porcelain", "--untracked-files=no"]).strip())

    def changed(self) -> list[str]:
        """The tracked files below `root` that differ from the last commit, on disk or staged."""
        options = ["--porcelain", "-z", "--untracked-files=no", "--no-renames"]
        output = self._run(["status", *options, "--ignore-submodules=all", "--", "."])
        below = os.path.relpath(os.path.realpath(self.root), os.path.realpath(self.top))
        return sorted(os.path.relpath(line[3:], below) for line in output.split("\0") if line)

    def add(self, paths: Iterable[str]) -> None:
        """Put files into the index, as `git add` does."""
        self._run(["add", "--", *(f":(literal){path}" for path in paths)])

    def _inside(self, paths: Iterable[str]) -> list[str]:
        prefix = self.top.rstrip("/") + "/"
        found: list[str] = []
        for path in paths:
            absolute = os.path.normpath(os.path.join(self.root, path))
            if absolute.startswith(prefix):
                found.append(path)
        return found

    def _call(
        self, arguments: Sequence[str], stdin: str | None
    ) -> subprocess.CompletedProcess[bytes]:
        import subprocess  # 6 ms; a command with nothing to do starts no process

        # no prompts, no optional locks (readers write nothing), no translated messages
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            return subprocess.run(
                ["git", *SAFE_OPTIONS, "-C", self.root, *arguments],
                input=None if stdin is None else os.fsencode(stdin),
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                check=False,
                env=environment,
            )
        except OSError as error:
            raise PivotError(f"git cannot be run: {error.strerror}", hint="install git") from None

    def _run(
        self, arguments: Sequence[str], *, stdin: str | None = None, accept: tuple[int, ...] = (0,)
    ) -> str:
        done = self._call(arguments, stdin)
        if done.returncode not in accept:
            message = os.fsdecode(done.stderr).strip().splitlines()
            said = message[0] if message else f"exit code {done.returncode}"
            raise PivotError(f"git {arguments[0]} failed: {said}")
        return os.fsdecode(done.stdout)


def find_git(root: str) -> Git | None:
    """The repository around `root`; None where there is none. Costs a few stats, no process."""
    folder = os.path.abspath(root)
    while True:
        # a folder, or a file in worktrees and submodules
        if os.path.lexists(f"{folder}/.git"):
            return Git(root, folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
