"""Remotes on Google Cloud Storage, Azure and plain web servers, by obstore."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from ...settings import RemoteSpec, shown_url
from .options import Options
from .problems import RemoteError
from .protocol import ObjectStore

_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_PUT_SECONDS = 600
_GET_SECONDS = 24 * 3600


def open_gs(spec: RemoteSpec, folder: str) -> ObjectStore:
    """The store of a `gs://bucket/prefix` remote. Raises RemoteError."""
    from obstore.store import GCSStore

    options = Options(spec, "gs", folder)
    _refuse_versions(spec.name, options)
    bucket, prefix = _bucket(spec, "BUCKET")
    config: dict[str, Any] = {}
    account = options.path("credentialpath")
    if account is not None:
        config["service_account"] = account
    endpoint = options.address("endpointurl")
    if endpoint is not None:
        config["base_url"] = endpoint
    if options.flag("allow_anonymous_login", False):
        config["skip_signature"] = True

    def made(client: dict[str, Any], retry: Any) -> Any:
        return GCSStore(
            bucket, prefix=prefix, config=config, client_options=client, retry_config=retry
        )

    return _rust(spec, options, made, f"gs://{bucket}/{prefix or ''}", endpoint or "Google Cloud")


def open_azure(spec: RemoteSpec, folder: str) -> ObjectStore:
    """The store of an `azure://container/prefix` remote. Raises RemoteError."""
    from obstore.store import AzureStore

    options = Options(spec, "azure", folder)
    _refuse_versions(spec.name, options)
    container, prefix = _bucket(spec, "CONTAINER")
    if "@" in container:  # abfs://container@account.dfs.core.windows.net/prefix
        container, _, host = container.partition("@")
        account: str | None = host.partition(".")[0]
    else:
        account = None
    said = options.parts("connection_string")
    given = {
        "account_name": options.text("account_name") or said.get("accountname") or account,
        "account_key": options.text("account_key") or said.get("accountkey"),
        "sas_key": options.text("sas_token") or said.get("sharedaccesssignature"),
        "tenant_id": options.text("tenant_id"),
        "client_id": options.text("client_id"),
        "client_secret": options.text("client_secret"),
        "endpoint": options.address("endpointurl") or said.get("blobendpoint"),
    }
    config: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if options.flag("allow_anonymous_login", False):
        config["skip_signature"] = True
    if "account_name" not in config:
        import os

        if not os.environ.get("AZURE_STORAGE_ACCOUNT_NAME"):
            raise RemoteError(
                "options",
                spec.name,
                "it names no storage account",
                hint=f"`pivot remote modify {spec.name} account_name NAME`",
            )

    def made(client: dict[str, Any], retry: Any) -> Any:
        return AzureStore(
            container, prefix=prefix, config=config, client_options=client, retry_config=retry
        )

    where = str(config.get("endpoint") or "Azure")
    return _rust(spec, options, made, f"azure://{container}/{prefix or ''}", where)


def open_http(spec: RemoteSpec, kind: str, folder: str) -> ObjectStore:
    """The store of an `https://host/path` remote: read by GET, written by PUT. It has no list.

    Raises RemoteError.
    """
    from obstore.store import HTTPStore

    options = Options(spec, kind, folder)
    parts = urlsplit(spec.url)
    if not parts.hostname:
        raise RemoteError("options", spec.name, "its URL names no host")
    options.choice("method")  # there is but one
    headers = _authorization(spec.name, options, parts.username, parts.password)
    netloc = parts.netloc.rpartition("@")[2]
    address = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/") + "/", parts.query, ""))

    def made(client: dict[str, Any], retry: Any) -> Any:
        if headers:
            client = {**client, "default_headers": headers}
        return HTTPStore.from_url(address, client_options=client, retry_config=retry)

    host = f"{parts.scheme}://{netloc}"
    return _rust(spec, options, made, shown_url(spec.url), host, lists=False)


def _authorization(
    name: str, options: Options, user: str | None, password: str | None
) -> dict[str, str]:
    auth = options.choice("auth")
    given = options.text("password")
    if options.flag("ask_password", False) and given is None:
        given = ask(f"password of remote '{name}': ", name, "password")
    if auth == "custom":
        header = options.text("custom_auth_header")
        if header is None:
            raise RemoteError("options", name, "auth: custom needs custom_auth_header")
        return {header: given or ""}
    user = options.text("user") or user
    given = given or password
    if user is None and given is None:
        return {}
    pair = base64.b64encode(f"{user or ''}:{given or ''}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def ask(question: str, name: str, option: str) -> str:
    """What a person types, unseen. Raises RemoteError where nobody can be asked."""
    import sys

    if not sys.stdin.isatty():
        raise RemoteError(
            "credentials",
            name,
            f"it asks for a {option}, and there is no terminal to ask on",
            hint=f"`pivot remote modify --local {name} {option} VALUE`",
        )
    import getpass

    return getpass.getpass(question)


def _bucket(spec: RemoteSpec, what: str) -> tuple[str, str | None]:
    rest = spec.url.partition("://")[2]
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        scheme = spec.url.partition("://")[0]
        raise RemoteError("options", spec.name, f"its URL is not {scheme}://{what}/PREFIX")
    return bucket, prefix.strip("/") or None


def _refuse_versions(name: str, options: Options) -> None:
    if options.flag("version_aware", False) or options.flag("worktree", False):
        raise RemoteError(
            "options",
            name,
            "it keeps files under their own names (version_aware, worktree), which Pivot does "
            "not read or write",
            hint="use another remote, or `dvc` for this one",
        )


def _rust(
    spec: RemoteSpec,
    options: Options,
    made: Any,
    url: str,
    endpoint: str,
    *,
    lists: bool = True,
) -> ObjectStore:
    from .rust import RETRY, RustStore, client_options

    connect = options.number(
        "connection_timeout" if "connection_timeout" in options else "connect_timeout",
        _CONNECT_SECONDS,
    )
    read = options.number("read_timeout", _READ_SECONDS)
    verify = options.flag_or_path("ssl_verify")
    try:
        reading, writing = (
            made(client_options(connect, read, verify=verify, whole=whole), RETRY)
            for whole in (_GET_SECONDS, _PUT_SECONDS)
        )
    except RemoteError:
        raise
    except Exception as error:
        raise RemoteError(
            "options", spec.name, f"its options do not fit together ({_without_values(error)})"
        ) from None
    return RustStore(
        spec.name,
        url.rstrip("/"),
        reading,
        writing,
        endpoint=endpoint,
        lists=lists,
        has_multipart=lists,
    )


def _without_values(error: Exception) -> str:
    """The first words of what a library says, which name a setting and not what it was set to."""
    first = str(error).partition("\n")[0]
    return quote(first.partition(":")[0][:60], safe=" '()") or type(error).__name__
