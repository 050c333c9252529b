"""What one tool made, the other one checks out, pushes and pulls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import DVC, Both, Server
from test_repro_dvc import Project

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Make = Callable[[str], Both]
EDITS = (
    Project.edit_data, Project.edit_listed_script, Project.edit_param, Project.edit_command,
    Project.edit_whole_file, Project.toggle_dep, Project.toggle_param,
)  # fmt: skip
#: What the cache has: tracked data, and outs but those with `cache: false`.
CACHED = ("data/raw.csv", "data/clean.txt", "models", "parts/x", "parts/y", "exec")
EXECUTABLE = """\
  exec:
    cmd: printf '#!/bin/sh\\r\\n' > exec && chmod +x exec
    outs: [exec]
"""


def made(both: Both, seed: int) -> Project:
    """A project that random edits have changed a little, with an executable out."""
    project = Project(both, seed)
    for _ in range(3):
        project.random.choice(EDITS)(project)
    both.write({"dvc.yaml": both.read("dvc.yaml") + EXECUTABLE})
    both.dvc("add", "-q", "data/raw.csv").well()
    both.dvc("remote", "add", "-q", "-d", "store", "../store").well()
    return project


def contents(both: Both, *paths: str) -> dict[str, tuple[bytes, bool]]:
    """Each file below the paths with its bytes, and whether it is executable."""
    found = {}
    for path in paths:
        place = both.root / path
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.is_file():
                name = str(file.relative_to(both.root))
                found[name] = file.read_bytes(), os.access(file, os.X_OK)
    return found


def clone_of(both: Both, dvc: Server, pivot: Server) -> Both:
    other = Both(both.root.parent / f"{both.root.name}-clone", dvc, pivot)
    both.git("clone", "-q", str(both.root), str(other.root))
    return other


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.thorough) for n in range(100, 115))]
)
@pytest.mark.parametrize("maker", ["dvc", "pivot"])
def test_there_and_back(both: Make, dvc: Server, pivot: Server, maker: str, seed: int) -> None:
    project = both("project")
    made(project, seed)
    by_dvc = maker == "dvc"
    project.dvc("repro", "-q").well() if by_dvc else project.pivot("repro").well()
    results = contents(project, *CACHED)
    assert len(results) == 7

    # the other tool, from the cache of the first into an emptied tree
    for path in CACHED:
        project.remove(path)
    project.pivot("checkout").well() if by_dvc else project.dvc("checkout", "-q").well()
    assert contents(project, *CACHED) == results
    assert project.dvc_changed() == {}
    assert {stage["state"] for stage in project.states().values()} == {"fresh"}

    # by way of a remote: DVC pushes whatever made it, and a clone has it all
    project.commit()
    project.dvc("push", "-q").well()
    clone = clone_of(project, dvc, pivot)
    clone.dvc("pull", "-q").well()
    assert contents(clone, *CACHED) == results
    assert clone.dvc_changed() == {}
    assert {stage["state"] for stage in clone.states().values()} == {"fresh"}
    done = clone.pivot("repro", "--json").well()
    assert '"ran"' not in done.out
