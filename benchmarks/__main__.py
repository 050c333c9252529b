"""`python -m benchmarks`: measures everything, prints one table, ends with 1 if a promise broke."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from . import impact, locks, monorepo, remotes, storing
from .peers import CACHE
from .report import Report
from .work import Bench

SECTIONS = (
    "start",
    "idle",
    "changes",
    "shapes",
    "data",
    "locks",
    "storing",
    "monorepo",
    "impact",
    "remotes",
    "peers",
    "growth",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--stages", type=int, default=1000)
    parser.add_argument("--times", type=int, default=9, help="runs of what is short")
    parser.add_argument("--folder", type=Path, help="where to work (default: .cache/bench)")
    options = parser.parse_args()
    wanted = set(options.sections) or set(SECTIONS)
    if not wanted <= set(SECTIONS):
        parser.error(f"sections are {', '.join(SECTIONS)}")
    above = options.folder or CACHE / "bench"
    above.mkdir(parents=True, exist_ok=True)
    # files made where many have just been deleted cost ten times as much: a new folder each time
    root = Path(tempfile.mkdtemp(prefix="run-", dir=above))
    report = Report()
    try:
        measure(Bench(root, report, options.times), wanted, options.stages)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        print(report.markdown())
    return 1 if report.missed else 0


def measure(bench: Bench, wanted: set[str], stages: int) -> None:
    """The sections that are wanted, in the order in which later ones use earlier results."""
    report = bench.report
    if "start" in wanted:
        bench.start_up()
    if wanted & {"idle", "changes", "peers", "growth"}:
        _, cost_small = bench.first_run(stages // 10)
        folder, cost = bench.first_run(stages, most=5.0 if stages == 1000 else None)
        each = (cost.cpu / stages) / (cost_small.cpu / (stages // 10))
        report.promise("first run: cost of a stage constant in N (1.2 x)", each, 1.2)
        found = bench.nothing(folder, stages)
        floor = found["floor: import typer + stat loop"]
        ordinary = found["nothing to do, ordinary path: pivot repro"]
        bench.must_find(folder, "nothing to do", stages)
        if "changes" in wanted:
            bench.changes(
                folder, stages, found["nothing to do, ordinary path: pivot repro -n"], floor
            )
        if "peers" in wanted:
            bench.peers(stages, found["nothing to do: pivot repro"])
        if "growth" in wanted:
            large, first = bench.first_run(stages * 10)
            more = bench.nothing(large, stages * 10)
            for name in ("nothing to do: pivot repro", "nothing to do, ordinary path: pivot repro"):
                ratio = more[name].cpu / found[name].cpu
                report.promise(f"{name}: {stages * 10:,} stages at most 8 x {stages:,}", ratio, 8.0)
            ordinary = more["nothing to do, ordinary path: pivot repro"]
            most = max(first.megabytes, ordinary.megabytes)
            report.promise("memory at 10,000 stages, first run included: 300 MB", most, 300)
            bench.must_find(large, "nothing to do", stages * 10)
    if "shapes" in wanted:
        bench.shapes(stages)
    if "data" in wanted:
        if stages >= 1000:
            bench.large_data(100_000, 5 << 30)
        else:
            bench.large_data(1000, 64 << 20)
    if "locks" in wanted:
        locks.measure(bench.root, report)
    if "monorepo" in wanted:
        monorepo.measure(bench.root, report, bench.times)
    if "impact" in wanted:
        impact.measure(bench.root, report, bench.times, stages)
    if "remotes" in wanted:
        remotes.measure(bench.root, report, min(5, bench.times), 1024 if stages >= 1000 else 256)
    if "storing" in wanted:
        storing.hashing(bench.root, report)
        storing.storing(bench.root, report)


if __name__ == "__main__":
    sys.exit(main())
