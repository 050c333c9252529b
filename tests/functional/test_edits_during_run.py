"""What people edit while stages run, or between runs, is neither lost nor taken for a result."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from crashes import processes_in
from harness import Result, Sandbox
from waiting import PATIENCE, until

from pivot.digest import hash_bytes

PIPELINE = """
    stages:
      make:
        python: steps.make
        deps: {src: in.txt, folder: data}
        params: [rate]
        outs: {out: out.txt}
      after:
        cmd: cat out.txt > after.txt
        deps: [out.txt]
        outs: [after.txt]
    """
STEPS = """
    import importlib, pathlib, time

    import helper

    def make(src, folder, rate, out):
        plugin = importlib.import_module("plug" + "in")
        text = helper.mark(src.read_text()) + plugin.NAME + str(rate)
        pathlib.Path("started").write_text("")
        while not pathlib.Path("go").exists():
            time.sleep(0.005)
        out.write_text(text)
    """


@pytest.fixture
def paused(project: Sandbox) -> Sandbox:
    """A project whose stage `make` waits for the file `go` once it has read everything."""
    return project.write(
        {
            "pivot.yaml": PIPELINE,
            "steps.py": STEPS,
            "helper.py": "def mark(text):\n    return text.strip() + ' one '\n",
            "plugin.py": "NAME = 'plugin one '\n",
            "params.yaml": "rate: 1\nother: 1\n",
            "in.txt": "in one\n",
            "data/a.txt": "a\n",
            "go": "",
        }
    )


class Paused:
    """A run that stands still in the middle of `make`."""

    def __init__(self, project: Sandbox, *arguments: str) -> None:
        self.project = project
        project.remove(*(path for path in ("go", "started") if project.has(path)))
        self.process: subprocess.Popen[str] = project.start("repro", *arguments)
        until(lambda: project.has("started"), self.process)

    def go_on(self) -> Result:
        self.project.write({"go": ""})
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        return Result(("repro",), self.process.returncode, stdout, stderr)


EDITS = {
    "in.txt": ({"in.txt": "in two\n"}, "in.txt changed"),
    "inside a folder": ({"data/a.txt": "b\n"}, "data changed"),
    "new in a folder": ({"data/b.txt": "b\n"}, "data changed"),
    "helper": ({"helper.py": "def mark(text):\n    return 'two'\n"}, "helper.py changed"),
    "entry": ({"steps.py": STEPS.replace("str(rate)", "str(-rate)")}, "steps.py changed"),
    "plugin": ({"plugin.py": "NAME = 'plugin two '\n"}, "plugin.py changed"),
    "params": ({"params.yaml": "rate: 2\nother: 1\n"}, "params.yaml changed"),
}


@pytest.mark.parametrize("before", [False, True], ids=["first run", "later run"])
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_while_a_stage_runs_keeps_outputs_and_writes_no_lock(
    paused: Sandbox, edit: str, before: bool
) -> None:
    if before:
        paused.run("repro").ended(0)
        lock = paused.lock("make")
        time.sleep(0.05)
    run = Paused(paused, "-f")
    files, said = EDITS[edit]

    paused.write(files)
    done = run.go_on().ended(0)

    remark = f"make: {said} while the stage ran; its outputs are kept, no lock is written"
    assert remark in done.stderr.replace("'", "")
    assert paused.read("out.txt") == "in one one plugin one 1"
    if before:
        assert paused.lock("make") == lock
    else:
        assert not paused.has(".pivot/stages/make.lock")
    assert "make" in paused.stale()
    again = paused.run("repro").ended(0)
    assert "make: ran" in again.stderr
    assert paused.stale() == set()


def test_a_dep_deleted_while_a_stage_runs_counts(paused: Sandbox) -> None:
    run = Paused(paused)

    paused.remove("in.txt")
    done = run.go_on().ended(0)

    assert "in.txt changed while the stage ran" in done.stderr.replace("'", "")
    assert not paused.has(".pivot/stages/make.lock")


@pytest.mark.parametrize(
    "files",
    [
        {
            "helper.py": "# remarks\ndef mark(text):\n    '''Marks.'''\n    return text.strip() + ' one '\n"
        },
        {"params.yaml": "other: 2\nrate: 1\n"},
        {"in.txt": "in one\n"},
        {"unrelated.py": "x = 1\n"},
    ],
    ids=["comment", "other param", "same bytes", "other file"],
)
def test_an_edit_that_changes_nothing_does_not_count(
    paused: Sandbox, files: dict[str, str]
) -> None:
    run = Paused(paused)

    paused.write(files)
    done = run.go_on().ended(0)

    assert "changed while" not in done.stderr
    assert paused.stale() == set()


def test_the_pipeline_edited_during_a_run_counts_in_the_next(paused: Sandbox) -> None:
    run = Paused(paused)

    paused.edit("pivot.yaml", "cmd: cat out.txt", "cmd: cat out.txt out.txt")
    done = run.go_on().ended(0)

    assert "2 ran" in done.stdout
    assert paused.stale() == {"after"}
    assert paused.ran() == {"after"}


def test_a_pipeline_broken_during_a_run_does_not_disturb_it(paused: Sandbox) -> None:
    run = Paused(paused)

    paused.write({"pivot.yaml": "stages: [\n"})

    assert "2 ran" in run.go_on().ended(0).stdout
    paused.run("status").ended(2)
    paused.write({"pivot.yaml": PIPELINE})
    assert paused.stale() == set()


def test_downstream_runs_with_the_outputs_that_are_there(paused: Sandbox) -> None:
    run = Paused(paused)

    paused.write({"in.txt": "in two\n"})
    run.go_on().ended(0)

    assert paused.read("after.txt") == "in one one plugin one 1"
    assert paused.lock("after")["deps"]["out.txt"]["size"] == 23
    paused.run("repro").ended(0)
    assert paused.read("after.txt") == "in two one plugin one 1"


def test_a_param_file_that_a_stage_makes_is_read_when_it_is_made(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": """
                stages:
                  choose:
                    cmd: cat choice.txt > chosen.yaml
                    deps: [choice.txt]
                    outs: [chosen.yaml]
                  use:
                    python: use.use
                    params: [{chosen.yaml: [level]}]
                    outs: {out: used.txt}
                """,
            "choice.txt": "level: 1\n",
            "use.py": "def use(level, out):\n    out.write_text(f'level {level}')\n",
        }
    )
    project.run("repro").ended(0)
    assert project.read("used.txt") == "level 1"

    project.write({"choice.txt": "level: 2\n"})
    project.run("repro").ended(0)

    assert project.read("used.txt") == "level 2"
    assert '"level": 2' in project.read(".pivot/stages/use.lock")
    assert project.stale() == set()


# --- outputs that people changed ----------------------------------------------------------------


def stored(project: Sandbox, data: bytes) -> bool:
    value = hash_bytes("blake3", data).value
    return project.has(f".pivot/cache/files/blake3/{value[:2]}/{value[2:]}")


@pytest.mark.parametrize("how", ["run", "restore", "force"])
def test_an_out_modified_by_hand_is_stored_before_it_is_overwritten(
    paused: Sandbox, how: str
) -> None:
    paused.run("repro").ended(0)
    paused.write({"out.txt": "by hand"})
    assert ("out", "out.txt") in paused.reasons("make")
    if how == "run":
        paused.write({"in.txt": "in two\n"})

    done = paused.run("repro", *(["-f"] if how == "force" else [])).ended(0)

    digest = hash_bytes("blake3", b"by hand")
    assert f"make: kept the previous 'out.txt' as {digest}" in done.stderr
    assert stored(paused, b"by hand")
    assert paused.read("out.txt").endswith("one plugin one 1")


def test_a_folder_modified_by_hand_is_stored_with_all_its_files(project: Sandbox) -> None:
    project.write(
        {
            "pivot.yaml": "stages: {d: {cmd: mkdir d && echo x > d/x, outs: [d]}}",
        }
    )
    project.run("repro").ended(0)
    project.write({"d/y": "mine\n", "d/deep/z": "mine too\n"})

    done = project.run("repro", "-f").ended(0)

    assert "kept the previous 'd' as blake3:" in done.stderr
    assert stored(project, b"mine\n")
    assert stored(project, b"mine too\n")
    assert not project.has("d/y")


def test_checkout_refuses_to_overwrite_what_is_stored_nowhere(paused: Sandbox) -> None:
    paused.run("repro").ended(0)
    paused.write({"out.txt": "by hand"})

    refused = paused.run("checkout").ended(1)

    assert "out.txt was changed and is stored nowhere" in refused.stderr
    assert paused.read("out.txt") == "by hand"
    paused.run("checkout", "--force").ended(0)
    assert paused.read("out.txt") == "in one one plugin one 1"


def test_a_file_that_lay_at_an_out_s_place_before_the_first_run_is_kept(paused: Sandbox) -> None:
    paused.write({"out.txt": "precious"})

    done = paused.run("repro").ended(0)

    assert "kept the previous 'out.txt' as blake3:" in done.stderr
    assert stored(paused, b"precious")


# --- outs that are gone on with -----------------------------------------------------------------

GOING_ON = """
    stages:
      grow:
        python: grow.grow
        deps: {src: in.txt}
        outs: {out: {path: state.txt, FLAG: true}}
    """
GROW = """
    import os, signal, sys, time

    def grow(src, out):
        before = out.read_text() if out.exists() else ""
        out.write_text(before + src.read_text())
        end = src.read_text().strip()
        if end == "fail":
            raise ValueError("no")
        if end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if end == "timeout":
            time.sleep(60)
        if end == "crash":
            os.kill(int(open(".pid").read()), signal.SIGKILL)
            time.sleep(60)
    """


@pytest.mark.parametrize("end", ["fail", "kill", "timeout", "crash"])
@pytest.mark.parametrize("flag", ["resume", "persist", "incremental"])
def test_outs_that_are_gone_on_with(project: Sandbox, flag: str, end: str) -> None:
    project.write(
        {"pivot.yaml": GOING_ON.replace("FLAG", flag), "grow.py": GROW, "in.txt": "one\n"}
    )
    project.run("repro").ended(0)
    project.write({"in.txt": "two\n"})
    project.run("repro").ended(0)
    assert project.read("state.txt") == "one\ntwo\n"
    lock = project.lock("grow")

    project.write({"in.txt": f"{end}\n"})
    if end == "timeout":
        project.edit("pivot.yaml", "outs:", "timeout: 3s\n    outs:")
    if end == "crash":
        # the stage kills the run that started it
        process = subprocess.Popen(
            ["sh", "-c", "echo $$ > .pid; exec pivot repro"],
            cwd=project.root,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert process.wait(PATIENCE) == -9
        until(lambda: not processes_in(project.root))
    else:
        project.run("repro").ended(1)

    assert project.lock("grow") == lock
    assert project.stale() == {"grow"}
    changed = f"one\ntwo\n{end}\n"
    if flag == "incremental" and end != "crash":
        assert project.read("state.txt") == "one\ntwo\n"
    else:
        assert project.read("state.txt") == changed
    assert stored(project, b"one\ntwo\n")
    project.write({"in.txt": "three\n"})
    project.run("repro").ended(0)
    kept = "one\ntwo\n" if flag == "incremental" else changed
    assert project.read("state.txt") == kept + "three\n"
    assert project.stale() == set()


def test_a_checkpoint_stored_nowhere_is_kept_before_a_result_is_put_back(
    project: Sandbox,
) -> None:
    project.write(
        {"pivot.yaml": GOING_ON.replace("FLAG", "resume"), "grow.py": GROW, "in.txt": "one\n"}
    )
    project.run("repro").ended(0)
    project.write({"in.txt": "fail\n"})
    project.run("repro").ended(1)
    assert not stored(project, b"one\nfail\n")

    project.write({"in.txt": "one\n"})
    done = project.run("repro").ended(0)

    assert stored(project, b"one\nfail\n") or project.read("state.txt").startswith("one\nfail\n")
    assert "state.txt" in done.stderr or project.read("state.txt") != "one\n"
    assert Path(project.root).is_dir()
