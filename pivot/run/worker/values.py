"""Param values as they cross in JSON: the inverse of `pivot.lockfile.encode_value`."""

from __future__ import annotations

from typing import Any


def decode_value(value: Any) -> Any:
    """The value that `encode_value` made this of."""
    if isinstance(value, list):
        return [decode_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("!")
    if kind is None:
        return {key: decode_value(item) for key, item in value.items()}
    content = value["value"]
    if kind == "map":
        return {decode_value(key): decode_value(item) for key, item in content}
    if kind == "float":
        return float(content)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "set":
        return {decode_value(item) for item in content}
    import datetime  # 2 ms; hardly any params file holds a date

    return getattr(datetime, kind).fromisoformat(content)
