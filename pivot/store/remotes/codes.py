"""What servers answer, in kinds of trouble: S3's error codes and HTTP's numbers."""

from __future__ import annotations

import re

from .problems import Kind

#: Error codes of S3 and of what speaks like it, with what a person is told.
CODES: dict[str, tuple[Kind, str]] = {
    "NoSuchBucket": ("place", "there is no such bucket"),
    "NoSuchKey": ("absent", "it does not have the object"),
    "InvalidBucketName": ("place", "the bucket's name is not valid"),
    "PermanentRedirect": ("place", "the bucket is in another region: set `region`"),
    "AuthorizationHeaderMalformed": (
        "place",
        "the bucket is in another region, or no region is set: set `region`",
    ),
    "IllegalLocationConstraintException": ("place", "the bucket is in another region"),
    "InvalidAccessKeyId": ("credentials", "the access key is not known there"),
    "SignatureDoesNotMatch": ("credentials", "the secret key is wrong"),
    "InvalidToken": ("credentials", "the session token is not valid"),
    "ExpiredToken": ("credentials", "the credentials have expired"),
    "ExpiredTokenException": ("credentials", "the credentials have expired"),
    "TokenRefreshRequired": ("credentials", "the credentials have expired"),
    "RequestExpired": ("credentials", "the credentials have expired"),
    "RequestTimeTooSkewed": ("skew", "this machine's clock and its own differ too much"),
    "AccessDenied": ("denied", "access is denied"),
    "AllAccessDisabled": ("denied", "all access is disabled there"),
    "AccountProblem": ("denied", "there is a problem with its account"),
    "SlowDown": ("busy", "it asks to slow down"),
    "ThrottlingException": ("busy", "it asks to slow down"),
    "TooManyRequestsException": ("busy", "it asks to slow down"),
    "RequestLimitExceeded": ("busy", "it asks to slow down"),
    "ServiceUnavailable": ("busy", "it is not available at the moment"),
    "InternalError": ("busy", "it had an internal error"),
    "RequestTimeout": ("network", "the connection was too slow"),
    "IncompleteBody": ("network", "the connection broke off"),
    "BadDigest": ("network", "what arrived there was not what was sent"),
    "XAmzContentSHA256Mismatch": ("network", "what arrived there was not what was sent"),
    "KMS.DisabledException": ("denied", "the encryption key is disabled"),
    "KMS.NotFoundException": ("denied", "there is no such encryption key"),
    "QuotaExceeded": ("disk", "its quota is used up"),
    "StorageFull": ("disk", "it has no space left"),
}

_STATUS: dict[int, tuple[Kind, str]] = {
    400: ("other", "the request was refused as wrong"),
    401: ("credentials", "it asks for credentials, or for others"),
    403: ("denied", "access is denied"),
    404: ("absent", "it does not have the object"),
    405: ("denied", "it does not let anybody write"),
    407: ("network", "the proxy asks for credentials"),
    408: ("network", "the connection was too slow"),
    411: ("other", "it wants to know lengths ahead"),
    429: ("busy", "it asks to slow down"),
    503: ("busy", "it asks to slow down, or is not available (HTTP 503)"),
    507: ("disk", "it has no space left"),
}

_CODE = re.compile(r"<Code>([A-Za-z0-9._]{1,60})</Code>")
_NUMBER = re.compile(r"(?:status(?: code)?:?|HTTP error:?|response code)\s*\(?(\d{3})\b", re.I)


def code_in(text: str) -> str | None:
    """The error code in an answer's XML."""
    found = _CODE.search(text)
    return found[1] if found else None


def status_in(text: str) -> int | None:
    """The HTTP status that a library's message names."""
    found = _NUMBER.search(text)
    return int(found[1]) if found else None


def by_code(code: str) -> tuple[Kind, str]:
    """What an error code means."""
    known = CODES.get(code)
    return known if known is not None else ("other", f"it answered '{code}'")


def by_status(status: int) -> tuple[Kind, str]:
    """What an HTTP status means."""
    known = _STATUS.get(status)
    if known is not None:
        return known
    if status >= 500:
        return "busy", f"it failed (HTTP {status})"
    return "other", f"it answered with HTTP status {status}"
