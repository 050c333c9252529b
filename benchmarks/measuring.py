"""Running processes and saying what they cost."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, seconds of processors with all children, and megabytes."""

    wall: float
    cpu: float
    megabytes: float


@dataclass(frozen=True)
class Costs:
    """Several runs of one thing."""

    all: tuple[Cost, ...]

    @property
    def wall(self) -> float:
        return statistics.median(cost.wall for cost in self.all)

    @property
    def cpu(self) -> float:
        return statistics.median(cost.cpu for cost in self.all)

    @property
    def spread(self) -> float:
        """Slowest minus fastest, of processor time, as a part of the median."""
        times = [cost.cpu for cost in self.all]
        return (max(times) - min(times)) / self.cpu if self.cpu else 0.0

    @property
    def megabytes(self) -> float:
        return max(cost.megabytes for cost in self.all)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What measured processes are given: nothing that makes Python slower or faster."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIVOT_", "DVC_", "GIT_", "VIRTUAL_ENV"))
    }
    return {**kept, "DVC_NO_ANALYTICS": "1", "CI": "1", **(more or {})}


def run(
    command: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    expect: int | None = 0,
    limit: float = 1800,
    output: Callable[[str], None] | None = None,
) -> Cost:
    """Run a command to its end. Raises RuntimeError where it does not end with `expect`."""
    log = folder.parent / f"{folder.name}.log"
    started = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(env), stdin=subprocess.DEVNULL, stdout=stream,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG if limit < 1800 else 0)
            if done:
                break
            if time.perf_counter() - started > limit:
                os.killpg(process.pid, signal.SIGKILL)
                _, status, usage = os.wait4(process.pid, 0)
                break
            time.sleep(0.05)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if output is not None:
        output(log.read_text(errors="replace"))
    if expect is not None and process.returncode != expect:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turn(works: Mapping[str, Callable[[], Cost]], times: int) -> dict[str, Costs]:
    """Each of several works several times, one after the other, so that all see the same noise."""
    found: dict[str, list[Cost]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            found[name].append(work())
    return {name: Costs(tuple(costs)) for name, costs in found.items()}


def touch_and_copy(folder: Path, touched: str, copied: str) -> None:
    """Touch one file, and replace another by an identical copy with its modification time."""
    (folder / touched).touch()
    path = folder / copied
    beside = path.with_name(path.name + ".copy")
    shutil.copy2(path, beside)
    beside.replace(path)


def hidden_edit(path: Path) -> None:
    """Change a file, keeping its size and its modification time."""
    before = path.stat()
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
