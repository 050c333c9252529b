"""Parameter values as JSON and back, without loss of type."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

_TAG = "!"


def encode_value(value: Any) -> Any:
    """`value` as JSON data; what JSON lacks (dates, NaN, keys that are no text) is tagged.

    `decode_value` gives back an equal value of equal types; tuples become lists. Raises
    TypeError for types that no params file can hold.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_TAG: "float", "value": repr(value)}
    if isinstance(value, Mapping):
        if all(type(key) is str for key in value) and _TAG not in value:
            return {key: encode_value(item) for key, item in value.items()}
        pairs = [[encode_value(key), encode_value(item)] for key, item in value.items()]
        return {_TAG: "map", "value": pairs}
    if isinstance(value, (list, tuple)):
        return [encode_value(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {_TAG: "set", "value": sorted((encode_value(item) for item in value), key=repr)}
    if isinstance(value, datetime.datetime):
        return {_TAG: "datetime", "value": value.isoformat()}
    if isinstance(value, datetime.date):
        return {_TAG: "date", "value": value.isoformat()}
    if isinstance(value, datetime.time):
        return {_TAG: "time", "value": value.isoformat()}
    if isinstance(value, bytes):
        return {_TAG: "bytes", "value": value.hex()}
    raise TypeError(f"a parameter cannot be of type {type(value).__name__}")


def decode_value(data: Any) -> Any:
    """The value that `encode_value` wrote. Raises ValueError for an unknown tag."""
    if isinstance(data, list):
        return [decode_value(item) for item in data]
    if not isinstance(data, dict):
        return data
    if _TAG not in data:
        return {key: decode_value(item) for key, item in data.items()}
    value = data.get("value")
    match data[_TAG]:
        case "float":
            return float(str(value))
        case "map":
            return {decode_value(key): decode_value(item) for key, item in value or ()}
        case "set":
            return {decode_value(item) for item in value or ()}
        case "datetime":
            return datetime.datetime.fromisoformat(str(value))
        case "date":
            return datetime.date.fromisoformat(str(value))
        case "time":
            return datetime.time.fromisoformat(str(value))
        case "bytes":
            return bytes.fromhex(str(value))
        case tag:
            raise ValueError(f"unknown value tag {tag!r}")
