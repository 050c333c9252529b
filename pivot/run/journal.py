"""What a run has begun and not ended: process groups, and outputs that were set aside.

One JSON line for each fact, appended before it comes true, so that the next writing command can
put right what a run that was killed left behind. Readers only look.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence, Set
from functools import cache
from typing import Any, Literal

from ..disk import read_if_exists, step
from ..errors import RunError
from ..values import dataclass
from .worker import process

#: How long survivors may take to end after SIGKILL before recovery goes on regardless.
KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Aside:
    """A previous output, and where it is kept while its stage runs (absolute paths).

    `move`: it was moved to `aside`; `copy`: it was copied there and the stage goes on with the
    original; `none`: nothing lay at `path` before.
    """

    path: str
    aside: str
    how: Literal["move", "copy", "none"]


class Entry:
    """A stage in the journal that has not ended: `done` where only leftovers are to be dropped.

    `owner` are the pid and the start time of the process that runs it.
    """

    __slots__ = ("asides", "done", "groups", "owner", "runs", "stage")

    def __init__(self, stage: str, owner: tuple[int, str]) -> None:
        self.stage = stage
        self.owner = owner
        self.asides: list[Aside] = []
        self.groups: list[tuple[int, str]] = []
        self.runs: list[str] = []
        self.done = False


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `recover` did: the stages that had not ended, and remarks for people."""

    stages: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def tmp_folder(root: str) -> str:
    """Where a project keeps what is only there during a run."""
    return os.path.join(root, ".pivot", "tmp")


def scratch_folder(root: str) -> str:
    """Where a writing command keeps what is not whole yet; empty whenever none runs."""
    return os.path.join(tmp_folder(root), "new")


def journal_path(root: str) -> str:
    """The journal of the project at `root`."""
    return os.path.join(tmp_folder(root), "journal")


class Journal:
    """Appends to the journal of one project; for the process that holds the project's lock."""

    def __init__(self, root: str) -> None:
        self._path = journal_path(root)
        self._descriptor = -1
        self._owner: list[Any] | None = None

    def begin(self, stage: str, asides: Sequence[Aside]) -> None:
        """Say that `stage` is about to run, and which outputs are about to be set aside."""
        if self._owner is None:
            pid = os.getpid()
            self._owner = [pid, start_time(pid)]
        self._append(
            {
                "at": "begin",
                "stage": stage,
                "owner": self._owner,
                "run": run_id(),
                "asides": [[aside.path, aside.aside, aside.how] for aside in asides],
            }
        )
        step("aside.journal")

    def started(self, stage: str, pgid: int) -> None:
        """Say that `stage` runs in process group `pgid`."""
        self._append(
            {
                "at": "started",
                "stage": stage,
                "pgid": pgid,
                "start": start_time(pgid),
                "run": run_id(),
            }
        )

    def done(self, stage: str) -> None:
        """Say that `stage` is locked: what was set aside for it may go."""
        self._append({"at": "done", "stage": stage})

    def end(self, stage: str) -> None:
        """Say that nothing is left to do about `stage`."""
        self._append({"at": "end", "stage": stage})

    def clear(self) -> None:
        """Empty the journal: nothing is running."""
        step("journal.clear")
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Let the file go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, line: Mapping[str, Any]) -> None:
        # the line before may be torn: a full disk, or a run killed while it wrote
        data = b"\n" + json.dumps(line).encode() + b"\n"
        try:
            if self._descriptor < 0:
                self._descriptor = _open(self._path)
            # one write: a line is there whole or, at the end of a killed run, torn and ignored
            if os.write(self._descriptor, data) != len(data):
                raise OSError(28, "No space left on device")
        except OSError as error:
            raise RunError(f"cannot write the journal '{self._path}': {error.strerror}") from error


@cache
def run_id() -> str:
    """What marks every process that this one has stages started in (`PIVOT_RUN_ID`)."""
    return os.urandom(16).hex()


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o644)


# --- reading --------------------------------------------------------------------------------


def read_journal(root: str) -> tuple[Entry, ...]:
    """The stages that a run which is no longer there did not end. Changes nothing."""
    return tuple(entry for entry in _entries(root) if not entry.done and not is_alive(*entry.owner))


def _entries(root: str) -> list[Entry]:
    """All entries that have not ended, of runs that go on too, in order of their beginning."""
    data = read_if_exists(journal_path(root))
    found: dict[str, Entry] = {}
    for line in (data or b"").split(b"\n"):
        try:
            fact = json.loads(line)
        except ValueError:
            continue  # empty, or torn: what it was to announce had not begun
        stage = fact["stage"]
        match fact["at"]:
            case "begin":
                entry = found.setdefault(stage, Entry(stage, tuple(fact["owner"])))
                entry.asides += [Aside(*aside) for aside in fact["asides"]]
                entry.runs.append(fact["run"])
            case "started":
                entry = found.setdefault(stage, Entry(stage, (0, "")))
                entry.groups.append((fact["pgid"], fact["start"]))
                entry.runs.append(fact["run"])
            case "done":
                if stage in found:
                    found[stage].done = True
            case "end":
                found.pop(stage, None)
    return list(found.values())


# --- recovering -----------------------------------------------------------------------------


def recover(root: str) -> Recovery:
    """End what a killed run left running, and bring its stages' previous outputs back.

    To be called with the project's lock held. May be killed at any instant and called again.
    Raises RunError where an output cannot be put back; nothing is lost then.
    """
    from .outputs import (  # they write the journal that we read
        drop_asides,
        remove_contents,
        restore_asides,
    )

    remove_contents(scratch_folder(root))
    entries = _entries(root)
    if not entries:
        _empty(root)
        return Recovery()
    killed = end_processes(
        {run for entry in entries for run in entry.runs},
        [group for entry in entries for group in entry.groups],
    )
    notes = []
    if killed:
        notes.append(f"ended {killed} processes that an interrupted run had left")
    unfinished = [entry for entry in entries if not entry.done]
    for entry in entries:
        if entry.done:
            drop_asides(entry.asides)
            continue
        partial = _partial_folder(root, entry.stage)
        unfinished_before = _names(partial)
        restored = restore_asides(entry.asides, keep=partial)
        note = f"stage '{entry.stage}' had been interrupted"
        if restored:
            note += f"; put back {', '.join(_relative(path, root) for path in restored)}"
        if _names(partial) != unfinished_before:
            note += f"; what lay there is in {_relative(partial, root)}"
        notes.append(note)
    step("journal.clear")
    _empty(root)
    return Recovery(tuple(entry.stage for entry in unfinished), tuple(notes))


def _empty(root: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.truncate(journal_path(root), 0)


def _partial_folder(root: str, stage: str) -> str:
    """Where unfinished outputs of an interrupted stage go: somebody may have made the file
    himself since.
    """
    from .logs import file_name

    return os.path.join(tmp_folder(root), "partial", file_name(stage))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _relative(path: str, root: str) -> str:
    return f"'{os.path.relpath(path, root)}'"


def end_processes(runs: Set[str], groups: Sequence[tuple[int, str]] = ()) -> int:
    """Kill the processes of `runs` and of `groups` (pid and start time of the leader), save those
    below this very process, and wait for them; how many there were.
    """
    seen: set[int] = set()
    until = time.monotonic() + KILL_SECONDS
    while True:
        alive = _survivors({run.encode() for run in runs}, groups)
        for pid in alive:
            process.signal_process(pid, signal.SIGKILL)
        seen.update(alive)
        if not alive or time.monotonic() > until:
            return len(seen)
        time.sleep(0.01)


def _survivors(runs: Set[bytes], groups: Sequence[tuple[int, str]]) -> set[int]:
    found = set()
    for pgid, start in groups:
        if is_alive(pgid, start):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                # its number has not been given to another process, so the group is the stage's
                os.killpg(pgid, signal.SIGKILL)
            found.add(pgid)
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return found
    for pid in pids:
        marker = process.environment(pid).get(b"PIVOT_RUN_ID")
        if marker in runs and process.is_running(pid) and not _is_below_us(pid):
            found.add(pid)
    return found


def _is_below_us(pid: int) -> bool:
    """Whether a process is this one or descends from it."""
    own = os.getpid()
    for _ in range(1000):  # parents change while we climb
        if pid == own:
            return True
        fields = process.status_fields(pid)
        pid = int(fields[1]) if len(fields) > 1 else 0
        if pid <= 1:
            return False
    return False


def is_alive(pid: int, start: str) -> bool:
    """Whether the process that had this pid and start time still runs."""
    if pid <= 0 or not start:
        return False
    return start_time(pid) == start and (not process.LINUX or process.is_running(pid))


def start_time(pid: int) -> str:
    """When process `pid` started, comparable for equality; '' where there is none.

    With the pid it names a process for good: numbers are given again, not both together.
    """
    if process.LINUX:
        fields = process.status_fields(pid)
        return fields[19].decode() if len(fields) > 19 else ""
    found = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()
