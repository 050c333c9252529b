"""Three clones of one repository, worked on by `dvc repro` and `pivot repro`, edits and git merges."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from peers import DVC, Server
from team import Team, collaborate, found_team

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory, dvc: Server, pivot: Server) -> Path:
    folder = tmp_path_factory.mktemp("team")
    found_team(folder, dvc, pivot)
    return folder


@pytest.mark.parametrize(
    ("seed", "rounds"),
    [
        *((seed, 2) for seed in range(3)),
        *(pytest.param(n, 5, marks=pytest.mark.thorough) for n in range(100, 200)),
    ],
)
def test_three_clones(
    founded: Path, tmp_path: Path, dvc: Server, pivot: Server, seed: int, rounds: int
) -> None:
    folder = tmp_path / "team"
    shutil.copytree(founded, folder, symlinks=True)
    collaborate(Team(folder, dvc, pivot, seed), rounds)
