"""The parts of a stage: deps, outs, metrics, plots and params, in each form they may be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigError, Where, did_you_mean
from ..model import Dep, Out, OutKind, ParamsFile
from ..tree import join, relative
from .composition import DEFAULT_FILE
from .discovery import is_dvc_file
from .marks import Marks
from .templating import Scope

_FLAGS = ("cache", "persist", "push", "incremental", "resume", "checkpoint")
_TEXTS = ("remote", "desc", "loader", "type")
_PLOT = ("x", "y", "x_label", "y_label", "title", "template", "header")
_FREE = ("options", "labels", "meta", "hash", "fs_config", "cloud")
OUT_KEYS = frozenset((*_FLAGS, *_TEXTS, *_FREE))
PLOT_KEYS = frozenset((*OUT_KEYS, *_PLOT))
DEP_KEYS = frozenset(("loader", "options", "check", "desc"))
DVC_OUT_KEYS = OUT_KEYS - {"incremental", "resume", "loader", "options"}


@dataclass(frozen=True, slots=True)
class Place:
    """A stage's definition while it is being read."""

    owner: str  # "stage 'train'"
    body: Mapping[str, Any]
    scope: Scope
    marks: Marks
    wdir: str

    def error(self, message: str, where: Where, hint: str | None = None) -> ConfigError:
        return ConfigError(f"{self.owner}: {message}", hint=hint, where=where)

    def where(self, key: str) -> Where:
        return self.marks.inside(self.body, key, key=True)

    def get(self, key: str) -> Any:
        """The resolved value of one key of the definition (None where absent)."""
        value = self.body.get(key)
        if value is None:
            return None
        return self.scope.resolve(value, self.marks.inside(self.body, key))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One path with its options, in whichever form it was written."""

    path: str
    name: str | None
    options: Mapping[str, Any]
    where: Where
    group: int | None = None


def read_deps(place: Place) -> tuple[Dep, ...]:
    """All deps of a stage. Raises ConfigError."""
    deps: list[Dep] = []
    listed: set[str] = set()
    for entry in _entries(place, "deps"):
        options = entry.options
        if options:
            _check_keys(place, entry, DEP_KEYS, "deps")
            _check_options(place, entry)
            check = options.get("check", "content")
            if check not in ("content", "stat"):
                raise place.error(
                    f"check takes content or stat, not {check!r}",
                    entry.where,
                    did_you_mean(str(check), ("content", "stat")),
                )
            deps.append(
                Dep(
                    join(place.wdir, entry.path),
                    entry.name,
                    options.get("loader"),
                    options.get("options") or {},
                    check,
                    entry.where.line,
                    entry.group,
                )
            )
        else:
            path = join(place.wdir, entry.path)
            if entry.name is None and path in listed:
                continue
            listed.add(path)
            written = _written(place, path, entry.path)
            deps.append(
                Dep(path, entry.name, line=entry.where.line, group=entry.group, written=written)
            )
    return tuple(deps)


def read_outs(place: Place) -> tuple[Out, ...]:
    """All outs, metrics and plots of a stage. Raises ConfigError."""
    outs: list[Out] = []
    seen: dict[str, Out] = {}
    kinds: tuple[tuple[str, OutKind], ...] = (
        ("outs", "out"),
        ("metrics", "metric"),
        ("plots", "plot"),
    )
    for key, kind in kinds:
        if key not in place.body:
            continue
        as_dvc = is_dvc_file(place.marks.file)
        for entry in _merged(_entries(place, key)) if as_dvc else _entries(place, key):
            if entry.options:
                _check_keys(place, entry, PLOT_KEYS if kind == "plot" else OUT_KEYS, key)
                _check_options(place, entry)
            out = _out(place, entry, kind)
            before = seen.setdefault(out.path, out)
            if before is out:
                outs.append(out)
            elif as_dvc or _told(before) != _told(out):
                raise place.error(
                    f"'{out.path}' is listed twice, as {before.kind} on line {before.line} "
                    "and here",
                    entry.where,
                    "keep one of the two",
                )
    return tuple(outs)


def _merged(entries: Iterator[_Entry]) -> Iterator[_Entry]:
    """Entries of one list with those of one spelling as one, whose later options win."""
    found: dict[str, _Entry] = {}
    for entry in entries:
        before = found.get(entry.path)
        options = {**before.options, **entry.options} if before else entry.options
        found[entry.path] = replace(entry, options=options)
    return iter(found.values())


def _told(out: Out) -> Out:
    """An out as far as it matters what was said of it."""
    return replace(out, line=0, written=None)


def _out(place: Place, entry: _Entry, kind: OutKind) -> Out:
    path = join(place.wdir, entry.path)
    options = entry.options
    written = _written(place, path, entry.path)
    if not options:
        return Out(
            path, entry.name, kind, line=entry.where.line, group=entry.group, written=written
        )
    return Out(
        path,
        entry.name,
        kind,
        cache=options.get("cache", True),
        persist=options.get("persist", False),
        push=options.get("push", True),
        remote=options.get("remote"),
        desc=options.get("desc"),
        # commands make their folders themselves, and to DVC the type is a remark
        directory=options.get("type") == "directory" and "cmd" not in place.body,
        incremental=options.get("incremental", False),
        resume=options.get("resume", False),
        loader=options.get("loader"),
        options=options.get("options") or {},
        plot={key: options[key] for key in _PLOT if key in options} if kind == "plot" else {},
        line=entry.where.line,
        group=entry.group,
        written=written,
    )


def _written(place: Place, path: str, text: str) -> str | None:
    """A path as written, where it is not what anybody would make of the path itself."""
    return text if relative(path, place.wdir) != text else None


def read_params(place: Place) -> tuple[dict[str, Any], tuple[ParamsFile, ...]]:
    """(inline values by name, keys tracked in files). Raises ConfigError."""
    raw = place.body.get("params")
    if raw is None:
        return {}, ()
    where = place.marks.inside(place.body, "params")
    if isinstance(raw, Mapping):
        inline: dict[str, Any] = {}
        for raw_name, value in raw.items():
            at = place.marks.inside(raw, raw_name)
            name = place.scope.key(raw_name, at)
            if not isinstance(name, str):
                at = place.marks.inside(raw, raw_name, key=True)
                raise place.error(f"the name of a param is a text, not {name!r}", at, "quote it")
            inline[name] = place.scope.resolve(value, at)
        return inline, ()
    value = place.scope.resolve(raw, where)
    if isinstance(value, Mapping):
        return dict(value), ()
    if not isinstance(value, (list, tuple)):
        raise place.error(f"params takes a list or a mapping, not {value!r}", where)
    return {}, _tracked(place, raw, value)


def _tracked(place: Place, raw: Any, values: Any) -> tuple[ParamsFile, ...]:
    keys: dict[str, list[str]] = {}
    whole: set[str] = set()
    lines: dict[str, int] = {}
    texts: dict[str, str | None] = {}

    def track(file: str, key: str | None, where: Where) -> None:
        path = join(place.wdir, file)
        lines.setdefault(path, where.line)
        texts.setdefault(path, _written(place, path, file))
        listed = keys.setdefault(path, [])
        if key is None:
            whole.add(path)
        elif key not in listed:
            listed.append(key)

    section = place.marks.inside(place.body, "params")
    for index, item in enumerate(values):
        where = place.marks.inside(raw, index) if isinstance(raw, list) else section
        for part in item if isinstance(item, (list, tuple)) else [item]:
            if isinstance(part, str) and part:
                track(DEFAULT_FILE, part, where)
            elif isinstance(part, Mapping):
                for file, listed in part.items():
                    _track_file(place, str(file), listed, where, track)
            else:
                raise place.error(f"params takes keys and 'file: [keys]', not {part!r}", where)
    return tuple(
        ParamsFile(path, None if path in whole else tuple(keys[path]), lines[path], texts[path])
        for path in keys
    )


def _track_file(place: Place, file: str, listed: Any, where: Where, track: Any) -> None:
    if not listed:
        track(file, None, where)
        return
    for key in listed if isinstance(listed, (list, tuple)) else [listed]:
        if isinstance(key, int) and not isinstance(key, bool):
            key = str(key)  # a mapping's key may be a number
        if not isinstance(key, str) or not key:
            raise place.error(
                f"params of {file} are texts, not {key!r}", where, f"write {file}: [a, b.c]"
            )
        track(file, key, where)


def _entries(place: Place, section: str) -> Iterator[_Entry]:
    raw = place.body.get(section)
    if raw is None:
        return
    where = place.marks.inside(place.body, section)
    if isinstance(raw, Mapping):
        yield from _named(place, section, raw, raw)
        return
    if isinstance(raw, str):
        value = place.scope.resolve(raw, where)
        if isinstance(value, Mapping):
            yield from _named(place, section, value, None)
        elif isinstance(value, (list, tuple)):
            for item in value:
                yield from _listed(place, section, item, where)
        else:
            raise place.error(
                f"{section} takes a list or a mapping, not {value!r}", where, f"write [{value}]"
            )
        return
    if not isinstance(raw, list):
        raise place.error(f"{section} takes a list or a mapping, not {raw!r}", where)
    for index, item in enumerate(raw):
        at = place.marks.inside(raw, index)
        yield from _listed(place, section, place.scope.resolve(item, at), at)


def _listed(place: Place, section: str, item: Any, where: Where) -> Iterator[_Entry]:
    if isinstance(item, str):
        yield _Entry(_path(place, section, item, where), None, {}, where)
    elif isinstance(item, (list, tuple)):  # a list that `${}` put there
        for part in item:
            yield from _listed(place, section, part, where)
    elif isinstance(item, Mapping) and (item or section != "deps"):  # DVC takes `{}` for nothing
        for path, options in item.items():
            if options is not None and not isinstance(options, Mapping):
                raise place.error(
                    f"{section}: options of '{path}' are a mapping, not {options!r}",
                    where,
                    f"write {path}: {{cache: false}}",
                )
            yield _Entry(_path(place, section, path, where), None, options or {}, where)
    else:
        raise place.error(f"{section}: a path is a text, not {item!r}", where)


def _named(place: Place, section: str, values: Mapping[Any, Any], raw: Any) -> Iterator[_Entry]:
    for raw_name, raw_value in values.items():
        if raw is None:
            where = place.marks.inside(place.body, section)
        else:
            where = place.marks.inside(raw, raw_name, key=True)
        name = place.scope.key(raw_name, where)
        value = place.scope.resolve(raw_value, where)
        options: Mapping[str, Any] = {}
        if not isinstance(name, str):
            raise place.error(f"{section}: a name is a text, not {name!r}", where, "quote it")
        if isinstance(value, Mapping):
            if "path" not in value:
                near = did_you_mean("path", [str(key) for key in value])
                raise place.error(
                    f"{section}: '{name}' has no path", where, near or "add path: ..."
                )
            options = {key: item for key, item in value.items() if key != "path"}
            value = value["path"]
        if isinstance(value, (list, tuple)):
            for group, item in enumerate(value):
                path = _path(place, section, item, where)
                yield _Entry(path, name, options, where, group)
        else:
            yield _Entry(_path(place, section, value, where), name, options, where)


def _path(place: Place, section: str, value: Any, where: Where) -> str:
    if not isinstance(value, str):
        raise place.error(f"{section}: a path is a text, not {value!r}", where, "quote it")
    if not value.strip() or "\0" in value or "\n" in value:
        raise place.error(f"{section}: {value!r} is not a path", where)
    if (value.endswith(".dvc") or is_dvc_file(value)) and is_dvc_file(place.marks.file):
        raise place.error(
            f"{section}: '{value}' is one of DVC's own files, and no data of a stage",
            where,
            "name the data itself",
        )
    return value


def _check_keys(place: Place, entry: _Entry, known: frozenset[str], section: str) -> None:
    for key in entry.options:
        if key not in known:
            raise place.error(
                f"{section}: '{entry.path}' has the unknown key '{key}'",
                entry.where,
                did_you_mean(str(key), known) or "known: " + ", ".join(sorted(known)),
            )


def _check_options(place: Place, entry: _Entry) -> None:
    for key, value in entry.options.items():
        if key in _FLAGS:
            wanted = None if isinstance(value, bool) else "true or false"
        elif key in _TEXTS:
            wanted = None if isinstance(value, str) or value is None else "a text"
        elif key == "options":
            wanted = None if isinstance(value, Mapping) or value is None else "a mapping"
        else:
            wanted = None
        if wanted:
            raise place.error(f"{key} of '{entry.path}' takes {wanted}, not {value!r}", entry.where)
