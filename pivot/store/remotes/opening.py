"""From a remote's URL and options to what moves its bytes."""

from __future__ import annotations

import os

from ...errors import did_you_mean
from ...settings import RemoteSpec, shown_url
from .many import Retry
from .problems import RemoteError
from .protocol import ObjectStore

#: Schemes by kind of remote; other names of a kind follow its own.
_KINDS = {
    "s3": "s3",
    "gs": "gs",
    "gcs": "gs",
    "azure": "azure",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "http": "http",
    "https": "https",
    "ssh": "ssh",
    "sftp": "ssh",
    "file": "file",
}


def open_store(spec: RemoteSpec, folder: str) -> ObjectStore:
    """What serves the remote; nothing is asked of it yet.

    Relative folders are seen from `folder`. Raises RemoteError where URL or options cannot be
    used, or a library is missing.
    """
    store = _opened(spec, folder)
    if "jobs" in spec.options:
        from .options import Options

        store.jobs = Options(spec, kind_of(spec), folder).number("jobs", store.jobs)
    return store


def _opened(spec: RemoteSpec, folder: str) -> ObjectStore:
    if not spec.url:
        raise RemoteError(
            "options",
            spec.name,
            "it has no URL",
            hint=f"`pivot remote modify {spec.name} url URL` gives it one",
        )
    kind = kind_of(spec)
    check_apart(spec)
    if kind == "s3":
        from .s3 import open_s3

        return open_s3(spec, folder)
    if kind == "ssh":
        from .sftp import open_ssh

        return open_ssh(spec, folder)
    if kind != "file":
        from . import cloud

        if kind == "gs":
            return cloud.open_gs(spec, folder)
        if kind == "azure":
            return cloud.open_azure(spec, folder)
        return cloud.open_http(spec, kind, folder)
    from .local import FolderStore
    from .options import Options

    Options(spec, kind, folder)
    return FolderStore(spec.name, folder_of(spec.url, folder))


def retry_of(spec: RemoteSpec) -> Retry:
    """How patient to be with a remote: its option `retries` says how often an object is tried."""
    from .options import Options

    kind = kind_of(spec)
    attempts = Options(spec, kind, ".").number("retries", Retry().attempts)
    return Retry(attempts=attempts)


def kind_of(spec: RemoteSpec) -> str:
    """The kind of a remote: s3, gs, azure, http, https, ssh or file. Raises RemoteError."""
    scheme = scheme_of(spec.url)
    if scheme not in _KINDS:
        raise RemoteError(
            "options",
            spec.name,
            f"'{scheme}://' is no kind of remote that Pivot knows",
            hint=did_you_mean(scheme, _KINDS) or "known are s3, gs, azure, https, ssh and folders",
        )
    return _KINDS[scheme]


def check_apart(spec: RemoteSpec) -> None:
    """Raise RemoteError where credentials stand in a URL that has no place for them.

    The error does not repeat them.
    """
    from .options import CREDENTIALS

    kind = kind_of(spec)
    rest = spec.url.partition("://")[2]
    head = rest.partition("/")[0]  # of a secret, where it has slashes in it
    is_container = kind == "azure" and ":" not in head  # CONTAINER@ACCOUNT.dfs.core.windows.net
    has_user = "@" in (rest if ":" in head else head) and not is_container
    if kind not in CREDENTIALS or not (has_user or "***" in shown_url(spec.url)):
        return
    what = "CONTAINER" if kind == "azure" else "BUCKET"
    calls = [
        f"`pivot remote modify --local {spec.name} {option} VALUE`" for option in CREDENTIALS[kind]
    ]
    raise RemoteError(
        "options",
        spec.name,
        f"its URL has no place for a user, password or token: it is {kind}://{what}/PREFIX alone",
        hint=f"give them apart, in a file that is not committed: {' and '.join(calls)}",
    )


def scheme_of(url: str) -> str:
    """The scheme of a URL in lower case; `file` for a folder."""
    head, colon, _ = url.partition("://")
    return head.lower() if colon else "file"


def folder_of(url: str, folder: str) -> str:
    """The absolute folder that a local remote's URL means."""
    path = url[len("file://") :] if url.lower().startswith("file://") else url
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
