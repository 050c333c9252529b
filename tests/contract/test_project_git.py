"""Git, and keeping outputs out of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pivot.errors import ConfigError, PivotError, StoreError
from pivot.project import Git, GitIgnore, find_git


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    made = tmp_path / "repo"
    made.mkdir()
    git(made, "init", "-q")
    return made


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def of(root: Path) -> Git:
    found = find_git(str(root))
    assert found is not None
    return found


def ignore(root: Path) -> GitIgnore:
    return GitIgnore(str(root), find_git(str(root)))


# --- questions -----------------------------------------------------------------------------


def test_without_a_repository_there_is_no_git(tmp_path: Path) -> None:
    assert find_git(str(tmp_path)) is None
    assert ignore(tmp_path).add(["data"]) == ()
    assert ignore(tmp_path).remove(["data"]) == ()
    ignore(tmp_path).refuse_tracked(["data"])
    assert list(tmp_path.iterdir()) == []


def test_what_git_tracks(repo: Path) -> None:
    for name in ("a", "d/x", "d/*", "ä b"):
        write(repo / name)
    git(repo, "add", ".")
    write(repo / "untracked")
    asked = ["a", "d", "d/*", "ä b", "untracked", "nothing", "../outside", "/etc/passwd", "d/"]
    assert of(repo).tracked(asked) == {"a", "d", "d/*", "ä b"}
    assert of(repo).tracked([]) == frozenset()
    assert of(repo).tracked_files() == {"a", "d/x", "d/*", "ä b"}
    assert of(repo).tracked_files("d") == {"d/x", "d/*"}


def test_a_project_below_the_repositorys_root(repo: Path) -> None:
    write(repo / "sub/project/a")
    write(repo / "sub/other")
    git(repo, "add", ".")
    found = of(repo / "sub/project")
    assert found.top == str(repo)
    assert found.tracked(["a", "b"]) == {"a"}
    write(repo / ".gitignore", "*.tmp\n")
    assert found.ignored(["x.tmp", "x"]) == {"x.tmp"}


def test_what_git_ignores(repo: Path) -> None:
    write(repo / ".gitignore", "/data\n*.log\n")
    assert of(repo).ignored(["data", "sub/data", "sub/x.log", "new\nline.log", "a"]) == {
        "data",
        "sub/x.log",
        "new\nline.log",
    }
    assert of(repo).ignored(["a"]) == frozenset()
    assert of(repo).ignored([]) == frozenset()


def test_the_commit_checked_out(repo: Path) -> None:
    assert of(repo).head() is None
    git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    assert of(repo).head() == git(repo, "rev-parse", "HEAD").strip()


def test_a_worktree_is_a_repository(repo: Path, tmp_path: Path) -> None:
    write(repo / "a")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    git(repo, "worktree", "add", "-q", str(tmp_path / "tree"))
    found = of(tmp_path / "tree")
    assert found.top == str(tmp_path / "tree")
    assert found.tracked(["a"]) == {"a"}
    assert ignore(tmp_path / "tree").add(["data"]) == (".gitignore",)


def test_failures_of_git_are_said(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = of(repo)
    write(repo / ".git/HEAD", "broken")
    with pytest.raises(PivotError, match="git ls-files failed: fatal: not a git repository"):
        found.tracked(["a"])
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(PivotError, match="git cannot be run: No such file or directory; install"):
        found.tracked(["a"])


# --- ignoring outputs ----------------------------------------------------------------------


def test_outputs_are_ignored_beside_themselves_each_once(repo: Path) -> None:
    outs = ["model.pkl", "data/b.csv", "data/a.csv", "data/a.csv"]
    assert ignore(repo).add(outs) == (".gitignore", "data/.gitignore")
    assert (repo / ".gitignore").read_text() == "/model.pkl\n"
    assert (repo / "data/.gitignore").read_text() == "/b.csv\n/a.csv\n"
    assert of(repo).ignored(outs) == set(outs)
    assert ignore(repo).add(outs) == ()


def test_lines_of_the_users_own_stay(repo: Path) -> None:
    mine = write(repo / ".gitignore", "# mine\n*.log\n/z")
    mine.chmod(0o600)
    assert ignore(repo).add(["a", "x.log", "z"]) == (".gitignore",)
    assert mine.read_text() == "# mine\n*.log\n/z\n/a\n"
    assert mine.stat().st_mode & 0o777 == 0o600
    assert ignore(repo).remove(["a", "z", "nothing", "no/folder"]) == (".gitignore",)
    assert mine.read_text() == "# mine\n*.log\n"


def test_an_emptied_gitignore_is_removed(repo: Path) -> None:
    ignore(repo).add(["data/a"])
    assert ignore(repo).remove(["data/a"]) == ("data/.gitignore",)
    assert not (repo / "data/.gitignore").exists()


@pytest.mark.parametrize(
    "name", ["a*b", "a?b", "a[1]", "back\\slash", "#x", "!x", "two  ", " lead", "ä", "a b"]
)
def test_unusual_names_are_ignored_exactly(repo: Path, name: str) -> None:
    ignore(repo).add([name])
    others = ["axb", "a1", "ab", "x", "two", "backslash"]
    assert of(repo).ignored([name, *others]) == {name}
    assert ignore(repo).remove([name]) == (".gitignore",)


def test_a_rule_that_the_user_took_back_is_not_forced(repo: Path) -> None:
    write(repo / ".gitignore", "/data\n!/data\n")
    assert ignore(repo).add(["data"]) == ()


def test_what_lies_outside_is_left_alone(repo: Path, tmp_path: Path) -> None:
    (repo / "project").mkdir()
    inner = ignore(repo / "project")
    assert inner.add(["../outer", "../../outside", "/abs", "s3://bucket/x"]) == ("../.gitignore",)
    assert (repo / ".gitignore").read_text() == "/outer\n"
    assert not (tmp_path / ".gitignore").exists()


def test_an_output_that_git_tracks_is_an_error_with_the_way_out(repo: Path) -> None:
    for name in ("model.pkl", "data/x", "fine"):
        write(repo / name)
    git(repo, "add", "model.pkl", "data")
    with pytest.raises(ConfigError) as caught:
        ignore(repo).add(["fine", "model.pkl", "data"])
    assert "'data' (and 1 more) is tracked by git already" in str(caught.value)
    assert "git rm -r --cached 'data' 'model.pkl'" in str(caught.value)
    assert not (repo / ".gitignore").exists()


@pytest.fixture
def closed(repo: Path) -> Path:
    (repo / "data/.gitignore").mkdir(parents=True)
    return repo


def test_a_gitignore_that_cannot_be_written_is_named(closed: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read 'data/\.gitignore'"):
        ignore(closed).add(["data/a"])
    (closed / "data/.gitignore").rmdir()
    os.rmdir(closed / "data")
    write(closed / "data", "a file")
    with pytest.raises(StoreError, match=r"cannot write 'data/\.gitignore'"):
        ignore(closed).add(["data/a"])
