"""Data at a URL or a path outside the project: what it says of itself, and bringing it here."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from typing import Any

from ..digest import Digest
from ..disk import explain
from ..errors import PivotError, StoreError
from ..lockfile.import_records import IDENTITIES
from ..manifest import make_manifest, tree_digest
from ..project import Project
from ..project.clones import shown_url
from ..scan import hash_path, scan_folder
from ..values import dataclass

_CHUNK_BYTES = 1 << 20
_TRIES = 3
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Identity:
    """What the place says of the data: `facts` under DVC's names, its size where it is known."""

    facts: Mapping[str, Any]
    size: int | None

    @property
    def text(self) -> str | None:
        """What to show of it."""
        return next((str(self.facts[name]) for name in IDENTITIES if name in self.facts), None)


class UrlSource:
    """One file or folder at a URL (http, https) or a path; a relative one is seen from `base`."""

    def __init__(self, project: Project, url: str, *, base: str) -> None:
        self._project = project
        self.url = url
        self._path: str | None = None
        scheme = url.partition("://")[0].lower() if "://" in url else ""
        if scheme in ("", "file"):
            plain = url.partition("://")[2] if scheme else os.path.expanduser(url)
            self._path = os.path.normpath(os.path.join(base, plain))
            if not os.path.exists(self._path):
                raise PivotError(f"'{url}' does not exist")
        elif scheme not in ("http", "https"):
            raise PivotError(
                f"data is not imported from {scheme}://", hint="http://, https:// or a path"
            )
        self._found: Identity | None = None

    def __enter__(self) -> UrlSource:
        return self

    def __exit__(self, *_: object) -> None:
        return

    @property
    def name(self) -> str:
        """The last part of the path."""
        if self._path is not None:
            return os.path.basename(self._path)
        from urllib.parse import unquote, urlsplit

        name = unquote(urlsplit(self.url).path).rstrip("/").rpartition("/")[2]
        if not name or name in (".", "..") or "/" in name or "\0" in name:
            raise PivotError(f"'{self.shown}' has no file name", hint="give one with `-o`")
        return name

    @property
    def shown(self) -> str:
        """The URL as people may see it, without credentials."""
        return shown_url(self.url)

    def recorded(self, root: str) -> str:
        """The URL as a record names it: paths near the project as seen from it."""
        if self._path is None or os.path.isabs(os.path.expanduser(self.url)):
            return self.url
        return os.path.relpath(self._path, root)

    def text_of(self, facts: Mapping[str, Any]) -> str | None:
        """What to show of an identity from a record."""
        return Identity(facts, None).text

    def identity(self) -> Identity:
        """What the place says of the data now. Raises StoreError where it cannot be asked."""
        if self._found is None:
            self._found = self._local() if self._path is not None else self._of_server()
        return self._found

    def bring(self, target: str) -> None:
        """Copy the data to `target`, which does not exist. Raises StoreError; nothing is left."""
        try:
            if self._path is None:
                self._download(target)
            elif os.path.isdir(self._path):
                for relpath, _ in scan_folder(self._path):
                    place = f"{target}/{relpath}"
                    os.makedirs(os.path.dirname(place), exist_ok=True)
                    shutil.copyfile(f"{self._path}/{relpath}", place)
                    shutil.copymode(f"{self._path}/{relpath}", place)
            else:
                shutil.copyfile(self._path, target)
                shutil.copymode(self._path, target)
        except OSError as error:
            raise explain(error, "copy", self.shown) from None

    def _local(self) -> Identity:
        assert self._path is not None
        try:
            if os.path.isdir(self._path):
                entries: list[tuple[str, Digest]] = []
                for relpath, status in scan_folder(self._path):
                    found = hash_path("md5", f"{self._path}/{relpath}")[0]
                    entries.append((relpath, Digest("md5", found.value, "file", status.st_size)))
                digest = tree_digest("md5", make_manifest(entries))
                return Identity({"md5": f"{digest.value}.dir"}, digest.size)
            found = hash_path("md5", self._path)[0]
            return Identity({"md5": found.value}, os.path.getsize(self._path))
        except OSError as error:
            raise explain(error, "read", self.shown) from None

    def _of_server(self) -> Identity:
        with self._request("HEAD") as answer:
            headers = answer.headers
        size = headers.get("Content-Length")
        etag = headers.get("ETag")
        since = headers.get("Last-Modified")
        facts = {"etag": etag} if etag else {"checksum": since} if since else {}
        return Identity(facts, int(size) if size and size.isdecimal() else None)

    def _request(self, method: str) -> Any:
        # 35 ms to import; only this command needs it
        import urllib.error
        import urllib.request

        request = urllib.request.Request(  # noqa: S310 (http and https alone, by `__init__`)
            self.url, method=method, headers={"User-Agent": "pivot", "Accept-Encoding": "identity"}
        )
        try:
            return urllib.request.urlopen(request, timeout=_TIMEOUT)  # noqa: S310
        except urllib.error.HTTPError as error:
            raise StoreError(
                f"{self.shown}: the server says {error.code} {error.reason}",
                hint="check the URL",
                exit_code=2 if error.code in (400, 404, 410) else None,
            ) from None
        except (urllib.error.URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise StoreError(
                f"{self.shown} cannot be read: {reason}", hint="check the URL and the network"
            ) from None

    def _download(self, target: str) -> None:
        for attempt in range(_TRIES):
            try:
                self._receive(target)
                return
            except _BrokenOffError as error:
                if os.path.lexists(target):
                    os.unlink(target)
                if attempt + 1 == _TRIES:
                    raise StoreError(
                        f"{self.shown}: {error}", hint="check the network, and try again"
                    ) from None
                time.sleep(0.2 * 2**attempt)

    def _receive(self, target: str) -> None:
        from http.client import HTTPException

        received = 0
        with self._request("GET") as answer, open(target, "xb") as stream:
            length = answer.headers.get("Content-Length")
            try:
                while data := answer.read(_CHUNK_BYTES):
                    stream.write(data)
                    received += len(data)
            except (HTTPException, ConnectionError, TimeoutError) as error:
                raise _BrokenOffError(f"the connection broke off ({error})") from None
        if length and length.isdecimal() and received != int(length):
            raise _BrokenOffError(f"only {received} of {length} bytes came")


class _BrokenOffError(Exception):
    """A download that ended before the data did."""
