"""Edits users' YAML files, keeping their comments."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from ..config import Override, load_yaml
from ..disk import write_atomic
from ..errors import ConfigError, PivotError, Where
from ..graph import Selection
from ..model import Stage
from ..tree import join, parent
from .grafting import graft
from .selecting import named
from .session import Session

_PART = re.compile(r"[^.\[\]]+")


def write_params(session: Session) -> list[str]:
    """Write `-S` overrides into the params files that they name; the files.

    Without a file an override goes to each params.yaml beside a pipeline file that has its key.
    All or nothing: raises ConfigError before anything is written.
    """
    documents: dict[str, _Document] = {}
    for override in session.overrides:
        files = [override.file] if override.file else _default_files(session)
        changed = False
        for file in files:
            if not file.endswith((".yaml", ".yml")):
                raise ConfigError(
                    f"--write-params edits YAML files, and '{file}' is none",
                    hint="change the value there yourself",
                )
            if file not in documents:
                documents[file] = _Document(session, file)
            changed |= _assign(documents[file].content, override)
        if not changed:
            raise ConfigError(
                f"--write-params: {' and '.join(files)} has no key '{override.key}' to change",
                hint="a value that comes from `vars` is changed where it stands",
            )
    for document in documents.values():
        document.write()
    return list(documents)


def _default_files(session: Session) -> list[str]:
    beside = {join(parent(file), "params.yaml") for file in session.space.pipeline.files}
    return sorted({"params.yaml", *(f for f in beside if session.project.tree.kind(f) == "file")})


def _assign(document: Any, override: Override) -> bool:
    """Change the value of a key that is there; whether it is."""
    *above, last = _PART.findall(override.key)
    node = document
    for part in above:
        node = _child(node, part)
    if isinstance(node, list) and last.isdecimal() and int(last) < len(node):
        node[int(last)] = override.value
        return True
    if isinstance(node, MutableMapping):
        for key in node:
            if str(key) == last:
                node[key] = override.value
                return True
    return False


def _child(node: Any, part: str) -> Any:
    if isinstance(node, Mapping):
        return next((value for key, value in node.items() if str(key) == part), None)
    if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
        return node[int(part)]
    return None


# --- frozen stages -------------------------------------------------------------------------


def set_frozen(session: Session, targets: tuple[str, ...], frozen: bool) -> list[str]:
    """Write `frozen: true` into the definitions of stages, or take it out; those that changed.

    Records of tracked data take it as well. Stages of a foreach or matrix share one definition and
    are named together. Raises PivotError for one of them alone and for unknown targets; then
    nothing is written.
    """
    graph = session.space.graph
    documents: dict[str, _Document] = {}
    chosen = named(session, Selection(targets, session.cwd))
    names = chosen.stages
    changed = list(dict.fromkeys(f.name for f in chosen.tracked if f.frozen != frozen))
    for record in changed:
        documents[record] = _Document(session, record)
        _set_flag(documents[record].content, frozen)
    for name in names:
        stage = graph.stages[name]
        if stage.file not in documents:
            documents[stage.file] = _Document(session, stage.file)
        definition = _definition(documents[stage.file].content, stage, names, graph.stages)
        _set_flag(definition, frozen)
        if stage.frozen != frozen:
            changed.append(name)
    for document in documents.values():
        document.write()
    return changed


def _set_flag(definition: MutableMapping[Any, Any], frozen: bool) -> None:
    if not frozen:
        for name in ("frozen", "locked"):  # DVC's word before version 1
            definition.pop(name, None)
    elif not definition.get("frozen", False):
        definition["frozen"] = True


def _definition(
    document: Any, stage: Stage, names: list[str], stages: Mapping[str, Stage]
) -> MutableMapping[Any, Any]:
    where = Where(stage.written_in, stage.line)
    found = document.get("stages", {}) if isinstance(document, Mapping) else {}
    short = stage.short_name
    if short not in found:
        group = short.partition("@")[0]
        prefix = stage.name.removesuffix(short) + group
        others = [name for name in stages if name.startswith(f"{prefix}@") and name not in names]
        if others:
            raise PivotError(
                f"'{stage.name}' shares its definition with {len(others)} other stages",
                hint=f"name them all: '{prefix}'",
                where=where,
            )
        short = group
    definition = found.get(short)
    if isinstance(definition, Mapping) and "foreach" in definition:
        definition = definition.get("do")
    if not isinstance(definition, MutableMapping):
        raise PivotError(f"the definition of '{stage.name}' cannot be edited", where=where)
    return definition


# --- documents that keep their comments ----------------------------------------------------


class _Document:
    """A YAML file of the project, read so that writing it changes only what was assigned."""

    def __init__(self, session: Session, file: str) -> None:
        if file.endswith(".py"):
            raise ConfigError(
                "it is Python, which is not edited here",
                hint="say `frozen=True` where the stage is registered",
                where=Where(file),
            )
        from ruamel.yaml import YAML  # 60 ms to import; only edits need it
        from ruamel.yaml.error import YAMLError

        self.file = file
        self._path = session.space.absolute(file)
        self._before = session.project.tree.read(file) or b""
        self._text = text = self._before.decode("utf-8", "replace")
        self._editor = YAML()
        self._editor.preserve_quotes = True
        self._editor.width = 1 << 20  # long lines stay as they are
        self._editor.indent(**_indentation(text))
        try:
            self.content: Any = self._editor.load(text) if self._before else {}
        except YAMLError as error:
            raise ConfigError("cannot be read as YAML", where=Where(file)) from error
        self._plain = self._dumped()

    def write(self) -> None:
        """Replace the file, where anything changed. Raises ConfigError, StoreError."""
        edited = self._dumped()
        wanted = load_yaml(edited.encode(), self.file)
        if wanted == load_yaml(self._before, self.file):
            return
        after = graft(self._text, self._plain, edited)
        if after is None or not self._says(after, wanted):
            after = edited
        write_atomic(self._path, after.encode())

    def _dumped(self) -> str:
        stream = io.StringIO()
        self._editor.dump(self.content, stream)
        return stream.getvalue()

    def _says(self, text: str, wanted: Any) -> bool:
        try:
            return bool(load_yaml(text.encode(), self.file) == wanted)
        except ConfigError:
            return False


def _indentation(text: str) -> dict[str, int]:
    """How a file indents mappings and the lists in them, for writing it the same way."""
    mapping = re.search(r"^( +)[^\s#-]", text, re.MULTILINE)
    step = len(mapping[1]) if mapping else 2
    listed = re.search(r"^( *)[^\s#-][^\n]*:[ ]*\n( *)-( +)", text, re.MULTILINE)
    if not listed:
        return {"mapping": step, "sequence": 2, "offset": 0}
    offset = max(len(listed[2]) - len(listed[1]), 0)
    return {"mapping": step, "sequence": offset + 1 + len(listed[3]), "offset": offset}
