"""Looking at folders, and working through their files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import pivot.scan as scan
from pivot.errors import StoreError
from pivot.scan import SMALL_BYTES, for_each, hash_path, scan_folder


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_are_listed_by_path_with_their_status(tmp_path: Path) -> None:
    for name in ("b", "a/z", "a-b", "a/y/x", "ä"):
        write(tmp_path / name, name)
    found = scan_folder(str(tmp_path))
    assert [name for name, _ in found] == sorted(["b", "a/z", "a-b", "a/y/x", "ä"])
    assert [status.st_size for name, status in found] == [len(n.encode()) for n, _ in found]


def test_a_folder_that_cannot_be_read_is_called_as_the_caller_calls_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read the folder 'data/raw': no such file"):
        scan_folder(str(tmp_path / "nothing"), label="data/raw")


def test_a_file_that_vanishes_while_the_folder_is_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "kept")
    write(tmp_path / "gone")
    real = os.scandir

    class Removing:
        def __init__(self, path: str) -> None:
            self._entries = real(path)

        def __enter__(self) -> object:
            listed = list(self._entries)
            (tmp_path / "gone").unlink()
            return iter(listed)

        def __exit__(self, *_: object) -> None:
            self._entries.close()

    monkeypatch.setattr(os, "scandir", Removing)
    assert [name for name, _ in scan_folder(str(tmp_path))] == ["kept"]


def test_a_link_to_nothing_outside_the_cache_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "data/in").symlink_to("../cache/files/ab/cd")
    assert scan_folder(str(tmp_path / "data"), cache=str(tmp_path / "cache")) == []
    (tmp_path / "data/out").symlink_to("../cachet/x")
    with pytest.raises(StoreError, match="'data/out' is a symbolic link to nothing"):
        scan_folder(str(tmp_path / "data"), label="data", cache=str(tmp_path / "cache"))


@pytest.mark.parametrize("size", [0, 1, SMALL_BYTES, SMALL_BYTES + 1])
def test_progress_covers_the_whole_file(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(bytes(size))
    seen: list[int] = []
    digest, status, started = hash_path("blake3", str(tmp_path / "a"), progress=seen.append)
    assert sum(seen) == digest.size == status.st_size == size
    assert started > 0


def test_files_in_proc_have_content_beyond_their_size() -> None:
    digest, _, _ = hash_path("blake3", "/proc/self/status")
    assert digest.size is not None


def test_work_on_large_files_is_shared_by_threads() -> None:
    names: set[str] = set()
    gate = threading.Barrier(2, timeout=30)

    def large() -> None:
        gate.wait()  # passes only where two run at the same time
        names.add(threading.current_thread().name)

    small: list[str] = []
    work: list[tuple[int, Callable[[], None]]] = [(SMALL_BYTES + 1, large) for _ in range(2)]
    work.append((1, lambda: small.append(threading.current_thread().name)))
    for_each(work, threads=2)
    assert len(names) == 2
    assert small == [threading.main_thread().name]


@pytest.mark.parametrize("size", [1, SMALL_BYTES + 1])
def test_the_first_failure_is_raised_once_all_have_ended(size: int) -> None:
    running: list[int] = []

    def fail() -> None:
        running.append(1)
        raise StoreError("defect")

    before = threading.active_count()
    with pytest.raises(StoreError, match="defect"):
        for_each([(size, fail), (SMALL_BYTES + 1, fail), (SMALL_BYTES + 1, fail)], threads=2)
    assert threading.active_count() == before
    assert len(running) <= 3


def test_an_interrupt_ends_the_threads_before_it_goes_on() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    done: list[int] = []
    work: list[tuple[int, Callable[[], None]]] = [
        (SMALL_BYTES + 1, lambda: done.append(1)) for _ in range(3)
    ]
    with pytest.raises(KeyboardInterrupt):
        for_each([(1, interrupted), *work], threads=2)


@pytest.mark.parametrize(
    ("mode", "name"),
    [(0o140000, "socket"), (0o010000, "pipe"), (0o060000, "device"), (0o020000, "device")],
)
def test_kinds_have_names(mode: int, name: str) -> None:
    assert scan.kind_name(mode) == name
    assert scan.kind_name(0) == "special file"
