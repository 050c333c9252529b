"""Revisions: names, ancestors, and trees read from git's objects."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pivot.errors import PivotError
from pivot.project import Repository, RevTree, open_repository


class Repo:
    """A repository in which commits are made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None] | None = None) -> str:
        for path, text in (files or {}).items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                target.unlink()
            else:
                target.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


@pytest.fixture
def found(repo: Repo) -> Iterator[Repository]:
    with open_repository(str(repo.root)) as repository:
        yield repository


def at(repository: Repository, text: str = "HEAD") -> RevTree:
    return repository.tree(repository.resolve(text))


def test_files_and_folders_of_revisions(repo: Repo, found: Repository) -> None:
    assert found.head() is None
    assert found.commits_of("sub/a") == []
    first = repo.commit({"sub/a": "one", "ä b": "x"})
    second = repo.commit({"sub/a": "two", "c": "", "sub/deep/d": "d"})

    tree, before = at(found), at(found, "HEAD~1")
    assert (before.commit, tree.commit) == (first, second)
    assert [t.read("sub/a") for t in (before, tree)] == [b"one", b"two"]
    assert tree.read("sub/../c") == b""
    assert tree.read("ä b") == b"x"
    assert tree.list(".") == (("c", False), ("sub", True), ("ä b", False))
    assert tree.list("sub") == (("a", False), ("deep", True))
    for path in ("nothing", "c/x", "sub/nothing", "../repo/c", "/etc/passwd", "s3://x"):
        assert (tree.read(path), tree.kind(path), tree.list(path)) == (None, None, ())
    assert tree.read("sub") is None
    assert (tree.kind("sub"), tree.kind("c"), before.kind("c")) == ("dir", "file", None)
    assert tree.signature("ä b") == before.signature("ä b") is not None
    assert tree.signature("sub") != before.signature("sub")
    assert found.commits_of("sub/a") == [second, first]
    assert found.commits_of("ä b") == [first]
    assert found.commits_of("../outside") == []


def test_a_project_in_a_subfolder(repo: Repo) -> None:
    repo.commit({"project/a": "a", "shared/b": "b"})
    with open_repository(str(repo.root / "project")) as found:
        tree = at(found)
        assert found.folder == "project"
        assert (tree.read("a"), tree.read("../shared/b")) == (b"a", b"b")
        assert tree.list(".") == (("a", False),)
        assert tree.read("../../repo/shared/b") is None
        assert found.tree(tree.commit, "shared").read("b") == b"b"
        assert found.commits_of("../shared/b") == [tree.commit]


def test_links_lead_through_the_repository_and_not_out_of_it(repo: Repo) -> None:
    (repo.root / "project").mkdir()
    repo.commit({"project/data/x": "x", "shared/y": "y"})
    links = {
        "file": "data/x",
        "folder": "../shared",
        "chain": "folder",
        "out": "../../outside",
        "absolute": "/etc/passwd",
        "loop": "loop",
        "broken": "data/none",
    }
    for name, target in links.items():
        (repo.root / "project" / name).symlink_to(target)
    repo.commit()
    with open_repository(str(repo.root / "project")) as found:
        tree = at(found)
        assert tree.read("file") == b"x"
        assert tree.read("chain/y") == b"y"
        assert tree.read("folder/../project/data/x") == b"x"
        assert tree.kind("folder") == "dir"
        assert [tree.kind(n) for n in ("out", "absolute", "loop", "broken")] == [None] * 4
        assert dict(tree.list("."))["chain"] is True
        assert dict(tree.list("."))["out"] is False
