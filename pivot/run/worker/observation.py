"""Noting which project files a process opens and which project modules it imports.

In a stage's own process the notes stay in memory. Processes that it forks, and the Python
processes of command stages, append each note to a report file as it is made, so that nothing is
lost with a process that is killed or leaves by `os._exit`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .imports import ContentLoader
from .places import Places

# `typing` would cost every Python process of a command 5 ms: nothing here imports it

#: `report:folder:folder...`: where to report, and the folders that hold the project.
REPORT_VARIABLE = "PIVOT_OBSERVE"

#: More distinct files than this are not noted.
MAX_FILES = 100_000

_WRITING = os.O_WRONLY | os.O_RDWR


class Observation:
    """The notes of one process. `start` cannot be undone, only silenced by `stop`."""

    def __init__(
        self, places: Places, known: Sequence[str] = (), report: str | None = None
    ) -> None:
        self._places = places
        self._root = places.root
        self._known = known
        self._report = report
        self._streaming = False
        self._descriptor = -1
        self._active = False
        self._cwd: str | None = None
        self._raw: set[tuple[str, bool]] = set()  # as given to open()
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._names: list[str] = []  # modules being imported, for a stream

    def start(self, *, stream: bool = False) -> None:
        """Begin noting; with `stream`, straight into the report file."""
        self._streaming = stream
        self._active = True
        self._pid = os.getpid()
        if stream:
            # importlib.import_module raises no audit event
            ContentLoader.noted = self._note_module
        elif self._report is not None:
            os.register_at_fork(after_in_child=self._stream_from_here)
        sys.addaudithook(self._hook)

    def stop(self) -> None:
        """Note nothing any more."""
        self._active = False

    def finish(self, before: frozenset[str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """The files of project modules loaded now but not `before`, and files opened that still
        exist, relative to the root; those of forked processes included.
        """
        self.stop()
        modules: dict[str, str] = {}
        files: set[str] = set()
        for name in _since(before):
            file = getattr(sys.modules.get(name), "__file__", None)
            if isinstance(file, str) and self._places.holds(file):
                files.add(file)
                modules[name] = _relative(file, self._root)
        opened: dict[str, str] = {}
        for path in self._read | self._written:
            if path not in files and not _is_within_any(path, self._known):
                mode = ("r" if path in self._read else "") + ("w" if path in self._written else "")
                opened[_relative(path, self._root)] = mode
        if self._report is not None:
            merge_report(self._report, self._root, self._known, modules, opened)
        for file in files:
            opened.pop(_relative(file, self._root), None)
        return modules, sorted(
            entry for entry in opened.items() if os.path.exists(os.path.join(self._root, entry[0]))
        )

    # --- the hook: runs at every audited event of the user's code -----------------------------

    def _hook(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            if self._active:
                flags = args[2]
                self._note(args[0], isinstance(flags, int) and bool(flags & _WRITING))
        elif event == "import":
            if self._streaming and self._active:
                self._names.append(str(args[0]))
        elif event == "cpython.run_file":
            if self._streaming and self._active:
                self._note_script(args[0])
        elif event == "os.rename":
            if self._active:  # the usual end of an atomic write
                self._note(args[1], True)
        elif event == "sqlite3.connect":
            if self._active:
                self._note(args[0], True)
        elif event == "os.chdir":
            self._cwd = None
            self._raw.clear()

    def _note(self, given: object, writing: bool) -> None:
        try:
            if isinstance(given, str):
                path = given
            elif isinstance(given, bytes):
                path = os.fsdecode(given)
            else:
                return  # a descriptor
            if path[:1] == os.sep and not path.startswith(self._places.prefixes):
                return
            if (path, writing) in self._raw or len(self._raw) > MAX_FILES:
                return
            self._raw.add((path, writing))
            if path[:1] != os.sep:
                if self._cwd is None:
                    self._cwd = os.getcwd()
                path = os.path.join(self._cwd, path)
            path = _source_of(os.path.normpath(path))
            if self._places.holds(path):
                self._keep(path, writing)
        except Exception:  # noqa: S110 - a note must never fail what it is about
            pass

    def _keep(self, path: str, writing: bool) -> None:
        known = self._written if writing else self._read
        if path in known:
            return
        known.add(path)
        if self._streaming:
            name = None if writing else self._module_of(path)
            if name is not None:
                self._emit("m", f"{name}\1{path}")
            else:
                self._emit("w" if writing else "r", path)

    # --- streaming -----------------------------------------------------------------------------

    def _stream_from_here(self) -> None:
        """In a forked process: what was noted before is its parent's to report."""
        self._streaming = True
        self._descriptor = -1
        ContentLoader.noted = self._note_module

    def _note_module(self, name: str, path: str) -> None:
        if self._active:
            self._emit("m", f"{name}\1{path}")

    def _note_script(self, given: object) -> None:
        try:
            path = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(str(given))))
            if self._places.holds(path):
                self._emit("m", f"file:{os.path.relpath(path, self._root)}\1{path}")
        except Exception:  # noqa: S110 - a note must never fail what it is about
            pass

    def _module_of(self, path: str) -> str | None:
        """The module that is being imported from `path`: its name ends the path."""
        stem, _, _ = path.rpartition(os.sep + "__init__.")
        if not stem:
            folder, file = os.path.split(path)
            stem = os.path.join(folder, file.partition(".")[0])
        for name in reversed(self._names):
            if stem.endswith(os.sep + name.replace(".", os.sep)):
                return name
        return None

    def _emit(self, kind: str, text: str) -> None:
        if self._descriptor < 0 and self._report is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            self._active = False
            try:
                self._descriptor = os.open(self._report, flags, 0o600)
            finally:
                self._active = True
        os.write(self._descriptor, kind.encode() + os.fsencode(text) + b"\0")


def _since(before: frozenset[str]) -> list[str]:
    """The modules that were loaded after those of `before`.

    The newest come last; going through all, where pandas is loaded, costs more than the rest of
    a small stage, since it takes a forked process its own copy of what it merely looks at.
    """
    found = []
    known = 0
    added = len(sys.modules) - len(before)  # at least; some of `before` may have gone
    for name in reversed(sys.modules):
        if name not in before:
            found.append(name)
            known = 0
        else:
            known += 1
            # reloading may have moved a few of them to the end
            if known > (10 if len(found) >= added else 100):
                break
    return found


def merge_report(
    report: str, root: str, known: Sequence[str], modules: dict[str, str], opened: dict[str, str]
) -> None:
    """Add what other processes wrote to file `report`, and remove it."""
    try:
        with open(report, "rb") as stream:
            entries = stream.read().split(b"\0")[:-1]
        os.unlink(report)
    except OSError:
        return
    files: set[str] = set()
    for entry in entries:
        kind, text = entry[:1], os.fsdecode(entry[1:])
        if kind == b"m":
            name, _, text = text.partition("\1")
            relative = modules[name] = os.path.relpath(text, root)
            files.add(relative)
            continue
        relative = os.path.relpath(text, root)
        if not _is_within_any(text, known) and os.path.exists(text):
            letters = opened.get(relative, "") + kind.decode()
            opened[relative] = ("r" if "r" in letters else "") + ("w" if "w" in letters else "")
    for relative in files:
        opened.pop(relative, None)


def _relative(path: str, root: str) -> str:
    """`os.path.relpath`, which makes both absolute again each time."""
    if path.startswith(root) and path[len(root) : len(root) + 1] == os.sep:
        inner = path[len(root) + 1 :]
        if inner[:1] not in ("", os.sep) and os.path.normpath(inner) == inner:
            return inner
    return os.path.relpath(path, root)


def _source_of(path: str) -> str:
    """`pkg/x.py` for `pkg/__pycache__/x.cpython-311.pyc`; other paths as they are."""
    if not path.endswith(".pyc"):
        return path
    folder, name = os.path.split(path)
    above, cache = os.path.split(folder)
    if cache != "__pycache__":
        return path
    return os.path.join(above, name.partition(".")[0] + ".py")


def _is_within_any(path: str, folders: Sequence[str]) -> bool:
    for folder in folders:
        if path == folder or path.startswith(folder.rstrip(os.sep) + os.sep):
            return True
    return False
