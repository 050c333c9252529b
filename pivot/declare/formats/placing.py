"""Writing a file or a folder so that it appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import unicodedata
from collections.abc import Callable, Iterable

from .errors import LoaderError

_serial = iter(range(1 << 62))


def save_file(path: str, write: Callable[[str], object]) -> None:
    """Have `write` make the file at a temporary path beside `path`, then give it its name.

    Folders above are made. Raises whatever `write` raises; `path` is then as it was.
    """
    folder, name = os.path.split(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    # the suffix stays last: libraries choose compression and format by it
    temporary = os.path.join(folder, f".{os.getpid()}-{next(_serial)}.tmp.{name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def save_folder(path: str, names: Iterable[str], write: Callable[[str, str], object]) -> None:
    """Make the folder `path` hold exactly the files `names`, each written by `write(name, place)`.

    What was there before goes once all are written. Raises LoaderError for names that do not stay
    inside, or that could not lie beside each other on every file system.
    """
    checked = check_names(names)
    path = path.rstrip("/") or path
    above, last = os.path.split(path)
    if above:
        os.makedirs(above, exist_ok=True)
    mark = f"{os.getpid()}-{next(_serial)}.tmp"
    temporary, old = (os.path.join(above, f".{mark}{word}.{last}") for word in ("", "-old"))
    os.mkdir(temporary)
    try:
        for name in checked:
            place = os.path.join(temporary, *name.split("/"))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            write(name, place)
        if os.path.lexists(path):
            os.rename(path, old)
        try:
            os.rename(temporary, path)
        except BaseException:
            if os.path.lexists(old):
                os.rename(old, path)
            raise
    finally:
        for left in (temporary, old):
            if os.path.isdir(left) and not os.path.islink(left):
                shutil.rmtree(left, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(left)


def check_names(names: Iterable[str]) -> list[str]:
    """`names` as a list. Raises LoaderError for one that is no safe name of a file in a folder."""
    listed = list(names)
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in listed:
        problem = _problem(name)
        if problem:
            raise LoaderError(f"{name!r} cannot name a file in a folder: {problem}")
        parts = name.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            before = folders.setdefault(_folded(folder), folder)
            if before != folder:
                raise LoaderError(f"{name!r} and a name below {before!r} differ only in case")
        if _folded(name) in seen:
            before = seen[_folded(name)]
            same = "twice the same name" if before == name else "differ only in case or spelling"
            raise LoaderError(f"{before!r} and {name!r}: {same}")
        seen[_folded(name)] = name
    for folded, name in seen.items():
        if folded in folders:
            raise LoaderError(f"{name!r} would be a file and a folder")
    return listed


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _problem(name: object) -> str | None:
    if not isinstance(name, str):
        return "it is no text"
    if not name:
        return "it is empty"
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "it is absolute"
    if "\\" in name:
        return "it has a backslash; folders are divided by '/'"
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name):
        return "it has a control character"
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it does not stay in the folder, or has an empty part"
    if any(part != part.strip() or part.endswith(".") for part in parts):
        return "a part of it begins or ends with a space or ends with a dot"
    if any(len(part.encode()) > 255 for part in parts):
        return "a part of it is longer than 255 bytes"
    return None
