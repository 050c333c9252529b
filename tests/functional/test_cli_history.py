"""history, what `repro -n` expects from it, and what `logs` says of a run."""

from __future__ import annotations

from harness import Sandbox
from small import words


def entries(project: Sandbox, *arguments: str) -> list[tuple[str, str]]:
    found = project.run("history", "--json", *arguments).ended(0).json["entries"]
    return [(entry["stage"], entry["status"]) for entry in found]


def test_what_ran_when_why_and_how_long(project: Sandbox) -> None:
    words(project)
    assert project.run("history").ended(0).stdout == "Nothing has run in this work tree yet.\n"
    assert project.run("history", "--json").ended(0).json == {"entries": []}
    project.repro("-j", "1")
    size = project.contents(".pivot/logs")[".pivot/logs/history.jsonl"]
    project.repro()
    assert project.contents(".pivot/logs")[".pivot/logs/history.jsonl"] == size  # all was fresh

    project.edit("params.yaml", "limit: 2", "limit: 3")
    project.repro()
    project.edit("params.yaml", "limit: 3", "limit: 2")
    project.repro()
    project.edit("words.py", "return text", "return 1 / 0, text")
    failed = project.run("repro").ended(1)

    assert "count: failed" in failed.stderr
    told = entries(project)
    assert told[:3] == [("count", "failed"), ("top", "restored"), ("top", "ran")]
    assert sorted(told[3:]) == [("count", "ran"), ("size", "ran"), ("top", "ran")]
    assert entries(project, "top", "-n", "1") == [("top", "restored")]
    assert entries(project, "c*") == [("count", "failed"), ("count", "ran")]
    last = project.run("history", "--json", "-n", "3").ended(0).json["entries"]
    assert last[0]["error"].startswith("ZeroDivisionError")
    assert last[0]["reasons"][0]["subject"] == "words:split"
    assert last[2]["reasons"][0] == {"kind": "params", "subject": "limit", "old": 2, "new": 3}
    assert last[0]["started"].endswith("Z")
    text = project.run("history").ended(0).stdout.splitlines()
    assert text[0].split() == ["when", "stage", "status", "took", "why"]
    assert text[1].endswith("ZeroDivisionError: division by zero (words.py:2)")
    assert "params limit: 2 -> 3" in text[3]

    log = project.run("logs", "count").ended(0)
    assert "count failed on 20" in log.stderr
    assert "ZeroDivisionError" in log.stderr
    assert "Traceback" in log.stdout
    assert "top ran in 0." in project.run("logs", "top").ended(0).stderr
    wrong = project.run("history", "tops").ended(2)
    assert "'tops' has not run in this work tree" in wrong.stderr
    assert "did you mean 'top'?" in wrong.stderr
    assert "-n" in project.run("history", "-n", "0").ended(2).stderr


def test_a_dry_run_tells_how_long_it_took_without_the_state(project: Sandbox) -> None:
    words(project).repro()
    project.remove(".pivot/state.db")
    told = project.run("repro", "--dry-run", "--force").ended(0).stdout
    assert told.count("[about 0.") == 3
    assert "of stage time" in told


def test_a_run_that_was_killed_is_told_of(project: Sandbox) -> None:
    words(project)
    killed = project.run("repro", "-j", "1", env={"PIVOT_FAULT": "stage.started:2"})
    assert killed.code < 0
    project.repro()
    [stage] = [stage for stage, status in entries(project) if status == "killed"]
    assert sorted(entries(project))[-1] == ("top", "ran")
    assert f"{stage} ran in" in project.run("logs", stage).stderr  # the later of the two
