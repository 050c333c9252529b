"""One DVC process for all tests of a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from peers import DVC, Both, Dvc


@pytest.fixture(scope="session")
def dvc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dvc]:
    if not os.path.exists(DVC):
        pytest.skip("PIVOT_TEST_DVC names no DVC")
    process = Dvc(tmp_path_factory.mktemp("dvc"))
    yield process
    process.close()


@pytest.fixture
def both(tmp_path: Path, dvc: Dvc) -> Callable[[str], Both]:
    """A new project in which both tools can work."""

    def make(name: str) -> Both:
        project = Both(tmp_path / name, dvc)
        project.start()
        return project

    return make
