"""The options of remotes, by kind, under the names that DVC gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ...errors import did_you_mean
from ...settings import RemoteSpec, is_secret
from .problems import RemoteError

OptionType = Literal["text", "flag", "number", "path", "flag or path"]

_COMMON: dict[str, OptionType] = {
    "url": "text",
    "jobs": "number",
    "retries": "number",  # Pivot's own: attempts per object
    "verify": "flag",
    "worktree": "flag",
    "version_aware": "flag",
    "checksum_jobs": "number",
    "no_traverse": "flag",
}
_S3: dict[str, OptionType] = {
    "region": "text",
    "profile": "text",
    "credentialpath": "path",
    "configpath": "path",
    "endpointurl": "text",
    "access_key_id": "text",
    "secret_access_key": "text",
    "session_token": "text",
    "use_ssl": "flag",
    "allow_anonymous_login": "flag",
    "ssl_verify": "flag or path",
    "sse": "text",
    "sse_kms_key_id": "text",
    "sse_customer_algorithm": "text",
    "sse_customer_key": "text",
    "acl": "text",
    "grant_read": "text",
    "grant_read_acp": "text",
    "grant_write_acp": "text",
    "grant_full_control": "text",
    "request_payer": "text",  # Pivot's own
    "addressing_style": "text",  # Pivot's own
    "engine": "text",  # Pivot's own: obstore or boto3
    "read_timeout": "number",
    "connect_timeout": "number",
    "cache_regions": "flag",
    "listobjects": "flag",
}
_GS: dict[str, OptionType] = {
    "projectname": "text",
    "credentialpath": "path",
    "endpointurl": "text",
    "allow_anonymous_login": "flag",
    "read_timeout": "number",
    "connect_timeout": "number",
}
_AZURE: dict[str, OptionType] = {
    "connection_string": "text",
    "sas_token": "text",
    "account_name": "text",
    "account_key": "text",
    "tenant_id": "text",
    "client_id": "text",
    "client_secret": "text",
    "endpointurl": "text",  # Pivot's own
    "allow_anonymous_login": "flag",
    "exclude_environment_credential": "flag",
    "exclude_visual_studio_code_credential": "flag",
    "exclude_shared_token_cache_credential": "flag",
    "exclude_managed_identity_credential": "flag",
    "timeout": "number",
    "read_timeout": "number",
    "connection_timeout": "number",
}
_HTTP: dict[str, OptionType] = {
    "auth": "text",
    "custom_auth_header": "text",
    "user": "text",
    "password": "text",
    "ask_password": "flag",
    "ssl_verify": "flag or path",
    "method": "text",
    "connect_timeout": "number",
    "read_timeout": "number",
}
_SSH: dict[str, OptionType] = {
    "type": "text",
    "port": "number",
    "user": "text",
    "password": "text",
    "ask_password": "flag",
    "passphrase": "text",
    "ask_passphrase": "flag",
    "keyfile": "path",
    "timeout": "number",
    "gss_auth": "flag",
    "allow_agent": "flag",
    "max_sessions": "number",
    "known_hosts": "path",  # Pivot's own
}
_FOLDER: dict[str, OptionType] = {
    "type": "text",
    "shared": "text",
    "protected": "flag",
    "slow_link_warning": "flag",
}

BY_SCHEME: Mapping[str, Mapping[str, OptionType]] = {
    "file": {**_COMMON, **_FOLDER},
    "s3": {**_COMMON, **_S3},
    "gs": {**_COMMON, **_GS},
    "azure": {**_COMMON, **_AZURE},
    "http": {**_COMMON, **_HTTP},
    "https": {**_COMMON, **_HTTP},
    "ssh": {**_COMMON, **_SSH},
}

#: What stands for who one is, in kinds whose URLs have no place for it.
CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "s3": ("access_key_id", "secret_access_key"),
    "gs": ("credentialpath",),
    "azure": ("account_name", "account_key"),
}


class Options:
    """A remote's options, read as what they should be; mistakes are RemoteErrors that name it."""

    def __init__(self, spec: RemoteSpec, scheme: str, folder: str) -> None:
        self._name = spec.name
        self._values = spec.options
        self._folder = folder
        known = BY_SCHEME[scheme]
        for option in spec.options:
            check_option(spec.name, scheme, option)
        self._types = known

    def __contains__(self, option: str) -> bool:
        return self._values.get(option) not in (None, "")

    def text(self, option: str) -> str | None:
        """The text of an option; None where it is not given."""
        value = self._values.get(option)
        return None if value in (None, "") else str(value)

    def flag(self, option: str, default: bool) -> bool:
        """A yes or no."""
        value = self._values.get(option)
        if value is None:
            return default
        found = _truth(value)
        if found is None:
            raise self._wrong(option, "true or false", value)
        return found

    def number(self, option: str, default: int) -> int:
        """A whole number above 0."""
        value = self._values.get(option)
        if value is None:
            return default
        try:
            found = int(float(value))
        except (TypeError, ValueError):
            found = 0
        if found <= 0 or isinstance(value, bool):
            raise self._wrong(option, "a number above 0", value)
        return found

    def path(self, option: str) -> str | None:
        """A file, seen from the project's folder. Raises RemoteError where it is not there."""
        import os

        text = self.text(option)
        if text is None:
            return None
        path = os.path.normpath(os.path.join(self._folder, os.path.expanduser(text)))
        if not os.path.isfile(path):
            raise RemoteError("options", self._name, f"{option}: there is no file '{text}'")
        return path

    def flag_or_path(self, option: str) -> bool | str:
        """True, false, or a file (of certificates, for one)."""
        value = self._values.get(option)
        if value is None:
            return True
        found = _truth(value)
        return found if found is not None else self.path(option) or True

    def one_of(self, option: str, choices: tuple[str, ...]) -> str | None:
        """One of some words."""
        text = self.text(option)
        if text is not None and text not in choices:
            raise RemoteError(
                "options",
                self._name,
                f"{option} takes {' or '.join(choices)}, not '{text}'",
                hint=did_you_mean(text, choices),
            )
        return text

    def _wrong(self, option: str, expected: str, value: Any) -> RemoteError:
        shown = "" if is_secret(option, value) else f", not {value!r}"
        return RemoteError("options", self._name, f"{option} takes {expected}{shown}")


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())


def checked(name: str, scheme: str, option: str, text: str) -> str | bool | int:
    """The value that a text typed for an option means. Raises RemoteError where it does not fit."""
    kind = BY_SCHEME[scheme][option]
    options = Options(RemoteSpec(name, "", {option: text}), scheme, ".")
    if kind == "flag":
        return options.flag(option, False)
    if kind == "number":
        return options.number(option, 1)
    if kind == "flag or path":
        found = _truth(text)
        return text if found is None else found
    return text


def check_option(name: str, scheme: str, option: str) -> None:
    """Raise RemoteError where remotes of that kind have no such option."""
    known = BY_SCHEME.get(scheme, _COMMON)
    if option not in known:
        elsewhere = [kind for kind, options in BY_SCHEME.items() if option in options]
        of_others = f"{', '.join(elsewhere)} remotes have it" if elsewhere else None
        raise RemoteError(
            "options",
            name,
            f"a remote of kind {'folder' if scheme == 'file' else scheme} has no option '{option}'",
            hint=did_you_mean(option, known)
            or of_others
            or "docs/remotes.md lists the options of each kind",
        )
