"""Ctrl-C, SIGTERM and SIGHUP: stages end, previous outputs are back, the exit code says so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from crashes import Mill, nobody_left_in
from harness import PIVOT, Sandbox
from waiting import PATIENCE, until

from pivot.project import ProjectLock
from pivot.run.executor import GRACE_SECONDS

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
STAGES = """
    import os, pathlib, signal, subprocess, time

    def quick(src, out):
        out.write_text("quick " + src.read_text())

    def slow(src, out):
        {prelude}
        out.write_text("half")
        pathlib.Path("started").write_text("")
        time.sleep({seconds})
    """
PIPELINE = """
    stages:
      quick: {python: steps.quick, deps: {src: in.txt}, outs: {out: quick.txt}}
      slow: {python: steps.slow, deps: {src: quick.txt}, outs: {out: slow.txt}}
      shell:
        cmd: echo half > shell.txt; touch begun; sleep {seconds}
        deps: [quick.txt]
        outs: [shell.txt]
    """


def write(project: Sandbox, seconds: float, prelude: str = "pass") -> None:
    project.write(
        {
            "pivot.yaml": PIPELINE.replace("{seconds}", str(seconds)),
            "steps.py": STAGES.replace("{seconds}", str(seconds)).replace("{prelude}", prelude),
        }
    )


@pytest.fixture
def busy(project: Sandbox) -> Sandbox:
    """A project whose stages `slow` and `shell` would run for long now; all have outputs."""
    project.write({"in.txt": "1\n"})
    write(project, 0)
    project.run("repro").ended(0)
    project.remove("started", "begun")
    project.write({"in.txt": "2\n"})
    write(project, 600)
    return project


def wait_for(project: Sandbox, path: str, process: subprocess.Popen[str]) -> None:
    until(lambda: project.has(path), process)


def wait_for_both(project: Sandbox, process: subprocess.Popen[str]) -> None:
    wait_for(project, "started", process)
    wait_for(project, "begun", process)


def wait_until_open(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the process reads the file."""

    def is_open() -> bool:
        with contextlib.suppress(FileNotFoundError):  # one that was closed as we looked
            return any(
                os.readlink(fd) == str(path) for fd in Path(f"/proc/{process.pid}/fd").iterdir()
            )
        return False

    until(is_open, process)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=PATIENCE)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_stages_and_brings_outputs_back(busy: Sandbox, number: int) -> None:
    locks = {name: busy.lock(name) for name in ("slow", "shell")}
    process = busy.start("repro", "-j", "2")
    wait_for_both(busy, process)

    process.send_signal(number)
    code, stdout, stderr = ended(process)

    assert code == 130
    assert "interrupted: running stages were ended and their previous outputs are back" in stderr
    assert "1 ran, 2 failed" in stdout
    assert busy.read("slow.txt") == "half"  # what the first run made of it
    assert busy.read("shell.txt") == "half\n"
    assert {name: busy.lock(name) for name in locks} == locks
    assert busy.stale() == {"slow", "shell"}
    nobody_left_in(busy.root)
    write(busy, 0)
    assert busy.repro() == {"quick": "fresh", "slow": "ran", "shell": "ran"}


def test_events_tell_of_the_interruption(busy: Sandbox) -> None:
    process = busy.start("repro", "-j", "2", "--json")
    wait_for_both(busy, process)

    process.send_signal(signal.SIGINT)
    code, stdout, _ = ended(process)

    assert code == 130
    events = [json.loads(line) for line in stdout.splitlines()]
    assert {(e["stage"], e["status"], e["error"]) for e in events[-3:-1]} == {
        ("slow", "failed", "interrupted"),
        ("shell", "failed", "interrupted"),
    }
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["error"] == "interrupted"
    entries = busy.run("history", "--json").ended(0).json["entries"]
    took = {e["stage"]: e["seconds"] for e in entries if e["status"] == "interrupted"}
    assert set(took) == {"slow", "shell"}
    assert 0 < min(took.values()) < 60
    assert "slow was interrupted on" in busy.run("logs", "slow").ended(0).stderr


def test_a_stage_may_clean_up_and_a_second_signal_does_not_wait(busy: Sandbox) -> None:
    write(busy, 600, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    process = busy.start("repro", "-j", "2")
    wait_for(busy, "started", process)

    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None  # the stage still has its grace
    second = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, stderr = ended(process)

    assert time.monotonic() - second < GRACE_SECONDS - 0.5
    assert code == 130
    assert "previous outputs are back" in stderr
    assert busy.read("slow.txt") == "half"
    nobody_left_in(busy.root)


def test_grandchildren_end_too(busy: Sandbox) -> None:
    write(
        busy,
        600,
        "subprocess.Popen(['sleep', '600'], start_new_session=True); subprocess.Popen(['sleep', '601'])",
    )
    process = busy.start("repro")
    wait_for(busy, "started", process)

    process.send_signal(signal.SIGINT)

    assert ended(process)[0] == 130
    nobody_left_in(busy.root)


def test_a_run_that_ignores_hanging_up_goes_on(busy: Sandbox) -> None:
    write(busy, 0.5)
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" repro', str(PIVOT)],
        cwd=busy.root,
        env=busy.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(busy, "started", process)

    process.send_signal(signal.SIGHUP)

    assert ended(process)[0] == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_waiting_for_the_lock_can_be_interrupted(busy: Sandbox, number: int) -> None:
    lock = ProjectLock(str(busy.root / ".pivot/tmp/lock"), ["the test"])
    lock.acquire()
    process = busy.start("repro")
    assert process.stderr is not None
    assert "waiting for another run to end" in process.stderr.readline()

    process.send_signal(number)

    assert ended(process)[0] == 130
    lock.release()


@pytest.mark.parametrize("number", SIGNALS)
def test_hashing_can_be_interrupted(project: Sandbox, number: int) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  big:
                    cmd: truncate -s 4T big.bin
                    outs: [big.bin]
                """
        }
    )
    process = project.start("repro")
    wait_for(project, ".pivot/cache/tmp", process)
    time.sleep(0.2)

    process.send_signal(number)

    code, _, stderr = ended(process)
    assert code == 130, stderr
    assert not project.has("big.bin")
    assert not list((project.root / ".pivot/cache/tmp").iterdir())


def test_hashing_a_dep_can_be_interrupted(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  big:
                    cmd: echo x > x.txt
                    deps: [big.bin]
                    outs: [x.txt]
                """
        }
    )
    with open(project.root / "big.bin", "wb") as stream:
        stream.truncate(4 << 40)
    for command in ("repro", "status"):
        process = project.start(command)
        wait_until_open(project.root / "big.bin", process)
        time.sleep(0.1)

        process.send_signal(signal.SIGINT)

        assert ended(process)[0] == 130


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3])
def test_an_interrupt_at_any_time_loses_nothing(project: Sandbox, delay: float) -> None:
    mill = Mill(project)
    mill.edit(mill.variant.__class__(helper=1, press=1))
    mill.expect_results()
    process = project.start("repro", "-j", "2")
    time.sleep(delay)

    os.kill(process.pid, signal.SIGTERM)

    code, stdout, stderr = ended(process)
    # before any of our code runs the signal ends the interpreter as it ends every program
    assert code in (0, 130, -signal.SIGTERM), (stdout, stderr)
    assert "Traceback" not in stderr
    mill.check_after_crash()
    mill.check_recovered()
    mill.repair()
