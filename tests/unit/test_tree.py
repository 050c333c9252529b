"""Paths within a project, and trees held in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pivot.tree import DictTree, is_within, join, parent, relative


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        (".", "a/./b", "a/b"),
        ("sub", "x", "sub/x"),
        ("sub", "../x", "x"),
        ("sub", "../../x", "../x"),
        ("a/b", "../..", "."),
        ("sub", "x/", "sub/x"),
        ("sub", "/abs/x", "/abs/x"),
        ("sub", "s3://bucket/x", "s3://bucket/x"),
        ("../out", "x", "../out/x"),
        ("../out", "../../x", "../../x"),
    ],
)
def test_join(folder, path, expected):
    assert join(folder, path) == expected


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("a/b", ".", "a/b"),
        ("a/b", "a", "b"),
        ("a", "a", "."),
        ("b", "a", "../b"),
        (".", "a/b", "../.."),
        ("/abs", "a", "/abs"),
        ("s3://b/x", "a", "s3://b/x"),
    ],
)
def test_relative(path, folder, expected):
    assert relative(path, folder) == expected


names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@given(paths | st.just("."), paths)
def test_relative_undoes_join(folder, path):
    assert join(folder, relative(path, folder)) == path


def test_parent_and_within():
    assert parent("a/b.yaml") == "a"
    assert parent("b.yaml") == "."
    assert is_within("a/b", "a")
    assert is_within("a", "a")
    assert not is_within("ab", "a")
    assert is_within("anything", ".")


def test_a_dict_tree_reads_lists_and_signs():
    tree = DictTree({"a.txt": "x", "d/e/f.txt": b"y"})
    assert tree.read("a.txt") == b"x"
    assert tree.read("d") is None
    assert tree.kind("d/e") == "dir"
    assert tree.kind("d/e/f.txt") == "file"
    assert tree.kind("nothing") is None
    assert tree.list(".") == (("a.txt", False), ("d", True))
    assert tree.list("d/e") == (("f.txt", False),)
    assert tree.list("nothing") == ()
    assert tree.signature("a.txt") != DictTree({"a.txt": "y"}).signature("a.txt")
    assert tree.signature("b.txt") is None
