"""The project on disk: its root, its work tree, its own files, and where its state lies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from unprivileged import as_nobody

import pivot.project.place as place
from pivot.errors import ConfigError, PivotError, StoreError
from pivot.project import WorkTree, find_mode, find_root, init_files, open_project
from pivot.project.place import file_system, state_path
from pivot.tree import DictTree


def write(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture(autouse=True)
def no_configuration_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home/cache"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


# --- the root ------------------------------------------------------------------------------


def test_no_project_is_none_and_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert find_root(str(tmp_path)) is None
    with pytest.raises(PivotError, match=r"no Pivot project in .*; make one with `pivot init`"):
        open_project(str(tmp_path))


@pytest.mark.parametrize("start", [".", "sub", "sub/deep"])
def test_the_root_is_found_from_any_folder_below(tmp_path: Path, start: str) -> None:
    (tmp_path / "project/sub/deep").mkdir(parents=True)
    write(tmp_path / "project/pivot.yaml")
    assert find_root(str(tmp_path / "project" / start)) == str(tmp_path / "project")


def test_the_outermost_pipeline_of_the_repository_wins(tmp_path: Path) -> None:
    (tmp_path / "repo/.git").mkdir(parents=True)
    write(tmp_path / "pivot.yaml")  # outside the repository
    write(tmp_path / "repo/pivot.yaml")
    write(tmp_path / "repo/sub/pivot.yaml")
    assert find_root(str(tmp_path / "repo/sub")) == str(tmp_path / "repo")


def test_a_scratch_folder_that_is_nearer_wins(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / "pivot.yaml")
    (tmp_path / "inner/.pivot").mkdir(parents=True)
    write(tmp_path / "inner/sub/pivot.yaml")
    assert find_root(str(tmp_path / "inner/sub")) == str(tmp_path / "inner")
    assert find_root(str(tmp_path)) == str(tmp_path)


def test_a_scratch_folder_further_out_wins_over_a_nested_pipeline(tmp_path: Path) -> None:
    (tmp_path / ".pivot").mkdir()
    write(tmp_path / "sub/pivot.yaml")
    assert find_root(str(tmp_path / "sub")) == str(tmp_path)


def test_a_worktree_ends_the_search_as_a_repository_does(tmp_path: Path) -> None:
    write(tmp_path / "pivot.yaml")
    write(tmp_path / "tree/.git", "gitdir: elsewhere")
    (tmp_path / "tree/sub").mkdir()
    assert find_root(str(tmp_path / "tree/sub")) is None
    write(tmp_path / "tree/pivot.yaml")
    assert find_root(str(tmp_path / "tree/sub")) == str(tmp_path / "tree")


def test_the_mode_follows_from_what_is_there(tmp_path: Path) -> None:
    root = str(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".pivot").mkdir()
    assert find_root(root) == root
    assert find_mode(root, None) == "dvc"
    write(tmp_path / ".pivot/config.yaml")
    assert find_mode(root, None) == "pivot"  # .dvc/ without a configuration is what was left
    write(tmp_path / "sub/.dvc/tmp/lock")
    assert find_root(str(tmp_path / "sub")) == root
    config = write(tmp_path / ".dvc/config")
    with pytest.raises(ConfigError, match=r"both Pivot's \(.pivot/config.yaml\) and DVC's"):
        find_mode(root, None)
    assert find_mode(root, "pivot") == "pivot"
    assert find_mode(root, "dvc") == "dvc"
    config.unlink()
    (tmp_path / ".dvc").rmdir()
    assert find_mode(root, None) == "pivot"


# --- files of Pivot's own ------------------------------------------------------------------


def test_the_scratch_folder_comes_with_its_gitignore(tmp_path: Path) -> None:
    assert init_files(str(tmp_path)) == (".pivot/.gitignore",)
    lines = (tmp_path / ".pivot/.gitignore").read_text().splitlines()
    assert set(lines) == {"/cache", "/tmp", "/logs", "/state.db*", "/config.local.yaml"}
    assert init_files(str(tmp_path)) == ()


def test_an_existing_gitignore_is_completed_never_overwritten(tmp_path: Path) -> None:
    mine = write(tmp_path / ".pivot/.gitignore", "# mine\n/cache\nother")
    assert init_files(str(tmp_path)) == (".pivot/.gitignore",)
    text = mine.read_text()
    assert text.startswith("# mine\n/cache\nother\n")
    assert text.count("/cache") == 1
    assert "/logs\n" in text


def test_a_project_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write(tmp_path / ".pivot", "a file")
    with pytest.raises(PivotError, match="this is a file, where Pivot keeps a folder"):
        init_files(str(tmp_path))


# --- the work tree -------------------------------------------------------------------------

FILES = {"a.txt": "one", "sub/b.yaml": "two", "sub/deep/ä.py": "three"}


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    for path, content in FILES.items():
        write(tmp_path / "project" / path, content)
    return WorkTree(str(tmp_path / "project"))


@pytest.mark.parametrize("path", [".", *FILES, "sub", "sub/deep", "nothing", "a.txt/below"])
def test_the_work_tree_reads_as_a_tree_in_memory_does(tree: WorkTree, path: str) -> None:
    other = DictTree(FILES)
    for _ in range(2):
        assert tree.read(path) == other.read(path)
    assert tree.kind(path) == other.kind(path)
    assert tree.list(path) == other.list(path)
    assert (tree.signature(path) is None) == (other.kind(path) is None)


def test_what_changed_is_read_again(tree: WorkTree, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(tree.path("a.txt"))
    for number in range(100):
        with path.open("r+") as stream:
            stream.write(f"{number:03}")
        os.utime(path, ns=(0, 10**18))
        assert tree.read("a.txt") == f"{number:03}".encode()


def test_what_did_not_change_is_read_once(tree: WorkTree) -> None:
    time.sleep(0.03)  # until its timestamps are old enough to be trusted
    assert tree.read("a.txt") is tree.read("a.txt")


def test_a_tree_climbs_out_and_takes_absolute_paths(tree: WorkTree, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "four")
    assert tree.read("../outside") == tree.read(str(outside)) == b"four"


def test_neither_pipes_nor_folders_are_files(tree: WorkTree) -> None:
    os.mkfifo(tree.path("pipe"))
    assert tree.read("pipe") is None
    assert tree.kind("pipe") is None
    assert tree.kind("a\0b") is None
    assert tree.signature("a\0b") is None


def test_large_files_and_growing_ones_are_read_whole(
    tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(3 << 20)
    Path(tree.path("large")).write_bytes(content)
    real = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: real(descriptor, min(size, 1000)))
    assert tree.read("large") == content


def test_what_cannot_be_read_is_named(tree: WorkTree) -> None:
    os.symlink("self", tree.path("self"))
    with pytest.raises(StoreError, match="cannot read 'self'"):
        tree.read("self")
    with pytest.raises(StoreError, match="cannot read the folder 'self'"):
        tree.list("self")


def test_a_folders_signature_changes_with_its_names(tree: WorkTree) -> None:
    before = tree.signature("sub")
    write(Path(tree.path("sub/new")))
    assert tree.signature("sub") != before


# --- where the state lies ------------------------------------------------------------------


@pytest.fixture
def mounts(tmp_path: Path) -> str:
    return str(
        write(
            tmp_path / "mounts",
            "/dev/vda / ext4 rw 0 0\n"
            "server:/x /mnt/net nfs4 rw 0 0\n"
            "server:/y /mnt/with\\040space cifs rw 0 0\n"
            "tmpfs /mnt/net/local tmpfs rw 0 0\n"
            "broken\n",
        )
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/x", "ext4"),
        ("/mnt/net", "nfs4"),
        ("/mnt/net/a/b", "nfs4"),
        ("/mnt/network", "ext4"),
        ("/mnt/with space/a", "cifs"),
        ("/mnt/net/local/a", "tmpfs"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(mounts: str, path: str, kind: str) -> None:
    assert file_system(path, mounts) == kind


def test_without_a_list_of_mounts_nothing_is_known(tmp_path: Path) -> None:
    assert file_system("/home", str(tmp_path / "nothing")) == ""


def test_on_a_network_the_state_lies_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, other = str(tmp_path / "a"), str(tmp_path / "b")
    assert state_path(root, root + "/.pivot") == root + "/.pivot/state.db"
    monkeypatch.setattr(place, "file_system", lambda path: "nfs")
    found = state_path(root, root + "/.pivot")
    assert found.startswith(str(tmp_path / "home/cache/pivot/state/"))
    assert state_path(other, other + "/.pivot") != found
    write(Path(root) / "pivot.yaml")
    project = open_project(root)
    project.state.rows("files").put("a", b"1")
    project.close()
    assert os.path.isfile(found)
    assert not os.path.exists(root + "/.pivot/state.db")


# --- the project ---------------------------------------------------------------------------


def test_opening_and_reading_a_project_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "pivot.yaml")
    project = open_project(str(tmp_path))
    assert (project.root, project.mode, project.algorithm) == (str(tmp_path), "pivot", "blake3")
    assert project.cache_dir == str(tmp_path / ".pivot/cache")
    assert project.jobs == os.cpu_count()
    assert project.tree.read("pivot.yaml") == b""
    project.close()
    assert [path.name for path in tmp_path.iterdir()] == ["pivot.yaml"]


def test_what_is_learned_is_kept_in_an_ignored_folder(tmp_path: Path) -> None:
    write(tmp_path / "pivot.yaml", "stages: {}")
    project = open_project(str(tmp_path))
    first = project.observer.observe("pivot.yaml")
    project.close()
    assert (tmp_path / ".pivot/.gitignore").is_file()
    assert (tmp_path / ".pivot/state.db").is_file()
    again = open_project(str(tmp_path))
    assert again.observer.observe("pivot.yaml") == first
    assert again.warnings == []
    again.close()


def test_a_dvc_project_keeps_dvcs_ways(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    project = open_project(str(tmp_path))
    assert (project.mode, project.algorithm, project.jobs) == ("dvc", "md5", 1)
    assert project.cache_dir == str(tmp_path / ".dvc/cache")


def test_options_decide_what_configuration_may(tmp_path: Path) -> None:
    write(tmp_path / "pivot.yaml")
    project = open_project(
        str(tmp_path), options={"core.jobs": "3", "cache.dir": "../shared", "core.hash": "sha256"}
    )
    assert (project.jobs, project.algorithm) == (3, "sha256")
    assert project.cache_dir == str(tmp_path.parent / "shared")


def test_holding_the_lock_makes_the_scratch_folder_ignored(tmp_path: Path) -> None:
    write(tmp_path / "pivot.yaml")
    with open_project(str(tmp_path)).lock():
        assert (tmp_path / ".pivot/.gitignore").is_file()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        write(root / "pivot.yaml", "stages: {}")
        write(root / ".pivot/config.yaml", "core: {jobs: 2}")
        write(root / "data/x", "1")
        for path in (root / ".pivot", root / "data", root):
            path.chmod(0o555)
        yield root
        for path in (root, root / ".pivot", root / "data"):
            path.chmod(0o755)


def test_a_project_that_may_only_be_read_can_be_read(read_only: Path) -> None:
    def work() -> None:
        project = open_project(str(read_only / "data"))
        assert project.jobs == 2
        assert project.observer.observe("data") is not None
        project.close()
        assert len(project.warnings) == 1, project.warnings
        with pytest.raises(StoreError, match="permission denied"):
            project.lock()

    assert as_nobody(work) == 0
