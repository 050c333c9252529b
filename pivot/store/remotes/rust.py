"""Moves bytes by obstore, the Rust object_store: S3, GCS, Azure and HTTP, many objects at a time.

Python alone moves a third as many small objects a second (docs/architecture.md).
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

from .codes import by_code, by_status, code_in, status_in
from .problems import Kind, RemoteError
from .protocol import Count, Take

_PART_BYTES = 8 << 20
_MOST_PARTS = 9000  # S3 allows 10,000
_PARTS_AT_A_TIME = 6
_CHUNK_BYTES = 1 << 20
_AHEAD = 4  # chunks
_TROUBLE = re.compile(r"kind: (Connect|Timeout|Request|Interrupted|Decode|Unknown)\b")

_SIGN_IN = (
    "sign in (`gcloud auth application-default login`, `az login`), or give the remote a "
    "credentialpath (Google) or an account_key (Azure), with --local"
)

#: A request is tried once more by the library, since parts of an upload have no other retry;
#: everything above that is the crew's.
RETRY: dict[str, Any] = {
    "max_retries": 1,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}


class Place(Protocol):
    """What a kind of remote knows besides moving bytes."""

    def check(self) -> None:
        """Raise RemoteError where bucket or credentials cannot be used."""


class RustStore:
    """An ObjectStore over one of obstore's stores; `reading` waits longer than `writing` does."""

    jobs = 32
    asks_cheaply = False

    def __init__(
        self,
        name: str,
        url: str,
        reading: Any,
        writing: Any,
        *,
        endpoint: str,
        check: Callable[[], None] | None = None,
        lists: bool = True,
        has_multipart: bool = True,
    ) -> None:
        import obstore  # 14 ms; only remotes need it

        self.name = name
        self.url = url
        self.lists = lists
        self._api = obstore
        self._reading = reading
        self._writing = writing
        self._endpoint = endpoint
        self._check = check
        self._has_multipart = has_multipart

    def size(self, key: str) -> int | None:
        try:
            return int(self._api.head(self._reading, key)["size"])
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._problem(error, key, asked_head=True) from None

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        if not self.lists:
            raise RemoteError("other", self.name, "it cannot be listed")
        try:
            for page in self._api.list(self._reading, prefix.rstrip("/") or None, chunk_size=1000):
                for item in page:
                    yield item["path"], int(item["size"])
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._problem(error, prefix) from None

    def read(self, key: str, take: Take, *, start: int = 0) -> int:
        try:
            options: Any = {"range": {"offset": start}} if start else None
            answer = self._api.get(self._reading, key, options=options)
        except Exception as error:
            if start and _has_no_ranges(error):
                return 0
            raise self._problem(error, key) from None
        first, end = answer.range
        if end - first <= _CHUNK_BYTES:
            try:
                data = memoryview(answer.buffer())
            except Exception as error:
                raise self._problem(error, key) from None
            take(data)
            return start
        for piece in _ahead(iter(answer.stream(_CHUNK_BYTES))):
            if isinstance(piece, Exception):
                raise self._problem(piece, key) from None
            take(memoryview(piece))
        return start

    def write(self, key: str, data: bytes) -> None:
        try:
            self._api.put(self._writing, key, data, use_multipart=False)
        except Exception as error:
            raise self._problem(error, key) from None

    def send(self, key: str, path: str, *, sent: Count | None = None) -> None:
        try:
            stream = _Counted(path, sent)
        except OSError as error:
            from ...disk import explain

            raise explain(error, "read", path) from None
        with stream:
            size = os.fstat(stream.fileno()).st_size
            part = max(_PART_BYTES, -(-size // _MOST_PARTS))
            try:
                self._api.put(
                    self._writing,
                    key,
                    stream,
                    use_multipart=self._has_multipart and size > part,
                    chunk_size=part,
                    max_concurrency=_PARTS_AT_A_TIME,
                )
            except Exception as error:
                raise self._problem(error, key) from None

    def delete(self, keys: Sequence[str]) -> None:
        for first in range(0, len(keys), 1000):
            try:
                self._api.delete(self._writing, list(keys[first : first + 1000]))
            except FileNotFoundError:
                continue
            except Exception as error:
                raise self._problem(error, keys[first]) from None

    def check(self) -> None:
        if self._check is not None:
            self._check()

    def close(self) -> None:
        return

    def _problem(self, error: Exception, key: str, *, asked_head: bool = False) -> RemoteError:
        """What went wrong, in words of our own: the library's texts hold whole requests."""
        if isinstance(error, RemoteError):
            return error
        text = str(error)
        if "token request" in text:
            what = f"{self._endpoint} was given no credentials that it takes"
            return RemoteError("credentials", self.name, what, hint=_SIGN_IN)
        code, status = code_in(text), status_in(text)
        if code is not None:
            kind, what = by_code(code)
            if kind == "other" and status is not None:
                kind = by_status(status)[0]
        elif status is not None:
            if status in (400, 403) and asked_head and self._check is not None:
                self._check()  # the answer to HEAD has no body, and so no reason
            kind, what = by_status(status)
        elif isinstance(error, FileNotFoundError):
            kind, what = by_status(404)
        else:
            kind, what = self._by_library(text)
        shown = f" ('{key}')" if key and kind in ("absent", "denied", "other") else ""
        return RemoteError(kind, self.name, f"{what}{shown}", code=code or str(status or ""))

    def _by_library(self, text: str) -> tuple[Kind, str]:
        found = _TROUBLE.search(text)
        if found is not None and found[1] == "Connect":
            return "network", f"cannot connect to {self._endpoint}"
        if found is not None and found[1] == "Timeout":
            return "network", f"{self._endpoint} does not answer in time"
        if "HTTP error" in text or found is not None or "connection" in text.lower():
            return "network", f"the connection to {self._endpoint} broke off"
        first = text.partition("\n")[0].partition(": ")[0][:80]
        return "other", f"a request failed ({first})"


def _ahead(pieces: Iterator[Any]) -> Iterator[Any]:
    """The pieces, some of them read while earlier ones are hashed and written; or what failed."""
    waiting: queue.Queue[Any] = queue.Queue(_AHEAD)
    is_left = threading.Event()

    def read() -> None:
        try:
            for piece in pieces:
                waiting.put(piece)
                if is_left.is_set():
                    return
        except Exception as error:
            waiting.put(error)
        waiting.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while (piece := waiting.get()) is not None:
            yield piece
    finally:
        is_left.set()
        while reader.is_alive():  # it may wait for room
            with suppress(queue.Empty):
                waiting.get(timeout=0.05)


def _has_no_ranges(error: Exception) -> bool:
    return "non-partial" in str(error) or type(error).__name__ == "NotSupportedError"


class _Counted:
    """A file being read, which tells how much."""

    def __init__(self, path: str, sent: Count | None) -> None:
        self._stream = open(path, "rb")  # noqa: SIM115 (closed by `__exit__`)
        self._sent = sent

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def fileno(self) -> int:
        return self._stream.fileno()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if self._sent is not None:
            self._sent(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def client_options(connect: int, read: int, *, verify: bool | str, whole: int) -> dict[str, Any]:
    """obstore's settings of a client: seconds for connecting, for a read, and for a request."""
    options: dict[str, Any] = {
        "allow_http": True,
        "connect_timeout": f"{connect}s",
        "read_timeout": f"{read}s",
        "timeout": f"{whole}s",
        "user_agent": "pivot",
    }
    if verify is False:
        options["allow_invalid_certificates"] = True
    elif isinstance(verify, str):
        with open(verify, "rb") as stream:
            options["root_certificate"] = stream.read()
    return options
