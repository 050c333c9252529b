"""A call of a stage's function as a shell command that needs nothing but Python."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from typing import Any

from ..config import taken_names
from ..model import PythonEntry, Stage
from ..run.job import Argument
from ..run.launch import arguments, saves
from ..source import find_entry
from ..tree import relative
from .session import Session


class CallWriter:
    """Writes commands for the functions of one project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def command(self, stage: Stage, folders: list[str]) -> tuple[str, str | None]:
        """The command, which makes `folders` first, and a remark where it needs Pivot."""
        entry = stage.entry
        assert isinstance(entry, PythonEntry)
        given = self._given(stage)
        if given is None or saves(stage):
            text = f"pivot repro --single-item --force --no-run-cache {shlex.quote(stage.name)}"
            return text, "loads or saves by a loader, or takes all params: its command calls Pivot"
        roots = [relative(root, stage.wdir) for root in stage.roots]
        lines = ["import sys", f"sys.path[:0] = {json.dumps(roots)}"]
        if folders:
            lines += [
                "import os",
                f"[os.makedirs(f, exist_ok=True) for f in {json.dumps(folders)}]",
            ]
        head, *inner = entry.qualname.split(".")
        lines.append(f"from {entry.module} import {head} as stage")
        if stage.params_class and "params" in given:
            module, _, name = stage.params_class.partition(":")
            lines.append(f"from {module} import {name}")
        called = ".".join(["stage", *inner])
        named = ", ".join(f"{name}={value}" for name, value in given.items())
        if any("Path(" in value for value in given.values()):
            lines.append("from pathlib import Path")
        lines.append(f"{called}({named})")
        variables = "".join(f"{n}={shlex.quote(v)} " for n, v in stage.env_set.items())
        return f"{variables}python -c {shlex.quote('; '.join(lines))}", None

    def _given(self, stage: Stage) -> dict[str, str] | None:
        """Python text for each argument; None where one cannot be written down."""
        sources = self._session.space.fingerprinter.sources
        tree = self._session.project.tree
        names = taken_names(stage, tree, sources)
        assert isinstance(stage.entry, PythonEntry)
        point = find_entry(tree, stage.roots, stage.entry.text, reader=sources)
        kinds = {item.name: item.annotation or "" for item in point.signature.parameters}
        made: dict[str, str] = {}
        for argument in arguments(stage, self._session.space.params.values(stage)):
            if names is not None and argument.name not in names:
                continue
            if names is None and argument.how == "params":
                continue
            if argument.name == "params" and stage.params_class:
                text = _instance(stage.params_class, argument.value)
            else:
                text = _text(argument, kinds.get(argument.name, ""))
            if text is None:
                return None
            made[argument.name] = text
        return made


def _text(argument: Argument, annotation: str) -> str | None:
    if argument.how == "path":
        plain = annotation.strip("'\"") in ("str", "list[str]", "Sequence[str]")
        paths = [
            json.dumps(path) if plain else f"Path({json.dumps(path)})" for path in argument.paths
        ]
        return f"[{', '.join(paths)}]" if argument.is_list else paths[0]
    return _value(argument.value) if argument.how == "value" else None


def _instance(params_class: str, values: Mapping[str, Any]) -> str | None:
    """A call of the class of the params with flat values; nested ones need Pivot to be built."""
    given = {
        name: None if isinstance(v, (Mapping, list)) else _value(v) for name, v in values.items()
    }
    if any(text is None or not name.isidentifier() for name, text in given.items()):
        return None
    return f"{params_class.partition(':')[2]}({', '.join(f'{n}={t}' for n, t in given.items())})"


def _value(value: Any) -> str | None:
    """A value as Python text, in double quotes for the shell's sake."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, Mapping):
        pairs = [(_value(key), _value(item)) for key, item in value.items()]
        if any(key is None or item is None for key, item in pairs):
            return None
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if isinstance(value, (list, tuple)):
        items = [_value(item) for item in value]
        return None if None in items else f"[{', '.join(str(item) for item in items)}]"
    return None
