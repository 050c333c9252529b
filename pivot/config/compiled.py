"""A loaded pipeline as bytes, and back in a few milliseconds: marshal of plain tuples.

The bytes are for this machine's cache alone: they hold for one version of Pivot's rules and one
version of Python, and anything else in them, damage included, counts as nothing.
"""

from __future__ import annotations

import datetime
import marshal
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any

import xxhash

from ..digest import Digest
from ..model import (
    Command,
    Dep,
    Out,
    ParamsFile,
    Pipeline,
    Problem,
    PythonEntry,
    Stage,
    TopLevel,
    TrackedFile,
)
from .collector import collector_paused
from .keypaths import MISSING

#: Raise it when what a Pipeline holds, or how it is made, changes.
FORMAT = 7

_SEAL_BYTES = 16


def dump_pipeline(pipeline: Pipeline) -> bytes:
    """The compiled form of a pipeline. Raises TypeError for values that no file can hold."""
    return dump_value((dump_value(_closed_pipeline(pipeline)), dict(pipeline.sources)))


def renewed(data: bytes, sources: Mapping[str, Any]) -> bytes:
    """The compiled form `data`, whole as it must be, with other sources."""
    return dump_value((load_value(data)[0], dict(sources)))


def load_pipeline(data: bytes) -> Pipeline | None:
    """The pipeline of a compiled form; None where it is damaged or of another version."""
    try:
        with collector_paused():
            whole = load_value(data)
            form = MISSING if whole is MISSING else load_value(whole[0])
            return None if form is MISSING else _opened_pipeline(form, whole[1])
    except (TypeError, ValueError, IndexError, KeyError):
        return None


def version_of(data: bytes) -> str:
    """A name for the pipeline in a compiled form: equal for equal stages alone.

    What they were read from does not count; two dumps of one pipeline may differ.
    """
    inner: bytes = load_value(data)[0]
    return inner[:_SEAL_BYTES].hex()


def dump_value(value: Any) -> bytes:
    """Plain values (mappings, lists, tuples, sets, scalars, dates) as sealed bytes."""
    header = (FORMAT, _shape(), sys.hexversion)
    try:
        body = marshal.dumps((*header, False, value))
    except ValueError:  # dates and the like
        body = marshal.dumps((*header, True, _pack(value)))
    return xxhash.xxh3_128_digest(body) + body


def load_value(data: bytes) -> Any:
    """What `dump_value` was given; keypaths.MISSING where the bytes are damaged or too old."""
    view = memoryview(data)
    seal, body = view[:_SEAL_BYTES], view[_SEAL_BYTES:]
    if xxhash.xxh3_128_digest(body) != seal:
        return MISSING
    try:
        form, shape, version, packed, value = marshal.loads(body)  # noqa: S302 (ours, sealed)
        if (form, shape, version) != (FORMAT, _shape(), sys.hexversion):
            return MISSING
        return _unpack(value) if packed else value
    except (EOFError, ValueError, TypeError, KeyError):
        return MISSING


_TYPES: tuple[type, ...] = (
    Stage, Dep, Out, ParamsFile, PythonEntry, Command, TrackedFile, TopLevel, Problem, Pipeline,
)  # fmt: skip


def _shape() -> str:
    """The fields of everything kept: a new field makes old bytes worthless."""
    return _SHAPE


_SHAPE = ";".join(
    f"{kind.__name__}:{','.join(field.name for field in fields(kind))}" for kind in _TYPES
)


def _getter(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(field.name for field in fields(kind)))


_dep, _out, _params_file, _stage, _top_level, _problem = (
    _getter(kind) for kind in (Dep, Out, ParamsFile, Stage, TopLevel, Problem)
)


def _filler(kind: type) -> Callable[..., Any]:
    """A constructor for values in the order of fields, five times as fast as the class's own.

    A frozen dataclass sets each field through `object.__setattr__`. This fills an instance of a
    class of the same layout that is not frozen, and turns it into one of `kind`.
    """
    names = [field.name for field in fields(kind)]
    body = "".join(f"    self.{name} = {name}\n" for name in names)
    made: dict[str, Any] = {}
    exec(  # noqa: S102 (names of our own fields)
        f"def fill(self, {', '.join(names)}):\n{body}    self.__class__ = _frozen\n",
        {"_frozen": kind},
        made,
    )
    open_kind: Callable[..., Any] = type(
        f"Open{kind.__name__}", (), {"__slots__": tuple(names), "__init__": made["fill"]}
    )
    return open_kind


_new_stage, _new_dep, _new_out, _new_entry = (
    _filler(kind) for kind in (Stage, Dep, Out, PythonEntry)
)


def _closed_pipeline(pipeline: Pipeline) -> tuple[Any, ...]:
    return (
        [_closed_stage(stage) for stage in pipeline.stages.values()],
        [_closed_tracked(tracked) for tracked in pipeline.tracked],
        pipeline.files,
        pipeline.notes,
        [_top_level(top) for top in pipeline.top_levels],
        [_problem(problem) for problem in pipeline.problems],
    )


def _closed_stage(stage: Stage) -> tuple[Any, ...]:
    values = list(_stage(stage))
    entry = stage.entry
    values[_ENTRY] = (
        (entry.text, entry.module, entry.qualname)
        if isinstance(entry, PythonEntry)
        else (entry.lines, entry.is_list)
    )
    values[_DEPS] = [_dep(dep) for dep in stage.deps]
    values[_OUTS] = [_out(out) for out in stage.outs]
    values[_FILES] = [_params_file(tracked) for tracked in stage.params_files]
    return tuple(values)


_STAGE_FIELDS = [field.name for field in fields(Stage)]
_ENTRY, _DEPS, _OUTS, _FILES = (
    _STAGE_FIELDS.index(name) for name in ("entry", "deps", "outs", "params_files")
)


def _closed_tracked(tracked: TrackedFile) -> tuple[Any, ...]:
    digest = tracked.digest
    name, path, _, *rest = _tracked(tracked)
    return (name, path, _digest(digest) if digest else None, *rest)


_digest, _tracked = _getter(Digest), _getter(TrackedFile)


def _opened_pipeline(form: Any, sources: Any) -> Pipeline:
    stages, tracked, files, notes, top_levels, problems = form
    opened: dict[str, Stage] = {}
    for values in stages:
        parts = list(values)
        entry = parts[_ENTRY]
        parts[_ENTRY] = _new_entry(*entry) if len(entry) == 3 else Command(*entry)
        parts[_DEPS] = tuple([_new_dep(*dep) for dep in parts[_DEPS]])
        parts[_OUTS] = tuple([_new_out(*out) for out in parts[_OUTS]])
        if parts[_FILES]:
            parts[_FILES] = tuple([ParamsFile(*tracked) for tracked in parts[_FILES]])
        else:
            parts[_FILES] = ()
        stage = _new_stage(*parts)
        opened[stage.name] = stage
    return Pipeline(
        stages=opened,
        tracked=tuple(
            TrackedFile(name, path, Digest(*digest) if digest else None, *rest)
            for name, path, digest, *rest in tracked
        ),
        files=files,
        sources=sources,
        notes=notes,
        top_levels=tuple(TopLevel(*top) for top in top_levels),
        problems=tuple(Problem(*problem) for problem in problems),
    )


# --- values that marshal does not know ------------------------------------------------------


def _pack(value: Any) -> Any:
    """Values with each tuple tagged, so that tagged tuples can stand for dates."""
    kind = type(value)
    if kind in (str, int, float, bool, type(None), bytes, complex):
        return value
    if kind is tuple:
        return ("tuple", [_pack(item) for item in value])
    if kind is list:
        return [_pack(item) for item in value]
    if isinstance(value, Mapping):
        return ("mapping", [(_pack(key), _pack(item)) for key, item in value.items()])
    if kind in (set, frozenset):
        return (kind.__name__, [_pack(item) for item in value])
    if kind in (datetime.datetime, datetime.date, datetime.time):
        return (kind.__name__, value.isoformat())
    raise TypeError(f"a value of type {kind.__name__} cannot be kept")


def _unpack(value: Any) -> Any:
    if type(value) is list:
        return [_unpack(item) for item in value]
    if type(value) is not tuple:
        return value
    tag, content = value
    match tag:
        case "tuple":
            return tuple(_unpack(item) for item in content)
        case "mapping":
            return {_unpack(key): _unpack(item) for key, item in content}
        case "set":
            return {_unpack(item) for item in content}
        case "frozenset":
            return frozenset(_unpack(item) for item in content)
        case "date":
            return datetime.date.fromisoformat(content)
        case "datetime":
            return datetime.datetime.fromisoformat(content)
        case "time":
            return datetime.time.fromisoformat(content)
    raise ValueError(f"unknown tag {tag!r}")
