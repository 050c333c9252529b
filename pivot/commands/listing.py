"""`list`: the stages of a project as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..graph import Selection
from ..model import Command, Out, PythonEntry, Stage, TrackedFile
from ..tree import parent
from .selecting import named
from .session import Session


def list_stages(session: Session, selection: Selection) -> tuple[list[Stage], list[dict[str, Any]]]:
    """What `selection` names (all without targets): stages in definition order, and records."""
    chosen = named(session, selection)
    wanted = set(chosen.stages)
    stages = session.space.graph.stages
    return [stage for name, stage in stages.items() if name in wanted], _records(chosen.tracked)


def stage_data(stage: Stage) -> dict[str, Any]:
    """A stage in the form of `list --json` (schemas/list.schema.json)."""
    python = cmd = None
    match stage.entry:
        case PythonEntry(text=text):
            python = text
        case Command(lines=lines, is_list=is_list):
            cmd = list(lines) if is_list else lines[0]
    return {
        "name": stage.name,
        "file": stage.written_in,
        "line": stage.line,
        "wdir": stage.wdir,
        "python": python,
        "cmd": cmd,
        "deps": [dep.path for dep in stage.deps],
        "outs": [_out_data(out) for out in stage.outs],
        "params": {
            file.path: None if file.keys is None else list(file.keys) for file in stage.params_files
        },
        "inline_params": dict(stage.params),
        "frozen": stage.frozen,
        "always_changed": stage.always_changed,
        "desc": stage.desc,
        "meta": stage.meta,
    }


def _records(tracked: Iterable[TrackedFile]) -> list[dict[str, Any]]:
    """Records of tracked data in the form of `stage_data`: stages that nothing runs."""
    records: dict[str, list[TrackedFile]] = {}
    for file in tracked:
        records.setdefault(file.name, []).append(file)
    return [_record_data(name, files) for name, files in records.items()]


def _record_data(name: str, files: list[TrackedFile]) -> dict[str, Any]:
    outs = [
        Out(file.path, cache=file.cache, push=file.push, remote=file.remote, desc=file.desc)
        for file in files
    ]
    return {
        "name": name,
        "file": name,
        "line": None,
        "wdir": parent(name),
        "python": None,
        "cmd": None,
        "deps": list(files[0].deps),
        "outs": [_out_data(out) for out in outs],
        "params": {},
        "inline_params": {},
        "frozen": any(file.frozen for file in files),
        "always_changed": False,
        "desc": next((file.desc for file in files if file.desc), None),
        "meta": None,
    }


def _out_data(out: Out) -> dict[str, Any]:
    return {
        "path": out.path,
        "kind": out.kind,
        "cache": out.cache,
        "persist": out.persist,
        "push": out.push,
        "remote": out.remote,
        "desc": out.desc,
    }
