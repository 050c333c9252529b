"""However a stage's process ends, the cause is named, its outputs come back, others go on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from crashes import nobody_left_in
from harness import PIVOT, Result, Sandbox

PIPELINE = """
    stages:
      odd:
        python: odd.stage
        deps: {src: in.txt}
        outs: {out: odd.txt}
      even:
        python: steady.stage
        deps: {src: in.txt}
        outs: {out: even.txt}
    """
STEADY = """
    def stage(src, out):
        out.write_text("steady " + src.read_text())
    """


def odd(project: Sandbox, body: str, *, pipeline: str = PIPELINE) -> Sandbox:
    """A project in which stage `odd` has succeeded before and now does `body`."""
    project.write({"pivot.yaml": pipeline, "in.txt": "1\n", "steady.py": STEADY})
    project.write({"odd.py": "def stage(src, out):\n    out.write_text('before')\n"})
    project.run("repro").ended(0)
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    project.write({"odd.py": f"def stage(src, out):\n    out.write_text('half')\n{lines}"})
    project.write({"in.txt": "2\n"})
    return project


def failed(project: Sandbox, *arguments: str) -> Result:
    """A run in which `odd` fails: its outputs are back and `even` has run."""
    lock = project.lock("odd")
    done = project.run("repro", "--keep-going", *arguments).ended(1)
    assert project.read("odd.txt") == "before"
    assert project.read("even.txt") == "steady 2\n"
    assert project.lock("odd") == lock
    assert project.stale() == {"odd"}
    assert "1 ran, 1 failed" in done.stdout
    nobody_left_in(project.root)
    return done


DEATHS = {
    "kill": ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
    "term": ("import os; os.kill(os.getpid(), 15)", "killed by SIGTERM"),
    "segfault": (
        "import ctypes; ctypes.string_at(0)",
        "killed by SIGSEGV (segmentation fault)",
    ),
    "abort": ("import os; os.abort()", "killed by SIGABRT (aborted)"),
    "exit code": ("import sys; sys.exit(3)", "sys.exit(3) (odd.py:3)"),
    "exit text": ("import sys; sys.exit('no grain left')", "exited: no grain left (odd.py:3)"),
    "hard exit": ("import os; os._exit(7)", "left with exit code 7"),
    "hard exit 0": ("import os; os._exit(0)", "left with exit code 0"),
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt (odd.py:3)"),
    "exception": ("raise ValueError('bad grain')", "ValueError: bad grain (odd.py:3)"),
    "memory": (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); b'x' * (1 << 32)",
        "MemoryError",
    ),
    "recursion": ("stage(src, out)", "RecursionError"),
    "processor time": (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass",
        "killed by SIGXCPU (CPU time limit)",
    ),
    "generator": ("import gc, sys; sys.stdout.close(); raise OSError(28, 'no room')", "no room"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_the_cause_of_a_death_is_named(project: Sandbox, death: str) -> None:
    body, said = DEATHS[death]
    odd(project, body)

    done = failed(project)

    [line] = [line for line in done.stderr.splitlines() if line.startswith("odd: failed")]
    assert said in line


def test_a_segmentation_fault_shows_where_it_happened(project: Sandbox) -> None:
    odd(project, "import ctypes; ctypes.string_at(0)")

    assert 'odd.py", line 3 in stage' in failed(project).stderr


def test_leaving_with_zero_is_a_success(project: Sandbox) -> None:
    odd(project, "import sys; sys.exit(0)")

    project.run("repro").ended(0)

    assert project.read("odd.txt") == "half"


def test_huge_output_goes_to_the_log_and_not_into_memory(project: Sandbox) -> None:
    odd(
        project,
        "import os\n"
        "lines = (b'x' * 999 + b'\\n') * 1000\n"
        "for _ in range(200): os.write(1, lines)\n"
        "print('the end')",
    )

    for arguments in ((), ("--show-output",), ("--show-output", "--json")):
        process = subprocess.Popen(
            [PIVOT, "repro", "-f", *arguments],
            cwd=project.root,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.005)
        assert process.returncode == 0
        assert peak < 120 << 20
    assert (project.root / ".pivot/logs/odd.log").stat().st_size > 200_000_000
    assert project.run("logs", "-n", "1", "odd").stdout == "the end\n"


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@pytest.mark.parametrize("arguments", [(), ("--show-output",), ("--show-output", "--json")])
def test_output_need_not_be_text(project: Sandbox, arguments: tuple[str, ...]) -> None:
    odd(project, r"import os; os.write(1, b'\xff\xfe grain \xe2'); raise ValueError('no newline')")

    done = failed(project, *arguments) if "--json" not in arguments else None
    if done is None:
        done = project.run("repro", *arguments).ended(1)
        assert "odd" in {event["stage"] for event in done.events}
    assert (project.root / ".pivot/logs/odd.log").read_bytes().startswith(b"\xff\xfe grain \xe2")


def test_what_a_stage_leaves_running_is_ended(project: Sandbox) -> None:
    odd(
        project,
        """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "600"])
subprocess.Popen(["sleep", "601"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(0.01)
            open("touched.txt", "w").write("x")
    os._exit(0)
out.write_text("after")
""",
    )

    project.run("repro").ended(0)

    nobody_left_in(project.root)
    assert project.read("odd.txt") == "after"


def test_a_shell_command_leaves_nothing_running(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  daemon:
                    cmd: setsid sleep 600 & (sleep 601 &) ; echo x > a.txt
                    outs: [a.txt]
                """
        }
    )

    project.run("repro").ended(0)

    nobody_left_in(project.root)


HARMLESS = {
    "closes its output": "import os, sys; sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)",
    "changes folder": "import os; out = out.resolve(); os.chdir('/')",
    "uses processes": (
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    assert pool.map(abs, [-1, -2]) == [1, 2]"
    ),
    "spawns processes": (
        "import multiprocessing\n"
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    assert pool.map(abs, [-1, -2]) == [1, 2]"
    ),
    "uses threads": (
        "import threading, time\n"
        "done = []\n"
        "def late():\n"
        "    time.sleep(0.1)\n"
        "    (out.parent / 'late.txt').write_text('late')\n"
        "threading.Thread(target=late).start()\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    ),
    "handles signals": (
        "import signal\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):\n"
        "    signal.signal(number, lambda *_: None)"
    ),
    "reads its input": "import sys\nassert sys.stdin.read() == ''\nassert input is not None",
    "forks and returns": ("import os\nif os.fork() == 0:\n    return\nos.wait()"),
    "ignores children": "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "closes all files": "import os; os.closerange(0, 3)",
    "nice and limits": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))",
    "leaves a file open": "global kept; kept = open('late.txt', 'w'); kept.write('late')",
}


@pytest.mark.parametrize("habit", HARMLESS)
def test_habits_of_stages_do_no_harm(project: Sandbox, habit: str) -> None:
    odd(project, HARMLESS[habit] + "\nout.write_text('after')")

    statuses = project.repro()

    assert statuses == {"odd": "ran", "even": "ran"}
    assert project.read("odd.txt") == "after"
    if "late" in HARMLESS[habit]:
        assert project.read("late.txt") == "late"
    assert project.stale() == set()
    nobody_left_in(project.root)


def test_a_stage_that_asks_for_input_gets_none(project: Sandbox) -> None:
    odd(project, "input('name? ')")

    assert "EOFError" in failed(project).stderr


@pytest.mark.parametrize(
    "body",
    [
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
        "import subprocess; subprocess.run(['sh', '-c', 'trap \"\" TERM; while :; do sleep 1; done'])",
        "while True: pass",
    ],
)
def test_a_timeout_ends_whatever_resists(project: Sandbox, body: str) -> None:
    pipeline = PIPELINE.replace("python: odd.stage", "python: odd.stage\n        timeout: 3s")
    odd(project, body, pipeline=pipeline)

    done = failed(project)

    assert "odd: failed after" in done.stderr
    assert "timed out after 3 s" in done.stderr


def test_the_zygote_s_death_is_told(project: Sandbox) -> None:
    odd(
        project,
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(60)",
    )

    assert "odd: failed: worker process lost" in failed(project, "-j", "1").stderr


def test_a_stage_cannot_end_its_supervisor_by_politeness(project: Sandbox) -> None:
    odd(project, "import os, signal; os.kill(os.getppid(), signal.SIGINT); out.write_text('after')")

    assert project.repro() == {"odd": "ran", "even": "ran"}


def test_an_interpreter_that_does_not_start_is_named(project: Sandbox, tmp_path: Path) -> None:
    odd(project, "pass")
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)

    done = project.run("repro", env={"PIVOT_CORE_PYTHON": str(broken)})

    assert done.code in (1, 2)
    assert str(broken) in done.stderr
    assert "defect" not in done.stderr
    assert project.read("odd.txt") == "before"
    assert sys.executable  # the tests' own is another one
