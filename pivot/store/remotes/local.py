"""A remote that is a folder: on this disk, or mounted from another machine."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from itertools import count

from ...disk import remove_quietly
from .problems import Kind, RemoteError
from .protocol import Count, Take

_CHUNK_BYTES = 4 << 20
_START = f"{time.time_ns():x}"  # machines that share the folder may have equal process numbers
_serial = count()
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOTDIR, errno.EFBIG)


class FolderStore:
    """Objects as files below a folder, which the first write makes."""

    jobs = 8
    asks_cheaply = True
    lists = True

    def __init__(self, name: str, folder: str) -> None:
        self.name = name
        self.url = folder
        self._made: set[str] = set()

    def size(self, key: str) -> int | None:
        try:
            status = os.stat(self._path(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._problem(error, "look for", key) from None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        waiting = [prefix.rstrip("/")]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self._path(folder)) as entries:
                    listed = list(entries)
                for entry in listed:
                    key = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir():
                        if folder or entry.name != "tmp":
                            waiting.append(key)
                    else:
                        yield key, entry.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                continue  # somebody removes it meanwhile, or nothing was ever written
            except OSError as error:
                raise self._problem(error, "list", folder) from None

    def read(self, key: str, take: Take, *, start: int = 0) -> int:
        try:
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._problem(error, "read", key) from None
        try:
            size = os.fstat(descriptor).st_size
            os.lseek(descriptor, start, os.SEEK_SET)
            buffer = bytearray(max(1, min(_CHUNK_BYTES, size + 1)))
            view = memoryview(buffer)
            while True:
                try:
                    length = os.readv(descriptor, [buffer])
                except OSError as error:
                    raise self._problem(error, "read", key) from None
                if not length:
                    return start
                take(view[:length])
        finally:
            os.close(descriptor)

    def write(self, key: str, data: bytes) -> None:
        temporary = self._temporary()
        try:
            descriptor = self._create(temporary)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
            self._name(temporary, key)
        except OSError as error:
            raise self._problem(error, "write", key) from None
        finally:
            remove_quietly([temporary])

    def send(self, key: str, path: str, *, sent: Count | None = None) -> None:
        from ..placing import clone, copy_bytes

        temporary = self._temporary()
        reading = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            writing = self._create(temporary)
            try:
                if clone(reading, writing):
                    if sent is not None:
                        sent(os.fstat(reading).st_size)
                else:
                    copy_bytes(reading, writing, sent)
            finally:
                os.close(writing)
            self._name(temporary, key)
        except OSError as error:
            raise self._problem(error, "write", key) from None
        finally:
            os.close(reading)
            remove_quietly([temporary])

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                os.unlink(self._path(key))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise self._problem(error, "remove", key) from None

    def check(self) -> None:
        if not os.path.isdir(self.url):
            raise RemoteError("place", self.name, f"there is no folder '{self.url}'")

    def prepare(self, *, was_used: bool, anywhere: bool = False) -> None:
        """Make the folder for its first objects. Raises RemoteError where it should be there.

        So it should where it `was_used`; and what it lies in, unless it may be made `anywhere`.
        """
        if os.path.isdir(self.url):
            return
        above = os.path.dirname(self.url)
        if was_used:
            what = f"there is no folder '{self.url}', and there was one when it was last used"
        elif not anywhere and not os.path.isdir(above):
            what = f"there is no folder '{above}' in which '{self.url}' could be made"
        else:
            try:
                os.makedirs(self.url, exist_ok=True)
            except OSError as error:
                raise self._problem(error, "make", "") from None
            return
        hint = f"mount it where it is a share; `mkdir -p '{self.url}'` where it is to begin empty"
        raise RemoteError("place", self.name, what, hint=hint)

    def close(self) -> None:
        return

    def _path(self, key: str) -> str:
        return f"{self.url}/{key}"

    def _temporary(self) -> str:
        return f"{self.url}/tmp/{_START}-{os.getpid()}-{next(_serial)}"  # noqa: S108 (below the remote)

    def _create(self, temporary: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(temporary, flags, 0o444)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(temporary), exist_ok=True)
            return os.open(temporary, flags, 0o444)

    def _name(self, temporary: str, key: str) -> None:
        path = self._path(key)
        folder = os.path.dirname(path)
        if folder not in self._made:
            os.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        os.replace(temporary, path)

    def _problem(self, error: OSError, doing: str, key: str) -> RemoteError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        kind: Kind = "other"
        if error.errno == errno.ENOENT:
            kind = "absent" if os.path.isdir(self.url) else "place"
        elif error.errno in (errno.EACCES, errno.EPERM):
            kind = "denied"
        elif error.errno in _NO_SPACE:
            kind = "disk"
        elif error.errno in (errno.ETIMEDOUT, errno.ESTALE, errno.EHOSTDOWN):
            kind = "network"
        if kind == "place":
            return RemoteError(kind, self.name, f"there is no folder '{self.url}'")
        where = f"'{self.url}/{key}'" if key else f"'{self.url}'"
        what = f"cannot {doing} {where}: {reason[:1].lower()}{reason[1:]}"
        return RemoteError(kind, self.name, what)
