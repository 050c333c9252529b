"""Stat numbers: what changes whenever a file may have changed, and when they can be trusted.

Imports nothing, so that the quickest answers can use it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

#: (mtime_ns, ctime_ns, size, inode, mode): equal where a file was certainly not touched.
Signature = tuple[int, int, int, int, int]

#: Kernels stamp files with a clock that ticks up to every 10 ms.
TICK_NS = 20_000_000
#: File systems that keep whole seconds (FAT keeps every second one).
COARSE_TICK_NS = 2_000_000_000


def signature(status: os.stat_result) -> Signature:
    """The numbers of `status` that change with content, name or kind."""
    return (
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_ino,
        status.st_mode,
    )


def is_settled(status: Signature, started: int) -> bool:
    """Whether any change after `started` must show in the signature.

    A file that was changed within one tick of the file system's clock before it was read could
    be changed again without its timestamps moving; git calls such entries racy. The change time
    counts, since programs can set the modification time and not this one; where it may be of
    little worth (file systems of whole seconds), the later of both.
    """
    changed = status[1]
    if changed % 1_000_000_000:
        return changed + TICK_NS <= started
    return max(changed, status[0]) + COARSE_TICK_NS <= started
