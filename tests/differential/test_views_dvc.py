"""What both tools show of one project: the graph, and data that changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from peers import DVC, Both
from test_migration_dvc import typical
from test_repro_dvc import Project

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Make = Callable[[str], Both]


def edges_by_dvc(both: Both) -> tuple[set[str], set[tuple[str, str]]]:
    text = both.dvc("dag", "--dot").well().out
    edges = set(re.findall(r'"([^"]+)" -> "([^"]+)"', text))
    nodes = set(re.findall(r'"([^"]+)";', text)) | {name for edge in edges for name in edge}
    return nodes, {(below, above) for above, below in edges}


@pytest.mark.parametrize("which", ["typical", "random"])
def test_the_same_graph(both: Make, which: str) -> None:
    project = both("project")
    typical(project) if which == "typical" else Project(project, 0)
    nodes, edges = edges_by_dvc(project)
    found = project.pivot("dag", "--json").well().json
    assert set(found["nodes"]) == nodes
    assert {(below, above) for below, above in found["edges"]} == edges
    listed = project.pivot("list", "--json").well().json["stages"]
    assert {stage["name"] for stage in listed} == nodes


def test_tracked_data_as_both_see_it(both: Make) -> None:
    project = both("project")
    project.write({"data/a": "1", "data/b": "2", "one.txt": "x"})
    project.pivot("track", "data", "one.txt").well()
    assert project.dvc_changed() == {}
    theirs = both("theirs")
    theirs.write({"data/a": "1", "data/b": "2", "one.txt": "x"})
    theirs.dvc("add", "-q", "data", "one.txt").well()
    for record in ("data.dvc", "one.txt.dvc", ".gitignore"):
        assert project.read(record) == theirs.read(record)
    for each in (project, theirs):
        each.write({"data/a": "changed"})
        each.remove("one.txt")
    found = project.pivot("status", "--json").well().json["tracked"]
    assert {data["name"]: data["state"] for data in found} == {
        "data.dvc": "changed",
        "one.txt.dvc": "missing",
    }
    assert set(project.dvc_changed()) == {"data.dvc", "one.txt.dvc"}
    project.pivot("track", "data").well()
    theirs.dvc("add", "-q", "data").well()
    assert project.read("data.dvc") == theirs.read("data.dvc")
    project.pivot("checkout", "one.txt").well()
    assert project.dvc_changed() == {}
    project.pivot("untrack", "data").well()
    assert project.read("data/a") == "changed"
    assert "/data" not in project.read(".gitignore")


def test_autostage_and_a_shared_cache(both: Make, tmp_path: Path) -> None:
    project = typical(both("project"))
    project.dvc("config", "core.autostage", "true").well()
    project.dvc("cache", "dir", "--local", str(tmp_path / "shared")).well()
    project.pivot("repro", "-P").well()
    staged = project.git("diff", "--cached", "--name-only").split()
    assert {"dvc.lock", "sub/dvc.lock"} <= set(staged)
    assert any((tmp_path / "shared/files/md5").iterdir())
    assert project.dvc_changed() == {}


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_links_into_the_cache(both: Make, link: str) -> None:
    project = typical(both("project"))
    project.dvc("config", "cache.type", link).well()
    project.pivot("repro", "-P").well()
    assert project.dvc_changed() == {}
    out = project.root / "models/linear.txt"
    assert out.is_symlink() if link == "symlink" else out.stat().st_nlink == 2
    project.write(
        {"params.yaml": "prepare: {factor: 3}\n", "src/common.py": "def read():\n    return 'z'\n"}
    )
    project.pivot("repro", "-P").well()
    assert project.dvc_changed() == {}


def test_a_failed_run_leaves_what_succeeded(both: Make) -> None:
    project = both("project")
    project.write(
        {
            "dvc.yaml": "stages:\n  good: {cmd: echo 1 > a, outs: [a]}\n"
            "  bad: {cmd: 'false', deps: [a], outs: [b]}\n"
        }
    )
    assert project.pivot("repro").code == 1
    changed = project.dvc_changed()
    assert "good" not in changed
    assert "bad" in changed
