"""No output that existed before is lost, whenever and however a run ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from run_bench import Bench

from pivot import disk
from pivot.errors import RunError
from pivot.model import Command, Out, Stage
from pivot.run import journal, outputs
from pivot.run.journal import read_journal, recover
from pivot.run.outputs import Outputs
from pivot.run.worker import process

STEPS = ("aside.journal", "aside.move", "aside.drop", "journal.clear", "restore.move")


def stage(*outs: Out | str, name: str = "stage") -> Stage:
    made = tuple(Out(out) if isinstance(out, str) else out for out in outs)
    return Stage(name, "pivot.yaml", 1, Command(("true",)), outs=made)


def contents(root: Path) -> dict[str, str]:
    """Every file and link below `root` but those of `.pivot`, with what it holds."""
    found = {}
    for file in sorted(root.rglob("*")):
        name = file.relative_to(root).as_posix()
        if name.startswith(".pivot"):
            continue
        if file.is_symlink():
            found[name] = f"-> {os.readlink(file)}"
        elif file.is_file():
            found[name] = f"{stat.S_IMODE(file.stat().st_mode):o} {file.read_text()}"
    return found


def leftovers(root: Path) -> list[str]:
    folder = root / ".pivot" / "tmp"
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_size
    ]


def test_outs_are_set_aside_and_come_back(bench: Bench) -> None:
    bench.write("data/a.csv", "old")
    bench.write("dir/x/deep", "old")
    (bench.root / "link").symlink_to("data/elsewhere")
    (bench.root / "data/a.csv").chmod(0o444)
    before = contents(bench.root)
    one = stage("data/a.csv", "dir", "link", "new/out", "s3://bucket/x")
    kept = Outputs(str(bench.root))

    kept.set_aside(one)
    assert contents(bench.root) == {}
    assert (bench.root / "new").is_dir()
    bench.write("data/a.csv", "half")
    bench.write("dir/y", "half")
    bench.write("link/file", "half")
    bench.write("new/out", "half")
    kept.restore(one)

    assert contents(bench.root) == before
    assert leftovers(bench.root) == []


def test_outs_are_dropped_after_success(bench: Bench) -> None:
    bench.write("a", "old")
    bench.write("dir/x", "old")
    (bench.root / "dir").chmod(0o555)
    kept = Outputs(str(bench.root))

    kept.set_aside(stage("a", "dir"))
    bench.write("a", "new")
    kept.drop(stage("a", "dir"))
    kept.restore(stage("a", "dir"))

    assert contents(bench.root) == {"a": "644 new"}
    assert leftovers(bench.root) == []
    assert recover(str(bench.root)) == journal.Recovery()


def test_incremental_outs_stay_and_are_rolled_back(bench: Bench) -> None:
    bench.write("inc/x", "old")
    bench.write("file", "old")
    one = stage(
        Out("inc", incremental=True), Out("file", incremental=True), Out("none", incremental=True)
    )
    kept = Outputs(str(bench.root))

    kept.set_aside(one)
    before = contents(bench.root)
    with open(bench.root / "file", "a") as file:
        file.write(" and half")
    bench.write("inc/y", "half")
    bench.write("none", "half")
    kept.restore(one)

    assert before == contents(bench.root) == {"file": "644 old", "inc/x": "644 old"}
    assert leftovers(bench.root) == []


@pytest.mark.parametrize("kind", ["resume", "persist"])
def test_checkpoints_and_persistent_outs_stay_as_the_stage_leaves_them(
    bench: Bench, kind: str
) -> None:
    bench.write("out", "old")
    one = stage(Out("out", **{kind: True}))  # type: ignore[arg-type]
    kept = Outputs(str(bench.root))

    kept.set_aside(one)
    assert bench.read("out") == "old"
    bench.write("out", "half")
    kept.restore(one)

    assert bench.read("out") == "half"


def test_putting_back_without_having_set_aside_does_nothing(bench: Bench) -> None:
    bench.write("a", "mine")
    kept = Outputs(str(bench.root))
    kept.restore(stage("a"))
    kept.drop(stage("a"))

    assert bench.read("a") == "mine"


def test_stages_side_by_side_keep_to_their_own_outputs(bench: Bench) -> None:
    bench.write("a", "old")
    bench.write("b", "old")
    kept = Outputs(str(bench.root))
    one, two = stage("a", name="one"), stage("b", name="two")
    kept.set_aside(one)
    kept.set_aside(two)
    bench.write("a", "new")
    kept.drop(one)
    written = Path(journal.journal_path(str(bench.root))).read_text()
    kept.restore(two)

    assert '"stage": "one"' in written
    assert (bench.read("a"), bench.read("b")) == ("new", "old")
    assert Path(journal.journal_path(str(bench.root))).read_text() == ""


def test_another_file_system_is_no_hindrance(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel does for overlays and mounts: rename refuses, within one device number too."""
    real = os.rename

    def refuse(source: str, target: str) -> None:
        if (".pivot/" in source) != (".pivot/" in target):
            raise OSError(18, "Invalid cross-device link", source)
        real(source, target)

    monkeypatch.setattr(outputs.os, "rename", refuse)
    bench.write("a", "old")
    bench.write("dir/x", "old")
    before = contents(bench.root)
    kept = Outputs(str(bench.root))
    kept.set_aside(stage("a", "dir"))
    assert contents(bench.root) == {}
    bench.write("a", "half")
    kept.restore(stage("a", "dir"))

    assert contents(bench.root) == before
    assert leftovers(bench.root) == []


def test_an_output_on_another_device_is_kept_beside_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_same_device", lambda path, root: False)
    bench.write("data/a", "old")
    kept = Outputs(str(bench.root))
    kept.set_aside(stage("data/a"))
    names = [entry.name for entry in (bench.root / "data").iterdir()]
    bench.write("data/a", "new")
    kept.drop(stage("data/a"))

    assert len(names) == 1
    assert names[0].startswith(".a.pivot-")
    assert contents(bench.root) == {"data/a": "644 new"}


def test_what_cannot_be_made_room_for_is_an_error_and_nothing_is_lost(bench: Bench) -> None:
    bench.write("a", "old")
    bench.write("file", "no folder")
    kept = Outputs(str(bench.root))
    one = stage("a", "file/out")
    with pytest.raises(RunError, match="cannot make room for the outputs of stage 'stage'"):
        kept.set_aside(one)
    kept.restore(one)

    assert contents(bench.root) == {"a": "644 old", "file": "644 no folder"}


UNPRIVILEGED = """
import os, shutil, sys
sys.path[:0] = {path!r}
from test_run_outputs import stage
from pivot.run.outputs import Outputs
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
kept = Outputs({root!r})
one = stage("dir")
kept.set_aside(one)
assert not os.path.exists("dir")
os.mkdir("dir"); open("dir/half", "w").close(); os.chmod("dir", 0o555)
kept.restore(one)
assert os.listdir("dir") == ["x"], os.listdir("dir")
assert os.stat("dir").st_mode & 0o777 == 0o555
kept.set_aside(one)
kept.drop(one)
assert not os.path.exists("dir")
"""


def test_a_folder_that_may_not_be_written_to_moves_all_the_same(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import shutil
    import tempfile

    root = Path(tempfile.mkdtemp(prefix="pivot-test-"))
    try:
        (root / "dir").mkdir()
        (root / "dir/x").write_text("old")
        (root / "dir").chmod(0o555)
        if os.getuid() == 0:
            for path in (root, root / "dir", root / "dir/x"):
                os.chown(path, 65534, 65534)
        program = UNPRIVILEGED.format(path=[entry for entry in sys.path if entry], root=str(root))
        done = subprocess.run(
            [sys.executable, "-B", "-c", program],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)


# --- crashes --------------------------------------------------------------------------------

OUTS = (Out("a"), Out("dir"), Out("inc", incremental=True), Out("fresh"), Out("sub/b"))


def run_stage(root: Path, what: str) -> None:
    """What a run does around one stage, and the stage itself."""
    kept = Outputs(str(root))
    one = stage(*OUTS)
    kept.set_aside(one)
    for name in ("a", "fresh"):
        (root / name).write_text("new")
    (root / "dir").mkdir(exist_ok=True)
    (root / "dir/y").write_text("new")
    with open(root / "inc", "a") as file:
        file.write(" new")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    getattr(kept, what)(one)


def crash(root: Path, what: str, fault: str) -> bool:
    """Whether a process that does `what` was killed at step `fault` (`name:count`)."""
    pid = os.fork()
    if pid == 0:
        try:
            disk._armed, disk._hits = fault, {}
            if what == "recover":
                recover(str(root))
            else:
                run_stage(root, what)
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    assert status in (0, signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("what", ["restore", "drop"])
@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_loses_nothing(bench: Bench, what: str, step: str) -> None:
    before = {"a": "644 old", "dir/x": "644 old", "inc": "644 old", "sub/b": "644 old"}
    after = {"a": "644 new", "dir/y": "644 new", "inc": "644 old new", "fresh": "644 new"}
    count = 1
    while True:
        for name in ("a", "dir/x", "inc", "sub/b"):
            bench.write(name, "old")
        for name in ("dir/y", "fresh"):
            (bench.root / name).unlink(missing_ok=True)
        if not crash(bench.root, what, f"{step}:{count}"):
            break
        dropped = what == "drop" and step in ("aside.drop", "journal.clear")
        told = read_journal(str(bench.root))
        # a recovery may be killed as well
        for again in range(1, 4):
            crash(bench.root, "recover", f"restore.move:{again}")
        crash(bench.root, "recover", "journal.clear")
        recover(str(bench.root))

        assert contents(bench.root) == (after if dropped else before), f"{step}:{count}"
        if step != "journal.clear":
            assert [entry.stage for entry in told] == ([] if dropped else ["stage"])
        assert [name for name in leftovers(bench.root) if not name.startswith("partial/")] == []
        assert recover(str(bench.root)) == journal.Recovery()
        count += 1
    reached = what == "restore" or step != "restore.move"
    assert (count > 1) == (reached and not (what == "restore" and step == "aside.drop"))


def test_what_an_interrupted_stage_had_made_is_moved_away_not_deleted(bench: Bench) -> None:
    bench.write("a", "old")
    for name in ("dir/x", "inc", "sub/b"):
        bench.write(name, "old")
    assert crash(bench.root, "die", "")
    bench.write("fresh", "made by hand since")

    recovery = recover(str(bench.root))

    assert recovery.stages == ("stage",)
    assert recovery.notes[-1].startswith(
        "stage 'stage' had been interrupted; put back 'a', 'dir', 'inc', 'sub/b'"
    )
    (kept,) = (bench.root / ".pivot/tmp/partial/stage").glob("3-fresh*")
    assert kept.read_text() == "made by hand since"
    assert not (bench.root / "fresh").exists()


def test_an_output_that_cannot_be_put_back_is_named_with_where_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("a", "old")
    kept = Outputs(str(bench.root))
    kept.set_aside(stage("a"))

    def refuse(source: str, target: str) -> None:
        raise OSError(5, "Input/output error", source)

    with monkeypatch.context() as patch:
        patch.setattr(outputs.os, "rename", refuse)
        with pytest.raises(RunError, match="cannot put back") as raised:
            kept.restore(stage("a"))
    assert raised.value.hint is not None
    where = raised.value.hint.split("'")[1]
    assert Path(where).read_text() == "old"
    kept.restore(stage("a"))
    assert bench.read("a") == "old"


# --- the journal ----------------------------------------------------------------------------


def test_a_run_that_goes_on_is_no_survivor(bench: Bench) -> None:
    bench.write("a", "old")
    kept = Outputs(str(bench.root))
    kept.set_aside(stage("a"))

    assert read_journal(str(bench.root)) == ()
    kept.restore(stage("a"))


def test_torn_and_foreign_lines_are_passed_over(bench: Bench) -> None:
    bench.write("a", "old")
    kept = Outputs(str(bench.root))
    kept.set_aside(stage("a"))
    with open(journal.journal_path(str(bench.root)), "a") as file:
        file.write('{"at": "end", "sta')

    assert recover(str(bench.root)).stages == ("stage",)
    assert bench.read("a") == "old"
    assert recover(str(bench.root)) == journal.Recovery()


def test_no_journal_means_nothing_to_do(tmp_path: Path) -> None:
    assert recover(str(tmp_path)) == journal.Recovery()
    assert read_journal(str(tmp_path)) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not process.LINUX, reason="marks are read from /proc")
def test_survivors_are_ended_and_others_with_their_number_are_not(bench: Bench) -> None:
    root = str(bench.root)
    run = f"run-{os.urandom(8).hex()}"
    marked = orphan({"PIVOT_RUN_ID": run})
    leader = orphan({})
    stranger = orphan({})
    kept = Outputs(root)
    kept.set_aside(stage("a"))
    begun = journal.Journal(root)
    begun.started("stage", leader)
    path = Path(journal.journal_path(root))
    line = {"at": "started", "stage": "stage", "pgid": stranger, "start": "1", "run": run}
    path.write_text(path.read_text() + json.dumps(line) + "\n")
    try:
        recovery = recover(root)
        assert recovery.notes[0] == "ended 2 processes that an interrupted run had left"
        assert not process.is_running(marked)
        assert not process.is_running(leader)
        assert process.is_running(stranger)
    finally:
        os.kill(stranger, signal.SIGKILL)


def orphan(environment: dict[str, str]) -> int:
    """The pid of a process in a session of its own that is no child of ours."""
    program = "import os, sys, time\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=True)\nos.execv('/bin/sleep', ['sleep', '1000'])"
    started = subprocess.Popen(
        [sys.executable, "-S", "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    pid = int(started.stdout.readline())
    started.wait()
    while process.command_line(pid) != "sleep 1000":
        pass
    return pid


def test_a_journal_that_cannot_be_written_is_an_error(bench: Bench) -> None:
    bench.write(".pivot/tmp", "a file")
    with pytest.raises(RunError, match="cannot write the journal"):
        Outputs(str(bench.root)).set_aside(stage("a"))


def test_a_mount_point_is_emptied_and_filled_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that may neither be renamed nor removed: what a container mounts for outputs."""
    mount = str(bench.root / "mount")
    real_rename, real_rmdir = os.rename, os.rmdir

    def rename(source: str, target: str) -> None:
        if mount in (source, target):
            raise OSError(16, "Device or resource busy", source)
        real_rename(source, target)

    def rmdir(path: str) -> None:
        if path == mount:
            raise OSError(16, "Device or resource busy", path)
        real_rmdir(path)

    monkeypatch.setattr(outputs.os, "rename", rename)
    monkeypatch.setattr(outputs.os, "rmdir", rmdir)
    bench.write("mount/x", "old")
    bench.write("mount/deep/y", "old")
    before = contents(bench.root)
    kept = Outputs(str(bench.root))
    kept.set_aside(stage("mount"))
    assert contents(bench.root) == {}
    bench.write("mount/x", "half")
    kept.restore(stage("mount"))

    assert contents(bench.root) == before
    assert leftovers(bench.root) == []


def test_links_are_copied_as_links(bench: Bench) -> None:
    bench.write("target", "x")
    bench.write("inc/file", "x")
    (bench.root / "inc/link").symlink_to("file")
    (bench.root / "alias").symlink_to("target")
    one = stage(Out("inc", incremental=True), Out("alias", incremental=True))
    before = contents(bench.root)
    kept = Outputs(str(bench.root))
    kept.set_aside(one)
    (bench.root / "alias").unlink()
    (bench.root / "inc/link").unlink()
    kept.restore(one)

    assert contents(bench.root) == before
