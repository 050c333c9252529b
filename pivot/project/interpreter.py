"""Which Python runs the project's stages, and what that Python says of itself."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Protocol

from ..errors import ConfigError, Where
from ..values import dataclass


class Memory(Protocol):
    """Where answers are kept between runs."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: its path, (major, minor), and the folders that hold installed distributions."""

    path: str
    version: tuple[int, int]
    site_packages: tuple[str, ...]


# every entry of the path that can hold distributions: what `import` would look through
_PROBE = (
    "import sys,json;print(json.dumps([list(sys.version_info[:2]),[p for p in sys.path if p]]))"
)


def find_interpreter(
    root: str,
    configured: str | None,
    *,
    origin: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> str:
    """The path of the Python that runs the stages of the project at `root`.

    `core.python` (a file, a virtual environment, or a command on PATH), else `$VIRTUAL_ENV`,
    else `.venv` in the project, else Pivot's own. Raises ConfigError where what was asked for is
    not there or cannot be executed; a broken environment is never passed over silently.
    """
    environment = os.environ if environ is None else environ
    if configured:
        return _configured(root, configured, origin)
    active = environment.get("VIRTUAL_ENV")
    if active:
        where = Where("environment variable VIRTUAL_ENV")
        return _of_environment(active, where, "deactivate it, or make it anew")
    if os.path.isfile(os.path.join(root, ".venv", "pyvenv.cfg")):
        return _of_environment(
            os.path.join(root, ".venv"), Where(".venv"), "make it anew, or set `core.python`"
        )
    return sys.executable


def _configured(root: str, configured: str, origin: str | None) -> str:
    where = Where(origin) if origin else None
    text = os.path.expanduser(configured)
    if "/" not in text and not os.path.exists(os.path.join(root, text)):
        import shutil

        found = shutil.which(text)
        if found is None:
            raise ConfigError(
                f"core.python: there is no command '{configured}' on PATH",
                hint="give the path of a Python, or of a virtual environment",
                where=where,
            )
        return os.path.abspath(found)
    path = os.path.normpath(os.path.join(root, text))
    if os.path.isdir(path):
        return _of_environment(path, where, "name a Python or a virtual environment")
    _check(path, f"core.python: '{configured}'", where, "correct `core.python`")
    return path


def _of_environment(folder: str, where: Where | None, hint: str) -> str:
    path = os.path.join(folder, "bin", "python")
    _check(path, f"the Python of the environment '{folder}'", where, hint)
    return path


def _check(path: str, what: str, where: Where | None, hint: str) -> None:
    # not resolved further: through its own path a virtual environment's Python finds itself
    if not os.path.exists(path):
        broken = " (its link leads to nothing)" if os.path.islink(path) else ""
        raise ConfigError(f"{what} does not exist{broken}", hint=hint, where=where)
    if not os.path.isfile(path) or not os.access(path, os.X_OK):
        raise ConfigError(f"{what} cannot be executed", hint=hint, where=where)


def inspect_interpreter(path: str, memory: Memory | None = None) -> Interpreter:
    """What the Python at `path` is. It is started once and the answer kept until it changes.

    Pivot's own is asked without a process. Raises ConfigError where it does not run.
    """
    if path == sys.executable:
        return _interpreter(path, list(sys.version_info[:2]), [p for p in sys.path if p])
    real = os.path.realpath(path)
    status = os.stat(real)
    prefix = os.path.dirname(os.path.dirname(path))
    config = os.path.join(prefix, "pyvenv.cfg")
    changed = os.stat(config).st_mtime_ns if os.path.exists(config) else 0
    seen = [real, status.st_mtime_ns, status.st_size, changed]
    kept = memory.get(path) if memory is not None else None
    if kept is not None:
        before = json.loads(kept)
        if before[0] == seen:
            return _interpreter(path, before[1], before[2])
    version, folders = _probe(path)
    if memory is not None:
        memory.put(path, json.dumps([seen, version, folders]).encode())
    return _interpreter(path, version, folders)


def _probe(path: str) -> tuple[list[int], list[str]]:
    import subprocess  # 6 ms; only where the interpreter has changed

    reason = ""
    try:
        # the user's PYTHONPATH counts, as it will in the workers; the current folder does not
        done = subprocess.run(
            [path, "-c", _PROBE],
            capture_output=True,
            check=False,
            timeout=60,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
        reason = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        version, folders = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise ConfigError(
            f"the Python at '{path}' does not run: {reason or error}",
            hint="make its environment anew, or set `core.python`",
        ) from None
    return version, folders


def _interpreter(path: str, version: list[int], folders: list[str]) -> Interpreter:
    holding = ("site-packages", "dist-packages")
    sites = [folder for folder in folders if os.path.basename(folder) in holding]
    return Interpreter(path, (version[0], version[1]), tuple(dict.fromkeys(sites)))
