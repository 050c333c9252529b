"""Putting bytes where they belong in one instant: objects into the cache, files into place."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from ..disk import explain, remove_quietly, temporary_name

Progress = Callable[[int], None]
#: How files appear in the work tree: `copy` (a reflink where that can be), `hardlink`, `symlink`,
#: or several to be tried in turn, `reflink` among them: `reflink,hardlink`.
Link = str

_FICLONE = 0x40049409
_CHUNK_BYTES = 8 << 20
#: What a file system answers that has no reflinks, or none between these two files.
_NO_CLONE = frozenset(
    (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM)
)
#: What a file system answers that cannot link this file once more.
_NO_LINK = frozenset((errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS))

_no_clone_between: set[tuple[int, int]] = set()


def clone(source: int, target: int) -> bool:
    """Whether `target` became a reflink of `source` (both descriptors): shared until changed."""
    devices = (os.fstat(source).st_dev, os.fstat(target).st_dev)
    if devices in _no_clone_between:
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno not in _NO_CLONE:
            raise
        _no_clone_between.add(devices)
        return False
    return True


def copy_bytes(source: int, target: int, progress: Progress | None) -> None:
    """Copy from one descriptor to another, within the kernel where it can."""
    offset = 0
    while True:
        try:
            count = os.copy_file_range(source, target, _CHUNK_BYTES)
        except (OSError, AttributeError) as error:
            if offset or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            break
        if not count:
            if offset:
                return
            break  # some file systems (/proc, FUSE) say 0 and have bytes all the same
        offset += count
        if progress is not None:
            progress(count)
    while chunk := os.read(source, _CHUNK_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
        if progress is not None:
            progress(len(chunk))


def try_links(source: str, target: str, link: Link) -> bool:
    """Whether `target` became one of the links to `source`; False where it is to be a copy."""
    return any(_try_link(source, target, kind) for kind in link.split(",") if kind != "copy")


def _try_link(source: str, target: str, kind: str) -> bool:
    try:
        if kind == "hardlink":
            os.link(source, target)
        elif kind == "symlink":
            os.symlink(source, target)
        else:
            return _try_reflink(source, target)
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        raise
    return True


def _try_reflink(source: str, target: str) -> bool:
    with open(source, "rb") as reading, open(target, "xb") as writing:
        if clone(reading.fileno(), writing.fileno()):
            return True
    os.unlink(target)
    return False


def swap_in(temporary: str, target: str) -> None:
    """Give the finished file or folder `temporary` the name `target`, whatever lies there.

    A file over a file, link or nothing, and a folder over a folder where the file system can
    exchange names, happen in one instant. In the other cases what lay there is first moved to a
    name beside it, and moved back if the second step fails.
    """
    try:
        status = os.lstat(target)
    except FileNotFoundError:
        os.rename(temporary, target)
        return
    folder_there = stat.S_ISDIR(status.st_mode)
    folder_comes = stat.S_ISDIR(os.lstat(temporary).st_mode)
    if not folder_there and not folder_comes:
        os.replace(temporary, target)
        # rename does nothing where both names are links to one file already
        remove_quietly([temporary])
        return
    if _exchange(temporary, target):
        remove_any(temporary)
        return
    aside = temporary_name(target)
    os.rename(target, aside)
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(aside, target)
        raise
    remove_any(aside)


def _exchange(first: str, second: str) -> bool:
    # 10 ms to import; needed only where a folder is replaced
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    at_cwd, exchange = -100, 2
    return bool(renameat2(at_cwd, os.fsencode(first), at_cwd, os.fsencode(second), exchange) == 0)


def remove_any(path: str) -> None:
    """Remove the file, link or folder at `path`, read-only folders inside included."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(mode):
        remove_quietly([path])
        return
    import shutil  # 2 ms; only where a folder is removed

    try:
        try:
            shutil.rmtree(path)
        except PermissionError:
            _open_up(path)
            shutil.rmtree(path)
    except FileNotFoundError:
        return  # somebody else is removing it as well
    except OSError as error:
        raise explain(error, "remove", path) from None


def _open_up(folder: str) -> None:
    """Let the owner read and change the folder and all folders in it."""
    os.chmod(folder, 0o700)
    with os.scandir(folder) as entries:
        inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for path in inner:
        _open_up(path)
