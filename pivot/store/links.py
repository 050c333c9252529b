"""Outputs that are links into the cache: recognizing them, and making them the user's own."""

from __future__ import annotations

import os
import stat

from ..disk import explain, temporary_name
from ..errors import StoreError
from ..scan import scan_folder
from .placing import copy_bytes, remove_any, swap_in


def is_protected(path: str, cache: str | None = None) -> bool:
    """Whether the file, or any file of the folder, is a link into the cache or read-only.

    With `cache` (its folder) only symbolic links into it count; links of the user's own do not.
    """
    return any(_is_link(name, cache) for name in _files(path, cache))


def unprotect(path: str, cache: str | None = None) -> int:
    """Replace every link into the cache by an independent, writable copy; how many there were.

    Each file changes in one instant. Raises StoreError; then that file is as it was.
    """
    changed = 0
    for name in _files(path, cache):
        if _is_link(name, cache):
            _free(name)
            changed += 1
    return changed


def _files(path: str, cache: str | None) -> list[str]:
    try:
        status = os.lstat(path)
    except OSError as error:
        raise explain(error, "read", path) from None
    if stat.S_ISDIR(status.st_mode):
        return [f"{path}/{relpath}" for relpath, _ in scan_folder(path, cache=cache)]
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise StoreError(f"'{path}' is neither a file nor a folder")
    return [path]


def _is_link(path: str, cache: str | None) -> bool:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return cache is None or os.path.realpath(path).startswith(os.path.realpath(cache) + "/")
    return status.st_mode & 0o222 == 0


def _free(path: str) -> None:
    status = os.lstat(path)
    try:
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            os.chmod(path, status.st_mode | 0o200)
            return
        temporary = temporary_name(path)
        try:
            reading = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                executable = os.fstat(reading).st_mode & 0o100
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                writing = os.open(temporary, flags, 0o777 if executable else 0o666)
                try:
                    copy_bytes(reading, writing, None)
                finally:
                    os.close(writing)
            finally:
                os.close(reading)
            swap_in(temporary, path)
        finally:
            remove_any(temporary)
    except OSError as error:
        raise explain(error, "unprotect", path) from None
