"""Rules of .dvcignore; `tests/differential` compares many more with DVC's own answers."""

from __future__ import annotations

import pytest

from pivot.project.dvcignore import DvcIgnore
from pivot.tree import DictTree


@pytest.mark.parametrize(
    ("rules", "path", "is_dir", "ignored"),
    [
        ("*.tmp", "a/b.tmp", False, True),
        ("*.tmp\n!b.tmp", "a/b.tmp", False, False),
        ("/a", "b/a", False, False),
        ("a/", "a", False, False),
        ("a/", "a", True, True),
        ("a/", "a/x", False, True),
        ("a\n!a/x", "a/x", False, True),
        ("b/**/c", "b/x/y/c", False, True),
        ("# a\n\n\\#x", "#x", False, True),
        ("[!x]y", "zy", False, True),
        ("[!x]y", "xy", False, False),
        ("", ".git/config", False, True),
        ("", "sub/.dvc", True, True),
        ("*", ".", True, False),
        ("*", "../outside", False, False),
    ],
)
def test_rules(rules: str, path: str, is_dir: bool, ignored: bool) -> None:
    assert DvcIgnore(DictTree({".dvcignore": rules}), "/root").ignores(path, is_dir) is ignored


def test_deeper_files_win() -> None:
    tree = DictTree({".dvcignore": "*.csv", "sub/.dvcignore": "!keep.csv"})
    ignore = DvcIgnore(tree, "/root")
    assert ignore.ignores("/root/keep.csv", False)
    assert not ignore.ignores("/root/sub/keep.csv", False)
    assert not ignore.ignores("/elsewhere/keep.csv", False)


def test_another_dvc_project_inside_is_not_looked_into() -> None:
    tree = DictTree({"inner/.dvc/config": "", "inner/dvc.yaml": ""})
    assert DvcIgnore(tree, "/root").skips_folder("inner")
