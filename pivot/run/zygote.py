"""Our end of a supervising process: starting it, talking to it, telling when it is gone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import RunError

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker", "__main__.py")


class Link:
    """A running supervisor, and the socket to it. Neither sending nor receiving blocks.

    `preloaded` are the top-level modules that its children find imported, None until it is
    ready; `spoiled` is a package that it must be started without.
    """

    def __init__(
        self,
        python: str,
        root: str,
        names: Sequence[str],
        environment: Mapping[str, str],
        options: Sequence[str] = (),
    ) -> None:
        """Start `python` with `options`, importing `names`, none from the project at `root`.

        Raises RunError where the interpreter cannot be run.
        """
        self.preloaded: frozenset[str] | None = None
        self.spoiled: str | None = None
        ours, theirs = socket.socketpair()
        self._socket: socket.socket | None = ours
        self._in = bytearray()
        self._out = bytearray()
        ours.setblocking(False)
        theirs.set_inheritable(True)
        argv = [python, *options, PROGRAM, "--serve", str(theirs.fileno()), str(os.getpid())]
        argv += [root, *names]
        try:
            self.pid = _spawn(python, argv, environment)
        except OSError as error:
            ours.close()
            raise RunError(
                f"cannot run the interpreter '{python}': {error.strerror}",
                hint="set core.python to the project's interpreter",
            ) from error
        finally:
            theirs.close()

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def is_ready(self) -> bool:
        return self.preloaded is not None

    @property
    def has_unsent(self) -> bool:
        return bool(self._out)

    def fileno(self) -> int:
        return -1 if self._socket is None else self._socket.fileno()

    def send(self, message: Mapping[str, Any]) -> None:
        """Queue a message; what the socket takes goes out now."""
        self._out += json.dumps(message).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it."""
        while self._out and self._socket is not None:
            try:
                del self._out[: self._socket.send(self._out)]
            except BlockingIOError:
                return
            except OSError:
                self._out.clear()  # it is gone; receiving will tell

    def receive(self) -> Iterator[dict[str, Any]]:
        """The messages that have arrived. `is_open` is False afterwards where it has ended."""
        while self._socket is not None:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.abandon()
                return
            self._in += data
            *lines, rest = self._in.split(b"\n")
            self._in = bytearray(rest)
            for line in lines:
                message: dict[str, Any] = json.loads(line)
                if "ready" in message:
                    self.spoiled = message["spoiled"]
                    self.preloaded = frozenset(message.get("preloaded", ()))
                else:
                    yield message

    def abandon(self, *, kill: bool = False) -> None:
        """Close the socket, on which the supervisor ends what it runs and itself; wait for it."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        if kill:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        # somebody else may have reaped it: a program that ignores SIGCHLD, for one
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _spawn(python: str, argv: list[str], environment: Mapping[str, str]) -> int:
    """Start the program in a session of its own: the terminal's signals are for us alone."""
    null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    try:
        return os.posix_spawn(python, argv, environment, file_actions=null, setsid=True)
    except NotImplementedError:
        return os.posix_spawn(python, argv, environment, file_actions=null, setpgroup=0)
