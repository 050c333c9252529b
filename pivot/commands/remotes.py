"""`remote add|list|modify|remove|rename|default`: which remotes there are, in the project's files.

In a Pivot project they are written to `.pivot/config.yaml` and its local and user files, in a DVC
project to `.dvc/config` and its own; comments stay.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ConfigError, did_you_mean
from ..project import dvc_config_files, open_project, unset_setting, write_setting
from ..settings import RemoteSpec, is_secret, shown_url
from ..values import dataclass
from .stores import check_placed, referred, unplaced

if TYPE_CHECKING:
    from ..project import Project

Scope = Literal["project", "local", "user", "system"]

_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")
#: The files of a DVC project, in the order that `dvc_config_files` gives them.
_DVC_SCOPES: tuple[Scope, ...] = ("system", "user", "project", "local")
_PATHS = ("credentialpath", "configpath", "keyfile", "known_hosts")


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote as people see it; secrets are not in it."""

    name: str
    url: str
    is_default: bool
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """The remotes, and what is said of others that are none."""

    remotes: tuple[Remote, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edited:
    """The file that was written, and what a person should know about it."""

    file: str
    warnings: tuple[str, ...] = ()


def remotes(cwd: str) -> Listing:
    """All remotes, without secrets."""
    project = _opened(cwd)
    default = project.settings["core.remote"]
    found = []
    for name, spec in project.settings.remotes.items():
        options = tuple(
            (key, "***" if is_secret(key, value) else str(value))
            for key, value in spec.options.items()
        )
        found.append(Remote(name, shown_url(spec.url), name == default, options))
    notes = tuple(unplaced(project.settings, name) for name in project.settings.unplaced)
    return Listing(tuple(found), notes)


def add(
    cwd: str, name: str, url: str, *, scope: Scope, default: bool = False, force: bool = False
) -> Edited:
    """Write down a remote. Raises ConfigError where name or URL do not fit, or it is there."""
    project = _opened(cwd)
    if project.mode == "dvc":
        name = name.lower()  # as DVC writes names
    if not _NAME.match(name):
        raise ConfigError(
            f"'{name}' is no name for a remote",
            hint="letters, digits, '-' and '_'; the URL comes after the name",
        )
    _check_url(name, url)
    if name in project.settings.remotes and not force:
        raise ConfigError(
            f"there is a remote '{name}' already",
            hint="`--force` replaces it; `pivot remote modify` changes its options",
        )
    files = _Files(project, scope)
    if force:
        files.remove(name)
    files.set(name, "url", files.place(url, cwd))
    if default:
        files.set_default(name)
    return Edited(files.shown, _warnings(files, name, "url", url))


def modify(
    cwd: str, name: str, option: str, value: str | None, *, scope: Scope, unset: bool = False
) -> Edited:
    """Set or take out one option. Raises ConfigError with what was probably meant."""
    from ..store.remotes.options import check_option

    project = _opened(cwd)
    option = option.lower()
    spec = known_remote(project, name, placed=option != "url")
    name = spec.name
    check_option(name, _kind(project, spec, option, value), option)
    files = _Files(project, scope)
    if unset:
        if option == "url":
            raise ConfigError("a remote needs its URL", hint=f"`pivot remote remove {name}`")
        files.unset(name, option)
        return Edited(files.shown)
    if not value:
        raise ConfigError(f"'{option}' needs a value", hint="`--unset` takes it out")
    written: Any = option_value(project, spec, option, value)
    if option == "url" or option in _PATHS:
        written = files.place(value, cwd)
    files.set(name, option, written)
    return Edited(files.shown, _warnings(files, name, option, value))


def remove(cwd: str, name: str, *, scope: Scope) -> Edited:
    """Take a remote out of a file, and out of the default. Raises ConfigError."""
    project = _opened(cwd)
    name = known_remote(project, name, placed=False).name
    files = _Files(project, scope)
    if not files.remove(name):
        raise ConfigError(
            f"remote '{name}' is not in {files.shown}",
            hint="give the file: --local, --global or --project",
        )
    for other in ("project", "local") if scope == "project" else (scope,):
        at = _Files(project, other)
        if at.default == name:
            at.set_default(None)
    return Edited(files.shown)


def rename(cwd: str, name: str, new: str, *, scope: Scope) -> Edited:
    """Give a remote another name, in one file. Raises ConfigError."""
    project = _opened(cwd)
    name = known_remote(project, name, placed=False).name
    if new in project.settings.remotes:
        raise ConfigError(f"there is a remote '{new}' already")
    if not _NAME.match(new):
        raise ConfigError(f"'{new}' is no name for a remote", hint="letters, digits, '-' and '_'")
    files = _Files(project, scope)
    held = files.held(name)
    if held is None:
        raise ConfigError(f"remote '{name}' is not in {files.shown}")
    for option, value in held.items():
        files.set(new, option, value)
    files.remove(name)
    if files.default == name:
        files.set_default(new)
    return Edited(files.shown)


def default(cwd: str, name: str | None, *, scope: Scope, unset: bool = False) -> str | None:
    """The default remote, after setting it to `name` or, with `unset`, to none."""
    project = _opened(cwd)
    if name is None and not unset:
        found = project.settings["core.remote"]
        return None if found is None else str(found)
    if name is not None:
        name = known_remote(project, name).name
    _Files(project, scope).set_default(None if unset else name)
    return name


# --- the files -----------------------------------------------------------------------------


class _Files:
    """The configuration file of one scope, in the form that the project's mode has."""

    def __init__(self, project: Project, scope: Scope) -> None:
        self._root = project.root
        self._scope: Scope = scope
        self._is_dvc = project.mode == "dvc"
        if self._is_dvc:
            places = dvc_config_files(project.root)
            self._path, shown = places[_DVC_SCOPES.index(scope)]
            self.shown = shown or self._path
        else:
            if scope == "system":
                raise ConfigError("--system is for DVC projects", hint="--global is your own file")
            from ..project import config_path

            self._path = config_path(project.root, scope)
            self.shown = (
                self._path if scope == "user" else os.path.relpath(self._path, project.root)
            )

    @property
    def is_shared(self) -> bool:
        """Whether git has the file."""
        return self._scope == "project"

    def place(self, text: str, cwd: str) -> str:
        """A path typed in `cwd`, as the file has it: relative to where the file is read from."""
        if "://" in text or os.path.isabs(text) or text.startswith("~"):
            return text
        base = os.path.dirname(self._path) if self._is_dvc else self._root
        absolute = os.path.normpath(os.path.join(os.path.realpath(cwd), text))
        if self._scope in ("user", "system"):
            return absolute
        return os.path.relpath(absolute, os.path.realpath(base))

    def set(self, name: str, option: str, value: Any) -> None:
        if self._is_dvc:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self._edit(name, {option: text})
        else:
            assert self._scope != "system"  # refused above
            write_setting(self._root, self._scope, f"remotes.{name}.{option}", value)

    def unset(self, name: str, option: str) -> None:
        if self._is_dvc:
            self._edit(name, {option: None})
        else:
            assert self._scope != "system"
            unset_setting(self._root, self._scope, f"remotes.{name}.{option}")

    def remove(self, name: str) -> bool:
        """Take the whole remote out; whether it was there."""
        held = self.held(name)
        if held is None:
            return False
        if self._is_dvc:
            self._edit(name, dict.fromkeys(held))
        else:
            assert self._scope != "system"
            unset_setting(self._root, self._scope, f"remotes.{name}")
        return True

    def held(self, name: str) -> dict[str, Any] | None:
        """What the file says of a remote, as it stands there."""
        from ..disk import read_if_exists

        data = read_if_exists(self._path)
        if data is None:
            return None
        if self._is_dvc:
            from ..project.dvc_config import written_remotes

            return written_remotes(data, self.shown).get(name)
        from ..project.configuration import parse_layer

        spec = parse_layer(data, self.shown)[1].get(name)
        if spec is None:
            return None
        return {**({"url": spec.url} if spec.url else {}), **spec.options}

    @property
    def default(self) -> str | None:
        from ..disk import read_if_exists

        data = read_if_exists(self._path)
        if data is None:
            return None
        if self._is_dvc:
            from ..project.dvc_config import parse_dvc_config

            values = parse_dvc_config(data, self.shown, self._path)[0]
        else:
            from ..project.configuration import parse_layer

            values = parse_layer(data, self.shown)[0]
        found = values.get("core.remote")
        return None if found is None else str(found)

    def set_default(self, name: str | None) -> None:
        if self._is_dvc:
            from ..project.dvc_editing import edit_dvc_config

            edit_dvc_config(self._path, self.shown, "core", {"remote": name})
        else:
            assert self._scope != "system"
            if name is None:
                unset_setting(self._root, self._scope, "core.remote")
            else:
                write_setting(self._root, self._scope, "core.remote", name)

    def _edit(self, name: str, changes: dict[str, str | None]) -> None:
        from ..project.dvc_editing import edit_dvc_config, remote_section

        edit_dvc_config(self._path, self.shown, remote_section(name), changes)


def _opened(cwd: str) -> Project:
    project = open_project(cwd)
    project.close()
    return project


def known_remote(project: Project, name: str, *, placed: bool = True) -> RemoteSpec:
    """The remote of that name; unless it has to be `placed`, one without a URL as well.

    Raises ConfigError with what was probably meant.
    """
    wanted = name.lower() if project.mode == "dvc" else name
    if not placed and wanted in project.settings.unplaced:
        return RemoteSpec(wanted, "")
    check_placed(project.settings, wanted)
    found = project.settings.remotes.get(wanted)
    if found is None:
        raise ConfigError(
            f"there is no remote '{name}'",
            hint=did_you_mean(name, project.settings.remotes)
            or f"`pivot remote add {name} URL` adds one",
        )
    return found


def option_value(project: Project, spec: RemoteSpec, option: str, text: str) -> str | bool | int:
    """What a text typed for an option of a remote means.

    Raises ConfigError or RemoteError where the remote has no such option, or it does not fit.
    """
    from ..store.remotes.options import check_option, checked

    kind = _kind(project, spec, option, text)
    check_option(spec.name, kind, option)
    if option == "url":
        _check_url(spec.name, text)
    return checked(spec.name, kind, option, text)


def _kind(project: Project, spec: RemoteSpec, option: str, text: str | None) -> str:
    """The kind of a remote; where its URL is to change, of what it will be."""
    from ..store.remotes import kind_of

    meant = RemoteSpec(spec.name, text or spec.url, {}) if option == "url" else spec
    return kind_of(referred(project.settings.remotes, meant))


def _check_url(name: str, url: str) -> None:
    from ..store.remotes import check_apart, kind_of

    if not url.strip():
        raise ConfigError("the URL is empty", hint="s3://BUCKET/PREFIX, or a folder")
    if url.startswith("remote://"):
        return
    spec = RemoteSpec(name, url, {})
    check_apart(spec)
    if kind_of(spec) != "file" and not url.partition("://")[2].strip("/"):
        raise ConfigError(f"'{url}' names no place", hint="as in s3://BUCKET/PREFIX")


def _warnings(files: _Files, name: str, option: str, value: str) -> tuple[str, ...]:
    if not is_secret(option, value) or not files.is_shared:
        return ()
    what = "a password in a URL" if option == "url" else option
    return (
        f"{what} is a secret, and {files.shown} is committed: take it out again, and give it by "
        f"`pivot remote modify --local {name} {'password' if option == 'url' else option} VALUE`",
    )
