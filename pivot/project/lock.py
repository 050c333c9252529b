"""One writer at a time: a lock that dies with its process."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from ..disk import explain
from ..errors import BusyError

_UNSUPPORTED = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL))


class ProjectLock:
    """The lock file at `path`. The kernel releases it when the process ends, however it ends.

    The file is never removed, and its content (who holds it) is read only while somebody does,
    so a stale one does no harm. Where the file system cannot lock, the caller is told through
    `on_wait` and goes on unprotected.
    """

    def __init__(self, path: str, command: Sequence[str] | None = None) -> None:
        self.path = path
        self._command = list(sys.argv if command is None else command)
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def acquire(self, *, wait: bool = True, on_wait: Callable[[str], None] | None = None) -> None:
        """Hold the lock. While another process does: `on_wait` is told once who, and this waits.

        With `wait` false raises BusyError naming the holder instead. Raises StoreError where the
        lock file cannot be made.
        """
        import fcntl

        if self._descriptor is not None:
            raise RuntimeError("the project lock is held by this very object")
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise explain(error, "make the lock file", self.path) from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = describe_holder(self.path)
                if not wait:
                    raise BusyError(
                        f"another run holds the project: {holder}",
                        hint="wait for it to end, or drop `--no-wait`",
                    ) from None
                if on_wait is not None:
                    on_wait(f"waiting for another run to end: {holder}")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                os.close(descriptor)
                raise explain(error, "lock", self.path) from None
            if on_wait is not None:
                on_wait(
                    f"'{self.path}' lies on a file system without locks: "
                    "do not run Pivot twice at a time here"
                )
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        self._sign(descriptor)

    def release(self) -> None:
        """Let the next one in. Does nothing where the lock is not held."""
        if self._descriptor is None:
            return
        import fcntl

        try:
            # before closing: a forked child may still have the file open
            os.ftruncate(self._descriptor, 0)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        except OSError:
            pass  # closing releases it as well
        os.close(self._descriptor)
        self._descriptor = None

    def __enter__(self) -> ProjectLock:
        if self._descriptor is None:
            self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _sign(self, descriptor: int) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        command = " ".join(self._command)[:1000]
        text = json.dumps({"pid": os.getpid(), "command": command, "since": since})
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, text.encode("utf-8", "replace"), 0)
        except OSError:
            return  # only the message to others is poorer


def describe_holder(path: str) -> str:
    """Who holds the lock, for people: process, command, since when."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            data = json.loads(stream.read(4096))
        return f"process {data['pid']} ({data['command']}), since {data['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has not said who it is"


def is_busy(path: str) -> str | None:
    """Who holds the lock right now; None where nobody does. Never waits, never writes."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return describe_holder(path)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None
