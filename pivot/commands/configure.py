"""`config get|set|unset|list`: the configuration, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ConfigError
from ..project import open_project, require_root, unset_setting, write_setting
from ..settings import KEYS, RemoteSpec, parse_text, shown_url, spec_of
from .remotes import known_remote, option_value

Scope = Literal["project", "local", "user"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An effective value and the layer that it comes from ('default' where nobody set it)."""

    key: str
    value: Any
    layer: str
    meaning: str = ""


def entries(cwd: str, *, everything: bool = False) -> list[Entry]:
    """The values that somebody set, or all of them with their meanings."""
    project = open_project(cwd)
    settings = project.settings
    project.close()
    found = [
        Entry(
            spec.name, settings[spec.name], settings.origins.get(spec.name, "default"), spec.meaning
        )
        for spec in KEYS
        if everything or spec.name in settings.origins
    ]
    for name, remote in settings.remotes.items():
        found.append(
            Entry(
                f"remotes.{name}",
                shown_url(remote.url),
                settings.origins.get(f"remotes.{name}", ""),
            )
        )
    return found


def value_of(cwd: str, key: str) -> Any:
    """The effective value of one key. Raises ConfigError with a did-you-mean."""
    project = open_project(cwd)
    settings = project.settings
    project.close()
    if key.startswith("remotes."):
        _, name, option = _parts(key)
        remote = known_remote(project, name)
        if option not in ("", "url"):
            raise ConfigError(
                f"'{option}' is an option of remote '{remote.name}'",
                hint="`pivot remote list --json` shows them, secrets apart; "
                f"`pivot remote modify {remote.name} {option} VALUE` sets it",
            )
        return shown_url(remote.url)
    spec_of(key)
    return settings[key]


def set_value(cwd: str, key: str, text: str, scope: Scope) -> str:
    """Set a key in a layer's file, keeping its comments; returns the file. Raises ConfigError."""
    value: Any = text if key.startswith("remotes.") else parse_text(key, text)
    if key == "core.mode":  # whose project it is need not be clear before
        return write_setting(require_root(cwd), scope, key, value)
    project = open_project(cwd)
    project.close()
    if key.startswith("remotes."):
        _, name, option = _parts(key)
        known = project.settings.remotes.get(name, RemoteSpec(name, ""))
        if known.url or option in ("", "url"):  # else its URL may come later
            value = option_value(project, known, option or "url", text)
    if project.mode == "dvc" and scope == "project":
        # with a configuration of Pivot's own the folder would be both tools' project
        write_setting(project.root, scope, "core.mode", "dvc")
    return write_setting(project.root, scope, key, value)


def unset_value(cwd: str, key: str, scope: Scope) -> bool:
    """Remove a key from a layer's file; whether it was there. Raises ConfigError."""
    if not key.startswith("remotes."):
        spec_of(key)
    project = open_project(cwd)
    project.close()
    return unset_setting(project.root, scope, key)


def _parts(key: str) -> tuple[str, str, str]:
    """`remotes.NAME` or `remotes.NAME.OPTION`, taken apart; '' for what is not there."""
    first, _, rest = key.partition(".")
    name, _, option = rest.partition(".")
    return first, name, option
