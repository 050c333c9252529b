"""Generated projects, read by DVC and by Pivot: the same stages and edges, or both refuse.

What is generated is fixed by seeds. Each corner case that tools get wrong has to occur often enough
in what is accepted and, where there is something to refuse, in what is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from breakers import BREAKERS
from corners import CORNERS, misspelt
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from peers import DVC, Both, Server
from read_by_pivot import read
from resolved_by_dvc import plain, said, write
from sketch import Case, Sketch

pytestmark = pytest.mark.skipif(not Path(DVC).exists(), reason="PIVOT_TEST_DVC names no DVC")
Note = Callable[[str, object], None]

#: What can never run is refused although DVC loads it: commands and keys of params that are empty or
#: no texts, an axis that is a text of which DVC takes the letters, keys of mappings that are lists.
STRICTER = re.compile(
    r"cmd(\[\d+\])?:? (is empty|takes|is only)|params\[\d+\](\.[\w.]+\[0\])? (is empty|takes a key)"
    r"|matrix axis '\w+' takes a list|a list cannot be a key"
)


@st.composite
def projects(draw: Any, corner: int, beside: int = 2) -> Case:
    """A project with the corner in it, a few others beside it, and often something wrong."""
    s = Sketch(draw)
    s.folder = s.pick(".", ".", "sub", "a/b")
    CORNERS[corner](s)
    for other in s.some(tuple(CORNERS), 0, beside):
        s.folder = s.pick(".", s.folder, "sub", "other")
        CORNERS[other](s)
    broken = None
    if s.often(45):
        s.folder = s.pick(".", "sub", "wrong")
        BREAKERS[corner](s)
        broken = corner
    return s.done(broken)


@st.composite
def errors(draw: Any) -> Case:
    """A project in which one expression may be misspelt: `notes` say how, and where."""
    s = Sketch(draw)
    s.folder = s.pick(".", "sub")
    misspelt(s)
    return s.done(15 if s.notes else None)


def generated(strategy: st.SearchStrategy[Case], count: int, start: int) -> list[Case]:
    cases: list[Case] = []

    @seed(start)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


def judged(cases: list[Case], dvc: Server) -> list[tuple[Case, Any, Any]]:
    """Each case with what DVC and Pivot say of it."""
    answers: list[Any] = []
    for start in range(0, len(cases), 100):
        answers += dvc.ask({"load": [case.files for case in cases[start : start + 100]]})
    ours = [json.loads(json.dumps(plain(read(case.files)), default=said)) for case in cases]
    return list(zip(cases, answers, ours, strict=True))


def disagreement(theirs: Any, ours: Any) -> str | None:
    """What one tool says and the other does not; None where they agree."""
    if "stages" not in theirs:
        if "refused" in ours or "crashed" in theirs:  # a crash of DVC's own is no judgement
            return None
        return f"DVC refuses, Pivot does not: {theirs['refused']}"
    if "stages" not in ours:
        if STRICTER.search(ours["refused"]):
            return None
        return f"Pivot refuses, DVC does not: {ours['refused']}"
    # edges of records are compared by the command line, which draws them
    records = set(theirs["data"])
    edges = [edge for edge in theirs["edges"] if not records.intersection(edge)]
    theirs = {**theirs, "edges": edges}
    for one in (theirs, ours):
        for stage in one["stages"].values():
            # values that expressions put there: DVC keeps them as they are, and cannot run them
            stage["cmd"] = _text(stage["cmd"])
            stage["desc"] = _text(stage["desc"])
    differing = [
        f"{part} {name}: DVC {_of(theirs, part).get(name)}, Pivot {_of(ours, part).get(name)}"
        for part in theirs
        for name in {**_of(theirs, part), **_of(ours, part)}
        if _of(theirs, part).get(name) != _of(ours, part).get(name)
    ]
    return "\n".join(differing) or None


def _of(answer: Any, part: str) -> dict[str, Any]:
    found = answer[part]
    return found if isinstance(found, dict) else {repr(item): True for item in found}


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value if value is None else str(value).lower()


def counts(judgements: list[tuple[Case, Any, Any]]) -> Counter[tuple[int, str]]:
    """How often each corner was accepted, and refused for what was wrong in it."""
    found: Counter[tuple[int, str]] = Counter()
    for case, theirs, _ in judgements:
        if "stages" in theirs:
            found.update((corner, "accepted") for corner in case.corners)
        elif case.broken is not None:
            found[case.broken, "refused"] += 1
    return found


def settle(judgements: list[tuple[Case, Any, Any]], record: Note) -> Counter[tuple[int, str]]:
    """The counts, also for the table at the end; fails with the smallest case of disagreement."""
    found = counts(judgements)
    record("distribution", [[*key, number] for key, number in found.items()])
    record("cases", len(judgements))
    wrong = [
        (sum(map(len, case.files.values())), str(said), case)
        for case, theirs, ours in judgements
        if (said := disagreement(theirs, ours))
    ]
    if wrong:
        _, said, case = min(wrong, key=lambda item: item[:2])
        files = "\n".join(f"--- {path}\n{text}" for path, text in case.files.items())
        pytest.fail(f"{len(wrong)} cases; the smallest: {case.notes}\n{said}\n{files}")
    return found


SAMPLE = [(corner, 14, 1) for corner in CORNERS]
ALL = [(corner, 330, start) for corner in CORNERS for start in (2, 3)]


@pytest.mark.parametrize(
    ("corner", "count", "start"),
    [*SAMPLE, *(pytest.param(*case, marks=pytest.mark.thorough) for case in ALL)],
)
def test_the_same_projects(
    corner: int, count: int, start: int, dvc: Server, record_property: Note
) -> None:
    judgements = judged(generated(projects(corner), count, start), dvc)
    found = settle(judgements, record_property)
    accepted, refused = (50, 20) if count > 50 else (2, 1)
    assert found[corner, "accepted"] >= accepted
    assert found[corner, "refused"] >= refused


@pytest.mark.parametrize("count", [40, pytest.param(300, marks=pytest.mark.thorough)])
def test_errors_say_where_and_what_was_meant(
    count: int, dvc: Server, record_property: Note
) -> None:
    judgements = judged(generated(errors(), count, 4), dvc)
    found = settle(judgements, record_property)
    for case, _, ours in judgements:
        if case.broken:
            file, stage, expression, meant = case.notes
            text = ours["refused"]
            assert re.search(rf"^{re.escape(file)}:\d+", text, re.MULTILINE), (text, case.notes)
            assert f"stage '{stage}" in text, (text, case.notes)
            assert expression in text, (text, case.notes)
            assert meant in text.replace(expression, ""), (text, case.notes)
    accepted, refused = (50, 20) if count > 50 else (2, 2)
    assert found[15, "accepted"] >= accepted
    assert found[15, "refused"] >= refused


@pytest.mark.parametrize("count", [1, pytest.param(12, marks=pytest.mark.thorough)])
def test_the_command_line_shows_the_same(
    count: int, both: Callable[[str], Both], dvc: Server
) -> None:
    """`list` and `dag` of real folders, records of tracked data and their edges included."""
    shown = 0
    for corner in CORNERS:
        cases = generated(projects(corner), count * 3, 5)
        answers = dvc.ask({"load": [case.files for case in cases]})
        sound = [pair for pair in zip(cases, answers, strict=True) if "stages" in pair[1]]
        for case, theirs in sound[:count]:
            if "refused" in read(case.files):
                continue  # what Pivot is stricter about
            project = both(f"case{shown}")
            write(str(project.root), case.files)
            listed = project.pivot("list", "--json").well().json["stages"]
            data = [name for name, record in theirs["data"].items() if record["outs"]]
            assert {stage["name"] for stage in listed} == {*theirs["stages"], *data}
            deps = {stage["name"]: sorted(set(stage["deps"])) for stage in listed}
            assert {name: deps[name] for name in theirs["stages"]} == {
                name: stage["deps"] for name, stage in theirs["stages"].items()
            }
            drawn = project.pivot("dag", "--json").well().json
            assert sorted(drawn["edges"]) == theirs["edges"], case.files
            shown += 1
    assert shown >= count * len(CORNERS) // 2
