"""What functional tests start from: an empty project."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Sandbox

#: Tests that start processes by the hundred, most of it to go again through what others measure.
#: Coverage would take more than half of their time.
UNMEASURED = frozenset(
    {
        "test_bad_input",
        "test_cache_correctness",
        "test_cache_random",
        "test_change_detection",
        "test_cli_bare",
        "test_cli_revisions",
        "test_code_tracking",
        "test_concurrency",
        "test_crash_random",
        "test_crash_steps",
        "test_disk_trouble",
        "test_edits_during_run",
        "test_example_ci",
        "test_example_flights",
        "test_example_penguins",
        "test_example_typed",
        "test_impact_random",
        "test_incremental_outs",
        "test_interrupts",
        "test_mutation",
        "test_processes",
        "test_programs",
        "test_remotes",
        "test_sharing_faults",
        "test_typed_stages",
    }
)


@pytest.fixture(autouse=True)
def measured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the processes that a test starts count for coverage."""
    if request.module.__name__ in UNMEASURED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    """An empty project in a git repository of its own."""
    return Sandbox(tmp_path / "project")
