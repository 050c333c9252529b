"""What functional tests start from: an empty project."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import PIVOT, Sandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if not PIVOT.exists() and any(here in item.path.parents for item in items):
        pytest.exit(f"{PIVOT} is missing: `pip install -e '.[dev,examples]'`, or `make test`", 2)


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    """An empty project in a git repository of its own."""
    return Sandbox(tmp_path / "project")
