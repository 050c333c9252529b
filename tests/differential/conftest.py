"""One process of each tool for all tests of a worker."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import DVC, Both, Server, serve_dvc, serve_pivot


@pytest.fixture(scope="session")
def dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not os.path.exists(DVC):
        pytest.skip("PIVOT_TEST_DVC names no DVC")
    process = serve_dvc(tmp_path_factory.mktemp("dvc"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def pivot() -> Iterator[Server]:
    process = serve_pivot()
    yield process
    process.close()


@pytest.fixture
def both(tmp_path: Path, dvc: Server, pivot: Server) -> Callable[[str], Both]:
    """A new project in which both tools can work."""

    def make(name: str) -> Both:
        project = Both(tmp_path / name, dvc, pivot)
        project.start()
        return project

    return make


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of what was generated, over all workers."""
    from corners import NAMES

    counts: Counter[tuple[int, str]] = Counter()
    cases = 0
    reports = [report for found in terminalreporter.stats.values() for report in found]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "distribution" and report.when == "call":
                for corner, verdict, number in value:
                    counts[corner, verdict] += number
            elif name == "cases" and report.when == "call":
                cases += value
    if not cases:
        return
    terminalreporter.section("generated cases")
    terminalreporter.write_line(f"{'corner':>6}  {'':24} {'accepted':>8} {'refused':>8}")
    for corner, name in NAMES.items():
        accepted, refused = counts[corner, "accepted"], counts[corner, "refused"]
        terminalreporter.write_line(f"{corner:>6}  {name:24} {accepted:>8} {refused:>8}")
    terminalreporter.write_line(f"{cases} cases")
