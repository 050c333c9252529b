"""Hashing and storing, against loops that do nothing else."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from pivot.digest import hash_file, new_hasher
from pivot.store import LocalCache

from .measuring import Cost, in_turn
from .report import Report


def _timed(work: Callable[[], object]) -> Callable[[], Cost]:
    def call() -> Cost:
        before, started = _cpu(), time.perf_counter()
        work()
        return Cost(time.perf_counter() - started, _cpu() - before, 0)

    return call


def hashing(root: Path, report: Report, megabytes: int = 512) -> None:
    """One large file: Pivot's reading against the hash library with the best buffer."""
    path = root / "large.bin"
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))

    def bare() -> None:
        hasher = new_hasher("xxh128")
        buffer = bytearray(4 << 20)
        view = memoryview(buffer)
        with path.open("rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                hasher.update(view[:count])

    found = in_turn(
        {"bare": _timed(bare), "pivot": _timed(lambda: hash_file("xxh128", str(path)))}, 7
    )
    report.add(f"floor: hash loop over {megabytes} MB", found["bare"])
    row = report.add(f"hashing {megabytes} MB", found["pivot"], floor=found["bare"])
    report.promise(
        "hashing: 80 % of the library's speed", found["pivot"].wall / found["bare"].wall, 1.25, row
    )
    path.unlink()


def storing(root: Path, report: Report, files: int = 10_000) -> None:
    """A folder of many small files into the cache, against reading and writing each."""

    def source(number: int) -> Path:
        folder = root / f"source-{number}"
        for index in range(files):
            path = folder / f"{index % 100}/{index}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(4096))
        return folder

    def bare(folder: Path, target: Path) -> None:
        for index in range(files):
            data = (folder / f"{index % 100}/{index}.bin").read_bytes()
            place = target / f"{index % 256:02x}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index}.bin").write_bytes(data)

    costs: dict[str, list[Cost]] = {"bare": [], "pivot": []}
    for number in range(3):
        folder = source(number)
        costs["bare"].append(_timed(lambda f=folder, n=number: bare(f, root / f"bare-{n}"))())
        cache = LocalCache(str(root / f"cache-{number}"), algorithm="xxh128")
        costs["pivot"].append(_timed(lambda f=folder, c=cache: c.add(str(f)))())
    from .measuring import Costs

    floor, ours = Costs(tuple(costs["bare"])), Costs(tuple(costs["pivot"]))
    report.add(f"floor: {files:,} files of 4 KB read and written", floor)
    row = report.add(f"{files:,} files of 4 KB into the cache", ours, floor=floor)
    report.promise("small files: 2 x read and write", ours.cpu / floor.cpu, 2.0, row)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
