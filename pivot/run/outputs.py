"""Previous outputs while a stage runs: set aside before, dropped on success, else brought back.

A move is a rename on the same file system, announced in the journal before it happens, so that
at every instant an output is at its place or where the journal says.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from itertools import count

from ..disk import step
from ..errors import RunError
from ..model import Out, Stage
from .journal import Aside, Journal, tmp_folder

_serial = count()

#: ioctl FICLONE of Linux: share the blocks of another file.
_FICLONE = 0x40049409

#: A rename that cannot be: another file system, or a mount point.
_UNMOVABLE = (errno.EXDEV, errno.EBUSY)


class Outputs:
    """The outputs of the stages that one process runs, in the project at `root`.

    For the process that holds the project's lock. What is restored or dropped twice, or without
    having been set aside, is left alone.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._journal = Journal(root)
        self._open: dict[str, list[Aside]] = {}

    def set_aside(self, stage: Stage) -> None:
        """Make room for a stage's outs, and the folders above them.

        Ordinary outs are moved away and incremental ones copied; both come back by `restore`.
        Checkpoints (`resume`) and persistent outs stay, and stay as the stage leaves them.
        Raises RunError where that is impossible; `restore` then undoes what was done.
        """
        asides = self._plan(stage)
        self._open[stage.name] = asides
        self._journal.begin(stage.name, asides)
        try:
            for aside in asides:
                if aside.how == "move":
                    _move_aside(aside)
                elif aside.how == "copy":
                    _make_parent(aside.aside)
                    _copy(aside.path, aside.aside)
                    step("aside.move")
            for out in stage.outs:
                if _is_local(out):
                    _make_parent(self._absolute(out.path))
                    if out.directory:
                        os.makedirs(self._absolute(out.path), exist_ok=True)
        except OSError as error:
            raise RunError(
                f"cannot make room for the outputs of stage '{stage.name}': "
                f"{error.strerror or error} ({error.filename})"
            ) from error

    def restore(self, stage: Stage) -> None:
        """Put everything as it was before `set_aside`, removing what the stage made.

        Raises RunError where an output cannot be put back, naming where it is kept.
        """
        if stage.name not in self._open:
            return
        restore_asides(self._open[stage.name])
        self._close(stage.name)
        self._journal.end(stage.name)
        self._clear_if_idle()

    def drop(self, stage: Stage) -> None:
        """Let the previous outputs go: the new ones are stored and locked."""
        if stage.name not in self._open:
            return
        self._journal.done(stage.name)
        step("aside.drop")
        drop_asides(self._open[stage.name])
        self._close(stage.name)
        self._clear_if_idle()

    def _close(self, name: str) -> None:
        del self._open[name]

    def _clear_if_idle(self) -> None:
        if not self._open:
            self._journal.clear()

    def _plan(self, stage: Stage) -> list[Aside]:
        folder = os.path.join(tmp_folder(self._root), "aside", f"{os.getpid()}-{next(_serial)}")
        asides = []
        for number, out in enumerate(stage.outs):
            if out.resume or out.persist or not _is_local(out):
                continue
            path = self._absolute(out.path)
            kept = os.path.join(folder, str(number))
            if not os.path.lexists(path):
                asides.append(Aside(path, kept, "none"))
            elif out.incremental:
                asides.append(Aside(path, kept, "copy"))
            else:
                if not _same_device(path, self._root):
                    kept = _beside(path, folder, number)
                asides.append(Aside(path, kept, "move"))
        return asides

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, path))


def _move_aside(aside: Aside) -> None:
    _make_parent(aside.aside)
    try:
        _rename(aside.path, aside.aside)
    except OSError as error:
        if error.errno not in _UNMOVABLE:
            raise
        # a layer or a mount in what looks like one file system
        _copy(aside.path, aside.aside)
        _remove(aside.path, contents_only=error.errno == errno.EBUSY)
    step("aside.move")


def restore_asides(asides: Iterable[Aside], *, keep: str | None = None) -> list[str]:
    """Bring outputs back to their places; the paths brought back. May be repeated.

    What lies there by now is removed, or moved below folder `keep`. Raises RunError where an
    output cannot be put back.
    """
    restored = []
    asides = list(asides)
    for number, aside in enumerate(asides):
        try:
            if aside.how != "none" and os.path.lexists(aside.aside):
                _put_back(aside, number, keep)
                restored.append(aside.path)
                step("restore.move")
            elif aside.how == "none" and os.path.lexists(aside.path):
                _put_away(aside.path, number, keep)
        except OSError as error:
            where = aside.aside if os.path.lexists(aside.aside) else aside.path
            raise RunError(
                f"cannot put back '{aside.path}': {error.strerror or error}",
                hint=f"its previous content is kept as '{where}'",
            ) from error
    drop_asides(asides)
    return restored


def _put_back(aside: Aside, number: int, keep: str | None) -> None:
    if os.path.lexists(aside.path):
        _put_away(aside.path, number, keep)
    _make_parent(aside.path)
    try:
        _rename(aside.aside, aside.path)
    except OSError as error:
        if error.errno not in _UNMOVABLE:
            raise
        _copy(aside.aside, aside.path)
        _remove(aside.aside)


def _put_away(path: str, number: int, keep: str | None) -> None:
    """Clear `path` of what an unfinished stage made: remove it, or move it below `keep`."""
    if keep is not None:
        name = os.path.join(keep, f"{number}-{os.path.basename(path)[:40]}")
        # an earlier one is kept as well: nobody can tell what a stage made from what people did
        target = next(free for n in count() if not os.path.lexists(free := f"{name}.{n}"))
        try:
            _make_parent(target)
            _rename(path, target)
            return
        except OSError as error:
            if error.errno not in _UNMOVABLE:
                raise
    try:
        _remove(path)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        _remove(path, contents_only=True)


def drop_asides(asides: Iterable[Aside]) -> None:
    """Remove what was set aside, as far as possible: nobody needs it any more."""
    asides = [aside for aside in asides if aside.how != "none"]
    for folder in {os.path.dirname(aside.aside) for aside in asides}:
        for aside in asides:
            if os.path.dirname(aside.aside) == folder:
                with contextlib.suppress(OSError):
                    _remove(aside.aside)
                with contextlib.suppress(OSError):
                    _remove(aside.aside + ".part")
        if os.path.basename(os.path.dirname(folder)) == "aside":
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def remove_contents(folder: str) -> None:
    """Empty a folder of leftovers, as far as possible; it need not exist."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            _remove(os.path.join(folder, name))


def _is_local(out: Out) -> bool:
    return "://" not in out.path


def _same_device(path: str, root: str) -> bool:
    try:
        return os.lstat(path).st_dev == os.stat(root).st_dev
    except OSError:
        return False


def _beside(path: str, folder: str, number: int) -> str:
    """A hidden name in the same folder, for outputs on another file system."""
    parent, name = os.path.split(path)
    return os.path.join(parent, f".{name[:40]}.pivot-{os.path.basename(folder)}-{number}")


def _make_parent(path: str) -> None:
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)


def _rename(source: str, target: str) -> None:
    """Rename, also a folder that may not be written to: moving it rewrites its '..' entry."""
    try:
        os.rename(source, target)
    except PermissionError:
        status = os.lstat(source)
        if not stat.S_ISDIR(status.st_mode) or status.st_mode & stat.S_IWUSR:
            raise
        os.chmod(source, status.st_mode | stat.S_IWUSR)
        try:
            os.rename(source, target)
        except BaseException:
            os.chmod(source, status.st_mode)
            raise
        os.chmod(target, status.st_mode)


def _remove(path: str, *, contents_only: bool = False) -> None:
    """Remove a file, link or folder, read-only or not, if it is there."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(path)
        return
    if status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(path, status.st_mode | stat.S_IRWXU)
    for entry in os.listdir(path):
        _remove(os.path.join(path, entry))
    if not contents_only:
        os.rmdir(path)


def _copy(source: str, target: str) -> None:
    """Copy a file, link or folder with modes and times; `target` appears whole or not at all."""
    import shutil  # 5 ms to import; only outs that are copied need it

    part = target + ".part"
    _remove(part)
    if os.path.islink(source):
        os.symlink(os.readlink(source), part)
    elif os.path.isdir(source):
        shutil.copytree(source, part, symlinks=True, copy_function=_copy_file)
    else:
        _copy_file(source, part)
    if os.path.isdir(target) and not os.path.islink(target) and os.path.isdir(part):
        # a mount point, emptied before: fill it
        for entry in os.listdir(part):
            shutil.move(os.path.join(part, entry), os.path.join(target, entry))
        os.rmdir(part)
        return
    os.rename(part, target)


def _copy_file(source: str, target: str) -> str:
    """Copy one file, by sharing its blocks where the file system can."""
    import fcntl
    import shutil

    with open(source, "rb") as reading, open(target, "xb") as writing:
        try:
            fcntl.ioctl(writing, _FICLONE, reading.fileno())
        except OSError:
            shutil.copyfileobj(reading, writing, 1 << 20)
    shutil.copystat(source, target)
    return target
