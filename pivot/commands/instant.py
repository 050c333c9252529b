"""Answers a bare `pivot repro`, `plan` or `status` from stat numbers alone, where nothing changed.

The last such command that had nothing to do left a witness: every file and folder it depended
on, with stat numbers, and what it printed. Where all of them still hold, the same answer holds.
Anything unclear is left to the ordinary command. Imports next to nothing: that is its purpose.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys

from .. import __version__
from ..stamp import is_settled, signature

TYPE_CHECKING = False  # typing costs 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..stamp import Signature

FORMAT = f"3:{__version__}:{sys.hexversion}"

#: The commands that leave a witness, by their whole command line.
COMMANDS: dict[tuple[str, ...], str] = {
    ("repro",): "repro",
    ("status",): "status",
    ("plan",): "plan",
    ("repro", "-n"): "plan",
    ("repro", "--dry-run"): "plan",
    ("repro", "--dry"): "plan",
}

#: Files whose stat numbers changed are compared by content up to this many; more are unclear.
MOST_CHANGED = 64

#: Variables that decide which interpreter, configuration, home and git index a command sees.
_VARIABLES = (
    "HOME", "PATH", "VIRTUAL_ENV", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "CONDA_PREFIX",
    "PYTHONPATH", "PYTHONUSERBASE", "PYTHONNOUSERSITE",
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES",
)  # fmt: skip

_SEAL_BYTES = 16


def answer(argv: list[str]) -> str | None:
    """What the command would print, knowing that it has nothing to do; None where unclear."""
    name = COMMANDS.get(tuple(argv))
    if name is None or is_off():
        return None
    cwd = os.getcwd()
    root = _root_above(cwd)
    if root is None:
        return None
    path = witness_path(root, name)
    try:
        with open(path, "rb") as stream:
            parts = opened(stream.read())
    except OSError:
        return None
    if parts is None:
        return None
    form, text, place, environment, files, folders, kinds = parts
    if place != place_of(root, cwd) or environment != relevant_environment(environment):
        return None
    moved = _changed_files(root, files) if _is_idle(root) else None
    if moved is None or not _same_folders(root, folders) or not _same_kinds(root, kinds):
        return None
    if moved:
        form_now = (form, text, place, environment, {**files, **moved}, folders, kinds)
        _replace(path, sealed(form_now))
    return str(text)


def is_off() -> bool:
    """Whether the user wants every answer worked out anew."""
    return os.environ.get("PIVOT_INSTANT") == "0"


def place_of(root: str, cwd: str) -> list[str]:
    """Where, and by which Python, an answer holds."""
    return [root, cwd, sys.executable]


def sealed(parts: tuple[Any, ...]) -> bytes:
    """The bytes of a witness, with a checksum before them."""
    data = marshal.dumps(parts)
    return _checksum(data) + data


def opened(data: bytes) -> tuple[Any, ...] | None:
    """The parts of a witness; None where it is damaged or of another version."""
    body = data[_SEAL_BYTES:]
    if _checksum(body) != data[:_SEAL_BYTES]:
        return None
    parts: tuple[Any, ...] = marshal.loads(body)  # noqa: S302 (our own, whole)
    return parts if parts[0] == FORMAT else None


def _checksum(data: bytes) -> bytes:
    import _blake2  # hashlib's own, without its 2 ms of import

    return _blake2.blake2b(data, digest_size=_SEAL_BYTES).digest()


def witness_path(root: str, name: str) -> str:
    """Where the witness of a command lies."""
    return os.path.join(root, ".pivot", "tmp", f"instant-{name}")


def _is_idle(root: str) -> bool:
    """Whether no run is going on, and none that died has left something to put right."""
    try:
        return os.stat(os.path.join(root, ".pivot", "tmp", "journal")).st_size == 0
    except OSError:
        return True


def relevant_environment(tracked: Mapping[str, str]) -> dict[str, str]:
    """A digest of each variable that counts: ours, and those that `tracked` names."""
    names = {*_VARIABLES, *tracked}
    names.update(name for name in os.environ if name.startswith("PIVOT_"))
    names.discard("PIVOT_INSTANT")
    return {name: _digest(os.environ.get(name)) for name in sorted(names)}


def _digest(value: str | None) -> str:
    return "" if value is None else _checksum(value.encode("utf-8", "surrogateescape")).hex()


def _root_above(folder: str) -> str | None:
    while True:
        if os.path.isdir(os.path.join(folder, ".pivot")):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _changed_files(
    root: str, files: Mapping[str, tuple[Signature, str] | None]
) -> dict[str, tuple[Signature, str]] | None:
    """Files with other stat numbers and the same content, settled ones; None: one has changed."""
    prefix = root + "/"
    look = os.stat
    suspects: list[tuple[str, str, os.stat_result]] = []
    for path, known in files.items():
        place = path if path.startswith("/") else prefix + path
        try:
            status = look(place)
        except OSError:
            if known is None:
                continue
            return None
        if known is None:
            return None
        if signature(status) != known[0]:
            if status.st_size != known[0][2] or not stat.S_ISREG(status.st_mode) or not known[1]:
                return None
            suspects.append((path, known[1], status))
    if len(suspects) > MOST_CHANGED:
        return None
    return _compare(prefix, suspects) if suspects else {}


def _compare(
    prefix: str, suspects: list[tuple[str, str, os.stat_result]]
) -> dict[str, tuple[Signature, str]] | None:
    # 10 ms to import, and needed only where something was touched
    import time

    from ..digest import hash_file

    moved: dict[str, tuple[Signature, str]] = {}
    for path, digest, status in suspects:
        started = time.time_ns()
        place = path if path.startswith("/") else prefix + path
        try:
            now = hash_file(digest.partition(":")[0], place)
            after = os.stat(place)
        except (OSError, ValueError):
            return None
        if str(now) != digest or signature(after) != signature(status):
            return None
        if is_settled(signature(after), started):
            moved[path] = (signature(after), digest)
    return moved


def _same_folders(root: str, folders: Mapping[str, Any]) -> bool:
    """Whether each folder holds the same names: by its stat numbers, else by listing it."""
    prefix = root + "/"
    for path, (known, names) in folders.items():
        place = path if path.startswith("/") else prefix + path
        try:
            if signature(os.stat(place)) != known and sorted(os.listdir(place)) != names:
                return False
        except OSError:
            return False
    return True


def _same_kinds(root: str, kinds: Mapping[str, str | None]) -> bool:
    prefix = root + "/"
    return all(
        kind_at(path if path.startswith("/") else prefix + path) == kind
        for path, kind in kinds.items()
    )


def kind_at(path: str) -> str | None:
    """'file', 'dir' or None: what lies at an absolute path, links followed."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None
    return "dir" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else None


def _replace(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except OSError:
        return  # the next command compares again


def walk(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, names of folders, names of files) at and below an absolute path."""
    pending = [folder]
    while pending:
        here = pending.pop()
        inner: list[str] = []
        files: list[str] = []
        with os.scandir(here) as entries:
            for entry in entries:
                (inner if entry.is_dir() else files).append(entry.name)
        yield here, inner, files
        pending += [f"{here}/{name}" for name in inner]
