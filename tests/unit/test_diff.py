"""What changed between two versions: values and artifacts."""

from __future__ import annotations

from typing import Any

import pytest

from pivot.diff import Item, Snapshot, changed_artifacts, changed_values, flat
from pivot.digest import Digest


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": 1}, {"a": 3}, {"a": {"old": 1, "new": 3, "diff": 2}}),
        ({"a": 1}, {}, {"a": {"old": 1, "new": None}}),
        ({}, {"a": {"b": "x"}}, {"a.b": {"old": None, "new": "x"}}),
        ({"a": {"b": 1}}, {"a": 2}, {"a": {"old": None, "new": 2}, "a.b": {"old": 1, "new": None}}),
        ({"a": "x"}, {"a": 1}, {"a": {"old": "x", "new": 1}}),
        ({"a": False}, {"a": True}, {"a": {"old": False, "new": True, "diff": 1}}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": {"old": "[1, 2]", "new": "[1, 3]"}}),
        ({"a": {}}, {"a": {}}, {}),
        ({"a.b": 1}, {"a": {"b": 1}}, {}),
        (0.5, 0.75, {"": {"old": 0.5, "new": 0.75, "diff": 0.25}}),
        ("0.5", "0.75", {"": {"old": 0.5, "new": 0.75, "diff": 0.25}}),
        ("x", "y", {"": {"old": "x", "new": "y"}}),
        ([1], [2], {"": {"old": 1, "new": 2, "diff": 1}}),
        (0.5, {"a": 1}, {"a": {"old": "unable to parse", "new": 1}}),
        (None, {"a": 1}, {"a": {"old": None, "new": 1}}),
    ],
)
def test_values_that_differ(old: Any, new: Any, changes: dict[str, Any]) -> None:
    found = changed_values({"f": old}, {"f": new})
    assert found == ({"f": changes} if changes else {})


def test_files_that_one_side_lacks_and_what_did_not_change() -> None:
    old, new = {"gone": {"a": 1}, "same": {"b": 2}}, {"came": {"c": "x"}, "same": {"b": 2}}
    assert changed_values(old, new) == {
        "came": {"c": {"old": None, "new": "x"}},
        "gone": {"a": {"old": 1, "new": None}},
    }
    everything = changed_values(old, new, unchanged=True)
    assert everything["same"] == {"b": {"old": 2, "new": 2, "diff": 0}}


def test_nested_mappings_as_one() -> None:
    assert flat({"a": {"b": {"c": 1}, "d": {}}, 2: [1]}) == {"a.b.c": 1, 2: [1]}


def test_keys_with_dots_are_quoted_where_names_would_be_one():
    assert flat({"a.b": 1, "a": {"b": 2}, "c": {"d.e": 3}}) == {'"a.b"': 1, "a.b": 2, "c.d.e": 3}
    alone, both = {"a.b": 1}, {"a.b": 9, "a": {"b": 2}}
    assert changed_values({"f": alone}, {"f": {"a.b": 9}})["f"].keys() == {"a.b"}
    assert changed_values({"f": alone}, {"f": both}) == {
        "f": {'"a.b"': {"old": 1, "new": 9, "diff": 8}, "a.b": {"old": None, "new": 2}}
    }


# --- artifacts ------------------------------------------------------------------------------


def file(value: str) -> Item:
    return Item(Digest("md5", value, "file", len(value)))


def folder(value: str) -> Item:
    return Item(Digest("md5", value, "tree"), is_folder=True)


def told(old: dict[str, Item], new: dict[str, Item], hidden: set[str] | None = None) -> Any:
    found = changed_artifacts(Snapshot(old), Snapshot(new, frozenset(hidden or ())))
    assert bool(found) == any((found.added, found.deleted, found.modified, found.renamed))
    return {
        kind: [one.path if one.former is None else (one.former, one.path) for one in group]
        for kind in ("added", "deleted", "modified", "renamed")
        if (group := getattr(found, kind))
    }


def test_artifacts_come_go_change_and_move() -> None:
    assert told({"a": file("1")}, {"a": file("1")}) == {}
    assert told({}, {"b": file("1"), "a": file("2")}) == {"added": ["a", "b"]}
    assert told({"a": file("1")}, {}) == {"deleted": ["a"]}
    assert told({"a": file("1")}, {"a": file("2")}) == {"modified": ["a"]}
    assert told({"a": file("1")}, {"a": folder("1")}) == {"modified": ["a"]}
    assert told({"a": file("1")}, {"b": file("1")}) == {"renamed": [("a", "b")]}
    assert told({"a": file("1")}, {"b": folder("1")}) == {"added": ["b"], "deleted": ["a"]}


def test_of_equal_files_the_first_that_went_is_the_first_that_came() -> None:
    old = {name: file("1") for name in ("b", "a", "c")}
    new = {name: file("1") for name in ("y", "x")}
    assert told(old, new) == {"deleted": ["c"], "renamed": [("a", "x"), ("b", "y")]}


def test_a_result_that_no_lock_names_is_there_and_not_known() -> None:
    unknown = Item(None)
    assert told({"a": unknown}, {"a": unknown}) == {}
    assert told({"a": unknown}, {"a": file("1")}) == {"modified": ["a"]}
    assert told({"a": unknown}, {"b": unknown}) == {"added": ["b"], "deleted": ["a"]}


def test_nothing_is_said_of_files_whose_folder_is_hidden() -> None:
    old = {"d": folder("1"), "d/x": file("1"), "e/x": file("2")}
    new = {"d": folder("2"), "e/x": file("3")}
    assert told(old, new, {"d"}) == {"modified": ["d", "e/x"]}
