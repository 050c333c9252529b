"""Web, SFTP and moto servers on loopback for tests of remotes."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: Where Debian, Fedora and the Makefile put OpenSSH's own server program.
SFTP_SERVERS = (
    os.environ.get("PIVOT_TEST_SFTP_SERVER", ""),
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
)


# --- HTTP ----------------------------------------------------------------------------------


@dataclass
class WebServer:
    """A web server that reads, writes and deletes files below a folder; asks for a password."""

    folder: Path
    port: int = 0
    password: str = "user:the-web-secret"
    authorizations: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/store"


@contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    made = WebServer(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _path(self) -> Path | None:
            import base64

            given = self.headers.get("Authorization", "")
            made.authorizations.append(given)
            if given != "Basic " + base64.b64encode(made.password.encode()).decode():
                self._answer(401)
                return None
            return made.folder / self.path.lstrip("/")

        def _answer(self, status: int, data: bytes = b"", size: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data) if size is None else size))
            self.send_header("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def do_HEAD(self) -> None:
            path = self._path()
            if path is not None:
                is_there = path.is_file()
                self._answer(200 if is_there else 404, size=path.stat().st_size if is_there else 0)

        def do_GET(self) -> None:
            path = self._path()
            if path is not None:
                self._answer(
                    200 if path.is_file() else 404, path.read_bytes() if path.is_file() else b""
                )

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self._path()
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                self._answer(201)

        def do_DELETE(self) -> None:
            path = self._path()
            if path is not None:
                path.unlink(missing_ok=True)
                self._answer(204)

    with serving(Handler) as server:
        made.port = server.server_port
        yield made


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # as the library has it, without asking for the name of this machine
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", int(self.server_address[1])


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    """An HTTP server on a free port of loopback."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- SFTP ----------------------------------------------------------------------------------


@dataclass
class SshServer:
    """An SSH server whose SFTP is OpenSSH's own program, or paramiko's where that is not there."""

    folder: Path
    port: int
    known_hosts: Path
    password: str = "the-ssh-secret"
    program: str | None = None

    def url(self, path: str = "/store") -> str:
        return f"ssh://ada@127.0.0.1:{self.port}{self.folder}{path}"


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    import paramiko

    key = paramiko.ECDSAKey.generate()
    listening = socket.create_server(("127.0.0.1", 0))
    port = int(listening.getsockname()[1])
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    program = next((path for path in SFTP_SERVERS if path and os.access(path, os.X_OK)), None)
    made = SshServer(folder, port, known, program=program)

    class Door(paramiko.ServerInterface):
        def check_auth_password(self, username: str, password: str) -> int:
            good = username == "ada" and password == made.password
            return int(paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED)

        def get_allowed_auths(self, username: str) -> str:
            return "password"

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return int(paramiko.OPEN_SUCCEEDED)

        def check_channel_subsystem_request(self, channel: Any, name: str) -> bool:
            if program is None:
                return bool(super().check_channel_subsystem_request(channel, name))
            threading.Thread(target=_pipe, args=(channel, program), daemon=True).start()
            return True

    transports: list[Any] = []

    def serve(client: socket.socket) -> None:
        transport = paramiko.Transport(client)
        transport.add_server_key(key)
        if program is None:
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _stub())
        with suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=Door())
            transports.append(transport)

    def accept() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for transport in transports:
            transport.close()
        thread.join(5)


def _pipe(channel: Any, program: str) -> None:
    """Connect a channel with a process, until either ends."""
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    source, target = process.stdout, process.stdin

    def back() -> None:
        with suppress(OSError, EOFError):
            while data := os.read(source.fileno(), 1 << 16):
                channel.sendall(data)
            channel.close()

    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    with suppress(OSError, EOFError):
        while data := channel.recv(1 << 16):
            target.write(data)
            target.flush()
    process.kill()
    process.wait()
    thread.join(5)
    source.close()
    with suppress(OSError):
        target.close()


def _stub() -> type:
    """Files of this machine, for paramiko's own SFTP server."""
    import paramiko

    class Handle(paramiko.SFTPHandle):
        def stat(self) -> Any:
            return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    class Files(paramiko.SFTPServerInterface):
        def _done(self, call: Any, *arguments: Any) -> int:
            try:
                call(*arguments)
            except OSError as error:
                return int(paramiko.SFTPServer.convert_errno(error.errno or 0))
            return int(paramiko.SFTP_OK)

        def list_folder(self, path: str) -> Any:
            try:
                return [
                    paramiko.SFTPAttributes.from_stat(os.lstat(f"{path}/{name}"), name)
                    for name in os.listdir(path)
                ]
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)

        def stat(self, path: str) -> Any:
            try:
                return paramiko.SFTPAttributes.from_stat(os.stat(path))
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)

        lstat = stat

        def open(self, path: str, flags: int, attr: Any) -> Any:
            try:
                number = os.open(path, flags, 0o666)
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno or 0)
            stream = os.fdopen(number, "wb" if flags & os.O_WRONLY else "rb")
            handle = Handle(flags)
            handle.readfile = handle.writefile = stream
            return handle

        def remove(self, path: str) -> int:
            return self._done(os.remove, path)

        def mkdir(self, path: str, attr: Any) -> int:
            return self._done(os.mkdir, path)

        def rename(self, old: str, new: str) -> int:
            return self._done(os.rename, old, new)

        posix_rename = rename

    return Files


# --- moto ----------------------------------------------------------------------------------


@contextmanager
def moto_server() -> Iterator[str]:
    """moto's S3 over HTTP, with what rclone's server lacks; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
