"""What a stage really imported and opened is known afterwards, and nothing else is told."""

from __future__ import annotations

import subprocess
import sys

import pytest
from run_bench import Bench, interpreters

FORKED_AND_SPAWNED = pytest.mark.parametrize("preload", [True, False], ids=["forked", "spawned"])


@FORKED_AND_SPAWNED
def test_computed_imports_and_opened_files_are_noted(bench: Bench, preload: bool) -> None:
    bench.write("plugins/__init__.py", "")
    bench.write("plugins/extra.py", "import json, helper\nhelper")
    bench.write("helper.py", "")
    bench.write("unused.py", "")
    bench.write("data/in.txt", "x")
    bench.write("both.txt", "x")
    bench.write("sub/rel.txt", "x")
    outcome = bench.call(
        """
        import importlib, os, sys, tempfile
        def run():
            importlib.import_module("plugins." + "extra")
            open("data/in.txt").close()
            open("data/in.txt").close()
            with open("out.tmp", "w") as file: file.write("x")
            os.replace("out.tmp", "out.txt")
            open("both.txt").close(); open(b"both.txt", "a").close()
            os.close(os.open("low.txt", os.O_WRONLY | os.O_CREAT))
            open("deleted.txt", "w").close(); os.unlink("deleted.txt")
            try: open("absent.txt")
            except OSError: pass
            os.chdir("sub"); open("rel.txt").close(); os.chdir("..")
            open(sys.executable, "rb").close()
            tempfile.TemporaryFile().close()
            os.makedirs(".pivot/x"); open(".pivot/x/state", "w").close()
            os.makedirs("lib/site-packages"); open("lib/site-packages/x.py", "w").close()
        """,
        preload=preload,
    )

    assert outcome.ok, outcome.detail
    assert outcome.observed_modules == ("helper", "plugins", "plugins.extra", "steps")
    assert outcome.opened == (
        ("both.txt", "rw"),
        ("data/in.txt", "r"),
        ("low.txt", "w"),
        ("out.txt", "w"),
        ("sub/rel.txt", "r"),
    )


def test_deps_and_outs_are_not_told(bench: Bench) -> None:
    bench.write("deps/a.txt", "x")
    bench.write("b.txt", "x")
    outcome = bench.call(
        "def run():\n    for name in ('deps/a.txt', 'b.txt'): open(name).close()",
        known=(str(bench.root / "deps"), str(bench.root / "b.txt")),
    )

    assert outcome.opened == ()


def test_roots_outside_of_the_project_are_project_code(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.mktemp("shared")
    (shared / "common.py").write_text("")
    outcome = bench.call("import common\ndef run(): pass", roots=(str(bench.root), str(shared)))

    assert outcome.ok, outcome.detail
    assert outcome.observed_modules == ("common", "steps")


def test_an_environment_inside_of_the_project_is_not(bench: Bench) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(bench.root / "env")], check=True
    )
    site = next((bench.root / "env").glob("lib/python*/site-packages"))
    (site / "third.py").write_text("import os\nopen(os.__file__).close()")
    bench.write("steps.py", "import third\ndef run(): open(third.__file__).close()")
    python = str(bench.root / "env/bin/python")
    for preload in (True, False):
        outcome = bench.run(bench.job(preload=preload), bench.executor(python))
        assert outcome.ok, outcome.detail
        assert outcome.observed_modules == ("steps",)
        assert outcome.opened == ()


@FORKED_AND_SPAWNED
def test_processes_that_the_stage_forks_are_noted_too(bench: Bench, preload: bool) -> None:
    bench.write("late.py", "")
    bench.write("read.txt", "x")
    bench.write("more.txt", "x")
    outcome = bench.call(
        """
        import multiprocessing, os
        def work(name):
            import late
            open(name).close()
        def run():
            with multiprocessing.get_context("fork").Pool(1) as pool:
                pool.map(work, ["read.txt"])
            if os.fork() == 0:
                open("more.txt").close()
                os._exit(0)
            os.wait()
        """,
        preload=preload,
    )

    assert outcome.ok, outcome.detail
    assert outcome.observed_modules == ("late", "steps")
    assert outcome.opened == (("more.txt", "r"), ("read.txt", "r"))
    assert not list((bench.root / ".pivot/logs").glob("*.observed"))


def test_observation_can_be_turned_off(bench: Bench) -> None:
    bench.write("x.txt", "")
    python = bench.call("def run(): open('x.txt').close()", observe=False)
    command = bench.run(
        bench.command(
            f"{sys.executable} -c 'import steps, os; assert not os.environ.get(\"PIVOT_OBSERVE\")'",
            observe=False,
        )
    )

    assert python.ok
    assert command.ok
    assert (
        python.opened == python.observed_modules == command.opened == command.observed_modules == ()
    )


def test_a_failed_stage_tells_what_it_had_imported(bench: Bench) -> None:
    bench.write("broken.py", "1 / 0")
    outcome = bench.call("def run():\n    import broken")

    assert not outcome.ok
    assert "steps" in outcome.observed_modules


def test_modules_are_compiled_once_and_not_beside_the_sources(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bench.write("other.py", "value = 1")
    kept = bench.root / ".pivot" / "tmp" / "pycache"
    source = "import other\ndef run():\n    open('out', 'w').write(str(other.value))"

    bench.call(source)
    first = {file: file.stat().st_ino for file in kept.rglob("*") if file.is_file()}
    again = bench.call(source)
    second = {file: file.stat().st_ino for file in kept.rglob("*") if file.is_file()}
    bench.write("other.py", "value = 2")
    bench.call(source)

    assert len(first) == 2
    assert second == first
    assert again.observed_modules == ("other", "steps")
    assert bench.read("out") == "2"
    assert not list(bench.root.rglob("__pycache__"))


# --- commands -------------------------------------------------------------------------------


def test_python_processes_of_commands_are_noted(bench: Bench) -> None:
    bench.write(
        "scripts/report.py",
        "import pkg.mod, json\nopen('in.txt').close()\nopen('out.txt', 'w').close()",
    )
    bench.write("scripts/pkg/__init__.py", "from . import other")
    bench.write("scripts/pkg/mod.py", "")
    bench.write("scripts/pkg/other.py", "")
    bench.write("in.txt", "x")
    outcome = bench.run(bench.command(f"{sys.executable} scripts/report.py"))

    assert outcome.ok, outcome.detail
    assert outcome.observed_modules == ("pkg", "pkg.mod", "pkg.other")
    assert outcome.module_files["file:scripts/report.py"] == "scripts/report.py"
    assert outcome.opened == (("in.txt", "r"), ("out.txt", "w"))
    assert not list(bench.root.rglob("__pycache__"))


def test_processes_that_are_killed_or_leave_early_are_noted(bench: Bench) -> None:
    for name in ("killed", "left", "forked"):
        bench.write(f"{name}.py", "")
    outcome = bench.run(
        bench.command(
            f"{sys.executable} -c 'import killed, os; os.kill(os.getpid(), 9)' || true",
            f"{sys.executable} -c 'import left, os; os._exit(0)'",
            f"{sys.executable} -c 'import os; os.fork() or (__import__(\"forked\"), os._exit(0)); os.wait()'",
        )
    )

    assert outcome.ok, outcome.detail
    assert outcome.observed_modules == ("forked", "killed", "left")


def test_the_users_own_sitecustomize_still_runs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("own/sitecustomize.py", "import builtins\nbuiltins.customized = True")
    monkeypatch.setenv("PYTHONPATH", str(bench.root / "own"))
    program = "import sys, sitecustomize; assert customized; assert sitecustomize.__file__.startswith(sys.argv[1]); assert not any('worker' in p for p in sys.path)"
    outcome = bench.run(bench.command(f'{sys.executable} -c "{program}" {bench.root}/own'))

    assert outcome.ok, bench.log()
    assert bench.log() == ""


def test_a_broken_sitecustomize_fails_as_it_does_without_us(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("own/sitecustomize.py", "import none_such")
    monkeypatch.setenv("PYTHONPATH", str(bench.root / "own"))
    said = []
    for observe in (True, False):
        assert bench.run(bench.command(f"{sys.executable} -c pass", observe=observe)).ok
        said.append(
            [line for line in bench.log().splitlines() if line.startswith("ModuleNotFoundError")]
        )

    assert said[0] == said[1] != []


def test_a_quick_edit_is_what_a_command_runs(bench: Bench) -> None:
    import os

    for version in ("1", "2"):
        file = bench.write("helper.py", f"VERSION = {version}\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))
        assert bench.run(
            bench.command(f"{sys.executable} -c 'import helper; print(helper.VERSION)'")
        ).ok
        assert bench.log() == f"{version}\n"


@pytest.mark.parametrize("python", ["2.7", "3.6"])
def test_interpreters_that_cannot_be_observed_run_as_ever(bench: Bench, python: str) -> None:
    from pathlib import Path

    found = sorted(Path("/root/.pyenv/versions").glob(f"{python}.*/bin/python"))
    if not found:
        pytest.skip(f"no Python {python} here")
    outcome = bench.run(bench.command(f"{found[0]} -c 'print(1)'"))

    assert outcome.ok
    assert bench.log() == "1\n"


def test_the_interpreters_are_known() -> None:
    assert interpreters()["this"] == sys.executable
