"""Running jobs on this machine, several at a time, each in a process of its own.

Python stages are forked from a zygote that has their third-party packages imported; commands,
and python stages that need a fresh interpreter, from a second, bare one. Both are the same
program (`worker`), which also ends whatever a stage leaves running.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..disk import step
from ..errors import RunError
from .forking import Shadowing, reads_early
from .job import Job, Outcome, job_data
from .journal import Journal, end_processes, run_id
from .logs import Follower
from .outcome import lost_outcome, outcome_of, stopped_before_start
from .zygote import Link

#: Seconds a stage has to end after SIGTERM.
GRACE_SECONDS = 5.0
#: Seconds that importing the third-party packages may take before it is done without.
PRELOAD_SECONDS = 120.0
#: Zygotes lost in a row without having run anything, after which there are no more.
MAX_LOSSES = 2
#: How often output is looked for, in seconds, while somebody watches it.
OUTPUT_SECONDS = 0.05
#: How much output is passed on in one call of `wait`, which then returns.
OUTPUT_BYTES = 1 << 20


class Executor(Protocol):
    """Where jobs run. A stage's name identifies its job; one at a time."""

    def submit(self, job: Job) -> None:
        """Have `job` run; returns at once."""

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """The outcomes since the last call: at least one, unless `timeout` seconds pass first,
        nothing is running, or much output has been passed on.
        """

    def kill(self, stage: str) -> None:
        """End a stage's processes; its outcome follows, `stopped`."""

    def terminate_all(self, grace: float = GRACE_SECONDS) -> list[Outcome]:
        """End everything, and return the outcomes of all that was submitted."""

    def close(self) -> None:
        """End everything at once and let all processes go."""


class _Task:
    """A submitted job, and how far it has come."""

    __slots__ = ("follower", "job", "link", "number", "pid", "starting", "stopping")

    def __init__(self, number: int, job: Job) -> None:
        self.number = number
        self.job = job
        self.link: Link | None = None  # where it was sent
        self.starting = False  # a process may exist
        self.pid: int | None = None
        self.stopping = False
        self.follower: Follower | None = None


class LocalExecutor:
    """An Executor of this machine. Not for use by several threads at once.

    `python` (asked for when first needed, where it is a function) runs python stages;
    `third_party` are the packages to import ahead; `jobs` run at a time, the rest waits its
    turn. Process groups are written to the journal of the project at `root`.
    `on_started(stage, pgid)` is called as soon as a stage's process group is known,
    `on_output(stage, data)` with pieces of its output while `wait` is being called.
    """

    def __init__(
        self,
        python: str | Callable[[], str],
        *,
        root: str,
        third_party: Sequence[str] = (),
        jobs: int = 1,
        on_output: Callable[[str, bytes], None] | None = None,
        on_started: Callable[[str, int], None] | None = None,
        grace: float = GRACE_SECONDS,
        preload_seconds: float = PRELOAD_SECONDS,
    ) -> None:
        self._root = root
        self._python_source = python
        self._found_python: str | None = None
        self._journal = Journal(root)
        self._names = list(third_party) if sys.platform != "darwin" else []
        self._jobs = max(1, jobs)
        self._on_output = on_output
        self._on_started = on_started
        self._grace = grace
        self._preload_seconds = preload_seconds
        self._environment = dict(os.environ)
        # every process of this run carries it, those that left their group included
        self._environment["PIVOT_RUN_ID"] = run_id()
        self._zygote: Link | None = None
        self._zygote_since = 0.0
        self._losses = 0  # zygotes in a row that were lost before they ran anything
        self._bare: Link | None = None
        self._bare_losses = 0
        self._queue: deque[_Task] = deque()
        self._tasks: dict[int, _Task] = {}
        self._next = 0
        self._draining: list[tuple[_Task, Outcome]] = []  # ended, with output to be passed on
        self._passed = 0  # bytes of output, since `wait` was called
        self._done: list[Outcome] = []
        self._shadowing = Shadowing()

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the protocol ----------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """See Executor. Raises RunError where the interpreter cannot be started."""
        self._next += 1
        self._queue.append(_Task(self._next, job))
        self._dispatch()

    def prepare(self) -> None:
        """Start importing third-party packages now, while there is nothing to submit yet."""
        if self._zygote is None:
            self._start_zygote()

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """See Executor."""
        until = None if timeout is None else time.monotonic() + timeout
        self._passed = 0
        while not self._done and self._passed < OUTPUT_BYTES and self._is_busy:
            left = None if until is None else until - time.monotonic()
            if left is not None and left < 0:
                break
            self._turn(left)
        done, self._done = self._done, []
        return done

    def kill(self, stage: str) -> None:
        """See Executor. The processes are asked first and have the grace to end."""
        self._stop([stage], self._grace)

    def terminate_all(self, grace: float | None = None) -> list[Outcome]:
        """See Executor."""
        stages = [task.job.stage for task in (*self._queue, *self._tasks.values())]
        self._stop(stages, self._grace if grace is None else grace)
        outcomes = []
        while self._done or self._is_busy:
            outcomes += self.wait()
        return outcomes

    def close(self) -> None:
        """See Executor."""
        self._queue.clear()
        busy = {id(task.link) for task in self._tasks.values()}
        for link in (self._zygote, self._bare):
            if link is not None:
                # one that is still importing would not look up for a long time, and runs nothing
                link.abandon(kill=not link.is_ready and id(link) not in busy)
        for task in (*self._tasks.values(), *(task for task, _ in self._draining)):
            if task.follower is not None:
                task.follower.close()
        self._tasks.clear()
        self._draining.clear()
        self._zygote = self._bare = None
        self._journal.close()

    @property
    def _python(self) -> str:
        if self._found_python is None:
            source = self._python_source
            self._found_python = source if isinstance(source, str) else source()
        return self._found_python

    @property
    def _is_busy(self) -> bool:
        return bool(self._queue or self._tasks or self._draining)

    @property
    def running(self) -> tuple[str, ...]:
        """The stages submitted and not yet reported."""
        return tuple(task.job.stage for task in (*self._tasks.values(), *self._queue))

    # --- starting --------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Send queued jobs while fewer than `jobs` run."""
        waiting: deque[_Task] = deque()
        while self._queue and len(self._tasks) < self._jobs:
            task = self._queue.popleft()
            link = self._link_for(task.job)
            if link is None:
                waiting.append(task)  # for the zygote, which is still importing
                if len(self._tasks) + len(waiting) >= self._jobs:
                    break
                continue
            message: dict[str, Any] = {"op": "run", "id": task.number, "grace": self._grace}
            message["job"] = job_data(task.job)
            if task.job.kind == "cmd":
                message["mode"] = "shell"
            elif link is self._zygote:
                message["mode"] = "call"
            else:
                message["mode"] = "exec"
                message["python"] = self._python
            _make_log_folder(task.job.log)
            task.link = link
            self._tasks[task.number] = task
            if self._on_output is not None:
                task.follower = Follower(task.job.log)
            link.send(message)
        self._queue.extendleft(reversed(waiting))

    def _link_for(self, job: Job) -> Link | None:
        """The supervisor to run `job`; None while that cannot be told."""
        if job.kind == "cmd" or not job.preload or reads_early(job, self._names):
            return self._bare_link()
        if sys.platform == "darwin" or self._losses > MAX_LOSSES:
            # an interpreter of its own for each, which says what is wrong
            return self._bare_link()
        zygote = self._zygote or self._start_zygote()
        if not zygote.is_ready and self._names:
            return None
        if zygote.preloaded and self._shadowing.hides(job, zygote.preloaded):
            return self._bare_link()
        return zygote

    def _start_zygote(self) -> Link:
        self._zygote_since = time.monotonic()
        self._zygote = Link(self._python, self._root, self._names, self._environment)
        return self._zygote

    def _bare_link(self) -> Link:
        if self._bare is None:
            # our own interpreter: commands need none of the project's
            self._bare = Link(sys.executable, self._root, (), self._environment, ("-I", "-S"))
        return self._bare

    # --- listening -------------------------------------------------------------------------

    def _turn(self, timeout: float | None) -> None:
        """Wait for a supervisor to say something, at most `timeout` seconds, and act on it."""
        self._drain()
        if self._done or self._draining:
            timeout = 0
        poller = select.poll()
        links = [link for link in (self._zygote, self._bare) if link is not None]
        for link in links:
            poller.register(link, select.POLLIN | (select.POLLOUT if link.has_unsent else 0))
        patience = timeout
        if self._on_output is not None:
            patience = OUTPUT_SECONDS if patience is None else min(patience, OUTPUT_SECONDS)
        if self._zygote is not None and not self._zygote.is_ready:
            left = max(0.0, self._zygote_since + self._preload_seconds - time.monotonic())
            patience = left if patience is None else min(patience, left)
        poller.poll(None if patience is None else patience * 1000 + 1)
        for link in links:
            link.flush()
            for message in link.receive():
                self._hear(message)
            if link is self._zygote:
                self._check_zygote(link)
            elif not link.is_open:
                self._bare = None
                self._bare_losses += 1
                self._fail_over(link, give_up=self._bare_losses > MAX_LOSSES)
        if self._on_output is not None:
            for task in self._tasks.values():
                self._pass_output(task)
        self._dispatch()

    def _check_zygote(self, link: Link) -> None:
        if link.spoiled is not None:
            # a package that must not be forked; the stages import it themselves
            self._names = [name for name in self._names if name != link.spoiled]
        elif link.is_open:
            if link.is_ready or time.monotonic() < self._zygote_since + self._preload_seconds:
                return
            self._names = []  # an import hangs
        else:
            self._losses += 1
            if not link.is_ready:
                self._names = []  # an import ended the process
        self._zygote = None
        link.abandon(kill=True)
        self._fail_over(link)

    def _fail_over(self, link: Link, *, give_up: bool = False) -> None:
        """Run again what a lost supervisor had not begun, unless there is no point in it; what
        it had begun is lost with it.
        """
        if any(task.starting for task in self._tasks.values() if task.link is link):
            # nobody watches over them any more, those in sessions of their own included
            end_processes({run_id()})
        for task in list(self._tasks.values()):
            if task.link is not link:
                continue
            if task.starting or give_up:
                if task.pid is not None:
                    _kill_group(task.pid)
                self._finish(task, lost_outcome(task.job, task.pid))
            else:
                del self._tasks[task.number]
                task.link = None
                self._queue.appendleft(task)

    def _hear(self, message: dict[str, Any]) -> None:
        task = self._tasks.get(message["id"])
        if task is None:
            return
        if "starting" in message:
            task.starting = True
            return
        if "pid" in message:
            task.pid = message["pid"]
            self._losses = self._bare_losses = 0
            self._journal.started(task.job.stage, message["pid"])
            step("stage.started")
            if self._on_started is not None:
                self._on_started(task.job.stage, message["pid"])
            return
        self._finish(task, outcome_of(task.job, message, task.pid, stopped=task.stopping))

    def _finish(self, task: _Task, outcome: Outcome) -> None:
        del self._tasks[task.number]
        if task.follower is None:
            self._done.append(outcome)
        else:
            self._draining.append((task, outcome))
            self._drain()

    def _drain(self) -> None:
        """Report the jobs of which all output has been passed on."""
        for entry in list(self._draining):
            task, outcome = entry
            if self._pass_output(task) and task.follower is not None:
                task.follower.close()
                self._draining.remove(entry)
                self._done.append(outcome)

    def _pass_output(self, task: _Task) -> bool:
        """Whether all output of a job so far has been passed on; else there is more to come."""
        if self._on_output is not None and task.follower is not None and task.starting:
            for data in task.follower.read():
                self._on_output(task.job.stage, data)
                self._passed += len(data)
                if self._passed >= OUTPUT_BYTES:
                    return False
        return True

    # --- stopping --------------------------------------------------------------------------

    def _stop(self, stages: Sequence[str], grace: float) -> None:
        for task in [task for task in self._queue if task.job.stage in stages]:
            self._queue.remove(task)
            self._done.append(stopped_before_start(task.job))
        for task in self._tasks.values():
            if task.job.stage in stages and task.link is not None:
                task.stopping = True
                task.link.send({"op": "end", "id": task.number, "grace": grace})


def _kill_group(pgid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, signal.SIGKILL)


def _make_log_folder(log: str) -> None:
    folder = os.path.dirname(log)
    if os.path.isdir(folder):
        return
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the log folder of '{log}': {error.strerror}") from error
