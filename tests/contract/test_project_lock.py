"""The project lock: one writer at a time, gone with its process."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from waiting import PATIENCE, until

from pivot.errors import BusyError, StoreError
from pivot.project import ProjectLock, is_busy

HOLD = """
import sys, time
from pivot.project import ProjectLock
lock = ProjectLock(sys.argv[1], ["pivot", "repro", "train"])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that holds the lock."""

    def __init__(self, path: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / ".pivot/tmp/lock")


def test_a_free_lock_is_had_at_once_and_again(path: str) -> None:
    assert is_busy(path) is None
    lock = ProjectLock(path)
    for _ in range(2):
        lock.acquire(wait=False)
        assert lock.held
        assert is_busy(path) is not None
        lock.release()
        assert not lock.held
        assert is_busy(path) is None
    lock.release()
    with ProjectLock(path) as held:
        assert held.held
        with pytest.raises(RuntimeError, match="held by this very object"):
            held.acquire()
    with lock:
        pass
    assert not lock.held


def test_who_does_not_wait_is_told_who_holds_it(path: str) -> None:
    holder = Holder(path)
    with pytest.raises(BusyError) as caught:
        ProjectLock(path).acquire(wait=False)
    message = str(caught.value)
    assert caught.value.exit_code == 75
    assert f"process {holder.process.pid} (pivot repro train), since 20" in message
    assert "wait for it to end" in message
    assert str(holder.process.pid) in (is_busy(path) or "")
    holder.end()
    ProjectLock(path).acquire(wait=False)


@pytest.mark.parametrize("kill", [False, True])
def test_who_waits_is_told_once_and_gets_it_when_the_holder_ends(path: str, kill: bool) -> None:
    holder = Holder(path)
    told: list[str] = []
    lock = ProjectLock(path)
    waiter = threading.Thread(target=lambda: lock.acquire(on_wait=told.append))
    waiter.start()
    until(lambda: told)
    assert not lock.held
    holder.end(kill=kill)
    waiter.join(timeout=PATIENCE)
    assert lock.held
    assert len(told) == 1
    assert f"process {holder.process.pid}" in told[0]
    lock.release()


def test_stale_content_does_no_harm(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    for content in ("", "garbage", '{"pid": 1, "command": "pivot", "since": "2001"}'):
        Path(path).write_text(content)
        assert is_busy(path) is None
        with ProjectLock(path, ["pivot"]):
            assert f"process {os.getpid()} (pivot)" in (is_busy(path) or "")


def test_a_holder_that_does_not_say_who_it_is(path: str) -> None:
    with ProjectLock(path):
        os.truncate(path, 0)
        with pytest.raises(BusyError, match="a process that has not said who it is"):
            ProjectLock(path).acquire(wait=False)


def test_a_released_lock_is_free_though_a_child_still_has_the_file(path: str) -> None:
    lock = ProjectLock(path)
    lock.acquire()
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        lock.release()
        ProjectLock(path).acquire(wait=False)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot make the lock file '.*file/lock'"):
        ProjectLock(str(tmp_path / "file/lock")).acquire()


def test_a_file_system_without_locks_is_said(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    told: list[str] = []
    lock = ProjectLock(path)
    lock.acquire(on_wait=told.append)
    assert lock.held
    assert "without locks" in told[0]
    lock.release()
    assert is_busy(path) is None


def test_another_failure_to_lock_is_an_error(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError, match="cannot lock"):
        ProjectLock(path).acquire()


def test_being_interrupted_while_waiting_leaves_nothing_open(path: str) -> None:
    holder = Holder(path)
    code = (
        "import sys\nfrom pivot.project import ProjectLock\n"
        "try:\n"
        "    ProjectLock(sys.argv[1]).acquire(on_wait=lambda text: print('wait', flush=True))\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    waiter = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout is not None
    assert waiter.stdout.readline() == "wait\n"
    time.sleep(0.05)
    waiter.send_signal(signal.SIGINT)
    waiter.communicate(timeout=PATIENCE)
    assert waiter.returncode == 130
    holder.end()
