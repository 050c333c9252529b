"""Taking turns with DVC itself: its repository lock, and its table of paths in use.

DVC holds `.dvc/tmp/lock` while a command looks at the repository and writes its files, and lets it
go while stages run; those claim their deps and outs in `.dvc/tmp/rwlock`. Pivot's writing commands
do the same, so neither tool touches what the other is working on, and stages may call `dvc`.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..disk import explain
from ..errors import BusyError

_PAUSE = 0.1
#: How long DVC's lock files by hard links hold if nobody removes them, and how exactly it looks.
_LINK_SECONDS = 365 * 24 * 3600.0
_SLOP_SECONDS = 10.0
_UNSUPPORTED = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL))

Held = Callable[[], None]


class Neighbour:
    """DVC's locks in the project at `root`, as one of its commands would take them.

    `links` is DVC's `core.hardlink_lock`, for file systems without locks.
    """

    def __init__(self, root: str, command: str, *, links: bool = False) -> None:
        self._folder = os.path.join(root, ".dvc", "tmp")
        self._info = {"pid": os.getpid(), "cmd": command[:1000]}
        self._links = links
        self._lock: Held | None = None
        self._claims: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self._wait = True
        self._on_wait: Callable[[str], None] = lambda _: None

    def acquire(self, *, wait: bool = True, on_wait: Callable[[str], None] | None = None) -> None:
        """Hold DVC's repository lock. Raises BusyError where DVC has it and `wait` is false."""
        if self._lock is not None:
            return
        self._wait = wait
        self._on_wait = on_wait or self._on_wait
        self._lock = self._hold("lock", "a DVC command holds the repository")

    def release(self) -> None:
        """Let DVC's commands in."""
        if self._lock is not None:
            self._lock()
            self._lock = None

    def claim(self, read: Iterable[str], write: Iterable[str]) -> None:
        """Claim absolute paths, waiting for DVC's stages that use them, and let the lock go."""
        self._claims = (tuple(read), tuple(write))
        told = False
        while True:
            blocked = self._edit(self._enter)
            if not blocked:
                break
            path, pid, command = blocked
            text = f"'{path}' is in use by process {pid} ({command})"
            if not self._wait:
                self._claims = None
                raise BusyError(text, hint="wait for it to end, or drop `--no-wait`")
            if not told:
                self._on_wait(f"waiting: {text}")
                told = True
            # the one we wait for needs the lock to end
            self.release()
            time.sleep(_PAUSE)
        self.release()

    def let_go(self) -> None:
        """Give claimed paths back, and the lock."""
        if self._claims is not None:
            self._edit(self._leave)
            self._claims = None
        self.release()

    # --- the table ------------------------------------------------------------------------

    def _enter(self, table: dict[str, Any]) -> tuple[str, int, str] | None:
        assert self._claims is not None
        read, write = self._claims
        blocked = self._blocker(table["write"], (*read, *write)) or self._blocker(
            table["read"], write
        )
        if blocked:
            return blocked
        for path in read:
            users = table["read"].setdefault(path, [])
            if self._info not in users:
                users.append(self._info)
        for path in write:
            table["write"][path] = self._info
        return None

    def _leave(self, table: dict[str, Any]) -> None:
        for path, user in list(table["write"].items()):
            if user == self._info:
                del table["write"][path]
        for path, users in list(table["read"].items()):
            table["read"][path] = [user for user in users if user != self._info]
            if not table["read"][path]:
                del table["read"][path]

    def _blocker(
        self, entries: Mapping[str, Any], paths: tuple[str, ...]
    ) -> tuple[str, int, str] | None:
        for path, users in entries.items():
            for user in users if isinstance(users, list) else [users]:
                if user == self._info or not _is_alive(int(user["pid"])):
                    continue
                if any(_overlap(path, ours) for ours in paths):
                    return path, int(user["pid"]), str(user["cmd"])
        return None

    def _edit(self, change: Callable[[dict[str, Any]], Any]) -> Any:
        guard = self._hold("rwlock.lock", "a DVC command edits its table of paths", always=True)
        path = os.path.join(self._folder, "rwlock")
        try:
            table = _table(path)
            result = change(table)
            data = {kind: entries for kind, entries in table.items() if entries}
            with open(path, "w", encoding="utf-8") as stream:
                json.dump(data, stream)
        except OSError as error:
            raise explain(error, "write", ".dvc/tmp/rwlock") from None
        finally:
            if guard is not None:
                guard()
        return result

    def _hold(self, name: str, what: str, *, always: bool = False) -> Held | None:
        """What holds the lock file, to be called to let it go; None where locks do not exist."""
        path = os.path.join(self._folder, name)
        try:
            os.makedirs(self._folder, exist_ok=True)
            try_once = (_Link if self._links else _Flock)(path)
        except OSError as error:
            raise explain(error, "make the lock file", f".dvc/tmp/{name}") from None
        told = always
        try:
            while not try_once.taken():
                if not (self._wait or always):
                    raise BusyError(what, hint="wait for it to end, or drop `--no-wait`")
                if not told:
                    self._on_wait(f"waiting: {what}{try_once.remark}")
                    told = True
                time.sleep(_PAUSE)
        except OSError as error:
            try_once.let_go()
            if error.errno in _UNSUPPORTED:
                return None
            raise explain(error, "lock", f".dvc/tmp/{name}") from None
        except BaseException:
            try_once.let_go()
            raise
        return try_once.let_go


class _Flock:
    """A lock file as DVC takes it on most file systems; it dies with the process."""

    remark = ""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def taken(self) -> bool:
        import fcntl

        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f" {os.getpid()}\n".encode(), 0)
        return True

    def let_go(self) -> None:
        os.close(self._descriptor)


class _Link:
    """A lock file as DVC takes it with `core.hardlink_lock`: a second name of a file of one's own.

    DVC breaks one whose time is over, which it reads from the file's time of modification.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._own = f"{path}.{os.getpid()}.{time.monotonic_ns()}.lock"
        self.remark = f" ({os.path.basename(path)}: delete it where no DVC command runs)"
        with open(self._own, "w", encoding="utf-8") as stream:
            stream.write(self._own)
        ends = time.time() + _LINK_SECONDS
        os.utime(self._own, (ends, ends))

    def taken(self) -> bool:
        try:
            os.link(self._own, self._path)
        except FileExistsError:
            self._break_expired()
            return False
        return True

    def _break_expired(self) -> None:
        try:
            if os.stat(self._path).st_mtime + _SLOP_SECONDS < time.time():
                os.unlink(self._path)
        except FileNotFoundError:
            return

    def let_go(self) -> None:
        for path in (self._path, self._own):
            try:
                if path == self._own or os.path.samefile(path, self._own):
                    os.unlink(path)
            except FileNotFoundError:
                continue


def _table(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as stream:
            data = json.load(stream)
    except (FileNotFoundError, ValueError):
        data = {}
    found = data if isinstance(data, dict) else {}
    return {"write": dict(found.get("write", {})), "read": dict(found.get("read", {}))}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _overlap(one: str, other: str) -> bool:
    first, second = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return first.startswith(second) or second.startswith(first)
