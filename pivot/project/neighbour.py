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
_UNSUPPORTED = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL))


class Neighbour:
    """DVC's locks in the project at `root`, as one of its commands would take them."""

    def __init__(self, root: str, command: str) -> None:
        self._folder = os.path.join(root, ".dvc", "tmp")
        self._info = {"pid": os.getpid(), "cmd": command[:1000]}
        self._lock: int | None = None
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
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f" {os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let DVC's commands in."""
        if self._lock is not None:
            os.close(self._lock)
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
                os.close(guard)
        return result

    def _hold(self, name: str, what: str, *, always: bool = False) -> int | None:
        """A descriptor that holds the lock file; None on file systems without locks."""
        import fcntl

        path = os.path.join(self._folder, name)
        try:
            os.makedirs(self._folder, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise explain(error, "make the lock file", f".dvc/tmp/{name}") from None
        told = always
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return descriptor
                except BlockingIOError:
                    if not (self._wait or always):
                        raise BusyError(
                            what, hint="wait for it to end, or drop `--no-wait`"
                        ) from None
                    if not told:
                        self._on_wait(f"waiting: {what}")
                        told = True
                    time.sleep(_PAUSE)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _UNSUPPORTED:
                return None
            raise explain(error, "lock", f".dvc/tmp/{name}") from None
        except BaseException:
            os.close(descriptor)
            raise


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
