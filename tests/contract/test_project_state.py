"""The state database: only time is lost where it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from unprivileged import as_nobody
from waiting import PATIENCE

import pivot.project.state as state_module
from pivot.errors import StoreError
from pivot.project import State


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "folder/state.db")


def test_what_was_put_is_there_next_time(path: str) -> None:
    state = State(path)
    assert state.blobs("code").get("a") is None
    assert not os.path.exists(path)
    state.blobs("code").put("a", b"1")
    state.blobs("other").put("a", b"2")
    state.rows("code").put("a", b"3")
    state.rows("code").put("ä", b"")
    assert state.blobs("code").get("a") == b"1"
    state.close()
    state = State(path)
    assert state.blobs("code").get("a") == b"1"
    assert state.blobs("other").get("a") == b"2"
    rows = state.rows("code")
    assert rows.get("a") == b"3"
    rows.load()
    assert rows.get("a") == b"3"
    assert rows.get("b") is None
    state.close()


def test_names_that_are_not_utf8_cost_only_themselves(path: str) -> None:
    warned: list[str] = []
    state = State(path, warn=warned.append)
    state.rows("files").put("\udcff", b"1")
    state.rows("files").put("a", b"2")
    state.close()
    assert State(path).rows("files").get("a") == b"2"
    assert State(path).rows("files").get("\udcff") is None
    assert warned == []


def test_entries_can_be_replaced_and_deleted(path: str) -> None:
    state = State(path)
    rows = state.rows("files")
    for key in "abc":
        rows.put(key, key.encode())
    state.flush()
    rows.put("a", b"new")
    rows.delete("b")
    rows.delete("never there")
    assert rows.keys() == {"a", "c"}
    state.close()
    rows = State(path).rows("files")
    assert rows.keys() == {"a", "c"}
    assert rows.get("a") == b"new"
    assert rows.get("b") is None


def test_nothing_put_writes_nothing(path: str) -> None:
    state = State(path)
    state.rows("files").load()
    assert state.rows("files").keys() == set()
    state.close()
    assert not os.path.exists(os.path.dirname(path))


def test_a_value_under_another_key_or_space_is_not_believed(path: str) -> None:
    state = State(path)
    state.rows("files").put("a", b"1")
    state.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rows SET key = 'b'")
    assert State(path).rows("files").get("b") is None
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rows SET key = 'a', space = 'other'")
    assert State(path).rows("other").get("a") is None
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rows SET value = 7")
    assert State(path).rows("other").get("a") is None


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_database_is_replaced_silently(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path))
    Path(path).write_bytes(content)
    warned: list[str] = []
    state = State(path, warn=warned.append)
    assert state.rows("files").get("a") is None
    state.rows("files").put("a", b"1")
    state.close()
    assert State(path).rows("files").get("a") == b"1"
    assert warned == []


@pytest.mark.parametrize("statement", ["PRAGMA user_version = 99", "DROP TABLE rows"])
def test_another_layout_is_replaced_silently(path: str, statement: str) -> None:
    state = State(path)
    state.rows("files").put("a", b"1")
    state.close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    warned: list[str] = []
    state = State(path, warn=warned.append)
    assert state.rows("files").get("a") is None
    state.rows("files").put("a", b"2")
    state.close()
    assert State(path).rows("files").get("a") == b"2"
    assert warned == []


def test_damage_found_while_writing_costs_what_was_there_before(path: str) -> None:
    state = State(path)
    state.rows("files").put("old", b"1")
    state.close()
    Path(path).write_bytes(b"damaged meanwhile" * 100)
    state = State(path)
    state.rows("files").put("new", b"2")
    state.close()
    assert State(path).rows("files").get("new") == b"2"


def test_a_database_that_stays_locked_is_left_alone_with_one_warning(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "_BUSY_SECONDS", 0.05)
    state = State(path)
    state.rows("files").put("a", b"1")
    state.close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    warned: list[str] = []
    state = State(path, warn=warned.append)
    assert state.rows("files").get("a") is None
    state.rows("files").put("a", b"2")
    state.blobs("code").get("a")
    assert state.rows("files").get("a") == b"2"
    state.close()
    assert len(warned) == 1
    assert "locked" in warned[0]
    assert "nothing is wrong with results" in warned[0]
    holder.execute("ROLLBACK")
    holder.close()
    assert State(path).rows("files").get("a") == b"1"


def test_processes_may_write_at_once(path: str) -> None:
    code = (
        "import sys\nfrom pivot.project import State\n"
        "for n in range(20):\n"
        "    state = State(sys.argv[1], warn=lambda text: sys.exit(text))\n"
        "    state.rows('files').put(f'{sys.argv[2]}-{n}', b'1')\n"
        "    state.close()\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, path, str(number)]) for number in range(4)
    ]
    assert [process.wait(timeout=PATIENCE) for process in running] == [0] * 4
    assert len(State(path).rows("files").keys()) == 80


def test_a_process_killed_while_writing_leaves_the_state_usable(path: str) -> None:
    state = State(path)
    state.rows("files").put("a", b"1")
    state.close()
    code = (
        "import os, sys, sqlite3\n"
        "made = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "made.execute('BEGIN IMMEDIATE')\n"
        "made.execute('PRAGMA cache_spill = 1')\n"
        "made.execute('PRAGMA cache_size = 1')\n"
        "for n in range(3000):\n"
        "    made.execute('INSERT INTO rows VALUES (?, ?, ?)', ('files', str(n), bytes(99)))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False)
    assert os.path.exists(path + "-journal")
    assert State(path).rows("files").get("a") == b"1"


def _put_one(state: State) -> None:
    state.rows("shared").put("one", b"1")
    state.blobs("new").put("one", b"1")


def _put_other(state: State) -> None:
    state.rows("shared").put("other", b"2")
    state.blobs("new").put("other", b"2")


def _put_and_delete(state: State) -> None:
    state.rows("shared").put("deleted", b"3")
    _put_other(state)
    state.rows("shared").delete("deleted")


_KEYS = {_put_one: {"one"}, _put_other: {"other"}, _put_and_delete: {"other"}}


@pytest.mark.parametrize(
    ("interrupted", "between"),
    [
        (_put_one, _put_other),
        (_put_one, State.flush),
        (State.flush, _put_other),
        (State.flush, _put_and_delete),
    ],
)
def test_threads_may_share_a_state(
    path: str, interrupted: Callable[[State], None], between: Callable[[State], None]
) -> None:
    """One thread does all it has to do between two instructions of another, for all of them."""
    instant, reached = 0, True
    while reached:
        instant += 1
        state = State(path)
        state.rows("shared").put("first", b"0")
        failures: list[Exception] = []
        other = _thread(partial(between, state), failures)
        reached = _run_interrupted(partial(interrupted, state), instant, other, failures)
        if not reached:
            other.start()
        other.join(PATIENCE)
        assert not other.is_alive()
        assert not failures
        state.close()
        written = State(path)
        put = {key for work in (interrupted, between) for key in _KEYS.get(work, ())}
        assert written.rows("shared").keys() == {"first", *put}, instant
        assert written.blobs("new").keys() == put, instant
        written.close()
        os.unlink(path)
    assert instant > 50


def _thread(work: Callable[[], None], failures: list[Exception]) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)

    return threading.Thread(target=guarded, daemon=True)


def _run_interrupted(
    work: Callable[[], None], instant: int, other: threading.Thread, failures: list[Exception]
) -> bool:
    """Run `work` in a thread that starts `other` before the given instruction of the state's code.

    It goes on once `other` has ended, or soon: `other` may have to wait for it. False where it
    has fewer instructions.
    """
    left = instant

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != state_module.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_code.co_name in _SHARED:
            left -= 1
            if left == 0:
                other.start()
                other.join(0.01)
        return trace

    def traced() -> None:
        sys.settrace(trace)
        work()

    thread = _thread(traced, failures)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    return left <= 0


#: The functions that touch what threads share and what is not guarded by the file's lock alone.
_SHARED = {"put", "delete", "take_unwritten", "<dictcomp>", "_space", "flush"}


def test_the_older_half_of_the_blobs_goes_when_they_are_too_many(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "_LIMIT_BYTES", 100_000)
    for number in range(10):
        state = State(path)
        state.rows("files").put("kept", b"1")
        state.blobs("code").put(str(number), os.urandom(20_000))
        state.close()
    state = State(path)
    assert state.rows("files").get("kept") == b"1"
    assert state.blobs("code").get("9") is not None
    assert state.blobs("code").get("0") is None
    assert os.path.getsize(path) < 200_000


def test_without_a_place_everything_is_kept_in_memory() -> None:
    state = State(None)
    state.rows("files").put("a", b"1")
    state.flush()
    assert state.rows("files").get("a") == b"1"
    state.rows("files").load()
    assert state.rows("files").keys() == {"a"}
    state.close()


def test_with_fsync_the_same_is_kept(path: str) -> None:
    state = State(path, fsync=True)
    state.rows("files").put("a", b"1")
    state.close()
    assert State(path).rows("files").get("a") == b"1"


def test_what_prepares_the_folder_runs_once_before_the_first_write(path: str) -> None:
    calls: list[bool] = []
    state = State(path, prepare=lambda: calls.append(os.path.exists(path)))
    state.rows("files").get("a")
    assert calls == []
    state.rows("files").put("a", b"1")
    state.close()
    state = State(path, prepare=lambda: calls.append(True))
    state.rows("files").put("b", b"1")
    state.close()
    assert calls == [False]


def test_where_the_folder_cannot_be_made_there_is_one_warning(path: str) -> None:
    def refuse() -> None:
        raise StoreError("cannot write '.pivot/.gitignore'")

    warned: list[str] = []
    state = State(path, warn=warned.append, prepare=refuse)
    state.rows("files").put("a", b"1")
    state.flush()
    state.rows("files").put("b", b"1")
    state.close()
    assert len(warned) == 1
    assert "cannot write" in warned[0]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o755)
        yield Path(made)


def test_a_state_that_may_only_be_read_is_read(open_folder: Path) -> None:
    path = str(open_folder / "state.db")
    state = State(path)
    state.rows("files").put("a", b"1")
    state.close()
    os.chmod(path, 0o444)
    os.chmod(open_folder, 0o555)

    def work() -> None:
        warned: list[str] = []
        state = State(path, warn=warned.append)
        assert state.rows("files").get("a") == b"1"
        state.close()
        assert warned == []
        state = State(path, warn=warned.append)
        state.rows("files").put("a", b"2")
        state.close()
        assert len(warned) == 1, warned
        assert State(path).rows("files").get("a") == b"1"

    try:
        assert as_nobody(work) == 0
    finally:
        os.chmod(open_folder, 0o755)


def test_a_state_that_may_not_be_read_costs_one_warning(open_folder: Path) -> None:
    path = str(open_folder / "state.db")
    state = State(path)
    state.rows("files").put("a", b"1")
    state.close()
    os.chmod(path, 0o000)

    def work() -> None:
        warned: list[str] = []
        state = State(path, warn=warned.append)
        assert state.rows("files").get("a") is None
        state.rows("files").put("a", b"2")
        state.close()
        assert len(warned) == 1, warned
        assert "cannot be used" in warned[0]

    assert as_nobody(work) == 0
    assert State(path).rows("files").get("a") == b"1"
