"""Configuration values as data: every key with its type, default and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .errors import ConfigError, Where, did_you_mean
from .values import dataclass, field

KeyType = Literal["bool", "int", "str", "list", "choice", "mapping"]


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One configuration key: its type, default, allowed choices and one-line meaning."""

    name: str
    type: KeyType
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()
    dvc: str | None = None  # the key of .dvc/config with the same meaning


KEYS: tuple[KeySpec, ...] = (
    KeySpec(
        "core.mode", "choice", None, "pivot or dvc, where both could be meant", ("pivot", "dvc")
    ),
    KeySpec("core.jobs", "int", None, "stages run at a time; default: number of cores"),
    KeySpec("core.python", "str", None, "interpreter that runs python stages"),
    KeySpec("core.remote", "str", None, "the default remote", (), "core.remote"),
    KeySpec(
        "core.hash",
        "choice",
        "blake3",
        "algorithm that names objects",
        ("blake3", "xxh128", "sha256", "md5"),
    ),
    KeySpec(
        "core.autostage",
        "bool",
        False,
        "add records that a command wrote to git's index (dvc.lock, .dvc, .gitignore)",
        (),
        "core.autostage",
    ),
    KeySpec(
        "core.hardlink_lock",
        "bool",
        False,
        "take DVC's own locks by hard links (a DVC project on a file system without locks)",
        (),
        "core.hardlink_lock",
    ),
    KeySpec("core.fsync", "bool", False, "survive power loss: sync objects and locks to disk"),
    KeySpec("core.resources", "mapping", {}, "countable resources of this machine, e.g. gpu: 1"),
    KeySpec("core.run_cache", "bool", True, "restore results of earlier runs"),
    KeySpec("cache.dir", "str", None, "where objects lie; default: .pivot/cache", (), "cache.dir"),
    KeySpec(
        "cache.link",
        "choice",
        "copy",
        "how outputs appear in the work tree (copy uses reflinks where the file system can)",
        ("copy", "hardlink", "symlink"),
        "cache.type",
    ),
    KeySpec(
        "cache.shared",
        "choice",
        None,
        "group: other members of the group may write into the cache",
        ("group",),
        "cache.shared",
    ),
    KeySpec("code.roots", "list", [], "further folders that hold importable project code"),
    KeySpec("code.track", "bool", True, "false: code does not count (DVC's semantics)"),
    KeySpec(
        "code.packages",
        "choice",
        "report",
        "what a changed third-party version does",
        ("report", "rerun"),
    ),
    KeySpec("code.observe", "bool", True, "note what stages really import and open"),
    KeySpec(
        "code.undeclared",
        "choice",
        "warn",
        "what an undeclared project file that a stage opens does",
        ("warn", "error", "off"),
    ),
    KeySpec("run.output", "choice", "log", "where stage output goes", ("log", "show")),
    KeySpec(
        "parsing.bool",
        "choice",
        "store_true",
        "how true and false in a mapping become flags of a command",
        ("store_true", "boolean_optional"),
        "parsing.bool",
    ),
    KeySpec(
        "parsing.list",
        "choice",
        "nargs",
        "how a list in a mapping becomes flags of a command",
        ("nargs", "append"),
        "parsing.list",
    ),
)

_BY_NAME = {spec.name: spec for spec in KEYS}


@dataclass(frozen=True, slots=True)
class RemoteSpec:
    """A remote by name: its URL and its options (endpointurl, region, profile, ...)."""

    name: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective configuration: `values` by dotted key (defaults filled in), and remotes.

    `unplaced` are names that have options and no URL, as where a local file holds the keys of a
    remote that this version of the project does not have, with the layers that name them.
    """

    values: Mapping[str, Any]
    remotes: Mapping[str, RemoteSpec] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)  # key -> layer it came from
    unplaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def spec_of(name: str, where: Where | None = None) -> KeySpec:
    """The spec of a key. Raises ConfigError with a did-you-mean for an unknown one."""
    spec = _BY_NAME.get(name)
    if spec is None:
        raise ConfigError(
            f"unknown configuration key '{name}'",
            hint=did_you_mean(name, _BY_NAME) or "see `pivot config list --all`",
            where=where,
        )
    return spec


def parse_text(name: str, text: str, where: Where | None = None) -> Any:
    """The value of key `name` written as text (command line, environment variable).

    Raises ConfigError where the text does not fit the key's type.
    """
    spec = spec_of(name, where)
    value: Any = text
    if spec.type == "bool":
        known = {"true": True, "yes": True, "on": True, "1": True}
        known |= {"false": False, "no": False, "off": False, "0": False}
        value = known.get(text.strip().lower(), text)
    elif spec.type == "int":
        value = int(text) if text.strip().lstrip("+-").isdecimal() else text
    elif spec.type == "list":
        value = [part.strip() for part in text.split(",") if part.strip()]
    elif spec.type == "mapping":
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        if all(equals for _, equals, _ in pairs):
            value = {
                key.strip(): int(number) if number.strip().isdecimal() else number.strip()
                for key, _, number in pairs
            }
    return check_value(name, value, where)


def check_value(name: str, value: Any, where: Where | None = None) -> Any:
    """`value` where it fits key `name`. Raises ConfigError where it does not."""
    spec = spec_of(name, where)
    fits = {
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool) and value > 0,
        "str": isinstance(value, str) and value != "",
        "choice": value in spec.choices,
        "list": isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value),
        "mapping": isinstance(value, Mapping)
        and all(isinstance(v, int) and not isinstance(v, bool) and v >= 0 for v in value.values()),
    }[spec.type]
    if fits:
        return value
    expected = {
        "bool": "true or false",
        "int": "a whole number above 0",
        "str": "a text",
        "choice": " or ".join(spec.choices),
        "list": "a list of texts",
        "mapping": "names with whole numbers, as in gpu=1",
    }[spec.type]
    hint = did_you_mean(str(value), spec.choices) if spec.type == "choice" else None
    raise ConfigError(f"{name} takes {expected}, not {value!r}", hint=hint, where=where)


def merge(layers: list[tuple[str, Mapping[str, Any], Mapping[str, RemoteSpec]]]) -> Settings:
    """Settings of (layer name, values by dotted key, remotes), later layers over earlier ones.

    Remotes of one name merge: a later URL replaces, options add up. Without any URL it is none.
    """
    values: dict[str, Any] = {spec.name: spec.default for spec in KEYS}
    origins: dict[str, str] = {}
    remotes: dict[str, RemoteSpec] = {}
    named: dict[str, list[str]] = {}
    for layer, entries, layer_remotes in layers:
        for key, value in entries.items():
            values[key] = value
            origins[key] = layer
        for name, remote in layer_remotes.items():
            named.setdefault(name, []).append(layer)
            before = remotes.get(name)
            if before is None:
                remotes[name] = remote
            else:
                options = {**before.options, **remote.options}
                remotes[name] = RemoteSpec(name, remote.url or before.url, options)
    placed = {name: remote for name, remote in remotes.items() if remote.url}
    unplaced = {name: tuple(where) for name, where in named.items() if name not in placed}
    return Settings(values, placed, origins, unplaced)


#: Options of remotes that nobody but their owner should read.
_SECRET = frozenset(
    (
        "access_key_id",
        "secret_access_key",
        "session_token",
        "sse_customer_key",
        "connection_string",
        "sas_token",
        "account_key",
        "client_secret",
        "password",
        "passphrase",
        "custom_auth_header",
    )
)


def is_secret(option: str, value: object) -> bool:
    """Whether an option of a remote, or a URL that holds a password, is for its owner alone."""
    return option in _SECRET or (option == "url" and "***" in shown_url(str(value)))


def shown_url(url: str) -> str:
    """The URL without a password or token that somebody wrote into it."""
    if "://" not in url:
        return url
    from urllib.parse import urlsplit, urlunsplit  # 3 ms; only where remotes are shown

    parts = urlsplit(url)
    if "@" not in parts.netloc and not parts.query:
        return url
    user, _, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    netloc = f"{name}{':***' if colon else ''}@{host}" if user else host
    return urlunsplit((parts.scheme, netloc, parts.path, "***" if parts.query else "", ""))
