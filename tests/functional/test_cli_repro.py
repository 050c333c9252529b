"""`repro`, `run` and `plan`: every option, early cutoff, the run cache, failures."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from harness import PIVOT, Sandbox
from small import validate, words
from waiting import PATIENCE

FAILING: dict[str, str | bytes] = {
    "pivot.yaml": """
        stages:
          good: {cmd: cp in.txt good.txt, deps: [in.txt], outs: [good.txt]}
          bad: {cmd: 'echo why; test -e fixed && cp good.txt bad.txt', deps: [good.txt], outs: [bad.txt]}
          below: {cmd: cp bad.txt below.txt, deps: [bad.txt], outs: [below.txt]}
          beside: {cmd: sleep 0.3; cp in.txt beside.txt, deps: [in.txt], outs: [beside.txt]}
          late: {cmd: cp beside.txt late.txt, deps: [beside.txt], outs: [late.txt]}
        """,
    "in.txt": "1\n",
}


@pytest.fixture
def done(project: Sandbox) -> Sandbox:
    """The words project, all of it run."""
    words(project).repro()
    return project


def ask(project: Sandbox, answers: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A call with something to read on stdin."""
    return subprocess.run(
        [PIVOT, *arguments],
        cwd=project.root,
        env=project.environment(),
        input=answers,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


# --- what people read


def test_plain_lines_and_the_summary(project: Sandbox) -> None:
    result = words(project).run("repro", "-j", "1").ended(0)
    assert "count: running (never run)\ncount: ran in " in result.stderr
    assert result.stdout.startswith("3 ran in ")
    again = project.run("repro").ended(0)
    assert (again.stdout, again.stderr) == ("Everything is up to date (3 stages).\n", "")
    project.edit("params.yaml", "limit: 2", "limit: 1")
    result = project.run("repro").ended(0)
    assert "top: running (params limit: 2 -> 1)" in result.stderr
    assert result.stdout.startswith("1 ran, 2 fresh in ")


def test_events_are_what_their_schema_says(project: Sandbox, checkout: Path) -> None:
    events = words(project).run("repro", "--json", "--show-output").ended(0).events
    for event in events:
        validate(checkout, event, "events")
    assert events[0]["event"] == "run_started"
    assert events[-1]["event"] == "run_finished"
    kinds = [event["event"] for event in events]
    assert kinds.count("stage_started") == kinds.count("stage_finished") == 3


def test_a_plan_runs_nothing_and_knows_durations(done: Sandbox) -> None:
    entries = done.run("history", "count", "--json").ended(0).json["entries"]
    took = entries[-1]["seconds"]
    before = done.contents()
    done.edit("words.py", ".lower()", ".upper()")
    for line in (("plan",), ("repro", "-n"), ("repro", "--dry"), ("repro", "--dry-run")):
        shown = done.run(*line).ended(0).stdout
        assert f"count  WILL RUN  code words:split (words.py:1)  [about {took:.1f} s]" in shown
        assert "top    MAY RUN   upstream count runs first" in shown
        assert "Would bring 2 stages up to date, 1 fresh" in shown
    assert "Stage: count" in done.run("repro", "-e").ended(0).stdout
    done.edit("words.py", ".upper()", ".lower()")
    assert done.contents() == before


# --- which stages


def test_targets_by_name_artifact_glob_file_and_folder(done: Sandbox) -> None:
    assert done.repro("top") == {"count": "fresh", "top": "fresh"}
    assert done.repro("build/counts.json") == {"count": "fresh"}
    assert set(done.repro("c*", "s*")) == {"count", "size"}
    assert set(done.repro("--glob", "t?p")) == {"count", "top"}
    assert set(done.repro("pivot.yaml")) == {"count", "top", "size"}
    assert set(done.repro("pivot.yaml:size")) == {"size"}
    assert set(done.repro("build")) == {"count", "top", "size"}


def test_single_downstream_pipeline_and_all(done: Sandbox) -> None:
    assert done.repro("-s", "-f", "top") == {"top": "ran"}
    assert set(done.repro("-d", "count")) == {"count", "top"}
    assert set(done.repro("-p", "top")) == {"count", "top"}
    assert set(done.repro("-P")) == {"count", "top", "size"}


def test_run_takes_these_stages_alone_and_without_them_all(project: Sandbox) -> None:
    words(project)
    assert project.run("run", "size", "--json").ended(0).statuses == {"size": "ran"}
    assert project.run("run", "--json").ended(0).statuses == {
        "count": "ran",
        "top": "ran",
        "size": "fresh",
    }


# --- what makes it run


def test_force_and_force_downstream(done: Sandbox) -> None:
    assert done.ran("-f") == {"count", "top", "size"}
    assert done.ran("-f", "top") == {"count", "top"}
    done.append("data/text.txt", " \n")  # count makes the same bytes
    assert done.ran() == {"count", "size"}
    done.append("data/text.txt", " \n")
    assert done.ran("--force-downstream", "--no-run-cache") == {"count", "top", "size"}


def test_early_cutoff_and_the_run_cache(done: Sandbox) -> None:
    done.edit("words.py", "text.lower()", 'text.lower().replace("z", "y")')
    assert done.repro() == {"count": "ran", "top": "fresh", "size": "fresh"}
    done.edit("words.py", 'text.lower().replace("z", "y")', "text.lower()")
    assert done.repro() == {"count": "restored", "top": "fresh", "size": "fresh"}
    done.edit("params.yaml", "limit: 2", "limit: 1")
    assert done.repro()["top"] == "ran"
    done.edit("params.yaml", "limit: 1", "limit: 2")
    assert done.repro()["top"] == "restored"
    assert done.read("build/top.md") == "- b\n- a\n"


def test_no_run_cache_runs_again(done: Sandbox) -> None:
    done.edit("params.yaml", "limit: 2", "limit: 1")
    done.repro()
    done.edit("params.yaml", "limit: 1", "limit: 2")
    assert done.repro("--no-run-cache")["top"] == "ran"


def test_no_commit_stores_no_bytes(project: Sandbox) -> None:
    words(project).run("repro", "--no-commit").ended(0)
    stored = list((project.root / ".pivot/cache/files").rglob("*"))
    assert not [path for path in stored if path.is_file()]
    assert project.stale() == set()
    project.run("commit").ended(0)
    assert [path for path in (project.root / ".pivot/cache/files").rglob("*") if path.is_file()]


def test_missing_outs_come_back_from_the_cache(done: Sandbox) -> None:
    done.remove("build/top.md", "build/size.txt")
    assert done.repro() == {"count": "fresh", "top": "restored", "size": "restored"}


def test_allow_missing_takes_the_lock_for_the_data(done: Sandbox) -> None:
    done.remove("data/text.txt")
    assert "data/text.txt" in done.run("repro").ended(2).stderr
    assert done.repro("--allow-missing") == {"count": "fresh", "top": "fresh", "size": "fresh"}


def test_allow_missing_without_a_lock_says_what_is_missing(project: Sandbox) -> None:
    words(project).remove("data/text.txt")
    result = project.run("repro", "--allow-missing").ended(1)
    assert "it needs 'data/text.txt', which is not there" in result.stderr


def test_bytes_of_the_user_are_kept_before_they_are_replaced(project: Sandbox) -> None:
    words(project).write({"build/size.txt": "precious\n"})
    result = project.run("repro").ended(0)
    assert "kept the previous 'build/size.txt' as blake3:" in result.stderr


# --- failures


def test_a_failure_blocks_what_is_below_and_stops_the_rest(project: Sandbox) -> None:
    project.write(FAILING)
    result = project.run("repro", "-j", "1").ended(1)
    assert "bad: failed after" in result.stderr
    assert "    why\n  the whole output: pivot logs bad\n" in result.stderr
    assert "below: blocked (needs 'bad')" in result.stderr
    assert "1 failed" in result.stdout
    assert {"bad", "below"} <= project.stale()
    assert project.run("logs", "bad").ended(0).stdout == "why\n"


def test_keep_going_runs_what_does_not_need_it(project: Sandbox) -> None:
    project.write(FAILING)
    assert project.run("repro", "-k", "--json").ended(1).statuses == {
        "good": "ran",
        "bad": "failed",
        "below": "blocked",
        "beside": "ran",
        "late": "ran",
    }
    assert project.stale() == {"bad", "below"}
    assert project.run("repro", "--json").ended(1).statuses["bad"] == "failed"
    project.write({"fixed": ""})
    assert project.repro()["below"] == "ran"


def test_what_makes_a_stage_stale_outlives_a_failure(done: Sandbox) -> None:
    done.edit("words.py", "text.lower()", "(1 / 0)")
    result = done.run("repro", "top").ended(1)
    assert "count: failed" in result.stderr
    assert "ZeroDivisionError: division by zero (words.py:2)" in result.stderr
    assert done.read("build/top.md") == "- b\n- a\n"  # the previous outputs are still there
    assert done.read("build/counts.json")
    assert done.stale() == {"count", "top"}


def test_keep_going_past_code_that_cannot_be_read(done: Sandbox) -> None:
    done.write({"words.py": "def split(:\n"})
    done.append("data/text.txt", "x\n")
    statuses = done.run("repro", "-k", "--json").ended(1).statuses
    assert statuses["size"] == "ran"
    assert statuses["count"] == "failed"
    assert statuses["top"] == "blocked"


def test_an_out_that_is_not_made_is_a_failure(project: Sandbox) -> None:
    project.write({"pivot.yaml": "stages:\n  a:\n    cmd: 'true'\n    outs: [o]\n"})
    said = project.run("repro").ended(1).stderr
    assert "the stage ended well but did not make 'o' (pivot.yaml:2 declares it)" in said


# --- asking


def test_interactive_asks_before_each_stage(project: Sandbox) -> None:
    words(project)
    result = ask(project, "y\nn\n", "repro", "-i", "top")
    assert result.returncode == 0, result
    assert "Run count (never run)? [y/N]: " in result.stderr
    assert result.stdout.startswith("1 ran, 1 skipped in ")
    assert project.has("build/counts.json")
    assert not project.has("build/top.md")


def test_interactive_without_anybody_to_answer(project: Sandbox) -> None:
    result = words(project).run("repro", "-i").ended(2)
    assert "the input ended before every question was answered" in result.stderr
    assert not project.has("build/counts.json")
