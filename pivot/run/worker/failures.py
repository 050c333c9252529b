"""Failures in words: one line that names type, message and place, and the traceback."""

from __future__ import annotations

import os
import signal
import traceback
from typing import Any

#: A traceback is cut to this size; a message can hold a whole data frame.
DETAIL_CHARACTERS = 64_000

_MEANINGS = {
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGFPE": "arithmetic error",
    "SIGILL": "illegal instruction",
    "SIGSEGV": "segmentation fault",
    "SIGXCPU": "CPU time limit",
    "SIGXFSZ": "file size limit",
}


class StageError(Exception):
    """Something wrong with how a stage is declared or what it returned, said in full."""


class ParamsError(StageError):
    """Params that their annotation does not take: of each its stage, why, and the path to it."""

    def __init__(self, misfits: list[tuple[str, str, tuple[Any, ...]]]) -> None:
        super().__init__("\n".join(message for _, message, _ in misfits))
        self.misfits = [
            (stage, text, [step if isinstance(step, int) else str(step) for step in path])
            for stage, text, path in misfits
        ]


def signal_name(number: int) -> str:
    """`SIGSEGV (segmentation fault)`."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    meaning = _MEANINGS.get(name)
    return f"{name} ({meaning})" if meaning else name


def describe(error: BaseException, root: str, worker: tuple[str, ...]) -> dict[str, Any]:
    """The result that tells of `error`. `sys.exit()` and `sys.exit(0)` are no failures.

    The place named is the innermost frame in the project, else the innermost of all;
    frames of the `worker` folders are nobody's business.
    """
    if isinstance(error, SystemExit):
        if error.code is None or (isinstance(error.code, int) and error.code % 256 == 0):
            return {"ok": True, "exit_code": 0}
        place = place_of(error, root, worker)
        if isinstance(error.code, int):
            text = f"sys.exit({error.code}){place}"
            return {"ok": False, "error": text, "exit_code": error.code % 256, "log": True}
        text = f"exited: {_first_line(_text(error.code))}{place}"
        return {"ok": False, "error": text, "detail": _text(error.code), "exit_code": 1}
    place = "" if isinstance(error, StageError) else place_of(error, root, worker)
    told = {
        "ok": False,
        "error": one_line(error) + place,
        "detail": _detail(error, worker),
        "exit_code": 1,
    }
    if isinstance(error, ParamsError):
        told["misfits"] = error.misfits
    return told


def _detail(error: BaseException, worker: tuple[str, ...]) -> str:
    if not isinstance(error, StageError):
        return _traceback(error, worker)
    # it says everything, and was raised in the worker; what led to it may come from elsewhere
    cause = error.__cause__
    frames = traceback.extract_tb(cause.__traceback__) if cause is not None else ()
    if cause is None or all(_is_ours(frame.filename, worker) for frame in frames):
        return _text(error)
    return _traceback(cause, worker)


def one_line(error: BaseException) -> str:
    """`ValueError: message`, of a message with many lines the first."""
    text = _first_line(_text(error))
    if isinstance(error, StageError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"<no message: {type(value).__name__}.__str__ fails>"


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    line = lines[0].strip() if lines else ""
    return line if len(line) <= 500 else line[:497] + "..."


def place_of(error: BaseException, root: str, worker: tuple[str, ...]) -> str:
    """` (src/x.py:12)`, where an error arose, or nothing."""
    frames: list[tuple[str, int]] = []
    entry = error.__traceback__
    while entry is not None:
        frames.append((entry.tb_frame.f_code.co_filename, entry.tb_lineno))
        entry = entry.tb_next
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append((error.filename, error.lineno))
    frames = [frame for frame in frames if not _is_ours(frame[0], worker) and frame[0][:1] != "<"]
    inside = [frame for frame in frames if _is_project(frame[0], root)]
    if not (inside or frames):
        return ""
    file, line = (inside or frames)[-1]
    shown = os.path.relpath(file, root) if _is_within(file, root) else file
    return f" ({shown}:{line})"


def _is_within(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_ours(path: str, worker: tuple[str, ...]) -> bool:
    return any(_is_within(path, folder) for folder in worker)


def _is_project(path: str, root: str) -> bool:
    return _is_within(path, root) and "site-packages" not in path and "/lib/python" not in path


def _traceback(error: BaseException, worker: tuple[str, ...]) -> str:
    try:
        described = traceback.TracebackException.from_exception(error)
        _trim(described, worker, set())
        text = "".join(described.format())
    except Exception as problem:
        text = f"{one_line(error)}\n(its traceback cannot be shown: {one_line(problem)})"
    if len(text) > DETAIL_CHARACTERS:
        half = DETAIL_CHARACTERS // 2
        text = text[:half] + "\n... (cut) ...\n" + text[-half:]
    return text.rstrip("\n")


def _trim(described: Any, worker: tuple[str, ...], seen: Any) -> None:
    """Take our own frames, and those of the import system, out of a traceback and its causes."""
    pending: list[Any | None] = [described]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        kept = [
            frame
            for frame in one.stack
            if not _is_ours(frame.filename, worker)
            and not frame.filename.startswith("<frozen importlib")
        ]
        one.stack = traceback.StackSummary.from_list(kept)
        pending += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]
