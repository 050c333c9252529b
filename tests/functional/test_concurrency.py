"""Several commands at once: writers take turns, readers never wait and never see half a state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from crashes import Mill
from harness import Sandbox
from waiting import PATIENCE, until

STEPS = """
    import pathlib, time

    def first(src, out):
        pathlib.Path("started").write_text("")
        while not pathlib.Path("go").exists():
            time.sleep(0.005)
        out.write_text("first " + src.read_text())

    def second(src, out):
        out.mkdir(exist_ok=True)
        for number in range(20):
            (out / f"{number}.txt").write_text(src.read_text())
            time.sleep(0.01)
    """
PIPELINE = """
    stages:
      first: {python: steps.first, deps: {src: in.txt}, outs: {out: first.txt}}
      second: {python: steps.second, deps: {src: first.txt}, outs: {out: second}}
    """


@pytest.fixture
def slow(project: Sandbox) -> Sandbox:
    """A project with outputs in which a run waits for a file `go` now."""
    project.write({"pivot.yaml": PIPELINE, "steps.py": STEPS, "in.txt": "1\n", "go": ""})
    project.run("repro").ended(0)
    project.remove("started", "go")
    project.write({"in.txt": "2\n"})
    return project


def started(project: Sandbox, *arguments: str) -> subprocess.Popen[str]:
    """A run whose first stage is under way."""
    process = project.start("repro", *arguments)
    until(lambda: project.has("started"), process)
    return process


def waiting(project: Sandbox, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A run that waits for another, and what it said of it."""
    process = project.start("repro", *arguments)
    assert process.stderr is not None
    return process, process.stderr.readline()


def outcome(process: subprocess.Popen[str]) -> str:
    """What a run that ends well prints."""
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, stderr
    return stdout


def test_a_second_run_waits_and_says_for_whom(slow: Sandbox) -> None:
    holder = started(slow, "--json")

    second, said = waiting(slow)
    slow.write({"go": ""})

    assert "waiting for another run to end" in said
    assert f"process {holder.pid}" in said
    assert "repro --json" in said
    assert "Everything is up to date (2 stages)." in outcome(second)
    assert outcome(holder).count('"status": "ran"') == 2


def test_a_run_that_must_not_wait_leaves_with_75(slow: Sandbox) -> None:
    holder = started(slow)

    refused = slow.run("repro", "--no-wait").ended(75)

    assert f"process {holder.pid}" in refused.stderr
    slow.write({"go": ""})
    outcome(holder)
    slow.run("repro", "--no-wait").ended(0)


def test_a_killed_holder_frees_the_lock_at_once(slow: Sandbox) -> None:
    holder = started(slow)
    second, said = waiting(slow, "--json")
    assert "waiting" in said

    os.kill(holder.pid, signal.SIGKILL)
    slow.write({"go": ""})

    stdout, stderr = second.communicate(timeout=PATIENCE)
    holder.communicate()
    assert second.returncode == 0, stderr
    assert "stage 'first' had been interrupted; put back 'first.txt'" in stderr
    assert {e["stage"]: e["status"] for e in map(json.loads, stdout.splitlines()) if e["status"]}
    assert slow.read("first.txt") == "first 2\n"
    assert slow.stale() == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "--json"),
        ("list", "--json"),
        ("dag",),
        ("plan",),
        ("fingerprint", "show", "first"),
        ("explain", "second"),
        ("logs", "first"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_readers_do_not_wait_for_a_run(slow: Sandbox, arguments: tuple[str, ...]) -> None:
    holder = started(slow)

    running = True
    while running:
        running = holder.poll() is None
        result = slow.run(*arguments).ended(0)
        assert "corrupt" not in result.stderr + result.stdout
        assert "waiting" not in result.stderr
        assert "state database" not in result.stderr
        slow.write({"go": ""})  # the first of them read while the run could not end
    outcome(holder)
    assert slow.stale() == set()


def test_many_readers_at_once_see_the_same(slow: Sandbox) -> None:
    slow.write({"go": ""})
    for state in ({"first", "second"}, set[str]()):
        (slow.root / ".pivot/state.db").unlink(missing_ok=True)  # all of them make it anew
        readers = [slow.start("status", "--json") for _ in range(4)]
        answers = [reader.communicate(timeout=PATIENCE) for reader in readers]
        assert [reader.returncode for reader in readers] == [0] * 4, answers
        for stdout, stderr in answers:
            stages = json.loads(stdout)["stages"]
            assert {stage["name"] for stage in stages if stage["state"] != "fresh"} == state
            assert not stderr
        slow.run("repro").ended(0)


def test_many_runs_at_once_take_turns(project: Sandbox) -> None:
    mill = Mill(project)
    mill.edit(mill.variant.__class__(helper=1))
    mill.expect_results()

    runs = [project.start("repro", "--json") for _ in range(4)]

    ran = 0
    for run in runs:
        ran += outcome(run).count('"status": "ran"')
    assert ran == 6
    mill.repair()


def test_two_worktrees_run_at_the_same_time(slow: Sandbox, tmp_path: Path) -> None:
    slow.commit()
    other = Sandbox(tmp_path / "other", git=False)
    other.root.rmdir()
    slow.git("worktree", "add", "--quiet", str(other.root), "-b", "other")
    other.write({"in.txt": "3\n"})
    holder = started(slow)

    beside = started(other, "--no-wait")

    for project, run in ((other, beside), (slow, holder)):
        project.write({"go": ""})
        outcome(run)
    assert slow.read("first.txt") == "first 2\n"
    assert other.read("first.txt") == "first 3\n"
    assert slow.stale() == other.stale() == set()


def test_two_projects_may_share_a_cache(slow: Sandbox, tmp_path: Path) -> None:
    slow.write({"go": ""})
    other = slow.copy(tmp_path / "other")
    for project in (slow, other):
        project.env["PIVOT_CACHE_DIR"] = str(tmp_path / "cache")
    runs = [project.start("repro", "-f") for project in (slow, other)]

    for run in runs:
        outcome(run)
    assert (tmp_path / "cache" / "files").is_dir()
    for project in (slow, other):
        project.remove("first.txt", "second")
        assert set(project.repro().values()) == {"restored"}
        assert project.read("first.txt") == "first 2\n"
