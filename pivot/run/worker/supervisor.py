"""The loop that forks a process for each job, watches it to its end, and ends what it left.

Messages are JSON lines. In: `{"op": "run", "id", "mode": "call" | "exec" | "shell", "job"}`,
`{"op": "end", "id", "grace"}`. Out: `{"ready": true, ...}` once, and for each job
`{"id", "starting": true}`, `{"id", "pid"}`, `{"id", "status", "result", "left", ...}`.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from . import child, process
from .running import Running, owner_of

#: Seconds that what a stage left running has to end by itself: helpers such as the resource
#: tracker of multiprocessing end a moment after the stage.
LINGER_SECONDS = 0.3
#: Seconds for which ended processes may resist SIGKILL before they are given up (NFS, drivers).
GIVE_UP_SECONDS = 10.0
#: A job's result is read to this size; tracebacks are cut long before.
RESULT_BYTES = 32 << 20


class Supervisor:
    """Serves jobs from a socket. Single-threaded; ends with everything it started once the
    other side of the socket is closed.
    """

    def __init__(self, descriptor: int, parent: int) -> None:
        self._descriptor = descriptor
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)
        self._parent = parent
        self._in = bytearray()
        self._out = bytearray()
        self._jobs: dict[int, Running] = {}  # by pid
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        self._oom_kills = 0
        self._grace = 5.0

    def serve(self, prepare: Callable[[], dict[str, Any]]) -> None:
        """Prepare, say so, and serve until the other side closes."""
        process.load()
        # while packages are imported nothing else runs yet: simply die
        process.die_with_parent(signal.SIGKILL)
        if os.getppid() != self._parent:
            return
        gc.disable()
        report = prepare()
        if report.get("spoiled") is None:
            self._take_signals()
            process.adopt_orphans()
            self._oom_kills = process.oom_kills()
            child.prepare()
            gc.collect()
            gc.freeze()
        self._socket.setblocking(False)
        self._send(dict(report, ready=True))
        self._loop()
        self._end_everything()

    def _take_signals(self) -> None:
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, _ignore)
        # meant for a stage, or sent to all of a tool's processes: our end is the socket's
        signal.signal(signal.SIGINT, _ignore)
        signal.signal(signal.SIGTERM, self._on_end)
        signal.signal(signal.SIGUSR2, self._on_orphaned)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        # from here on there are groups to end first, which SIGKILL would not let us do
        process.die_with_parent(signal.SIGUSR2)
        if os.getppid() != self._parent:
            self._closed = True

    def _on_end(self, *_: Any) -> None:
        self._closed = True

    def _on_orphaned(self, *_: Any) -> None:
        # sent as well when only the thread that started us has ended
        if os.getppid() != self._parent:
            self._closed = True

    def _loop(self) -> None:
        while not self._closed:
            poller = select.poll()
            poller.register(self._socket, select.POLLIN | (select.POLLOUT if self._out else 0))
            poller.register(self._wake_read, select.POLLIN)
            by_descriptor = {}
            for job in self._jobs.values():
                if job.read >= 0:
                    poller.register(job.read, select.POLLIN)
                    by_descriptor[job.read] = job
            ended = False
            for descriptor, _ in poller.poll(self._patience()):
                if descriptor == self._wake_read:
                    ended = True
                elif descriptor in by_descriptor:
                    ended = self._read_result(by_descriptor[descriptor]) or ended
                else:
                    self._flush()
                    self._receive()
            if ended:
                # before they are reaped: who ends after that wakes us again
                _drain(self._wake_read)
            self._reap()
            self._advance()

    def _patience(self) -> float | None:
        """Milliseconds until something is due, None for never."""
        due = []
        for job in self._jobs.values():
            if job.status is None and job.deadline is not None and not job.timed_out:
                due.append(job.deadline)
            if job.kill_at is not None:
                due.append(job.kill_at)
            if job.status is not None or job.gave_up is not None:
                # orphans wake us as they end, but where the system does not let us adopt them
                due.append(time.monotonic() + 0.02)
        return max(0.0, min(due) - time.monotonic()) * 1000 + 1 if due else None

    # --- messages --------------------------------------------------------------------------

    def _send(self, message: dict[str, Any]) -> None:
        self._out += json.dumps(message).encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        try:
            while self._out:
                del self._out[: self._socket.send(self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self._closed = True

    def _flush_all(self) -> None:
        """Hand everything to the kernel, so that it arrives even if we die next."""
        while self._out and not self._closed:
            self._flush()
            if self._out:
                poller = select.poll()
                poller.register(self._socket, select.POLLOUT)
                poller.poll(1000)

    def _receive(self) -> None:
        while True:
            try:
                data = self._socket.recv(1 << 18)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._closed = True  # what was asked for just before is no longer wanted
                return
            self._in += data
        *lines, rest = self._in.split(b"\n")
        self._in = bytearray(rest)
        for line in lines:
            self._handle(json.loads(line.decode()))

    def _handle(self, message: dict[str, Any]) -> None:
        if message["op"] == "run":
            self._run(message["id"], message["mode"], message)
            return
        for job in self._jobs.values():
            if job.number == message["id"]:
                self._end(job, message["grace"])

    # --- a job's life ----------------------------------------------------------------------

    def _run(self, number: int, mode: str, message: dict[str, Any]) -> None:
        job = message["job"]
        self._grace = message.get("grace", self._grace)
        child.places_of(job)
        # said before the fork: whoever has not read this knows that nothing of the job ran
        self._send({"id": number, "starting": True})
        self._flush_all()
        try:
            read, write = os.pipe()
            pid = os.fork()
        except OSError as error:
            result = {"error": f"cannot start a process: {error.strerror}"}
            self._send({"id": number, "status": None, "result": result})
            return
        if pid == 0:
            self._become_child(number, mode, message, write)
        os.close(write)
        os.set_blocking(read, False)
        running = Running(number, pid, read, job["timeout"])
        running.report = child.report_path(job, pid)
        self._jobs[pid] = running
        self._send({"id": number, "pid": pid})

    def _become_child(self, number: int, mode: str, message: dict[str, Any], write: int) -> None:
        """In the forked process; never returns."""
        try:
            server = os.getppid()
            process.die_with_parent(signal.SIGKILL)
            os.setsid()
            process.set_name(f"pivot-{number}")
            process.default_signals()
            for descriptor in (self._descriptor, self._wake_read, self._wake_write):
                os.close(descriptor)
            for other in self._jobs.values():
                if other.read >= 0:
                    os.close(other.read)
            if os.getppid() == server:
                child.run(mode, message, write)
        finally:
            os._exit(70)

    def _read_result(self, job: Running) -> bool:
        """Whether all of it has been read."""
        try:
            while len(job.result) < RESULT_BYTES:
                data = os.read(job.read, 1 << 16)
                if not data:
                    os.close(job.read)
                    job.read = -1
                    return True
                job.result += data
        except BlockingIOError:
            pass
        return False

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            job = self._jobs.get(pid)
            if job is None:
                continue  # an orphan of some job
            job.status = status
            job.seconds = time.monotonic() - job.started
            if job.read >= 0:
                self._read_result(job)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                kills = process.oom_kills()
                job.oom, self._oom_kills = kills > self._oom_kills, kills
            if job.kill_at is None:
                job.kill_at = time.monotonic() + LINGER_SECONDS

    def _advance(self) -> None:
        """Do what is due for each job; report those of which nothing is left."""
        now = time.monotonic()
        for job in list(self._jobs.values()):
            if job.status is None:
                if job.deadline is not None and now >= job.deadline and not job.timed_out:
                    job.timed_out = True
                    self._end(job, self._grace)
                if job.kill_at is not None and now >= job.kill_at:
                    process.signal_group(job.pid, signal.SIGKILL)
                    job.kill_at = now + 1.0
                continue
            orphans = self._orphans(job)
            if job.ending:
                for pid in orphans:
                    if pid not in job.told:
                        job.told.append(pid)
                        process.signal_process(pid, signal.SIGTERM)
            if orphans or process.group_exists(job.pid):
                if job.kill_at is not None and now >= job.kill_at:
                    self._kill_rest(job, orphans, now)
                if job.gave_up is None or now < job.gave_up:
                    continue
            self._report(job)

    def _end(self, job: Running, grace: float) -> None:
        """Ask a job's whole group to end, and set when it will be made to."""
        now = time.monotonic()
        job.ending = True
        if grace > 0:
            process.signal_group(job.pid, signal.SIGTERM)
            process.signal_group(job.pid, signal.SIGCONT)  # a stopped one could not hear it
            if job.kill_at is None:
                job.kill_at = now + grace
        else:
            process.signal_group(job.pid, signal.SIGKILL)
            job.kill_at = now

    def _orphans(self, job: Running) -> list[int]:
        """Adopted processes outside of the groups, which `job` left behind in other sessions."""
        unknown = [pid for pid in process.children() if pid not in self._jobs]
        mine = []
        for pid in unknown:
            owner = owner_of(pid)
            # one that cannot be told is ended with whichever job ends while nothing else runs
            if process.is_running(pid) and (
                owner == job.number or (owner is None and len(self._jobs) == 1)
            ):
                mine.append(pid)
        return mine

    def _kill_rest(self, job: Running, orphans: list[int], now: float) -> None:
        pids = [pid for pid in process.members(job.pid) if pid not in orphans] + orphans
        for pid in pids:
            text = process.command_line(pid)
            if len(job.left) < 20 and text not in job.left:
                job.left.append(text)
        if not pids and not job.left:
            job.left.append("a process of its group")
        process.signal_group(job.pid, signal.SIGKILL)
        for pid in orphans:
            process.signal_process(pid, signal.SIGKILL)
        job.kill_at = now + 0.05
        if job.gave_up is None:
            job.gave_up = now + GIVE_UP_SECONDS

    def _report(self, job: Running) -> None:
        del self._jobs[job.pid]
        if job.read >= 0:
            os.close(job.read)
        result: Any = None
        if job.result:
            # else the process ended in the middle of it; its status says how
            with contextlib.suppress(ValueError):
                result = json.loads(job.result.decode())
        if job.report is not None:
            with contextlib.suppress(OSError):
                os.unlink(job.report)
        self._send(
            {
                "id": job.number,
                "status": job.status,
                "result": result,
                "left": job.left,
                "timed_out": job.timed_out,
                "seconds": job.seconds,
                "oom": job.oom,
            }
        )

    def _end_everything(self) -> None:
        """Kill every group and wait for them: nobody is there any more to hear of it."""
        self._socket.close()
        until = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < until:
            for pid in self._jobs:
                process.signal_group(pid, signal.SIGKILL)
            orphans = [pid for pid in process.children() if pid not in self._jobs]
            for pid in orphans:
                process.signal_process(pid, signal.SIGKILL)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                if not any(process.group_exists(pid) for pid in self._jobs):
                    return
            time.sleep(0.002)


def _ignore(*_: Any) -> None:
    pass


def _drain(descriptor: int) -> tuple[()]:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass
    return ()
