"""The table of cases (tests/unit/cases) through the real command line.

Cases lie side by side in a few projects, a folder and a `pivot.yaml` each: `commit` (or, where
only a run can show what counts, `repro`), then every edit at once, then one `status --json`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness import Sandbox

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from cases import CASES, Case, apply, pipeline_text

SHARE = 100
READABLE = [case for case in CASES if sys.version_info >= case.needs]
#: Console scripts are declared at the root of a project.
ROOTED = [case for case in READABLE if "pyproject.toml" in case.files]
OBSERVED = [case for case in READABLE if case.observed]
ACCEPTED = [case for case in READABLE if case not in OBSERVED and case not in ROOTED]
SHARES = [ACCEPTED[start : start + SHARE] for start in range(0, len(ACCEPTED), SHARE)]

Judgement = dict[str, Any]


def lay_out(project: Sandbox, cases: Sequence[Case]) -> None:
    """The cases before their edits, committed to git."""
    files: dict[str, str | bytes] = {".gitignore": ".pivot/\n"}
    for number, case in enumerate(cases):
        folder = f"c{number:03}"
        files[f"{folder}/pivot.yaml"] = pipeline_text(case).encode()
        files.update({f"{folder}/{path}": text.encode() for path, text in case.files.items()})
        for path in case.outs or (("made.txt",) if case.cmd is not None else ()):
            files.setdefault(f"{folder}/{path}", b"made\n")
    project.write(files)
    project.run("init").ended()
    made = {f"{f}/{o}" for f, o in outs_of(cases)}
    project.write({".git/info/exclude": "".join(f"/{path}\n" for path in sorted(made))})
    project.commit()


def outs_of(cases: Sequence[Case]) -> Iterator[tuple[str, str]]:
    for number, case in enumerate(cases):
        for path in case.outs or (("made.txt",) if case.cmd is not None else ()):
            yield f"c{number:03}", path


def edit(project: Sandbox, cases: Sequence[Case]) -> None:
    for number, case in enumerate(cases):
        folder = project.root / f"c{number:03}"
        after = apply(case)
        for path in case.files:
            if path not in after:
                (folder / path).unlink()
        for path, text in after.items():
            if case.files.get(path) != text:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(text.encode())


def judgements(project: Sandbox, cases: Sequence[Case]) -> list[Judgement]:
    stages = project.run("status", "--json").ended().json["stages"]
    found = {stage["name"]: stage for stage in stages}
    return [found[f"c{number:03}/pivot.yaml:run"] for number in range(len(cases))]


def faults(project: Sandbox, number: int, case: Case, judged: Judgement) -> list[str]:
    """What is wrong with a judgement: the state, or reasons that do not say what and where."""
    if any(change.file in case.outs for change in case.edits):
        # its code is not stale, the out that was edited is
        kinds = {reason["kind"] for reason in judged["reasons"]}
        return [] if kinds == {"out"} and not case.stale else [f"{case}: {judged['reasons']}"]
    if judged["state"] != ("stale" if case.stale else "fresh"):
        return [f"{case}: {judged['state']} {judged['reasons']}"]
    if not case.stale:
        return [f"{case}: fresh, yet {judged['reasons']}"] if judged["reasons"] else []
    if not judged["reasons"]:
        return [f"{case}: stale without a reason"]
    return [
        f"{case}: {problem}: {reason}"
        for reason in judged["reasons"]
        if (problem := misplaced(project, f"c{number:03}", case, reason)) is not None
    ]


def misplaced(project: Sandbox, folder: str, case: Case, reason: Judgement) -> str | None:
    """What is wrong with a reason's kind, subject, file or line."""
    if reason["kind"] not in ("code", "observed", "dep"):
        return "not a kind that an edit of code has"
    file = reason["file"]
    if file is None or not file.startswith(f"{folder}/"):
        return "not a file of the case"
    path = file.removeprefix(f"{folder}/")
    text = apply(case).get(path) or case.files.get(path)
    if path == "pivot.yaml" and (reason["kind"] == "dep" or reason["new"] is None):
        return None
    if text is None:
        return "a file that is not there"
    if path.endswith(".ipynb"):
        return None  # lines are those of its code cells
    lines = text.splitlines()
    if not 1 <= (reason["line"] or 0) <= max(len(lines), 1):
        return "a line that is not there"
    module, _, name = reason["subject"].partition(":")
    if not module:
        return "no subject"
    defined = name.split(" in ")[0]
    named = defined.isidentifier() and path.endswith(".py") and defined != "__doc__"
    if named and not any(defined in line for line in lines[reason["line"] - 1 :][:12]):
        return "a definition that does not stand there"
    return None


@pytest.mark.parametrize("share", range(len(SHARES)))
def test_the_table_of_cases_through_the_command_line(project: Sandbox, share: int) -> None:
    cases = SHARES[share]
    lay_out(project, cases)
    project.run("commit").ended()
    before = judgements(project, cases)
    assert [stage["state"] for stage in before] == ["fresh"] * len(cases)

    edit(project, cases)

    after = judgements(project, cases)
    wrong = [
        fault
        for number, (case, judged) in enumerate(zip(cases, after, strict=True))
        for fault in faults(project, number, case, judged)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_the_cases_that_a_run_has_to_show(project: Sandbox) -> None:
    lay_out(project, OBSERVED)
    project.run("repro").ended()
    for number, case in enumerate(OBSERVED):
        seen = project.lock(f"c{number:03}/pivot.yaml:run")["observed"]
        assert set(seen) <= set(case.observed)
    assert set(project.states().values()) == {"fresh"}

    edit(project, OBSERVED)

    after = judgements(project, OBSERVED)
    wrong = [
        fault
        for number, (case, judged) in enumerate(zip(OBSERVED, after, strict=True))
        for fault in faults(project, number, case, judged)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_console_scripts_of_the_project_itself(project: Sandbox) -> None:
    kinds: dict[str, list[Case]] = {}
    for case in ROOTED:
        kinds.setdefault(pipeline_text(case) + repr(case.files), []).append(case)
    for cases in kinds.values():
        project.write({path: text.encode() for path, text in cases[0].files.items()})
        project.write({"pivot.yaml": pipeline_text(cases[0]).encode(), "made.txt": b""})
        project.write({".gitignore": "made.txt\n"})
        project.commit()
        project.run("commit").ended()
        for case in cases:
            for path, text in apply(case).items():
                (project.root / path).write_text(text)
            assert project.states() == {"run": "stale" if case.stale else "fresh"}, case
            for path in {change.file for change in case.edits} - {*case.files}:
                project.remove(path)
            project.write({path: text.encode() for path, text in case.files.items()})


def test_nothing_of_the_table_is_left_out() -> None:
    assert sum(map(len, SHARES)) + len(OBSERVED) + len(ROOTED) == len(READABLE)
