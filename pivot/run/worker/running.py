"""One job's process as its supervisor sees it, and telling whose a stray process is."""

from __future__ import annotations

import os
import time

from . import process


class Running:
    """One job's process, from its fork until nothing of its group is left."""

    __slots__ = (
        "deadline",
        "ending",
        "gave_up",
        "kill_at",
        "left",
        "number",
        "oom",
        "pid",
        "read",
        "report",
        "result",
        "seconds",
        "started",
        "status",
        "timed_out",
        "told",
    )

    def __init__(self, number: int, pid: int, read: int, timeout: float | None) -> None:
        self.number = number
        self.pid = pid
        self.read = read
        self.result = bytearray()
        self.started = time.monotonic()
        self.deadline = None if timeout is None else self.started + timeout
        self.kill_at: float | None = None  # when what is left of the group gets SIGKILL
        self.status: int | None = None  # of the leader, once it ended
        self.seconds = 0.0
        self.timed_out = False
        self.ending = False  # on our demand
        self.told: list[int] = []  # processes outside of the group that were asked to end
        self.left: list[str] = []
        self.gave_up: float | None = None
        self.oom = False
        self.report: str | None = None


def owner_of(pid: int) -> int | None:
    """The number of the job that process `pid` descends from, as far as it can be told."""
    marker = process.environment(pid).get(b"PIVOT_JOB", b"").decode("utf-8", "replace")
    run, _, number = marker.rpartition("-")
    if run == os.environ.get("PIVOT_RUN_ID") and number.isdigit():
        return int(number)
    name = process.name_of(pid)
    if name.startswith("pivot-") and name[6:].isdigit():
        return int(name[6:])
    return None
