"""How stages end, what is said about it, and that nothing of them goes on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from run_bench import Bench, interpreters, value
from waiting import PATIENCE, until

from pivot.errors import RunError
from pivot.run.executor import LocalExecutor
from pivot.run.job import Outcome
from pivot.run.worker import process


def pid_in(file: Path) -> int:
    """The pid that a stage writes into `file`, once it has."""
    until(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def gone(pid: int) -> bool:
    return not process.is_running(pid)


# --- failures in words ----------------------------------------------------------------------


def test_an_error_names_type_message_and_place(bench: Bench) -> None:
    bench.write("pkg/__init__.py", "")
    bench.write("pkg/deep.py", "import json\ndef f(text):\n    return json.loads(text)\n")
    outcome = bench.call("from pkg.deep import f\ndef run():\n    f('{')")

    assert not outcome.ok
    assert outcome.exit_code == 1
    assert outcome.error is not None
    assert outcome.error.startswith("JSONDecodeError: Expecting property name")
    assert outcome.error.endswith("(pkg/deep.py:3)")
    assert outcome.detail is not None
    assert outcome.detail.startswith("Traceback (most recent call last):\n  File")
    assert "worker" not in outcome.detail
    assert outcome.detail in bench.log()


def test_a_syntax_error_is_placed_where_it_is(bench: Bench) -> None:
    bench.write("broken.py", "x = 1\ny = (\n")
    outcome = bench.call("def run():\n    import broken")

    assert outcome.error is not None
    assert outcome.error.startswith("SyntaxError: ")
    assert "(broken.py:2)" in outcome.error


def test_causes_and_groups_are_shown_without_our_frames(bench: Bench) -> None:
    outcome = bench.call(
        """
        def run():
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise ExceptionGroup("two\\nlines", [ValueError("a"), TypeError("b")]) from error
        """
    )

    assert outcome.error == "ExceptionGroup: two (steps.py:6)"
    assert outcome.detail is not None
    for part in ("ZeroDivisionError", "direct cause", "ValueError: a", "TypeError: b"):
        assert part in outcome.detail
    assert "calling.py" not in outcome.detail


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("class E(Exception):\n    def __str__(self): raise ValueError\ndef run(): raise E()", "E: <no message: E.__str__ fails> (steps.py:3)"),
        ("def run(): run()", "RecursionError: maximum recursion depth exceeded (steps.py:1)"),
        ("def run(): raise KeyboardInterrupt", "KeyboardInterrupt (steps.py:1)"),
        ("import sys\ndef run(): sys.exit(3)", "sys.exit(3) (steps.py:2)"),
        ("import sys\ndef run(): sys.exit('no\\ndata')", "exited: no (steps.py:2)"),
        ("import os\ndef run(): os._exit(0)", "the process left with exit code 0 before the stage had returned"),
        ("import os\ndef run(): os._exit(9)", "the process left with exit code 9 before the stage had returned"),
        ("import os\ndef run(): os.abort()", "killed by SIGABRT (aborted)"),
        ("import os\ndef run(): os.kill(os.getpid(), 11)", "killed by SIGSEGV (segmentation fault)"),
        ("import os\ndef run(): os.kill(os.getpid(), 15)", "killed by SIGTERM"),
        ("import os\ndef run(): os.kill(os.getpid(), 9)", "killed by SIGKILL (by the system for want of memory, or by somebody)"),
        ("def run(): raise ValueError('x' * 10**7)", "ValueError: " + "x" * 497 + "... (steps.py:1)"),
        ("def run(): raise ValueError('\\ud800')", "ValueError: \ud800 (steps.py:1)"),
        ("import none_such", "ModuleNotFoundError: No module named 'none_such' (steps.py:1)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("preload", [True, False], ids=["forked", "spawned"])
def test_however_a_stage_ends_it_is_told_in_one_line(
    bench: Bench, source: str, error: str, preload: bool
) -> None:
    outcome = bench.call(source, preload=preload)

    assert not outcome.ok
    assert outcome.error == error
    assert outcome.detail is None or len(outcome.detail) < 100_000


@pytest.mark.parametrize("code", ["0", "None", ""])
def test_leaving_by_a_good_exit_is_success(bench: Bench, code: str) -> None:
    outcome = bench.call(f"import sys\ndef run(): sys.exit({code})")

    assert outcome.ok
    assert outcome.exit_code == 0


def test_a_crash_shows_where_python_was(bench: Bench) -> None:
    outcome = bench.call("import os\ndef run():\n    os.kill(os.getpid(), 11)")

    assert outcome.signal == "SIGSEGV"
    assert outcome.exit_code is None
    assert outcome.detail is not None
    assert 'steps.py", line 3 in run' in outcome.detail


def test_after_every_failure_the_next_stage_runs(bench: Bench) -> None:
    executor = bench.executor()
    bench.write("steps.py", "import os\ndef bad(): os.kill(os.getpid(), 9)\ndef good(): pass")

    for _ in range(3):
        assert not bench.run(bench.job("steps.bad"), executor).ok
        assert bench.run(bench.job("steps.good"), executor).ok


# --- the end of a process -------------------------------------------------------------------


@pytest.mark.parametrize("preload", [True, False], ids=["forked", "spawned"])
def test_files_left_open_are_written_out(bench: Bench, preload: bool) -> None:
    outcome = bench.call(
        """
        import gzip
        text = open("text", "w")
        packed = gzip.open("packed", "wt")
        raw = open("raw", "wb")
        def run():
            for file in (text, packed):
                file.write("all of it")
            raw.write(b"all of it")
        """,
        preload=preload,
    )

    import gzip

    assert outcome.ok, outcome.detail
    assert [bench.read(name) for name in ("text", "raw")] == ["all of it"] * 2
    assert gzip.decompress((bench.root / "packed").read_bytes()) == b"all of it"


def test_threads_are_joined_and_exit_functions_run(bench: Bench) -> None:
    outcome = bench.call(
        """
        import atexit, threading
        def late(go):
            go.wait()
            open("thread", "w").write("done")
        def run():
            go = threading.Event()
            threading.Thread(target=late, args=(go,)).start()
            threading.Thread(target=threading.Event().wait, daemon=True).start()
            atexit.register(lambda: open("exit", "w").write("done"))
            atexit.register(lambda: 1 / 0)
            go.set()
        """
    )

    assert outcome.ok, outcome.detail
    assert bench.read("thread") == bench.read("exit") == "done"


def test_a_file_that_cannot_be_written_out_fails_the_stage(bench: Bench) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    outcome = bench.call("file = open('/dev/full', 'w')\ndef run(): file.write('x')")

    assert outcome.error is not None
    assert outcome.error.startswith("OSError: ")
    assert "No space left" in outcome.error


def test_a_stage_that_forks_and_comes_back_twice_is_reported_once(bench: Bench) -> None:
    outcome = bench.call(
        """
        import os
        def run():
            pid = os.fork()
            open(f"done-{pid == 0}", "w").write("x")
            if pid:
                os.waitpid(pid, 0)
        """
    )

    assert outcome.ok, outcome.detail
    assert (bench.root / "done-True").exists()
    assert (bench.root / "done-False").exists()


def test_stages_share_nothing(bench: Bench) -> None:
    executor = bench.executor()
    bench.write(
        "steps.py",
        """
        import os, sys
        seen = []
        def run():
            assert not seen and "left" not in os.environ and not hasattr(sys, "left")
            seen.append(1); os.environ["left"] = "x"; sys.left = 1; os.chdir("/")
        """,
    )

    for _ in range(2):
        outcome = bench.run(bench.job(), executor)
        assert outcome.ok, outcome.detail


def test_each_stage_has_random_numbers_of_its_own(bench: Bench) -> None:
    pytest.importorskip("numpy")
    executor = bench.executor(third_party=["numpy.random"])
    bench.write(
        "steps.py",
        """
        import random, sys
        assert "numpy.random" in sys.modules
        import numpy
        def run():
            open("seen", "a").write(f"{random.random()} {numpy.random.rand()}\\n")
        """,
    )

    for _ in range(2):
        outcome = bench.run(bench.job(), executor)
        assert outcome.ok, outcome.detail
    first, second = (line.split() for line in bench.read("seen").splitlines())
    assert first[0] != second[0]
    assert first[1] != second[1]


# --- output ---------------------------------------------------------------------------------


def test_output_goes_to_the_log_in_the_order_it_was_made(bench: Bench) -> None:
    outcome = bench.call(
        """
        import os, sys
        def run():
            print("out")
            print("err", file=sys.stderr)
            os.write(1, b"raw\\xff\\n")
            os.system("echo child")
            print("\\ud800", "\\u00e9")
            print("no newline", end="")
        """
    )

    assert outcome.ok, outcome.detail
    assert bench.log() == "out\nerr\nraw\ufffd\nchild\n\\ud800 \u00e9\nno newline"


def test_standard_input_is_empty(bench: Bench) -> None:
    assert bench.call("import sys\ndef run(): assert sys.stdin.read() == ''").ok
    assert bench.run(bench.command("! read line")).ok


def test_output_is_passed_on_in_bounded_pieces_while_the_stage_runs(bench: Bench) -> None:
    pieces: list[bytes] = []
    executor = bench.executor(on_output=lambda stage, data: pieces.append(data))
    bench.write(
        "steps.py",
        """
        import os, time
        def run():
            print("first", flush=True)
            while not os.path.exists("go"):
                time.sleep(0.002)
            os.write(1, b"x" * 3_000_000)
        """,
    )
    executor.submit(bench.job())
    until(lambda: executor.wait(0.01) or pieces)
    (bench.root / "go").touch()
    calls = 0
    outcomes: list[Outcome] = []
    while not outcomes:
        before = sum(map(len, pieces))
        outcomes = executor.wait(PATIENCE)
        calls += 1
        assert sum(map(len, pieces)) - before < 1_200_000

    assert outcomes[0].ok
    assert calls >= 3
    assert b"".join(pieces) == b"first\n" + b"x" * 3_000_000
    assert max(map(len, pieces)) <= 65536


# --- commands -------------------------------------------------------------------------------


def test_each_line_has_a_shell_of_its_own_and_the_first_failure_ends_it(bench: Bench) -> None:
    outcome = bench.run(
        bench.command("X=1; cd /; echo a", 'echo "b$X"; pwd', "echo c; exit 3", "echo d")
    )

    assert not outcome.ok
    assert outcome.error == "exit code 3: echo c; exit 3"
    assert outcome.exit_code == 3
    assert outcome.detail == f"a\nb\n{bench.root}\nc"
    assert bench.log() == f"a\nb\n{bench.root}\nc\n"


def test_the_users_shell_runs_commands_without_its_start_files(
    bench: Bench, tmp_path: Path
) -> None:
    shell = bench.write("bin/bash", '#!/bin/sh\necho "$@"\n')
    shell.chmod(0o755)

    assert bench.run(bench.command("echo a", env_set={"SHELL": str(shell)})).ok
    assert bench.log() == "--noprofile --norc -c echo a\n"
    assert bench.run(bench.command("echo $0", env_set={"SHELL": ""})).ok
    assert bench.log() == "/bin/sh\n"


def test_a_shell_that_is_not_there_is_named(bench: Bench) -> None:
    outcome = bench.run(bench.command("echo a", env_set={"SHELL": "/none/sh"}))

    assert outcome.error == "cannot run '/none/sh': No such file or directory"


def test_a_command_ended_by_a_signal_is_told(bench: Bench) -> None:
    outcome = bench.run(bench.command("kill -SEGV $$"))

    assert outcome.error == "killed by SIGSEGV (segmentation fault): kill -SEGV $$"
    assert outcome.signal == "SIGSEGV"


def test_commands_see_what_dvc_shows_them_and_pipes_end_quietly(bench: Bench) -> None:
    outcome = bench.run(
        bench.command(
            'echo "$DVC_STAGE $DVC_ROOT $A"', "yes | head -1", env_set={"A": "b"}, stage="sub:x"
        )
    )

    assert outcome.ok
    assert bench.log("sub:x") == f"sub:x {bench.root} b\ny\n"


def test_commands_need_no_project_interpreter(bench: Bench) -> None:
    def fail() -> str:
        raise AssertionError("asked for")

    assert bench.run(bench.command("true"), bench.executor(fail)).ok


# --- time and orders ------------------------------------------------------------------------

STUBBORN = """
    import os, signal, subprocess, sys
    def run():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"], stdout=subprocess.PIPE)
        child.stdout.readline()
        with open("pid", "w") as file:
            print(child.pid, file=file)
        signal.pause()
    """


def test_a_stage_over_its_time_is_asked_and_then_made_to_end(bench: Bench) -> None:
    bench.write("steps.py", STUBBORN)
    executor = bench.executor(grace=0.05)
    outcome = bench.run(bench.job(timeout=2.0), executor)

    assert not outcome.ok
    assert outcome.timed_out
    assert outcome.error == "timed out after 2 s"
    assert outcome.signal == "SIGKILL"
    if (bench.root / "pid").exists():
        assert gone(int(bench.read("pid")))


def test_a_stage_may_clean_up_when_it_is_asked_to_end(bench: Bench) -> None:
    executor = bench.executor(grace=PATIENCE)
    bench.write(
        "steps.py",
        """
        import signal, sys
        def end(*_):
            open("clean", "w").write("yes")
            sys.exit(0)
        def run():
            signal.signal(signal.SIGTERM, end)
            with open("pid", "w") as file:
                print(1, file=file)
            while True:
                signal.pause()
        """,
    )
    executor.submit(bench.job())
    pid_in(bench.root / "pid")
    executor.kill("stage")
    (outcome,) = executor.wait(PATIENCE)

    assert outcome.stopped
    assert not outcome.ok
    assert outcome.error == "stopped"
    assert bench.read("clean") == "yes"


def test_killing_one_stage_takes_its_grandchildren_and_leaves_the_others(bench: Bench) -> None:
    executor = bench.executor(jobs=3, grace=0.0)
    bench.write("steps.py", STUBBORN)
    bench.write(
        "other/steps.py",
        "import os, time\ndef run():\n    while not os.path.exists('go'): time.sleep(0.002)",
    )
    executor.submit(bench.job(stage="bad"))
    executor.submit(bench.job(stage="good", roots=(str(bench.root / "other"),)))
    executor.submit(bench.command("sleep 1000 & echo $! > shell-pid; wait", stage="shell"))
    grandchildren = [pid_in(bench.root / "pid"), pid_in(bench.root / "shell-pid")]
    executor.kill("bad")
    executor.kill("shell")
    outcomes: list[Outcome] = []
    while len(outcomes) < 2:
        outcomes += executor.wait(PATIENCE)

    assert {outcome.stage for outcome in outcomes if outcome.stopped} == {"bad", "shell"}
    assert all(gone(pid) for pid in grandchildren)
    (bench.root / "go").touch()
    assert executor.wait(PATIENCE)[0].ok


def test_terminate_all_ends_running_and_waiting_stages(bench: Bench) -> None:
    executor = bench.executor(jobs=1, grace=PATIENCE)
    executor.submit(bench.command("echo 1 > pid; sleep 1000", stage="one"))
    executor.submit(bench.command("true", stage="two"))
    pid_in(bench.root / "pid")

    outcomes = {outcome.stage: outcome for outcome in executor.terminate_all()}

    assert set(outcomes) == {"one", "two"}
    assert all(outcome.stopped and not outcome.ok for outcome in outcomes.values())
    assert outcomes["two"].error == "stopped before it started"
    assert executor.running == ()


def test_closing_ends_everything_at_once(bench: Bench) -> None:
    executor = bench.executor(jobs=2)
    bench.write("steps.py", STUBBORN)
    executor.submit(bench.job())
    executor.submit(
        bench.command("trap '' TERM; sleep 1000 & echo $! > shell-pid; wait", stage="shell")
    )
    pids = [pid_in(bench.root / "pid"), pid_in(bench.root / "shell-pid")]
    executor.close()

    assert all(gone(pid) for pid in pids)


def test_at_most_so_many_jobs_run_at_a_time(bench: Bench) -> None:
    executor = bench.executor(jobs=2)
    for number in range(6):
        executor.submit(
            bench.command("echo + >> count; sleep 0.02; echo - >> count", stage=f"s{number}")
        )
    outcomes: list[Outcome] = []
    while len(outcomes) < 6:
        outcomes += executor.wait(PATIENCE)
    running, most = 0, 0
    for sign in bench.read("count").split():
        running += 1 if sign == "+" else -1
        most = max(most, running)

    assert all(outcome.ok for outcome in outcomes)
    assert most == 2


def test_waiting_for_nothing_returns_at_once(bench: Bench) -> None:
    assert bench.executor().wait() == []


def test_waiting_gives_up_after_its_timeout(bench: Bench) -> None:
    executor = bench.executor()
    executor.submit(bench.command("sleep 1000"))

    assert executor.wait(0.01) == []


# --- what stages leave behind ---------------------------------------------------------------

LEAVERS = {
    "same group": "subprocess.Popen(['sleep', '1000'])",
    "own session": "subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "empty environment": "subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True, env={})",
}


@pytest.mark.skipif(not process.LINUX, reason="adopting orphans is Linux's")
@pytest.mark.parametrize("how", LEAVERS)
@pytest.mark.parametrize("preload", [True, False], ids=["forked", "spawned"])
def test_what_a_stage_leaves_running_is_ended_and_told(
    bench: Bench, how: str, preload: bool
) -> None:
    outcome = bench.call(
        f"""
        import subprocess
        def run():
            child = {LEAVERS[how]}
            print(child.pid)
            child.returncode = 0
        """,
        preload=preload,
    )

    assert outcome.ok, outcome.detail
    assert outcome.detail is not None
    assert "ended what the stage left running: " in outcome.detail
    assert "sleep 1000" in outcome.detail
    assert gone(int(bench.log()))


@pytest.mark.skipif(not process.LINUX, reason="adopting orphans is Linux's")
def test_a_forked_daemon_is_told_from_those_of_other_stages(bench: Bench) -> None:
    executor = bench.executor(jobs=2)
    bench.write(
        "steps.py",
        """
        import os, signal, time
        def daemon():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    signal.pause()
                os._exit(0)
        def leave():
            daemon()
            os.wait()
        def stay():
            daemon()
            open("ready", "w").close()
            while not os.path.exists("go"): time.sleep(0.002)
        """,
    )
    executor.submit(bench.job("steps.stay", stage="stay"))
    until((bench.root / "ready").exists)
    executor.submit(bench.job("steps.leave", stage="leave"))
    (left,) = executor.wait(PATIENCE)
    (bench.root / "go").touch()
    (stayed,) = executor.wait(PATIENCE)

    for outcome in (left, stayed):
        assert outcome.detail is not None
        assert "ended what the stage left running" in outcome.detail


def test_helpers_that_end_by_themselves_are_not_told(bench: Bench) -> None:
    outcome = bench.call(
        """
        import multiprocessing
        from multiprocessing import shared_memory
        def work(x): return x * 2
        def run():
            for method in ("spawn", "fork"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    assert pool.map(work, [1, 2]) == [2, 4]
            memory = shared_memory.SharedMemory(create=True, size=10)
            memory.close()
            memory.unlink()
        """
    )

    assert outcome.ok, outcome.detail
    assert outcome.detail is None


# --- the zygote -----------------------------------------------------------------------------


def test_third_party_packages_are_imported_ahead_and_others_are_not(bench: Bench) -> None:
    bench.write("site-packages/heavy/__init__.py", "import os\nwhere = os.getpid()")
    source = "import os, sys\ndef run():\n    import heavy\n    assert (heavy.where != os.getpid()) == {}"
    site = {"PYTHONPATH": str(bench.root / "site-packages")}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", site["PYTHONPATH"])
        executor = bench.executor(third_party=["heavy", "none_such"])
    project = (str(bench.root / "project"),)
    bench.write("project/steps.py", source.format(True))
    forked = bench.run(bench.job(roots=project), executor)
    bench.write("project/steps.py", source.format(False))
    spawned = [
        bench.run(bench.job(roots=project, **options), executor)
        for options in (
            {"preload": False},
            {"env_set": {"OMP_NUM_THREADS": "1"}},
            {"env_set": {"HEAVY_MODE": "1"}},
        )
    ]

    assert forked.ok, forked.detail
    assert all(outcome.ok for outcome in spawned), spawned


def test_a_project_module_named_like_an_imported_package_is_the_one_that_is_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("site-packages/heavy/__init__.py", "mine = False")
    monkeypatch.setenv("PYTHONPATH", str(bench.root / "site-packages"))
    bench.write("project/heavy.py", "mine = True")
    bench.write("project/steps.py", "import heavy\ndef run(): assert heavy.mine")
    outcome = bench.run(
        bench.job(roots=(str(bench.root / "project"),)), bench.executor(third_party=["heavy"])
    )

    assert outcome.ok, outcome.detail


def test_project_code_is_never_imported_ahead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = tmp_path_factory.mktemp("site")
    (site / "nosy.py").write_text("try: import steps\nexcept ImportError: pass")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{bench.root}")
    executor = bench.executor(third_party=["nosy"])
    for version in ("1", "2"):
        bench.write(
            "steps.py", f"import sys\nassert 'nosy' in sys.modules\ndef run(): print({version})"
        )
        outcome = bench.run(bench.job(), executor)
        assert outcome.ok, outcome.detail
        assert bench.log() == f"{version}\n"


SPOILERS = {
    "thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "signal": "import signal\nsignal.signal(signal.SIGCHLD, lambda *_: None)",
    "half": "import spoiler.part\nraise RuntimeError",
    "exit": "raise SystemExit",
    "death": "import os\nos._exit(3)",
    "crash": "import os\nos.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("how", SPOILERS)
def test_a_package_that_spoils_the_zygote_is_left_to_its_stages(
    bench: Bench, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("site-packages/spoiler/__init__.py", SPOILERS[how])
    bench.write("site-packages/spoiler/part.py", "")
    bench.write("site-packages/good.py", "import os\npid = os.getpid()")
    monkeypatch.setenv("PYTHONPATH", str(bench.root / "site-packages"))
    bench.write("steps.py", "import threading\ndef run(): assert threading.active_count() == 1")
    executor = bench.executor(third_party=["spoiler", "good"])
    outcomes = [bench.run(bench.job(), executor) for _ in range(2)]

    assert all(outcome.ok for outcome in outcomes), outcomes


def test_an_import_that_hangs_is_done_without(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("site-packages/hanging.py", "import signal\nsignal.pause()")
    monkeypatch.setenv("PYTHONPATH", str(bench.root / "site-packages"))
    bench.write("steps.py", "def run(): pass")
    executor = bench.executor(third_party=["hanging"], preload_seconds=0.2)

    assert bench.run(bench.job(), executor).ok


def zygote_of(executor: LocalExecutor) -> int:
    link = executor._zygote
    assert link is not None
    return link.pid


def test_a_lost_zygote_fails_what_ran_and_the_rest_runs_on_a_new_one(bench: Bench) -> None:
    executor = bench.executor(jobs=1)
    bench.write(
        "steps.py",
        """
        import subprocess, signal
        def hang():
            child = subprocess.Popen(["sleep", "1000"])
            with open("pid", "w") as file:
                print(child.pid, file=file)
            signal.pause()
        def run(): pass
        """,
    )
    executor.submit(bench.job("steps.hang", stage="running"))
    executor.submit(bench.job(stage="waiting"))
    grandchild = pid_in(bench.root / "pid")
    until(lambda: executor.wait(0.01) or executor._tasks[1].pid)
    os.kill(zygote_of(executor), signal.SIGKILL)
    outcomes: list[Outcome] = []
    while len(outcomes) < 2:
        outcomes += executor.wait(PATIENCE)
    by_name = {outcome.stage: outcome for outcome in outcomes}

    assert by_name["running"].error == "worker process lost"
    assert by_name["waiting"].ok
    until(lambda: gone(grandchild))


def test_jobs_that_had_not_started_are_not_lost_with_the_zygote(bench: Bench) -> None:
    executor = bench.executor(jobs=4)
    bench.write("steps.py", "def run(): open('ran', 'a').write('x')")
    executor.prepare()
    os.kill(zygote_of(executor), signal.SIGSTOP)
    for number in range(4):
        executor.submit(bench.job(stage=f"s{number}"))
    os.kill(zygote_of(executor), signal.SIGKILL)
    outcomes: list[Outcome] = []
    while len(outcomes) < 4:
        outcomes += executor.wait(PATIENCE)

    assert all(outcome.ok for outcome in outcomes)
    assert bench.read("ran") == "xxxx"


def test_an_interpreter_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(RunError, match="cannot run the interpreter '/none/python'"):
        bench.executor("/none/python").submit(bench.job())
    executor = bench.executor("/none/python")
    executor.submit(bench.job(preload=False))
    (outcome,) = executor.wait(PATIENCE)
    assert outcome.error == "cannot run the interpreter '/none/python': No such file or directory"


def test_an_interpreter_that_does_not_work_says_so_itself(bench: Bench) -> None:
    program = bench.write("python", "#!/bin/sh\necho broken >&2\nexit 4\n")
    program.chmod(0o755)
    outcome = bench.run(bench.job(), bench.executor(str(program)))

    assert outcome.error == "the process left with exit code 4 before the stage had returned"
    assert outcome.detail == "broken"


@pytest.mark.skipif(not process.LINUX, reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_everything_dies_with_the_process_that_runs_it(bench: Bench, number: int) -> None:
    bench.write("steps.py", STUBBORN)
    runner = bench.write(
        "runner.py",
        f"""
        import sys
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from pathlib import Path
        from run_bench import Bench
        bench = Bench(Path({str(bench.root)!r}))
        executor = bench.executor(jobs=3)
        executor.submit(bench.job())
        executor.submit(bench.job(stage="spawned", preload=False, cwd={str(bench.root / "sub")!r}))
        executor.submit(bench.command("trap '' TERM; sleep 1000 & echo $! > shell-pid; wait", stage="shell"))
        executor.wait()
        """,
    )
    (bench.root / "sub").mkdir()
    pid = os.posix_spawn(sys.executable, [sys.executable, str(runner)], os.environ)
    pids = [pid_in(bench.root / name) for name in ("pid", "sub/pid", "shell-pid")]
    os.kill(pid, number)
    os.waitpid(pid, 0)

    until(lambda: all(gone(grandchild) for grandchild in pids))
    until(
        lambda: (
            not any(
                b"PIVOT_RUN_ID" in process.environment(other)
                and process.environment(other).get(b"PWD") == str(bench.root).encode()
                for other in pids
            )
        )
    )


def test_processes_are_marked_and_in_a_group_of_their_own(bench: Bench) -> None:
    started: list[tuple[str, int]] = []
    executor = bench.executor(on_started=lambda stage, pgid: started.append((stage, pgid)))
    bench.write(
        "steps.py",
        """
        import os
        def run():
            assert os.getpgrp() == os.getsid(0) == os.getpid()
            assert os.environ["PIVOT_RUN_ID"]
            print(os.getpid())
        """,
    )
    outcome = bench.run(bench.job(), executor)

    assert outcome.ok, outcome.detail
    assert started == [("stage", outcome.pgid)]
    assert int(bench.log()) == outcome.pgid


def test_all_interpreters_are_tried() -> None:
    assert "this" in interpreters()


def test_a_value_that_cannot_cross_is_refused_before_anything_runs(bench: Bench) -> None:
    with pytest.raises(TypeError):
        bench.executor().submit(bench.job(preload=False, arguments=(value("x", object()),)))
