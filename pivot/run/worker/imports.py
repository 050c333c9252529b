"""Importing project modules as they stand on disk.

Python's bytecode files count as valid by the source's size and whole seconds of its time, so a
quick edit would run the old code. Ours are found by path and valid by content; they lie below
`.pivot`, and the project's folders stay free of `__pycache__`.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from importlib.util import MAGIC_NUMBER
from types import CodeType

from .places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.abc import PathEntryFinder

# `typing` would cost every Python process of a command 5 ms: nothing here imports it


_NAME = f"{sys.implementation.cache_tag}.opt-{sys.flags.optimize}"
#: Whose modules are imported by content; None: nobody's yet.
_places: Places | None = None
#: By whom, and how many there were, when finders of the project's folders were last let go.
_looked_through: tuple[Places | None, int] = (None, 0)


def prepare() -> None:
    """Make ready what `install` needs; nothing is imported otherwise yet."""
    if _hook not in sys.path_hooks:
        sys.path_hooks.insert(0, _hook)


def install(places: Places) -> None:
    """Import the project's modules by content from here on."""
    global _places
    prepare()
    _places = places
    ContentLoader.cache = os.path.join(places.root, ".pivot", "tmp", "pycache", _NAME)
    forget(places)


def forget(places: Places) -> None:
    """Let go of how the import system meant to import from the project's folders; once is
    enough until something is imported.
    """
    global _looked_through
    seen = sys.path_importer_cache
    if _looked_through != (places, len(seen)):
        for path in list(seen):
            if places.holds(os.path.join(path, "")):
                del seen[path]
        _looked_through = (places, len(seen))


class ContentLoader(SourceFileLoader):
    """Loads a source file by way of bytecode that was compiled from the same bytes."""

    cache = ""
    noted: Callable[[str, str], None] | None = None  # told the name and path of what is imported

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if ContentLoader.noted is not None:
            ContentLoader.noted(fullname, path)
        source = _content(path)
        header = MAGIC_NUMBER + _hash(source) + len(source).to_bytes(8, "little")
        kept = os.path.join(self.cache, _hash(os.fsencode(path)).hex())
        code = _read(kept, header)
        if code is None or code.co_filename != path:
            code = self.source_to_code(source, path)
            # `PYTHONDONTWRITEBYTECODE`, which images set, is about files beside the sources;
            # without ours each process of a run would compile the whole project again
            _write(self.cache, kept, header + marshal.dumps(code))
        return code


_finder = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES), (ContentLoader, SOURCE_SUFFIXES)
)


def _hook(path: str) -> PathEntryFinder:
    if _places is None or not _places.holds(os.path.join(path, "")):
        raise ImportError(path)
    return _finder(path)


def _content(path: str) -> bytes:
    """What the file at `path` holds, with half of the system calls of `open`. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.read(descriptor, os.fstat(descriptor).st_size + 1)
        more = data
        while more:
            # the end, unless it is being written, or is no ordinary file
            more = os.read(descriptor, 1 << 16)
            data += more
        return data
    finally:
        os.close(descriptor)


def _hash(data: bytes) -> bytes:
    return _imp.source_hash(0x7069766F74, data)


def _read(path: str, header: bytes) -> CodeType | None:
    try:
        data = _content(path)
        if data.startswith(header):
            code = marshal.loads(memoryview(data)[len(header) :])  # noqa: S302 - we wrote it
            return code if isinstance(code, CodeType) else None
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return None


def _write(folder: str, path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
    except OSError:
        pass  # it is compiled again next time
