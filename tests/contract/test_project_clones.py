"""Bare clones of other repositories: kept, brought up to date, and never made to run anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pivot.errors import PivotError
from pivot.project.clones import Clone, checked_url, has_password, shown_url


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "theirs"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "data.txt").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    git(folder, "tag", "v1")
    return folder


def content(clone: Clone, revision: str, path: str) -> str:
    return git(Path(clone.folder), "cat-file", "blob", f"{revision}:{path}")


def test_a_clone_follows_branches_and_tags_of_the_other_side(theirs: Path) -> None:
    clone = Clone(checked_url(str(theirs)))
    assert not clone.is_there
    assert clone.update() is None
    assert content(clone, "HEAD", "data.txt") == "one"

    (theirs / "data.txt").write_text("two\n")
    git(theirs, "commit", "-qam", "two")
    git(theirs, "tag", "-f", "v1")
    git(theirs, "branch", "side")
    assert clone.update() is None

    assert content(clone, "main", "data.txt") == "two"
    assert content(clone, "v1", "data.txt") == "two"
    assert content(clone, "side", "data.txt") == "two"
    git(theirs, "branch", "-D", "side")
    clone.update()
    refs = git(Path(clone.folder), "for-each-ref", "--format=%(refname)")
    assert "side" not in refs


def test_without_a_connection_what_was_fetched_before_serves(theirs: Path, tmp_path: Path) -> None:
    clone = Clone(checked_url(str(theirs)))
    clone.update()
    commit = git(theirs, "rev-parse", "HEAD")
    theirs.rename(tmp_path / "gone")

    assert clone.update(commit) is None  # known by its name: nobody is asked
    problem = clone.update("main")

    assert problem is not None
    assert "theirs" in problem
    assert content(clone, "main", "data.txt") == "one"


def test_a_repository_that_cannot_be_read_leaves_no_clone(theirs: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    clone = Clone(checked_url(str(empty)))
    with pytest.raises(PivotError, match="is no git repository"):
        clone.update()
    assert not clone.is_there
    shutil.rmtree(empty)
    git(tmp_path, "clone", "-q", str(theirs), str(empty))
    assert clone.update() is None


def test_hooks_and_configuration_of_the_other_side_run_nothing(
    theirs: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    for name in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-upload-pack"):
        hook = theirs / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    git(theirs, "config", "core.fsmonitor", f"touch {mark}")
    git(theirs, "config", "uploadpack.packObjectsHook", f"touch {mark}; exec")
    (theirs / ".gitattributes").write_text("* filter=evil diff=evil\n")
    git(theirs, "config", "filter.evil.smudge", f"touch {mark}")

    Clone(checked_url(str(theirs))).update()

    assert not mark.exists()


def test_variables_of_a_surrounding_git_command_mean_nothing_here(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent/index")
    clone = Clone(checked_url(str(theirs)))
    assert clone.update() is None


@pytest.mark.parametrize(
    "url",
    [
        "", "  ", "--upload-pack=touch x", "-x", "ext::sh -c touch% x", "fd::3", "a\nb",
        "file2://x", "ftp://host/x", "ssh://-oProxyCommand=x/y", "nowhere", "transport::address",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_repository_is_refused(url: str) -> None:
    with pytest.raises(PivotError):
        checked_url(url)


def test_urls_are_taken_as_git_takes_them(tmp_path: Path) -> None:
    for url in ("https://host/x.git", "ssh://git@host/x", "git@host:team/x.git", "host:x"):
        assert checked_url(url) == url
    (tmp_path / "x").mkdir()
    assert checked_url("x", str(tmp_path)) == str(tmp_path / "x")
    assert checked_url(os.fspath(tmp_path)) == str(tmp_path)


def test_credentials_in_urls_are_seen_and_not_shown() -> None:
    assert has_password("https://me:secret@host/x.git")
    assert not has_password("ssh://git@host/x.git")
    assert not has_password("git@host:x.git")
    said = shown_url("cannot read https://me:secret@host.org/x.git: 403")
    assert said == "cannot read https://host.org/x.git: 403"
    assert "ghp_token" not in shown_url("https://ghp_token@github.com/x")
