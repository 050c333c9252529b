"""Runs a pipeline in Python once, in a process of its own, to learn which stages it declares."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RunError, Where

_SECONDS = 600
_SILENT_SECONDS = 1.0  # after so long it is said what takes the time
_PROGRAM = (
    "from pivot.declare.collect import main; from pivot.lockfile import encode_value; "
    "main(encode_value)"
)


@dataclass(frozen=True, slots=True)
class Program:
    """A pipeline in Python: its file and import path, relative to `root`, and its module's name."""

    root: str
    file: str
    module: str
    roots: Sequence[str]


def declared_by(
    python: str, program: Program, on_wait: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """What running a pipeline gives: its `entries`, and the files that it `read`.

    `python` is the project's interpreter, which has Pivot installed where user code imports it.
    `on_wait` is told where it takes long. The process ends with this one, however that ends.
    Raises RunError with the line where the file fails.
    """
    root, file = program.root, program.file
    reading, writing = os.pipe()
    alive, held = os.pipe()  # nothing is written: it ends when this process does
    request = {
        "root": root,
        "file": os.path.join(root, file),
        "module": program.module,
        "roots": [os.path.normpath(os.path.join(root, folder)) for folder in program.roots],
        "answer": writing,
        "alive": alive,
    }
    where = Where(file)
    try:
        with subprocess.Popen(
            # not the current folder first on the path: a module there may be called as one of ours
            [python, "-P", "-c", _PROGRAM, json.dumps(request)],
            cwd=os.path.dirname(os.path.join(root, file)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writing, alive),
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        ) as process:
            os.close(writing)
            writing = -1
            try:
                said = _said(process, file, on_wait)
            except BaseException as error:
                process.kill()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise RunError(
                        f"it was still running after {_SECONDS // 60} minutes",
                        hint="a pipeline declares stages; what takes long belongs into one",
                        where=where,
                        exit_code=2,
                    ) from None
                raise
        with os.fdopen(reading, "rb") as stream:
            reading = -1
            answer = stream.read()
    except OSError as error:
        raise RunError(f"{python} cannot be run: {error.strerror}", where=where) from None
    finally:
        for descriptor in (reading, writing, alive, held):
            if descriptor >= 0:
                os.close(descriptor)
    return _checked(answer, said.decode("utf-8", "replace"), process.returncode, python, file)


def _said(process: subprocess.Popen[bytes], file: str, on_wait: Callable[[str], None]) -> bytes:
    """What the process prints. Raises TimeoutExpired."""
    try:
        return process.communicate(timeout=_SILENT_SECONDS)[0]
    except subprocess.TimeoutExpired:
        limit = f"{_SECONDS // 60} minutes at most"
        on_wait(f"{file} is being run, to know its stages ({limit})")
    return process.communicate(timeout=_SECONDS - _SILENT_SECONDS)[0]


def _checked(answer: bytes, said: str, code: int, python: str, file: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(answer)
    except ValueError:
        lines = said.strip().splitlines()
        last = lines[-1] if lines else f"exit code {code}"
        hint = "`core.python` names the interpreter that has it" if "pivot" in last else None
        raise RunError(
            f"running it with {python} failed: {last}", hint=hint, where=Where(file), exit_code=2
        ) from None
    if "error" in found:
        raise RunError(
            f"running it failed: {found['error']}",
            hint="its stages are known only by running it",
            where=Where(file, found["line"]),
            exit_code=2,
        )
    return found
