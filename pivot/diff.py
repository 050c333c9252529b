"""What changed between two versions: values of params and metrics, and artifacts. Pure."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .digest import Digest
from .values import dataclass

#: Of one key: `old` and `new`, and for two numbers their difference as `diff`.
Change = dict[str, Any]
_Path = tuple[Any, ...]  # keys of nested mappings


def changed_values(
    old: Mapping[str, Any], new: Mapping[str, Any], *, unchanged: bool = False
) -> dict[str, dict[str, Change]]:
    """By file and dotted key, the values that differ (with `unchanged` all of them).

    `old` and `new` map files to what is in them. The shape is that of `dvc params diff --json`:
    mappings are flattened (see `flat`), lists are texts, what one side lacks is None, and a file
    that holds no mapping has its value under "".
    """
    found: dict[str, dict[str, Change]] = {}
    for file in sorted({*old, *new}):
        changes = _of_file(plain(old.get(file, {})), plain(new.get(file, {})), unchanged)
        if changes:
            found[file] = changes
    return found


def flat(value: Mapping[Any, Any], beside: Mapping[Any, Any] | None = None) -> dict[Any, Any]:
    """Nested mappings as one, keys joined by dots; empty ones leave nothing.

    Where two would have one name, here or `beside`, a key that has a dot itself is quoted: of
    `{"a.b": 1, "a": {"b": 2}}` come `"a.b"`, quotes included, and `a.b`.
    """
    leaves = dict(_leaves(value))
    shared = {*_shared(leaves), *_shared(dict(_leaves(beside or {})))}
    found: dict[Any, Any] = {}
    for path, leaf in leaves.items():
        name = _name(path)
        if name in shared:
            name = _name(path, quoted=True)
        elif len(path) == 1:
            name = path[0]  # as it is, and be it a number
        found[name] = leaf
    return found


def _shared(paths: Iterable[_Path]) -> list[str]:
    """The names that several of `paths` have."""
    return [name for name, count in Counter(map(_name, paths)).items() if count > 1]


def _leaves(value: Mapping[Any, Any], above: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, (*above, key))
        else:
            yield (*above, key), item


def _name(path: _Path, *, quoted: bool = False) -> str:
    keys = [str(key) for key in path]
    if quoted:
        keys = [json.dumps(key, ensure_ascii=False) if "." in key else key for key in keys]
    return ".".join(keys)


def plain(value: Any) -> Any:
    """A value as it is compared and shown: a list is its text."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, list) else value


def _of_file(old: Any, new: Any, unchanged: bool) -> dict[str, Change]:
    before, after = _parsed(old), _parsed(new)
    if not (isinstance(before, Mapping) or isinstance(after, Mapping)):
        change = _change(before, after, unchanged)
        return {"": change} if change else {}
    first, second = _keyed(before, after), _keyed(after, before)
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


def _keyed(value: Any, other: Any) -> defaultdict[str, Any]:
    if not value:
        return defaultdict(lambda: None)
    if isinstance(value, Mapping):
        beside = other if isinstance(other, Mapping) else None
        return defaultdict(lambda: None, flat(value, beside))
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


# --- artifacts ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """One artifact of a version, or one file of a directory; `digest` None where not known."""

    digest: Digest | None
    is_folder: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The artifacts of one version by path, and the files of those that are directories.

    `hidden` are the directories whose files are not known: their manifest is nowhere.
    """

    items: Mapping[str, Item]
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One artifact or file that differs: its path and digest on either side, None where absent."""

    path: str
    old: Digest | None
    new: Digest | None
    is_folder: bool = False
    former: str | None = None  # the path it had, where that is all that differs


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between two snapshots, each kind in order of paths."""

    added: tuple[Difference, ...] = ()
    deleted: tuple[Difference, ...] = ()
    modified: tuple[Difference, ...] = ()
    renamed: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.deleted or self.modified or self.renamed)


def changed_artifacts(old: Snapshot, new: Snapshot) -> Differences:
    """What differs, as `dvc diff` tells it.

    A path that went and one that came with the same bytes are one that was renamed: of several
    the first of each, in order. Nothing is said of files whose directory is hidden on a side.
    """
    added: list[Difference] = []
    gone: list[Difference] = []
    modified: list[Difference] = []
    hidden = old.hidden | new.hidden
    for path in sorted({*old.items, *new.items}, key=_parts):
        if any(path.startswith(f"{folder}/") for folder in hidden):
            continue
        before, after = old.items.get(path), new.items.get(path)
        if before is None and after is not None:
            added.append(Difference(path, None, after.digest, after.is_folder))
        elif before is not None and after is None:
            gone.append(Difference(path, before.digest, None, before.is_folder))
        elif before and after and not _is_same(before, after):
            modified.append(Difference(path, before.digest, after.digest, before.is_folder))
    by_digest: dict[object, deque[Difference]] = defaultdict(deque)
    for difference in gone:
        by_digest[_identity(difference.old)].append(difference)
    came: list[Difference] = []
    renamed: list[Difference] = []
    for difference in added:
        left = by_digest.get(_identity(difference.new)) if difference.new else None
        if not left:
            came.append(difference)
            continue
        former = left.popleft()
        renamed.append(replace(difference, old=former.old, former=former.path))
    remaining = [difference for queue in by_digest.values() for difference in queue]
    return Differences(
        added=tuple(came),
        deleted=tuple(sorted(remaining, key=lambda difference: _parts(difference.path))),
        modified=tuple(modified),
        renamed=tuple(sorted(renamed, key=lambda difference: difference.former or "")),
    )


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def _is_same(one: Item, other: Item) -> bool:
    same = _identity(one.digest) == _identity(other.digest)
    return same and one.is_folder == other.is_folder


def _identity(digest: Digest | None) -> object:
    return None if digest is None else (digest.algorithm, digest.value, digest.is_tree)
