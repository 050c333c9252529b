"""Paths into nested values: `a.b[0].c`, as `${}`, params lists and `-S` write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import did_you_mean, nearest

MISSING = object()

_PART = re.compile(r"[^.\[\]]+")
_SHAPE = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\])*\Z")


def split_path(text: str) -> tuple[str, ...] | None:
    """The parts of `a.b[0].c`, or None where the text is not of that form."""
    text = text.strip()
    if not _SHAPE.match(text):
        return None
    return tuple(part.strip() for part in _PART.findall(text))


def join_path(parts: tuple[Any, ...]) -> str:
    """The readable form of a path."""
    return ".".join(str(part) for part in parts)


def child(value: Any, part: str) -> Any:
    """The entry `part` of a mapping or list, or MISSING."""
    if isinstance(value, Mapping):
        if part in value:
            return value[part]
        number = _number(part)
        return value.get(number, MISSING) if number is not None else MISSING
    if isinstance(value, (list, tuple)):
        number = _number(part)
        if number is not None and -len(value) <= number < len(value):
            return value[number]
    return MISSING


def find(value: Any, parts: tuple[str, ...]) -> Any:
    """What lies at a path below `value`, or MISSING."""
    for part in parts:
        value = child(value, part)
        if value is MISSING:
            return MISSING
    return value


def find_key(value: Any, key: str) -> Any:
    """What a params list's key names: a path, or a key that holds the dots itself."""
    if isinstance(value, Mapping) and key in value:
        return value[key]
    parts = split_path(key)
    return find(value, parts) if parts else MISSING


def nearest_path(value: Any, parts: tuple[str, ...]) -> str | None:
    """A known path most likely meant by `parts`, which names nothing."""
    walked: list[str] = []
    for index, part in enumerate(parts):
        following = child(value, part)
        if following is MISSING:
            if isinstance(value, Mapping):
                near = nearest(part, [str(key) for key in value])
                if near is not None:
                    candidate = (*walked, near, *parts[index + 1 :])
                    if find(value, candidate[index:]) is not MISSING:
                        return join_path(candidate)
                    return join_path((*walked, near))
            break
        walked.append(part)
        value = following
    return None


def known_keys(value: Any, prefix: str = "", limit: int = 200) -> Iterator[str]:
    """The dotted names of the leaves of a mapping, at most `limit` of a level."""
    if not isinstance(value, Mapping):
        return
    for key, item in list(value.items())[:limit]:
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from known_keys(item, name + ".", limit)
        else:
            yield name


def hint_for(value: Any, parts: tuple[str, ...]) -> str | None:
    """What to say after an unknown path: the nearest known one, or what there is instead."""
    near = nearest_path(value, parts)
    if near is not None:
        return f"did you mean '{near}'?"
    walked, holder = _reach(value, parts)
    if isinstance(holder, Mapping):
        last = did_you_mean(join_path(parts), list(known_keys(value))[:2000])
        if last is not None:
            return last
    name = f"'{join_path(walked)}'" if walked else ""
    if isinstance(holder, Mapping):
        known = ", ".join(str(key) for key in list(holder)[:10])
        return f"{name} has {known}" if name else f"known: {known}" if known else None
    if isinstance(holder, (list, tuple)):
        return f"{name} has {len(holder)} items"
    return f"{name} is {holder!r}"


def _reach(value: Any, parts: tuple[str, ...]) -> tuple[tuple[str, ...], Any]:
    """How far a path leads, and what lies there."""
    for index, part in enumerate(parts):
        following = child(value, part)
        if following is MISSING:
            return parts[:index], value
        value = following
    return parts, value


def _number(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isdecimal() and digits.isascii() and len(digits) < 19 else None
