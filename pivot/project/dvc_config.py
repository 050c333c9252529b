"""DVC's own configuration, read as layers below Pivot's: `.dvc/config` at all its levels.

Read are the cache's place and way of linking, the default remote, and the remotes. What has no
meaning here is passed over, since DVC itself checks its files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..disk import explain, read_if_exists
from ..errors import ConfigError, Where, did_you_mean
from ..settings import RemoteSpec, parse_text
from ..tree import Tree
from .configuration import Layer

_COMMITTED = ".dvc/config"
_LINKS = ("reflink", "copy", "hardlink", "symlink")
_CORE = ("remote", "autostage", "hardlink_lock")

#: Options of remotes that are files, seen from the folder of the file that names them.
PATH_OPTIONS = ("credentialpath", "configpath", "keyfile", "cert_path", "key_path")


def dvc_layers(
    root: str, environ: Mapping[str, str] | None = None, *, tree: Tree | None = None
) -> tuple[Layer, ...]:
    """The layers system, user, project, local of the DVC project at `root`, as far as present.

    With `tree`, a version of the project, what is committed is read from there. Relative folders
    are resolved from the file that names them, as DVC does. Raises ConfigError where a file
    cannot be parsed, StoreError where it cannot be read.
    """
    found: list[Layer] = []
    for path, shown in dvc_config_files(root, environ):
        try:
            if tree is not None and shown == _COMMITTED:
                data = tree.read(shown)
            else:
                data = read_if_exists(path)
        except PermissionError as error:
            if not shown:
                continue  # somebody else's home folder, as in containers
            raise explain(error, "read", shown) from None
        except OSError as error:
            raise explain(error, "read", shown or path) from None
        if data is not None:
            found.append((shown or path, *parse_dvc_config(data, shown or path, path)))
    return tuple(found)


def dvc_config_files(
    root: str, environ: Mapping[str, str] | None = None
) -> tuple[tuple[str, str], ...]:
    """The files of DVC's configuration, whether they exist or not, with how errors call them."""
    env = os.environ if environ is None else environ
    home = env.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    system = env.get("DVC_SYSTEM_CONFIG_DIR") or "/etc/xdg/dvc"
    user = env.get("DVC_GLOBAL_CONFIG_DIR") or os.path.join(home, "dvc")
    return (
        (os.path.join(system, "config"), ""),
        (os.path.join(user, "config"), ""),
        (os.path.join(root, ".dvc", "config"), _COMMITTED),
        (os.path.join(root, ".dvc", "config.local"), ".dvc/config.local"),
    )


def parse_dvc_config(
    data: bytes, file: str, path: str
) -> tuple[dict[str, Any], dict[str, RemoteSpec]]:
    """The settings and remotes of one file, whose place is `path`. Raises ConfigError.

    With a relative place, relative folders stay relative, and `~` stays as it is.
    """
    values: dict[str, Any] = {}
    remotes: dict[str, RemoteSpec] = {}
    folder = os.path.dirname(path)
    for name, entries in _sections(data, file).items():
        kind, _, rest = name.partition(" ")
        if kind == "remote" and rest:
            remote = rest.strip().strip("\"'").lower()  # as DVC reads names
            options = {
                key: _resolve(text, folder) if key in PATH_OPTIONS else text
                for key, (text, _) in entries.items()
                if key != "url"
            }
            url = entries["url"][0] if "url" in entries else ""
            remotes[remote] = RemoteSpec(remote, _resolve(url, folder), options)
        elif name in ("core", "parsing"):
            for option in _CORE if name == "core" else ("bool", "list"):
                if option in entries:
                    text, line = entries[option]
                    key = f"{name}.{option}"
                    text = text.lower() if option == "remote" else text
                    values[key] = parse_text(key, text, Where(file, line))
        elif name == "cache":
            if "dir" in entries:
                values["cache.dir"] = _resolve(entries["dir"][0], folder)
            if "type" in entries:
                text, line = entries["type"]
                values["cache.link"] = _link(text, Where(file, line))
            if "shared" in entries:
                text, line = entries["shared"]
                values["cache.shared"] = parse_text("cache.shared", text.lower(), Where(file, line))
    return values, remotes


def written_remotes(data: bytes, file: str) -> dict[str, dict[str, str]]:
    """The options of each remote as the file has them, URLs included. Raises ConfigError."""
    found: dict[str, dict[str, str]] = {}
    for name, entries in _sections(data, file).items():
        kind, _, rest = name.partition(" ")
        if kind == "remote" and rest:
            remote = rest.strip().strip("\"'").lower()
            found[remote] = {key: text for key, (text, _) in entries.items()}
    return found


def _sections(data: bytes, file: str) -> dict[str, dict[str, tuple[str, int]]]:
    """Section -> option -> (text, line)."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ConfigError("it is not UTF-8 text", where=Where(file)) from None
    sections: dict[str, dict[str, tuple[str, int]]] = {}
    current: dict[str, tuple[str, int]] | None = None
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            end = line.rfind("]")
            if end < 0:
                raise ConfigError(f"a section without ']': {line}", where=Where(file, number))
            current = sections.setdefault(_unquote(line[1:end].strip()), {})
            continue
        key, equals, text = line.partition("=")
        if not equals or current is None:
            raise ConfigError(
                f"neither a section nor 'name = value': {line}", where=Where(file, number)
            )
        current[key.strip().lower()] = (_value(text.strip()), number)
    return sections


def _value(text: str) -> str:
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        if end > 0:
            return text[1:end]
    return text.partition(" #")[0].rstrip()


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _resolve(url: str, folder: str) -> str:
    if not url or "://" in url:
        return url
    if url.startswith("~"):
        return os.path.expanduser(url) if os.path.isabs(folder) else url
    return os.path.normpath(os.path.join(folder, url))


def _link(text: str, where: Where) -> str:
    """The kinds of links that DVC tries in turn, in the form of `store.Link`."""
    kinds = [part.strip().strip("\"'") for part in text.strip("[]").split(",") if part.strip()]
    for kind in kinds:
        if kind not in _LINKS:
            raise ConfigError(
                f"cache.type takes {', '.join(_LINKS)}, not '{kind}'",
                hint=did_you_mean(kind, _LINKS),
                where=where,
            )
    tried = kinds[: kinds.index("copy")] if "copy" in kinds else kinds
    # a copy is a reflink wherever that can be
    return ",".join(tried) if set(tried) - {"reflink"} else "copy"
