"""Projects of DVC's: what is broken in a part of them, and records as targets."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from harness import Sandbox

BROKEN = "b/dvc.yaml:3:5: stage 'two': unknown key 'cmdd'"


def record(text: str, path: str, more: str = "") -> str:
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"{more}outs:\n- md5: {digest}\n  size: {len(text)}\n  hash: md5\n  path: {path}\n"


@pytest.fixture
def monorepo(tmp_path: Path) -> Sandbox:
    """Three pipeline files, of which one has a broken stage, and a broken record."""
    return Sandbox(tmp_path / "project").write(
        {
            ".dvc/config": "",
            "a/dvc.yaml": "stages:\n  one:\n    cmd: echo 1 > o\n    outs: [o]\n",
            "b/dvc.yaml": "stages:\n  two:\n    cmdd: x\n  three:\n    cmd: echo 3 > t\n    outs: [t]\n",
            "dvc.yaml": "stages:\n  root:\n    cmd: cat a/o > r\n    deps: [a/o]\n    outs: [r]\n",
            "c/x.csv.dvc": "outs: [: }\n",
            "c/dvc.yaml": "stages:\n  reads:\n    cmd: wc x.csv > n\n    deps: [x.csv]\n    outs: [n]\n",
        }
    )


def test_commands_that_do_not_need_what_is_broken_go_on(monorepo: Sandbox) -> None:
    for words in (
        ["list", "a/dvc.yaml"], ["status", "a/dvc.yaml:one"], ["repro", "a/dvc.yaml:one"], ["repro"],
        ["status", "root"], ["dag", "root"], ["repro", "-n", "b/dvc.yaml:three"], ["checkout", "root"],
        ["commit", "root"], ["freeze", "root"], ["unfreeze", "root"], ["explain", "root"],
        ["repro", "r"], ["fingerprint", "show", "root"], ["logs", "root"],
    ):  # fmt: skip
        said = monorepo.run(*words).ended(0).stderr
        assert said.count(f"left out: {BROKEN}") == 1, words
        assert said.count("left out: c/x.csv.dvc:1:8") == 1, words
    assert monorepo.read("r") == "1\n"


def test_readers_show_the_rest_and_their_exit_code_tells(monorepo: Sandbox) -> None:
    for _ in range(2):  # the second time from the compiled form
        listed = monorepo.run("list", "--json").ended(2)
        names = [stage["name"] for stage in listed.json["stages"]]
        assert names == ["root", "a/dvc.yaml:one", "b/dvc.yaml:three", "c/dvc.yaml:reads"]
        assert listed.stderr.count(f"error: {BROKEN}") == 1
        assert "left out" not in listed.stderr
    assert len(monorepo.run("status", "--json").ended(2).json["stages"]) == 4
    assert len(monorepo.run("dag", "--json").ended(2).json["nodes"]) == 4
    assert "belongs to no stage" not in monorepo.run("status").ended(2).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["repro", "-P"], BROKEN),
        (["checkout"], BROKEN),
        (["commit"], BROKEN),
        (["repro", "b/dvc.yaml"], BROKEN),
        (["status", "b/dvc.yaml:two"], BROKEN),
        (["repro", "-R", "b"], BROKEN),
        (["repro", "c/x.csv.dvc"], "c/x.csv.dvc:1:8"),
        (["repro", "c/x.csv"], "c/x.csv.dvc:1:8"),
        (["repro", "c/dvc.yaml:reads"], "c/x.csv.dvc:1:8"),
        (["migrate", "--dry-run"], BROKEN),
    ],
)
def test_what_needs_it_is_refused_with_its_place(
    monorepo: Sandbox, words: list[str], said: str
) -> None:
    result = monorepo.run(*words).ended(2)
    assert result.stderr.count(f"error: {said}") == 1
    assert result.stdout == ""


def test_a_broken_file_of_the_folder_stops_repro_there(monorepo: Sandbox) -> None:
    monorepo.run("repro", cwd="b").ended(2)
    monorepo.edit("b/dvc.yaml", "cmdd: x", "cmd: x > x\n    outs: [x]")
    monorepo.write({"a/dvc.yaml": "stages: [\n"})
    assert monorepo.run("repro", "-n", cwd="b").ended(0).stderr.count("left out: a/dvc.yaml") == 1
    assert monorepo.run("repro", cwd="a").ended(2).stderr.startswith("error: a/dvc.yaml:2:1")


def test_a_pivot_project_goes_on_too(tmp_path: Path) -> None:
    project = Sandbox(tmp_path / "project").write(
        {
            "pivot.yaml": "stages:\n  a:\n    cmd: echo 1 > o\n    outs: [o]\n",
            "sub/pivot.yaml": "stages: {b: {cmd: x, timeout: soon}}\n",
        }
    )
    for _ in range(2):
        project.run("repro").ended(0)
        said = project.run("status").ended(2).stderr
        assert "error: sub/pivot.yaml:1:31" in said
    project.remove("sub/pivot.yaml")
    assert project.run("status").ended(0).stderr == ""


@pytest.fixture
def tracked(tmp_path: Path) -> Sandbox:
    """One stage that reads tracked data, and an import."""
    project = Sandbox(tmp_path / "project").write(
        {
            ".dvc/config": "",
            "dvc.yaml": "stages:\n  one:\n    cmd: wc -l data.csv > o\n    deps: [data.csv]\n    outs: [o]\n"
            "  two:\n    cmd: cp o p\n    deps: [o]\n    outs: [p]\n",
            "data.csv": "1\n",
            "data.csv.dvc": record("1\n", "data.csv"),
            "far.csv": "far\n",
            "far.csv.dvc": record(
                "far\n", "far.csv", "frozen: true\ndeps:\n- path: o\n  md5: abc\n"
            ),
        }
    )
    project.run("repro").ended(0)
    return project


def test_records_are_targets(tracked: Sandbox) -> None:
    for target in ("data.csv.dvc", "data.csv"):
        assert tracked.repro(target) == {"data.csv.dvc": "fresh"}
        status = tracked.run("status", "--json", target).ended(0).json
        assert status["stages"] == []
        assert [entry["path"] for entry in status["tracked"]] == ["data.csv"]
    assert "Everything is up to date (1 record)" in tracked.run("repro", "data.csv.dvc").stdout
    listed = tracked.run("list", "--json", "data.csv.dvc").ended(0).json["stages"]
    assert [entry["name"] for entry in listed] == ["data.csv.dvc"]
    assert "tracks data.csv" in tracked.run("list", "data.csv.dvc").stdout

    tracked.append("data.csv", "2\n")
    assert "differs from its record" in tracked.run("status", "data.csv.dvc").stdout
    assert tracked.repro("data.csv.dvc") == {"data.csv.dvc": "recorded"}
    assert record("1\n2\n", "data.csv") == tracked.read("data.csv.dvc")
    assert tracked.ran("--downstream", "data.csv.dvc") == {"one", "two"}

    tracked.append("data.csv", "3\n")
    assert "accepted data.csv.dvc" in tracked.run("commit", "data.csv.dvc").ended(0).stderr
    assert record("1\n2\n3\n", "data.csv") == tracked.read("data.csv.dvc")
    tracked.remove("data.csv")
    assert tracked.repro("data.csv.dvc") == {"data.csv.dvc": "restored"}
    assert tracked.read("data.csv") == "1\n2\n3\n"


def test_a_record_whose_data_is_nowhere_is_an_error(tracked: Sandbox) -> None:
    tracked.remove("far.csv")
    tracked.remove(".dvc/cache/files")
    said = tracked.run("repro", "far.csv").ended(1).stderr
    assert "error: far.csv.dvc:6: 'far.csv' is neither here nor in the cache" in said
    assert "is not there to be recorded" in tracked.run("commit", "far.csv").ended(2).stderr


def test_records_are_frozen(tracked: Sandbox) -> None:
    assert "frozen data.csv.dvc" in tracked.run("freeze", "data.csv.dvc").ended(0).stderr
    assert tracked.read("data.csv.dvc") == record("1\n", "data.csv") + "frozen: true\n"
    assert "Already frozen" in tracked.run("freeze", "data.csv").ended(0).stdout
    tracked.run("unfreeze", "data.csv.dvc", "far.csv.dvc").ended(0)
    assert tracked.read("data.csv.dvc") == record("1\n", "data.csv")
    assert tracked.read("far.csv.dvc").startswith("deps:\n")


def test_what_an_import_was_made_from_shows(tracked: Sandbox) -> None:
    listed = tracked.run("list", "--json").ended(0).json["stages"]
    [entry] = [entry for entry in listed if entry["name"] == "far.csv.dvc"]
    assert entry["deps"] == ["o"]
    assert entry["frozen"] is True
    dag = tracked.run("dag", "--json").ended(0).json
    assert ["far.csv.dvc", "one"] in dag["edges"]
    assert dag["nodes"].index("one") < dag["nodes"].index("far.csv.dvc")


def test_a_stage_in_a_record_is_said_once_and_stops_nobody(tracked: Sandbox) -> None:
    tracked.write({"old.dvc": "cmd: cp o old\ndeps:\n- path: o\nouts:\n- path: old\n"})
    said = tracked.run("status", "one").ended(0).stderr
    assert said.count("left out: old.dvc:1:1: it holds a stage in the form that DVC gave up") == 1
    tracked.write({"old.dvc": "outs:\n- path: old\n  metric: true\n"})
    assert "error: old.dvc:3:3: unknown key 'metric' in 'outs'" in tracked.run("list").stderr


def test_overlapping_data_is_rejected_with_both_places(tracked: Sandbox) -> None:
    tracked.write({"p.dvc": record("1\n", "p")})
    said = tracked.run("repro").ended(2).stderr
    assert "error: p.dvc:2: 'p' is tracked here, and stage 'two' makes it too (dvc.yaml:9)" in said


@pytest.mark.parametrize("place", [".git", ".dvc", ".dvc/cache", "d/.git", "d/dvc.yaml", "d/x.dvc"])
def test_what_dvc_adds_nowhere_is_tracked_nowhere(tracked: Sandbox, place: str) -> None:
    (tracked.root / "d/.git").mkdir(parents=True)
    tracked.write({"d/x.dvc": "", "d/dvc.yaml": "stages: {}\n"})
    before = set(tracked.contents())
    assert f"'{place}' cannot be tracked" in tracked.run("track", place).ended(2).stderr
    assert set(tracked.contents()) == before


def test_a_name_of_pivots_is_any_name_for_dvc(tracked: Sandbox) -> None:
    tracked.write({"oil.pvt": "pressure\n"}).run("track", "oil.pvt").ended(0)


def test_checkout_keeps_ignored_files(tracked: Sandbox) -> None:
    tracked.write({".dvcignore": "*.tmp\n", "d/a": "1\n", "d/s/b": "2\n"})
    tracked.run("track", "d").ended(0)
    tracked.write({"d/a": "changed\n", "d/x.tmp": "mine\n", "d/s/y.tmp": "mine\n"})
    tracked.remove("d/s/b")
    tracked.run("checkout", "--force", "d").ended(0)
    assert tracked.contents("d").keys() == {"d/a", "d/s/b", "d/x.tmp", "d/s/y.tmp"}
    assert tracked.read("d/a") == "1\n"
    tracked.remove("d/s/b")
    assert "1 restored" in tracked.run("checkout", "d").ended(0).stdout  # nothing would be lost


def test_a_type_of_dvc_is_a_remark(tracked: Sandbox) -> None:
    made = "stages:\n  a:\n    cmd: mkdir d && echo 1 > d/x\n    outs: [d: {type: directory}]\n"
    tracked.write({"sub/dvc.yaml": made})
    assert tracked.repro("sub/dvc.yaml") == {"sub/dvc.yaml:a": "ran"}


@pytest.fixture
def pair(tmp_path: Path) -> Sandbox:
    """Two stages of a dvc.yaml that have run, the first in the file last in the pipeline."""
    project = Sandbox(tmp_path / "project").write(
        {
            ".dvc/config": f"['remote \"s\"']\n    url = {tmp_path}/remote\n[core]\n    remote = s\n",
            "in": "in\n",
            "dvc.yaml": "stages:\n  b:\n    cmd: cat a > b\n    deps: [a]\n    outs: [b]\n"
            "  a:\n    cmd: cat in > a\n    deps: [in]\n    outs: [a]\n"
            "  c:\n    cmd: cat a > c\n    deps: [a]\n    outs: [c]\n",
        }
    )
    project.repro()
    return project


def test_entries_stand_in_the_order_in_which_dvc_runs(pair: Sandbox) -> None:
    names = re.findall(r"^  (\w+):$", pair.read("dvc.lock"), re.MULTILINE)
    assert names == ["a", "b", "c"]


def test_what_rests_on_a_conflicted_dvc_lock_is_refused_with_its_place(pair: Sandbox) -> None:
    pair.edit("dvc.lock", "  b:\n", "<<<<<<< HEAD\n  b:\n")
    for words in (
        ["push"], ["fetch"], ["pull"], ["checkout"], ["status", "-c"], ["repro"], ["repro", "-n"],
        ["commit"], ["pull", "c"],
    ):  # fmt: skip
        said = pair.run(*words).ended(2)
        assert said.stderr.count("dvc.lock:15: it has conflict markers") == 1, words
        assert said.stdout == "", words
    shown = pair.run("status").ended(0)
    assert shown.stdout.count("UNKNOWN") == 3
    assert shown.stderr.count("dvc.lock:15: it has conflict markers; `pivot repro` refuses") == 1
    assert "conflict" not in shown.stdout
    checked = pair.run("verify").ended(1)
    assert "a: unknown: dvc.lock cannot be read" in checked.stdout
    assert checked.stderr.count("dvc.lock:15: it has conflict markers") == 1


def test_a_conflict_in_the_lock_beside_dvc_lock_is_told_and_mended(pair: Sandbox) -> None:
    [lock] = [path for path in pair.root.glob(".pivot/**/a.lock") if path.is_file()]
    before = lock.read_text()
    lock.write_text(f"<<<<<<< HEAD\n{before}=======\n{before}>>>>>>> other\n")
    shown = pair.run("status", "-v").ended(0).stdout
    assert "a.lock:1 counts as absent: it has conflict markers" in shown
    assert set(pair.states().values()) == {"fresh"}
    assert pair.ran() == set()
    assert lock.read_text() == before
    assert "a.lock" not in pair.run("status", "-v").ended(0).stdout


def test_a_frozen_stage_says_what_it_holds_back(pair: Sandbox) -> None:
    pair.run("freeze", "a").ended(0)
    pair.write({"in": "other\n"})
    for _ in range(2):  # neither is that remembered as nothing to say
        assert "a  frozen    would run if it were not frozen" in pair.run("status").ended(0).stdout
    assert pair.states()["a"] == "fresh"
    pair.write({"a": "by hand\n"})
    for words in (["status"], ["repro", "-n"]):
        shown = pair.run(*words).ended(0).stdout
        assert re.search(r"a +frozen +out a: .*`pivot repro` records its outs as they are", shown)
        assert "b  WILL RUN  dep a" in shown
    assert pair.ran() == {"b", "c"}
    pair.run("verify").ended(0)
    pair.remove("a", ".dvc/cache")
    assert pair.states()["a"] == "unknown"
    pair.write({"b": "by hand\n"})
    lost = pair.run("repro", "b").ended(1)
    assert "a: failed: it is frozen, and 'a' is neither here nor in the cache" in lost.stderr
    assert "b: blocked" in lost.stderr


def test_stages_that_always_run_can_be_verified(pair: Sandbox) -> None:
    pair.edit(
        "dvc.yaml", "    cmd: cat in > a\n", "    cmd: cat in > a\n    always_changed: true\n"
    )
    pair.append("dvc.yaml", "  ping:\n    cmd: 'true'\n")
    assert "ping: stale" in pair.run("verify").ended(1).stdout  # it was never run
    pair.repro()
    pair.run("verify").ended(0)
    pair.write({"in": "other\n"})
    assert "a: stale: dep in" in pair.run("verify").ended(1).stdout


def test_data_that_lags_behind_its_lock_is_to_be_pulled(pair: Sandbox, tmp_path: Path) -> None:
    other = pair.copy(tmp_path / "other").write({"in": "other\n"})
    other.repro()
    other.run("push").ended(0)
    pair.write({path: other.read(path) for path in ("in", "dvc.lock")})  # as `git pull` does
    shown = pair.run("status").ended(0).stdout
    assert shown.count("an earlier result; `pivot pull` brings the locked one without a run") == 3
    assert "a  WILL RUN  out a: " in shown
    pair.write({"c": "by hand\n"})  # what is stored nowhere is no earlier result
    assert pair.run("repro", "-n").ended(0).stdout.count("an earlier result") == 2
    pair.run("pull", "--force").ended(0)
    assert pair.stale() == set()


def test_changed_data_is_recorded_and_not_restored(pair: Sandbox) -> None:
    pair.run("track", "in").ended(0)
    pair.write({"in": "other\n"})
    said = pair.run("repro").ended(0)
    assert [line for line in said.stderr.splitlines() if "in.dvc" in line] == [
        "in.dvc: recorded 'in' as it is now"
    ]
    assert "3 ran, 1 recorded in" in said.stdout


@pytest.mark.parametrize("age", ["mixed", "old"])
def test_what_dvc_recorded_before_version_3_is_compared(tmp_path: Path, age: str) -> None:
    # a record is not written anew by a run, and an entry of dvc.lock is
    value = hashlib.md5(b"1\n", usedforsecurity=False).hexdigest()
    project = Sandbox(tmp_path / "project").write(
        {
            ".dvc/config": "",
            "raw.csv.dvc": f"outs:\n- md5: {value}\n  size: 2\n  path: raw.csv\n",
            f".dvc/cache/{value[:2]}/{value[2:]}": "1\n",
            "dvc.yaml": "stages:\n  s: {cmd: cp raw.csv o, deps: [raw.csv], outs: [o]}\n",
        }
    )
    project.repro()
    if age == "old":
        entry = project.read("dvc.lock").replace("      hash: md5\n", "")
        project.write({"dvc.lock": entry, f".dvc/cache/{value[:2]}/{value[2:]}": "1\n"})
    project.commit()
    project.run("verify").ended(0)
    project.run("verify", "--rev", "HEAD").ended(0)

    project.remove("raw.csv", "o")
    assert project.run("status").ended(0).stdout.startswith("s  CHECKOUT")
    assert project.repro() == {"raw.csv.dvc": "restored", "s": "restored"}

    project.git("clone", "-q", str(project.root), str(tmp_path / "clone"))
    Sandbox(tmp_path / "clone", git=False).run("verify", "--allow-missing").ended(0)
