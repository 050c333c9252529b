"""From a remote's URL and options to what moves its bytes."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

from ...errors import did_you_mean
from ...settings import RemoteSpec
from .problems import RemoteError
from .protocol import ObjectStore

_SCHEMES = ("s3", "gs", "gcs", "azure", "abfs", "http", "https", "ssh", "sftp", "file")


def open_store(spec: RemoteSpec, folder: str) -> ObjectStore:
    """What serves the remote; nothing is asked of it yet.

    Relative folders are seen from `folder`. Raises RemoteError where URL or options cannot be
    used, or a library is missing.
    """
    scheme = scheme_of(spec.url)
    if not spec.url:
        raise RemoteError("options", spec.name, "it has no URL")
    if scheme == "file":
        from .local import FolderStore

        return FolderStore(spec.name, folder_of(spec.url, folder))
    raise RemoteError(
        "options",
        spec.name,
        f"'{scheme}://' is no kind of remote that is known",
        hint=did_you_mean(scheme, _SCHEMES) or f"known are {', '.join(_SCHEMES)} and folders",
    )


def scheme_of(url: str) -> str:
    """The scheme of a URL in lower case; `file` for a folder."""
    head, colon, _ = url.partition("://")
    return head.lower() if colon else "file"


def folder_of(url: str, folder: str) -> str:
    """The absolute folder that a local remote's URL means."""
    path = url[len("file://") :] if url.lower().startswith("file://") else url
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))


def shown_url(url: str) -> str:
    """The URL without a password or token that somebody wrote into it."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    user, _, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    netloc = f"{name}{':***' if colon else ''}@{host}" if user else host
    return urlunsplit((parts.scheme, netloc, parts.path, "***" if parts.query else "", ""))
