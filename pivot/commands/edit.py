"""Edits users' YAML files, keeping their comments."""

from __future__ import annotations

import io
from typing import Any

from ..disk import write_atomic
from ..errors import ConfigError, Where
from .session import Session


def write_params(session: Session) -> None:
    """Write `-S` overrides into the params files they name. Raises ConfigError; all or nothing."""
    from ruamel.yaml import YAML  # 60 ms to import; only edits need it
    from ruamel.yaml.error import YAMLError

    editor = YAML()
    editor.preserve_quotes = True
    documents: dict[str, Any] = {}
    for override in session.overrides:
        file = override.file or "params.yaml"
        if not file.endswith((".yaml", ".yml")):
            raise ConfigError(f"--write-params edits YAML files, and '{file}' is none")
        if file not in documents:
            data = session.project.tree.read(file)
            try:
                documents[file] = editor.load(data) if data else {}
            except YAMLError as error:
                raise ConfigError("cannot be read as YAML", where=Where(file)) from error
        _assign(documents[file], override.key, override.value, file)
    for file, document in documents.items():
        stream = io.BytesIO()
        editor.dump(document, stream)
        write_atomic(f"{session.project.root}/{file}", stream.getvalue())


def _assign(document: Any, key: str, value: Any, file: str) -> None:
    *folders, last = key.split(".")
    for part in folders:
        document = document.setdefault(part, {})
        if not isinstance(document, dict):
            raise ConfigError(f"'{key}' does not fit: '{part}' is no mapping", where=Where(file))
    document[last] = value
