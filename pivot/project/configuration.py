"""Configuration from its layers: the user's file, the project's, the local one, the environment.

Later layers win; options of the command line come last. Files are parsed again only after a
change, since the YAML parser costs more than everything else a command with nothing to do does.
"""

from __future__ import annotations

import marshal
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from ..disk import explain, read_if_exists
from ..errors import ConfigError, PivotError, Where, did_you_mean, raise_all
from ..settings import KEYS, RemoteSpec, Settings, check_value, is_secret, merge, parse_text
from ..stamp import is_settled, signature
from ..tree import Tree
from .root import SCRATCH

Scope = Literal["user", "project", "local"]
Layer = tuple[str, Mapping[str, Any], Mapping[str, RemoteSpec]]

#: Sections whose PIVOT_* variables are all configuration, so that a misspelt one is an error.
_SECTIONS = ("core", "cache", "code")
_SECTION_NAMES = frozenset({spec.name.partition(".")[0] for spec in KEYS} | {"remotes"})


class Memory(Protocol):
    """Where parsed files are kept between runs."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


def config_path(root: str, scope: Scope) -> str:
    """The file of a scope."""
    if scope == "user":
        home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        return os.path.join(home, "pivot", "config.yaml")
    name = "config.yaml" if scope == "project" else "config.local.yaml"
    return os.path.join(root, SCRATCH, name)


def read_settings(
    root: str,
    options: Mapping[str, Any] | None = None,
    *,
    memory: Memory | None = None,
    environ: Mapping[str, str] | None = None,
    base: tuple[Layer, ...] = (),
    tree: Tree | None = None,
) -> Settings:
    """The effective configuration; `base` are layers below all others (a DVC project's own).

    With `tree`, a version of the project, what is committed is read from there; what is this
    machine's is read as ever. Raises ConfigError for unknown keys (with a did-you-mean) and
    values that do not fit, with file and line.
    """
    layers = list(base)
    scopes: tuple[Scope, ...] = ("user", "project", "local")
    for scope in scopes:
        path = config_path(root, scope)
        shown = path if scope == "user" else os.path.relpath(path, root)
        if scope == "project" and tree is not None:
            data = tree.read(shown)
            layer = None if data is None else parse_layer(data, shown)
        else:
            layer = _read_layer(path, shown, memory)
        if layer is not None:
            layers.append((shown, *layer))
    layers.append(("environment", _from_environment(environ or os.environ), {}))
    if options:
        given = {
            name: parse_text(name, value) if isinstance(value, str) else check_value(name, value)
            for name, value in options.items()
            if value is not None
        }
        layers.append(("option", given, {}))
    return merge(layers)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    variables = {f"PIVOT_{spec.name.replace('.', '_').upper()}": spec.name for spec in KEYS}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith("PIVOT_"):
            continue
        name = variables.get(variable)
        where = Where(f"environment variable {variable}")
        if name is not None:
            values[name] = parse_text(name, text, where)
        elif variable.startswith(tuple(f"PIVOT_{s.upper()}_" for s in _SECTIONS)):
            raise ConfigError(
                "no configuration key has this variable",
                hint=did_you_mean(variable, variables) or "see `pivot config list --all`",
                where=where,
            )
    return values


def _read_layer(
    path: str, shown: str, memory: Memory | None
) -> tuple[dict[str, Any], dict[str, RemoteSpec]] | None:
    try:
        started = time.time_ns()
        seen = signature(os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        if shown == path:
            return None  # a home folder of somebody else, as in containers: nothing of the user's
        raise explain(error, "read", shown) from None
    except OSError as error:
        raise explain(error, "read", shown) from None
    kept = memory.get(path) if memory is not None else None
    if kept is not None:
        try:
            known, flat, remotes = marshal.loads(kept)  # noqa: S302 (checked by the state)
            if known == seen:
                return flat, {n: RemoteSpec(n, url, o) for n, (url, o) in remotes.items()}
        except (ValueError, EOFError, TypeError):
            pass  # another version's: parse it
    try:
        data = read_if_exists(path)
    except OSError as error:
        raise explain(error, "read", shown) from None
    values, specs = parse_layer(data or b"", shown)
    if memory is not None and is_settled(seen, started) and not _has_secret(specs):
        plain = {name: (spec.url, dict(spec.options)) for name, spec in specs.items()}
        memory.put(path, marshal.dumps((seen, values, plain)))
    return values, specs


def _has_secret(specs: Mapping[str, RemoteSpec]) -> bool:
    """Whether something stands in the file that must not be copied: others may read the memory."""
    return any(
        is_secret(option, value)
        for spec in specs.values()
        for option, value in (("url", spec.url), *spec.options.items())
    )


def parse_layer(data: bytes, file: str) -> tuple[dict[str, Any], dict[str, RemoteSpec]]:
    """The values by dotted key, and the remotes, of a configuration file.

    Raises ConfigError, or PivotErrors where several things are wrong.
    """
    # 12 ms: only where a configuration file was written and has changed
    from ..config.documents import load_yaml_marked

    content, marks = load_yaml_marked(data, file)
    if content is None:
        return {}, {}
    if not isinstance(content, Mapping):
        raise ConfigError(
            "a configuration file is a mapping of sections",
            hint="core: {jobs: 4}",
            where=Where(file),
        )
    values: dict[str, Any] = {}
    remotes: dict[str, RemoteSpec] = {}
    errors: list[PivotError] = []
    for path, value in _leaves(content):
        name = ".".join(str(part) for part in path)
        try:
            if path[0] == "remotes":
                where = marks.where(path)
                if len(path) == 1:
                    raise ConfigError("'remotes' maps names to URLs", where=where)
                remotes[str(path[1])] = _remote(str(path[1]), value, where)
            else:
                _check_known(name, marks.where(path, key=True), at_top=len(path) == 1)
                values[name] = check_value(name, value, marks.where(path))
        except PivotError as error:
            errors.append(error)
    raise_all(errors)
    return values, remotes


def _leaves(content: Mapping[Any, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for section, entries in content.items():
        if isinstance(entries, Mapping):
            for key, value in entries.items():
                yield (section, key), value
        elif entries is not None or section not in _SECTION_NAMES:
            yield (section,), entries


def _check_known(name: str, where: Where, *, at_top: bool) -> None:
    known = [spec.name for spec in KEYS]
    if name in known and not at_top:
        return
    if name in known:
        section, _, key = name.partition(".")
        raise ConfigError(
            f"'{name}' stands at the top level",
            hint=f"write {section}: {{{key}: ...}}",
            where=where,
        )
    if name in _SECTION_NAMES:
        raise ConfigError(f"'{name}' is a section and needs keys below it", where=where)
    raise ConfigError(
        f"unknown configuration key '{name}'",
        hint=did_you_mean(name, [*known, *_SECTION_NAMES]) or "see `pivot config list --all`",
        where=where,
    )


def _remote(name: str, value: Any, where: Where) -> RemoteSpec:
    if isinstance(value, str) and value:
        return RemoteSpec(name, value)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        url = value.get("url", "")
        options = {key: item for key, item in value.items() if key != "url"}
        plain = all(isinstance(v, (str, int, float, bool, type(None))) for v in options.values())
        if isinstance(url, str) and plain:
            # a local file may give the options of a remote whose URL is in the project's
            return RemoteSpec(name, url, options)
    raise ConfigError(
        f"remote '{name}' takes a URL, or a mapping with 'url' and its options",
        hint=f"remotes: {{{name}: 's3://bucket/prefix'}}",
        where=where,
    )
