"""One process of each tool for all tests of a worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

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
