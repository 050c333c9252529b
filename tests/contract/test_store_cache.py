"""The local cache, for every algorithm and way of linking."""

from __future__ import annotations

import errno
import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from unprivileged import as_nobody, in_child
from waiting import PATIENCE

from pivot import disk
from pivot.digest import OBJECT_ALGORITHMS, Digest, hash_bytes, parse_digest
from pivot.errors import StoreError
from pivot.manifest import make_manifest
from pivot.store import LocalCache, is_protected, placing, restoring, unprotect, writing
from pivot.store.placing import Link

LINKS: tuple[Link, ...] = ("copy", "hardlink", "symlink")
LARGE = 3 << 20


def write(path: Path, content: str | bytes = "x", *, executable: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o755 if executable else 0o644)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder, folders themselves included."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name + "/" if path.is_dir() else name] = b"" if path.is_dir() else path.read_bytes()
    return found


def leftovers(*folders: Path) -> list[str]:
    """Temporary files anywhere below."""
    found = [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.name.endswith(".tmp") or path.parent.name == "tmp"
    ]
    return sorted(found)


@pytest.fixture(params=OBJECT_ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=LINKS)
def link(request: pytest.FixtureRequest) -> Link:
    chosen: Link = request.param
    return chosen


@pytest.fixture
def cache(tmp_path: Path, algorithm: str, link: Link) -> LocalCache:
    return LocalCache(str(tmp_path / "cache"), algorithm=algorithm, link=link)


@pytest.fixture
def plain(tmp_path: Path) -> LocalCache:
    """One cache, for what does not depend on algorithm and link."""
    return LocalCache(str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything a folder may hold."""
    made = tmp_path / "data"
    write(made / "a.csv", "1,2\n")
    write(made / "sub/deep/ä b.txt", "text")
    write(made / "sub/run.sh", "#!/bin/sh\n", executable=True)
    write(made / "empty", "")
    write(made / "large.bin", os.urandom(LARGE))
    write(made / "same.csv", "1,2\n")
    return made


# --- bytes in, bytes out -------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, LARGE])
def test_a_file_comes_back_byte_for_byte(cache: LocalCache, tmp_path: Path, size: int) -> None:
    source = write(tmp_path / "source", os.urandom(size))
    digest = cache.add(str(source))
    assert digest == hash_bytes(cache.algorithm, source.read_bytes())
    assert (digest.size, digest.kind, digest.executable) == (size, "file", False)
    cache.materialize(digest, str(tmp_path / "missing/folder/target"))
    assert (tmp_path / "missing/folder/target").read_bytes() == source.read_bytes()
    assert leftovers(tmp_path) == []


def test_a_folder_comes_back_exactly(cache: LocalCache, tmp_path: Path, folder: Path) -> None:
    digest = cache.add(str(folder))
    assert (digest.kind, digest.files) == ("tree", 6)
    assert digest.size == sum(len(content) for content in contents(folder).values())
    cache.materialize(digest, str(tmp_path / "out"))
    assert contents(tmp_path / "out") == contents(folder)
    assert os.access(tmp_path / "out/sub/run.sh", os.X_OK)
    assert not (tmp_path / "out/a.csv").stat().st_mode & 0o111
    assert cache.add(str(tmp_path / "out")) == digest
    assert leftovers(tmp_path) == []


def test_an_executable_file_stays_executable(cache: LocalCache, tmp_path: Path) -> None:
    digest = cache.add(str(write(tmp_path / "run.sh", "x", executable=True)))
    assert digest.executable
    cache.materialize(digest, str(tmp_path / "again.sh"))
    assert (tmp_path / "again.sh").stat().st_mode & 0o111 == 0o111
    assert not os.stat(cache.path(digest)).st_mode & 0o111


def test_objects_are_read_only_and_named_by_their_content(cache: LocalCache, folder: Path) -> None:
    digest = cache.add(str(folder))
    for entry in cache.manifest(digest).entries:
        path = cache.path(entry.digest)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o444
        content = Path(path).read_bytes()
        assert hash_bytes(cache.algorithm, content) == entry.digest
        assert content == (folder / entry.path).read_bytes()


def test_bytes_can_be_stored_and_read(cache: LocalCache) -> None:
    digest = cache.add_bytes(b"some text")
    assert cache.read(digest) == b"some text"
    assert cache.has(digest)


def test_storing_again_changes_nothing(cache: LocalCache, folder: Path) -> None:
    digest = cache.add(str(folder))
    before = {d: os.stat(cache.path(d)).st_ino for d, _ in cache.objects()}
    assert LocalCache(cache.folder, algorithm=cache.algorithm).add(str(folder)) == digest
    assert {d: os.stat(cache.path(d)).st_ino for d, _ in cache.objects()} == before


def test_an_empty_folder_is_a_directory_of_no_files(cache: LocalCache, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    digest = cache.add(str(tmp_path / "empty"))
    assert (digest.size, digest.files, digest.is_tree) == (0, 0, True)
    cache.materialize(digest, str(tmp_path / "again"))
    assert contents(tmp_path / "again") == {}


def test_folders_without_files_are_not_kept(cache: LocalCache, tmp_path: Path) -> None:
    write(tmp_path / "data/a")
    digest = cache.add(str(tmp_path / "data"))
    (tmp_path / "data/nothing/in here").mkdir(parents=True)
    assert cache.add(str(tmp_path / "data")) == digest


def test_progress_counts_every_byte(plain: LocalCache, tmp_path: Path, folder: Path) -> None:
    seen: list[int] = []
    digest = plain.add(str(folder), progress=seen.append)
    assert sum(seen) == digest.size
    for link in LINKS:
        seen.clear()
        plain.materialize(digest, str(tmp_path / link), link=link, progress=seen.append)
        assert sum(seen) == digest.size


def test_an_unknown_algorithm_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"'blake2'.*did you mean 'blake3'"):
        LocalCache(str(tmp_path), algorithm="blake2")


# --- what lies at the target ---------------------------------------------------------------


@pytest.mark.parametrize("what", ["file", "folder", "nested", "link", "broken link", "folder link"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_target_is_replaced_whatever_it_was(
    cache: LocalCache, tmp_path: Path, folder: Path, what: str, kind: str
) -> None:
    target = tmp_path / "target"
    other = write(tmp_path / "other/file", "untouched")
    if what == "file":
        write(target, "old")
    elif what in ("folder", "nested"):
        write(target / "old/x" if what == "nested" else target / "a.csv", "old")
        (target / ("old" if what == "nested" else "a.csv")).chmod(0o500)
    elif what == "link":
        target.symlink_to(other)
    elif what == "folder link":
        target.symlink_to(other.parent)
    else:
        target.symlink_to(tmp_path / "nowhere")
    source = folder if kind == "folder" else folder / "a.csv"
    digest = cache.add(str(source))
    for _ in range(2):
        cache.materialize(digest, str(target))
        if kind == "folder":
            assert contents(target) == contents(folder)
        else:
            assert target.read_bytes() == source.read_bytes()
    assert other.read_text() == "untouched"
    assert leftovers(tmp_path) == []


def test_a_folder_becomes_exactly_the_manifest(cache: LocalCache, tmp_path: Path) -> None:
    source = tmp_path / "data"
    write(source / "keep", "1")
    digest = cache.add(str(source))
    write(source / "new/extra", "2")
    write(source / "keep", "changed")
    (source / "nothing").mkdir()
    cache.materialize(digest, str(source) + "/")
    assert contents(source) == {"keep": b"1"}


def test_files_that_are_there_already_are_carried_over(plain: LocalCache, tmp_path: Path) -> None:
    source = tmp_path / "data"
    write(source / "same", "1")
    write(source / "gone", "2")
    digest = plain.add(str(source))
    write(source / "gone", "changed")
    present = make_manifest(
        [
            ("same", hash_bytes("blake3", b"1")),
            ("gone", hash_bytes("blake3", b"changed")),
        ]
    )
    inode = (source / "same").stat().st_ino
    plain.materialize(digest, str(source), present=present)
    assert contents(source) == {"same": b"1", "gone": b"2"}
    assert (source / "same").stat().st_ino == inode
    assert (source / "same").stat().st_nlink == 1


def test_links_are_not_carried_over_where_copies_are_wanted(
    plain: LocalCache, tmp_path: Path
) -> None:
    source = tmp_path / "data"
    write(source / "a", "1")
    digest = plain.add(str(source))
    plain.materialize(digest, str(source), link="hardlink")
    plain.materialize(digest, str(source), present=plain.manifest(digest))
    assert (source / "a").stat().st_mode & 0o200
    assert os.stat(source / "a").st_ino != os.stat(plain.path(hash_bytes("blake3", b"1"))).st_ino


def test_a_file_where_a_folder_is_needed_is_named(plain: LocalCache, tmp_path: Path) -> None:
    digest = plain.add_bytes(b"x")
    blocker = write(tmp_path / "a", "mine")
    with pytest.raises(StoreError, match=r"a/b/c.*'.*/a' is not a folder; move that file away"):
        plain.materialize(digest, str(blocker / "b/c"))
    assert blocker.read_text() == "mine"


# --- links ---------------------------------------------------------------------------------


def test_copies_belong_to_the_user_and_links_are_read_only(
    cache: LocalCache, tmp_path: Path
) -> None:
    digest = cache.add(str(write(tmp_path / "source", "content")))
    target = tmp_path / "target"
    cache.materialize(digest, str(target))
    if cache.link == "copy":
        assert target.stat().st_mode & 0o200
        assert not is_protected(str(target))
        target.write_text("edited")
    else:
        assert not target.stat().st_mode & 0o222
        assert os.path.samefile(target, cache.path(digest))
        assert is_protected(str(target))
        assert target.is_symlink() is (cache.link == "symlink")
    assert cache.read(digest) == b"content"


def test_writable_asks_for_independent_copies(
    cache: LocalCache, tmp_path: Path, folder: Path
) -> None:
    digest = cache.add(str(folder))
    cache.materialize(digest, str(tmp_path / "out"), writable=True)
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert not path.is_symlink()
            assert path.stat().st_nlink == 1
            path.write_bytes(b"edited")
    assert cache.has(digest)


def test_unprotecting_gives_independent_files_with_the_same_content(
    cache: LocalCache, tmp_path: Path, folder: Path
) -> None:
    digest = cache.add(str(folder))
    out = tmp_path / "out"
    cache.materialize(digest, str(out))
    links = sum(1 for p in out.rglob("*") if p.is_file() and is_protected(str(p)))
    assert links == (0 if cache.link == "copy" else 5)  # the executable one is always a copy
    assert unprotect(str(out)) == links
    assert contents(out) == contents(folder)
    assert not is_protected(str(out))
    write(out / "a.csv", "edited")
    assert cache.has(digest)
    assert leftovers(tmp_path) == []


def test_unprotect_leaves_links_of_the_users_own_alone(plain: LocalCache, tmp_path: Path) -> None:
    own = write(tmp_path / "own")
    (tmp_path / "link").symlink_to(own)
    assert unprotect(str(tmp_path / "link"), plain.folder) == 0
    assert (tmp_path / "link").is_symlink()
    digest = plain.add(str(own))
    plain.materialize(digest, str(tmp_path / "out"), link="symlink")
    assert unprotect(str(tmp_path / "out"), plain.folder) == 1


def test_unprotecting_a_lone_read_only_file_makes_it_writable(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    path.chmod(0o444)
    inode = path.stat().st_ino
    assert unprotect(str(path)) == 1
    assert path.stat().st_mode & 0o200
    assert path.stat().st_ino == inode


def test_unprotecting_that_fails_leaves_the_link(
    plain: LocalCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.materialize(plain.add_bytes(b"content"), str(tmp_path / "out"), link="hardlink")

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "copy_file_range", fail)
    with pytest.raises(StoreError, match=r"cannot unprotect '.*out'"):
        unprotect(str(tmp_path / "out"))
    assert is_protected(str(tmp_path / "out"))
    assert leftovers(tmp_path) == []


def test_unprotecting_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        unprotect(str(tmp_path / "nothing"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="neither a file nor a folder"):
        is_protected(str(tmp_path / "pipe"))


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EMLINK, errno.EPERM])
def test_where_the_file_system_cannot_link_copies_are_made(
    plain: LocalCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    digest = plain.add_bytes(b"x")

    def refuse(*arguments: Any, **named: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    plain.materialize(digest, str(tmp_path / "out"), link="hardlink")
    assert (tmp_path / "out").read_bytes() == b"x"
    assert not is_protected(str(tmp_path / "out"))


def test_without_exchange_folders_are_swapped_in_two_steps(
    plain: LocalCache, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = plain.add(str(folder))
    write(tmp_path / "out/old")
    monkeypatch.setattr(placing, "_exchange", lambda first, second: False)
    plain.materialize(digest, str(tmp_path / "out"))
    assert contents(tmp_path / "out") == contents(folder)
    assert leftovers(tmp_path) == []

    write(tmp_path / "other/old")
    rename = os.rename
    calls: list[str] = []

    def fail_second(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "defect")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_second)
    with pytest.raises(StoreError, match="cannot restore"):
        plain.materialize(digest, str(tmp_path / "other"))
    assert contents(tmp_path / "other") == {"old": b"x"}
    assert leftovers(tmp_path) == []


# --- what outputs may not hold -------------------------------------------------------------


def test_links_count_as_what_they_lead_to(cache: LocalCache, tmp_path: Path) -> None:
    write(tmp_path / "outside/file", "1")
    write(tmp_path / "outside/dir/x", "2")
    data = tmp_path / "data"
    data.mkdir()
    (data / "file").symlink_to("../outside/file")
    (data / "dir").symlink_to("../outside/dir")
    (data / "again").symlink_to("../outside/dir")
    digest = cache.add(str(data))
    cache.materialize(digest, str(tmp_path / "out"))
    assert contents(tmp_path / "out") == {
        "file": b"1",
        "dir/": b"",
        "dir/x": b"2",
        "again/": b"",
        "again/x": b"2",
    }


def make_broken(folder: Path) -> None:
    (folder / "sub/broken").symlink_to("nowhere")


def make_loop(folder: Path) -> None:
    (folder / "sub/loop").symlink_to("..")


def make_far_loop(folder: Path) -> None:
    write(folder.parent / "far/x")
    (folder / "sub/far").symlink_to(folder.parent / "far")
    (folder.parent / "far/back").symlink_to(folder)


def make_self(folder: Path) -> None:
    (folder / "sub/self").symlink_to("self")


def make_pipe(folder: Path) -> None:
    os.mkfifo(folder / "sub/pipe")


def make_socket(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder / "sub")
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("sock")
    finally:
        os.chdir(here)


def make_device(folder: Path) -> None:
    (folder / "sub/null").symlink_to("/dev/null")


def make_name(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/sub/\xff\xfe", "wb"):
        pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_broken, r"sub/broken' is a symbolic link to nothing; remove the link"),
        (make_loop, r"sub/loop' is a symbolic link back to a folder above it"),
        (make_far_loop, r"sub/far/back' is a symbolic link back to a folder above it"),
        (make_self, r"cannot read '.*sub/self'"),
        (make_pipe, r"sub/pipe' is a pipe, which cannot be stored"),
        (make_socket, r"sub/sock' is a socket"),
        (make_device, r"sub/null' is a device"),
        (make_name, r"sub/\\xff\\xfe' has a name that is not UTF-8; rename it"),
    ],
)
def test_what_cannot_be_stored_is_named(
    plain: LocalCache, tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    write(tmp_path / "data/sub/fine")
    make(tmp_path / "data")
    with pytest.raises(StoreError, match=message):
        plain.add(str(tmp_path / "data"))


def test_a_pipe_or_nothing_as_an_output_is_named(plain: LocalCache, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is a pipe"):
        plain.add(str(tmp_path / "pipe"))
    with pytest.raises(StoreError, match=r"cannot read '.*nothing': no such file"):
        plain.add(str(tmp_path / "nothing"))


def test_links_into_the_cache_whose_object_is_gone_count_as_absent(
    plain: LocalCache, tmp_path: Path
) -> None:
    write(tmp_path / "data/a", "1")
    write(tmp_path / "data/b", "2")
    digest = plain.add(str(tmp_path / "data"))
    plain.materialize(digest, str(tmp_path / "data"), link="symlink")
    plain.remove(hash_bytes("blake3", b"2"))
    found = plain.add(str(tmp_path / "data"))
    assert [entry.path for entry in plain.manifest(found).entries] == ["a"]


# --- what is missing or corrupt ------------------------------------------------------------


def test_what_is_missing_is_said(cache: LocalCache, tmp_path: Path, folder: Path) -> None:
    nothing = Digest(cache.algorithm, "ab" * 16)
    assert cache.missing(nothing) == (nothing,)
    assert not cache.has(nothing)
    with pytest.raises(StoreError, match=r"is not in the cache '.*cache'; run the stage"):
        cache.materialize(nothing, str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
    with pytest.raises(StoreError, match="not in the cache"):
        cache.read(nothing)

    digest = cache.add(str(folder))
    text = hash_bytes(cache.algorithm, b"text")
    assert cache.remove(text) == 4
    assert cache.remove(text) == 0
    assert cache.missing(digest) == (text,)
    with pytest.raises(StoreError, match="a file of directory"):
        cache.materialize(digest, str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
    cache.remove(digest)
    assert cache.missing(digest) == (digest,)
    with pytest.raises(StoreError, match="not in the cache"):
        cache.manifest(digest)


def corrupt(path: str, *, same_size: bool = True, keep_mode: bool = True) -> None:
    """Change an object in place, as a program that follows a hard link would."""
    mode = os.stat(path).st_mode
    os.chmod(path, 0o644)
    with open(path, "r+b") as stream:
        first = stream.read(1)
        stream.seek(0)
        stream.write(bytes([first[0] ^ 1]) if first else b"!")
        if not same_size:
            stream.write(b"more")
    if keep_mode:
        os.chmod(path, mode)


@pytest.mark.parametrize("same_size", [True, False])
@pytest.mark.parametrize("keep_mode", [True, False])
def test_a_corrupt_object_is_set_aside_and_reported_not_served(
    algorithm: str, tmp_path: Path, same_size: bool, keep_mode: bool
) -> None:
    told: list[str] = []
    cache = LocalCache(str(tmp_path / "cache"), algorithm=algorithm, report=told.append)
    source = write(tmp_path / "source", "content")
    digest = cache.add(str(source))
    corrupt(cache.path(digest), same_size=same_size, keep_mode=keep_mode)
    with pytest.raises(StoreError, match="not in the cache"):
        cache.materialize(digest, str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
    assert len(told) == 1
    assert str(digest) in told[0]
    assert "is corrupt" in told[0]
    assert "quarantine" in told[0]
    assert cache.reports == told
    assert len(list((tmp_path / "cache/quarantine").iterdir())) == 1
    assert cache.add(str(source)) == digest
    assert cache.read(digest) == b"content"


def test_editing_an_output_through_its_hard_link_is_noticed(
    plain: LocalCache, tmp_path: Path
) -> None:
    digest = plain.add_bytes(b"content")
    target = tmp_path / "out"
    plain.materialize(digest, str(target), link="hardlink")
    corrupt(str(target))
    assert not plain.has(digest)
    assert target.read_bytes() != b"content"  # the edit stays where it was made


def test_an_object_that_was_only_touched_is_still_served(plain: LocalCache, tmp_path: Path) -> None:
    digest = plain.add_bytes(b"content")
    os.utime(plain.path(digest))
    assert plain.read(digest) == b"content"
    os.chmod(plain.path(digest), 0o644)
    assert plain.has(digest)
    assert plain.reports == []


def test_a_truncated_object_is_noticed_even_with_its_time_restored(
    plain: LocalCache, tmp_path: Path
) -> None:
    digest = plain.add_bytes(b"content")
    path = plain.path(digest)
    before = os.stat(path)
    os.truncate(path, 0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not plain.has(digest)


def test_a_corrupt_manifest_counts_as_missing(cache: LocalCache, folder: Path) -> None:
    digest = cache.add(str(folder))
    corrupt(cache.path(digest))
    again = LocalCache(cache.folder, algorithm=cache.algorithm)
    assert again.missing(digest) == (digest,)
    assert len(again.reports) == 1


def test_a_manifest_that_leads_outside_is_never_followed(plain: LocalCache, tmp_path: Path) -> None:
    plain.add_bytes(b"x")
    value = hash_bytes("blake3", b"x").value
    text = f'[{{"blake3": "{value}", "relpath": "../../escaped"}}]'.encode()
    evil = plain.add_bytes(text)
    digest = Digest("blake3", evil.value, "tree", 1, 1)
    with pytest.raises(StoreError, match="unsafe path"):
        plain.manifest(digest)
    assert plain.missing(digest) == (digest,)
    with pytest.raises(StoreError):
        plain.materialize(digest, str(tmp_path / "a/b/c"))
    assert not (tmp_path / "escaped").exists()
    assert not (tmp_path / "a/escaped").exists()


class Memory(dict[str, bytes]):
    """Where verified objects are remembered, held in memory."""

    reads = 0

    def put(self, key: str, value: bytes) -> None:
        self[key] = value


def test_objects_that_others_wrote_are_hashed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Memory()
    cache = LocalCache(str(tmp_path), algorithm="md5", known=known)
    digest = parse_digest("md5:9a0364b9e99bb480dd25e1f0284c8555", size=7)
    path = write(Path(cache.path(digest)), "content")  # as DVC leaves it
    before = os.stat(path)
    assert cache.has(digest)
    after = os.stat(path)  # never touched, but read
    assert (after.st_mode, after.st_ino, after.st_ctime_ns) == (
        before.st_mode, before.st_ino, before.st_ctime_ns,
    )  # fmt: skip
    monkeypatch.setattr("pivot.store.cache.hash_path", lambda *_: pytest.fail("hashed again"))
    assert cache.has(digest)
    assert LocalCache(str(tmp_path), algorithm="md5", known=known).has(digest)
    monkeypatch.undo()
    path.write_text("CONTENT")
    assert not cache.has(digest)


def test_an_object_of_an_unknown_algorithm_is_not_served_unverified(plain: LocalCache) -> None:
    digest = Digest("sha1", "ab" * 20)
    assert not plain.has(digest)
    write(Path(plain.path(digest)))
    with pytest.raises(StoreError, match="no known hash algorithm can verify it"):
        plain.has(digest)


def test_verify_reads_the_bytes(plain: LocalCache) -> None:
    digest = plain.add_bytes(b"content")
    assert plain.verify(digest)
    path = plain.path(digest)
    before = os.stat(path)
    corrupt(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a failing disk would
    assert plain.has(digest)
    assert not plain.verify(digest)
    assert not plain.verify(digest)
    assert not plain.has(digest)


def test_an_object_replaced_while_it_is_set_aside_stays(plain: LocalCache, tmp_path: Path) -> None:
    digest = plain.add_bytes(b"content")
    assert plain.quarantine(digest, "it was misjudged") is None
    assert plain.has(digest)
    assert plain.reports == []


# --- bytes from elsewhere ------------------------------------------------------------------


def test_received_bytes_become_an_object_only_if_they_are_the_right_ones(
    cache: LocalCache,
) -> None:
    digest = hash_bytes(cache.algorithm, b"content")
    temporary = Path(cache.temporary())
    temporary.write_bytes(b"content")
    cache.adopt(str(temporary), digest)
    assert cache.read(digest) == b"content"
    assert not temporary.exists()

    wrong = hash_bytes(cache.algorithm, b"other")
    temporary.write_bytes(b"content")
    with pytest.raises(StoreError, match="the bytes received for"):
        cache.adopt(str(temporary), wrong)
    assert not cache.has(wrong)
    assert not temporary.exists()
    with pytest.raises(StoreError, match="cannot store"):
        cache.adopt(str(temporary), digest)


def test_objects_are_listed_without_temporaries(cache: LocalCache, folder: Path) -> None:
    digest = cache.add(str(folder))
    Path(cache.temporary()).write_text("half")
    write(Path(cache.path(digest)).parent / ".x.123-1.tmp", "half")
    listed = dict(cache.objects())
    expected = {entry.digest for entry in cache.manifest(digest).entries}
    if cache.algorithm == "md5":
        assert set(listed) == {*expected, digest}
    else:
        assert set(listed) == {*expected, Digest(cache.algorithm, digest.value)}
    assert listed[hash_bytes(cache.algorithm, b"text")] == 4
    assert list(LocalCache("/nonexistent").objects()) == []


# --- when the disk refuses -----------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("size", [10, LARGE])
def test_a_full_disk_leaves_nothing_half_written(
    plain: LocalCache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    size: int,
) -> None:
    source = write(tmp_path / "source", os.urandom(size))
    real = os.write
    wrote: list[int] = []

    def full(descriptor: int, data: Any) -> int:
        if wrote:
            raise OSError(number, os.strerror(number))
        wrote.append(1)
        return real(descriptor, bytes(data)[:5])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match=f"cannot .*cache.*{os.strerror(number)[1:]}; "):
        plain.add(str(source))
    monkeypatch.undo()
    assert list(plain.objects()) == []
    assert leftovers(tmp_path) == []
    assert plain.has(plain.add(str(source)))


def test_a_full_disk_while_restoring_leaves_the_target_as_it_was(
    plain: LocalCache, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = plain.add(str(folder))
    write(tmp_path / "out/mine", "old")

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match=r"cannot restore '.*out'.*free some space"):
        plain.materialize(digest, str(tmp_path / "out"))
    monkeypatch.undo()
    assert contents(tmp_path / "out") == {"mine": b"old"}
    assert leftovers(tmp_path) == []


def test_a_limit_on_file_size_is_an_error_of_ours(plain: LocalCache, tmp_path: Path) -> None:
    source = write(tmp_path / "source", os.urandom(LARGE))

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        with pytest.raises(StoreError, match="cannot store"):
            plain.add(str(source))

    assert in_child(work) == 0
    assert list(plain.objects()) == []
    assert leftovers(tmp_path) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, for tests that give up being root."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made)


def test_what_may_not_be_read_or_written_is_named(open_folder: Path) -> None:
    secret = write(open_folder / "data/secret")
    secret.chmod(0o000)
    hidden = open_folder / "data/hidden"
    hidden.mkdir(mode=0o000)
    readable = write(open_folder / "readable")
    closed = open_folder / "closed"
    closed.mkdir(mode=0o555)
    closed.chmod(0o555)
    store = open_folder / "cache"
    store.mkdir()
    store.chmod(0o777)

    def work() -> None:
        cache = LocalCache(str(store))
        for path, message in ((secret, "secret"), (secret.parent, "hidden")):
            with pytest.raises(StoreError, match=f"{message}': permission denied; check its owner"):
                cache.add(str(path))
        with pytest.raises(StoreError, match="cannot make the cache folder"):
            LocalCache(str(closed / "cache")).add(str(readable))
        digest = cache.add(str(readable))
        with pytest.raises(StoreError, match="cannot restore"):
            cache.materialize(digest, str(closed / "target"))

    try:
        assert as_nobody(work) == 0
    finally:
        hidden.chmod(0o755)
        closed.chmod(0o755)


def test_a_read_only_cache_serves_and_reports(open_folder: Path) -> None:
    cache = LocalCache(str(open_folder / "cache"))
    good, bad = cache.add_bytes(b"good"), cache.add_bytes(b"bad")
    corrupt(cache.path(bad))
    out = open_folder / "out"
    out.mkdir()
    out.chmod(0o777)
    for path in (open_folder / "cache").rglob("*"):
        if path.is_dir():
            path.chmod(0o555)
    (open_folder / "cache").chmod(0o555)

    def work() -> None:
        reader = LocalCache(cache.folder)
        reader.materialize(good, str(out / "target"))
        assert not reader.has(bad)
        assert "is corrupt" in reader.reports[0]
        assert "set aside" not in reader.reports[0]

    try:
        assert as_nobody(work) == 0
    finally:
        for path in [open_folder / "cache", *(open_folder / "cache").rglob("*")]:
            path.chmod(0o755)
    assert (out / "target").read_bytes() == b"good"


def test_a_folder_with_read_only_folders_inside_is_replaced(open_folder: Path) -> None:
    place = open_folder / "place"
    place.mkdir()
    place.chmod(0o777)

    def work() -> None:
        write(place / "out/a/b/file")
        (place / "out/a/b").chmod(0o555)
        (place / "out/a").chmod(0o000)
        cache = LocalCache(str(place / "cache"))
        cache.materialize(cache.add_bytes(b"new"), str(place / "out"))
        assert (place / "out").read_bytes() == b"new"
        assert sorted(os.listdir(place)) == ["cache", "out"]

    assert as_nobody(work) == 0


def test_removing_takes_whatever_is_there(tmp_path: Path) -> None:
    write(tmp_path / "kept/file", "1")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    write(tmp_path / "folder/a/b")
    (tmp_path / "folder/inner").symlink_to(tmp_path / "kept")
    for name in ("link", "folder", "nothing", "kept/file/below"):
        placing.remove_any(str(tmp_path / name))
    assert contents(tmp_path) == {"kept/": b"", "kept/file": b"1"}


def test_reflinks_are_asked_for_once_where_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    asked: list[int] = []
    answers = [errno.EOPNOTSUPP]

    def ioctl(*_: Any) -> int:
        asked.append(1)
        if answers:
            raise OSError(answers.pop(), "no")
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    monkeypatch.setattr(placing, "_no_clone_between", set())
    with open(write(tmp_path / "a"), "rb") as one, open(tmp_path / "b", "wb") as two:
        assert not placing.clone(one.fileno(), two.fileno())
        assert not placing.clone(one.fileno(), two.fileno())
        assert len(asked) == 1
        placing._no_clone_between.clear()
        assert placing.clone(one.fileno(), two.fileno())
        answers.append(errno.ENOSPC)
        with pytest.raises(OSError, match="no"):
            placing.clone(one.fileno(), two.fileno())


def test_a_disk_that_fails_while_copying_is_not_tried_another_way(
    plain: LocalCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = plain.add(str(write(tmp_path / "large", os.urandom(LARGE))))

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "copy_file_range", fail)
    with pytest.raises(StoreError, match="free some space"):
        plain.materialize(digest, str(tmp_path / "out"))
    assert leftovers(tmp_path) == []


def test_folders_removed_meanwhile_are_made_again(plain: LocalCache, tmp_path: Path) -> None:
    import shutil

    first = plain.add_bytes(b"1")
    shutil.rmtree(plain.folder)
    assert not plain.has(first)
    assert plain.has(plain.add_bytes(b"1"))
    large = write(tmp_path / "large", os.urandom(LARGE))
    shutil.rmtree(plain.folder)
    assert plain.has(plain.add(str(large)))


# --- crashes and company -------------------------------------------------------------------

ADD = """
import sys
from pivot.store import LocalCache
cache = LocalCache(sys.argv[1])
digest = cache.add(sys.argv[2])
print(digest)
"""


def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("fault", ["object.temp:1", "object.replace:1", "object.temp:4"])
def test_a_killed_process_leaves_only_whole_objects(
    plain: LocalCache, folder: Path, fault: str
) -> None:
    killed = run(ADD, plain.folder, str(folder), PIVOT_FAULT=fault)
    assert killed.returncode == -9
    for digest, _ in plain.objects():
        assert plain.verify(digest)
    digest = plain.add(str(folder))
    assert plain.missing(digest) == ()


def test_every_object_passes_its_steps(
    plain: LocalCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[str] = []
    monkeypatch.setattr(writing, "step", passed.append)
    plain.add(str(write(tmp_path / "small")))
    plain.add(str(write(tmp_path / "large", os.urandom(LARGE))))
    assert passed == ["object.temp", "object.replace"] * 2
    assert set(passed) <= set(disk.STEPS)


def test_processes_may_store_the_same_at_once(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path / f"data/{number % 7}/{number}", f"content {number % 20}" * 50)
    write(tmp_path / "data/large", os.urandom(LARGE))
    command = [sys.executable, "-c", ADD, str(tmp_path / "cache"), str(tmp_path / "data")]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    results = [process.communicate(timeout=PATIENCE) for process in running]
    assert [error for _, error in results] == [""] * 4
    assert len({out for out, _ in results}) == 1
    cache = LocalCache(str(tmp_path / "cache"))
    assert all(cache.verify(digest) for digest, _ in cache.objects())
    assert leftovers(tmp_path) == []


def test_threads_may_share_one_cache(plain: LocalCache, tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / f"data/{number}", os.urandom(LARGE))
    found: list[Digest] = []
    workers = [
        threading.Thread(target=lambda: found.append(plain.add(str(tmp_path / "data"))))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert plain.missing(found[0]) == ()


def test_a_file_that_changes_while_it_is_stored_gives_an_object_true_to_its_name(
    plain: LocalCache, tmp_path: Path
) -> None:
    source = write(tmp_path / "source", os.urandom(LARGE))
    stop = threading.Event()

    def scribble() -> None:
        with open(source, "r+b") as stream:
            while not stop.is_set():
                stream.seek(0)
                stream.write(os.urandom(LARGE))

    worker = threading.Thread(target=scribble)
    worker.start()
    try:
        digests = [plain.add(str(source)) for _ in range(5)]
    finally:
        stop.set()
        worker.join()
    assert all(plain.verify(digest) for digest in digests)


def test_a_cache_with_fsync_stores_the_same(tmp_path: Path, folder: Path) -> None:
    synced = LocalCache(str(tmp_path / "synced"), fsync=True)
    plain = LocalCache(str(tmp_path / "plain"))
    assert synced.add(str(folder)) == plain.add(str(folder))


def test_a_file_system_with_reflinks_gets_them(
    plain: LocalCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloned: list[tuple[int, int]] = []

    def clone(source: int, target: int) -> bool:
        cloned.append((source, target))
        os.lseek(source, 0, os.SEEK_SET)
        while data := os.read(source, 1 << 20):
            os.write(target, data)
        os.lseek(target, 0, os.SEEK_SET)
        return True

    monkeypatch.setattr(writing, "clone", clone)
    monkeypatch.setattr(restoring, "clone", clone)
    source = write(tmp_path / "large", os.urandom(LARGE), executable=True)
    digest = plain.add(str(source))
    assert digest.executable
    assert plain.verify(digest)
    plain.materialize(digest, str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    assert len(cloned) == 2


def test_without_copying_in_the_kernel_bytes_are_read_and_written(
    plain: LocalCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "large", os.urandom(LARGE))
    digest = plain.add(str(source))

    def refuse(*_: Any) -> int:
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    plain.materialize(digest, str(tmp_path / "one"))
    monkeypatch.setattr(os, "copy_file_range", lambda *_: 0)
    plain.materialize(digest, str(tmp_path / "two"))
    for name in ("one", "two"):
        assert (tmp_path / name).read_bytes() == source.read_bytes()


def test_ignored_files_stay_where_a_folder_is_restored(tmp_path: Path) -> None:
    def ignored(path: str, is_folder: bool) -> bool:
        return path.endswith(".tmp") or (is_folder and path.endswith("/drop"))

    cache = LocalCache(str(tmp_path / "cache"), skip=ignored)
    folder = tmp_path / "d"
    for name in ("a", "s/b", "x.tmp", "s/y.tmp", "drop/deep/z", "gone/only.tmp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    digest = cache.add(str(folder))
    (folder / "a").write_text("changed")
    (folder / "s/b").unlink()
    (folder / "new").write_text("new")

    cache.materialize(digest, str(folder))

    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"a", "s/b", "x.tmp", "s/y.tmp", "drop/deep/z", "gone/only.tmp"}
    assert (folder / "a").read_text() == "a"
    assert (folder / "s/y.tmp").read_text() == "s/y.tmp"


def test_folders_of_a_shared_cache_belong_to_the_group(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    cache = LocalCache(str(tmp_path / "far" / "cache"), shared=True)
    digest = cache.add(str(tmp_path / "x"))
    made = [path for path in (tmp_path / "far").rglob("*") if path.is_dir()]
    assert made
    assert {path.stat().st_mode & 0o7777 for path in made} == {0o2775}
    assert os.stat(cache.path(digest)).st_mode & 0o777 == 0o444


def test_kinds_of_links_are_tried_in_turn(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x" * 100_000)
    cache = LocalCache(str(tmp_path / "cache"), link="reflink,hardlink")
    digest = cache.add(str(tmp_path / "x"))
    cache.materialize(digest, str(tmp_path / "y"))
    assert (tmp_path / "y").read_text() == "x" * 100_000
    has_reflinks = os.stat(tmp_path / "y").st_nlink == 1
    linked = os.path.samefile(tmp_path / "y", cache.path(digest))
    assert linked is not has_reflinks
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "x", "y"]
