"""Remotes over SSH: objects as files below a folder of another machine, by SFTP.

paramiko is an extra (`pip install 'pivot-repro[ssh]'`). Host keys are checked against
`known_hosts`, as ssh does; an unknown one is refused, never taken on trust.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any
from urllib.parse import unquote, urlsplit

from ...settings import RemoteSpec
from .options import Options
from .problems import RemoteError
from .protocol import Count, Take

_CHUNK_BYTES = 1 << 18
_TIMEOUT = 30
_START = f"{time.time_ns():x}"
_serial = count()


def open_ssh(spec: RemoteSpec, folder: str) -> SftpStore:
    """The store of an `ssh://user@host:port/path` remote. Raises RemoteError."""
    try:
        import paramiko  # noqa: F401 (120 ms, and an extra)
    except ImportError:
        raise RemoteError(
            "options",
            spec.name,
            "remotes over SSH need paramiko",
            hint="`pip install 'pivot-repro[ssh]'`",
        ) from None
    return SftpStore(spec, folder)


class SftpStore:
    """An ObjectStore over SFTP, with one connection and as many channels as work needs."""

    asks_cheaply = False
    lists = True

    def __init__(self, spec: RemoteSpec, folder: str) -> None:
        self.name = spec.name
        self._options = Options(spec, "ssh", folder)
        parts = urlsplit(spec.url)
        if not parts.hostname:
            raise RemoteError("options", spec.name, "its URL names no host: ssh://HOST/PATH")
        self._settings = _ssh_config(parts.hostname)
        self._host = str(self._settings.get("hostname") or parts.hostname)
        self._named = parts.hostname
        port = self._settings.get("port") or 22
        self._port = parts.port or self._options.number("port", int(port))
        self._user = (
            self._options.text("user")
            or (unquote(parts.username) if parts.username else None)
            or self._settings.get("user")
        )
        self._password = self._options.text("password") or (
            unquote(parts.password) if parts.password else None
        )
        self._root = parts.path.rstrip("/") or "/"
        self.url = f"ssh://{self._named}{self._root}"
        #: channels of one connection; servers allow ten by default
        self.jobs = min(8, self._options.number("max_sessions", 8))
        self._client: Any = None
        self._idle: list[Any] = []
        self._guard = threading.Lock()
        self._made: set[str] = set()

    # --- objects --------------------------------------------------------------------------

    def size(self, key: str) -> int | None:
        with self._channel("look for", key) as sftp:
            try:
                status = sftp.stat(self._path(key))
            except FileNotFoundError:
                return None
        mode = status.st_mode or 0
        return int(status.st_size or 0) if stat.S_ISREG(mode) else None

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        waiting = [prefix.rstrip("/")]
        while waiting:
            folder = waiting.pop()
            with self._channel("list", folder) as sftp:
                try:
                    entries = sftp.listdir_attr(self._path(folder) if folder else self._root)
                except FileNotFoundError:
                    continue
            for entry in entries:
                key = f"{folder}/{entry.filename}" if folder else entry.filename
                if stat.S_ISDIR(entry.st_mode or 0):
                    if folder or entry.filename != "tmp":
                        waiting.append(key)
                else:
                    yield key, int(entry.st_size or 0)

    def read(self, key: str, take: Take, *, start: int = 0) -> int:
        outside = _Outside(take)
        with self._channel("read", key) as sftp, sftp.open(self._path(key), "rb") as stream:
            size = int(stream.stat().st_size or 0)
            stream.seek(start)
            stream.prefetch(size, max_concurrent_requests=256)
            while outside.wants_more and (piece := stream.read(_CHUNK_BYTES)):
                outside(piece)
        outside.raise_kept()
        return start

    def write(self, key: str, data: bytes) -> None:
        self._put(key, lambda stream: stream.write(data))

    def send(self, key: str, path: str, *, sent: Count | None = None) -> None:
        def copy(stream: Any) -> None:
            with open(path, "rb") as source:
                while piece := source.read(_CHUNK_BYTES):
                    stream.write(piece)
                    if sent is not None:
                        sent(len(piece))

        self._put(key, copy)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with self._channel("remove", key) as sftp, suppress(FileNotFoundError):
                sftp.remove(self._path(key))

    def check(self) -> None:
        with self._channel("look at", "") as sftp:
            try:
                sftp.stat(self._root)
            except FileNotFoundError:
                raise RemoteError(
                    "place", self.name, f"there is no folder '{self._root}' on {self._named}"
                ) from None

    def close(self) -> None:
        with self._guard:
            client, self._client = self._client, None
            self._idle.clear()
        if client is not None:
            client.close()

    def _put(self, key: str, fill: Any) -> None:
        path = self._path(key)
        temporary = f"{self._root}/tmp/{_START}-{os.getpid()}-{next(_serial)}"  # noqa: S108
        with self._channel("write", key) as sftp:
            try:
                self._make(sftp, os.path.dirname(temporary))
                with sftp.open(temporary, "wxb") as stream:
                    stream.set_pipelined(True)
                    fill(stream)
                self._make(sftp, os.path.dirname(path))
                try:
                    sftp.posix_rename(temporary, path)
                except OSError:
                    # a server without OpenSSH's extension; its rename does not replace
                    with suppress(FileNotFoundError):
                        sftp.remove(path)
                    sftp.rename(temporary, path)
            except BaseException:
                with suppress(Exception):
                    sftp.remove(temporary)
                raise

    def _make(self, sftp: Any, folder: str) -> None:
        if folder in self._made or folder in ("", "/"):
            return
        try:
            sftp.mkdir(folder)
        except FileNotFoundError:
            self._make(sftp, os.path.dirname(folder))
            with suppress(OSError):
                sftp.mkdir(folder)
        except OSError:
            sftp.stat(folder)  # it is there: somebody else made it
        self._made.add(folder)

    def _path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}" if key else self._root

    # --- the connection -------------------------------------------------------------------

    @contextmanager
    def _channel(self, doing: str, key: str) -> Iterator[Any]:
        """A channel that nobody else uses; what goes wrong in it, in words of ours."""
        import paramiko

        sftp = self._take()
        try:
            yield sftp
        except RemoteError:
            self._idle.append(sftp)
            raise
        except FileNotFoundError:
            self._idle.append(sftp)
            raise RemoteError(
                "absent", self.name, f"cannot {doing} '{key}': it is not there"
            ) from None
        except PermissionError:
            self._idle.append(sftp)
            raise RemoteError("denied", self.name, f"may not {doing} '{self._path(key)}'") from None
        except (paramiko.SSHException, EOFError, ConnectionError, TimeoutError):
            self._forget()
            raise RemoteError(
                "network", self.name, f"the connection to {self._named} broke off"
            ) from None
        except OSError as error:
            self._idle.append(sftp)
            # SFTP has one number for all that is not told apart, a full disk among it
            said = str(error) or "failure"
            what = f"cannot {doing} '{self._path(key)}': {said.lower()}"
            hint = f"see whether the disk of {self._named} is full"
            raise RemoteError("disk", self.name, what, hint=hint) from None
        else:
            self._idle.append(sftp)

    def _take(self) -> Any:
        import paramiko

        try:
            return self._idle.pop()
        except IndexError:
            pass
        with self._guard:
            if self._client is None:
                self._client = self._connect()
            client = self._client
        try:
            return client.open_sftp()
        except (paramiko.SSHException, EOFError, OSError):
            self._forget()
            raise RemoteError(
                "network", self.name, f"{self._named} opens no more channels"
            ) from None

    def _forget(self) -> None:
        self.close()

    def _connect(self) -> Any:
        import paramiko

        options = self._options
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        known = options.path("known_hosts")
        if known is not None:
            client.load_host_keys(known)
        else:
            with suppress(OSError):
                client.load_system_host_keys()
        password = self._password
        passphrase = options.text("passphrase")
        if options.flag("ask_password", False) and password is None:
            password = self._ask("password")
        if options.flag("ask_passphrase", False) and passphrase is None:
            passphrase = self._ask("passphrase")
        keyfile = options.path("keyfile")
        keys = [keyfile] if keyfile else self._settings.get("identityfile")
        where = f"{self._named}:{self._port}" if self._port != 22 else self._named
        try:
            client.connect(
                self._host,
                port=self._port,
                username=self._user,
                password=password,
                passphrase=passphrase,
                key_filename=[os.path.expanduser(path) for path in keys] if keys else None,
                timeout=options.number("timeout", _TIMEOUT),
                banner_timeout=options.number("timeout", _TIMEOUT),
                auth_timeout=options.number("timeout", _TIMEOUT),
                allow_agent=options.flag("allow_agent", True),
                look_for_keys=keyfile is None,
                **({"gss_auth": True} if options.flag("gss_auth", False) else {}),
            )
        except TypeError:
            raise RemoteError(
                "options", self.name, "this version of paramiko has no gss_auth", hint="use a key"
            ) from None
        except paramiko.BadHostKeyException:
            raise RemoteError(
                "credentials",
                self.name,
                f"{where} shows another host key than known_hosts has",
                hint="somebody may be in between; ask its owner before you change known_hosts",
            ) from None
        except paramiko.AuthenticationException:
            user = f" as '{self._user}'" if self._user else ""
            raise RemoteError(
                "credentials",
                self.name,
                f"{where} does not let you in{user}",
                hint="set `user` and `keyfile`, or add your key to ssh's agent (`ssh-add`)",
            ) from None
        except paramiko.SSHException as error:
            if "not found in known_hosts" in str(error):
                raise RemoteError(
                    "credentials",
                    self.name,
                    f"the host key of {where} is not known",
                    hint=f"connect once by `ssh {self._named}` and check its fingerprint",
                ) from None
            raise RemoteError("network", self.name, f"{where} does not speak SSH") from None
        except (OSError, EOFError):
            raise RemoteError("network", self.name, f"cannot connect to {where}") from None
        return client

    def _ask(self, option: str) -> str:
        from .cloud import ask

        return ask(f"{option} of remote '{self.name}': ", self.name, option)


class _Outside:
    """Calls a function whose errors are no errors of the connection: they are kept for later."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._kept: BaseException | None = None

    def __call__(self, data: bytes) -> None:
        try:
            self._take(data)
        except BaseException as error:
            self._kept = error

    @property
    def wants_more(self) -> bool:
        return self._kept is None

    def raise_kept(self) -> None:
        if self._kept is not None:
            raise self._kept


def _ssh_config(host: str) -> dict[str, Any]:
    """What the user's own ssh configuration says of a host."""
    import paramiko

    path = os.path.expanduser("~/.ssh/config")
    try:
        return dict(paramiko.SSHConfig.from_path(path).lookup(host))
    except (OSError, paramiko.ConfigParseError):
        return {}
