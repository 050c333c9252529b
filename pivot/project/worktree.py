"""The project's files on disk as a Tree."""

from __future__ import annotations

import os
import stat
import time
from typing import Literal

from ..disk import explain
from ..stamp import Signature, is_settled, signature


class WorkTree:
    """Read access to the work tree below `root`. Reading a file again while it is unchanged
    returns the bytes read before; links are followed; paths may climb out with `..`."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self._read: dict[str, tuple[Signature, bytes]] = {}

    def path(self, path: str) -> str:
        """The absolute path of a project-relative one; absolute ones stay."""
        return path if path.startswith("/") else f"{self.root}/{path}"

    def read(self, path: str) -> bytes | None:
        """The content of the file; None where there is no file. Raises StoreError."""
        name = self.path(path)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise explain(error, "read", path) from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            before = signature(status)
            known = self._read.get(path)
            if known is not None and known[0] == before:
                return known[1]
            started = time.time_ns()
            data = os.read(descriptor, status.st_size + 1)
            if len(data) != status.st_size:
                chunks = [data]
                while chunk := os.read(descriptor, 1 << 20):
                    chunks.append(chunk)
                data = b"".join(chunks)
        except OSError as error:
            raise explain(error, "read", path) from None
        finally:
            os.close(descriptor)
        if is_settled(before, started):
            self._read[path] = (before, data)
        return data

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        """What lies at `path`, links followed. Sockets, pipes and devices count as nothing."""
        try:
            mode = os.stat(self.path(path)).st_mode
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(mode):
            return "dir"
        return "file" if stat.S_ISREG(mode) else None

    def list(self, path: str) -> tuple[tuple[str, bool], ...]:
        """The entries of the folder, sorted; () where there is none. Raises StoreError."""
        try:
            with os.scandir(self.path(path)) as entries:
                return tuple(sorted((entry.name, _is_dir(entry)) for entry in entries))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise explain(error, "read the folder", path) from None

    def signature(self, path: str) -> Signature | None:
        """The stat numbers of the file or folder; None where there is neither.

        A folder's change with the names in it. Two equal signatures mean equal content only
        where the file had been left alone for a moment (`scan.is_settled`) when the first was
        taken: whoever keeps one across runs asks that first.
        """
        try:
            return signature(os.stat(self.path(path)))
        except (OSError, ValueError):
            return None


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads back to itself
