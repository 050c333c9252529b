"""What functional tests start from: an empty project."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Sandbox


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    """An empty project in a git repository of its own."""
    return Sandbox(tmp_path / "project")
