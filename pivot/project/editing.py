"""Changing a configuration file while keeping its comments and order."""

from __future__ import annotations

import io
import os
from collections.abc import MutableMapping
from typing import Any

from ..disk import explain, read_if_exists, write_atomic
from ..errors import ConfigError, Where
from ..settings import check_value, parse_text, spec_of
from .configuration import Scope, config_path, parse_layer


def write_setting(root: str, scope: Scope, key: str, value: Any) -> str:
    """Set `key` (`core.jobs`, `remotes.origin`, `remotes.origin.region`) in the file of `scope`.

    A text is read as the command line would; the file's path comes back. Raises ConfigError
    where key or value do not fit, StoreError where the file cannot be written.
    """
    parts = _parts(key)
    if parts[0] == "remotes":
        if not isinstance(value, (str, int, float, bool)):
            raise ConfigError(f"{key} takes one value, not {value!r}")
    else:
        value = parse_text(key, value) if isinstance(value, str) else check_value(key, value)

    def change(content: MutableMapping[Any, Any]) -> bool:
        node = content
        for part in parts[:-1]:
            inner = node.get(part)
            if inner is None:
                inner = node[part] = {}
            elif isinstance(inner, str) and parts[0] == "remotes":
                # `origin: URL` becomes a mapping once it gets options
                inner = node[part] = {"url": inner}
            elif not isinstance(inner, MutableMapping):
                raise ConfigError(f"'{part}' holds {inner!r} and cannot have keys below it")
            node = inner
        last = parts[-1]
        held = node.get(last)
        if len(parts) == 2 and parts[0] == "remotes" and isinstance(held, MutableMapping):
            held["url"] = value
        else:
            node[last] = value
        return True

    return _edit(root, scope, change)


def unset_setting(root: str, scope: Scope, key: str) -> bool:
    """Remove `key` from the file of `scope`; whether it was there. Raises as `write_setting`."""
    parts = _parts(key)
    removed = False

    def change(content: MutableMapping[Any, Any]) -> bool:
        nonlocal removed
        above: list[tuple[MutableMapping[Any, Any], str]] = []
        node: Any = content
        for part in parts[:-1]:
            if not isinstance(node, MutableMapping) or part not in node:
                return False
            above.append((node, part))
            node = node[part]
        if not isinstance(node, MutableMapping) or parts[-1] not in node:
            return False
        del node[parts[-1]]
        for holder, part in reversed(above):
            if not holder[part]:
                del holder[part]
        removed = True
        return True

    _edit(root, scope, change)
    return removed


def _parts(key: str) -> list[str]:
    if key.startswith("remotes."):
        parts = key.split(".", 2)
        if all(parts):
            return parts
        raise ConfigError(f"'{key}' names no remote", hint="remotes.NAME or remotes.NAME.OPTION")
    spec_of(key)
    return key.split(".")


def _edit(root: str, scope: Scope, change: Any) -> str:
    # 60 ms to import; only commands that edit a file need it
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    path = config_path(root, scope)
    shown = path if scope == "user" else os.path.relpath(path, root)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    try:
        before = read_if_exists(path)
    except OSError as error:
        raise explain(error, "read", shown) from None
    try:
        content = yaml.load(before) if before else None
    except YAMLError as error:
        raise ConfigError(f"it is not YAML ({error})", where=Where(shown)) from None
    if content is None:
        content = CommentedMap()
    if not isinstance(content, MutableMapping):
        raise ConfigError("a configuration file is a mapping of sections", where=Where(shown))
    if not change(content):
        return path
    stream = io.BytesIO()
    if content:
        yaml.dump(content, stream)
    after = stream.getvalue()
    if not content and before:
        after = b"".join(
            line + b"\n" for line in before.splitlines() if line.lstrip().startswith(b"#")
        )
    parse_layer(after, shown)  # nothing is written that could not be read again
    mode = 0o600 if scope == "local" else 0o644  # the local file may hold credentials
    try:
        target = os.path.realpath(path)
        if os.path.exists(target):
            mode = os.stat(target).st_mode & 0o777
        write_atomic(target, after, mode=mode)
    except OSError as error:
        raise explain(error, "write", shown) from None
    return path
