"""What was measured, against what was promised, as one table."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from .measuring import Cost, Costs


@dataclass
class Row:
    """One line: what was done, by whom, what it cost, and the promise it is held to."""

    what: str
    cost: Costs
    stages: int
    floor: Costs | None = None
    promise: str = ""
    kept: bool | None = None


@dataclass
class Report:
    """All lines so far, and the remarks below them."""

    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(
        self, what: str, cost: Costs | Cost, stages: int = 0, floor: Costs | None = None
    ) -> Row:
        """A line without a promise; printed at once, since the whole takes its time."""
        costs = Costs((cost,)) if isinstance(cost, Cost) else cost
        row = Row(what, costs, stages, floor)
        self.rows.append(row)
        print(f"  {_line(row)}", file=sys.stderr, flush=True)
        return row

    def promise(self, text: str, value: float, most: float, row: Row | None = None) -> None:
        """Hold `value` to a promise: at most `most`."""
        kept = value <= most
        if row is not None:
            row.promise = f"{row.promise}; {text}" if row.promise else text
            row.kept = kept and row.kept is not False
        word = "kept" if kept else "MISSED"
        self.remarks.append(f"{word}: {text} (measured {value:.2f}, at most {most:g})")
        print(f"    {self.remarks[-1]}", file=sys.stderr, flush=True)

    def demand(self, text: str, kept: bool) -> None:
        """A promise that is kept or not."""
        self.remarks.append(f"{'kept' if kept else 'MISSED'}: {text}")
        print(f"    {self.remarks[-1]}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """A remark."""
        self.remarks.append(text)
        print(f"    {text}", file=sys.stderr, flush=True)

    @property
    def missed(self) -> list[str]:
        return [text for text in self.remarks if text.startswith("MISSED")]

    def markdown(self) -> str:
        """The table, the remarks, and where and when it was."""
        lines = [
            f"{date.today().isoformat()}, {_machine()}, Python {platform.python_version()}. "
            "Medians; the spread is that of processor time.",
            "",
            "| work | stages | wall ms | CPU ms | spread | CPU / floor | promise |",
            "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
        ]
        for row in self.rows:
            ratio = f"{row.cost.cpu / row.floor.cpu:.2f}" if row.floor else ""
            promise = row.promise
            if row.kept is not None:
                promise += " - kept" if row.kept else " - **missed**"
            spread = f"{row.cost.spread:.0%}" if len(row.cost.all) > 1 else ""
            lines.append(
                f"| {row.what} | {row.stages or ''} | {row.cost.wall * 1000:,.0f} "
                f"| {row.cost.cpu * 1000:,.0f} | {spread} | {ratio} | {promise} |"
            )
        return "\n".join([*lines, "", *(f"- {text}" for text in self.remarks)]) + "\n"


def _line(row: Row) -> str:
    ratio = f"  {row.cost.cpu / row.floor.cpu:.2f} x floor" if row.floor else ""
    return (
        f"{row.what:<58} {row.cost.wall * 1000:>9,.0f} ms  "
        f"{row.cost.cpu * 1000:>9,.0f} ms CPU{ratio}"
    )


def _machine() -> str:
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    import os

    return f"{os.cpu_count()} x {model}, {platform.system()} {platform.release().split('-')[0]}"
