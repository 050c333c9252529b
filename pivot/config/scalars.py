"""Plain YAML scalars as DVC's parser reads them: YAML 1.2's core, timestamps, `1_000`, `0b11`.

`on`, `yes` and `12:30` are texts, `010` is ten, `0o10` eight, `1e-3` a float. Quoted scalars are
texts and never come here.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from typing import Any

_CONSTANTS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
for _sign, _value in (("", float("inf")), ("+", float("inf")), ("-", float("-inf"))):
    for _name in (".inf", ".Inf", ".INF"):
        _CONSTANTS[_sign + _name] = _value
for _name in (".nan", ".NaN", ".NAN"):
    _CONSTANTS[_name] = float("nan")

#: A plain scalar that begins otherwise is a text (the empty one aside).
FIRST_CHARACTERS = frozenset("0123456789+-.~nNtTfF")

_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9_]+)\Z")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|\.[0-9_]+(?:[eE][-+][0-9]+)?)\Z"  # `.5e3` is a text there, `.5e+3` a number
)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_TIMESTAMP = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)(?:[Tt]|[ \t]+)"
    r"(?P<hour>\d\d?):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d*))?"
    r"(?:[ \t]*(?:(?P<utc>Z)|(?P<sign>[-+])(?P<hours>\d\d?)(?::(?P<minutes>\d\d))?))?\Z",
    re.ASCII,
)
_MISSING = object()


def plain(text: str) -> Any:
    """The value of an unquoted scalar. Raises ValueError for an impossible date."""
    value = _CONSTANTS.get(text, _MISSING)
    if value is not _MISSING:
        return value
    if text[0] not in FIRST_CHARACTERS:
        return text
    if _INTEGER.match(text):
        return _integer(text)
    if _FLOAT.match(text):
        return _float(text)
    if text[0].isdecimal():
        return _time(text)
    return text


def _integer(text: str) -> int | str:
    bare = text.replace("_", "").lower()
    digits = bare.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2], 10)
    try:
        return int(bare, base)
    except ValueError:  # `0x_`, or more digits than the interpreter converts
        return text


def _float(text: str) -> float | str:
    try:
        return float(text.replace("_", ""))
    except ValueError:  # `._`
        return text


def _time(text: str) -> Any:
    found = _DATE.match(text)
    if found:
        return datetime.date(*map(int, found.groups()))
    found = _TIMESTAMP.match(text)
    if not found:
        return text
    part = found.groupdict()
    numbers = [int(part[name]) for name in ("year", "month", "day", "hour", "minute", "second")]
    microsecond = min(999_999, round(float("0." + (part["fraction"] or "0")) * 1_000_000))
    zone = None
    if part["utc"]:
        zone = datetime.UTC
    elif part["sign"]:
        offset = datetime.timedelta(hours=int(part["hours"]), minutes=int(part["minutes"] or 0))
        zone = datetime.timezone(-offset if part["sign"] == "-" else offset)
    year, month, day, hour, minute, second = numbers
    return datetime.datetime(year, month, day, hour, minute, second, microsecond, zone)


def tagged(tag: str, text: str) -> Any:
    """The value of a scalar with an explicit standard tag (`!!str 1`).

    Raises ValueError where the text does not fit the tag, KeyError for a tag that is not known.
    """
    if tag == "str":
        return text
    if tag == "binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from None
    kinds: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (float, int),
        "bool": (bool,),
        "null": (type(None),),
        "timestamp": (datetime.date, datetime.datetime),
    }
    wanted = kinds[tag]
    value: Any = plain(text)
    if type(value) not in wanted:
        raise ValueError(f"not a {tag}")
    return float(text.replace("_", "")) if tag == "float" and type(value) is int else value
