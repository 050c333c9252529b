"""What changed between two versions: values of params and metrics, and artifacts. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

#: Of one key: `old` and `new`, and for two numbers their difference as `diff`.
Change = dict[str, Any]


def changed_values(
    old: Mapping[str, Any], new: Mapping[str, Any], *, unchanged: bool = False
) -> dict[str, dict[str, Change]]:
    """By file and dotted key, the values that differ (with `unchanged` all of them).

    `old` and `new` map files to what is in them. The shape is that of `dvc params diff --json`:
    mappings are flattened, lists are texts, what one side lacks is None, and a file that holds
    no mapping has its value under "".
    """
    found: dict[str, dict[str, Change]] = {}
    for file in sorted({*old, *new}):
        changes = _of_file(_plain(old.get(file, {})), _plain(new.get(file, {})), unchanged)
        if changes:
            found[file] = changes
    return found


def flat(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """Nested mappings as one, keys joined by dots; empty ones leave nothing."""
    return dict(_leaves(value))


def _leaves(value: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            for inner, leaf in _leaves(item):
                yield f"{key}.{inner}", leaf
        else:
            yield key, item


def _plain(value: Any) -> Any:
    """A value as it is compared: a list is its text."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, list) else value


def _of_file(old: Any, new: Any, unchanged: bool) -> dict[str, Change]:
    before, after = _parsed(old), _parsed(new)
    if not (isinstance(before, Mapping) or isinstance(after, Mapping)):
        change = _change(before, after, unchanged)
        return {"": change} if change else {}
    first, second = _keyed(before), _keyed(after)
    found: dict[str, Change] = {}
    for key in sorted({*first, *second}, key=str):
        change = _change(first[key], second[key], unchanged)
        if change:
            found[key] = change
    return found


def _parsed(value: Any) -> Any:
    """The value of a file that is one text: what it says in JSON, where it does."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _keyed(value: Any) -> defaultdict[str, Any]:
    if not value:
        return defaultdict(lambda: None)
    if isinstance(value, Mapping):
        return defaultdict(lambda: None, flat(value))
    return defaultdict(lambda: "unable to parse")  # against the keys of the other side


def _change(old: Any, new: Any, unchanged: bool) -> Change | None:
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 1:
        return _change(old[0], new[0], unchanged)
    if not unchanged and old == new:
        return None
    change = {"old": old, "new": new}
    if isinstance(old, (int, float)) and isinstance(new, (int, float)):
        change["diff"] = new - old
    return change
