"""What DVC takes in .dvc files and in dvc.lock: which keys, and values of which kind.

Checked by hand: hundreds of these files are read at a time, and a schema library takes 50 ms to
import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import did_you_mean

#: What a value should be, in words, and whether one is.
Check = tuple[str, Callable[[Any], bool]]
Shape = Mapping[str, Check]


def misfit(item: Mapping[Any, Any], shape: Shape) -> tuple[Any, str, str | None] | None:
    """(key, what is wrong with it, hint) of the first key that DVC would not take."""
    for key, value in item.items():
        check = shape.get(key)
        if check is None:
            return key, f"unknown key '{key}'", did_you_mean(str(key), list(shape))
        wanted, fits = check
        if not fits(value):
            inner = misfit(value, _REPO) if key == "repo" and isinstance(value, Mapping) else None
            if inner is not None:
                return key, inner[1], inner[2]
            return key, f"'{key}' takes {wanted}, not {value!r}", None
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_digest(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value is None or (isinstance(value, str) and (value == "" or len(value) >= 3))


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_anything(_: Any) -> bool:
    return True


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _all(shape: Shape, *required: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(item, Mapping)
            and all(key in item for key in required)
            and misfit(item, shape) is None
            for item in value
        )

    return check


def _is_cloud(value: Any) -> bool:
    if not isinstance(value, Mapping) or len(value) > 1:
        return False
    return all(isinstance(at, Mapping) and misfit(at, _STATED) is None for at in value.values())


def _is_repo(value: Any) -> bool:
    return isinstance(value, Mapping) and "url" in value and misfit(value, _REPO) is None


_TEXT: Check = ("a text", _is_text)
_FLAG: Check = ("true or false", lambda value: isinstance(value, bool))
_COUNT: Check = ("a whole number", lambda value: isinstance(value, int))
_DIGEST: Check = ("a digest", _is_digest)
_ANY: Check = ("anything", _is_anything)
_MAPPING: Check = ("a mapping", _is_mapping)
_TEXT_OR_NOTHING: Check = ("a text", lambda value: value is None or isinstance(value, str))
_TEXT_OR_MAPPING: Check = ("a text or a mapping", lambda value: isinstance(value, (str, Mapping)))

_STATED: Shape = {
    "md5": _DIGEST, "checksum": _DIGEST, "etag": _DIGEST, "size": _COUNT, "nfiles": _COUNT,
    "isexec": _FLAG, "version_id": _TEXT,
}  # fmt: skip
_CLOUD: Check = ("what one remote says of it", _is_cloud)
_FILE: Shape = {**_STATED, "relpath": _TEXT, "cloud": _CLOUD}
_FILES: Check = ("a list of files with relpath", _all(_FILE, "relpath"))
_REPO: Shape = {
    "url": _TEXT, "rev": _TEXT, "rev_lock": _TEXT, "config": _TEXT_OR_MAPPING,
    "remote": _TEXT_OR_MAPPING,
}  # fmt: skip
_ITEM: Shape = {
    **_STATED, "path": _TEXT, "hash": _TEXT, "cloud": _CLOUD, "files": _FILES, "persist": _FLAG,
    "fs_config": _MAPPING,
}  # fmt: skip

#: One of the `outs` of a record.
OUT: Shape = {
    **_ITEM, "desc": _TEXT, "type": _TEXT, "labels": ("a list of texts", _is_texts), "meta": _ANY,
    "cache": _FLAG, "push": _FLAG, "remote": _TEXT,
}  # fmt: skip
#: One of its `deps`.
DEP: Shape = {**_ITEM, "repo": ("a mapping with a 'url'", _is_repo), "db": _MAPPING}
#: What each of both has in a .pvt file besides.
DIGEST: Shape = {"digest": _TEXT}
#: The record itself, its lists aside.
RECORD: Shape = {
    "outs": _ANY, "deps": _ANY, "wdir": _TEXT_OR_NOTHING, "md5": _DIGEST, "frozen": _FLAG,
    "locked": _FLAG, "always_changed": _FLAG, "desc": _TEXT, "meta": _ANY,
}  # fmt: skip

_LOCKED_ITEM: Shape = {
    **_STATED, "path": _TEXT, "hash": _TEXT, "cloud": _CLOUD, "files": _FILES, "dataset": _MAPPING,
}  # fmt: skip
_LOCKED_ITEMS: Check = ("a list of paths with digests", _all(_LOCKED_ITEM, "path"))


def _is_values(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(file, str) and isinstance(values, Mapping) and all(map(_is_text, values))
        for file, values in value.items()
    )


#: An entry of dvc.lock.
ENTRY: Shape = {
    "cmd": ("a text or a list", lambda value: isinstance(value, (str, list))),
    "deps": _LOCKED_ITEMS,
    "outs": _LOCKED_ITEMS,
    "params": ("values by file", _is_values),
}
#: dvc.lock itself.
LOCK: Shape = {"schema": _TEXT, "stages": _MAPPING, "datasets": _ANY}
