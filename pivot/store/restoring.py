"""Making files and folders of the work tree from objects, at a temporary name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from ..digest import Digest
from ..model import Manifest
from ..scan import SMALL_BYTES, content_mark
from .placing import Link, Progress, clone, copy_bytes, try_links

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def place_file(
    digest: Digest, source: str, temporary: str, link: Link, progress: Progress | None
) -> None:
    """Make `temporary` from the object at `source`. Raises OSError.

    Links share the object's permissions, so executable files are copied.
    """
    if link != "copy" and not digest.executable and try_links(source, temporary, link):
        if progress is not None:
            progress(os.stat(source).st_size)
        return
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(reading).st_size
        writing = os.open(temporary, _CREATE, 0o777 if digest.executable else 0o666)
        try:
            if size <= SMALL_BYTES:
                view = memoryview(os.read(reading, size + 1))
                while view:
                    view = view[os.write(writing, view) :]
                if progress is not None:
                    progress(size)
            elif clone(reading, writing):
                if progress is not None:
                    progress(size)
            else:
                copy_bytes(reading, writing, progress)
            os.utime(writing, ns=_times(digest.value, size))
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def place_tree(
    manifest: Manifest,
    locate: Callable[[Digest], str],
    temporary: str,
    link: Link,
    progress: Progress | None,
    *,
    kept: Mapping[str, Digest],
    present_at: str,
) -> None:
    """Make the folder `temporary` hold exactly the files of `manifest`. Raises OSError.

    Files that `kept` says lie equal below `present_at` get a second name instead of new bytes,
    where they are plain files with a name of their own.
    """
    os.mkdir(temporary)
    made = {""}
    for entry in manifest.entries:
        folder = entry.path.rpartition("/")[0]
        if folder not in made:
            os.makedirs(f"{temporary}/{folder}", exist_ok=True)
            made.add(folder)
        target = f"{temporary}/{entry.path}"
        digest = entry.digest
        if link == "copy" and kept.get(entry.path) == digest:
            there = f"{present_at}/{entry.path}"
            if _carry_over(there, target, digest):
                continue
        place_file(digest, locate(digest), target, link, progress)


def keep_ignored(present_at: str, temporary: str, skip: Callable[[str, bool], bool]) -> None:
    """Give what lies ignored in the folder `present_at` a second name in `temporary`.

    It is no part of what is stored, and must not go when the folder is exchanged. Raises OSError.
    """
    try:
        entries = list(os.scandir(present_at))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        target = f"{temporary}/{entry.name}"
        is_folder = entry.is_dir(follow_symlinks=False)
        if not skip(entry.path, is_folder):
            if is_folder and not os.path.isfile(target):
                keep_ignored(entry.path, target, skip)
        elif not os.path.lexists(target):
            if is_folder:
                os.makedirs(target)
                keep_ignored(entry.path, target, lambda _path, _is_folder: True)
            else:
                os.makedirs(temporary, exist_ok=True)
                os.link(entry.path, target, follow_symlinks=False)


def _carry_over(source: str, target: str, digest: Digest) -> bool:
    try:
        status = os.lstat(source)
        # a link to something, or a second name of a cache object, stays what it is
        plain = status.st_mode & 0o170000 == 0o100000 and status.st_nlink == 1
        if not plain or bool(status.st_mode & 0o100) != digest.executable:
            return False
        os.link(source, target, follow_symlinks=False)
    except OSError:
        return False
    return True


def _times(value: str, size: int) -> tuple[int, int]:
    # as objects have them: whoever observes the file later can tell that it is unchanged
    now = time.time_ns()
    return now, now - now % 1_000_000_000 + content_mark(value, size) - 1_000_000_000
