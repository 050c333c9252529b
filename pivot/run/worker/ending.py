"""The end of a stage's process: what an interpreter does at exit, without tearing it down.

Destroying the modules of a process that has pandas loaded takes longer than most stages; the
parts of it that others can see are done here, and the process is then left at once.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import sys
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any


def end() -> BaseException | None:
    """Wait for threads, run exit functions, write out every open file; what went wrong."""
    end_threads_and_exits()
    flush_standard_streams()
    return _close_files()


def end_threads_and_exits() -> None:
    """Join threads that are not daemons, then run the functions registered with `atexit`."""
    threading: Any = sys.modules.get("threading")
    # an interpreter prints what goes wrong here and ends as if it had not
    with contextlib.suppress(BaseException):
        if threading is not None:
            threading._shutdown()
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()


def flush_standard_streams() -> None:
    """Write out what was printed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except Exception:  # noqa: S110 - it may be closed, or anything else by now
            pass


def _close_files() -> BaseException | None:
    """Close the files that something still refers to, outermost wrapper first.

    Files are the common case of what a full exit would finish; an object with a `__del__` of
    its own that lives in a global is not: it never had a guarantee.
    """
    wrappers: list[Any] = []
    texts: list[Any] = []
    buffers: list[Any] = []
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    standard = {id(getattr(stream, "buffer", streams)) for stream in streams}
    other = {tuple, dict, list, set, type, FunctionType, ModuleType, CodeType, CellType}
    # what was loaded before the fork is frozen and not listed
    for value in gc.get_objects():
        kind = type(value)
        if kind in other:
            continue
        if kind is io.TextIOWrapper:
            texts.append(value)
        elif kind is io.BufferedWriter or kind is io.BufferedRandom:
            if id(value) not in standard:
                buffers.append(value)
        elif _needs_close(kind):
            wrappers.append(value)
        else:
            other.add(kind)
    problem: BaseException | None = None
    for value in texts:  # they may write into a wrapper, which is about to be closed
        try:
            if not value.closed and value.writable():
                value.flush()
        except Exception as error:
            problem = problem or error
    for value in wrappers + texts + buffers:
        try:
            if id(getattr(value, "buffer", None)) in standard:
                continue
            if not getattr(value, "closed", False) and _is_written(value):
                value.close()
        except Exception as error:
            problem = problem or error
    return problem


def _needs_close(kind: Any) -> bool:
    name = kind.__name__
    return (
        name in ("GzipFile", "BZ2File", "LZMAFile") and kind.__module__ in ("gzip", "bz2", "lzma")
    ) or (name == "ZipFile" and kind.__module__ == "zipfile")


def _is_written(value: Any) -> bool:
    writable = getattr(value, "writable", None)
    return bool(writable()) if writable is not None else getattr(value, "fp", None) is not None
