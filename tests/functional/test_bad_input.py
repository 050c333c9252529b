"""Wrong input: one clear message, exit code 2, no traceback, and nothing changed on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from bad_inputs import CASES, PROJECT, Case
from harness import Sandbox


def snapshot(root: Path) -> dict[str, object]:
    """All that lies in the project, but for git's index and Pivot's own caches."""
    found: dict[str, object] = {}
    for folder, names, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside == ".":
            names[:] = [name for name in names if name != ".git"]
        if inside == ".pivot":
            names[:] = [name for name in names if name not in ("tmp", "logs", "cache")]
            files = [name for name in files if name not in (".gitignore", "state.db")]
        if inside == ".dvc":
            names[:] = [name for name in names if name != "tmp"]  # DVC's own lock lies there
        for name in [*names, *files]:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            place = os.path.relpath(path, root)
            if place == ".pivot":
                continue
            if stat.S_ISREG(mode):
                found[place] = (mode, Path(path).read_bytes())
            else:
                found[place] = (mode, os.readlink(path) if stat.S_ISLNK(mode) else None)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_input_is_explained_and_changes_nothing(case: Case, project: Sandbox) -> None:
    project.write(PROJECT).write(case.files)
    if case.spoil is not None:
        case.spoil(project)
    before = snapshot(project.root)

    result = project.run(*case.command)

    assert result.code == case.code, result
    for text in case.says:
        assert text in result.stderr, result
    assert "Traceback" not in result.stdout + result.stderr
    assert "a defect of Pivot's own" not in result.stderr
    assert snapshot(project.root) == before


def test_names_of_cases_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    assert len(names) > 80


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(project: Sandbox) -> None:
    project.write(PROJECT)
    (project.root / "raw.txt").chmod(0)
    result = project.run("repro").ended(1)
    assert "raw.txt" in result.stderr
