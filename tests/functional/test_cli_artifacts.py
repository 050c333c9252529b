"""`checkout`, `commit` (= `accept`) and `unprotect`."""

from __future__ import annotations

import os
import stat

import pytest
from harness import Sandbox
from small import words


@pytest.fixture
def done(project: Sandbox) -> Sandbox:
    words(project).repro()
    return project


# --- checkout


def test_checkout_before_any_run_has_nothing_to_do(project: Sandbox) -> None:
    said = words(project).run("checkout").ended(0).stdout
    assert said == "Nothing to check out: no stage has a lock yet.\n"


def test_checkout_brings_back_what_is_missing(done: Sandbox) -> None:
    before = done.contents("build")
    done.remove("build")
    result = done.run("checkout", "top").ended(0)
    assert result.stdout == "1 restored, 0 unchanged.\n"
    assert done.run("checkout").ended(0).stdout == "2 restored, 1 unchanged.\n"
    assert {path: data for path, data in before.items() if "git" not in path} == {
        path: data for path, data in done.contents("build").items() if "git" not in path
    }


def test_checkout_follows_the_locks_of_another_branch(done: Sandbox) -> None:
    done.commit()
    done.git("checkout", "-q", "-b", "other")
    done.edit("params.yaml", "limit: 2", "limit: 1")
    done.repro()
    done.commit()
    done.git("checkout", "-q", "main")
    assert done.read("build/top.md") == "- b\n"
    assert done.run("checkout").ended(0).stdout == "1 restored, 2 unchanged.\n"
    assert done.read("build/top.md") == "- b\n- a\n"
    assert done.stale() == set()


def test_checkout_leaves_bytes_that_are_stored_nowhere(done: Sandbox) -> None:
    (done.root / "build/top.md").write_text("mine\n")
    result = done.run("checkout", "build/top.md").ended(1)
    assert "build/top.md was changed and is stored nowhere; `--force` replaces it" in result.stderr
    assert done.read("build/top.md") == "mine\n"
    done.run("checkout", "--force").ended(0)
    assert done.read("build/top.md") == "- b\n- a\n"


def test_checkout_without_the_cache_says_who_makes_it(done: Sandbox) -> None:
    done.remove("build/top.md", ".pivot/cache")
    result = done.run("checkout").ended(1)
    assert "build/top.md is not in the cache; `pivot repro top` makes it" in result.stderr


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_links_on_request_and_unprotect(done: Sandbox, link: str) -> None:
    done.run("config", "set", "cache.link", link).ended(0)
    done.run("checkout", "--relink").ended(0)
    path = done.root / "build/top.md"
    assert path.is_symlink() == (link == "symlink")
    assert not os.stat(path).st_mode & stat.S_IWUSR
    assert done.stale() == set()
    assert done.run("unprotect", "build/top.md").ended(0).stderr == "unprotected build/top.md\n"
    assert not path.is_symlink()
    assert os.stat(path).st_mode & stat.S_IWUSR
    assert os.stat(path).st_nlink == 1
    assert done.stale() == set()


# --- commit


def test_commit_accepts_what_is_there(done: Sandbox) -> None:
    (done.root / "build/top.md").write_text("by hand\n")
    done.edit("params.yaml", "limit: 2", "limit: 1")
    assert done.stale() == {"top"}
    result = done.run("commit", "top").ended(0)
    assert (result.stdout, result.stderr) == ("1 accepted, 0 unchanged.\n", "accepted top\n")
    assert done.stale() == set()
    done.remove("build/top.md")
    assert done.repro()["top"] == "restored"
    assert done.read("build/top.md") == "by hand\n"


def test_commit_of_all_and_by_its_other_name(project: Sandbox) -> None:
    words(project).write({"build/counts.json": "{}", "build/size.txt": "7\n"})
    assert project.run("accept").ended(0).stdout == "2 accepted, 0 unchanged.\n"
    assert project.stale() == {"top"}
    assert project.run("commit").ended(0).stdout == "0 accepted, 2 unchanged.\n"


# --- places that no data may have


@pytest.mark.parametrize(
    "place",
    [".", ".git", ".git/hooks", ".GIT/x", ".pivot", ".pivot/stages", "d/.git", "d", "pivot.yaml",
     "dvc.yaml", "d/dvc.lock", "d/x.pvt", "d/x.dvc", "d/pivot.yaml"],
)  # fmt: skip
def test_what_belongs_to_git_or_pivot_is_neither_tracked_nor_imported_over(
    done: Sandbox, place: str
) -> None:
    done.write({"d/pivot.yaml": "stages: {other: {cmd: echo}}\n", "source.txt": "a\n"})
    target = done.root / place
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        target.write_text("outs: []\n")
    before = done.contents()
    assert f"'{place}' cannot be tracked: it is" in done.run("track", place).ended(2).stderr
    if not target.is_dir():  # into a folder it would be put
        imported = done.run("import-url", "source.txt", place, "--force").ended(2)
        assert f"'{place}' cannot be tracked: it is" in imported.stderr
    assert done.contents() == before
    assert done.has(".git/HEAD")


def test_names_that_only_begin_like_such_a_place_can_be_tracked(done: Sandbox) -> None:
    names = ["..data", ".github", ".gitdata", ".pivots"]
    done.write(dict.fromkeys(names, "a\n"))
    for name in names:
        done.run("track", name).ended(0)
    done.write({"../beside.txt": "a\n"})
    outside = done.run("track", "../beside.txt").ended(2)
    assert "'../beside.txt' is not a file or folder inside the project" in outside.stderr


@pytest.mark.parametrize("place", [".git", ".git/hooks/x", ".pivot/stages", "d/.git/config"])
def test_get_writes_nothing_into_the_folders_of_git_and_pivot(done: Sandbox, place: str) -> None:
    done.commit()
    got = done.run("get", ".", "pivot.yaml", "-o", place, "--force").ended(2)
    assert "cannot be written: it is what ." in got.stderr


@pytest.mark.parametrize("place", [".git", ".pivot/stages", ".", "pivot.yaml"])
def test_a_record_that_names_such_a_place_moves_nothing(done: Sandbox, place: str) -> None:
    done.commit()
    digest = f"blake3:{'0' * 64}"
    done.write({"r.pvt": f"outs:\n- path: {place}\n  digest: {digest}\n  size: 1\n"})
    done.commit("record")
    commit = done.git("rev-parse", "HEAD")
    told = done.run("checkout", "--force").ended(2)
    assert f"r.pvt:2: '{place}' cannot be tracked data: it is" in told.stderr
    assert "r.pvt:2" in done.run("status").ended(2).stderr
    done.remove("r.pvt")
    done.run("checkout", "--rev", "HEAD", "--force")
    assert done.git("rev-parse", "HEAD") == commit
    assert done.git("status", "--short").strip() == "D r.pvt"
