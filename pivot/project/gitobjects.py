"""Git's objects by name, from one `git cat-file --batch` process however many are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from ..errors import PivotError
from ..values import dataclass

if TYPE_CHECKING:
    import subprocess

_TYPES = (b"blob", b"tree", b"commit", b"tag")
#: Bytes of blobs that are kept, so that versions which share files read each once.
_KEPT_BYTES = 64 << 20
_LARGEST_KEPT = 1 << 20
#: Names asked for at a time: 20 KB, where pipes hold 64.
_AHEAD = 300

EntryKind = Literal["file", "dir", "link", "submodule"]


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

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start
        self._process: subprocess.Popen[bytes] | None = None
        self._trees: dict[str, Mapping[str, Entry]] = {}
        self._blobs: dict[str, bytes] = {}
        self._room = _KEPT_BYTES

    def find(self, name: str) -> tuple[str, str, bytes] | None:
        """(id, type, content) of what `name` names, as git reads names; None where nothing."""
        if "\n" in name or "\0" in name:
            return None
        return self._asked([name])[0]

    def _asked(self, names: Sequence[str]) -> list[tuple[str, str, bytes] | None]:
        """As `find`, of several; they have to fit the pipe together.

        Where git ends for one that is elsewhere, those after it are None too.
        """
        if self._process is None:
            self._process = self._start()
        source = self._process.stdin
        assert source is not None
        found: list[tuple[str, str, bytes] | None] = []
        try:
            source.write("".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
            source.flush()
            for _ in names:
                found.append(self._answer(self._process))
        except OSError:
            self._note_end()
            found += [None] * (len(names) - len(found))
        return found

    def _answer(self, process: subprocess.Popen[bytes]) -> tuple[str, str, bytes] | None:
        """What git says to one name. Raises OSError where it has ended."""
        answers = process.stdout
        assert answers is not None
        head = answers.readline()
        if not head:
            raise OSError
        parts = head.rstrip(b"\n").rsplit(b" ", 2)
        if len(parts) != 3 or parts[1] not in _TYPES or not parts[2].isdigit():
            return None
        data = answers.read(int(parts[2]))
        answers.read(1)
        return parts[0].decode(), parts[1].decode(), data

    def _note_end(self) -> None:
        """Be ready to go on where git ended for an object that a partial clone left elsewhere.

        Raises PivotError where it ended for anything else.
        """
        assert self._process is not None
        errors = self._process.stderr
        said = errors.read().decode("utf-8", "replace").strip().splitlines() if errors else []
        self.close()
        # nor does it go on after a reflog that is shorter than asked for: there is no such name
        if not any("promisor" in line or "fatal: log for" in line for line in said):
            why = f": {said[-1].removeprefix('fatal: ')}" if said else ""
            raise PivotError(
                f"git ended while its objects were read{why}",
                hint="`git fsck` says whether the repository is sound",
            )

    def blob(self, oid: str) -> bytes | None:
        """The content of a file; None where this repository lacks it."""
        kept = self._blobs.get(oid)
        if kept is not None:
            return kept
        found = self.find(oid)
        if found is None:
            return None
        data = found[2]
        self._keep(oid, data)
        return data

    def _keep(self, oid: str, data: bytes) -> None:
        if len(data) <= min(_LARGEST_KEPT, self._room):
            self._room -= len(data)
            self._blobs[oid] = data

    def read_ahead(self, oids: Iterable[str]) -> None:
        """Read files that `blob` is about to be asked for: together they cost a third."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._blobs]
        for start in range(0, len(wanted), _AHEAD):
            # never more than fits the pipe, so that git can answer while we still ask
            batch = wanted[start : start + _AHEAD]
            for oid, found in zip(batch, self._asked(batch), strict=True):
                if found is not None:
                    self._keep(oid, found[2])

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
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with suppress(OSError):  # what was not written is not wanted any more
                        pipe.close()
            process.wait()


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
