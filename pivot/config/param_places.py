"""Where a stage's param is written, and where its function's signature declares something."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import PivotError, Where
from ..model import Dep, Out, PythonEntry, Stage
from ..tree import Tree, join, parent
from .binding import last_part
from .composition import DEFAULT_FILE
from .documents import load_yaml_marked
from .keypaths import split_path

if TYPE_CHECKING:
    from .declarations import DeclarationReader

_WHOLE = re.compile(r"\$\{\s*([^${}]+?)\s*\}")


def place_of_param(tree: Tree, stage: Stage, path: tuple[Any, ...]) -> Where | None:
    """Where the value at `path` among a stage's params is written, as near as can be told.

    None where it is a default or cannot be found. Reads the files anew: only errors ask.
    """
    try:
        return _in_stage(tree, stage, path) or _tracked(tree, stage, path)
    except PivotError:
        return None


def _in_stage(tree: Tree, stage: Stage, path: tuple[Any, ...]) -> Where | None:
    if stage.file.endswith(".py"):
        return None
    value, marks = load_yaml_marked(tree.read(stage.file) or b"", stage.file)
    name = stage.short_name
    stages = (value or {}).get("stages") or {}
    body = stages.get(name, stages.get(name.partition("@")[0]))
    if isinstance(body, Mapping) and "do" in body:
        body = body["do"]
    if not isinstance(body, Mapping) or not isinstance(body.get("params"), Mapping):
        return None
    here: Any = body["params"]
    found: Where | None = None
    for number, step in enumerate(path):
        if isinstance(here, str):
            return _through(tree, stage, value, here, path[number:]) or found
        known = isinstance(here, Mapping) and step in here
        known = known or (isinstance(here, list) and isinstance(step, int) and step < len(here))
        if not known:
            return found
        found = marks.inside(here, step)
        here = here[step]
    if isinstance(here, str):
        return _through(tree, stage, value, here, ()) or found
    return found


def _through(
    tree: Tree, stage: Stage, document: Mapping[str, Any], text: str, rest: tuple[Any, ...]
) -> Where | None:
    """The place of what `${key}` stands for in params.yaml or a file of the `vars`."""
    whole = _WHOLE.fullmatch(text.strip())
    if whole is None:
        return None
    folder = parent(stage.file)
    listed = [item for item in document.get("vars") or () if isinstance(item, str)]
    for name in (DEFAULT_FILE, *(item.partition(":")[0] for item in listed)):
        found = _in_file(tree, join(folder, name), whole.group(1), rest)
        if found is not None:
            return found
    return None


def _tracked(tree: Tree, stage: Stage, path: tuple[Any, ...]) -> Where | None:
    for file in stage.params_files:
        keys = file.keys if file.keys is not None else (str(path[0]),)
        for key in keys:
            if last_part(key) == path[0]:
                found = _in_file(tree, file.path, key, path[1:])
                if found is not None:
                    return found
    return None


def _in_file(tree: Tree, file: str, key: str, rest: tuple[Any, ...]) -> Where | None:
    data = tree.read(file)
    if data is None or not file.endswith((".yaml", ".yml")):
        return Where(file) if data is not None and file.endswith((".json", ".toml")) else None
    value, marks = load_yaml_marked(data, file)
    here: Any = value
    found: Where | None = None
    for step in (*(split_path(key) or (key,)), *rest):
        known = isinstance(here, Mapping) and step in here
        known = known or (isinstance(here, list) and isinstance(step, int) and step < len(here))
        if not known:
            break
        found = marks.inside(here, step)
        here = here[step]
    return found


def place_of_declared(
    reader: DeclarationReader, stage: Stage, name: str, *, param: bool
) -> Where | None:
    """Where the signature of a stage's function declares the artifact `name`, or with `param` the
    default of that param.

    None where YAML says it, or where the signature cannot be read any more.
    """
    from .models import Models

    if not isinstance(stage.entry, PythonEntry):
        return None
    artifacts: tuple[Dep | Out, ...] = (*stage.deps, *stage.outs)
    if not param and any(item.name == name and item.line for item in artifacts):
        return None
    try:
        found = reader.of(stage.roots, stage.entry.text)
        for declared in () if param else found.declared:
            if declared.name == name:
                return declared.where
        if name in stage.defaults and found.params is not None and found.text is not None:
            model = Models(found.text).of(found.params)
            field = model.fields.get(name) if model is not None else None
            return field.annotation.where if field is not None else None
    except PivotError:
        return None
    return None
