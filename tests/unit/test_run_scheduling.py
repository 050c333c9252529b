"""Whatever the graph, the failures and the limits: the run loop starts what may run, and only that."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pivot import graph as graphs
from pivot.errors import RunError
from pivot.model import Command, Decision, Dep, Out, Pipeline, Reason, Stage
from pivot.run.job import Job, Outcome
from pivot.run.launch import Launcher
from pivot.run.loop import Loop, RunOptions, Stopped
from pivot.run.settle import Settled

CAPACITY = {"gpu": 2, "memory": 5}


@dataclass
class Case:
    """A pipeline, and what becomes of each stage."""

    stages: list[Stage]
    failing: frozenset[str]
    fresh: frozenset[str]
    unmakeable: frozenset[str]  # whose outputs cannot be set aside
    jobs: int
    keep_going: bool
    seed: int
    interrupt_after: int | None = None

    @property
    def names(self) -> list[str]:
        return [stage.name for stage in self.stages]


@st.composite
def cases(draw: st.DrawFn, *, interrupted: bool = False) -> Case:
    count = draw(st.integers(1, 9))
    stages = []
    for number in range(count):
        above = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        stages.append(
            Stage(
                name=f"s{number}",
                file="pivot.yaml",
                line=number + 1,
                entry=Command((f"make {number}",)),
                deps=tuple(Dep(f"out{up}") for up in sorted(above)),
                outs=(Out(f"out{number}"),),
                mutex=tuple(sorted(draw(st.sets(st.sampled_from("ab"), max_size=2)))),
                resources=draw(
                    st.fixed_dictionaries(
                        {}, optional={k: st.integers(0, most) for k, most in CAPACITY.items()}
                    )
                ),
            )
        )
    some = st.frozensets(st.sampled_from([stage.name for stage in stages]), max_size=3)
    return Case(
        stages,
        failing=draw(some),
        fresh=draw(some),
        unmakeable=draw(st.just(frozenset[str]()) | some),
        jobs=draw(st.integers(1, 4)),
        keep_going=draw(st.booleans()),
        seed=draw(st.integers(0, 1000)),
        interrupt_after=draw(st.integers(0, 6)) if interrupted else None,
    )


@dataclass
class Machine:
    """An executor in which stages end at random, and which watches every limit."""

    case: Case
    running: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    waits: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.case.seed)
        self.stages = {stage.name: stage for stage in self.case.stages}

    def submit(self, job: Job) -> None:
        self.running.append(job.stage)
        self.started.append(job.stage)
        assert len(self.running) <= self.case.jobs
        stages = [self.stages[name] for name in self.running]
        mutexes = Counter(name for stage in stages for name in stage.mutex)
        assert all(count == 1 for count in mutexes.values())
        for resource, most in CAPACITY.items():
            assert sum(stage.resources.get(resource, 0) for stage in stages) <= most
        for dep in self.stages[job.stage].deps:
            assert f"s{dep.path.removeprefix('out')}" not in self.running

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        self.waits += 1
        assert self.waits < 500, "nothing goes on any more"
        count = self.rng.randint(0, len(self.running))
        return [self._end(name) for name in self.rng.sample(self.running, count)]

    def _end(self, name: str, *, stopped: bool = False) -> Outcome:
        self.running.remove(name)
        self.ended.append(name)
        ok = name not in self.case.failing and not stopped
        return Outcome(name, ok=ok, error=None if ok else "failed", stopped=stopped)

    def kill(self, stage: str) -> None:
        return

    def terminate_all(self, grace: float = 5.0) -> list[Outcome]:
        return [self._end(name, stopped=True) for name in list(self.running)]

    def close(self) -> None:
        return


class Outputs:
    """Counts which stages have their outputs set aside."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.aside: set[str] = set()
        self.back: list[str] = []

    def prepare(self, stage: Stage) -> tuple[str, ...]:
        assert stage.name not in self.aside
        if stage.name in self.case.unmakeable:
            raise RunError("no room")
        self.aside.add(stage.name)
        return ()

    def roll_back(self, stage: Stage) -> None:
        self.aside.discard(stage.name)
        self.back.append(stage.name)

    def settle(self, stage: Stage, decision: Decision, outcome: Outcome) -> Settled:
        self.aside.remove(stage.name)
        return Settled() if outcome.ok else Settled(outcome.error)

    def restore(self, stage: Stage, decision: Decision) -> None:
        return

    def renew(self, stage: Stage, decision: Decision) -> bool:
        return False

    def was_changed_by_hand(self, stage: Stage) -> bool:
        return False


class Nothing:
    """What has yet to come: nothing."""

    def absent(self, _: Stage) -> list[str]:
        return []


class Judge:
    """Decides as the case says."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.judged: list[str] = []
        self.awaited = Nothing()

    def decide(self, stage: Stage, decisions: object) -> Decision:
        self.judged.append(stage.name)
        if stage.name in self.case.fresh:
            return Decision(stage.name, "fresh", "none", (), None)
        key: Any = "some key"  # only whether there is one counts here
        return Decision(stage.name, "stale", "run", (Reason("never-run", stage.name),), key)

    def explain(self, stage: Stage, decision: Decision) -> Decision:
        return decision

    def manifest(self, stage: Stage) -> None:
        return

    def force(self, name: str) -> None:
        return


@dataclass
class World:
    loop: Loop
    machine: Machine
    outputs: Outputs
    judge: Judge
    graph: Any


def world(case: Case) -> World:
    pipeline = Pipeline(stages={stage.name: stage for stage in case.stages})
    graph = graphs.build(pipeline)
    project = SimpleNamespace(
        root="/project",
        settings={
            "core.resources": CAPACITY,
            "core.fsync": False,
            "code.track": True,
            "code.observe": False,
        },
        git=None,
    )
    space: Any = SimpleNamespace(
        project=project,
        pipeline=pipeline,
        graph=graph,
        observer=SimpleNamespace(progress=None, observe=lambda path, check: "there"),
        params=SimpleNamespace(values=lambda stage: {}),
        absolute=lambda path: f"/project/{path}",
    )
    machine = Machine(case)
    launcher = Launcher(
        space, lambda: "python", jobs=case.jobs, make=lambda *_args, **_options: machine
    )
    outputs, judge = Outputs(case), Judge(case)

    def signals() -> int:
        return int(case.interrupt_after is not None and machine.waits >= case.interrupt_after)

    options = RunOptions(jobs=case.jobs, keep_going=case.keep_going, run_cache=False)
    loop = Loop(space, launcher, outputs, options, signals)  # type: ignore[arg-type]
    loop._survey = judge  # type: ignore[assignment]
    loop._settler = outputs  # type: ignore[assignment]
    loop._handed_over = True  # git has no part in this
    return World(loop, machine, outputs, judge, graph)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_every_stage_ends_once_and_as_it_must(case: Case) -> None:
    w = world(case)

    events = list(w.loop.events(list(w.graph.order)))

    finished = [event for event in events if event.event == "stage_finished"]
    status = {event.stage: event.status for event in finished}
    assert sorted(status) == sorted(case.names)
    assert len(finished) == len(case.names)
    assert Counter(status.values()) == Counter({k: v for k, v in w.loop.counts.items() if v})
    assert not w.machine.running
    assert not w.outputs.aside
    assert len(set(w.machine.started)) == len(w.machine.started)

    bad = {name for name, how in status.items() if how == "failed"}
    assert set(w.loop.failed) == bad
    below = set(w.graph.downstream(sorted(bad))) - bad
    for name in case.names:
        if name in below:
            assert status[name] == "blocked"
            assert name not in w.machine.started
        elif status[name] == "failed":
            assert name in case.failing | case.unmakeable
        elif status[name] == "ran":
            assert name in w.machine.ended
            assert name not in case.failing | case.fresh
    if case.keep_going:
        assert "skipped" not in status.values()
        for name in set(case.names) - below:
            assert status[name] in ("fresh" if name in case.fresh else "ran", "failed")
    elif not bad:
        assert set(status.values()) <= {"ran", "fresh"}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(interrupted=True))
def test_an_interrupt_brings_every_running_stage_s_outputs_back(case: Case) -> None:
    w = world(case)
    running: list[str] = []
    try:
        for event in w.loop.events(list(w.graph.order)):
            if event.event == "stage_started":
                running.append(event.stage or "")
            if event.event == "stage_finished" and event.stage in running:
                running.remove(event.stage or "")
    except Stopped:
        assert not running, "each stage that started is told to have ended"
    assert not w.machine.running
    assert not w.outputs.aside


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(), st.integers(1, 12))
def test_a_listener_that_goes_away_ends_the_run_cleanly(case: Case, after: int) -> None:
    w = world(case)
    events = w.loop.events(list(w.graph.order))

    for _ in range(after):
        if next(events, None) is None:
            break
    events.close()  # type: ignore[attr-defined]

    assert not w.machine.running
    assert not w.outputs.aside


def test_as_many_run_at_once_as_may() -> None:
    stages = [
        Stage(f"s{n}", "pivot.yaml", 1, Command(("x",)), outs=(Out(f"out{n}"),)) for n in range(5)
    ]
    case = Case(stages, frozenset(), frozenset(), frozenset(), jobs=3, keep_going=False, seed=0)
    w = world(case)
    most = 0
    for _ in w.loop.events(list(w.graph.order)):
        most = max(most, len(w.machine.running))
    assert most == 3


def test_a_defect_while_settling_brings_the_outputs_back(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage("s0", "pivot.yaml", 1, Command(("x",)), outs=(Out("out0"),))
    case = Case([stage], frozenset(), frozenset(), frozenset(), jobs=1, keep_going=False, seed=1)
    w = world(case)

    def settle(*_: object) -> Settled:
        raise RuntimeError("a defect")

    monkeypatch.setattr(w.outputs, "settle", settle)
    with pytest.raises(RuntimeError):
        list(w.loop.events(["s0"]))
    assert not w.outputs.aside
