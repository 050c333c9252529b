"""`migrate` in clones of a DVC project: what it refuses, keeps, and leads back to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import Sandbox

DVC = {
    ".dvc/config": "[core]\n    remote = far\n['remote \"far\"']\n    url = {far}\n"
    "['remote \"near\"']\n    url = ../../near\n['remote \"home\"']\n    url = ~/store\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n/mine\n",
    ".dvc/plots/own.json": '{"mark": "line"}\n',
    "dvc.yaml": "stages:\n  a:\n    cmd: echo 1 > a.txt\n    outs: [a.txt]\n",
    "notes.md": "one\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    """A DVC project with results, all committed, and settings that are one person's."""
    made = Sandbox(tmp_path / "project").write(DVC)
    made.write({".dvc/config": DVC[".dvc/config"].format(far=tmp_path / "far")})
    made.run("repro").ended(0)
    made.git("add", "-A")
    made.git("commit", "-qm", "with DVC")
    made.write({".dvc/config.local": "['remote \"far\"']\n    jobs = 2\n"})
    return made


def clone_of(project: Sandbox, name: str) -> Sandbox:
    place = project.root.parent / name
    subprocess.run(["git", "clone", "-q", project.root, place], check=True)
    return Sandbox(place, git=False)


def kept(project: Sandbox) -> dict[str, bytes]:
    found = project.contents()
    return {path: data for path, data in found.items() if not path.startswith(".dvc/tmp/")}


def test_looking_at_a_clone_leaves_git_clean(project: Sandbox) -> None:
    clone = clone_of(project, "reader")
    clone.run("status").ended(0)
    assert clone.has(".pivot/.gitignore")
    assert clone.git("status", "--short") == ""


def test_the_way_back_leads_to_the_very_files(project: Sandbox, tmp_path: Path) -> None:
    project.append("notes.md", "two\n")
    local = "core:\n  jobs: 2\n"
    project.write({".pivot/config.local.yaml": local})
    project.write({"notes.txt": "mine", ".dvc/plots/new.json": "{}"})
    assert "would be refused" in project.run("migrate", "--dry-run").ended(0).stderr
    refused = project.run("migrate").ended(2).stderr
    assert "a file is not committed as it is on disk" in refused
    assert "notes.md" in refused
    before = kept(project)

    said = project.run("migrate", "--force").ended(0).stderr
    config = project.read(".pivot/config.yaml")
    assert f"far: {tmp_path}/far\n" in config
    assert "near: ../near\n" in config
    assert "home: ~/store\n" in config
    assert "jobs" in project.read(".pivot/config.local.yaml")
    assert project.read(".pivot/plots/own.json") == DVC[".dvc/plots/own.json"]
    assert project.has(".pivot/plots/new.json")
    assert "/.gitignore" not in project.read(".pivot/.gitignore")
    assert project.run("status", "--json").ended(0).json["stages"][0]["state"] == "fresh"

    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    subprocess.run(["bash", "-ec", "\n".join(commands)], cwd=project.root, check=True)
    assert kept(project) == before
    assert local in project.read(".pivot/config.local.yaml")


def test_symbolic_links_follow_the_cache(project: Sandbox) -> None:
    cache = f"{project.root}/.dvc/cache/"
    project.append(".dvc/config", "[cache]\n    type = symlink\n")
    (project.root / "a.txt").unlink()
    project.run("checkout").ended(0)
    assert os.readlink(project.root / "a.txt").startswith(cache)
    project.git("commit", "-qam", "links")
    project.run("migrate").ended(0)
    assert project.read("a.txt") == "1\n"
    assert "Everything is up to date" in project.run("status").ended(0).stdout


def test_a_lock_that_cannot_be_read_is_no_ground_to_migrate_on(project: Sandbox) -> None:
    project.write({"dvc.lock": "<<<<<<< HEAD\n" + project.read("dvc.lock")})
    for words in (["migrate", "--force"], ["migrate", "--dry-run"]):
        assert "dvc.lock:1: it has conflict markers" in project.run(*words).ended(2).stderr
    assert project.has("dvc.yaml")
    assert not project.has("pivot.yaml")


def test_a_clone_with_a_cache_follows_the_migration(project: Sandbox) -> None:
    clone, other = clone_of(project, "clone"), clone_of(project, "other")
    for each in (clone, other):
        each.run("repro").ended(0)
        each.write({".dvc/tmp/lock": "", ".dvc/config.local": "['remote \"far\"']\n    jobs = 3\n"})
    clone.git("checkout", "-q", ".")
    other.git("checkout", "-q", ".")
    project.run("migrate").ended(0)
    project.git("add", "-A")
    project.git("commit", "-qm", "with Pivot")

    clone.git("pull", "-q")
    (clone.root / "a.txt").unlink()
    clone.run("checkout").ended(0)  # what DVC's cache has
    assert clone.read("a.txt") == "1\n"
    assert clone.git("status", "--short") == ""

    other.git("pull", "-q")
    assert "followed the migration" in other.run("migrate").ended(0).stdout
    assert "jobs: '3'" in other.read(".pivot/config.local.yaml")
    assert not other.has(".dvc/cache")
    assert "nothing to migrate" in other.run("migrate").ended(2).stderr
    assert other.git("status", "--short") == ""
    assert other.run("status", "--json").ended(0).json["stages"][0]["state"] == "fresh"


def test_a_clone_without_its_data_carries_its_stages_over(tmp_path: Path) -> None:
    made = Sandbox(tmp_path / "made").write(
        {
            ".dvc/config": f"[core]\n    remote = far\n['remote \"far\"']\n    url = {tmp_path}/far\n",
            ".dvc/.gitignore": "/tmp\n/cache\n",
            "dvc.yaml": """
                stages:
                  a: {cmd: mkdir -p d && cp p d/a.txt, deps: [p], outs: [d/a.txt]}
                  b: {cmd: python b.py, deps: [b.py, d], metrics: [{b.json: {cache: false}}]}
                """,
            "p": "1\n",
            "b.py": "open('b.json', 'w').write(open('d/a.txt').read())\n",
        }
    )
    made.run("repro").ended(0)
    made.run("push").ended(0)
    made.commit()

    clone = clone_of(made, "clone")
    assert "stale" not in clone.run("migrate").ended(0).stderr
    assert set(clone.lock("b")["deps"]) == {"d"}  # the code of b.py counts, and not its bytes
    clone.run("pull").ended(0)
    assert clone.run("status").ended(0).stdout == "Everything is up to date (2 stages).\n"


def test_stages_are_as_stale_as_they_were(tmp_path: Path) -> None:
    project = Sandbox(tmp_path / "project").write(
        {
            ".dvc/config": "",
            ".dvc/.gitignore": "/tmp\n/cache\n",
            "dvc.yaml": """
                stages:
                  broken: {cmd: python broken.py, deps: [broken.py, p], outs: [broken.txt]}
                  tuned: {cmd: cp p tuned.txt, deps: [p, q], params: [n, m], outs: [tuned.txt]}
                  held: {cmd: python held.py, deps: [held.py, p], outs: [held.txt]}
                  edited: {cmd: python edited.py, deps: [edited.py, p], outs: [edited.txt]}
                """,
            "params.yaml": "n: 1\nm: 1\n",
            "p": "1\n",
            "q": "1\n",
            **{
                f"{name}.py": f"open('{name}.txt', 'w').write(open('p').read())\n"
                for name in ("broken", "held", "edited")
            },
        }
    )
    project.run("repro").ended(0)
    project.edit("dvc.yaml", "[p, q]", "[p]")  # DVC's rules pass over a dep that was dropped
    project.edit("dvc.yaml", "[held.txt]", "[held.txt], frozen: true")
    project.write({"params.yaml": "n: 2\nm: 1.0\n"})  # and take `1.0` for `1`
    project.append("broken.py", "def f(:\n")
    project.append("held.py", "print(1)\n")
    project.append("edited.py", "print(1)\n")
    project.commit()

    before = project.run("status", "--json").ended(0).json["stages"]
    assert "3 stages are stale now and stay so" in project.run("migrate").ended(0).stderr
    after = project.run("status", "--json").ended(0).json["stages"]
    assert after == _renamed(before)

    project.edit("broken.py", "def f(:\n", "")
    states = project.run("status", "--json", "broken").ended(0).json["stages"]
    assert [stage["state"] for stage in states] == ["fresh"]


def _renamed(data: Any) -> Any:
    return json.loads(json.dumps(data).replace("dvc.yaml", "pivot.yaml"))


def test_the_mode_can_be_said_where_it_is_unclear(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages: {b: {cmd: echo 2 > b, outs: [b]}}\n"})
    assert "both Pivot's" in project.run("status").ended(2).stderr
    project.run("config", "set", "core.mode", "pivot").ended(0)
    assert [s["name"] for s in project.run("status", "--json").ended(0).json["stages"]] == ["b"]


def test_an_export_says_where_data_came_from_and_what_the_remotes_are(tmp_path: Path) -> None:
    theirs = Sandbox(tmp_path / "theirs").write({"x.txt": "hello\n"})
    commit = theirs.commit("data")
    theirs.git("tag", "v1")
    ours = Sandbox(tmp_path / "ours")
    ours.write({"pivot.yaml": "stages: {}\n", "z.txt": "z\n"})
    ours.run("import", "--rev", "v1", "../theirs", "x.txt").ended(0)
    ours.run("track", "z.txt").ended(0)
    ours.write(
        {
            ".pivot/config.yaml": "core: {remote: near}\nremotes:\n  near: ../store\n"
            "  far: {url: 's3://b/p', region: eu, retries: 3, access_key_id: hush}\n",
            ".pivot/config.local.yaml": "remotes: {far: {secret_access_key: 'a#b'}}\n",
        }
    )
    said = ours.run("export").ended(0).stderr
    assert "DVC knows no retries" in said
    record = ours.read("x.txt.dvc")
    for line in ("frozen: true", "url: ../theirs", "rev: v1", f"rev_lock: {commit}"):
        assert line in record
    assert "frozen" not in ours.read("z.txt.dvc")
    assert ours.read(".dvc/config") == (
        "[core]\n    remote = near\n['remote \"near\"']\n    url = ../../store\n"
        "['remote \"far\"']\n    url = s3://b/p\n    region = eu\n"
    )
    own = ours.read(".dvc/config.local")
    assert "access_key_id = hush" in own
    assert 'secret_access_key = "a#b"' in own
    assert (ours.root / ".dvc/config.local").stat().st_mode & 0o077 == 0


def test_where_there_is_no_stage_or_no_project_yet(tmp_path: Path) -> None:
    nothing = Sandbox(tmp_path / "nothing")
    assert "there is no DVC project in" in nothing.run("migrate").ended(2).stderr
    project = Sandbox(tmp_path / "project").write({".dvc/config": ""})
    for words in (["status"], ["status", "--explain"], ["repro", "--dry-run"], ["repro"]):
        said = project.run(*words).ended(0).stdout
        assert said == "There are no stages yet: describe one in dvc.yaml.\n"


def test_pipelines_that_are_pivots_already_stay_as_they_are(project: Sandbox) -> None:
    """Given one in a folder of its own, then it is kept; beside a dvc.yaml, it is not replaced."""
    ours = "stages: {b: {cmd: cp ../a.txt b.txt, deps: [../a.txt], outs: [b.txt]}}\n"
    theirs = "stages: {c: {cmd: cp ../b/b.txt c.txt, deps: [../b/b.txt], outs: [c.txt]}}\n"
    project.write({"b/pivot.yaml": ours, "c/dvc.yaml": theirs, "c/pivot.yaml": ours})
    project.run("repro", "--all-pipelines").ended(0)
    project.commit("with both")
    refused = project.run("migrate").ended(2).stderr
    assert "'c/pivot.yaml' is there already, and 'c/dvc.yaml' is to become it" in refused

    project.remove("c/pivot.yaml")
    project.commit("with one in each folder")
    project.run("migrate").ended(0)

    assert project.read("b/pivot.yaml") == ours
    assert project.read("c/pivot.yaml") == theirs
    assert "up to date (3 stages)" in project.run("status").ended(0).stdout
