"""The logs of stages: where each lies, and reading it without holding it in memory."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-")
_NAME_BYTES = 200
_BLOCK = 64 * 1024
#: A single line is shown up to this many bytes; progress bars write megabytes without a newline.
LINE_BYTES = 16 * 1024
#: How often a followed log is looked at.
FOLLOW_SECONDS = 0.1


def file_name(stage: str) -> str:
    """A file name for a stage's name: bytes outside `[A-Za-z0-9._@-]` percent-encoded, and names
    that would be too long cut, with a hash of the whole.
    """
    parts = [
        chr(byte) if byte in _PLAIN and not (byte == 0x2E and position == 0) else f"%{byte:02X}"
        for position, byte in enumerate(stage.encode("utf-8", "surrogatepass"))
    ]
    name = "".join(parts)
    if len(name) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: _NAME_BYTES - 17]}-{digest}"


def log_path(root: str, stage: str) -> str:
    """Where the output of `stage` is kept in the project at `root`."""
    return os.path.join(root, ".pivot", "logs", file_name(stage) + ".log")


def tail(path: str, lines: int = 20) -> str:
    """The last `lines` lines of a log, each ended by a newline; '' where there is no log.

    Reads backwards from the end, no more than it shows. Bytes that are not UTF-8 are shown
    replaced; of a line that was overwritten by carriage returns the last state is shown, of an
    endless one the end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        position = os.fstat(descriptor).st_size
        limit = lines * LINE_BYTES
        data = b""
        while position > 0 and data.count(b"\n") <= lines and len(data) < limit:
            step = min(_BLOCK, position)
            position -= step
            data = os.pread(descriptor, step, position) + data
    finally:
        os.close(descriptor)
    ended = data.removesuffix(b"\n").split(b"\n") if data else []
    return "".join(_shown(line) + "\n" for line in ended[-lines:])


def _shown(line: bytes) -> str:
    line = line.rstrip(b"\r").rpartition(b"\r")[2]
    if len(line) > LINE_BYTES:
        line = b"..." + line[-LINE_BYTES:]
    return line.decode("utf-8", "replace")


def follow(
    path: str, start: int = 0, *, until: Callable[[], bool] = lambda: False
) -> Iterator[bytes]:
    """What a log holds from byte `start` on, then what it gains, piece by piece, for ever or
    until `until` is true after everything was read. It need not exist yet.
    """
    follower = Follower(path, start)
    try:
        while True:
            ended = until()
            yield from follower.read()
            if ended:
                return
            time.sleep(FOLLOW_SECONDS)
    finally:
        follower.close()


class Follower:
    """Reads what a log has gained since the last time, in bounded pieces."""

    def __init__(self, path: str, start: int = 0) -> None:
        self._path = path
        self._descriptor = -1
        self._position = start

    def read(self) -> Iterator[bytes]:
        """What was written since, in pieces of at most 64 KiB; starts over where the log was
        begun anew.
        """
        if self._descriptor < 0:
            try:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return
        if os.fstat(self._descriptor).st_size < self._position:
            self._position = 0
        while data := os.pread(self._descriptor, _BLOCK, self._position):
            self._position += len(data)
            yield data

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
