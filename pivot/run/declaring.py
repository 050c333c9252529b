"""Runs a pipeline in Python once, in a process of its own, to learn which stages it declares."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from ..errors import RunError, Where

_SECONDS = 600
_PROGRAM = "from pivot.declare.collect import main; main()"


def declared_by(
    python: str, root: str, file: str, module: str, roots: Sequence[str]
) -> dict[str, Any]:
    """What running `file` gives: its `entries`, and the files that it `read`.

    Paths are relative to `root`; `python` is the project's interpreter, which has Pivot installed
    where user code imports it. Raises RunError with the line where the file fails.
    """
    reading, writing = os.pipe()
    request = {
        "root": root,
        "file": os.path.join(root, file),
        "module": module,
        "roots": [os.path.normpath(os.path.join(root, folder)) for folder in roots],
        "answer": writing,
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
            pass_fds=(writing,),
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        ) as process:
            os.close(writing)
            writing = -1
            try:
                said, _ = process.communicate(timeout=_SECONDS)
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
        for descriptor in (reading, writing):
            if descriptor >= 0:
                os.close(descriptor)
    return _checked(answer, said.decode("utf-8", "replace"), process.returncode, python, file)


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
