"""What it costs to write down N results: a lock for each, against one file for all."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import yaml

from pivot.digest import Digest
from pivot.disk import write_atomic
from pivot.lockfile import dumps
from pivot.model import StageKey, StageRecord

from .measuring import Cost
from .report import Report


def record(number: int) -> StageRecord:
    dep = Digest("xxh128", f"{number:032x}", "file", 300)
    key = StageKey(
        f"steps.stage_{number}", "python", ".", {"source": f"dep data/in_{number}.txt"},
        f"xxh128:{number:032x}", {"": {"factor": 3}}, {f"data/in_{number}.txt": dep},
        (f"out/o_{number}.txt",), {},
    )  # fmt: skip
    return StageRecord(f"stage_{number}", key, {f"out/o_{number}.txt": dep})


def one_each(folder: Path, count: int) -> None:
    for number in range(count):
        text = dumps(record(number)).encode()
        write_atomic(str(folder / f"stage_{number}.lock"), text)


def one_for_all(folder: Path, count: int, loader: type, dumper: type) -> None:
    """As dvc.lock is kept: read, one entry replaced, and written, after each stage."""
    path = folder / "all.lock"
    for number in range(count):
        content = {}
        if path.exists():
            content = yaml.load(path.read_bytes(), Loader=loader)
        entry = {"path": f"data/in_{number}.txt", "hash": "xxh128", "digest": f"{number:032x}"}
        content[f"stage_{number}"] = {"deps": [entry], "outs": [entry], "params": {"factor": 3}}
        write_atomic(str(path), yaml.dump(content, Dumper=dumper).encode())


def measure(root: Path, report: Report, *, most: int = 1000) -> None:
    """At N = 10, 100 and 1,000; with the fastest YAML there is, in C."""
    totals: dict[tuple[str, int], float] = {}
    for count in (10, 100, 1000):
        if count > most:
            continue
        for name, work in (
            ("a lock for each", one_each),
            ("one YAML lock for all", _for_all),
        ):
            folder = root / f"locks-{name.replace(' ', '-')}-{count}"
            folder.mkdir()
            before, started = _cpu(), time.perf_counter()
            work(folder, count)
            cost = Cost(time.perf_counter() - started, _cpu() - before, 0)
            totals[name, count] = cost.cpu
            report.add(f"writing N results: {name}", cost, count)
        ratio = totals["one YAML lock for all", count] / totals["a lock for each", count]
        report.note(f"{count} results: per-stage locks are written {ratio:,.0f} x as fast")


def _for_all(folder: Path, count: int) -> None:
    one_for_all(folder, count, yaml.CSafeLoader, yaml.CSafeDumper)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
