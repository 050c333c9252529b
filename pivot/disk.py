"""Writing to disk so that a crash at any instant leaves the old file or the new one, never half.

Every write that matters passes a named step, so that tests can kill the process at each of them:
`PIVOT_FAULT=lock.replace:2` ends the process with SIGKILL the second time it reaches that step.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterable
from itertools import count

from .errors import StoreError

#: Every named write step; the crash tests assert that each was hit.
STEPS = (
    "object.temp",  # an object's bytes are in a temporary file
    "object.replace",  # the object has its name
    "record.temp",
    "record.replace",  # the run-cache record has its name
    "lock.temp",
    "lock.replace",  # the lock has its name
    "aside.journal",  # the journal names the outputs about to be set aside
    "aside.move",  # one output has been set aside
    "stage.started",  # the stage's process runs
    "stage.finished",  # the stage's process ended well
    "outputs.hashed",
    "outputs.materialized",  # an output was put into the work tree from the cache
    "aside.drop",  # set-aside outputs of a finished stage are being dropped
    "journal.clear",
    "restore.move",  # a set-aside output has been moved back
)

_serial = count()
_armed = os.environ.get("PIVOT_FAULT")
_hits: dict[str, int] = {}


def step(name: str) -> None:
    """Pass the named write step. Does nothing unless `PIVOT_FAULT` or `PIVOT_FAULT_LOG` is set."""
    if _armed is not None:
        wanted, _, number = _armed.partition(":")
        if wanted == name:
            _hits[name] = _hits.get(name, 0) + 1
            if _hits[name] == int(number or 1):
                log = os.environ.get("PIVOT_FAULT_LOG")
                if log:
                    with open(log, "a") as stream:
                        stream.write(f"{name}\n")
                os.kill(os.getpid(), signal.SIGKILL)


def temporary_name(path: str, scratch: str | None = None) -> str:
    """A name that no other writer uses, from which `os.replace` to `path` is atomic.

    It lies beside `path`, or in the folder `scratch`, which must be on the same file system.
    """
    folder, name = os.path.split(path)
    # a name may have 255 bytes, and a character four
    return os.path.join(scratch or folder, f".{name[:40]}.{os.getpid()}-{next(_serial)}.tmp")


def write_atomic(
    path: str,
    data: bytes,
    *,
    mode: int = 0o644,
    fsync: bool = False,
    kind: str | None = None,
    scratch: str | None = None,
) -> None:
    """Give `path` the content `data` in one instant, making parent folders.

    `kind` names the steps passed (`lock` for `lock.temp` and `lock.replace`). With `fsync` the
    bytes are on disk before they get their name. What a killed process leaves unfinished lies
    beside `path`, or in the folder `scratch` of the same file system. Raises OSError; the old
    file then stays.
    """
    temporary = temporary_name(path, scratch)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(temporary), exist_ok=True)
        descriptor = os.open(temporary, flags, mode)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if fsync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if kind:
            step(f"{kind}.temp")
        try:
            os.replace(temporary, path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.replace(temporary, path)
        if kind:
            step(f"{kind}.replace")
    except BaseException:
        remove_quietly([temporary])
        raise


def remove_quietly(paths: Iterable[str]) -> None:
    """Remove the files that exist."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def read_if_exists(path: str) -> bytes | None:
    """The content of the file at `path`, or None where there is none. Raises OSError otherwise."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        chunks = [data]
        while chunk := os.read(descriptor, 1 << 20):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


_HINTS = {
    errno.ENOSPC: "free some space on that disk, or move the cache with `cache.dir`",
    errno.EDQUOT: "your quota on that disk is used up: free some space, or move `cache.dir`",
    errno.EACCES: "check its owner and permissions",
    errno.EPERM: "check its owner and permissions",
    errno.EROFS: "that file system is mounted read-only",
    errno.ENAMETOOLONG: "shorten the name",
    errno.ELOOP: "a symbolic link there leads back to itself: remove it",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.EIO: "the disk reports a defect: check it before trusting what lies there",
    errno.ENOTDIR: "a file stands where a folder is needed: move it away",
    errno.EISDIR: "a folder stands where a file is needed: move it away",
}


def explain(error: OSError, doing: str, path: str) -> StoreError:
    """The error that tells a person what could not be done (`cannot write`), where, what next."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = _HINTS.get(error.errno or 0)
    return StoreError(f"cannot {doing} '{path}': {reason[:1].lower()}{reason[1:]}", hint=hint)
