"""Observed digests: never wrong, whatever was done to the file since it was last read."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pivot.project.observer as observer_module
from pivot.digest import OBJECT_ALGORITHMS, hash_bytes
from pivot.errors import StoreError
from pivot.manifest import make_manifest, tree_digest
from pivot.project import Observer, State
from pivot.scan import content_mark
from pivot.stamp import COARSE_TICK_NS, TICK_NS, is_settled
from pivot.store import LocalCache

LARGE = 3 << 20


class Desk:
    """A project folder whose observer lives as long as one command does."""

    def __init__(self, root: Path, algorithm: str = "blake3") -> None:
        self.root = root
        self.algorithm = algorithm
        self.reads: list[str] = []
        self.observer = self._open()

    def _open(self) -> Observer:
        self.state = State(str(self.root / ".pivot/state.db"))
        return Observer(
            str(self.root), self.state, self.algorithm, cache=str(self.root / ".pivot/cache")
        )

    def next_run(self, *, settle: bool = True) -> Observer:
        """End this command and begin the next."""
        if settle:
            self.observer.settle()
        self.state.close()
        self.reads.clear()
        self.observer = self._open()
        return self.observer

    def write(self, path: str, content: str | bytes = "content") -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def truth(self, path: str) -> object:
        """The digest found without any cache."""
        target = self.root / path
        if target.is_dir():
            files = [
                (str(p.relative_to(target)), hash_bytes(self.algorithm, p.read_bytes()))
                for p in target.rglob("*")
                if p.is_file()
            ]
            return tree_digest(self.algorithm, make_manifest(files))
        return hash_bytes(self.algorithm, target.read_bytes()) if target.exists() else None


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path)
    real = observer_module.hash_path

    def counted(algorithm: str, path: str, **named: object) -> object:
        made.reads.append(os.path.relpath(path, tmp_path))
        return real(algorithm, path, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(observer_module, "hash_path", counted)
    yield made
    made.state.close()


# --- what is observed ----------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", OBJECT_ALGORITHMS)
def test_observer_and_cache_name_the_same_bytes_alike(tmp_path: Path, algorithm: str) -> None:
    desk = Desk(tmp_path, algorithm)
    desk.write("d/a", "1")
    desk.write("d/sub/ä", os.urandom(LARGE))
    desk.write("d/run", "x").chmod(0o755)
    cache = LocalCache(str(tmp_path / "cache"), algorithm=algorithm)
    for path in ("d", "d/a", "d/sub/ä", "d/run"):
        found, added = desk.observer.observe(path), cache.add(str(tmp_path / path))
        assert found is not None
        assert found == added
        assert (found.size, found.files, found.executable) == (
            added.size,
            added.files,
            added.executable,
        )


def test_what_is_not_there_is_none(desk: Desk) -> None:
    desk.write("file")
    (desk.root / "broken").symlink_to("nowhere")
    for path in ("nothing", "no/folder/either", "file/below", "broken", str(desk.root / "x")):
        assert desk.observer.observe(path) is None
        assert desk.observer.observe(path, check="stat") is None


def test_absolute_paths_and_paths_that_climb_out_are_observed(desk: Desk, tmp_path: Path) -> None:
    desk.write("a/x", "1")
    inner = Observer(str(tmp_path / "a"), desk.state, "blake3")
    (tmp_path / "a/sub").mkdir()
    assert inner.observe("sub/../x") == desk.observer.observe(str(tmp_path / "a/x"))
    assert inner.observe("../a/x") == hash_bytes("blake3", b"1")


def test_pipes_loops_and_impossible_names_are_errors(desk: Desk) -> None:
    os.mkfifo(desk.root / "pipe")
    (desk.root / "self").symlink_to("self")
    with pytest.raises(StoreError, match="'pipe' is a pipe, neither a file nor a folder"):
        desk.observer.observe("pipe")
    with pytest.raises(StoreError, match="cannot read 'self'"):
        desk.observer.observe("self")
    with pytest.raises(StoreError, match="not a possible path"):
        desk.observer.observe("a\0b")
    desk.write("d/x")
    (desk.root / "d/broken").symlink_to("nowhere")
    with pytest.raises(StoreError, match="'d/broken' is a symbolic link to nothing"):
        desk.observer.observe("d")


def test_stat_digests_change_with_names_sizes_and_times_only(desk: Desk) -> None:
    path = desk.write("d/x", "one")
    status = path.stat()
    before = desk.observer.observe("d", check="stat")
    file_before = desk.observer.observe("d/x", check="stat")
    assert before is not None
    assert before.algorithm == "stat"
    assert (before.size, before.files) == (3, 1)
    desk.write("d/x", "two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert desk.observer.fresh_observe("d", check="stat") == before
    assert desk.observer.fresh_observe("d/x", check="stat") == file_before
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert desk.observer.fresh_observe("d", check="stat") != before
    assert desk.observer.fresh_observe("d/x", check="stat") != file_before
    assert desk.reads == []


def test_several_paths_are_observed_at_once(desk: Desk) -> None:
    for number in range(4):
        desk.write(f"large{number}", os.urandom(LARGE + number))
    desk.write("small")
    desk.write("d/x")
    paths = [*(f"large{number}" for number in range(4)), "small", "d", "nothing", "small"]
    found = desk.observer.observe_all(paths)
    assert found == {path: desk.truth(path) for path in paths}
    assert len(desk.reads) == 6
    assert desk.observer.observe_all(paths) == found
    assert len(desk.reads) == 6


def test_progress_counts_what_is_read(tmp_path: Path) -> None:
    seen: list[int] = []
    desk = Desk(tmp_path)
    desk.write("a", os.urandom(LARGE))
    desk.write("b", "12")
    watched = Observer(str(tmp_path), desk.state, "blake3", progress=seen.append)
    watched.observe_all(["a", "b"])
    assert sum(seen) == LARGE + 2


def test_a_failing_thread_is_an_error_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        desk.write(f"d/{number}", os.urandom(LARGE))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(5, "defect")

    monkeypatch.setattr(observer_module, "hash_path", refuse)
    with pytest.raises(StoreError, match=r"cannot read 'd/\d'"):
        desk.observer.observe("d")
    with pytest.raises(StoreError, match=r"cannot read 'd/\d'"):
        desk.observer.observe_all([f"d/{number}" for number in range(4)])


# --- what is remembered --------------------------------------------------------------------


def test_within_a_run_a_path_is_looked_at_once_until_it_is_forgotten(desk: Desk) -> None:
    desk.write("d/sub/x", "1")
    paths = ("d", "d/sub", "d/sub/x", ".")
    shutil.rmtree(desk.root / ".pivot", ignore_errors=True)
    before = {path: desk.observer.observe(path) for path in paths}
    desk.write("d/sub/x", "2")
    assert {path: desk.observer.observe(path) for path in paths} == before
    for told in ("d/sub/x", "d", "d/sub"):
        desk.observer.forget(told)
        after = {path: desk.observer.observe(path) for path in paths}
        assert all(after[path] != before[path] for path in paths)
        before = after
        desk.write("d/sub/x", f"after {told}")


def test_fresh_observe_looks_again(desk: Desk) -> None:
    desk.write("a", "1")
    before = desk.observer.observe("a")
    desk.write("a", "2")
    assert desk.observer.fresh_observe("a") == desk.truth("a") != before


def test_what_was_read_once_is_not_read_in_the_next_run(desk: Desk) -> None:
    desk.write("file", "1")
    for name in ("x", "sub/y", "sub/z"):
        desk.write(f"d/{name}", name)
    paths = ["file", "d", "d/x"]
    before = {path: desk.observer.observe(path) for path in paths}
    observer = desk.next_run()
    assert {path: observer.observe(path) for path in paths} == before
    assert desk.reads == []


def test_of_a_folder_only_what_changed_is_read(desk: Desk) -> None:
    for name in ("x", "sub/y", "sub/z", "gone"):
        desk.write(f"d/{name}", name)
    desk.observer.observe("d")
    desk.next_run()
    desk.write("d/sub/y", "changed")
    desk.write("d/new", "new")
    (desk.root / "d/gone").unlink()
    assert desk.observer.observe("d") == desk.truth("d")
    assert sorted(desk.reads) == ["d/new", "d/sub/y"]
    assert desk.next_run().observe("d") == desk.truth("d")
    assert desk.reads == []


def test_without_settling_what_was_just_written_is_read_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pivot.stamp.TICK_NS", 10**12)  # everything is recent
    desk.write("a")
    desk.write("d/x")
    desk.observer.observe_all(["a", "d"])
    observer = desk.next_run(settle=False)
    assert observer.observe_all(["a", "d"]) == {path: desk.truth(path) for path in ("a", "d")}
    assert sorted(desk.reads) == ["a", "d/x"]


def test_another_algorithm_reads_anew(desk: Desk) -> None:
    desk.write("a")
    desk.write("d/x")
    desk.observer.observe_all(["a", "d"])
    desk.next_run()
    other = Observer(str(desk.root), desk.state, "sha256")
    assert other.observe("a") == hash_bytes("sha256", b"content")
    found = other.observe("d")
    assert found is not None
    assert found.algorithm == "sha256"


def test_the_manifest_of_a_folder_can_be_had(desk: Desk) -> None:
    desk.write("d/x", "1")
    desk.write("d/run", "2").chmod(0o755)
    for _ in range(2):
        manifest = desk.observer.manifest("d")
        assert manifest is not None
        rows = [(e.path, e.digest.size, e.digest.executable) for e in manifest.entries]
        assert rows == [("run", 1, True), ("x", 1, False)]
        assert tree_digest("blake3", manifest) == desk.observer.observe("d")
        desk.next_run()
    assert desk.observer.manifest("d/x") is None
    assert desk.observer.manifest("nothing") is None


def test_the_executable_bit_of_a_file_is_seen_at_once(desk: Desk) -> None:
    path = desk.write("a")
    found = desk.observer.observe("a")
    assert found is not None
    assert not found.executable
    path.chmod(0o755)
    again = desk.next_run().observe("a")
    assert again == found
    assert again.executable


# --- never wrong ---------------------------------------------------------------------------


def same_second(path: Path) -> None:
    path.write_text("CONTENT")


def keep_times(path: Path) -> None:
    before = path.stat()
    path.write_text("CONTENT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def back_in_time(path: Path) -> None:
    path.write_text("CONTENT")
    os.utime(path, ns=(0, 10**9))


def into_the_future(path: Path) -> None:
    path.write_text("CONTENT")
    os.utime(path, ns=(0, time.time_ns() + 10**15))


def touch(path: Path) -> None:
    os.utime(path)


def copy_over(path: Path) -> None:
    other = path.parent / "other"
    other.write_text("CONTENT")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    shutil.copy2(other, path)  # as cp -p: same inode, same size, same mtime


def rename_over(path: Path) -> None:
    other = path.parent / "other"
    other.write_text("CONTENT")
    os.utime(other, ns=(0, path.stat().st_mtime_ns))
    os.replace(other, path)


def remove_and_make_again(path: Path) -> None:
    before = path.stat()
    path.unlink()  # the next file often gets the same inode
    path.write_text("CONTENT")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def edit_through_another_name(path: Path) -> None:
    other = path.parent / "other"
    os.link(path, other)
    before = other.stat()
    with open(other, "r+") as stream:
        stream.write("CONTENT")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.unlink()


def retarget(path: Path) -> None:
    before = path.stat()
    other = path.parent / "other"
    other.write_text("CONTENT")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.unlink()
    path.symlink_to("other")


def swap(path: Path) -> None:
    other = path.parent / "second"
    before, after = path.stat(), other.stat()
    os.rename(path, path.parent / "third")
    os.rename(other, path)
    os.rename(path.parent / "third", other)
    for name, status in ((path, before), (other, after)):
        os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns))


def write_nothing(path: Path) -> None:
    path.write_text("")


def memory_map(path: Path) -> None:
    import mmap

    with open(path, "r+b") as stream, mmap.mmap(stream.fileno(), 7) as view:
        view[:] = b"CONTENT"
        view.flush()


EDITS: tuple[Callable[[Path], None], ...] = (
    same_second,
    keep_times,
    back_in_time,
    into_the_future,
    touch,
    copy_over,
    rename_over,
    remove_and_make_again,
    edit_through_another_name,
    retarget,
    swap,
    write_nothing,
    memory_map,
)


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("between", ["nothing", "next run", "settled run"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_no_edit_goes_unseen(
    desk: Desk, edit: Callable[[Path], None], between: str, rounds: int
) -> None:
    path = desk.write("d/file", "content")
    desk.write("d/second", "SECOND!")
    for _ in range(rounds):
        desk.observer.fresh_observe("d")
        desk.observer.fresh_observe("d/file")
        if between != "nothing":
            desk.next_run(settle=between == "settled run")
        edit(path)
        assert desk.observer.fresh_observe("d/file") == desk.truth("d/file")
        assert desk.observer.fresh_observe("d") == desk.truth("d")
        path.unlink()  # a link of the last round
        desk.write("d/file", "content")
        assert desk.observer.fresh_observe("d/file") == desk.truth("d/file")
        assert desk.observer.fresh_observe("d") == desk.truth("d")


def test_the_same_size_and_time_in_quick_succession(desk: Desk) -> None:
    # faster than any file system's clock ticks
    path = desk.write("a", "0000")
    os.utime(path, ns=(0, 10**18))
    for number in range(300):
        with open(path, "r+") as stream:
            stream.write(f"{number:04}")
        os.utime(path, ns=(0, 10**18))
        assert desk.observer.fresh_observe("a") == hash_bytes("blake3", f"{number:04}".encode())


def test_a_link_to_a_folder_that_is_retargeted(desk: Desk) -> None:
    desk.write("one/x", "1")
    desk.write("two/x", "2")
    status = (desk.root / "one/x").stat()
    os.utime(desk.root / "two/x", ns=(status.st_atime_ns, status.st_mtime_ns))
    (desk.root / "d").symlink_to("one")
    desk.observer.observe("d")
    desk.next_run()
    (desk.root / "d").unlink()
    (desk.root / "d").symlink_to("two")
    assert desk.observer.observe("d") == desk.truth("two")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 9), min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_any_sequence_of_changes_to_a_folder(steps: list[int], chance: random.Random) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        desk = Desk(Path(made))
        desk.write("d/keep", "0")
        for step in steps:
            path = f"d/{chance.choice('abc')}/{chance.choice('xy')}"
            target = desk.root / path
            if step < 4:
                desk.write(path, chance.choice(["1", "2", "33"]))
            elif step < 6 and target.exists():
                target.unlink()
            elif step == 6 and target.exists():
                os.utime(target, ns=(0, chance.choice([10**18, 2 * 10**18])))
            elif step == 7:
                desk.next_run(settle=chance.random() < 0.3)
            elif step == 8 and target.exists():
                os.replace(target, desk.root / "d/moved")
            assert desk.observer.fresh_observe("d") == desk.truth("d")
        desk.state.close()


def test_a_file_that_changes_while_it_is_read_is_not_cached(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pivot.scan as scan

    path = desk.write("a", "1")
    real = scan._hash_small
    rounds: list[int] = []

    def meddled(algorithm: str, descriptor: int, status: os.stat_result) -> object:
        found = real(algorithm, descriptor, status)
        rounds.append(1)
        if len(rounds) <= meddling:
            path.write_text("x" * (len(rounds) + 5))
        return found

    monkeypatch.setattr(scan, "_hash_small", meddled)
    meddling = 1
    assert desk.observer.observe("a") == desk.truth("a")
    assert len(rounds) == 2

    rounds.clear()
    meddling = 10
    desk.observer.fresh_observe("a")
    assert len(rounds) == 3
    monkeypatch.undo()
    assert desk.next_run(settle=False).observe("a") == desk.truth("a")


def test_a_file_that_vanishes_before_it_is_read_is_absent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a")

    def vanished(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(observer_module, "hash_path", vanished)
    assert desk.observer.observe("a") is None


def test_recent_changes_are_not_trusted() -> None:
    now = 1_700_000_000_123_456_789

    def seen(mtime: int, ctime: int) -> bool:
        return is_settled((mtime, ctime, 1, 1, 1), now)

    assert seen(now - TICK_NS, now - TICK_NS)
    assert not seen(now - TICK_NS, now - TICK_NS + 1)
    assert seen(now + 10**12, now - 10**12 + 1)  # a modification time of the future is harmless
    assert not seen(now - 10**12, now + 10**12)  # a clock set back: not until it catches up
    whole = now - now % 10**9
    assert not seen(whole, whole)  # a file system of whole seconds
    assert not seen(whole, whole - COARSE_TICK_NS * 2)
    assert seen(whole - COARSE_TICK_NS, whole - COARSE_TICK_NS)


# --- the state that holds it ---------------------------------------------------------------


def break_state(kind: str, path: Path) -> None:
    data = path.read_bytes()
    if kind == "deleted":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "garbage":
        path.write_bytes(b"not a database" * 1000)
    elif kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "header only":
        path.write_bytes(data[:100])
    elif kind == "digests swapped":
        # every hex digit of every digest changes, the structure stays
        table = bytes.maketrans(b"0123456789abcdef", b"123456789abcdef0")
        at = data.index(b"blake3:")
        path.write_bytes(data[:at] + data[at:].translate(table))
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    elif kind == "half zeros":
        path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))


@pytest.mark.parametrize(
    "kind",
    [
        "deleted",
        "empty",
        "garbage",
        "truncated",
        "header only",
        "digests swapped",
        "folder",
        "half zeros",
    ],
)
def test_a_damaged_state_costs_only_time(desk: Desk, kind: str) -> None:
    for number in range(20):
        desk.write(f"f{number}", f"content {number}")
        desk.write(f"d/{number}", f"other {number}")
    paths = ["d", *(f"f{number}" for number in range(20))]
    desk.observer.observe_all(paths)
    desk.observer.settle()
    desk.state.close()
    break_state(kind, desk.root / ".pivot/state.db")
    for _ in range(2):
        observer = desk.next_run()
        assert observer.observe_all(paths) == {path: desk.truth(path) for path in paths}
    if kind != "folder":
        desk.next_run().observe_all(paths)
        assert desk.reads == []  # it has been rebuilt


def test_random_damage_to_the_state_never_gives_a_wrong_digest(desk: Desk) -> None:
    chance = random.Random(7)
    paths = [f"f{number}" for number in range(40)]
    for path in paths:
        desk.write(path, path * 10)
        desk.write(f"d/{path}", path)
    truth = {path: desk.truth(path) for path in [*paths, "d"]}
    desk.observer.observe_all(truth)
    desk.observer.settle()
    desk.state.close()
    database = desk.root / ".pivot/state.db"
    whole = database.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 5, 50])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        database.write_bytes(data)
        journal = desk.root / ".pivot/state.db-journal"
        journal.unlink(missing_ok=True)
        assert desk._open().observe_all(truth) == truth
        desk.state.close()
    desk.state = State(None)


# --- told by the cache ---------------------------------------------------------------------


def test_what_the_cache_hashed_is_not_read_again(desk: Desk) -> None:
    desk.write("file", os.urandom(LARGE))
    desk.write("d/x", "1")
    desk.write("d/large", os.urandom(LARGE))
    cache = LocalCache(str(desk.root / "cache"))
    time.sleep(TICK_NS / 1e9)
    added = {
        path: cache.add(str(desk.root / path), digests=desk.observer.noting(path))
        for path in ("file", "d")
    }
    assert desk.observer.observe_all(added) == added
    assert desk.next_run().observe_all(added) == added
    assert desk.reads == []


@pytest.mark.parametrize("stored", [True, False])
def test_a_large_file_is_read_once_though_it_was_just_written(desk: Desk, stored: bool) -> None:
    desk.write("large", bytes(17 << 20))
    if stored:
        cache = LocalCache(str(desk.root / "cache"))
        cache.add(str(desk.root / "large"), digests=desk.observer.noting("large"))
    else:
        desk.observer.observe("large")
    desk.reads.clear()
    desk.observer.settle()
    assert desk.observer.observe("large") == desk.truth("large")
    assert desk.reads == []


def test_what_is_known_is_not_read_to_be_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pivot.store.writing as writing

    for name in ("x", "y", "sub/z"):
        desk.write(f"d/{name}", name)
    desk.write("file")
    cache = LocalCache(str(desk.root / "cache"))
    for path in ("d", "file"):
        desk.observer.observe(path)
        cache.add(str(desk.root / path))
    desk.next_run()
    desk.write("d/new", "new")
    opened: list[str] = []
    real = writing.ObjectWriter.copy

    def copy(self: object, source: str, *rest: object) -> object:
        opened.append(os.path.relpath(source, desk.root))
        return real(self, source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(writing.ObjectWriter, "copy", copy)
    assert cache.add(str(desk.root / "d"), digests=desk.observer.noting("d")) == desk.truth("d")
    assert cache.add(str(desk.root / "file"), digests=desk.observer.noting("file")) == desk.truth(
        "file"
    )
    assert opened == ["d/new"]
    assert desk.observer.observe("d") == desk.truth("d")
    # an object that is gone is stored again all the same
    cache.remove(hash_bytes("blake3", b"x"))
    cache.add(str(desk.root / "d"), digests=desk.observer.noting("d"))
    assert cache.has(hash_bytes("blake3", b"x"))


def test_a_cache_of_another_algorithm_teaches_nothing(desk: Desk) -> None:
    desk.write("a")
    desk.write("d/x")
    cache = LocalCache(str(desk.root / "cache"), algorithm="md5")
    for path in ("a", "d"):
        desk.observer.observe(path)
        cache.add(str(desk.root / path), digests=desk.observer.noting(path))
        assert desk.observer.observe(path) == desk.truth(path)


@pytest.mark.parametrize("link", ["copy", "hardlink", "symlink"])
def test_what_was_restored_is_not_read(desk: Desk, link: str) -> None:
    desk.write("file", "1")
    desk.write("d/x", "2")
    desk.write("d/sub/run", "3").chmod(0o755)
    cache = LocalCache(str(desk.root / ".pivot/cache"), link=link)  # type: ignore[arg-type]
    for path in ("file", "d"):
        digest = cache.add(str(desk.root / path))
        cache.materialize(digest, str(desk.root / path))
        manifest = cache.manifest(digest) if digest.is_tree else None
        desk.observer.remember(path, digest, manifest)
        assert desk.observer.observe(path) == digest
    digests = {path: desk.observer.observe(path) for path in ("file", "d")}
    assert desk.next_run().observe_all(digests) == digests
    assert desk.reads == []


def test_an_edit_right_after_restoring_is_seen_even_where_the_cache_speaks_first(
    desk: Desk,
) -> None:
    path = desk.write("file", "content")
    folder_file = desk.write("d/x", "content")
    cache = LocalCache(str(desk.root / ".pivot/cache"))
    for name in ("file", "d"):
        digest = cache.add(str(desk.root / name))
        cache.materialize(digest, str(desk.root / name))
        path.write_text("CONTENT")
        folder_file.write_text("CONTENT")
        desk.observer.remember(name, digest, cache.manifest(digest) if digest.is_tree else None)
        assert desk.observer.observe(name) == desk.truth(name)
        path.write_text("cOnTeNt")
        folder_file.write_text("cOnTeNt")
        assert desk.observer.fresh_observe(name) == desk.truth(name)


def test_remembering_what_is_not_so_changes_nothing(desk: Desk) -> None:
    desk.write("file", "1")
    desk.write("d/x", "2")
    cache = LocalCache(str(desk.root / ".pivot/cache"))
    wrong = cache.add_bytes(b"other")
    tree = cache.add(str(desk.root / "d"))
    manifest = cache.manifest(tree)
    desk.write("d/more", "3")
    desk.observer.remember("file", wrong)
    desk.observer.remember("nothing", wrong)
    desk.observer.remember("d", wrong)
    desk.observer.remember("d", tree)
    desk.observer.remember("d", tree, manifest)
    desk.observer.remember("file", tree, manifest)
    for path in ("file", "d"):
        assert desk.observer.observe(path) == desk.truth(path)


def test_a_lost_executable_bit_is_noticed_when_remembering(desk: Desk) -> None:
    desk.write("d/run", "1").chmod(0o755)
    cache = LocalCache(str(desk.root / ".pivot/cache"))
    digest = cache.add(str(desk.root / "d"))
    cache.materialize(digest, str(desk.root / "d"))
    (desk.root / "d/run").chmod(0o644)
    desk.observer.remember("d", digest, cache.manifest(digest))
    assert desk.observer.observe("d") != digest


def test_marks_differ_with_content_and_size() -> None:
    marks = {content_mark(hash_bytes("blake3", bytes([n])).value, n) for n in range(200)}
    assert len(marks) == 200
    assert all(0 <= mark < 10**9 and mark % 100 == 0 for mark in marks)
    assert content_mark("ab", 1) != content_mark("ab", 2)
