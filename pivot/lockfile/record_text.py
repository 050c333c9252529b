"""The text of records of tracked data; what did not change in one keeps its place and comments."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from ..digest import Digest
from .data_records import updated_item


def record_text(content: Mapping[str, Any]) -> bytes:
    """The text of a record, as DVC sets it out."""
    stream = io.BytesIO()
    record_editor().dump(content, stream)
    return stream.getvalue()


def with_digest(data: bytes, position: int, digest: Digest, *, as_dvc: bool) -> bytes:
    """The text of a record in which the out at `position` has another digest."""
    document = record_editor().load(data.decode("utf-8"))
    item = document["outs"][position]
    fresh = updated_item(dict(item), digest, as_dvc=as_dvc)
    for key in [key for key in item if key not in fresh]:
        del item[key]
    for key, value in fresh.items():
        if key not in item or item[key] != value:
            item[key] = value
    return record_text(document)


def record_editor() -> Any:
    from ruamel.yaml import YAML  # 60 ms to import; only records that change are written

    editor = YAML()
    editor.default_flow_style = False
    editor.width = 4096  # a digest stays on its line
    return editor
