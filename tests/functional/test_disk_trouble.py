"""Full disks, folders that may not be written, and odd things where outputs belong."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import PIVOT, Result, Sandbox

PIPELINE = """
    stages:
      make:
        python: steps.make
        deps: {src: in.txt}
        outs: {out: out/made.bin}
      after:
        cmd: wc -c < out/made.bin > after.txt
        deps: [out/made.bin]
        outs: [after.txt]
    """
STEPS = """
    def make(src, out):
        size = int(src.read_text())
        with open(out, "wb") as stream:
            for number in range(size):
                stream.write(bytes([number % 251]) * 1024)
    """
FILES = {"pivot.yaml": PIPELINE, "steps.py": STEPS, "in.txt": "100\n"}


def previous(project: Sandbox) -> dict[str, bytes]:
    return {
        path: (project.root / path).read_bytes()
        for path in ("out/made.bin", "after.txt", ".pivot/stages/make.lock")
    }


def told(result: Result) -> str:
    """The clear message of a failure that is neither a defect nor a riddle."""
    assert result.code in (1, 2), result
    assert "defect" not in result.stderr
    return result.stderr


# --- a full disk --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,nr_inodes=4000", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root may mount here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_cache_on_a_full_disk_fails_the_stage_and_brings_outputs_back(
    project: Sandbox, small_disk: Path
) -> None:
    project.env["PIVOT_CACHE_DIR"] = str(small_disk / "cache")
    project.write(FILES)
    project.run("repro").ended(0)
    before = previous(project)
    project.write({"in.txt": "3000\n"})

    message = told(project.run("repro"))

    assert "make: failed" in message
    assert "no space left on device" in message.lower()
    assert "free some space" in message
    assert previous(project) == before
    assert not list((small_disk / "cache/tmp").iterdir())
    project.write({"in.txt": "110\n"})
    assert set(project.repro().values()) == {"ran"}


def test_a_project_on_a_full_disk_loses_nothing(small_disk: Path) -> None:
    project = Sandbox(small_disk / "project").write(FILES)
    project.run("repro").ended(0)
    before = previous(project)
    free = os.statvfs(small_disk)
    filler = small_disk / "filler"
    for left in (0, 1, 2, 4, 8, 16, 32, 64, 128):  # KiB that remain
        project.write({"in.txt": f"{100 + left}\n"})
        free = os.statvfs(small_disk)
        filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - left * 1024))

        done = project.run("repro")

        assert done.code in (0, 1), done
        assert "defect" not in done.stderr
        if done.code:
            assert "no space left" in done.stderr.lower(), done
        filler.unlink()
        if done.code and not project.has(".pivot/tmp/aside"):
            assert (project.root / "out/made.bin").read_bytes() == before["out/made.bin"]
        project.run("repro").ended(0)
        assert (project.root / "out/made.bin").stat().st_size == (100 + left) * 1024
        shutil.rmtree(project.root / ".pivot/cache")  # make room
        project.run("commit").ended(0)
        before = previous(project)


def test_a_stage_that_fills_the_disk_fails_alone(small_disk: Path) -> None:
    project = Sandbox(small_disk / "project").write(FILES)
    project.run("repro").ended(0)
    before = previous(project)
    project.write({"in.txt": "3000\n"})

    message = told(project.run("repro"))

    assert "OSError: [Errno 28] No space left on device" in message
    assert previous(project) == before
    project.write({"in.txt": "100\n"})
    assert set(project.repro().values()) == {"fresh"}


def test_a_limit_on_file_sizes_is_told(project: Sandbox) -> None:
    project.write(FILES)
    project.run("repro").ended(0)
    before = previous(project)
    project.write({"in.txt": "3000\n"})

    limited = subprocess.run(
        ["sh", "-c", 'ulimit -f 1000; exec "$0" repro', str(PIVOT)],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    message = told(Result(("repro",), limited.returncode, limited.stdout, limited.stderr))
    assert "File too large" in message or "SIGXFSZ (file size limit)" in message
    assert previous(project) == before


# --- folders that may not be written ------------------------------------------------------------


@pytest.fixture
def mortal(project: Sandbox) -> Iterator[Sandbox]:
    """A project whose commands have to heed permissions, although tests may be run by root."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root heeds no permissions")
    yield project.write(FILES)
    subprocess.run(["chmod", "-R", "u+rwX", str(project.root)], check=True)


def call(project: Sandbox, *arguments: str) -> Result:
    powerless = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*(powerless if os.getuid() == 0 else []), str(PIVOT), *arguments],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(arguments, done.returncode, done.stdout, done.stderr)


READ_ONLY = {
    "outs": ("out", "out"),
    "cache": (".pivot/cache", ".pivot/cache"),
    "objects": (".pivot/cache/files/blake3", ".pivot/cache"),
    "objects' temporaries": (".pivot/cache/tmp", ".pivot/cache"),
    "records": (".pivot/cache/runs", ".pivot/cache/runs"),
    "locks": (".pivot/stages", ".pivot/stages"),
    "journal": (".pivot/tmp", ".pivot/tmp"),
    "logs": (".pivot/logs", ".pivot/logs"),
    "everything": (".", "project"),
}


@pytest.mark.parametrize("what", READ_ONLY)
def test_a_folder_that_may_not_be_written_is_named(mortal: Sandbox, what: str) -> None:
    project = mortal
    call(project, "repro").ended(0)
    before = previous(project)
    project.write({"in.txt": "120\n"})
    folder, named = READ_ONLY[what]
    subprocess.run(["chmod", "-R", "a-w", str(project.root / folder)], check=True)

    done = call(project, "repro")

    if done.code == 0:  # files below are still there to be written, as with an open log
        assert what in ("logs", "journal")
        return
    message = told(done)
    assert "ermission denied" in message, done
    assert named in message
    assert previous(project) == before
    subprocess.run(["chmod", "-R", "u+w", str(project.root)], check=True)
    done = call(project, "repro").ended(0)
    assert project.read("after.txt").strip() == str(120 * 1024)


@pytest.mark.parametrize("what", ["in.txt", "steps.py", "pivot.yaml", "out/made.bin"])
def test_a_file_that_may_not_be_read_is_named(mortal: Sandbox, what: str) -> None:
    project = mortal
    call(project, "repro").ended(0)
    # something written since, so that it has to be read
    project.append(what, "\n" if what != "in.txt" else "0\n")
    (project.root / what).chmod(0)

    done = call(project, "repro")

    assert done.code in (1, 2), done
    assert "ermission denied" in done.stderr
    assert what in done.stderr
    assert "defect" not in done.stderr


def test_readers_need_no_right_to_write(mortal: Sandbox) -> None:
    project = mortal
    call(project, "repro").ended(0)
    project.write({"in.txt": "120\n"})
    subprocess.run(["chmod", "-R", "a-w", str(project.root)], check=True)

    for arguments in (("status",), ("list",), ("dag",), ("plan",), ("explain", "make")):
        done = call(project, *arguments)
        assert done.code == 0, done


# --- odd things ---------------------------------------------------------------------------------


def test_a_cache_deleted_during_a_run_is_made_anew(project: Sandbox) -> None:
    project.write(FILES)
    project.run("repro").ended(0)
    project.write({"in.txt": "120\n"})
    steps = project.read("steps.py")
    project.write(
        {
            "steps.py": "import pathlib, shutil\n"
            + steps
            + "    shutil.rmtree(pathlib.Path('.pivot/cache'))\n"
        }
    )

    project.run("repro").ended(0)

    assert project.read("after.txt").strip() == str(120 * 1024)
    project.remove("out")
    assert project.repro() == {"make": "restored", "after": "fresh"}


def test_a_scratch_folder_deleted_during_a_run_costs_no_output(project: Sandbox) -> None:
    project.write(FILES)
    project.run("repro").ended(0)
    project.write({"in.txt": "120\n"})
    steps = project.read("steps.py")
    project.write(
        {
            "steps.py": "import pathlib, shutil\n"
            + steps
            # at once: a folder that is written to cannot be emptied file by file
            + "    shutil.rmtree(pathlib.Path('.pivot/tmp').rename('gone'), ignore_errors=True)\n"
        }
    )

    project.run("repro").ended(0)

    assert project.stale() == set()


def replace(project: Sandbox, kind: str, tmp_path: Path) -> Path:
    """Put something else where the output was; where what it leads to lies."""
    path = project.root / "out/made.bin"
    outside = tmp_path / "outside"
    path.unlink()
    match kind:
        case "folder":
            path.mkdir()
            (path / "mine.txt").write_text("mine")
        case "link to a file":
            outside.write_text("mine")
            path.symlink_to(outside)
        case "link to a folder":
            outside.mkdir()
            (outside / "mine.txt").write_text("mine")
            path.symlink_to(outside)
        case "dangling link":
            path.symlink_to(outside)
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
    return outside


@pytest.mark.parametrize("edited", [False, True], ids=["same inputs", "edited"])
@pytest.mark.parametrize(
    "kind", ["folder", "link to a file", "link to a folder", "dangling link", "pipe", "loop"]
)
def test_something_else_at_an_output_s_place(
    project: Sandbox, tmp_path: Path, kind: str, edited: bool
) -> None:
    project.write(FILES)
    project.run("repro").ended(0)
    outside = replace(project, kind, tmp_path)
    if edited:
        project.write({"in.txt": "120\n"})

    status = project.run("status")
    done = project.run("repro")

    if kind in ("pipe", "loop"):
        assert "out/made.bin" in told(done)
        assert status.code in (0, 1)
        assert os.path.lexists(project.root / "out/made.bin")
        (project.root / "out/made.bin").unlink()
        project.run("repro").ended(0)
    else:
        done.ended(0)
    assert (project.root / "out/made.bin").stat().st_size == (120 if edited else 100) * 1024
    assert not (project.root / "out/made.bin").is_symlink()
    if kind == "link to a file":
        assert outside.read_text() == "mine"
    if kind == "link to a folder":
        assert (outside / "mine.txt").read_text() == "mine"
    if kind == "folder" or kind.startswith("link"):
        assert "kept the previous" in done.stderr
    assert project.stale() == set()


@pytest.mark.parametrize("kind", ["pipe", "socket", "link to nothing", "loop", "device"])
def test_a_stage_that_makes_something_odd_fails(project: Sandbox, kind: str) -> None:
    make = {
        "pipe": "os.mkfifo(out)",
        "socket": "socket.socket(socket.AF_UNIX).bind(str(out))",
        "link to nothing": "out.symlink_to('nowhere')",
        "loop": "out.symlink_to(out.name)",
        "device": "os.mknod(out, 0o20600, os.makedev(1, 3))",
    }[kind]
    project.write(FILES)
    project.run("repro").ended(0)
    before = previous(project)
    project.write({"steps.py": f"import os, socket\ndef make(src, out):\n    {make}\n"})

    message = told(project.run("repro"))

    assert "make: failed" in message
    assert "out/made.bin" in message
    assert previous(project) == before


def test_a_stage_may_link_to_what_lies_outside(project: Sandbox, tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(b"far away")
    project.write(FILES)
    project.write({"steps.py": f"def make(src, out):\n    out.symlink_to({str(outside)!r})\n"})

    project.run("repro").ended(0)

    assert project.lock("make")["outs"]["out/made.bin"]["size"] == 8
    outside.write_bytes(b"changed there")
    assert "make" in project.stale()
    project.run("repro").ended(0)
    assert outside.read_bytes() == b"changed there"


def test_an_immutable_output_is_named(project: Sandbox) -> None:
    project.write(FILES)
    project.run("repro").ended(0)
    path = str(project.root / "out/made.bin")
    if subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode:
        pytest.skip("files cannot be made immutable here")
    try:
        project.write({"in.txt": "120\n"})
        message = told(project.run("repro"))
        assert "cannot make room for the outputs of stage 'make'" in message
        assert "made.bin" in message
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    project.run("repro").ended(0)
    assert project.stale() == set()


def test_where_nothing_can_be_written_nothing_to_do_is_no_failure(mortal: Sandbox) -> None:
    project = mortal
    call(project, "repro").ended(0)
    subprocess.run(["chmod", "-R", "a-w", str(project.root)], check=True)

    done = call(project, "repro", "-j", "1").ended(0)
    assert done.stdout == "Everything is up to date (2 stages).\n"
    assert call(project, "checkout").ended(0).stdout == "0 restored, 2 unchanged.\n"
    assert "warning  state database: " in call(project, "doctor").stdout
    subprocess.run(["chmod", "u+w", str(project.root)], check=True)
    project.remove("after.txt")
    for command in ("repro", "checkout"):
        said = call(project, command).ended(1).stderr
        assert "may only be read (permission denied), and there is something to do" in said
