"""One stage's definition, resolved, as a Stage."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError, PivotError, PivotErrors, Where
from ..model import Command, PythonEntry, Stage
from ..tree import join
from .fields import Place, read_deps, read_outs, read_params
from .templating import render

_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

#: `text` of a python entry -> (module, qualname)
SplitEntry = Callable[[tuple[str, ...], str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StageFile:
    """What all stages of one file share."""

    path: str
    folder: str
    roots: tuple[str, ...]
    split: SplitEntry


def stage_wdir(place: Place, folder: str) -> str:
    """The stage's working directory, relative to the project root."""
    value = place.get("wdir")
    if value is None:
        return folder
    if not isinstance(value, str):
        raise place.error(f"wdir takes a path, not {value!r}", place.where("wdir"))
    return join(folder, value or ".")


def build_stage(file: StageFile, name: str, line: int, place: Place) -> Stage:
    """The Stage of a definition whose wdir and scope are known. Raises ConfigError."""
    body = place.body
    entry = _entry(file, place)
    inline, tracked = read_params(place)
    tracked_env, set_env = _env(place) if "env" in body else ((), {})
    return Stage(
        name=name if file.folder == "." else f"{file.path}:{name}",
        file=file.path,
        line=line,
        entry=entry,
        wdir=place.wdir,
        roots=file.roots,
        deps=read_deps(place) if "deps" in body else (),
        outs=read_outs(place),
        params=inline,
        params_files=tracked,
        env_tracked=tracked_env,
        env_set=set_env,
        mutex=_mutex(place) if "mutex" in body else (),
        resources=_resources(place) if "resources" in body else {},
        timeout=_timeout(place) if "timeout" in body else None,
        frozen=_flag(place, "frozen", False),
        always_changed=_flag(place, "always_changed", False),
        code=_flag(place, "code", True),
        preload=_flag(place, "preload", True),
        desc=_desc(place) if "desc" in body else None,
        meta=place.get("meta") if "meta" in body else None,
        origin=place.marks.file if place.marks.file != file.path else None,
    )


def _entry(file: StageFile, place: Place) -> PythonEntry | Command:
    body = place.body
    if "python" in body:
        if "cmd" in body:
            raise place.error("has both python and cmd", place.where("cmd"), "keep one of the two")
        text = place.get("python")
        where = place.where("python")
        if not isinstance(text, str) or not text.strip():
            raise place.error(f"python takes module.function, not {text!r}", where)
        text = text.strip()
        if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*([.:][^\W\d]\w*(\.[^\W\d]\w*)*)", text):
            hint = "write package.module.function, or module:function"
            raise place.error(f"'{text}' does not name a function", where, hint)
        module, qualname = file.split(file.roots, text)
        return PythonEntry(text, module, qualname)
    if "cmd" not in body:
        where = Where(place.marks.file, 0)
        raise place.error("needs python or cmd", where)
    return _command(place)


def _command(place: Place) -> Command:
    raw = place.body["cmd"]
    where = place.marks.inside(place.body, "cmd")
    if isinstance(raw, list):
        lines = tuple(
            _line(place, item, place.marks.inside(raw, index)) for index, item in enumerate(raw)
        )
        if not lines:
            raise place.error("cmd is empty", where)
        return Command(lines, is_list=True)
    value = place.scope.command(raw, where) if isinstance(raw, str) else raw
    if isinstance(value, (list, tuple)):
        return Command(tuple(_text(place, item, where) for item in value), is_list=True)
    return Command((_text(place, value, where),))


def _line(place: Place, item: Any, where: Where) -> str:
    return _text(place, place.scope.command(item, where) if isinstance(item, str) else item, where)


def _text(place: Place, value: Any, where: Where) -> str:
    if isinstance(value, Mapping):
        raise place.error(
            "cmd is only a mapping", where, "put the program before it: `prog ${options}`"
        )
    if isinstance(value, (list, tuple)) or value is None:
        raise place.error(f"cmd takes a text or a list of texts, not {value!r}", where)
    text = value if isinstance(value, str) else render(value)
    if not text.strip():
        raise place.error("cmd is empty", where)
    return text


def _flag(place: Place, key: str, default: bool) -> bool:
    if key not in place.body:
        return default
    value = place.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise place.error(
            f"{key} takes true or false, not {value!r}", place.marks.inside(place.body, key)
        )
    return value


def _desc(place: Place) -> str | None:
    value = place.get("desc")
    return value if value is None or isinstance(value, str) else render(value)


def _env(place: Place) -> tuple[tuple[str, ...], dict[str, str]]:
    value = place.get("env")
    where = place.where("env")
    tracked: list[str] = []
    fixed: dict[str, str] = {}
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, (Mapping, list, tuple)):
                raise place.error(f"env: '{name}' takes a text, not {item!r}", where)
            if item is None:
                tracked.append(str(name))
            else:
                fixed[str(name)] = render(item)
    elif isinstance(value, (list, tuple)):
        tracked.extend(str(item) for item in value)
    else:
        raise place.error(f"env takes a list of names or a mapping, not {value!r}", where)
    for name in (*tracked, *fixed):
        if not _VARIABLE.match(name):
            hint = "a list names variables; to set them write a mapping" if "=" in name else None
            raise place.error(f"env: '{name}' is not the name of a variable", where, hint)
    return tuple(dict.fromkeys(tracked)), fixed


def _mutex(place: Place) -> tuple[str, ...]:
    value = place.get("mutex")
    names = value if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(name, str) and name for name in names):
        raise place.error(f"mutex takes names, not {value!r}", place.where("mutex"))
    return tuple(dict.fromkeys(names))


def _resources(place: Place) -> dict[str, int]:
    value = place.get("resources")
    where = place.where("resources")
    if not isinstance(value, Mapping):
        raise place.error(f"resources takes a mapping, not {value!r}", where, "write {gpu: 1}")
    for name, count in value.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise place.error(f"resources: {name} takes a whole number, not {count!r}", where)
    return {str(name): count for name, count in value.items()}


def _timeout(place: Place) -> float | None:
    value = place.get("timeout")
    if value is None:
        return None
    where = place.marks.inside(place.body, "timeout")
    seconds = parse_duration(value)
    if seconds is None:
        raise place.error(
            f"timeout takes seconds or a text like 90s, 10m, 2h, 1h30m, not {value!r}", where
        )
    return seconds


def parse_duration(value: Any) -> float | None:
    """Seconds of `2h`, `1h30m`, `90s`, `90`; None where it is not a duration above 0."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if 0 < value < float("inf") else None
    if not isinstance(value, str):
        return None
    found = _DURATION.fullmatch(value.replace(" ", ""))
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return total or None


def check_name(name: str, *, as_dvc: bool = False) -> None:
    """Raise ConfigError for a name that could not be addressed as `file:name`."""
    if not name.strip() or ":" in name or any(ord(character) < 32 for character in name):
        raise ConfigError(
            f"{name!r} cannot name a stage", hint="use letters, digits, '-', '_' and '.'"
        )
    if as_dvc and "@" in name:
        raise ConfigError(
            f"'{name}' cannot name a stage of a dvc.yaml: DVC keeps '@' for what foreach and "
            "matrix make",
            hint="use '-' or '_' instead",
        )


def placed(error: PivotError, where: Where) -> PivotError:
    """`error` with the place of the stage where it names no better one; so with each of several."""
    if isinstance(error, PivotErrors):
        return PivotErrors([placed(one, where) for one in error.errors])
    if error.where is None or not error.where.line:
        return type(error)(error.message, hint=error.hint, where=where, exit_code=error.exit_code)
    return error
