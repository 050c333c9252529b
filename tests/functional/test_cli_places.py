"""Where and beside what `pivot` runs: folders, worktrees, other runs, terminals, signals."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness import PIVOT, Sandbox
from small import words
from waiting import PATIENCE, until

NESTED: dict[str, str | bytes] = {
    "pivot.yaml": "stages:\n  top: {cmd: cp sub/mid.txt top.txt, deps: [sub/mid.txt], outs: [top.txt]}\n",
    "sub/pivot.yaml": "stages:\n  mid: {cmd: cp in.txt mid.txt, deps: [in.txt], outs: [mid.txt]}\n",
    "sub/in.txt": "1\n",
    "sub/deep/note.txt": "",
}
#: A stage that waits for the file `go`.
SLOW: dict[str, str | bytes] = {
    "pivot.yaml": """
        stages:
          slow:
            cmd: echo begun > begun; while [ ! -e go ]; do sleep 0.05; done; echo x > slow.txt
            outs: [slow.txt]
          next: {cmd: cp slow.txt next.txt, deps: [slow.txt], outs: [next.txt]}
        """
}


# --- folders


def test_from_subfolders_paths_and_names_are_relative(project: Sandbox) -> None:
    project.write(NESTED)
    assert project.run("list", cwd="sub/deep").ended(0).stdout.splitlines()[0].startswith("top")
    assert project.run("repro", "--json", cwd="sub").ended(0).statuses == {
        "sub/pivot.yaml:mid": "ran"
    }
    assert project.run("repro", "--json", "mid.txt", cwd="sub").ended(0).statuses == {
        "sub/pivot.yaml:mid": "fresh"
    }
    assert project.run("repro", "--json", "mid", cwd="sub").statuses == {
        "sub/pivot.yaml:mid": "fresh"
    }
    assert project.run("repro", "--json", "../top.txt", cwd="sub").ended(0).statuses == {
        "sub/pivot.yaml:mid": "fresh",
        "top": "ran",
    }
    assert project.lock("sub/pivot.yaml:mid")["stage"] == "sub/pivot.yaml:mid"
    assert project.run("-C", "sub", "status", "mid").ended(0).stdout.startswith("Everything")
    assert set(project.repro("-R", "sub")) == {"sub/pivot.yaml:mid"}
    for command in ("repro", "push"):
        refused = project.run(command, "top.txt", cwd="sub").ended(2).stderr
        assert "did you mean '../top.txt'?" in refused


def test_the_whole_project_from_its_root_and_from_elsewhere(project: Sandbox) -> None:
    project.write(NESTED)
    assert project.ran("-P") == {"top", "sub/pivot.yaml:mid"}
    other = subprocess.run(
        [PIVOT, "-C", str(project.root), "status"],
        cwd="/",
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == "Everything is up to date (2 stages).\n"


def test_without_git(tmp_path: Path) -> None:
    project = words(Sandbox(tmp_path / "p", git=False))
    assert project.ran() == {"count", "top", "size"}
    project.edit("words.py", ".lower()", ".upper()")
    assert project.stale() == {"count", "top"}
    assert not project.has(".gitignore")
    assert "HEAD" not in project.run("explain", "--diff").ended(0).stdout
    assert project.run("doctor").ended(0).stdout.count("warning") == 1


def test_in_a_git_worktree(project: Sandbox, tmp_path: Path) -> None:
    words(project).repro()
    project.commit()
    project.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    tree = Sandbox(tmp_path / "tree", git=False)
    assert tree.states() == dict.fromkeys(("count", "top", "size"), "stale") or tree.stale()
    assert set(tree.repro().values()) <= {"ran", "restored"}
    assert tree.stale() == set()
    assert tree.git("status", "--short") == ""
    assert project.stale() == set()


def test_a_nearer_project_wins_over_the_one_around_it(project: Sandbox) -> None:
    words(project)
    inner = Sandbox(project.root / "inner", git=False)
    inner.run("init").ended(0)
    assert inner.run("list").ended(0).stdout == ""


@pytest.mark.parametrize("place", [".cache/tool", "out/made", "node_modules/x"])
def test_beside_a_pipeline_that_is_passed_over_the_project_around_it_is_not_meant(
    project: Sandbox, place: str
) -> None:
    project.write(NESTED)
    made = "  made: {cmd: mkdir -p out, outs: [out]}\n"
    project.write({"pivot.yaml": str(NESTED["pivot.yaml"]) + made})
    mine = "stages:\n  mine: {cmd: echo 1 > one.txt, outs: [one.txt]}\n"
    project.write({f"{place}/pivot.yaml": mine, f"{place}/deep/x": ""})
    for said in (["repro"], ["status"], ["list", "--json"], ["dag"], ["explain", "top"]):
        refused = project.run(*said, cwd=place).ended(2)
        assert f"{place}/pivot.yaml: the project in '{project.root}' passes" in refused.stderr
        assert refused.stdout == ""
    assert not project.has("top.txt")
    listed = project.run("list", cwd=f"{place}/deep").ended(0).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "top",
        "made",
        "sub/pivot.yaml:mid",
    ]
    project.run("init", "--force", cwd=place).ended(0)
    assert project.run("repro", "--json", cwd=place).ended(0).statuses == {"mine": "ran"}
    assert project.run("repro", "--json").ended(0).statuses["top"] == "ran"


def test_a_folder_that_a_revision_lacks_is_no_foreign_one(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages:\n  top: {cmd: echo 1 > top.txt, outs: [top.txt]}\n"})
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "before")
    project.write({"new/pivot.yaml": "stages:\n  more: {cmd: echo 1 > one.txt, outs: [one.txt]}\n"})
    listed = project.run("list", "--rev", "HEAD", cwd="new").ended(0).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["top"]
    changed = project.run("impact", "HEAD", cwd="new").ended(0).stdout
    assert "workspace affects 1 of 2 stages" in changed
    assert "new/pivot.yaml:more" in changed


def test_pivot_yaml_and_dvc_yaml_in_one_folder(project: Sandbox) -> None:
    words(project).write({"dvc.yaml": "stages:\n  old:\n    cmd: 'true'\n"})
    result = project.run("status").ended(0)
    assert "old" not in result.stdout
    assert "dvc.yaml" in result.stderr


@pytest.mark.skipif(not shutil.which("setpriv") or os.getuid() != 0, reason="needs another user")
def test_readers_need_no_write_access(project: Sandbox) -> None:
    words(project).repro()
    for folder in (project.root, *project.root.parents):
        if folder == Path("/tmp"):
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(project.root)], check=True)
    reader = [
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(PIVOT), "status",
    ]  # fmt: skip
    done = subprocess.run(
        reader,
        cwd=project.root,
        env={
            # the measuring of coverage would complain that it cannot write
            **{k: v for k, v in project.environment().items() if not k.startswith("COV")},
            "HOME": "/nowhere",
            "XDG_CACHE_HOME": "/nowhere",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    subprocess.run(["chmod", "-R", "u+w", str(project.root)], check=True)
    assert done.returncode == 0, done
    assert done.stdout == "Everything is up to date (3 stages).\n"
    assert done.stderr.count("\n") <= 1


# --- other runs


def test_a_second_run_waits_and_says_for_whom_and_readers_do_not(project: Sandbox) -> None:
    project.write(SLOW)
    first = project.start("repro")
    until(lambda: project.has("begun"), first)
    assert project.run("status").ended(0).stdout.startswith("slow  WILL RUN")
    busy = project.run("repro", "--no-wait").ended(75)
    assert f"another run holds the project: process {first.pid} " in busy.stderr
    second = project.start("repro")
    assert second.stderr is not None
    assert f"waiting for another run to end: process {first.pid}" in second.stderr.readline()
    project.write({"go": ""})
    assert first.communicate()[0].startswith("2 ran in ")
    assert second.communicate()[0] == "Everything is up to date (2 stages).\n"
    assert (first.returncode, second.returncode) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_brings_outputs_back(project: Sandbox, number: int) -> None:
    project.write(SLOW).write({"go": ""})
    project.repro()
    project.remove("go", "begun")
    run = project.start("repro", "-f")
    until(lambda: project.has("begun"), run)
    run.send_signal(number)
    _, said = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130
    assert "interrupted: running stages were ended and their previous outputs are back" in said
    assert project.read("slow.txt") == "x\n"
    assert project.stale() == set()


# --- terminals and pipes


def test_a_reader_that_goes_away_is_no_error(project: Sandbox) -> None:
    words(project).repro()
    for line in (("list",), ("status",), ("dag", "--json"), ("logs", "size"), ("--help",)):
        call = project.start(*line)
        assert call.stdout is not None
        call.stdout.close()
        assert call.stderr is not None
        said = call.stderr.read()
        assert "roken" not in said
        assert "Traceback" not in said
        assert call.wait() == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_stood(project: Sandbox, closed: str) -> None:
    words(project)
    done = subprocess.run(
        f"'{PIVOT}' repro {closed}",
        shell=True,
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done
    assert project.stale() == set()


def test_on_a_terminal_a_running_stage_has_a_live_line(project: Sandbox) -> None:
    project.write(
        {"pivot.yaml": "stages:\n  slow:\n    cmd: sleep 0.6; echo x > o\n    outs: [o]\n"}
    )
    shown = on_terminal(project, "repro")
    assert "slow: running (never run)" in shown
    assert "\n  slow  0." in shown.replace("\r", "\n").replace("\x1b[2K", "\n")
    assert "slow: \x1b[32mran\x1b[0m in 0." in shown
    assert shown.rstrip().rpartition("\n")[2].endswith("s.")
    assert "1 ran in " in shown


def test_colours_stay_out_where_they_are_not_wanted(project: Sandbox) -> None:
    words(project)
    assert "\x1b[3" in on_terminal(project, "status")
    assert "\x1b[3" not in on_terminal(project, "status", NO_COLOR="1")
    assert "\x1b[3" not in project.run("status").stdout


def on_terminal(project: Sandbox, *arguments: str, **variables: str) -> str:
    """What a call writes to a terminal."""
    ours, theirs = pty.openpty()
    call = subprocess.Popen(
        [PIVOT, *arguments],
        cwd=project.root,
        env=project.environment({"TERM": "xterm", **variables}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    found = b""
    while True:
        ready, _, _ = select.select([ours], [], [], 60)
        try:
            piece = os.read(ours, 65536) if ready else b""
        except OSError:  # the other side is closed
            piece = b""
        if not piece:
            break
        found += piece
    call.wait()
    os.close(ours)
    return found.decode()
