"""No cache is ever wrong: after any change the answer is the one that nothing was known for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forked import Forked
from harness import Sandbox
from waiting import PATIENCE

ALL = frozenset({"clean", "count", "shell", "final"})
TICK = 0.03  # longer than a tick of the clock that stamps files

PROJECT = {
    "pivot.yaml": """
        stages:
          clean:
            python: steps.clean.clean
            deps: {src: data/in.csv}
            params: {keep: "${keep}"}
            outs: {out: build/clean.txt}
          count:
            python: steps.count.count
            deps: {folder: data/many}
            env: [MODE]
            outs: {out: {path: build/counts, type: directory}}
          shell:
            cmd: sh tools/tool.sh data/in.csv build/shell.txt
            deps: [data/in.csv]
            params: [settings.yaml: [depth]]
            outs: [build/shell.txt]
          final:
            cmd: cat build/clean.txt build/shell.txt > build/final.txt
            deps: [build/clean.txt, build/shell.txt, ../outside.txt]
            outs: [build/final.txt]
        """,
    "params.yaml": "keep: 3\n",
    "settings.yaml": "depth: 1\nother: 1\n",
    "steps/__init__.py": "",
    "steps/clean.py": """
        from helpers.text import shorten

        def clean(src, keep, out):
            out.write_text(shorten(src.read_text(), keep))
        """,
    "steps/count.py": """
        def count(folder, out):
            out.mkdir(exist_ok=True)
            for file in sorted(folder.rglob("*.txt")):
                (out / file.name).write_text(str(len(file.read_text())))
        """,
    "helpers/__init__.py": "",
    "helpers/text.py": """
        def shorten(text, keep):
            return text[:keep] + "a"
        """,
    "data/in.csv": "abcdef\n",
    "data/many/one.txt": "1\n",
    "data/many/deep/er/two.txt": "22\n",
    "data/many/deep/er/three.txt": "333\n",
    "tools/tool.sh": "tr a-z A-Z < $1 > $2\n",
    "../outside.txt": "outside\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Sandbox:
    """A project in which everything is up to date, and every cache knows it."""
    made = Forked(tmp_path / "work" / "project").write(PROJECT)
    made.git("add", "--all")
    assert made.ran() == ALL
    made.commit("first")
    learn(made, "repro", "status")
    return made


def learn(project: Sandbox, *commands: str) -> None:
    """Let every cache learn what there is, and see that the quickest answer is left."""
    for command in commands or ("status",):
        witness = f".pivot/tmp/instant-{command}"
        if project.has(witness):
            project.remove(witness)
        for _ in range(4):
            time.sleep(TICK)  # what was not settled the last time is now
            project.run(command).ended(0)
            if project.has(witness):
                break
        else:
            raise AssertionError(f"`pivot {command}` left no witness")


def status(project: Sandbox, **env: str) -> str:
    return project.run("status", env=env).ended(0).stdout


def answers(project: Sandbox) -> str:
    """What `status` says, by every path the same, which this asserts."""
    quick = project.run("status")
    full = project.run("status", env={"PIVOT_INSTANT": "0"})
    assert (quick.code, quick.stdout) == (full.code, full.stdout)
    known = project.run("status", "--json")
    other = forgotten(project)
    anew = other.run("status", "--json")
    assert (known.code, known.stdout) == (anew.code, anew.stdout)
    shutil.rmtree(other.root.parent)
    return full.stdout + full.stderr + known.stdout


def forgotten(project: Sandbox) -> Sandbox:
    """A copy of the project that knows nothing but its locks and its cache."""
    place = project.root.parent.parent / f"copy-{time.monotonic_ns()}"
    shutil.copytree(project.root.parent, place, symlinks=True)
    other = Forked(place / project.root.name, git=False)
    other.env = dict(project.env)
    for name in ("state.db", "tmp"):
        if other.has(f".pivot/{name}"):
            other.remove(f".pivot/{name}")
    return other


def stale(project: Sandbox) -> set[str]:
    """The stages that are not fresh, by every path."""
    answers(project)
    found = project.stale()
    for env in ({}, {"PIVOT_INSTANT": "0"}):
        plan = project.run("repro", "-n", env=env).ended(0).stdout
        assert plan.startswith("Everything is up to date") == (not found)
    return found


def same_size(project: Sandbox, path: str, old: str, new: str) -> None:
    """Edit a file so that neither its size nor its modification time moves."""
    assert len(old) == len(new)
    place = project.root / path
    before = place.stat()
    project.edit(path, old, new)
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_file(path: Path, data: bytes, *, keep_time: bool = True) -> None:
    """Give a path other content under the old modification time, by a rename."""
    before = path.stat()
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data)
    if keep_time:
        os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    beside.replace(path)


# --- edits that count, however they hide ------------------------------------------------------

#: path, old, new (of equal length), the stages that this makes stale
FILES = {
    "dep": ("data/in.csv", "abc", "abd", {"clean", "shell", "final"}),
    "dep outside": ("../outside.txt", "outside", "0utside", {"final"}),
    "deep in a folder": ("data/many/deep/er/two.txt", "22", "23", {"count"}),
    "out": ("build/clean.txt", "abc", "abd", {"clean"}),  # restored: `final` need not run
    "out in a folder": ("build/counts/two.txt", "3", "4", {"count"}),
    "code": ("steps/clean.py", "(), keep", "(),-keep", {"clean", "final"}),
    "helper": ("helpers/text.py", '"a"', '"b"', {"clean", "final"}),
    "script": ("tools/tool.sh", "a-z", "b-z", {"shell", "final"}),
    "var": ("params.yaml", "3", "4", {"clean", "final"}),
    "param": ("settings.yaml", "depth: 1", "depth: 2", {"shell", "final"}),
    "pipeline": ("pivot.yaml", '"${keep}"', "123456789", {"clean", "final"}),
    "lock": (".pivot/stages/shell.lock", '"depth": 1', '"depth": 2', {"shell"}),
}  # fmt: skip


def by_write(project: Sandbox, path: str, old: str, new: str) -> None:
    project.edit(path, old, new)


def by_rename(project: Sandbox, path: str, old: str, new: str) -> None:
    place = project.root / path
    replace_file(place, place.read_bytes().replace(old.encode(), new.encode(), 1))


def into_the_past(project: Sandbox, path: str, old: str, new: str) -> None:
    project.edit(path, old, new)
    os.utime(project.root / path, (1_000_000_000, 1_000_000_000))


def into_the_future(project: Sandbox, path: str, old: str, new: str) -> None:
    project.edit(path, old, new)
    os.utime(project.root / path, (time.time() + 9e6, time.time() + 9e6))


def through_a_hard_link(project: Sandbox, path: str, old: str, new: str) -> None:
    other = project.root.parent / "linked"
    os.link(project.root / path, other)
    before = other.stat()
    with other.open("r+b") as stream:
        data = stream.read().replace(old.encode(), new.encode(), 1)
        stream.seek(0)
        stream.write(data)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.unlink()


def by_symbolic_link(project: Sandbox, path: str, old: str, new: str) -> None:
    place = project.root / path
    before = place.stat()
    other = project.root.parent / "elsewhere"
    other.write_bytes(place.read_bytes().replace(old.encode(), new.encode(), 1))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    place.unlink()
    place.symlink_to(other)


WAYS: list[Callable[[Sandbox, str, str, str], None]] = [
    by_write, same_size, by_rename, into_the_past, into_the_future, through_a_hard_link,
    by_symbolic_link,
]  # fmt: skip


#: Of each file three ways, so that each way is tried with five files; all of both where asked.
SOME = [(what, [WAYS[(n + 2 * k) % len(WAYS)] for k in range(3)]) for n, what in enumerate(FILES)]
EACH = [pytest.param(what, WAYS, marks=pytest.mark.thorough) for what in FILES]


@pytest.mark.parametrize(("what", "ways"), [*SOME, *EACH])
def test_an_edit_is_found_however_it_hides(
    project: Sandbox, what: str, ways: list[Callable[[Sandbox, str, str, str], None]]
) -> None:
    path, old, new, expected = FILES[what]
    text = (project.root / path).read_bytes()
    for way in ways:
        way(project, path, old, new)
        assert answers(project).count("Everything is up to date") == 0, way.__name__
        assert project.stale() == expected, way.__name__
        # undone, everything is fresh again, although every stat number is another
        (project.root / path).unlink()
        (project.root / path).write_bytes(text)
        assert status(project).startswith("Everything is up to date"), way.__name__
        learn(project)


@pytest.mark.parametrize("what", FILES)
def test_what_only_looks_changed_is_not(project: Sandbox, what: str) -> None:
    path = project.root / FILES[what][0]
    (path).touch()
    assert stale(project) == set()
    learn(project)
    before = path.read_bytes()
    replace_file(path, before)
    assert stale(project) == set()
    learn(project)
    copied = path.with_name("copied")
    shutil.copy2(path, copied)  # as `cp -p`
    copied.replace(path)
    assert stale(project) == set()


INSTANTS = [
    *((what, range(n % 2, 6, 2)) for n, what in enumerate(FILES)),
    *(pytest.param(what, range(8), marks=pytest.mark.thorough) for what in FILES),
]


@pytest.mark.parametrize(("what", "instants"), INSTANTS)
def test_edits_at_any_instant_are_found(project: Sandbox, what: str, instants: range) -> None:
    """Around the very moment in which the caches learn a file."""
    path, old, new, expected = FILES[what]
    for number in instants:
        started = project.start("status")
        time.sleep(number * 0.02)
        same_size(project, path, old, new)
        started.communicate(timeout=PATIENCE)
        assert project.stale() == expected
        assert status(project) == status(project, PIVOT_INSTANT="0")
        same_size(project, path, new, old)
        assert status(project).startswith("Everything is up to date")


def test_a_quick_series_of_edits_is_followed(project: Sandbox) -> None:
    for number in range(12):
        (project.root / "data/in.csv").write_text(f"{number:06}\n")
        project.run("repro").ended(0)
        assert project.read("build/clean.txt") == f"{number:06}"[:3] + "a"
        assert project.read("build/shell.txt") == f"{number:06}\n"


def test_a_file_system_of_whole_seconds_hides_no_edit(project: Sandbox) -> None:
    """Modification times without a fraction, as FAT and some network file systems keep them."""
    for what in ("dep", "helper", "out"):
        path, old, new, expected = FILES[what]
        place = project.root / path
        second = int(time.time())
        os.utime(place, (second, second))
        assert stale(project) == set()
        learn(project)
        for one, other, found in ((old, new, expected), (new, old, set())):
            project.edit(path, one, other)
            os.utime(place, (second, second))
            assert stale(project) == found


def test_a_checkout_of_another_branch_and_back_is_followed(project: Sandbox) -> None:
    project.git("checkout", "--quiet", "-b", "other")
    for what in ("dep", "helper", "param"):
        path, old, new, _ = FILES[what]
        project.edit(path, old, new)
    project.git("commit", "--quiet", "--all", "--message", "other")
    for branch, expected in (("-", set()), ("-", {"clean", "shell", "final"})) * 2:
        project.git("checkout", "--quiet", branch)
        assert stale(project) == expected


@pytest.mark.parametrize("name", ["state.db", "tmp/instant-status"])
def test_a_damaged_cache_costs_time_only(project: Sandbox, name: str) -> None:
    """The state database holds the compiled pipeline, the indexes of modules, and every digest."""
    cache = project.root / ".pivot" / name
    whole = cache.read_bytes()
    for damaged in (b"", b"SQLite format 3\0 no more", whole[: len(whole) // 2],
                    bytes(byte ^ 1 for byte in whole), None):  # fmt: skip
        cache.unlink(missing_ok=True)
        if damaged is not None:
            cache.write_bytes(damaged)
        done = project.run("status").ended(0)
        assert done.stdout.startswith("Everything is up to date")
        assert "warning" not in done.stderr
        same_size(project, *FILES["helper"][:3])
        assert project.stale() == FILES["helper"][3]
        project.edit(FILES["helper"][0], FILES["helper"][2], FILES["helper"][1])
        learn(project)


# --- what else can change -----------------------------------------------------------------------


def shadow_by_package(project: Sandbox) -> set[str]:
    """A package wins over a module of the same name."""
    project.write({"helpers/text/__init__.py": "def shorten(text, keep):\n    return text\n"})
    return {"clean", "final"}


def helper_gone(project: Sandbox) -> None:
    project.remove("helpers/text.py")


def init_gone(project: Sandbox) -> None:
    """Without `__init__.py`, the folder is still a namespace package."""
    project.remove("helpers/__init__.py")


def init_with_an_effect(project: Sandbox) -> set[str]:
    project.write({"helpers/__init__.py": "import os\nos.environ['X'] = '1'\n"})
    return {"clean", "final"}


def earlier_on_the_path(project: Sandbox) -> set[str]:
    """`src/` becomes a root, and holds what the namespace package at the root no longer is."""
    project.write(
        {
            "src/helpers/__init__.py": "",
            "src/helpers/text.py": "def shorten(text, keep):\n    return ''\n",
        }
    )
    project.remove("helpers/__init__.py")
    return {"clean", "final"}


def new_pipeline_below(project: Sandbox) -> set[str]:
    project.write({"data/other/pivot.yaml": "stages: {extra: {cmd: echo, outs: [extra.txt]}}\n"})
    return {"data/other/pivot.yaml:extra"}


def pipeline_gone(project: Sandbox) -> None:
    project.remove("pivot.yaml")


def stage_added(project: Sandbox) -> set[str]:
    project.append("pivot.yaml", "  extra: {cmd: touch extra.txt, outs: [extra.txt]}\n")
    return {"extra"}


def stage_frozen(project: Sandbox) -> set[str]:
    project.edit("pivot.yaml", "params: [settings.yaml: [depth]]", "frozen: true")
    return set()


def project_settings(project: Sandbox) -> set[str]:
    """With `code.track: false` the code behind every stage stops to count."""
    project.write({".pivot/config.yaml": "code: {track: false}\n"})
    return set(ALL) - {"final"} | {"final"}


def local_settings_broken(project: Sandbox) -> None:
    project.write({".pivot/config.local.yaml": "core: {jbos: 4}\n"})


def user_settings(project: Sandbox) -> None:
    home = project.root.parent / "config"
    (home / "pivot").mkdir(parents=True)
    (home / "pivot" / "config.yaml").write_text("core: {jbos: 4}\n")


def file_added_deep(project: Sandbox) -> set[str]:
    project.write({"data/many/deep/er/four.txt": "4\n"})
    return {"count"}


def file_removed_deep(project: Sandbox) -> set[str]:
    project.remove("data/many/deep/er/three.txt")
    return {"count"}


def file_renamed_deep(project: Sandbox) -> set[str]:
    folder = project.root / "data/many/deep/er"
    (folder / "three.txt").rename(folder / "four.txt")
    return {"count"}


def folder_replaced(project: Sandbox) -> set[str]:
    folder = project.root / "data/many"
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    (other / "one.txt").write_text("2\n")
    shutil.rmtree(folder)
    other.rename(folder)
    return {"count"}


def folder_linked(project: Sandbox) -> set[str]:
    """A folder becomes a link to one of the same names and other content."""
    folder = project.root / "data/many/deep"
    other = project.root.parent / "other-deep"
    shutil.copytree(folder, other)
    (other / "er/two.txt").write_text("23\n")
    shutil.rmtree(folder)
    folder.symlink_to(other)
    return {"count"}


def out_gone(project: Sandbox) -> set[str]:
    project.remove("build/final.txt")
    return set()


def outs_gone(project: Sandbox) -> set[str]:
    project.remove("build")
    return set()


def out_and_cache_gone(project: Sandbox) -> set[str]:
    project.remove("build/final.txt", ".pivot/cache")
    return {"final"}


def dep_gone(project: Sandbox) -> None:
    project.remove("data/in.csv")


def lock_gone(project: Sandbox) -> set[str]:
    project.remove(".pivot/stages/shell.lock")
    return {"shell"}


def lock_in_conflict(project: Sandbox) -> set[str]:
    text = project.read(".pivot/stages/shell.lock")
    project.write({".pivot/stages/shell.lock": f"<<<<<<< ours\n{text}=======\n>>>>>>> theirs\n"})
    return {"shell"}


def lock_of_nothing(project: Sandbox) -> set[str]:
    lock = project.root / ".pivot/stages/gone"
    lock.mkdir()
    shutil.copy(project.root / ".pivot/stages/shell.lock", lock / "shell.lock")
    return set()


def script_untracked(project: Sandbox) -> set[str]:
    """Files that commands name count where git tracks them."""
    project.edit("pivot.yaml", "sh tools/tool.sh", "cat tools/list.txt; sh tools/tool.sh")
    project.write({"tools/list.txt": "list\n"})
    project.run("repro").ended(0)
    assert project.stale() == set()
    learn(project)
    project.git("add", "tools/list.txt")
    return {"shell", "final"}


def tracked_data(project: Sandbox) -> set[str]:
    """Data that no stage reads has a record of its own, which `status` compares it with."""
    project.write({"data/extra.bin": "extra"})
    project.run("track", "data/extra.bin").ended(0)
    learn(project)
    same_size(project, "data/extra.bin", "extra", "Extra")
    assert "extra.bin" in answers(project)
    return set()


def tracked_data_gone(project: Sandbox) -> set[str]:
    """Data that a stage reads is put back by the next run, though the stage is fresh."""
    project.git("rm", "--quiet", "--cached", "data/in.csv")
    project.run("track", "data/in.csv").ended(0)
    project.run("repro").ended(0)
    learn(project, "repro", "status")
    project.remove("data/in.csv")
    answers(project)
    project.run("repro").ended(0)
    assert project.read("data/in.csv") == "abcdef\n"
    return set()


def git_here(project: Sandbox) -> None:
    project.remove(".git")


def dvc_here(project: Sandbox) -> None:
    (project.root / ".dvc").mkdir()


CHANGES = [
    shadow_by_package, helper_gone, init_gone, init_with_an_effect, earlier_on_the_path,
    new_pipeline_below, pipeline_gone, stage_added, stage_frozen, project_settings,
    local_settings_broken, file_added_deep, file_removed_deep, file_renamed_deep,
    folder_replaced, folder_linked, out_gone, outs_gone, out_and_cache_gone, dep_gone, lock_gone,
    lock_in_conflict, lock_of_nothing, script_untracked, git_here, dvc_here, tracked_data,
    tracked_data_gone,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_any_kind_is_found(
    project: Sandbox, change: Callable[[Sandbox], set[str] | None]
) -> None:
    expected = change(project)
    answers(project)
    if expected is not None:
        assert project.stale() == expected


# --- surroundings -------------------------------------------------------------------------------


def test_variables_count(project: Sandbox) -> None:
    assert "MODE" in status(project, MODE="fast")
    assert "MODE" not in status(project)
    project.run("status", env={"PIVOT_CORE_JBOS": "2"}).ended(2)
    project.run("status", env={"PIVOT_CODE_TRACK": "maybe"}).ended(2)
    assert "code" in status(project, PIVOT_CODE_TRACK="false")
    assert status(project).startswith("Everything")


def test_a_configuration_of_the_user_counts_once_it_is_there(project: Sandbox) -> None:
    project.env["XDG_CONFIG_HOME"] = str(project.root.parent / "config")
    assert stale(project) == set()
    learn(project)
    user_settings(project)
    project.run("status").ended(2)
    project.run("repro").ended(2)


def test_an_unfinished_run_is_told_and_put_right(project: Sandbox) -> None:
    line = {"at": "begin", "stage": "shell", "owner": [999999, "1"], "run": "x", "asides": []}
    project.write({".pivot/tmp/journal": json.dumps(line) + "\n"})
    assert "'shell' did not end" in project.run("status").ended(0).stderr
    project.run("repro").ended(0)
    assert "did not end" not in project.run("status").ended(0).stderr


def test_a_bind_mount_hides_no_edit(tmp_path: Path) -> None:
    """What lies behind a mount is edited at its other place, its size and time put back."""
    if subprocess.run(["unshare", "--mount", "--map-root-user", "true"], check=False).returncode:
        pytest.skip("mounts are not allowed here")
    made = Sandbox(tmp_path / "project").write(
        {
            "pivot.yaml": "stages: {s: {cmd: cat data/in.txt > out.txt, deps: [data/in.txt], "
            "outs: [out.txt]}}\n",
            "data/.keep": "",
        }
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "in.txt").write_text("one\n")
    script = """
        set -e
        mount --bind "$1" data
        pivot repro && sleep 0.05 && pivot repro && pivot status
        touch -r "$1/in.txt" "$1/../stamp"
        printf 'two\\n' > "$1/in.txt"
        touch -r "$1/../stamp" "$1/in.txt"
        pivot status --exit-code && exit 9
        pivot repro
        cat out.txt
        """
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", str(elsewhere)],
        cwd=made.root,
        env=made.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("two\n")
