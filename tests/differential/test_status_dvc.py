"""`status --json` of both tools over results that were recorded and what happened to them since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peers import DVC, Both
from states import Generator, Project, lay_out

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Make = Callable[[str], Both]
Note = Callable[[str, object], None]


def judged(
    both: Both, projects: dict[str, Project]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """By stage and record: what DVC says changed, what Pivot says; the states of tracked data."""
    for name, project in projects.items():
        lay_out(both.root, name, project)
    found = both.pivot("status", "--json").well().json
    return (
        both.dvc_changed(),
        {stage["name"]: stage for stage in found["stages"]},
        {data["name"]: data["state"] for data in found["tracked"]},
    )


def disagreement(
    name: str,
    body: dict[str, Any],
    changes: list[Any],
    stage: dict[str, Any],
    made: set[str],
    coming: set[str],
) -> str | None:
    """Where the tools differ about one stage.

    `made` are paths that stages make, `coming` those of them that stages to be run make.
    """
    deps = merged(changes, "changed deps")
    outs = merged(changes, "changed outs")
    reasons = stage["reasons"]
    kinds = {reason["kind"] for reason in reasons}
    subjects = {kind: {r["subject"] for r in reasons if r["kind"] == kind} for kind in kinds}
    idle = stage["state"] == "fresh" and stage["action"] == "none"
    if body.get("frozen"):  # never executed, whatever its outs are
        return "a frozen stage would run" if stage["action"] == "run" else None
    if "never-run" in kinds:
        return None if changes else "never run, and DVC finds nothing"
    theirs = {}
    for path, state in deps.items():
        if isinstance(state, dict):
            theirs[path] = {f"{path}:{key}" for key in state}
        elif path.endswith("/params.yaml"):  # none of it is in the lock
            theirs[path] = {s for s in subjects.get("params", ()) if s.startswith(f"{path}:")}
            if not theirs[path]:
                return f"only DVC finds {path} {state}"
    params = {key for keys in theirs.values() for key in keys}
    deps = {path: state for path, state in deps.items() if path not in theirs}
    if params != subjects.get("params", set()):
        return f"params {params ^ subjects.get('params', set())}"
    files = {
        path for path, state in deps.items() if not isinstance(state, dict) and state != "deleted"
    } - made
    ours = {path for path in subjects.get("dep", set()) if deps.get(path) != "deleted"} - made
    if files != ours:
        return f"deps {files ^ ours}"
    if ("changed command" in changes) != ("command" in kinds):
        return "command"
    if ("always changed" in changes) != ("always" in kinds):
        return "always"
    # data that is not there is judged by its record, data that an earlier result will replace by
    # that result; and outs that only the cache lacks are there
    little = all(state == "deleted" or path in coming for path, state in deps.items()) and all(
        state == "not in cache" for state in outs.values()
    )
    little = little and not {"changed command", "always changed"} & {
        c for c in changes if isinstance(c, str)
    }
    if not little and idle:
        return "only DVC finds something"
    foreseen = kinds <= {"dep", "upstream"} and subjects.get("dep", set()) <= coming
    if not changes and not idle and not foreseen:
        return "only Pivot finds something"
    return None


def merged(changes: list[Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for change in changes:
        if isinstance(change, dict):
            found.update(change.get(key, {}))
    return found


def about_data(changes: list[Any], state: str) -> str | None:
    seen = set(merged(changes, "changed outs").values())
    expected = {"modified": "changed", "deleted": "missing"}
    wanted = {expected[one] for one in seen if one in expected}
    if wanted and state not in wanted:
        return f"DVC says {seen}, Pivot {state}"
    return None if wanted or seen or state not in ("changed", "missing") else f"only Pivot: {state}"


@pytest.mark.parametrize(
    ("start", "count"),
    [(1, 30), *(pytest.param(n, 60, marks=pytest.mark.thorough) for n in range(100, 120))],
)
def test_what_changed(both: Make, start: int, count: int, record_property: Note) -> None:
    generator = Generator(start)
    projects: dict[str, Project] = {}
    for number in range(count):
        project = generator.project()
        generator.change(project)
        projects[f"p{number}"] = project
    folder = both("project")
    theirs, ours, tracked = judged(folder, projects)
    found: Counter[tuple[int, str]] = Counter()
    wrong: list[str] = []
    for name, project in projects.items():
        found.update((corner, "accepted") for corner in project.corners)
        by_stage = {
            f"{name}/dvc.yaml:{stage}": {
                f"{name}/{out if isinstance(out, str) else next(iter(out))}"
                for out in body.get("outs", [])
            }
            for stage, body in project.stages.items()
        }
        made = set().union(*by_stage.values())
        coming = set().union(
            *(outs for full, outs in by_stage.items() if ours[full]["state"] == "stale")
        )
        for stage, body in project.stages.items():
            full = f"{name}/dvc.yaml:{stage}"
            said = disagreement(full, body, theirs.get(full, []), ours[full], made, coming)
            if said:
                wrong.append(
                    f"{full}: {said}\n  DVC {theirs.get(full)}\n  Pivot {ours[full]}\n  {body}\n  {project.lock.get(stage)}\n  {project.notes}"
                )
        for path in project.tracked:
            full = f"{name}/{path}.dvc"
            said = about_data(theirs.get(full, []), tracked[full])
            if said:
                wrong.append(
                    f"{full}: {said} {theirs.get(full)} {project.tracked[path]} {project.notes}"
                )
    record_property("distribution", [[*key, number] for key, number in found.items()])
    record_property("cases", len(projects))
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong[:12])
