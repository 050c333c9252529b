"""The options of remotes, by kind, under the names that DVC gives them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

from ...errors import did_you_mean
from ...settings import RemoteSpec, is_secret
from .problems import RemoteError

OptionType = Literal[
    "text", "flag", "number", "path", "flag or path", "choice", "links", "address", "key", "parts"
]

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
    "endpointurl": "address",
    "access_key_id": "text",
    "secret_access_key": "text",
    "session_token": "text",
    "use_ssl": "flag",
    "allow_anonymous_login": "flag",
    "ssl_verify": "flag or path",
    "sse": "choice",
    "sse_kms_key_id": "text",
    "sse_customer_algorithm": "choice",
    "sse_customer_key": "key",
    "acl": "choice",
    "grant_read": "text",
    "grant_read_acp": "text",
    "grant_write_acp": "text",
    "grant_full_control": "text",
    "request_payer": "choice",  # Pivot's own
    "addressing_style": "choice",  # Pivot's own
    "engine": "choice",  # Pivot's own
    "read_timeout": "number",
    "connect_timeout": "number",
    "cache_regions": "flag",
    "listobjects": "flag",
}
_GS: dict[str, OptionType] = {
    "projectname": "text",
    "credentialpath": "path",
    "endpointurl": "address",
    "allow_anonymous_login": "flag",
    "read_timeout": "number",
    "connect_timeout": "number",
}
_AZURE: dict[str, OptionType] = {
    "connection_string": "parts",
    "sas_token": "text",
    "account_name": "text",
    "account_key": "text",
    "tenant_id": "text",
    "client_id": "text",
    "client_secret": "text",
    "endpointurl": "address",  # Pivot's own
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
    "auth": "choice",
    "custom_auth_header": "text",
    "user": "text",
    "password": "text",
    "ask_password": "flag",
    "ssl_verify": "flag or path",
    "method": "choice",
    "connect_timeout": "number",
    "read_timeout": "number",
}
_SSH: dict[str, OptionType] = {
    "type": "links",
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
    "type": "links",
    "shared": "choice",
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

#: The words that options of kind `choice` take; case does not matter.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "engine": ("obstore", "boto3"),
    "addressing_style": ("auto", "path", "virtual"),
    "request_payer": ("requester",),
    "sse": ("AES256", "aws:kms", "aws:kms:dsse"),
    "sse_customer_algorithm": ("AES256",),
    "acl": (
        *("private", "public-read", "public-read-write", "authenticated-read"),
        *("aws-exec-read", "bucket-owner-read", "bucket-owner-full-control"),
    ),
    "auth": ("basic", "custom"),  # DVC has `digest` too
    "method": ("PUT",),
    "shared": ("group",),
}
_LINKS = ("reflink", "hardlink", "symlink", "copy")
_MOST_PORT = 65535


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
        except (TypeError, ValueError, OverflowError):
            found = 0
        if found <= 0 or isinstance(value, bool):
            raise self._wrong(option, "a number above 0", value)
        if option == "port" and found > _MOST_PORT:
            raise self._wrong(option, f"a number up to {_MOST_PORT}", value)
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

    def choice(self, option: str) -> str | None:
        """One of the words in CHOICES, as it stands there."""
        text = self.text(option)
        if text is None:
            return None
        choices = CHOICES[option]
        found = next((word for word in choices if word.lower() == text.lower()), None)
        if found is None:
            raise self._wrong(option, " or ".join(choices), text, did_you_mean(text, choices))
        return found

    def address(self, option: str) -> str | None:
        """A server: an http(s) URL, or its host alone."""
        text = self.text(option)
        if text is None:
            return None
        scheme, found, host = text.rpartition("://")
        is_web = not found or scheme.lower() in ("http", "https")
        if not is_web or not host.strip("/") or any(sign.isspace() for sign in text):
            raise self._wrong(option, "a URL such as https://HOST:PORT", text)
        return text

    def key(self, option: str) -> bytes | None:
        """32 bytes, written in base64."""
        text = self.text(option)
        if text is None:
            return None
        try:
            found = base64.b64decode(text, validate=True)
        except ValueError:
            found = b""
        if len(found) != 32:
            raise RemoteError("options", self._name, f"{option} is not 32 bytes written in base64")
        return found

    def parts(self, option: str) -> dict[str, str]:
        """The parts of NAME=VALUE;NAME=VALUE, by name in lower case; none where not given."""
        pieces = (self.text(option) or "").split(";")
        found = [piece.partition("=") for piece in pieces if piece.strip()]
        if not all(equals for _, equals, _ in found):
            raise RemoteError("options", self._name, f"{option} is not NAME=VALUE;NAME=VALUE")
        return {name.strip().lower(): value for name, _, value in found}

    def links(self, option: str) -> tuple[str, ...]:
        """Ways to link, joined by commas."""
        words = tuple(word.strip() for word in (self.text(option) or "").split(",") if word.strip())
        for word in words:
            if word not in _LINKS:
                raise self._wrong(option, " or ".join(_LINKS), word, did_you_mean(word, _LINKS))
        return words

    def _wrong(
        self, option: str, expected: str, value: Any, hint: str | None = None
    ) -> RemoteError:
        shown = "" if is_secret(option, value) else f", not {value!r}"
        return RemoteError("options", self._name, f"{option} takes {expected}{shown}", hint=hint)


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())


def checked(name: str, scheme: str, option: str, text: str) -> str | bool | int:
    """The value that a text typed for an option means. Raises RemoteError where it does not fit."""
    options = Options(RemoteSpec(name, "", {option: text}), scheme, ".")
    match BY_SCHEME[scheme][option]:
        case "flag":
            return options.flag(option, False)
        case "number":
            return options.number(option, 1)
        case "flag or path":
            found = _truth(text)
            return text if found is None else found
        case "choice":
            return options.choice(option) or text
        case "address":
            options.address(option)
        case "key":
            options.key(option)
        case "parts":
            options.parts(option)
        case "links":
            options.links(option)
        case "text" | "path":
            pass  # whether a file is there, another machine may see otherwise
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
