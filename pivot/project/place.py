"""Where the state database may lie: in the project, unless that is on a network file system."""

from __future__ import annotations

import os

import xxhash

#: Locks and shared memory of sqlite are unreliable on these.
_NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"),
        *("nfs4", "pvfs2", "smb3", "smbfs", "wekafs", "fuse.ceph", "fuse.gcsfuse", "fuse.goofys"),
        *("fuse.glusterfs", "fuse.lustre", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    )
)


def state_path(root: str, scratch: str) -> str:
    """Where to keep the state of the project at `root`, whose own folder is `scratch`."""
    if file_system(root) not in _NETWORK:
        return os.path.join(scratch, "state.db")
    return user_state_path(root)


def user_state_path(root: str) -> str:
    """Where to keep the state of what lies at `root`, and must not or cannot be written there."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    name = xxhash.xxh3_128_hexdigest(os.fsencode(os.path.realpath(root)))
    return os.path.join(base, "pivot", "state", f"{name}.db")


def file_system(path: str, mounts: str = "/proc/self/mounts") -> str:
    """The type of file system that `path` lies on ('' where the system does not tell)."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return ""
    real = os.path.realpath(path)
    best, found = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1]
        if "\\" in point:
            point = point.encode("latin-1", "ignore").decode("unicode_escape")
        # later mounts hide earlier ones of the same folder
        if len(point) >= best and (real == point or real.startswith(point.rstrip("/") + "/")):
            best, found = len(point), fields[2]
    return found
