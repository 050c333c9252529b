"""Git's objects by name, from one `git cat-file --batch` process however many are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, Any, Literal, Protocol

from ..errors import PivotError
from ..values import dataclass

_TYPES = (b"blob", b"tree", b"commit", b"tag")
#: Bytes of blobs that are kept, so that versions which share files read each once.
_KEPT_BYTES = 64 << 20
_LARGEST_KEPT = 1 << 20

EntryKind = Literal["file", "dir", "link", "submodule"]


class Process(Protocol):
    """The running `git cat-file --batch`."""

    @property
    def stdin(self) -> IO[bytes]: ...

    @property
    def stdout(self) -> IO[bytes]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder of a revision."""

    kind: EntryKind
    oid: str
    executable: bool = False


class Objects:
    """Reads objects; `start` starts the process, when the first is wanted. Close it at the end.

    What is read is kept: trees all, blobs up to some size, since most versions of a project share
    most of them.
    """

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start
        self._process: Any = None
        self._trees: dict[str, Mapping[str, Entry]] = {}
        self._blobs: dict[str, bytes] = {}
        self._room = _KEPT_BYTES

    def find(self, name: str) -> tuple[str, str, bytes] | None:
        """(id, type, content) of what `name` names, as git reads names; None where nothing."""
        if "\n" in name or "\0" in name:
            return None
        process = self._running()
        try:
            process.stdin.write(name.encode("utf-8", "surrogateescape") + b"\n")
            process.stdin.flush()
            head = process.stdout.readline()
            parts = head.rstrip(b"\n").rsplit(b" ", 2)
            if len(parts) != 3 or parts[1] not in _TYPES or not parts[2].isdigit():
                if not head:
                    raise OSError
                return None
            data = process.stdout.read(int(parts[2]))
            process.stdout.read(1)
        except (OSError, ValueError):
            raise PivotError(
                "git ended while its objects were read",
                hint="`git fsck` says whether the repository is sound",
            ) from None
        return parts[0].decode(), parts[1].decode(), data

    def blob(self, oid: str) -> bytes | None:
        """The content of a file; None where this repository lacks it."""
        kept = self._blobs.get(oid)
        if kept is not None:
            return kept
        found = self.find(oid)
        if found is None:
            return None
        data = found[2]
        if len(data) <= min(_LARGEST_KEPT, self._room):
            self._room -= len(data)
            self._blobs[oid] = data
        return data

    def tree(self, oid: str) -> Mapping[str, Entry] | None:
        """The names in a folder; None where this repository lacks it."""
        kept = self._trees.get(oid)
        if kept is None:
            found = self.find(oid)
            if found is None:
                return None
            kept = self._trees[oid] = _parsed_tree(found[2], len(oid) // 2)
        return kept

    def close(self) -> None:
        """End the process; asking again starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def _running(self) -> Process:
        if self._process is None:
            self._process = self._start()
        running: Process = self._process
        return running


def _parsed_tree(data: bytes, width: int) -> dict[str, Entry]:
    """The entries of a tree object: `<mode> <name>\\0<id>`, ids of `width` bytes."""
    found: dict[str, Entry] = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        mode = data[at:space]
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        at = end + 1 + width
        found[name] = Entry(_kind(mode), data[end + 1 : at].hex(), mode == b"100755")
    return found


def _kind(mode: bytes) -> EntryKind:
    if mode == b"40000":
        return "dir"
    if mode == b"120000":
        return "link"
    return "submodule" if mode == b"160000" else "file"
