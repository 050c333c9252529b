"""What can go wrong between here and a remote, in kinds that say what to do next."""

from __future__ import annotations

from typing import Literal

from ...errors import StoreError

Kind = Literal[
    "absent",  # the object is not there
    "place",  # the bucket or folder is not there
    "credentials",  # none, wrong or expired
    "denied",  # known, and not allowed
    "skew",  # the clock here is wrong
    "busy",  # throttled, or the server failed: again later
    "network",  # no connection, broken off, too slow
    "corrupt",  # other bytes than the name says
    "disk",  # the remote folder's own disk refuses
    "options",  # its configuration cannot be used
    "other",
]

#: Trying again may help.
PASSING: frozenset[Kind] = frozenset(("busy", "network"))
#: What holds for every object: going on with the others is pointless.
GENERAL: frozenset[Kind] = frozenset(
    ("place", "credentials", "skew", "disk", "options", "busy", "network")
)

_HINTS: dict[Kind, str] = {
    "absent": "`pivot push` from where it was made",
    "place": "correct its URL with `pivot remote modify {name} url URL`, or create it there",
    "credentials": (
        "renew the credentials (for AWS: `aws sts get-caller-identity` shows who you are), or set "
        "them with `pivot remote modify --local {name} OPTION VALUE`"
    ),
    "denied": "ask its owner for the permission, or use another profile or credentials",
    "skew": "set this machine's clock (`timedatectl` shows it), then try again",
    "busy": "try again later: what was transferred is kept; fewer at a time (`-j`) may help",
    "network": (
        "check the network, the proxy and the remote's endpoint, then try again: what was "
        "transferred is kept"
    ),
    "corrupt": "nothing of it was kept",
    "disk": "free some space there, or check its permissions",
    "options": "`pivot remote modify {name} OPTION VALUE` changes it",
    "other": "`pivot remote list` shows how it is configured",
}


class RemoteError(StoreError):
    """Something that a remote did not do. `kind` says what sort of trouble it is.

    Texts never hold credentials: they are made from error codes, not from requests.
    """

    def __init__(
        self, kind: Kind, remote: str, what: str, *, hint: str | None = None, code: str = ""
    ) -> None:
        self.kind: Kind = kind
        self.remote = remote
        self.code = code
        text = _HINTS[kind].format(name=remote) if hint is None else hint
        super().__init__(
            f"remote '{remote}': {what}", hint=text, exit_code=2 if kind == "options" else None
        )

    @property
    def is_passing(self) -> bool:
        """Whether trying again may help."""
        return self.kind in PASSING

    @property
    def is_general(self) -> bool:
        """Whether it would be the same with any other object."""
        return self.kind in GENERAL
