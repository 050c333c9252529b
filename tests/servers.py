"""Real servers on loopback for tests of remotes, and a proxy that spoils what passes it."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from waiting import until

KEY, SECRET = "AKIATESTTESTTEST", "the-secret-that-nobody-may-see"
RCLONE = Path(sys.executable).parent / "rclone"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Return once something listens."""

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    until(listens, process, lambda: "the server does not listen")


@dataclass
class S3Server:
    """`rclone serve s3` over a folder: every folder in it is a bucket.

    Never change the folder while it runs; its listings are cached.
    """

    folder: Path
    port: int

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self, name: str) -> Path:
        place = self.folder / name
        place.mkdir(exist_ok=True)
        return place


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder.parent / "rclone.conf"
    config.write_text("")
    process = subprocess.Popen(
        [
            RCLONE, "serve", "s3", "--config", config, "--addr", f"127.0.0.1:{port}",
            "--auth-key", f"{KEY},{SECRET}",
            "--log-level", "ERROR", folder,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port, process)
        yield S3Server(folder, port)
    finally:
        process.kill()
        process.wait()


# --- faults --------------------------------------------------------------------------------

ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'


@dataclass
class Fault:
    """What to do to requests whose method and path fit, `times` times (None: always).

    `kind`: `status` answers instead of the server; `reset` breaks off before an answer; `cut`
    after half of the answer; `garble` changes bytes of the answer; `stall` never answers;
    `cut-request` breaks off after half of the request.
    """

    kind: str
    method: str = ""
    path: str = ""
    times: int | None = None
    status: int = 500
    code: str = "InternalError"
    after: int = 0  # requests that are let through first
    seen: int = 0

    def fits(self, method: str, path: str) -> bool:
        if self.method and method != self.method:
            return False
        if self.path not in path:
            return False
        self.seen += 1
        if self.seen <= self.after:
            return False
        return self.times is None or self.seen - self.after <= self.times


@dataclass
class Proxy:
    """Passes HTTP requests on to a server, and spoils those that a fault fits."""

    port: int
    upstream: int
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    on_request: Callable[[str, str], None] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, method: str, path: str = "") -> int:
        return sum(m == method and path in p for m, p in self.requests)

    def serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            reader = client.makefile("rb")
            while True:
                head = _head(reader)
                if head is None:
                    return
                method, path = head.split(b" ", 2)[:2]
                length = _length(head)
                fault = self._fault(method.decode(), path.decode())
                if fault is not None and fault.kind == "cut-request":
                    reader.read(length // 2)
                    _reset(client)
                    return
                if b"100-continue" in head.lower():
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = reader.read(length)
                if not self._answer(client, method, head, body, fault):
                    return

    def _fault(self, method: str, path: str) -> Fault | None:
        self.requests.append((method, path))
        if self.on_request is not None:
            self.on_request(method, path)
        return next((fault for fault in self.faults if fault.fits(method, path)), None)

    def _answer(
        self, client: socket.socket, method: bytes, head: bytes, body: bytes, fault: Fault | None
    ) -> bool:
        if fault is not None and fault.kind == "stall":
            client.settimeout(30)
            client.recv(1)
            return False
        if fault is not None and fault.kind == "reset":
            _reset(client)
            return False
        if fault is not None and fault.kind == "status":
            text = ERROR.format(code=fault.code, message="as the test wants it").encode()
            if method == b"HEAD":
                text = b""
            client.sendall(
                f"HTTP/1.1 {fault.status} Refused\r\nContent-Type: application/xml\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode()
                + text
            )
            return False
        answer = self._ask(head, body)
        if fault is None:
            client.sendall(answer)
            return False
        start = answer.index(b"\r\n\r\n") + 4
        middle = start + (len(answer) - start) // 2
        if fault.kind == "cut":
            client.sendall(answer[:middle])
            time.sleep(0.02)
            _reset(client)
        elif fault.kind == "garble":
            spoilt = bytes(byte ^ 0x55 for byte in answer[middle : middle + 4])
            client.sendall(answer[:middle] + spoilt + answer[middle + 4 :])
        return False

    def _ask(self, head: bytes, body: bytes) -> bytes:
        lines = [
            line
            for line in head.rstrip(b"\r\n").split(b"\r\n")
            if not line.lower().startswith((b"connection:", b"expect:"))
        ]
        head = b"\r\n".join([*lines, b"Connection: close", b"", b""])
        with socket.create_connection(("127.0.0.1", self.upstream)) as server:
            server.sendall(head + body)
            parts = []
            while part := server.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)


def _head(reader: object) -> bytes | None:
    lines: list[bytes] = []
    while True:
        line = reader.readline()  # type: ignore[attr-defined]
        if not line:
            return None
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _reset(client: socket.socket) -> None:
    """End a connection so that the other side is told it broke."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.shutdown(socket.SHUT_RD)
    client.close()


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    made = Proxy(listening.getsockname()[1], upstream)

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=made.serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def clear(folder: Path) -> None:
    """Empty a folder that nothing serves."""
    for name in os.listdir(folder):
        shutil.rmtree(folder / name, ignore_errors=True)
