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
from ..model import Command, Dep, Out, ParamsFile, Pipeline, PythonEntry, Stage, TopLevel, TrackedFile
from .keypaths import MISSING

#: Raise it when what a Pipeline holds, or how it is made, changes.
FORMAT = 1

_SEAL_BYTES = 16


def dump_pipeline(pipeline: Pipeline) -> bytes:
    """The compiled form of a pipeline. Raises TypeError for values that no file can hold."""
    return dump_value(_closed_pipeline(pipeline))


def load_pipeline(data: bytes) -> Pipeline | None:
    """The pipeline of a compiled form; None where it is damaged or of another version."""
    form = load_value(data)
    if form is MISSING:
        return None
    try:
        return _opened_pipeline(form)
    except (TypeError, ValueError, IndexError, KeyError):
        return None


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
        form, shape, version, packed, value = marshal.loads(body)
        if (form, shape, version) != (FORMAT, _shape(), sys.hexversion):
            return MISSING
        return _unpack(value) if packed else value
    except (EOFError, ValueError, TypeError, KeyError):
        return MISSING


_TYPES: tuple[type, ...] = (
    Stage, Dep, Out, ParamsFile, PythonEntry, Command, TrackedFile, TopLevel, Pipeline,
)  # fmt: skip


def _shape() -> str:
    """The fields of everything kept: a new field makes old bytes worthless."""
    return _SHAPE


_SHAPE = ";".join(
    f"{kind.__name__}:{','.join(field.name for field in fields(kind))}" for kind in _TYPES
)


def _getter(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    return attrgetter(*(field.name for field in fields(kind)))


_dep, _out, _params_file, _stage, _top_level = (
    _getter(kind) for kind in (Dep, Out, ParamsFile, Stage, TopLevel)
)


def _closed_pipeline(pipeline: Pipeline) -> tuple[Any, ...]:
    return (
        [_closed_stage(stage) for stage in pipeline.stages.values()],
        [_closed_tracked(tracked) for tracked in pipeline.tracked],
        pipeline.files,
        dict(pipeline.sources),
        pipeline.notes,
        [_top_level(top) for top in pipeline.top_levels],
    )
