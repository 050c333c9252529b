"""Looking at outputs on disk: the files of a folder, their hashes, and when stat can be trusted.

Shared by what stores bytes and by what observes them, so that both name the same bytes alike.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from .digest import Digest, hash_descriptor, new_hasher
from .disk import explain
from .errors import StoreError
from .stamp import signature

#: Files up to this size are read in one call; larger ones are worth a thread of their own.
SMALL_BYTES = 1 << 20


class FileDigests(Protocol):
    """What is known about the files of one artifact; told about those that had to be read.

    `relpath` is "" for the artifact itself where it is a file. `started` is the time in
    nanoseconds at which `status` had been taken and reading began.
    """

    def known(self, relpath: str, status: os.stat_result) -> Digest | None: ...

    def hashed(
        self, relpath: str, status: os.stat_result, started: int, digest: Digest
    ) -> None: ...

    def finished(self, digest: Digest) -> None: ...


def content_mark(value: str, size: int) -> int:
    """Nanoseconds (0 to 999,999,900) that files written from the cache carry in their mtime.

    They depend on the content, so an edit in place, which sets another time, shows without any
    database: chance agrees once in ten million, and only together with the size.
    """
    return (int(value[:12], 16) ^ (size * 0x9E3779B1)) % 10_000_000 * 100


def is_marked(status: os.stat_result, value: str) -> bool:
    """Whether the file was written as content `value` and not written to since."""
    return status.st_mtime_ns % 1_000_000_000 == content_mark(value, status.st_size)


#: Whether the file or folder (second argument true) at an absolute path is not to be looked at.
Skip = Callable[[str, bool], bool]


def scan_folder(
    folder: str,
    *,
    label: str | None = None,
    cache: str | None = None,
    skip: Skip | None = None,
) -> list[tuple[str, os.stat_result]]:
    """All files below `folder`, sorted by relative path, with their status (links followed).

    Links to files count as the file, links to folders as the folder. Links to nothing are an
    error, save those into the `cache` folder: there an object is missing, and so is the file.
    What `skip` says so of is left out, with all below it. Raises StoreError for loops, sockets,
    pipes, devices, names that are not UTF-8 and what cannot be read; `label` is how errors call
    the folder.
    """
    shown = label or folder
    found: list[tuple[str, os.stat_result]] = []
    # folders waiting to be read: prefix, path, whether a link leads there
    waiting: list[tuple[str, str, bool]] = [("", folder, False)]
    while waiting:
        prefix, path, linked = waiting.pop()
        try:
            with os.scandir(path) as entries:
                listed = list(entries)
        except OSError as error:
            raise explain(error, "read the folder", f"{shown}/{prefix}".rstrip("/")) from None
        above: list[tuple[int, int]] | None = None
        for entry in listed:
            relpath = prefix + entry.name
            if skip is not None and skip(f"{path}/{entry.name}", entry.is_dir()):
                continue
            try:
                is_link = entry.is_symlink()
                status = entry.stat()
            except FileNotFoundError:
                if _leads_into(entry.path, cache) or not os.path.islink(entry.path):
                    continue  # an object is missing, or the file vanished just now
                raise StoreError(
                    f"'{shown}/{relpath}' is a symbolic link to nothing",
                    hint="remove the link, or restore what it leads to",
                ) from None
            except OSError as error:
                raise explain(error, "read", f"{shown}/{relpath}") from None
            mode = status.st_mode
            if stat.S_ISREG(mode):
                found.append((relpath, status))
            elif stat.S_ISDIR(mode):
                if is_link or linked:
                    if above is None:
                        above = _identities(folder, prefix)
                    if (status.st_dev, status.st_ino) in above:
                        raise StoreError(
                            f"'{shown}/{relpath}' is a symbolic link back to a folder above it",
                            hint="remove the link: the folder would have no end",
                        )
                waiting.append((relpath + "/", entry.path, is_link or linked))
            else:
                raise StoreError(
                    f"'{shown}/{relpath}' is a {kind_name(mode)}, which cannot be stored",
                    hint="keep only files and folders in an output",
                )
    _check_names(found, shown)
    found.sort(key=_relpath)
    return found


def _relpath(item: tuple[str, os.stat_result]) -> str:
    return item[0]


def _identities(folder: str, prefix: str) -> list[tuple[int, int]]:
    # folder and every folder down to prefix
    names = [folder]
    for part in prefix.split("/"):
        if part:
            names.append(f"{names[-1]}/{part}")
    statuses = [os.stat(name) for name in names]
    return [(status.st_dev, status.st_ino) for status in statuses]


def _check_names(found: Sequence[tuple[str, os.stat_result]], shown: str) -> None:
    try:
        "\n".join([relpath for relpath, _ in found]).encode()
    except UnicodeEncodeError:
        for relpath, _ in found:
            try:
                relpath.encode()
            except UnicodeEncodeError:
                name = os.fsencode(relpath).decode("utf-8", "backslashreplace")
                raise StoreError(
                    f"'{shown}/{name}' has a name that is not UTF-8",
                    hint="rename it: remotes and other machines could not hold that name",
                ) from None


def _leads_into(link: str, cache: str | None) -> bool:
    if cache is None:
        return False
    try:
        target = os.readlink(link)
    except OSError:
        return False
    resolved = os.path.normpath(os.path.join(os.path.dirname(link), target))
    return resolved.startswith(os.path.abspath(cache) + os.sep)


def kind_name(mode: int) -> str:
    """What people call a file of that mode."""
    for test, name in (
        (stat.S_ISSOCK, "socket"),
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISBLK, "device"),
        (stat.S_ISCHR, "device"),
    ):
        if test(mode):
            return name
    return "special file"


def hash_path(
    algorithm: str, path: str, *, progress: Callable[[int], None] | None = None
) -> tuple[Digest, os.stat_result, int]:
    """(digest, status, start) of the file at `path`, of one version of it where it holds still.

    A file that changes while it is read is read again, twice at most; then the status returned
    is of no version, so that no cache can take it for one. Raises OSError.
    """
    for _attempt in range(3):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            started = time.time_ns()
            status = os.fstat(descriptor)
            if status.st_size <= SMALL_BYTES:
                digest = _hash_small(algorithm, descriptor, status)
                if progress is not None:
                    progress(status.st_size)
            else:
                digest = hash_descriptor(algorithm, descriptor, progress=progress)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        if signature(after) == signature(status):
            return digest, status, started
    # never settled: a change is under way
    return digest, status, 0


def _hash_small(algorithm: str, descriptor: int, status: os.stat_result) -> Digest:
    hasher = new_hasher(algorithm)
    size = 0
    while data := os.read(descriptor, status.st_size + 1):
        hasher.update(data)
        size += len(data)
        if size == status.st_size:
            break
    executable = bool(status.st_mode & 0o100)
    return Digest(algorithm, hasher.hexdigest(), "file", size, None, executable)


def for_each(
    items: Sequence[tuple[int, Callable[[], None]]], *, threads: int | None = None
) -> None:
    """Call every (size, work): small ones here, large ones in threads where there are several.

    Hash libraries and the kernel work outside the interpreter's lock on large files only. The
    first exception is raised once all threads have ended.
    """
    large = [work for size, work in items if size > SMALL_BYTES]
    count = min(len(large), threads if threads is not None else (os.cpu_count() or 1))
    if count < 2:
        for _, work in items:
            work()
        return
    failures: list[BaseException] = []

    def drain() -> None:
        while large and not failures:
            try:
                work = large.pop()
            except IndexError:
                return
            try:
                work()
            except BaseException as error:
                failures.append(error)

    workers = [threading.Thread(target=drain, daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    try:
        for size, work in items:
            if size <= SMALL_BYTES and not failures:
                work()
    except BaseException as error:
        failures.insert(0, error)
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
