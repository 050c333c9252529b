"""Revisions: names, ancestors, and trees read from git's objects."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pivot.errors import PivotError
from pivot.project import Repository, RevTree, find_git, open_repository


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


# --- names ---------------------------------------------------------------------------------


def refusal(repository: Repository, text: str) -> str:
    with pytest.raises(PivotError) as caught:
        repository.resolve(text)
    return str(caught.value)


def test_revisions_are_named_as_git_names_them(repo: Repo, found: Repository) -> None:
    first = repo.commit({"a": "1"})
    repo.git("tag", "-a", "-m", "a tag", "v1")
    repo.git("branch", "feature/x")
    second = repo.commit({"a": "2"})
    for text, commit in {
        "HEAD": second,
        "main": second,
        "@": second,
        "HEAD~1": first,
        "main^": first,
        "v1": first,
        "v1^{commit}": first,
        "feature/x": first,
        first[:8]: first,
        second: second,
        ":/change": second,
        "HEAD@{1}": first,
    }.items():
        assert found.resolve(text) == commit, text
    assert found.branch() == "main"
    assert found.merge_base("main", "feature/x") == first
    repo.git("checkout", "-q", "--detach")
    assert found.branch() is None


def test_an_unknown_revision_says_what_may_be_meant(repo: Repo, found: Repository) -> None:
    assert "there is no commit yet" in refusal(found, "HEAD")
    commit = repo.commit({"a": "1", "-x": ""})
    repo.git("branch", "feature/impact")
    repo.git("tag", "v1.0")
    repo.git("update-ref", "refs/remotes/origin/review", commit)
    assert refusal(found, "maim") == "there is no revision 'maim'; did you mean 'main'?"
    assert "did you mean 'v1.0'?" in refusal(found, "v1.1")
    assert "did you mean 'feature/impact'?" in refusal(found, "impact")
    assert "did you mean 'origin/review'?" in refusal(found, "review")
    assert refusal(found, "zz").endswith("there are feature/impact, main, origin/review, v1.0")
    for number in range(8):
        repo.git("tag", f"more-{number}")
    assert "`git branch -a` and `git tag` list them" in refusal(found, "zz")
    assert "goes back beyond the first commit" in refusal(found, "main~7")
    assert refusal(found, "v1.0..main").endswith("name one: v1.0 or main")
    assert "names a blob of git's, not a commit" in refusal(found, "HEAD:a")
    assert "names a tree of git's" in refusal(found, "HEAD^{tree}")
    for odd in (
        "",
        "  ",
        "-x",
        "--help",
        "a b",
        "x\ny",
        "x\0y",
        "é" * 300,
        "0" * 40,
        "HEAD^{",
        "@{",
    ):
        refusal(found, odd)
    assert found.resolve("HEAD") == commit  # the process still answers


def test_branches_tags_and_commits_are_listed_once(repo: Repo, found: Repository) -> None:
    assert found.selected(all_commits=True) == ()
    first = repo.commit({"a": "1"})
    repo.git("tag", "v1")
    repo.git("tag", "-a", "-m", "a tag", "v1-again")
    repo.git("tag", "blob", repo.git("rev-parse", "HEAD:a"))
    repo.git("branch", "other")
    repo.git("checkout", "-q", "--detach")
    second = repo.commit({"a": "2"})
    assert found.selected(all_branches=True) == (("main,other", first),)
    assert found.selected(all_tags=True) == (("v1,v1-again", first),)
    both = found.selected(all_branches=True, all_tags=True)
    assert both == (("main,other,v1,v1-again", first),)
    assert set(found.selected(all_commits=True)) == {(first, first), (second, second)}
    assert found.selected() == ()


# --- repositories of all kinds --------------------------------------------------------------


def test_packed_bare_and_linked_repositories(repo: Repo, tmp_path: Path) -> None:
    first = repo.commit({"a": "1", "deep/b": "2"})
    repo.git("gc", "-q")
    repo.git("pack-refs", "--all")
    repo.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    for place in (repo.root, tmp_path / "tree", tmp_path / "tree/deep", tmp_path / "bare"):
        with open_repository(str(place)) as found:
            assert found.is_bare == (place.name == "bare")
            tree = found.tree(found.resolve("main"), ".")
            assert (tree.commit, tree.read("deep/b")) == (first, b"2")
            assert found.folder == ("deep" if place.name == "deep" else ".")
            assert (found.branch() == "side") == (
                place.parent.name == "tree" or place.name == "tree"
            )


def test_a_sha256_repository(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    done = subprocess.run(["git", "init", "-q", "--object-format=sha256", str(root)], check=False)
    if done.returncode:
        pytest.skip("this git knows only sha1")
    (root / "a").write_text("1")
    subprocess.run(["git", "-C", str(root), "add", "a"], check=True)
    subprocess.run(["git", "-C", str(root), "commit", "-q", "-m", "one"], check=True)
    with open_repository(str(root)) as found:
        assert at(found).read("a") == b"1"
        assert at(found).list(".") == (("a", False),)


def test_a_shallow_clone_says_what_to_fetch(repo: Repo, tmp_path: Path) -> None:
    for number in range(3):
        repo.commit({"a": str(number)})
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit({"b": "1"})
    clone = tmp_path / "clone"
    repo.git("clone", "-q", "--depth=1", "--no-single-branch", f"file://{repo.root}", str(clone))
    with open_repository(str(clone)) as found:
        assert found.is_shallow
        assert at(found, "origin/main").read("a") == b"2"
        for text in ("origin/main~2", "release-9"):
            assert "git fetch --unshallow" in refusal(found, text)
        assert "origin release-9:release-9" in refusal(found, "release-9")
        with pytest.raises(
            PivotError, match=r"no common ancestor in this shallow clone.*unshallow"
        ):
            found.merge_base("origin/main", "other")
    subprocess.run(["git", "-C", str(clone), "fetch", "-q", "--unshallow"], check=True)
    with open_repository(str(clone)) as found:
        assert at(found, "origin/main~2").read("a") == b"0"


def test_a_partial_clone_fetches_nothing_by_itself(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a": "one", "b": "two"})
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    filtered = ("--filter=blob:none", "--no-checkout")
    repo.git("clone", "-q", *filtered, f"file://{repo.root}", str(clone))
    with open_repository(str(clone)) as found:
        assert at(found).list(".") == (("a", False), ("b", False))
        with pytest.raises(PivotError, match=r"lacks the object .* of 'a' at") as caught:
            at(found).read("a")
    hint = caught.value.hint or ""
    command = hint.split("`")[1].split()
    subprocess.run([*command[:1], "-C", str(clone), *command[1:]], check=True, capture_output=True)
    with open_repository(str(clone)) as found:
        assert at(found).read("a") == b"one"


def test_submodules_are_not_followed_but_said(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    inner.commit({"x": "x"})
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "add", "-q", str(inner.root), "lib/inner")
    repo.commit({"a": "1"})
    with open_repository(str(repo.root)) as found:
        tree = at(found)
        assert tree.list("lib") == (("inner", True),)
        assert not tree.submodules
        assert tree.kind("lib/inner") == "dir"
        assert tree.list("lib/inner") == ()
        assert tree.read("lib/inner/x") is None
        assert tree.submodules == {"lib/inner", "lib/inner/x"}
    with open_repository(str(repo.root / "lib/inner")) as found:
        assert at(found).read("x") == b"x"


# --- what is no repository, and what cannot be trusted ---------------------------------------


def test_without_a_repository_or_git_the_message_says_so(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "plain"
    outside.mkdir()
    with pytest.raises(PivotError, match="is in no git repository, and this needs revisions"):
        open_repository(str(outside))
    (repo.root / ".git/HEAD").write_text("broken")
    with pytest.raises(PivotError, match="is in no git repository"):
        open_repository(str(repo.root))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(PivotError, match=r"git cannot be run.*install git"):
        open_repository(str(repo.root))


def test_a_damaged_repository_is_said(repo: Repo) -> None:
    repo.commit({"a": "1", "b": "2"})
    blob = repo.git("rev-parse", "HEAD:a")
    place = repo.root / ".git/objects" / blob[:2] / blob[2:]
    place.unlink()
    with open_repository(str(repo.root)) as found:
        tree = at(found)
        with pytest.raises(PivotError, match=f"lacks the object {blob[:12]} of 'a'.*git fsck"):
            tree.read("a")
        assert tree.read("b") == b"2"


def test_nothing_that_a_repository_configures_is_run(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit({"a": "1", "sub/b": "b", ".gitattributes": "* diff=evil filter=evil\n"})
    repo.commit({"a": "2"})
    mark = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\necho "$0 $@" >> {mark}\nexit 1\n')
    evil.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor"):
        (hooks / name).symlink_to(evil)
    settings = {
        "core.hooksPath": hooks,
        "core.fsmonitor": evil,
        "core.pager": evil,
        "core.editor": evil,
        "core.sshCommand": evil,
        "core.askPass": evil,
        "core.gitProxy": evil,
        "core.alternateRefsCommand": evil,
        "credential.helper": evil,
        "diff.external": evil,
        "diff.evil.textconv": evil,
        "diff.evil.command": evil,
        "filter.evil.smudge": evil,
        "filter.evil.clean": evil,
        "filter.evil.process": evil,
        "gpg.program": evil,
        "log.showSignature": "true",
        "alias.cat-file": f"!{evil}",
        "alias.rev-parse": f"!{evil}",
        "pager.rev-list": evil,
        "uploadpack.packObjectsHook": evil,
        "extensions.partialClone": "evil",
        "remote.evil.url": f"ext::{evil}",
        "remote.evil.uploadpack": evil,
        "remote.evil.promisor": "true",
        "protocol.ext.allow": "always",
        "protocol.allow": "always",
    }
    for key, value in settings.items():
        repo.git("config", key, str(value))
    blob = repo.git("rev-parse", "HEAD:sub/b")
    (repo.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    mark.unlink(missing_ok=True)
    monkeypatch.setenv("GIT_PAGER_IN_USE", "1")
    with open_repository(str(repo.root)) as found:
        tree = at(found, "main")
        assert tree.read("a") == b"2"
        with pytest.raises(PivotError, match="this clone is partial"):
            tree.read("sub/b")
        found.selected(all_branches=True, all_tags=True, all_commits=True)
        found.merge_base("HEAD~1", "main")
        assert found.branch() == "main"
        assert len(found.commits_of("a")) == 2
        (repo.root / "a").write_text("3")
        assert found.has_changes()
        refusal(found, "nothing")
    git = find_git(str(repo.root))
    assert git is not None
    git.tracked(["a"])
    git.ignored(["b"])
    git.head()
    assert not mark.exists(), mark.read_text()
